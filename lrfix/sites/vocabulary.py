"""The names of torch's schedulers and optimizers: the field's vocabulary, kept in one place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from lrfix.names import Assigned, Binding, Names, Opaquely
from lrfix.trees import walk

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


def built_upon(tree: ast.AST) -> frozenset[str]:
    """The expressions that optimizers and their groups are built upon: a model's parameters, under any name."""
    found: list[ast.expr] = []
    for node in walk(tree):
        if isinstance(node, ast.Dict):
            found += [value for key, value in zip(node.keys, node.values, strict=True) if _is_params(key)]
        elif isinstance(node, ast.Assign) and any(map(looks_like_optimizer, node.targets)):
            call = node.value
            if isinstance(call, ast.Call):
                found += [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "params")]
    return frozenset(ast.unparse(node) for node in found if isinstance(node, ast.Name | ast.Attribute))


def _is_params(key: ast.expr | None) -> bool:
    return isinstance(key, ast.Constant) and key.value == "params"


def optimizer_call(names: Names, node: ast.expr | None) -> ast.Call | None:
    """The call that built the optimizer an expression stands for, where the same scope, or class, shows it."""
    if isinstance(node, ast.Call):
        return node
    if isinstance(node, ast.Attribute):
        return _attribute_call(names, node)
    if not isinstance(node, ast.Name):
        return None
    scope = names.owner(node.id, names.scope_of(node))
    if scope is None:
        return None
    binding = names.reaching(node.id, scope, node)
    handed_on = _handed_on(node.id, binding)
    if handed_on is not None:
        return optimizer_call(names, handed_on)
    if isinstance(binding, Assigned) and isinstance(binding.value, ast.Call) and not binding.index:
        return binding.value
    return None


def _attribute_call(names: Names, node: ast.Attribute) -> ast.Call | None:
    """The only value that the class around ever gives ``self.optimizer``."""
    owner = names.enclosing(node, ast.ClassDef)
    text = ast.unparse(node)
    if owner is None or not text.startswith("self."):
        return None
    values = [
        value
        for n in walk(owner)
        if isinstance(n, ast.Assign | ast.AnnAssign) and (value := n.value) is not None
        for target in (n.targets if isinstance(n, ast.Assign) else [n.target])
        if ast.unparse(target) == text
    ]
    if len(values) != 1:
        return None
    return optimizer_call(names, values[0]) if isinstance(values[0], ast.Call | ast.Name) else None


