"""What a traced program decides: truth, comparisons, and assumptions about what it leaves open.

An assumption holds on the value that it is about, for the rest of the run and under all of its names: ``if
args.plateau:`` twice goes the same way, and ``args.sched == "cos"`` taken for true makes ``name in ("step", "exp")``
false where ``name`` is what was handed on. Every question to such a value goes through ``_question``.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from lrfix.finite import finite
from lrfix.sites.vocabulary import words
from lrfix.tracing.amounts import Amount, amount
from lrfix.tracing.beliefs import TRUE, Question, Test
from lrfix.tracing.events import Basis
from lrfix.tracing.machine import Machine
from lrfix.tracing.values import MISSING, Builtin, Condition, Imported, Unknown, Value, known

_ORDER: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.Lt: operator.lt,
    ast.Gt: operator.gt,
}
_OPPOSITES: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.NotEq: ast.Eq,
    ast.NotIn: ast.In,
    ast.IsNot: ast.Is,
    ast.LtE: ast.Gt,
    ast.GtE: ast.Lt,
}
_PLAIN = (bool, int, float, str)
_DECIDABLE = (bool, int, float, str, list, tuple, dict, set, type(None))


def truth(machine: Machine, value: Value) -> tuple[bool | None, Basis]:
    """Whether a value is true, and why; None where the code leaves it open and nothing was assumed."""
    if isinstance(value, _DECIDABLE):
        return bool(value), Basis.KNOWN
    if isinstance(value, Amount):
        number = value.constant if value.constant is not None else value.stated
        return (bool(number), Basis.STATED) if number is not None else (None, Basis.DECIDED)
    if not _is_asked(value):
        return True, Basis.KNOWN
    asked = _question(value)
    if asked is None:
        return _joined(machine, value)
    stated = _stated_answer(machine, value, asked)
    return (stated, Basis.STATED) if stated is not None else (machine.beliefs.answer(asked), Basis.DECIDED)


def _joined(machine: Machine, value: Value) -> tuple[bool | None, Basis]:
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


def assume(machine: Machine, value: Value, side: bool, at: ast.AST) -> None:
    """Take an open value for true or false from now on, because of the choice made at ``at``."""
    if not _is_asked(value):
        return
    asked = _question(value)
    if asked is not None:
        machine.beliefs.believe(asked, side, id(at))
    elif value.operation == "not":
        assume(machine, value.joined[0], not side, at)
    elif _joined(machine, value)[0] is not side:
        for part in value.joined:
            answer, basis = truth(machine, part)
            if basis is Basis.KNOWN or answer is side or (answer is not None and choices_behind(machine, part)):
                continue
            assume(machine, part, side, at)
            if (value.operation == "or") is side:
                return


def choices_behind(machine: Machine, value: Value) -> list[int]:
    """The nodes of the choices from which the answer to an open condition follows; none where it does not."""
    if not _is_asked(value):
        return []
    asked = _question(value)
    if asked is not None:
        return machine.beliefs.choices_behind(asked)
    found = [(part, choices_behind(machine, part)) for part in value.joined]
    stops = value.operation == "or"
    alone = next((places for part, places in found if places and truth(machine, part)[0] is stops), [])
    return alone or ([place for _, places in found for place in places] if all(places for _, places in found) else [])


def _is_asked(value: Value) -> bool:
    """Whether something is to be decided about a value: it is unknown."""
    return isinstance(value, Unknown) and value.known is None


def _question(value: Value) -> Question | None:
    """What the truth of an open value asks, None where it is of several values."""
    if not isinstance(value, Condition):
        return _asked_of(value, TRUE)
    if not value.operation:
        if value.test is not None:
            return _asked_of(value.about, value.test)
        return Question(value.key if value.key is not None else value.serial, TRUE)
    parts = [_question(part) for part in value.joined if _is_asked(part)]
    found = [part for part in parts if part is not None and parts[0] is not None and part.subject == parts[0].subject]
    return _composed(value.operation, found) if found and len(found) == len(value.joined) else None


def _asked_of(value: Value, test: Test) -> Question:
    """A test of what was made of a text asks about that text."""
    while isinstance(value, Unknown) and value.made_by is not None:
        value, function = value.made_by
        test = Test(_after(function, test.holds), test.constants, test.fragments)
    return Question(identity(value), test)


def _after(function: Callable[[Any], Any], holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: holds(function(value))


def _composed(operation: str, parts: Sequence[Question]) -> Question:
    tests = [part.test for part in parts]

    def holds(value: Value) -> bool:
        if operation == "not":
            return not tests[0].holds(value)
        return (any if operation == "or" else all)(test.holds(value) for test in tests)

    constants = tuple(constant for test in tests for constant in test.constants)
    fragments = tuple(fragment for test in tests for fragment in test.fragments)
    return Question(parts[0].subject, Test(holds, constants, fragments))


def _stated_answer(machine: Machine, value: Value, asked: Question) -> bool | None:
    """What the file's own default for a value answers, as long as nothing else was assumed of it."""
    stated = _default(value)
    if stated is MISSING or not isinstance(stated, _DECIDABLE) or not machine.beliefs.allow(asked.subject, stated):
        return None
    try:
        return bool(asked.test.holds(stated))
    except TypeError:
        return None


def _default(value: Value) -> Value:
    """What the file states for the one value that a condition is about."""
    while isinstance(value, Condition) and (value.operation or value.test is not None):
        value = value.joined[0] if value.operation else value.about
    while isinstance(value, Unknown) and value.made_by is not None:
        value = value.made_by[0]
    return value.stated if isinstance(value, Unknown) else _stated(value)


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


