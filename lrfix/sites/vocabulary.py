"""The names of torch's schedulers and optimizers: the field's vocabulary, kept in one place."""

from __future__ import annotations

import ast
import re

from lrfix.names import Assigned, Names

SCHEDULERS = frozenset(
    {
        "LRScheduler",
        "_LRScheduler",
        "LambdaLR",
        "MultiplicativeLR",
        "StepLR",
        "MultiStepLR",
        "ConstantLR",
        "LinearLR",
        "ExponentialLR",
        "SequentialLR",
        "CosineAnnealingLR",
        "ChainedScheduler",
        "CyclicLR",
        "CosineAnnealingWarmRestarts",
        "OneCycleLR",
        "PolynomialLR",
        "ReduceLROnPlateau",
    }
)
FACTOR_SCHEDULERS = frozenset({"LambdaLR", "MultiplicativeLR"})
OPTIMIZER_NAMES = frozenset({"optimizer", "optim", "opt", "optimiser"})


def torch_scheduler(names: Names, node: ast.expr) -> str | None:
    """``LambdaLR`` for any expression that names torch's class of that name, through whatever import."""
    for qualified in sorted(names.qualified(node)):
        root, _, last = qualified.rpartition(".")
        if last not in SCHEDULERS:
            continue
        if root in ("torch.optim.lr_scheduler", "torch.optim"):
            return last
        if not root and _star_imported(names):
            return last
    return None


def _star_imported(names: Names) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module in ("torch.optim.lr_scheduler", "torch.optim")
        and any(alias.name == "*" for alias in node.names)
        for node in names.nodes
    )


def looks_like_optimizer(node: ast.expr) -> bool:
    """Whether an expression is, by its last name, an optimizer (``self.optimizer``, ``opt_d``)."""
    last = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    words = last.lower().strip("_").split("_")
    return any(word.rstrip("0123456789") in OPTIMIZER_NAMES or word.startswith("optim") for word in words)


def optimizer_call(names: Names, node: ast.expr | None) -> ast.Call | None:
    """The call that built the optimizer an expression stands for, where the same scope shows it."""
    if isinstance(node, ast.Call):
        return node
    if not isinstance(node, ast.Name):
        return None
    scope = names.owner(node.id, names.scope_of(node))
    if scope is None:
        return None
    binding = names.reaching(node.id, scope, node)
    if isinstance(binding, Assigned) and isinstance(binding.value, ast.Call) and not binding.index:
        return binding.value
    return None


def call_argument(call: ast.Call, position: int, keyword: str) -> ast.expr | None:
    """The argument given by position or keyword; None when absent or hidden behind ``*`` / ``**``."""
    for given in call.keywords:
        if given.arg == keyword:
            return given.value
    if len(call.args) > position and not any(isinstance(a, ast.Starred) for a in call.args[: position + 1]):
        return call.args[position]
    return None


GROUP_NAMES = frozenset({"group", "param_group", "pgroup", "param_grp", "pg", "parameter_group"})
STEP_WORDS = frozenset(
    {"step", "steps", "epoch", "epochs", "iter", "iters", "iteration", "iterations", "it", "itr", "batch", "update"}
    | {"updates", "progress", "tokens", "frac", "fraction", "global", "count", "counter", "num", "t", "idx", "niter"}
)
RATE_WORDS = frozenset({"lr", "lrs", "learning", "rate", "rates"})
#: Words of a name that say what a schedule is for when it is for something else than the rate.
OTHER_QUANTITIES = frozenset(
    {"momentum", "beta", "betas", "wd", "decayer", "temperature", "temp", "ema", "dropout", "noise", "diffusion", "kl"}
    | {"profiler", "timestep", "timesteps", "sigma", "alpha", "epsilon", "loss", "weightdecay", "mask", "sparsity"}
    | {"discount", "entropy", "exploration", "resolution", "curriculum", "task", "job", "request", "sampler", "prune"}
)


def words(name: str) -> list[str]:
    """The words of an identifier in lower case: ``WarmupLRScheduler`` and ``warmup_lr_scheduler`` say the same."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return [word for word in re.split(r"[_\W]+", spaced.lower()) if word]


def speaks_of_rate(name: str) -> bool:
    """Whether an identifier names a learning rate."""
    return bool(RATE_WORDS & set(words(name)))


def speaks_of_step(name: str) -> bool:
    """Whether an identifier names a position in training."""
    return bool(STEP_WORDS & set(words(name)))
