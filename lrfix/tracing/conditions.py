"""What a traced program decides: truth, comparisons, and assumptions about what it leaves open.

An assumption holds on the values that it is about, for the rest of the run: ``if args.plateau:`` twice goes the same
way, and ``args.sched == "cos"`` taken for true makes ``args.sched == "step"`` false.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from lrfix.finite import finite
from lrfix.sites.vocabulary import words
from lrfix.tracing.amounts import Amount, amount
from lrfix.tracing.events import Basis
from lrfix.tracing.machine import Machine
from lrfix.tracing.values import MISSING, Condition, Unknown, Value, known

_ORDER: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_PLAIN = (bool, int, float, str)
#: Of so many texts one is taken, where a condition asks for one of several.
_MOST_VALUES = 8
_DECIDABLE = (bool, int, float, str, list, tuple, dict, set, type(None))


def truth(machine: Machine, value: Value) -> tuple[bool | None, Basis]:
    """Whether a value is true, and why; None where the code leaves it open and nothing was assumed."""
    if isinstance(value, _DECIDABLE):
        return bool(value), Basis.KNOWN
    if isinstance(value, Amount):
        number = value.constant if value.constant is not None else value.stated
        return (bool(number), Basis.STATED) if number is not None else (None, Basis.DECIDED)
    if not isinstance(value, Unknown):
        return True, Basis.KNOWN
    if value.known is not None:
        return True, Basis.KNOWN
    if isinstance(value, Condition) and value.operation:
        return _joined(machine, value)
    answer = machine.assumed.get(_key(value))
    if value.stated is not MISSING and isinstance(value.stated, _DECIDABLE) and answer in (None, bool(value.stated)):
        return bool(value.stated), Basis.STATED
    return answer, Basis.DECIDED


def _joined(machine: Machine, value: Condition) -> tuple[bool | None, Basis]:
    answers = [truth(machine, part) for part in value.joined]
    if value.operation == "not":
        answer = answers[0][0]
        return (None if answer is None else not answer), answers[0][1]
    stops = value.operation == "or"
    if any(a is stops for a, _ in answers):
        return stops, next(basis for a, basis in answers if a is stops)
    if all(a is not None for a, _ in answers):
        return not stops, max((b for _, b in answers), key=list(Basis).index)
    return None, Basis.DECIDED


def assume(machine: Machine, value: Value, side: bool) -> None:
    """Take an open value for true or false from now on."""
    if not isinstance(value, Unknown) or value.known is not None:
        return
    if isinstance(value, Condition) and value.operation:
        if value.operation == "not":
            assume(machine, value.joined[0], not side)
            return
        if _joined(machine, value)[0] is side:
            return
        for part in value.joined:
            if truth(machine, part)[1] is not Basis.KNOWN and truth(machine, part)[0] is not side:
                assume(machine, part, side)
                if (value.operation == "or") is side:
                    return
        return
    machine.assumed[_key(value)] = side


def open_keys(value: Value) -> list[object]:
    """The keys of what an open condition is about."""
    if isinstance(value, Condition) and value.operation:
        return [key for part in value.joined for key in open_keys(part)]
    return [_key(value)] if isinstance(value, Unknown) and value.known is None else []


def guard_key(value: Value, side: bool, node: ast.AST) -> object:
    """The same for two tests of one condition on the same values."""
    while isinstance(value, Condition) and value.operation == "not":
        value, side = value.joined[0], not side
    if isinstance(value, Condition) and value.key is not None and not value.operation:
        return value.key, side
    if isinstance(value, Condition) and value.operation:
        return tuple(guard_key(part, side, node) for part in value.joined)
    if isinstance(value, Unknown) and not isinstance(value, Condition) and not value.moving:
        return ("truth", value.serial), side
    return id(node), side


def settled(value: Value) -> bool:
    """Whether a condition is about what holds for the whole run: options, not what a loop or a batch brings."""
    if isinstance(value, Condition) and value.operation:
        return all(settled(part) for part in value.joined)
    if isinstance(value, Condition):
        return value.key is not None and not value.measured
    return not isinstance(value, Unknown) or not (value.moving or value.measured)


def period_of(value: Value, side: bool) -> Amount | None:
    """How many turns pass between two in which the condition is met, where it asks for a remainder."""
    if isinstance(value, Condition) and value.operation == "not":
        return period_of(value.joined[0], not side)
    if isinstance(value, Condition) and value.operation in ("and", "or"):
        # ``(i + 1) % n == 0 or i + 1 == len(loader)``: once in n turns, and at the end.
        found = [p for p in (period_of(part, side) for part in value.joined) if p is not None]
        return found[0] if len(found) == 1 and (value.operation == "or") == side else None
    if isinstance(value, Condition):
        period, met = value.period if isinstance(value.period, tuple) else (None, True)
        return period if met is side else None
    if isinstance(value, Unknown) and value.divisor is not None and not side:
        return value.divisor if isinstance(value.divisor, Amount) else None
    return None


def main_process(test: ast.expr) -> bool | None:
    """What a condition is in the process that saves and reports for all, where it asks for that; else None."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        answer = main_process(test.operand)
        if answer is not None:
            return not answer
        return True if "rank" in words(_called(test.operand)) else None
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and "rank" in words(_called(test.left)):
        first = isinstance(test.comparators[0], ast.Constant) and test.comparators[0].value == 0
        if first and isinstance(test.ops[0], ast.Eq | ast.NotEq):
            return isinstance(test.ops[0], ast.Eq)
        return True if isinstance(test.ops[0], ast.In) else None
    spoken = set(words(_called(test)))
    return True if spoken >= {"main", "process"} or "master" in spoken or spoken >= {"rank", "zero"} else None


