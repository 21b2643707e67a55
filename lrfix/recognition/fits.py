"""Shapes fitted to a stretch of curve, with a tolerance for the rounding of the code that made it.

Every fit estimates its numbers from a few points spread over the stretch and then holds every point against them: a
shape either is the curve, within ``tolerance``, or it is not a reading of it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

Kind = Literal["constant", "line", "cosine", "exponential", "power", "unknown"]

_SAMPLES = 25
_LEAST_ARC = 0.6
"""Radians below which an arc of a cosine cannot be told from a parabola."""
_MOST_ARC = 400 * math.pi
_LARGEST_POWER = 100.0
_BISECTIONS = 60
_CLEAR = 1e-3
_LOOSE = 0.05
"""Share of the largest difference by which a stretch may miss a shape's law before the shape is fitted in earnest."""


@dataclass(frozen=True)
class Fit:
    """A shape as a function of the step; ``numbers`` are its parameters by the names used in ``SHAPES``.

    line: ``intercept + slope k``; cosine: ``centre + swing cos(omega (k - start))`` with ``swing`` positive;
    exponential: ``floor + amplitude gamma^k``; power: ``floor + amplitude |k - origin|^power``.
    """

    kind: Kind
    numbers: dict[str, float]

    def at(self, k: float) -> float:
        """The shape's rate at a step; infinite where it leaves double precision."""
        try:
            return self._at(k)
        except OverflowError:
            return math.inf

    def _at(self, k: float) -> float:
        n = self.numbers
        if self.kind == "constant":
            return n["level"]
        if self.kind == "line":
            return n["intercept"] + n["slope"] * k
        if self.kind == "cosine":
            return n["centre"] + n["swing"] * math.cos(n["omega"] * (k - n["start"]))
        if self.kind == "exponential":
            return n["floor"] + n["amplitude"] * float(n["gamma"] ** (k - n["from"]))
        if self.kind == "power":
            distance = abs(k - n["origin"])
            if distance == 0.0:
                return n["floor"] if n["power"] > 0 else math.inf
            return n["floor"] + n["amplitude"] * float(distance ** n["power"])
        return math.nan


@lru_cache(maxsize=1024)
def spread(begin: int, end: int, most: int = _SAMPLES) -> tuple[int, ...]:
    """At most ``most`` steps of ``range(begin, end)``, the first and the last among them."""
    n = end - begin
    if n <= most:
        return tuple(range(begin, end))
    return tuple([begin + round(i * (n - 1) / (most - 1)) for i in range(most)])


def holds(fit: Fit, values: Sequence[float], begin: int, end: int, tolerance: float) -> bool:
    """Whether the shape is the curve on every step, a few of them looked at first."""
    at = fit.at
    return all(abs(at(k) - values[k]) <= tolerance for k in spread(begin, end, 7)) and all(
        abs(at(k) - values[k]) <= tolerance for k in range(begin, end)
    )


def fit_constant(values: Sequence[float], begin: int, end: int, tolerance: float) -> Fit | None:
    fit = Fit("constant", {"level": values[begin]})
    return fit if holds(fit, values, begin, end, tolerance) else None


def fit_line(values: Sequence[float], begin: int, end: int, tolerance: float) -> Fit | None:
    if end - begin < 2:
        return None
    slope = (values[end - 1] - values[begin]) / (end - 1 - begin)
    fit = Fit("line", {"intercept": values[begin] - slope * begin, "slope": slope})
    return fit if holds(fit, values, begin, end, tolerance) else None


