"""Schedulers that libraries bring along: torch's, and those of the packages that most training code builds on.

What is written here is their documented signatures, nothing about how they decay.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from lrfix.names import Defined, Names
from lrfix.sites.imported import definition_elsewhere
from lrfix.sites.vocabulary import torch_scheduler

TORCH: Mapping[str, tuple[str, ...]] = {
    "LambdaLR": ("optimizer", "lr_lambda", "last_epoch"),
    "MultiplicativeLR": ("optimizer", "lr_lambda", "last_epoch"),
    "StepLR": ("optimizer", "step_size", "gamma", "last_epoch"),
    "MultiStepLR": ("optimizer", "milestones", "gamma", "last_epoch"),
    "ConstantLR": ("optimizer", "factor", "total_iters", "last_epoch"),
    "LinearLR": ("optimizer", "start_factor", "end_factor", "total_iters", "last_epoch"),
    "ExponentialLR": ("optimizer", "gamma", "last_epoch"),
    "PolynomialLR": ("optimizer", "total_iters", "power", "last_epoch"),
    "CosineAnnealingLR": ("optimizer", "T_max", "eta_min", "last_epoch"),
    "CosineAnnealingWarmRestarts": ("optimizer", "T_0", "T_mult", "eta_min", "last_epoch"),
    "CyclicLR": ("optimizer", "base_lr", "max_lr", "step_size_up", "step_size_down"),
    "OneCycleLR": ("optimizer", "max_lr", "total_steps", "epochs", "steps_per_epoch", "pct_start"),
}
_WARMED = ("optimizer", "num_warmup_steps", "num_training_steps")
#: Functions of transformers that build a LambdaLR with a warmup.
WARMED_UP: Mapping[str, tuple[str, ...]] = {
    "get_constant_schedule_with_warmup": _WARMED[:2],
    "get_inverse_sqrt_schedule": _WARMED[:2],
    "get_linear_schedule_with_warmup": _WARMED,
    "get_cosine_schedule_with_warmup": _WARMED,
    "get_cosine_with_hard_restarts_schedule_with_warmup": _WARMED,
    "get_cosine_with_min_lr_schedule_with_warmup": _WARMED,
    "get_polynomial_decay_schedule_with_warmup": (*_WARMED, "lr_end", "power"),
    # Which one it builds depends on the name.
    "get_scheduler": ("name", *_WARMED),
}
_LIBRARIES: Mapping[str, tuple[str, ...]] = {
    **WARMED_UP,
    "WarmupConstantSchedule": ("optimizer", "warmup_steps"),
    "WarmupLinearSchedule": ("optimizer", "warmup_steps", "t_total"),
    "WarmupCosineSchedule": ("optimizer", "warmup_steps", "t_total"),
    "LinearWarmupCosineAnnealingLR": ("optimizer", "warmup_epochs", "max_epochs", "warmup_start_lr", "eta_min"),
}
_ROOTS = frozenset({"transformers", "pytorch_transformers", "diffusers", "pl_bolts"})

_Definition = ast.FunctionDef | ast.AsyncFunctionDef


def stock_scheduler(names: Names, call: ast.Call) -> str | None:
    """The name of the library's scheduler that a call builds; None where it is one of the project's own."""
    base = torch_scheduler(names, call.func)
    if base is not None:
        return base
    for qualified in sorted(names.qualified(call.func)):
        root, _, last = qualified.rpartition(".")
        if last in _LIBRARIES and (root.split(".")[0] in _ROOTS or not root):
            return last if not _defined(names, call.func) else None
    return None


def given(names: Names, call: ast.Call) -> Mapping[str, ast.expr]:
    """What a call gives to each parameter, by the parameter's name; positions count where the signature is known."""
    found = {k.arg: k.value for k in call.keywords if k.arg is not None}
    stock = stock_scheduler(names, call)
    known = {**TORCH, **_LIBRARIES}.get(stock or "") or _parameters(names, call.func)
    for parameter, value in zip(known, call.args, strict=False):
        if isinstance(value, ast.Starred):
            break
        found.setdefault(parameter, value)
    return found


def _defined(names: Names, node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and any(isinstance(b, Defined) for b in names.bindings(node.id, node))


def _parameters(names: Names, node: ast.expr) -> tuple[str, ...]:
    """The parameters of a function, class or method of the project, where it is clear which one is meant."""
    if isinstance(node, ast.Attribute):
        known = names.functions.get(node.attr, ())
        methods = {
            tuple(a.arg for a in (*n.args.posonlyargs, *n.args.args)[1:])
            for n in known
            if isinstance(names.parents[n], ast.ClassDef)
        }
        plain = not any("staticmethod" in ast.unparse(d) for n in known for d in n.decorator_list)
        if len(methods) == 1 and plain:
            return methods.pop()
    definition = definition_of(names, node)
    if isinstance(definition, ast.ClassDef):
        definition = _constructor(definition)
        return tuple(a.arg for a in _positional(definition)[1:]) if definition is not None else ()
    return tuple(a.arg for a in _positional(definition)) if definition is not None else ()


def definition_of(names: Names, node: ast.expr) -> _Definition | ast.ClassDef | None:
    """The one function or class of the project that an expression names."""
    known = names.bindings(node.id, node) if isinstance(node, ast.Name) else []
    only = known[0] if len(known) == 1 else None
    if not isinstance(only, Defined):
        elsewhere = definition_elsewhere(names, node)
        only = elsewhere[1] if elsewhere is not None else None
    return only.node if isinstance(only, Defined) else None


def _positional(function: _Definition) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args]


def _constructor(node: ast.ClassDef) -> ast.FunctionDef | None:
    return next((m for m in node.body if isinstance(m, ast.FunctionDef) and m.name == "__init__"), None)


def left_out(names: Names, call: ast.Call) -> list[str]:
    """The parameters that a call has to give a function or class of the project, and does not: it raises TypeError."""
    definition = definition_of(names, call.func)
    if definition is None or definition.decorator_list or any(k.arg is None for k in call.keywords):
        return []
    function = _constructor(definition) if isinstance(definition, ast.ClassDef) else definition
    plain = not isinstance(definition, ast.ClassDef) or not (definition.keywords or _makes_itself(definition))
    if function is None or function.decorator_list or not plain or any(isinstance(a, ast.Starred) for a in call.args):
        return []
    taken = _positional(function)[1 if isinstance(definition, ast.ClassDef) else 0 :]
    needed = taken[: len(taken) - min(len(taken), len(function.args.defaults))]
    words_only = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    by_name = [a for a, default in words_only if default is None]
    named = {k.arg for k in call.keywords}
    return [a.arg for a in (*needed[len(call.args) :], *by_name) if a.arg not in named]


def _makes_itself(node: ast.ClassDef) -> bool:
    return any(isinstance(m, ast.FunctionDef) and m.name == "__new__" for m in node.body)


__all__ = ["TORCH", "WARMED_UP", "given", "left_out", "stock_scheduler"]