def _called(node: ast.expr) -> str:
    """The last name of an expression: ``is_main_process`` of ``accelerator.is_main_process()``."""
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def negated(machine: Machine, value: Value, text: str) -> Value:
    answer, basis = truth(machine, value)
    if answer is not None and basis is Basis.KNOWN:
        return not answer
    return Condition(text, operation="not", joined=(value,))


def compared(machine: Machine, op: ast.cmpop, left: Value, right: Value, text: str) -> Value:
    """A comparison: its answer where the code fixes it, else a condition."""
    if isinstance(op, ast.Is | ast.IsNot) or (right is None and isinstance(op, ast.Eq | ast.NotEq)):
        return _identity(left, right, isinstance(op, ast.IsNot | ast.NotEq), text)
    if isinstance(op, ast.In | ast.NotIn):
        return _membership(machine, left, right, isinstance(op, ast.NotIn), text)
    act = _ORDER.get(type(op))
    if act is None:
        return Condition(text)
    measured = any(isinstance(v, Unknown) and v.measured for v in (left, right))
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Unknown) and one.divisor is not None and not isinstance(other, Unknown):
            return Condition(text, period=(one.divisor, isinstance(op, ast.Eq)) if _equality(op) else None)
    if isinstance(left, _PLAIN) and isinstance(right, _PLAIN):
        return _answer(act, left, right, text)
    if any(isinstance(v, Unknown) and v.moving for v in (left, right)):
        return Condition(text)
    if _equality(op) and isinstance(left, Unknown) and isinstance(right, _PLAIN):
        return _equal(machine, left, right, isinstance(op, ast.NotEq), text)
    if _equality(op) and known(left) is not None and known(right) is not None:
        return (known(left) is known(right)) is isinstance(op, ast.Eq)
    found = Condition(text, (type(op).__name__, _identify(left), _identify(right)))
    found.measured = measured
    a, b = _stated(left), _stated(right)
    if a is not MISSING and b is not MISSING:
        answer = _answer(act, a, b, text)
        found.stated = answer if isinstance(answer, bool) else MISSING
    return found


def _equality(op: ast.cmpop) -> bool:
    return isinstance(op, ast.Eq | ast.NotEq)