def _handed_on(name: str, binding: Binding | None) -> ast.Name | None:
    """The optimizer that a call was given and gave back, wrapped: ``model, opt = amp.initialize(model, opt)``.

    Under a condition it is the same optimizer either way.
    """
    if isinstance(binding, Opaquely) and len(binding.alternatives) == 1:
        binding = binding.alternatives[0]
    if not isinstance(binding, Assigned) or not binding.index or not isinstance(binding.value, ast.Call):
        return None
    return next((a for a in binding.value.args if isinstance(a, ast.Name) and a.id == name), None)


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
    {
        "momentum",
        "mu",
        "beta",
        "betas",
        "wd",
        "decayer",
        "temperature",
        "temp",
        "ema",
        "dropout",
        "noise",
        "diffusion",
        "kl",
    }
    | {"profiler", "timestep", "timesteps", "sigma", "alpha", "epsilon", "loss", "weightdecay", "mask"}
    | {
        "sparsity",
        "discount",
        "entropy",
        "exploration",
        "resolution",
        "curriculum",
        "task",
        "job",
        "request",
        "sampler",
    }
    | {"prune"}
)


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """The words of an identifier in lower case: ``WarmupLRScheduler2`` and ``warmup_lr_scheduler`` say the same."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    found = (word.rstrip("0123456789") or word for word in re.split(r"[_\W]+", spaced.lower()))
    return tuple(word for word in found if word)


def speaks_of_rate(name: str) -> bool:
    """Whether an identifier names a learning rate."""
    return bool(RATE_WORDS & set(words(name)))


def speaks_of_step(name: str) -> bool:
    """Whether an identifier names a position in training."""
    return bool(STEP_WORDS & set(words(name)))


#: Words of the name of a function that works out a rate without saying so.
SCHEDULE_WORDS = frozenset(
    {"warmup", "schedule", "scheduler", "sched", "anneal", "annealing", "decay", "cosine", "poly", "polynomial", "noam"}
    | {"linear", "exponential", "rsqrt", "sqrt", "lr", "step", "multistep", "cyclic", "triangular", "restart", "hold"}
    | {"factor", "multiplier", "mult", "onecycle", "policy", "wsd", "trapezoid", "trapezoidal", "invsqrt", "square"}
    | {"squareroot", "constant"}
)
_POSITION = frozenset(
    {"step", "epoch", "iter", "iteration", "it", "itr", "update", "progress", "t", "where", "timestamp"}
)
_POSITIONS = frozenset({"steps", "iters", "iterations", "epochs", "updates", "tokens"})
_COUNTING = frozenset(
    {"num", "n", "global", "current", "cur", "curr", "trained", "done", "seen", "processed", "consumed"}
)
_NO_POSITION = frozenset(
    {
        "total",
        "max",
        "warmup",
        "per",
        "size",
        "decay",
        "hold",
        "end",
        "start",
        "final",
        "milestone",
        "milestones",
        "len",
    }
    | {"length", "every", "interval", "freq", "mult", "cycle", "period", "stop", "cooldown", "anneal", "constant"}
    | {"restart", "first", "min", "schedule", "ratio", "lr", "rate", "fn", "func", "function", "type", "name", "mode"}
    | {"sizes", "scale", "factor", "gamma", "value", "values", "all", "ramp", "rampup", "burn", "unit", "loss", "opt"}
    | {"time", "timesteps", "plateau", "patience", "freeze", "annealing", "log", "save", "eval"}
)
_KEYED = frozenset({"param", "parameter", "hyperparameter", "hyperparam", "lr"})
_KEYS = frozenset({"name", "key"})
_FOREIGN = frozenset(
    {"jax", "optax", "flax", "tensorflow", "keras", "paddle", "mxnet", "mindspore", "chainer", "haiku", "jittor", "mlx"}
)


def names_position(name: str) -> bool:
    """Whether an identifier is, by its name, where training stands: ``it``, ``cur_iter``, ``num_updates``."""
    spoken = set(words(name))
    if spoken & _NO_POSITION:
        return False
    return bool(spoken & _POSITION) or bool(spoken & _POSITIONS and spoken <= _POSITIONS | _COUNTING)


def names_rate(name: str) -> bool:
    """Whether an identifier names a learning rate and nothing else that is called a rate."""
    spoken = words(name)
    return bool({"lr", "lrs", "lrate"} & set(spoken)) or (
        "learning" in spoken and bool({"rate", "rates"} & set(spoken))
    )


def names_rate_key(name: str) -> bool:
    """Whether an identifier holds the key of what is scheduled: ``group[self.param_name]``, ``group[lr_key]``."""
    spoken = set(words(name))
    return bool(spoken & _KEYED) and bool(spoken & _KEYS) and spoken <= _KEYED | _KEYS


def called_name(call: ast.Call) -> str:
    """The last name of what is called: ``linspace`` of ``np.linspace(...)``."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def identifiers(node: ast.AST) -> Iterator[str]:
    """All names in a piece of code: of variables, attributes, parameters, keys, and of the function itself."""
    for inner in walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr
        elif isinstance(inner, ast.arg):
            yield inner.arg
        elif isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            yield inner.name
        elif isinstance(inner, ast.Subscript):
            key = inner.slice.value if isinstance(inner.slice, ast.Constant) else None
            if isinstance(key, str):
                yield key


def foreign_framework(names: Names) -> bool:
    """Whether the file is written for another framework than torch."""
    roots = set()
    for node in names.nodes:
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            roots.add(node.module.split(".")[0])
    return bool(roots & _FOREIGN) and "torch" not in roots
