"""The settings that a region and its call are run under: several draws, and each of them moved to its edges."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lrfix.domains.facts import numbers_written
from lrfix.domains.roles import Role, role_of
from lrfix.domains.whole import WholeNumbers
from lrfix.names import Names
from lrfix.recognition.evaluation import NotArithmetic, evaluate
from lrfix.rewriting.grid import UNEVEN
from lrfix.rewriting.in_place.calls import LENGTH_ARGUMENTS, RATE_ARGUMENTS, Call
from lrfix.rewriting.in_place.sampling import Formula
from lrfix.rewriting.in_place.shares import SHARES
from lrfix.rewriting.in_place.staircases import inside_the_warmup
from lrfix.rewriting.in_place.surroundings import why_not_ended
from lrfix.rewriting.seen import Seen
from lrfix.verification import CallSetting

_ORDERED = (
    ("warmup_steps", "total_steps"),
    ("eta_min", "peak"),
    ("warmup_start", "peak"),
    ("decay_steps", "total_steps"),
)
_ALL = 160
_SPREAD = 60
_LONGER = 7
_FRACTION = 0.37
_FURTHEST = 1e6


def settings(names: Names, formula: Formula) -> list[CallSetting]:
    """Draws, then one value of one leaf at a time at each of its edges; the same order every time."""
    found: list[tuple[dict[str, Any], str]] = [(dict(values), "") for values in formula.values]
    kinds = _Kinds(names, formula)
    nominal = found[0][0]
    found.append((kinds.scaled(nominal, 2 if formula.length is not None else _LONGER), ""))
    for values, _ in found[:2]:
        found += [*kinds.edges(values), (kinds.as_floats(values), "")]
    legal = [(values, words) for values, words in found if _ordered(formula.call, values)]
    if formula.length is not None:
        # A table may hold another quantity than a rate, which grows (a momentum, a weight decay).
        legal += [(values, "") for values in kinds.upside_down(nominal) if _ordered(formula.call, values, rates=False)]
        return [CallSetting(values, (1.0,)) for values, _ in _unlike(legal)]
    ended = why_not_ended(names, replace(formula, open_end=True)) is None
    return [replace(_setting(formula, v, kinds, ended), legal=words) for v, words in _unlike(legal)]


class _Kinds:
    """What each leaf counts, told by the argument of the call in which it stands."""

    def __init__(self, names: Names, formula: Formula) -> None:
        self.lengths: set[str] = set()
        self.rates: set[str] = set()
        self.others: set[str] = set()
        self.whole: set[str] = set()
        self.warmups: set[str] = set()
        self.positive: set[str] = set()
        self.stairs: set[str] = set()
        region, call = formula.region, formula.call
        self.call = call
        for name, text in call.arguments.items():
            group = self.lengths if name in LENGTH_ARGUMENTS else self.rates if name in RATE_ARGUMENTS else self.others
            read = {ast.unparse(n) for n in ast.walk(ast.parse(text, mode="eval"))}
            told = {leaf for leaf in region.leaves if leaf in read and leaf != call.step}
            group |= told
            if name == "warmup_steps":
                self.warmups |= told
            if name == "step_size":
                self.stairs |= told
            self.positive |= told if name == "peak" else told & _divisors(text)
        if formula.length is not None:
            read = {ast.unparse(n) for n in ast.walk(ast.parse(formula.length, mode="eval"))}
            self.lengths |= {leaf for leaf in region.leaves if leaf in read}
        declared = WholeNumbers(names)
        self.seen = Seen(names)
        self.whole |= {leaf for leaf in region.leaves if leaf in declared}
        self.whole_position = call.step in self.whole
        self.truths = region.truths & set(formula.values[0])
        self.fractions = region.position is not None or formula.share or self.seen.fraction(call.step)

    def scaled(self, values: Mapping[str, Any], by: int) -> dict[str, Any]:
        return {k: _times(v, by) if k in self.lengths else v for k, v in values.items()}

    def as_floats(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The same numbers as floats, where the file does not say that they are integers: 150.0 epochs."""
        return {k: v if k in self.whole else floated(v) for k, v in values.items()}

    def upside_down(self, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The floor above the peak, and values above 1."""
        rates = [leaf for leaf in sorted(self.rates) if isinstance(values.get(leaf), int | float)]
        for one in rates:
            for other in rates:
                if one < other:
                    yield {**values, one: values[other], other: values[one]}
        yield {**values, **{leaf: values[leaf] * 40 for leaf in rates}}

    def edges(self, values: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
        """Each with words for it where it is merely legal and nobody is seen to choose it."""
        for leaf, value in values.items():
            for other in self._other_values(leaf, value, values):
                setting = {**values, leaf: other}
                if self._fills_the_run(leaf, setting):
                    yield setting, f"with a warmup as long as the run (`{leaf}` = {other:.6g})"
                else:
                    yield setting, f"with `{leaf}` = {other:.6g}" if self._merely_legal(leaf, other) else ""
        for leaf in sorted(self.truths):
            yield {**values, leaf: None}, "" if self.seen.none(leaf) else f"with `{leaf}` = None"
        for setting in inside_the_warmup(self.call, values, sorted(self.warmups)):
            yield setting, ""

    def _merely_legal(self, leaf: str, value: Any) -> bool:
        """A fraction of a step, a run of no steps, a peak of nothing."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if value == 0:
            kept = self.rates | self.warmups
            return (leaf in self.positive or leaf not in kept) and not self.seen.zero(leaf)
        return leaf in self.lengths and not float(value).is_integer() and not self.seen.fraction(leaf)

    def _fills_the_run(self, leaf: str, values: Mapping[str, Any]) -> bool:
        """A warmup that is as long as the run: what the code around its division gives there was never asked for."""
        if leaf not in self.lengths or isinstance(values[leaf], list):
            return False
        horizon, _ = _marks(self.call, values)
        return horizon is not None and horizon > 0 and _is_all_warmup(self.call, values, horizon)

    def _other_values(self, leaf: str, value: Any, values: Mapping[str, Any]) -> Iterator[Any]:
        if isinstance(value, list):
            yield from ([], value[:1], [*value[:1], *value])
            if leaf in self.lengths and leaf not in self.whole and all(isinstance(v, int) for v in value):
                yield from ([v + _FRACTION for v in value], [float(v) for v in value])
            return
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        if leaf in self.lengths and isinstance(value, int):
            yield from (0, 1, 2, value + 1)
            yield from (values[other] for other in sorted(self.lengths - {leaf}) if isinstance(values.get(other), int))
            if leaf not in self.whole:
                yield from (value + _FRACTION, float(value))
            if leaf in self.stairs - self.whole:
                yield UNEVEN
            return
        if leaf in self.rates:
            yield from (value * 0.5, value * 2)
            if "peak" not in leaf:
                yield 0.0
            yield from (values[o] for o in sorted(self.rates - {leaf}) if isinstance(values.get(o), int | float))
            return
        yield from (value * 0.5, 1.0, 1)
        if leaf not in self.whole:
            yield float(value)
        if leaf in self.lengths or role_of(leaf) not in (Role.GAMMA, Role.POWER):
            yield from (0, 0.0)  # a share of a length, or of a rate


def _divisors(text: str) -> set[str]:
    """The parts of what an expression divides by, or takes a negative power of: they are never nothing."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.BinOp):
            inverse = isinstance(node.op, ast.Pow) and isinstance(node.right, ast.UnaryOp)
            divisor = node.right if isinstance(node.op, ast.Div) else node.left if inverse else None
            found |= {ast.unparse(n) for n in ast.walk(divisor)} if divisor is not None else set()
    return found


def _times(value: Any, by: int) -> Any:
    if isinstance(value, list):
        return [_times(v, by) for v in value]
    return value * by if isinstance(value, int) and not isinstance(value, bool) else value


def floated(value: Any) -> Any:
    """A number, or a list of numbers, with floats for its integers."""
    if isinstance(value, list):
        return [floated(v) for v in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _ordered(call: Call, values: Mapping[str, Any], rates: bool = True) -> bool:
    """Whether a setting keeps to what the arguments mean: no warmup longer than the run, no floor above the peak."""
    given = {}
    for name, text in call.arguments.items():
        try:
            given[name] = evaluate(text, values)
        except (NotArithmetic, ArithmeticError, ValueError, TypeError):
            continue
    for low, high in _ORDERED:
        if high == "peak" and not rates:
            continue
        a, b = given.get(low), given.get(high, 1.0 if high == "peak" else None)
        if isinstance(a, int | float) and isinstance(b, int | float) and a > b:
            return False
    return True


def _unlike(found: Sequence[tuple[dict[str, Any], str]]) -> list[tuple[dict[str, Any], str]]:
    """Each setting once; what is more than merely legal one way is so."""
    once: dict[str, tuple[dict[str, Any], str]] = {}
    for values, words in found:
        if repr(values) not in once or not words:
            once[repr(values)] = values, words
    return list(once.values())


def _setting(formula: Formula, values: dict[str, Any], kinds: _Kinds, ended: bool) -> CallSetting:
    horizon, marks = _marks(formula.call, values)
    end = _end(formula, horizon)
    region = formula.region
    # Whatever the code compares the position with, it may do something else from there on.
    written = [n for n in numbers_written([*region.computed, *region.helpers]) if 1 < n <= _FURTHEST]
    if horizon is not None and ended and _is_all_warmup(formula.call, values, horizon):
        end = max(horizon - 1, 0.0)
    return CallSetting(
        values,
        _positions(horizon, marks, kinds.whole_position, formula.share, written),
        end,
        (0.1,),
        between=not kinds.fractions,
    )


def _is_all_warmup(call: Call, values: Mapping[str, Any], horizon: float) -> bool:
    """Whether the warmup is as long as the run: what comes past the end is then a decay of no steps."""
    try:
        warmup = evaluate(call.arguments.get("warmup_steps", "0"), values)
    except (NotArithmetic, ArithmeticError, ValueError, TypeError):
        return False
    return isinstance(warmup, int | float) and warmup >= horizon


def _end(formula: Formula, horizon: float | None) -> float | None:
    """The last position at which old and new have to agree, where the old curve goes its own way past the end."""
    if not formula.open_end or horizon is None:
        return None
    last = formula.call.arguments.get("decay_progress", '"k/D"')
    return horizon if last == '"k/D"' else horizon - 1


def _marks(call: Call, values: Mapping[str, Any]) -> tuple[float | None, list[float]]:
    """The end, and the positions at which a phase begins or ends."""
    found: dict[str, list[float]] = {}
    for name in LENGTH_ARGUMENTS & set(call.arguments):
        try:
            value = evaluate(call.arguments[name], values)
        except (NotArithmetic, ArithmeticError, ValueError, TypeError):
            continue
        numbers = value if isinstance(value, list) else [value]
        found[name] = [float(v) for v in numbers if isinstance(v, int | float)]
    marks = [v for several in found.values() for v in several]
    warmup = max(found.get("warmup_steps", [0.0]), default=0.0)
    for cycle in found.get("T_0", []):
        marks += [warmup + cycle * n for n in (1, 2, 3, 4, 7)]
    for every in found.get("step_size", []):
        marks += [warmup + every * n for n in (1, 2, 3)] + [every * n for n in (1, 2, 3)]
    total, fall = found.get("total_steps", []), found.get("decay_steps", [])
    marks += [t - f for t in total for f in fall]
    marks += [warmup + m for m in found.get("milestones", [])]
    return (total[0] if total else None), marks


def _positions(
    horizon: float | None, marks: Sequence[float], whole: bool, share: bool, written: Sequence[float]
) -> tuple[float, ...]:
    """Every step of a short run; else those near the marks, and some between; then fractions, then past the end."""
    longest = max([*marks, 24.0]) if horizon is None else max(horizon, 1.0)
    far = int(longest * 1.25) + 2 if horizon is None else int(longest)
    steps: list[float] = list(range(far + 1)) if far <= _ALL else [round(i * far / _SPREAD) for i in range(_SPREAD + 1)]
    steps += [int(m) + d for m in (*marks, *written) for d in (-2, -1, 0, 1, 2)]
    if not whole:
        steps += [m + d for m in marks for d in (-0.5, -0.25, 0.25, 1 / 3)]
        steps += [round(i * far / 12) + 0.5 for i in range(12)]
        steps += [float(int(m) + d) for m in (0, *marks) for d in (0, 1)]
    if share:
        steps += SHARES
    if horizon is None:
        steps += [int(longest * times) for times in (2, 3, 5, 10, 30, 100)]  # a floor may lie far down
    else:
        steps += [int(horizon) + d for d in (0, 1, 2, 3, 10)]
        steps += [int(horizon * share) for share in (1.1, 1.5, 2, 2.7)]
    # A length may be negative (a run of no steps less a warmup), a position may not.
    return tuple(sorted({repr(p): p for p in steps if p >= 0}.values()))


__all__ = ["floated", "settings"]
