"""Numeric tools on sampled curves: straight runs, flat tails, jumps, exact cosine and line fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

CLOSE = 1e-10
"""Residual, relative to the largest rate of the curve, below which a fitted shape counts as the curve itself."""


@dataclass(frozen=True)
class Cosine:
    """``floor + (peak - floor) * (1 + cos(pi * (k - start) / half_period)) / 2``."""

    peak: float
    floor: float
    start: float
    half_period: float

    def at(self, k: float) -> float:
        swing = math.cos(math.pi * (k - self.start) / self.half_period)
        return self.floor + (self.peak - self.floor) * (1 + swing) / 2


@dataclass(frozen=True)
class Line:
    """``intercept + slope * k``."""

    intercept: float
    slope: float

    def at(self, k: float) -> float:
        return self.intercept + self.slope * k

    def where(self, value: float) -> float:
        return (value - self.intercept) / self.slope


def scale_of(values: Sequence[float]) -> float:
    return max(map(abs, values), default=0.0)


def snap(value: float, tolerance: float = 1e-5) -> float:
    """The nearest integer when that is what the measurement means, else the value itself."""
    if not math.isfinite(value):
        return value
    nearest = round(value)
    return float(nearest) if abs(value - nearest) <= tolerance * max(1.0, abs(value) * 1e-2) else value


def straight_run(values: Sequence[float], begin: int = 0) -> int:
    """Last index of the straight line that ``values[begin]`` and ``values[begin + 1]`` start."""
    scale = scale_of(values)
    if begin + 1 >= len(values):
        return begin
    last = begin + 1
    while last + 1 < len(values):
        slope = (values[last] - values[begin]) / (last - begin)
        if abs(values[begin] + slope * (last + 1 - begin) - values[last + 1]) > CLOSE * scale:
            break
        last += 1
    return last


def flat_tail(values: Sequence[float], begin: int = 0) -> int:
    """First index from which on the curve keeps its last value (``len(values) - 1`` if it moves to the end)."""
    last = values[-1]
    tolerance = 1e-12 * abs(last) + 1e-15 * scale_of(values)
    index = len(values) - 1
    while index > begin and abs(values[index - 1] - last) <= tolerance:
        index -= 1
    return index


def rises(values: Sequence[float], begin: int) -> list[int]:
    """Indices after ``begin`` to which the rate leaps up from the step before, against the run of its neighbours."""
    steps = [after - before for before, after in pairwise(values)]
    scale = scale_of(values)
    found = []
    for index in range(max(begin, 1), len(steps)):
        around = max(abs(steps[index - 1]), abs(steps[index + 1]) if index + 1 < len(steps) else 0.0)
        if steps[index] > 1e-13 * scale and steps[index] > 2.5 * around:
            found.append(index + 1)
    return found


def fit_line(values: Sequence[float], begin: int, end: int) -> Line | None:
    """The line through ``values[begin:end]`` if all of them lie on it (two points or more)."""
    if end - begin < 2:
        return None
    slope = (values[end - 1] - values[begin]) / (end - 1 - begin)
    line = Line(values[begin] - slope * begin, slope)
    tolerance = CLOSE * scale_of(values)
    if any(abs(line.at(k) - values[k]) > tolerance for k in range(begin, end)):
        return None
    return line


def fit_cosine(values: Sequence[float], begin: int, end: int) -> Cosine | None:
    """The cosine through ``values[begin:end]`` if all of them lie on one (five points or more).

    On equally spaced points of any cosine the differences obey d(k-1) + d(k+1) = 2 cos(w) d(k), which gives w
    without knowing level, swing or phase; those then follow from linear least squares.
    """
    if end - begin < 5:
        return None
    d = [values[k + 1] - values[k] for k in range(begin, end - 1)]
    weight = sum(x * x for x in d[1:-1])
    if weight == 0.0:
        return None
    curvature = -sum(d[k] * ((d[k + 1] - d[k]) - (d[k] - d[k - 1])) for k in range(1, len(d) - 1)) / weight
    if not 1e-12 < curvature < 4.0:
        return None
    omega = 2 * math.asin(math.sqrt(curvature) / 2)
    half_period = snap(math.pi / omega)
    phase = _phase(values, begin, end, math.pi / half_period)
    if phase is None:
        return None
    start = snap(begin - phase * half_period / math.pi, 1e-4)
    return _levels(values, begin, end, start, half_period)


def _phase(values: Sequence[float], begin: int, end: int, omega: float) -> float | None:
    """Phase (radians, in [-pi, pi]) of the peak-first cosine at ``begin``."""
    n = end - begin
    mean = math.fsum(values[begin:end]) / n
    cosines = [math.cos(omega * i) for i in range(n)]
    sines = [math.sin(omega * i) for i in range(n)]
    mc, ms = math.fsum(cosines) / n, math.fsum(sines) / n
    cc = math.fsum((c - mc) ** 2 for c in cosines)
    ss = math.fsum((s - ms) ** 2 for s in sines)
    cs = math.fsum((c - mc) * (s - ms) for c, s in zip(cosines, sines, strict=True))
    cy = math.fsum((c - mc) * (values[begin + i] - mean) for i, c in enumerate(cosines))
    sy = math.fsum((s - ms) * (values[begin + i] - mean) for i, s in enumerate(sines))
    determinant = cc * ss - cs * cs
    if determinant <= 0.0:
        return None
    a = (cy * ss - sy * cs) / determinant
    b = (sy * cc - cy * cs) / determinant
    return math.atan2(-b, a)


def _levels(values: Sequence[float], begin: int, end: int, start: float, half_period: float) -> Cosine | None:
    omega = math.pi / half_period
    shape = [math.cos(omega * (k - start)) for k in range(begin, end)]
    n = len(shape)
    mean, level = math.fsum(shape) / n, math.fsum(values[begin:end]) / n
    spread = math.fsum((x - mean) ** 2 for x in shape)
    if spread == 0.0:
        return None
    swing = math.fsum((x - mean) * (values[begin + i] - level) for i, x in enumerate(shape)) / spread
    centre = level - swing * mean
    cosine = Cosine(centre + swing, centre - swing, start, half_period)
    tolerance = CLOSE * scale_of(values)
    if any(abs(cosine.at(k) - values[k]) > tolerance for k in range(begin, end)):
        return None
    return cosine
