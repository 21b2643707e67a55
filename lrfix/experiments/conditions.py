"""Which branches a number can still take, given the tests before them. No rules here.

A test such as ``epoch >= 75`` is read as a set of numbers that ``epoch`` may be. Along a chain of branches the sets of
the tests already taken are subtracted; a branch is dead where nothing is left.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lrfix.trees import terminates, walk, written

#: Looks up the number that an expression always has; None when it may have several.
Constant = Callable[[ast.expr], float | None]
Known = Mapping[str, "Numbers"]

_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
}


@dataclass(frozen=True)
class Numbers:
    """A set of real numbers: disjoint intervals in order, each (low, low is in, high, high is in)."""

    parts: tuple[tuple[float, bool, float, bool], ...]

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __and__(self, other: Numbers) -> Numbers:
        return Numbers(tuple(p for a in self.parts for b in other.parts if (p := _common(a, b)) is not None))

    def __invert__(self) -> Numbers:
        left = EVERY
        for low, low_in, high, high_in in self.parts:
            outside = [(-math.inf, False, low, not low_in), (high, not high_in, math.inf, False)]
            left &= Numbers(tuple(p for p in outside if _filled(p)))
        return left

    def __or__(self, other: Numbers) -> Numbers:
        return ~(~self & ~other)


EVERY = Numbers(((-math.inf, False, math.inf, False),))
NONE = Numbers(())


def _filled(part: tuple[float, bool, float, bool]) -> bool:
    low, low_in, high, high_in = part
    return low < high or (low == high and low_in and high_in)


def _common(
    a: tuple[float, bool, float, bool], b: tuple[float, bool, float, bool]
) -> tuple[float, bool, float, bool] | None:
    low, low_in = max((a[0], not a[1]), (b[0], not b[1]))
    high, high_in = min((a[2], a[3]), (b[2], b[3]))
    part = (low, not low_in, high, high_in)
    return part if _filled(part) else None


@dataclass(frozen=True)
class Meaning:
    """What a test says: the numbers each expression may be where it holds, and whether that is all it says."""

    allowed: Known
    exact: bool

    @property
    def only(self) -> tuple[str, Numbers] | None:
        """The one expression that decides the test, with the numbers that pass it."""
        return next(iter(self.allowed.items())) if self.exact and len(self.allowed) == 1 else None


VAGUE = Meaning({}, False)


def meaning(test: ast.expr, constant: Constant) -> Meaning:
    """The sets of numbers that a test lets through; nothing certain where it is about something else."""
    if isinstance(test, ast.Compare):
        return _compared(test, constant)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        only = meaning(test.operand, constant).only
        return Meaning({only[0]: ~only[1]}, True) if only is not None else VAGUE
    if isinstance(test, ast.BoolOp):
        found = [meaning(value, constant) for value in test.values]
        if isinstance(test.op, ast.And):
            return _all_of(found)
        subjects = {only[0] for m in found if (only := m.only) is not None}
        if len(subjects) == 1 and all(m.only is not None for m in found):
            subject = next(iter(subjects))
            passed = NONE
            for m in found:
                passed |= m.allowed[subject]
            return Meaning({subject: passed}, True)
    return VAGUE


def _all_of(found: Iterable[Meaning]) -> Meaning:
    allowed: dict[str, Numbers] = {}
    exact = True
    for m in found:
        exact = exact and m.exact
        for subject, numbers in m.allowed.items():
            allowed[subject] = allowed.get(subject, EVERY) & numbers
    return Meaning(allowed, exact)


def _compared(test: ast.Compare, constant: Constant) -> Meaning:
    operands = [test.left, *test.comparators]
    links = [_one(left, op, right, constant) for left, op, right in zip(operands, test.ops, operands[1:], strict=False)]
    return _all_of(links)


def _one(left: ast.expr, op: ast.cmpop, right: ast.expr, constant: Constant) -> Meaning:
    if isinstance(op, ast.In) and _is_subject(left):
        values = _members(right, constant)
        return Meaning({written(left): values}, True) if values is not None else VAGUE
    kind = type(op)
    value = constant(right)
    if value is None:
        value = constant(left)
        left, kind = right, _FLIPPED.get(kind, ast.Is)
    if value is None or not _is_subject(left) or constant(left) is not None or kind not in _FLIPPED:
        return VAGUE
    point = Numbers(((value, True, value, True),))
    passed = {
        ast.Lt: Numbers(((-math.inf, False, value, False),)),
        ast.LtE: Numbers(((-math.inf, False, value, True),)),
        ast.Gt: Numbers(((value, False, math.inf, False),)),
        ast.GtE: Numbers(((value, True, math.inf, False),)),
        ast.Eq: point,
        ast.NotEq: ~point,
    }[kind]
    return Meaning({written(left): passed & _remainders(left, constant)}, True)


def _members(node: ast.expr, constant: Constant) -> Numbers | None:
    if not isinstance(node, ast.List | ast.Tuple | ast.Set):
        return None
    found = NONE
    for element in node.elts:
        value = constant(element)
        if value is None:
            return None
        found |= Numbers(((value, True, value, True),))
    return found


def _remainders(node: ast.expr, constant: Constant) -> Numbers:
    """``x % 10`` is never 10."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        divisor = constant(node.right)
        if divisor is not None and divisor > 0:
            return Numbers(((0.0, True, divisor, False),))
    return EVERY