def fit_cosine(values: Sequence[float], begin: int, end: int, tolerance: float) -> Fit | None:
    """Seven points or more. On points m steps apart, differences obey d(k-m) + d(k+m) = 2 cos(m omega) d(k)."""
    n = end - begin
    if n < 7:
        return None
    for lag in dict.fromkeys((max(1, n // 6), max(1, n // 24), 1)):
        omega = _frequency(values, begin, end, lag)
        if omega is None or not _LEAST_ARC <= omega * (n - 1) <= _MOST_ARC:
            continue
        for _ in range(3):
            solved = _cosine_of(values, begin, end, omega)
            if solved is None:
                break
            fit, better = solved
            if holds(fit, values, begin, end, tolerance):
                return fit
            if not 0.5 * omega < better < 2 * omega or _far(fit, values, begin, end):
                break
            omega = better
    return None


def _far(fit: Fit, values: Sequence[float], begin: int, end: int) -> bool:
    """Whether a fit misses so much that no better frequency will do."""
    return any(abs(fit.at(k) - values[k]) > 0.05 * fit.numbers["swing"] for k in spread(begin, end, 9))


def _frequency(values: Sequence[float], begin: int, end: int, lag: int) -> float | None:
    if end - begin < 3 * lag + 1:
        return None
    weight = product = 0.0
    for k in spread(begin + lag, end - 2 * lag):
        d = values[k + lag] - values[k]
        product += d * (values[k + 2 * lag] - values[k + lag] + values[k] - values[k - lag])
        weight += d * d
    if weight <= 0.0 or not -1.0 < product / (2 * weight) < 1.0:
        return None
    twice = product / weight
    largest = max(abs(values[k + lag] - values[k]) for k in spread(begin, end - lag))
    for k in spread(begin + lag, end - 2 * lag, 9):
        ahead, here, back = (values[i + lag] - values[i] for i in (k + lag, k, k - lag))
        if abs(ahead + back - twice * here) > _LOOSE * largest:
            return None
    return math.acos(twice / 2) / lag


def _cosine_of(values: Sequence[float], begin: int, end: int, omega: float) -> tuple[Fit, float] | None:
    """The best cosine of a frequency, and a better frequency by one Gauss-Newton step."""
    steps = spread(begin, end)
    middle = (begin + end - 1) / 2
    columns = [
        [1.0] * len(steps),
        [math.cos(omega * (k - middle)) for k in steps],
        [math.sin(omega * (k - middle)) for k in steps],
    ]
    wanted = [values[k] for k in steps]
    solution = least_squares(columns, wanted)
    if solution is None:
        return None
    centre, along, across = solution
    swing = math.hypot(along, across)
    if swing == 0.0:
        return None
    start = middle + math.atan2(across, along) / omega
    fit = Fit("cosine", {"centre": centre, "swing": swing, "omega": omega, "start": start})
    slope = [(k - middle) * (across * c - along * s) for k, c, s in zip(steps, columns[1], columns[2], strict=True)]
    refined = least_squares([*columns, slope], wanted)
    return fit, omega + (refined[3] if refined is not None else 0.0)


def fit_exponential(values: Sequence[float], begin: int, end: int, tolerance: float) -> Fit | None:
    """Five points or more: a geometric sequence, or one above a floor."""
    n = end - begin
    if n < 5:
        return None
    first, last = values[begin], values[end - 1]
    if first > 0 and last > 0 and first != last:
        gamma = (last / first) ** (1 / (n - 1))
        fit = Fit("exponential", {"floor": 0.0, "amplitude": first, "gamma": gamma, "from": float(begin)})
        largest = max(first, last)
        if _geometric(fit, values, begin, end, tolerance / largest):
            return fit
    lag = max(1, n // 4)
    weight = product = 0.0
    for k in spread(begin, end - 2 * lag):
        d = values[k + lag] - values[k]
        product += d * (values[k + 2 * lag] - values[k + lag])
        weight += d * d
    if weight <= 0.0 or product <= 0.0:
        return None
    share = product / weight
    largest = max(abs(values[k + lag] - values[k]) for k in spread(begin, end - lag))
    for k in spread(begin, end - 2 * lag, 9):
        if abs(values[k + 2 * lag] - values[k + lag] - share * (values[k + lag] - values[k])) > _LOOSE * largest:
            return None
    gamma = share ** (1 / lag)
    if abs(math.log(gamma)) * (n - 1) < 1e-3 or abs(math.log(gamma)) * n > 600:
        return None
    steps = spread(begin, end)
    powers = [gamma ** (k - begin) for k in steps]
    solution = least_squares([[1.0] * len(steps), powers], [values[k] for k in steps])
    if solution is None:
        return None
    fit = Fit("exponential", {"floor": solution[0], "amplitude": solution[1], "gamma": gamma, "from": float(begin)})
    return fit if holds(fit, values, begin, end, tolerance) else None


def _geometric(fit: Fit, values: Sequence[float], begin: int, end: int, share: float) -> bool:
    """Whether every rate is the fitted one within a share of itself."""
    share = min(share, 1e-4)
    for steps in (spread(begin, end, 7), range(begin, end)):
        for k in steps:
            wanted = fit.at(k)
            if abs(values[k] - wanted) > share * abs(wanted):
                return False
    return True


def fit_power(
    values: Sequence[float], begin: int, end: int, tolerance: float, floors: Iterable[float], origins: Iterable[float]
) -> Fit | None:
    """Six points or more: a polynomial that arrives at its floor ahead, or a power law counted from behind.

    ``floors`` and ``origins`` are tried first; an origin that is none of them is searched for.
    """
    n = end - begin
    if n < 6:
        return None
    inner = spread(begin, end)[1:-1]
    if not _goes_one_way([values[k] for k in inner], tolerance):
        return None
    origins = list(origins)
    for floor in dict.fromkeys(floors):
        # Close to the floor rounding hides the power.
        height = max(abs(values[k] - floor) for k in inner)
        clear = [k for k in inner if abs(values[k] - floor) >= _CLEAR * height]
        if len(clear) < 3:
            continue
        low, middle, high = clear[0], clear[len(clear) // 2], clear[-1]
        sign = 1.0 if values[low] > floor else -1.0
        a, b, c = (sign * (values[k] - floor) for k in (low, middle, high))
        if min(a, b, c) <= tolerance or a == b or b == c:
            continue

        bent = _Bend((low, middle, high), math.log(a / b), math.log(b / c)).at
        for origin in itertools.chain(origins, _searched(bent, begin, end)):
            if begin < origin < end - 1:
                continue
            power = _power(origin, low, a, high, c)
            if not 1e-3 < abs(power) <= _LARGEST_POWER:
                continue
            try:
                amplitude = sign * b / abs(middle - origin) ** power
            except OverflowError:
                continue
            fit = Fit("power", {"floor": floor, "amplitude": amplitude, "origin": origin, "power": power})
            if holds(fit, values, begin, end, tolerance):
                return fit
    return None


def _power(origin: float, first: int, near: float, second: int, far: float) -> float:
    """The power by which the height over the floor goes from ``near`` at one step to ``far`` at another."""
    return math.log(near / far) / math.log(abs(first - origin) / abs(second - origin))


class _Bend:
    """How much the power differs between two halves of a stretch; ``logs``: of the heights' ratios over each half."""

    def __init__(self, places: tuple[int, int, int], first: float, second: float) -> None:
        self.places = places
        self.first, self.second = first, second

    def at(self, origin: float) -> float:
        """For powers that are counted from ``origin``."""
        low, middle, high = self.places
        centre = abs(middle - origin)
        return self.first / math.log(abs(low - origin) / centre) - self.second / math.log(centre / abs(high - origin))


def _goes_one_way(points: Sequence[float], slack: float) -> bool:
    """Whether points rise throughout or fall throughout."""
    steps = [b - a for a, b in pairwise(points)]
    return all(d >= -slack for d in steps) or all(d <= slack for d in steps)


def _searched(bent: Callable[[float], float], begin: int, end: int) -> Iterable[float]:
    """Origins before and behind the stretch at which both halves show one power."""
    n = end - begin
    for side, edge in ((1, end - 1), (-1, begin)):
        places = [edge + side * (0.02 * n * 1.6**i) for i in range(-6, 16)]
        before: tuple[float, float] | None = None
        for place in places:
            value = bent(place)
            if before is not None and (before[1] < 0) != (value < 0):
                left, right = before[0], place
                sign = before[1] < 0
                for _ in range(_BISECTIONS):
                    half = (left + right) / 2
                    if half in (left, right):
                        break  # there is no number between them
                    if (bent(half) < 0) == sign:
                        left = half
                    else:
                        right = half
                nearest = round(2 * left) / 2
                yield nearest if abs(nearest - left) < 1e-4 * max(n, 1) else left
                yield left
            before = (place, value)


def least_squares(columns: Sequence[Sequence[float]], wanted: Sequence[float]) -> list[float] | None:
    """Coefficients of the columns that come closest to ``wanted``; None where they are not independent.

    Orthogonalised twice, which keeps the digits that the normal equations lose.
    """
    basis: list[list[float]] = []
    factors: list[list[float]] = []
    for column in columns:
        rest = list(column)
        made = [0.0] * len(basis)
        before = math.sqrt(math.fsum(x * x for x in rest))
        for _ in range(2):
            for index, direction in enumerate(basis):
                share = math.fsum(d * x for d, x in zip(direction, rest, strict=True))
                made[index] += share
                rest = [x - share * d for x, d in zip(rest, direction, strict=True)]
        length = math.sqrt(math.fsum(x * x for x in rest))
        if length <= 1e-13 * before or length == 0.0:
            return None
        basis.append([x / length for x in rest])
        factors.append([*made, length])
    target = [math.fsum(d * x for d, x in zip(direction, wanted, strict=True)) for direction in basis]
    solution = [0.0] * len(columns)
    for row in reversed(range(len(columns))):
        rest_of = target[row] - sum(factors[col][row] * solution[col] for col in range(row + 1, len(columns)))
        solution[row] = rest_of / factors[row][row]
    return solution


__all__ = [
    "Fit",
    "Kind",
    "fit_constant",
    "fit_cosine",
    "fit_exponential",
    "fit_line",
    "fit_power",
    "holds",
    "least_squares",
    "spread",
]
