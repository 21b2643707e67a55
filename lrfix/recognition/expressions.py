"""Measured numbers back to the user's own expressions: the simplest one that gives every sample's value."""

from __future__ import annotations

import ast
import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeGuard

from lrfix.finite import finite
from lrfix.recognition.evaluation import parsed

_ATOM, _PRODUCT, _SUM = 3, 2, 1
_MOST_COMBINED = 30
_PLAIN_LITERALS = 12
"""A number up to this one is met by chance too often to be taken for a name that happens to have it."""

_NOT_WRITTEN = 0.2
"""What a number costs that stands nowhere in code whose numbers are known: less than any convention."""


@dataclass(frozen=True)
class Expression:
    """Expression text with its value in each sample. ``cost`` orders by simplicity, the simplest lowest."""

    text: str
    values: tuple[float, ...]
    cost: float
    binding: int = _ATOM

    def inside(self, binding: int) -> str:
        return self.text if self.binding >= binding else f"({self.text})"


def agrees(found: float, wanted: float, slack: float = 0.0) -> bool:
    return abs(found - wanted) <= 1e-9 * max(abs(found), abs(wanted)) + slack


def literal(value: float, slack: float = 0.0) -> str | None:
    """Text of a number a person would write (up to six significant digits), or None."""
    nearest = round(value)
    if (nearest or abs(value) <= max(slack, 1e-300)) and agrees(nearest, value, slack) and abs(nearest) < 1e15:
        return str(nearest)
    for digits in range(1, 7):
        written = float(f"{value:.{digits}g}")
        if agrees(written, value, min(slack, 1e-4 * abs(value))):
            return repr(written)
    return None