def compared(op: ast.cmpop, left: Value, right: Value, text: str) -> Value:
    """A comparison: its answer where the code fixes it, else a condition."""
    opposite = _OPPOSITES.get(type(op))
    if opposite is not None:
        found = compared(opposite(), left, right, text)
        return Condition(text, operation="not", joined=(found,)) if isinstance(found, Condition) else not found
    if isinstance(op, ast.In):
        return contained(left, right, text)
    if isinstance(op, ast.Is) or (isinstance(op, ast.Eq) and (left is None or right is None)):
        return _identity(left, right, text)
    act = _ORDER.get(type(op))
    if act is None:
        return Condition(text)
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Unknown) and one.divisor is not None and not isinstance(other, Unknown):
            return Condition(text, period=(one.divisor, True) if isinstance(op, ast.Eq) else None)
    if isinstance(left, _PLAIN) and isinstance(right, _PLAIN):
        return _answer(act, left, right, text)
    if any(isinstance(v, Unknown) and v.moving for v in (left, right)):
        return Condition(text)
    if isinstance(op, ast.Eq) and known(left) is not None and known(right) is not None:
        return known(left) is known(right)
    if isinstance(left, Imported) and isinstance(right, Imported) and isinstance(op, ast.Eq):
        return left.last == right.last  # classes, under whatever name of a module
    measured = not isinstance(op, ast.Eq) and any(isinstance(v, Unknown) and v.measured for v in (left, right))
    found = _against_constant(op, left, right, text) or _of_two(op, left, right, text)
    found.measured = measured
    return found


def _answer(act: Callable[[Any, Any], Any], left: Value, right: Value, text: str) -> Value:
    try:
        return bool(act(left, right))
    except TypeError:
        return Condition(text)


def _against_constant(op: ast.cmpop, left: Value, right: Value, text: str) -> Condition | None:
    """A comparison of a value that is open with one that is written down."""
    act = _ORDER[type(op)]
    if _is_constant(right) and _is_open(left):
        return Condition(
            text, (type(op).__name__, identity(left), right), about=left, test=Test(lambda v: act(v, right), (right,))
        )
    if _is_constant(left) and _is_open(right):
        key = (type(op).__name__, left, identity(right))
        if isinstance(op, ast.Eq):
            key = (key[0], key[2], key[1])
        return Condition(text, key, about=right, test=Test(lambda v: act(left, v), (left,)))
    return None


def _of_two(op: ast.cmpop, left: Value, right: Value, text: str) -> Condition:
    """A comparison of two values that are open; ``a > b`` is ``b < a``."""
    if isinstance(op, ast.Gt):
        op, left, right = ast.Lt(), right, left
    found = Condition(text, (type(op).__name__, identity(left), identity(right)))
    a, b = _stated(left), _stated(right)
    answer = _answer(_ORDER[type(op)], a, b, text) if a is not MISSING and b is not MISSING else MISSING
    found.stated = answer if isinstance(answer, bool) else MISSING
    return found


def _is_constant(value: Value) -> bool:
    return isinstance(value, (*_PLAIN, type(None), Imported))


def _is_open(value: Value) -> bool:
    return isinstance(value, Unknown | Amount)


def _identity(left: Value, right: Value, text: str) -> Value:
    """``left is right``; of constants and of names of libraries it is what ``==`` is."""
    if left is None or right is None:
        value = left if right is None else right
        if value is None or not _is_asked(value):
            return value is None
        found = Condition(text, ("none", identity(value)), about=value, test=Test(lambda v: v is None))
        found.measured = isinstance(value, Unknown) and value.measured
        return found
    if any(isinstance(v, (*_PLAIN, Imported)) for v in (left, right)):
        return compared(ast.Eq(), left, right, text)
    a, b = known(left) or left, known(right) or right
    if isinstance(a, Unknown) or isinstance(b, Unknown):
        return Condition(text, ("is", identity(a), identity(b)))
    return a is b


def contained(left: Value, right: Value, text: str) -> Value:
    """``left in right``."""
    if isinstance(right, list | tuple | dict | set) and all(_is_constant(each) for each in right):
        listed = tuple(right)
        if len(listed) == 1:
            return compared(ast.Eq(), left, listed[0], text)
        if isinstance(left, (*_PLAIN, type(None))):
            return left in listed
        if _is_open(left) and not (isinstance(left, Unknown) and left.moving):
            return Condition(
                text, ("in", identity(left), repr(listed)), about=left, test=Test(lambda v: v in listed, listed)
            )
    if isinstance(left, str) and isinstance(right, str):
        return left in right
    if isinstance(left, str) and _is_open(right):
        test = Test(lambda v: left in v, fragments=(left,))
        return Condition(text, ("in", left, identity(right)), about=right, test=test)
    return Condition(text, ("in", identity(left), identity(right)))


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


def identity(value: Value) -> Hashable:
    """What tells a value apart from others."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Unknown):
        return value.serial
    if isinstance(value, Imported):
        return "imported", value.qualified
    if isinstance(value, Builtin):
        return "builtin", value.name
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


__all__ = [
    "assume",
    "choices_behind",
    "compared",
    "contained",
    "guard_key",
    "identity",
    "main_process",
    "negated",
    "period_of",
    "settled",
    "truth",
]
