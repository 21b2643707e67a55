"""Python's own functions in a traced program: lengths and loops keep their units, what cannot be told is unknown."""

from __future__ import annotations

import ast
from fractions import Fraction

from lrfix.finite import finite
from lrfix.tracing.amounts import Amount, amount, divide, rounded
from lrfix.tracing.conditions import contained, identity
from lrfix.tracing.expressions import Expressions
from lrfix.tracing.iteration import length
from lrfix.tracing.library import FACTORIES, SCHEDULERS
from lrfix.tracing.objects import plain_optimizer
from lrfix.tracing.values import (
    MISSING,
    Condition,
    Given,
    Imported,
    Instance,
    Optimizer,
    Paired,
    Range,
    Unknown,
    Value,
    known,
)
from lrfix.trees import written

#: ``enumerate(zip(names, enumerate(loader)))``
_DEEPEST_PAIRS = 3
#: What every scheduler or optimizer is an instance of.
_GENERAL = frozenset({"LRScheduler", "_LRScheduler", "Optimizer", "object"})


class Builtins(Expressions):
    """What calls of Python's own functions give."""

    def call_builtin(self, name: str, given: Given, node: ast.AST) -> Value:
        first = given.arguments[0] if given.arguments else MISSING
        if name == "range" and given.arguments:
            bounds = given.arguments
            return Range(0, bounds[0]) if len(bounds) == 1 else Range(*bounds[:3])
        if name == "len" and first is not MISSING:
            found = length(first)
            shared = first.parts.get("processes") if isinstance(first, Unknown) else None
            if found is not None and shared is not None:  # what is prepared has the batches of one process
                found = divide(found, Amount({((shared, 1),): Fraction(1)}))
            whole = found.constant if found is not None else None
            if whole is not None:
                return int(whole)
            return found if found is not None else Unknown(written(node))
        if name in ("int", "round", "float", "abs") and first is not MISSING:
            if isinstance(first, int | float):
                return int(first) if name == "int" and finite(first) is not None else first
            number = amount(first)
            moves = isinstance(first, Unknown) and (first.moving or first.measured)
            return first if moves or number is None else rounded(number) if name in ("int", "round") else number
        if name in ("max", "min"):
            return _extreme(name, given, node)
        if name == "enumerate" and first is not MISSING:
            return _paired((first,), node, counted=True)
        if name == "zip" and given.arguments and not given.hidden:
            return _paired(tuple(given.arguments), node)
        if name in ("list", "tuple", "iter", "reversed", "sorted", "set") and first is not MISSING:
            return list(first) if isinstance(first, list | tuple) and name in ("list", "tuple") else first
        if name == "dict":
            return {**(first if isinstance(first, dict) else {}), **given.keywords}
        if name == "getattr" and len(given.arguments) > 1:
            return self._getattr(given, node)
        if name == "setattr" and len(given.arguments) == 3 and isinstance(first, Instance):
            if isinstance(given.arguments[1], str):
                first.attributes[given.arguments[1]] = given.arguments[2]
            return None
        if name == "hasattr" and len(given.arguments) == 2:
            return _has(first, given.arguments[1], node)
        if name == "isinstance" and len(given.arguments) == 2:
            return self._is_instance(first, given.arguments[1], node)
        if name == "next" and first is not MISSING:
            return Unknown("next element", measured=True)
        if name == "callable":
            return Condition(written(node), ("callable", identity(first)))
        if name == "type" and first is not MISSING and len(given.arguments) == 1:
            return self.attribute_of(first, "__class__", node)
        if name == "str" and isinstance(first, Unknown) and not first.moving:
            return first.made_into(str, "")
        return Unknown(written(node), measured=True)

    def _getattr(self, given: Given, node: ast.AST) -> Value:
        receiver, name = given.arguments[:2]
        if isinstance(name, str):
            return self.attribute_of(receiver, name, node)
        return Imported(f"{receiver.qualified}.?") if isinstance(receiver, Imported) else Unknown(written(node))

    def _is_instance(self, value: Value, kind: Value, node: ast.AST) -> Value:
        kinds = kind if isinstance(kind, tuple) else (kind,)
        thing = known(value)
        named = all(isinstance(each, Imported) for each in kinds)
        if value is None and named:
            return any(each.last == "NoneType" for each in kinds)
        lasts = {each.last for each in kinds if isinstance(each, Imported)}
        if thing is not None and named and thing.own is None and thing.cls not in (None, "?"):
            if not lasts & _GENERAL:
                return (thing.cls if thing.cls not in FACTORIES else "LambdaLR") in lasts
            if thing.cls != "ReduceLROnPlateau":  # which has not been one in every version of torch
                return True
        whose = value if isinstance(value, Unknown) and thing is None else thing
        if whose is not None and named and lasts <= SCHEDULERS.keys():
            # The classes of torch that schedule are no bases of each other.
            return contained(self.attribute_of(value, "__class__", node), kinds, written(node))
        return Condition(written(node), ("isinstance", identity(value), tuple(identity(each) for each in kinds)))


def _paired(sources: tuple[Value, ...], node: ast.AST, counted: bool = False) -> Value:
    """``enumerate`` or ``zip``; of pairs of pairs of pairs no loop needs the elements, which may double each time."""
    depth = 1 + max((source.depth for source in sources if isinstance(source, Paired)), default=0)
    return Paired(sources, counted, depth) if depth <= _DEEPEST_PAIRS else Unknown(written(node))


def _has(value: Value, name: Value, node: ast.AST) -> Value:
    """What every optimizer of torch has, ``param_groups``, and what none has by itself: an attribute ``lr``."""
    thing = known(value) or (plain_optimizer(value) if isinstance(value, Unknown) else None)
    if isinstance(thing, Optimizer) and thing.own is None and name in ("param_groups", "lr"):
        return name == "param_groups" or name in thing.parts
    return Condition(written(node), ("hasattr", identity(value), identity(name)))


def _extreme(name: str, given: Given, node: ast.AST) -> Value:
    """``max(1, n)`` is n; two open amounts are none that can be named."""
    values = given.arguments
    if values and all(isinstance(v, int | float) for v in values):
        return max(values) if name == "max" else min(values)
    opened = [v for v in values if not isinstance(v, int | float)]
    small = all(isinstance(v, Amount | Unknown) or v in (0, 1) for v in values)
    if name == "max" and len(opened) == 1 and len(values) == 2 and small:
        return opened[0]
    return Unknown(written(node))