class Expressions:
    """The expressions over the names that all samples share, searched for vectors of values."""

    def __init__(self, environments: Sequence[Mapping[str, object]], written: Collection[float] = ()) -> None:
        self._environments = environments
        self._written = written
        self._cache: dict[tuple[tuple[float, ...], str, float], Expression | None] = {}

    @cached_property
    def names(self) -> list[Expression]:
        found: list[Expression] = []
        for index, name in enumerate(self._environments[0]):
            values = [environment.get(name) for environment in self._environments]
            tree = parsed(name)
            numbers = tuple(float(value) for value in values if _is_number(value))
            if tree is None or len(numbers) < len(values):
                continue
            binding = _ATOM if isinstance(tree, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)) else 0
            found.append(Expression(name, numbers, 1.0 + min(index, 50) * 0.002, binding))
        return found

    @cached_property
    def _variable(self) -> list[Expression]:
        """Names worth combining, one for each vector of values: those that vary, and distinctive constants."""
        seen: dict[tuple[float, ...], Expression] = {}
        for name in self.names:
            if len(set(name.values)) > 1 or not _everyday(name.values[0]):
                seen.setdefault(name.values, name)
        return list(seen.values())[:_MOST_COMBINED]

    @cached_property
    def _pairs(self) -> dict[str, list[Expression]]:
        index: dict[str, list[Expression]] = {}
        for pair in _combinations(self._variable):
            if all(map(math.isfinite, pair.values)):
                index.setdefault(_bucket(pair.values[0]), []).append(pair)
        return index

    def find(self, values: Sequence[float], parameter: str = "", slack: float = 0.0) -> Expression | None:
        """The simplest expression equal to ``values`` sample by sample.

        Integers must agree exactly, other numbers within 1e-9 relative or ``slack`` absolute. ``parameter`` is
        the argument that the number is for; a name that says the same wins over a plain literal.
        """
        key = (tuple(values), parameter, slack)
        if not all(map(math.isfinite, values)):
            return None
        if key not in self._cache:
            self._cache[key] = min(self._candidates(key[0], parameter, slack), key=lambda e: e.cost, default=None)
        return self._cache[key]

    def _candidates(self, values: tuple[float, ...], parameter: str, slack: float) -> Iterator[Expression]:
        def fits(candidate: Sequence[float]) -> bool:
            return all(agrees(found, wanted, slack) for found, wanted in zip(candidate, values, strict=True))

        constant = all(agrees(value, values[0], slack) for value in values)
        if constant:
            text = literal(values[0], slack)
            named = [name for name in self.names if fits(name.values)]
            related = [name for name in named if _related(name.text, parameter)]
            common = text is not None and (abs(values[0]) <= _PLAIN_LITERALS or values[0] == 0.0)
            if related or (named and (text is None or not _everyday(values[0]))):
                yield (related or named)[0]
            elif text is not None:
                elsewhere = bool(self._written) and not any(agrees(values[0], number) for number in self._written)
                yield Expression(text, values, (1.0 if common else 1.1) + (_NOT_WRITTEN if elsewhere else 0.0))
            elif named:
                yield named[0]
            if text is not None or named:
                return
        direct = [name for name in self.names if fits(name.values)]
        if direct:
            yield direct[0]
            return
        simple = list(self._from_one_name(values, fits, parameter))
        if simple:
            yield from simple
            return
        pairs = [pair for pair in self._near(values[0], slack) if fits(pair.values)]
        if pairs:
            yield from pairs
            return
        yield from self._from_three(values, fits, slack)

    def _near(self, value: float, slack: float = 0.0) -> list[Expression]:
        buckets = {_bucket(value * (1 - 1e-9) - slack), _bucket(value), _bucket(value * (1 + 1e-9) + slack)}
        return [pair for bucket in buckets for pair in self._pairs.get(bucket, ())]

    def _from_one_name(
        self, values: tuple[float, ...], fits: Callable[[Sequence[float]], bool], parameter: str
    ) -> Iterator[Expression]:
        for name in self._variable:
            for offset in (1, -1):
                if fits([value + offset for value in name.values]):
                    yield _plus(name, offset, name.cost + 0.6)
            if fits([math.trunc(value) for value in name.values]):
                yield Expression(f"int({name.text})", values, name.cost + 0.4)
            if fits([math.ceil(value) for value in name.values]):
                yield Expression(f"math.ceil({name.text})", values, name.cost + 0.8)
            if all(value > 0 for value in name.values):
                for exponent in (-0.5, 0.5, -1.0, 2.0):
                    if fits([_power(value, exponent) for value in name.values]):
                        power = f"{name.inside(_ATOM)} ** {exponent:g}"
                        yield Expression(power, values, name.cost + 1.0, _PRODUCT)
                rooted = [wanted * math.sqrt(value) for wanted, value in zip(values, name.values, strict=True)]
                if (
                    all(agrees(root, rooted[0]) for root in rooted)
                    and (text := _root(rooted[0], name, self.names)) is not None
                ):
                    yield Expression(text, values, name.cost + 1.5, _PRODUCT)
            for expression in _scaled(name, values, fits):
                yield self._with_named_factor(expression, name, values, parameter)

    def _with_named_factor(
        self, scaled: Expression, name: Expression, values: tuple[float, ...], parameter: str
    ) -> Expression:
        """``len(loader) * args.warmup_epochs`` rather than ``len(loader) * 5``, where a name says what the 5 is."""
        for factor in self.names:
            if len(set(factor.values)) > 1 or not _related(factor.text, parameter):
                continue
            if all(agrees(n * f, v) for n, f, v in zip(name.values, factor.values, values, strict=True)):
                return _binary(name, "*", factor, values, scaled.cost, _PRODUCT)
        return scaled

    def _from_three(
        self, values: tuple[float, ...], fits: Callable[[Sequence[float]], bool], slack: float
    ) -> Iterator[Expression]:
        whole = all(value == round(value) for value in values)
        for third in self._variable:
            first = third.values[0]
            for sign in (1, -1):
                for pair in self._near(values[0] - sign * first, slack):
                    vector = tuple(p + sign * t for p, t in zip(pair.values, third.values, strict=True))
                    if fits(vector):
                        text = f"{pair.text} {'+' if sign > 0 else '-'} {third.inside(_PRODUCT)}"
                        yield Expression(text, vector, pair.cost + third.cost + 0.5, _SUM)
            if first:
                for pair in self._near(values[0] / first):
                    vector = tuple(p * t for p, t in zip(pair.values, third.values, strict=True))
                    if fits(vector):
                        text = f"{pair.inside(_PRODUCT)} * {third.inside(_ATOM)}"
                        yield Expression(text, vector, pair.cost + third.cost + 0.5, _PRODUCT)
        for offset in (1, -1):
            for pair in self._near(values[0] - offset):
                if fits([value + offset for value in pair.values]):
                    yield _plus(pair, offset, pair.cost + 0.6)
        if not whole:
            return
        for pair in self._between(values[0] - 1, values[0] + 1):
            for call, rounded, cost in (("int", math.trunc, 0.4), ("math.ceil", math.ceil, 0.8), ("round", round, 0.9)):
                if rounded(pair.values[0]) == values[0] and fits([rounded(value) for value in pair.values]):
                    yield Expression(f"{call}({pair.text})", values, pair.cost + cost)
        yield from self._truncated_chains(values, fits)
        for pair in self._sorted:
            if pair.binding == _PRODUCT and _may_scale(pair.values, values):
                yield from _scaled(pair, values, fits)

    @cached_property
    def _sorted(self) -> list[Expression]:
        pairs = (pair for bucket in self._pairs.values() for pair in bucket)
        return sorted(pairs, key=lambda pair: pair.values[0])

    @cached_property
    def _first_values(self) -> list[float]:
        return [pair.values[0] for pair in self._sorted]

    def _between(self, low: float, high: float) -> list[Expression]:
        """The pairs whose value in the first sample lies from ``low`` to ``high``, with a margin for rounding."""
        margin = 1e-9 * max(abs(low), abs(high))
        begin = bisect_left(self._first_values, low - margin)
        return self._sorted[begin : bisect_right(self._first_values, high + margin, begin)]

    def _truncated_chains(
        self, values: tuple[float, ...], fits: Callable[[Sequence[float]], bool]
    ) -> Iterator[Expression]:
        """``a * b // c`` and ``int(a * b * c)``."""
        wanted = values[0]
        for name in self._variable:
            third = name.values[0]
            if third <= 0 or min(name.values) <= 0:
                continue
            for pair in self._between(wanted / third, (wanted + 1) / third):
                if pair.binding == _PRODUCT:
                    products = [p * n for p, n in zip(pair.values, name.values, strict=True)]
                    vector = tuple(float(int(p)) if math.isfinite(p) else p for p in products)
                    if fits(vector):
                        text = f"int({pair.text} * {name.inside(_ATOM)})"
                        yield Expression(text, vector, pair.cost + name.cost + 0.6)
            for pair in self._between(wanted * third, (wanted + 1) * third):
                vector = tuple(float(p // n) for p, n in zip(pair.values, name.values, strict=True))
                if fits(vector):
                    text = f"{pair.inside(_PRODUCT)} // {name.inside(_ATOM)}"
                    yield Expression(text, vector, pair.cost + name.cost + 0.6, _PRODUCT)


def _may_scale(had: Sequence[float], wanted: Sequence[float]) -> bool:
    """Whether some one factor can turn ``had`` into ``wanted``, truncation included."""
    if had[0] <= 0 or had[-1] <= 0:
        return False
    low = max(wanted[0] / had[0], wanted[-1] / had[-1])
    high = min((wanted[0] + 1) / had[0], (wanted[-1] + 1) / had[-1])
    return low <= high


def _combinations(names: Sequence[Expression]) -> Iterator[Expression]:
    for i, left in enumerate(names):
        for j, right in enumerate(names):
            if i == j:
                continue
            cost = left.cost + right.cost + 1.0
            both = list(zip(left.values, right.values, strict=True))
            if i < j:
                yield _binary(left, "*", right, tuple(a * b for a, b in both), cost, _PRODUCT)
                yield _binary(left, "+", right, tuple(a + b for a, b in both), cost, _SUM)
            yield _binary(left, "-", right, tuple(a - b for a, b in both), cost, _SUM)
            if all(right.values):
                quotient = tuple(a / b for a, b in both)
                yield _binary(left, "/", right, quotient, cost + 0.2, _PRODUCT)
                floored = tuple(float(a // b) for a, b in both)
                if floored != quotient:
                    yield _binary(left, "//", right, floored, cost + 0.3, _PRODUCT)
            if all(0 < a < 1 < b for a, b in both):
                # ``gamma ** (k / every)``: the factor of one step.
                text = f"{left.inside(_ATOM)} ** (1 / {right.inside(_ATOM)})"
                yield Expression(text, tuple(a ** (1 / b) for a, b in both), cost + 1.0, _PRODUCT)
            if all(a > 0 and b > 0 for a, b in both):
                rooted = tuple(a**-0.5 * b**-0.5 for a, b in both)
                text = f"{left.inside(_ATOM)} ** -0.5 * {right.inside(_ATOM)} ** -0.5"
                if i < j:
                    yield Expression(text, rooted, cost + 2.0, _PRODUCT)
                mixed = tuple(a * b**-0.5 for a, b in both)
                text = f"{left.inside(_ATOM)} * {right.inside(_ATOM)} ** -0.5"
                yield Expression(text, mixed, cost + 1.5, _PRODUCT)


def _binary(
    left: Expression, sign: str, right: Expression, values: tuple[float, ...], cost: float, binding: int
) -> Expression:
    tight = right.inside(_ATOM if sign != "+" else _SUM)
    return Expression(f"{left.inside(binding)} {sign} {tight}", values, cost, binding)


def _plus(expression: Expression, offset: int, cost: float) -> Expression:
    sign = "+" if offset > 0 else "-"
    vector = tuple(value + offset for value in expression.values)
    return Expression(f"{expression.inside(_SUM)} {sign} {abs(offset)}", vector, cost, _SUM)


def _power(value: float, exponent: float) -> float:
    try:
        return float(value**exponent)
    except OverflowError:
        return math.inf


def _scaled(
    name: Expression, values: tuple[float, ...], fits: Callable[[Sequence[float]], bool]
) -> Iterator[Expression]:
    """``name * 0.1``, ``name / 100`` and ``int(name * 0.1)``, with a factor that people write."""
    if len(set(name.values)) == 1 or not all(name.values):
        return
    ratios = [wanted / had for wanted, had in zip(values, name.values, strict=True)]
    if not all(map(math.isfinite, ratios)):
        return
    text = literal(ratios[0])
    if text is not None and ratios[0] != 0 and fits([had * float(text) for had in name.values]):
        yield Expression(f"{name.inside(_PRODUCT)} * {text}", values, name.cost + 0.8, _PRODUCT)
        return
    if all(value == round(value) and value >= 0 for value in values) and all(had > 0 for had in name.values):
        low = max(wanted / had for wanted, had in zip(values, name.values, strict=True))
        high = min((wanted + 1) / had for wanted, had in zip(values, name.values, strict=True))
        for digits in (1, 2, 3):
            factor = math.ceil(low * 10**digits - 1e-9) / 10**digits
            if 0 < factor < min(high, 1.0) and fits([math.trunc(had * factor) for had in name.values]):
                yield Expression(f"int({name.inside(_PRODUCT)} * {factor!r})", values, name.cost + 1.2 + digits * 0.1)
                return
        divisor = round(name.values[0] / values[0]) if values[0] else 0
        for candidate in (divisor - 1, divisor, divisor + 1):
            if candidate > 1 and fits([had // candidate for had in name.values]):
                yield Expression(f"{name.inside(_PRODUCT)} // {candidate}", values, name.cost + 1.1, _PRODUCT)
                return


def _root(coefficient: float, name: Expression, names: Sequence[Expression]) -> str | None:
    """``coefficient * name ** -0.5`` as one writes it: a plain coefficient, or a whole number under the root."""
    inside = _power(coefficient, -2) if coefficient > 0 else 0.0
    if math.isfinite(inside) and abs(inside - round(inside)) <= 1e-9 * inside and round(inside) > 1:
        held = [other for other in names if other.values[0] == round(inside) and len(set(other.values)) == 1]
        whole = held[0].inside(_PRODUCT) if held else str(round(inside))
        return f"({whole} * {name.inside(_PRODUCT)}) ** -0.5"
    text = literal(coefficient)
    return None if text is None else f"{text} * {name.inside(_ATOM)} ** -0.5"


def _bucket(value: float) -> str:
    return f"{value:.7e}"


def _is_number(value: object) -> TypeGuard[float]:
    return finite(value) is not None


def _everyday(value: float) -> bool:
    """Numbers that coincide by chance: small integers and round decimals such as 0.5 or 0.1."""
    return value == 0 or (abs(value) <= _PLAIN_LITERALS and float(f"{value:.1g}") == value and abs(value) >= 0.01)


_SYNONYMS = {
    "gamma": {"gamma", "decay", "factor", "rate"},
    "power": {"power", "exponent", "p"},
    "eta_min": {"min", "eta", "final", "end", "floor"},
    "eta_min_ratio": {"min", "ratio", "final", "end", "floor"},
    "eta_min_factor": {"min", "factor", "final", "end", "floor"},
    "eta_max": {"max", "peak", "eta"},
    "peak_factor": {"factor", "scale", "mult", "multiplier", "size"},
    "warmup_start_lr": {"start", "init", "initial", "warmup"},
    "warmup_start_factor": {"start", "init", "initial", "warmup", "factor"},
    "T_0": {"t", "0", "period", "cycle", "restart"},
    "T_mult": {"mult", "t"},
    "cycle_decay": {"gamma", "decay", "cycle"},
    "step_size": {"step", "size", "every", "interval", "epochs"},
    "warmup_steps": {"warmup", "warm"},
    "total_steps": {"total", "max", "num", "epochs", "iters", "steps"},
    "decay_steps": {"decay", "cooldown"},
}


def _related(name: str, parameter: str) -> bool:
    words = {word.lower() for word in re.split(r"[^A-Za-z0-9]+", name.replace("_", " ")) if word}
    return bool(words & _SYNONYMS.get(parameter, set()))
