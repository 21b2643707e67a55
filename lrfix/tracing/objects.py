"""The objects of a trace as they come to be: built by a call in sight, or shown by their use."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from lrfix.sites.vocabulary import words
from lrfix.tracing import amounts, library
from lrfix.tracing.events import Kind
from lrfix.tracing.holding import objects_in
from lrfix.tracing.machine import Machine
from lrfix.tracing.values import (
    MISSING,
    Bound,
    ClassValue,
    Function,
    Given,
    Imported,
    Known,
    Optimizer,
    Partial,
    Scaler,
    Scheduler,
    Unknown,
    Value,
    known,
)

#: What is read off an optimizer or a scheduler, and off no settings; and how many other reads speak of those.
_READ_OFF = frozenset({".step", ".zero_grad", ".param_groups", ".state_dict", ".load_state_dict", ".state"})
_FEWEST = 2
_METHODS = frozenset({"step", "zero_grad", "state_dict", "load_state_dict", "get_last_lr", "get_lr", "scale", "update"})


def build_optimizer(machine: Machine, cls: str | None, given: Given, node: ast.AST, package: str = "") -> Optimizer:
    """An optimizer that a call in sight builds; ``package`` is where its class comes from."""
    arguments = dict(zip(("params", "lr"), given.arguments, strict=False)) | given.keywords
    found = Optimizer("", cls or "?", node, arguments, given.hidden, package=package)
    machine.emit(Kind.BUILD, node, found)
    return found


def build_scheduler(
    machine: Machine, cls: str | None, given: Given, node: ast.AST, parameters: tuple[str, ...] | None = None
) -> Scheduler:
    """A scheduler that a call in sight builds; ``cls`` is its class, None where a setting chooses it."""
    stated = library.SCHEDULERS.get(cls or "") or library.FACTORIES.get(cls or "", ("optimizer",))
    arguments = dict(zip(parameters or stated, given.arguments, strict=False)) | given.keywords
    found = Scheduler("", cls, node, arguments, given.hidden)
    found.children = tuple(thing for thing in objects_in(given.all) if isinstance(thing, Scheduler))
    found.optimizer = _optimizer_of(machine, arguments.get("optimizer", MISSING), given)
    if found.optimizer is None and found.children:
        found.optimizer = found.children[0].optimizer
    if "lr_lambda" in arguments:
        found.parts["lengths"] = _asked_lengths(machine, arguments["lr_lambda"], node)
    machine.emit(Kind.BUILD, node, found)
    return found


def _asked_lengths(machine: Machine, function: Value, node: ast.AST) -> list[Value]:
    """What the function of a LambdaLR divides its step by."""
    first = function[0] if isinstance(function, list | tuple) and function else function
    if not isinstance(first, Function | Partial | Bound):
        return []
    machine.shares.clear()
    machine.asking = True
    try:
        machine.call(first, Given([Unknown("step", moving=True)]), node, "lr_lambda")
    finally:
        machine.asking = False
    one = amounts.amount(1)
    wholes = [
        amounts.divide(one, share.scale) if share.scale is not None else share.parts["whole"]
        for share in machine.shares
        if one is not None
    ]
    return [whole for whole in wholes if whole is not None and whole.units]


def own_object(machine: Machine, cls: ClassValue, given: Given, node: ast.AST) -> Known | None:
    """An object of a class of the file that is, by its bases, a torch scheduler or optimizer."""
    bases = [base.qualified for base in cls.lineage() if isinstance(base, Imported)]
    if any(library.is_scheduler_base(base) for base in bases):
        found = build_scheduler(machine, cls.node.name, given, node, _parameters(cls))
        found.own = cls
        return found
    if any(library.is_optimizer_base(base) for base in bases):
        optimizer = build_optimizer(machine, cls.node.name, given, node)
        optimizer.own = cls
        return optimizer
    return None


def role(machine: Machine, value: Unknown, method: str, given: Given) -> Known | None:
    """What calling ``method`` on an unknown shows it to be, by its name; bound on the object, once."""
    if value.known is not None or not (method in _METHODS or method.endswith("_step")):
        return value.known
    if library.names_scaler(value.path) and method in ("step", "scale", "update"):
        value.known = Scaler(value.path)
    elif library.names_scheduler(value.path) and method not in ("zero_grad", "scale", "update"):
        value.known = Scheduler(value.path, optimizer=_given_optimizer(value), origin=value.origin, caller=value.caller)
    elif library.names_optimizer(value.path) and method not in ("scale", "update", "get_lr", "get_last_lr"):
        # What wraps an optimizer and is called one stands for it: its groups are those of the one inside.
        value.known = _given_optimizer(value) or Optimizer(value.path, origin=value.origin, caller=value.caller)
    return value.known


def handed(machine: Machine, value: Unknown, given: Given) -> Known | None:
    """What an unknown is that is handed on, by its name; the settings of the run are neither, whatever their name."""
    return value.known if _holds_settings(value) else role(machine, value, "step", given)


def _holds_settings(value: Unknown) -> bool:
    read = {key for key in value.parts if isinstance(key, str) and key.startswith(".")}
    if library.names_settings(value.path) or (len(read) >= _FEWEST and not read & _READ_OFF):
        return True
    return isinstance(value.origin, ast.Call) and library.reads_settings(ast.unparse(value.origin.func))


def made(machine: Machine, value: Value, target: str) -> None:
    """What unknown code made of an optimizer and, by its own name or by that of ``target``, is a scheduler: one of
    unknown class, on that."""
    if not isinstance(value, Unknown) or value.known is not None or value.origin is None:
        return
    name, called, rest = value.path.partition("(...)")
    makes = called and not rest and library.makes_only_scheduler(name, target)
    optimizer = _given_optimizer(value) if makes else None
    if optimizer is not None:
        value.known = Scheduler("", None, origin=value.origin, optimizer=optimizer, caller=value.caller)
        value.known.arguments, value.known.qualified = dict(value.keywords), value.maker
        machine.emit(Kind.BUILD, value.origin, value.known)


def made_together(machine: Machine, source: Value, values: Sequence[Value]) -> None:
    """An optimizer and a scheduler that one call of unknown code made of neither: the one is on the other."""
    if not isinstance(source, Unknown) or any(known(v) is not None for v in source.given):
        return
    name, called, rest = source.path.partition("(...)")
    if not called or rest or library.only_looks(name) or library.prepares(name):
        return
    unbound = [v for v in values if isinstance(v, Unknown) and v.known is None and not v.path.endswith("s")]
    optimizers = [v for v in unbound if library.names_optimizer(v.path)]
    schedulers = [v for v in unbound if library.names_scheduler(v.path)]
    if len(optimizers) != 1 or len(schedulers) != 1 or source.origin is None:
        return
    (one,), (other,) = optimizers, schedulers
    one.known = Optimizer(one.path, origin=source.origin, caller=source.caller)
    other.known = Scheduler(other.path, origin=source.origin, optimizer=one.known, caller=source.caller)
    machine.emit(Kind.BUILD, source.origin, other.known)


def plain_optimizer(value: Unknown) -> Optimizer | None:
    """An unknown that is called an optimizer and nothing else, and is no part of the settings."""
    last = value.path.rpartition(".")[2]
    if words(last)[-1:] != ("optimizer",) or library.names_settings(value.path) or "(" in value.path:
        return None
    value.known = Optimizer(value.path, origin=value.origin, caller=value.caller)
    return value.known


def _optimizer_of(machine: Machine, value: Value, given: Given) -> Optimizer | None:
    thing = known(value)
    if isinstance(thing, Optimizer):
        return thing
    if isinstance(thing, Scheduler):
        return thing.optimizer
    if isinstance(value, Unknown):
        bound = role(machine, value, "step", given)
        if bound is None:
            bound = value.known = Optimizer(value.path)
        return bound if isinstance(bound, Optimizer) else None
    return None


def _given_optimizer(value: Unknown) -> Optimizer | None:
    """The optimizer that a factory was given which made the value."""
    found = [t for t in (known(v) for v in value.given) if isinstance(t, Optimizer)]
    return found[0] if len(found) == 1 else None


def _parameters(cls: ClassValue) -> tuple[str, ...]:
    initialiser = cls.find("__init__")
    if isinstance(initialiser, Function):
        return tuple(a.arg for a in (*initialiser.node.args.posonlyargs, *initialiser.node.args.args)[1:])
    base = next((b.last for b in cls.lineage() if isinstance(b, Imported) and b.last in library.SCHEDULERS), "")
    return library.SCHEDULERS.get(base, ("optimizer", "last_epoch"))


__all__ = [
    "build_optimizer",
    "build_scheduler",
    "handed",
    "made",
    "made_together",
    "own_object",
    "plain_optimizer",
    "role",
]