def _answer(act: Callable[[Any, Any], Any], left: Value, right: Value, text: str) -> Value:
    try:
        return bool(act(left, right))
    except TypeError:
        return Condition(text)


def _identity(left: Value, right: Value, different: bool, text: str) -> Value:
    if right is not None and left is not None:
        a, b = known(left) or left, known(right) or right
        if isinstance(a, Unknown) or isinstance(b, Unknown):
            return Condition(text)
        return (a is b) is not different
    value = left if right is None else right
    if value is None:
        return not different
    if isinstance(value, Unknown) and value.known is None:
        one = Condition(text, ("none", value.serial))
        one.measured = value.measured
        if value.stated is not MISSING:
            one.stated = value.stated is None
        return Condition(text, operation="not", joined=(one,)) if different else one
    return different


def _membership(machine: Machine, left: Value, right: Value, absent: bool, text: str) -> Value:
    if isinstance(left, Unknown) and not left.moving and isinstance(right, list | tuple | set) and _few(right):
        # One of several values: what is taken of each of them holds here too.
        found: Value = Condition(text, operation="or", joined=[_equal(machine, left, v, False, text) for v in right])
        return Condition(text, operation="not", joined=(found,)) if absent else found
    if isinstance(left, _PLAIN) and isinstance(right, list | tuple | dict | set | str):
        plain = all(isinstance(v, _PLAIN) for v in right)
        if plain and (not isinstance(right, str) or isinstance(left, str)):
            return (left in right) is not absent
    key = ("in", _identify(left), _identify(right))
    one = Condition(text, key)
    if isinstance(left, Unknown) and isinstance(left.stated, _PLAIN) and isinstance(right, list | tuple | dict):
        one.stated = left.stated in right
    return Condition(text, operation="not", joined=(one,)) if absent else one


def _few(values: Collection[Value]) -> bool:
    return 0 < len(values) <= _MOST_VALUES and all(isinstance(value, str) for value in values)


def _equal(machine: Machine, left: Unknown, right: Value, different: bool, text: str) -> Value:
    """An unknown against a constant: one value at a time may be taken for it."""
    key = ("==", left.serial, right)
    for (kind, serial, value), side in [
        (k, s) for k, s in machine.assumed.items() if isinstance(k, tuple) and len(k) == 3 and k[0] == "=="
    ]:
        if kind == "==" and serial == left.serial and side and value != right:
            taken = machine.decided_at.get((kind, serial, value))
            if taken is None:
                return different
            # It was lrfix that took the other value: nothing is known by that, and another run may take this one.
            machine.decided_at.setdefault(key, taken)
            one = Condition(text, key)
            one.stated = False
            return Condition(text, operation="not", joined=(one,)) if different else one
    one = Condition(text, key)
    excluded = machine.assumed.get(("==", left.serial, left.stated)) is False if left.stated != right else False
    if isinstance(left.stated, (*_PLAIN, type(None))) and not excluded:
        one.stated = left.stated == right
    return Condition(text, operation="not", joined=(one,)) if different else one


def _stated(value: Value) -> Value:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Unknown) and isinstance(value.stated, _PLAIN):
        return value.stated
    if isinstance(value, Amount):
        number = value.constant if value.constant is not None else value.stated
        plain = finite(number)
        return plain if plain is not None else MISSING
    return MISSING


def _key(value: Unknown) -> object:
    return value.key if isinstance(value, Condition) and value.key is not None else ("truth", value.serial)


def _identify(value: Value) -> object:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Unknown):
        return value.serial
    number = amount(value)
    if number is not None:
        return number.key()
    plain = isinstance(value, list | tuple) and all(isinstance(v, _PLAIN) for v in value)
    return repr(value) if plain else _Itself(value)


class _Itself:
    """A value that equals no other. It is held, so that none that is made later takes its place."""

    def __init__(self, value: Value) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


__all__ = ["assume", "compared", "guard_key", "main_process", "negated", "open_keys", "period_of", "settled", "truth"]