def _is_subject(node: ast.expr) -> bool:
    """An expression that has the same value each time it is asked."""
    if isinstance(node, ast.Name):
        return True
    if isinstance(node, ast.Attribute):
        return _is_subject(node.value)
    if isinstance(node, ast.Subscript):
        return _is_subject(node.value) and isinstance(node.slice, ast.Constant | ast.Name)
    if isinstance(node, ast.BinOp):
        return all(isinstance(side, ast.Constant) or _is_subject(side) for side in (node.left, node.right))
    return False


@dataclass(frozen=True)
class Dead:
    """A branch that nothing can reach; ``covered_by`` is the earlier test that takes all of it, where one does."""

    branch: ast.If
    subject: str
    covered_by: ast.expr | None


def dead_branches(body: list[ast.stmt], constant: Constant) -> Iterator[Dead]:
    """Branches of a function's body whose test can never hold where it is asked."""
    yield from _block(body, {}, constant, [])


def _block(body: list[ast.stmt], known: Known, constant: Constant, taken: list[tuple[str, ast.expr]]) -> Iterator[Dead]:
    known, taken = dict(known), list(taken)
    for statement in body:
        if isinstance(statement, ast.If):
            yield from _chain(statement, known, constant, taken)
            if not statement.orelse and any(terminates(s) for s in statement.body):
                only = meaning(statement.test, constant).only
                if only is not None:
                    known[only[0]] = known.get(only[0], EVERY) & ~only[1]
                    taken.append((only[0], statement.test))
        elif isinstance(statement, ast.For | ast.AsyncFor | ast.While):
            yield from _block(statement.body, _unchanged(known, statement), constant, taken)
        elif isinstance(statement, ast.With | ast.AsyncWith | ast.Try):
            yield from _block(statement.body, known, constant, taken)
        known = _unchanged(known, statement)
        taken = [(s, t) for s, t in taken if s in known]


def _chain(node: ast.If, known: Known, constant: Constant, taken: list[tuple[str, ast.expr]]) -> Iterator[Dead]:
    known, taken = dict(known), list(taken)
    while True:
        said = meaning(node.test, constant)
        inside = dict(known)
        for subject, numbers in said.allowed.items():
            inside[subject] = known.get(subject, EVERY) & numbers
        empty = next((s for s in said.allowed if not inside[s]), None)
        if empty is not None:
            yield Dead(node, empty, next((t for s, t in reversed(taken) if s == empty), None))
        else:
            yield from _block(node.body, inside, constant, taken)
        if said.only is not None:
            subject, numbers = said.only
            known[subject] = known.get(subject, EVERY) & ~numbers
            taken.append((subject, node.test))
        if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
            node = node.orelse[0]
            continue
        yield from _block(node.orelse, known, constant, taken)
        return


@dataclass(frozen=True)
class Overwritten:
    """An assignment under a test, and the later test that always sets the same thing again."""

    statement: ast.Assign
    test: ast.expr
    by: ast.expr


def overwritten(body: list[ast.stmt], constant: Constant) -> Iterator[Overwritten]:
    """``if x >= 60: y = a`` followed at once by ``if x >= 30: y = b``: the first value never lasts."""
    for statement in body:
        for inner in _bodies(statement):
            yield from overwritten(inner, constant)
    for index, first in enumerate(body):
        one = _single(first, constant)
        if one is None:
            continue
        for later in body[index + 1 :]:
            two = _single(later, constant)
            if two is None or two[0] != one[0] or two[1] != one[1]:
                break
            if one[2] and not one[2] & ~two[2]:
                assert isinstance(first, ast.If) and isinstance(later, ast.If)
                assigned = first.body[0]
                assert isinstance(assigned, ast.Assign)
                yield Overwritten(assigned, first.test, later.test)
                break


def _bodies(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        for name in ("body", "orelse", "finalbody"):
            yield getattr(statement, name, [])


def _single(statement: ast.stmt, constant: Constant) -> tuple[str, str, Numbers] | None:
    """The target, subject and numbers of ``if <test>: target = value``; None for any other statement."""
    if not isinstance(statement, ast.If) or statement.orelse or len(statement.body) != 1:
        return None
    assigned, only = statement.body[0], meaning(statement.test, constant).only
    if only is None or not isinstance(assigned, ast.Assign) or len(assigned.targets) != 1:
        return None
    target = written(assigned.targets[0])
    used = {written(n) for n in walk(assigned.value) if isinstance(n, ast.expr)}
    if target in used or any(isinstance(n, ast.Call | ast.NamedExpr) for n in walk(assigned.value)):
        return None
    return None if target in _parts(only[0]) else (target, only[0], only[1])


def _unchanged(known: Known, statement: ast.stmt) -> dict[str, Numbers]:
    """What is still certain after a statement that may assign some of the expressions."""
    stored = {
        written(n)
        for n in walk(statement)
        if isinstance(n, ast.Name | ast.Attribute | ast.Subscript) and not isinstance(n.ctx, ast.Load)
    }
    if not stored:
        return dict(known)
    return {s: numbers for s, numbers in known.items() if not stored & _parts(s)}


def _parts(subject: str) -> set[str]:
    return {
        written(n)
        for n in walk(ast.parse(subject, mode="eval"))
        if isinstance(n, ast.Name | ast.Attribute | ast.Subscript)
    }


__all__ = ["Dead", "Numbers", "Overwritten", "dead_branches", "meaning", "overwritten"]
