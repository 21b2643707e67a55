"""The rising phase a curve may begin with, and the readings of its length, start and convention."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lrfix.recognition.curves import CLOSE, Line, fit_line, scale_of, straight_run


@dataclass(frozen=True)
class Rise:
    """A warmup as measured: the curve climbs up to index ``last`` (included), along ``line`` if it is linear."""

    kind: str
    last: int
    line: Line | None
    first_differs: bool = False

    @property
    def boundaries(self) -> tuple[int, int]:
        """The two steps at which the phase after the warmup may begin."""
        return self.last, self.last + 1


@dataclass(frozen=True)
class WarmupReading:
    """``steps`` and ``start`` (a rate) of a warmup towards ``peak`` in one convention of progress."""

    steps: float
    start: float
    progress: str


def find_rise(values: Sequence[float]) -> Rise | None:
    """The warmup of a curve, or None if it does not begin by climbing."""
    if len(values) < 4:
        return None
    scale = scale_of(values)
    held = values[1] == values[0] and values[2] > values[1] + CLOSE * scale
    begin = 1 if held else 0
    if values[begin + 1] <= values[begin] + 1e-12 * scale:
        return None
    last = straight_run(values, begin)
    if last - begin >= 2:
        return Rise("linear-warmup", last, fit_line(values, begin, last + 1), held)
    last = begin
    while last + 1 < len(values) and values[last + 1] > values[last]:
        last += 1
    if last - begin >= 3:
        last = _geometric_run(values, begin)
        if last - begin >= 3:
            return Rise("exp-warmup", last, None, held)
        return None
    if last + 1 < len(values) and last - begin <= 2:
        # Two steps of warmup leave two points: any two lie on a line.
        return Rise("linear-warmup", begin + 1, fit_line(values, begin, begin + 2), held)
    return None


def find_hold(values: Sequence[float]) -> Rise | None:
    """The warmup of a curve that stands at one low rate and then jumps up, or None if it does not begin so."""
    last = 0
    while last + 1 < len(values) and values[last + 1] == values[0]:
        last += 1
    if last + 1 >= len(values) - 2 or not 0 < values[0] < values[last + 1]:
        return None
    return Rise("constant-warmup", last, None)


def _geometric_run(values: Sequence[float], begin: int) -> int:
    """Last index up to which the values, or their differences, keep one ratio."""
    scale = scale_of(values)
    if values[begin] > 0:
        ratio = values[begin + 1] / values[begin]
        last = begin + 1
        while last + 1 < len(values) and abs(values[last] * ratio - values[last + 1]) <= 1e-8 * scale:
            grown = values[last + 1] / values[begin]
            if not 0 < grown < math.inf:
                break
            ratio = math.exp(math.log(grown) / (last + 1 - begin))
            last += 1
        if last - begin >= 3:
            return last
    first = values[begin + 1] - values[begin]
    ratio = (values[begin + 2] - values[begin + 1]) / first
    last = begin + 2
    while last + 1 < len(values):
        step = values[last] - values[last - 1]
        if abs(step * ratio - (values[last + 1] - values[last])) > 1e-9 * scale or ratio >= 1.0:
            break
        last += 1
    return last


def read_warmup(rise: Rise, values: Sequence[float], boundary: int, peak: float) -> list[WarmupReading]:
    """The conventions under which a warmup of ``boundary`` steps towards ``peak`` is the measured rise."""
    if rise.kind == "constant-warmup":
        return [WarmupReading(boundary, values[0], "k/W")] if boundary == rise.last + 1 else []
    if rise.kind == "exp-warmup":
        return _read_exponential(rise, values, boundary, peak)
    if rise.line is None or rise.line.slope <= 0:
        return []
    scale = scale_of(values)
    found = []
    for progress, origin in _conventions(rise, boundary, rise.line.where(peak)):
        start = rise.line.at(origin)
        found.append(WarmupReading(boundary, 0.0 if abs(start) < 1e-11 * scale else start, progress))
    return found


def _conventions(rise: Rise, boundary: int, reached: float) -> Iterator[tuple[str, int]]:
    """The ways to count by which a warmup arrives at ``reached``, each with the step at which it would be its start."""
    if rise.first_differs:
        counted = [("max(k,1)/W", boundary, 0)]
    else:
        counted = [("k/W", boundary, 0), ("(k+1)/W", boundary - 1, -1)]
        counted += [("k/(W-1)", boundary - 1, 0), ("(k+1)/(W+1)", boundary, -1)]
    yield from ((progress, origin) for progress, arrival, origin in counted if abs(reached - arrival) <= 1e-6)


def _read_exponential(rise: Rise, values: Sequence[float], boundary: int, peak: float) -> list[WarmupReading]:
    if values[0] <= 0 or peak <= values[0]:
        return []
    first = 1 if rise.first_differs else 0
    growth = math.log(values[rise.last] / values[0]) / (rise.last - first)
    reached = math.log(peak / values[0]) / growth + first if growth > 0 else -1.0
    return [
        WarmupReading(boundary, values[0] * math.exp(growth * (origin - first)), progress)
        for progress, origin in _conventions(rise, boundary, reached)
    ]
