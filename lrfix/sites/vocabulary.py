"""The names of torch's schedulers and optimizers: the field's vocabulary, kept in one place."""

from __future__ import annotations

import ast

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
