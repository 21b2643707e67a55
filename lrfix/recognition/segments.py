"""A curve cut into stretches that each follow one shape."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lrfix.recognition.fits import (
    Fit,
    Kind,
    fit_constant,
    fit_cosine,
    fit_exponential,
    fit_line,
    fit_power,
)

EXACT = 1e-9
ROUNDED = 1e-6
"""Residuals, as shares of the largest rate, that double and single precision leave."""
_MOST_BREAKS = 40
_SPIKE = 4.0
_KINK = 12.0
"""Times by which a second difference stands out from its neighbours where a shape may, and where it must, end."""
_AHEAD = 10
"""Breaks looked past for one shape; more lie on a curve only where it repeats."""
_LEAST_EXTENDED = 4
_LOST = 4
"""Stretches in a row that follow no shape, after which no other is looked for."""


@dataclass(frozen=True)
class Segment:
    """``values[begin:end]`` follow ``fit``; an ``unknown`` stretch follows none."""

    kind: Kind
    begin: int
    end: int
    fit: Fit | None
    first: float
    last: float

    @property
    def length(self) -> int:
        return self.end - self.begin

    @property
    def rising(self) -> bool:
        return self.last > self.first

    @property
    def falling(self) -> bool:
        return self.last < self.first


def segments(
    values: Sequence[float],
    tolerance: float,
    scale: float,
    floors: Sequence[float] = (),
    origins: Sequence[float] = (),
) -> list[Segment]:
    """The stretches of a curve in order, found longest first from the left.

    A residual counts as rounding up to ``tolerance * scale``. ``floors`` and ``origins`` are levels and steps that
    the code names: where a polynomial may end.
    """
    slack = tolerance * scale
    breaks, kinks = _breaks(values, slack)
    if len(breaks) > _MOST_BREAKS:
        # What repeats shows itself at the start; what does not, never will.
        values = values[: breaks[_MOST_BREAKS]]
        breaks = breaks[: _MOST_BREAKS + 1]
    tail = len(values) - 1
    while tail > 0 and abs(values[tail - 1] - values[-1]) <= slack:
        tail -= 1
    found: list[Segment] = []
    begin = 0
    while begin < len(values):
        ahead = [b for b in breaks if b > begin]
        kink = next((i for i, b in enumerate(ahead) if b in kinks and b > begin + 2), len(ahead))
        last = ahead[min(kink + 1, len(ahead) - 1)]
        reach = {*ahead[:_AHEAD], *(t for t in (tail, tail + 1) if t > begin), *ahead[kink : kink + 2], ahead[-1]}
        segment = _longest(values, begin, [end for end in reach if end <= last], slack, floors, origins)
        end = _extended(segment, values, slack)
        found.append(segment if end == segment.end else _segment(segment.kind, values, begin, end, segment.fit))
        begin = end
        if len(found) >= _LOST and all(s.kind == "unknown" for s in found[-_LOST:]):
            found.append(_segment("unknown", values, begin, len(values), None))
            break
    return list(_joined(found, values))


def _longest(
    values: Sequence[float],
    begin: int,
    breaks: Sequence[int],
    slack: float,
    floors: Sequence[float],
    origins: Sequence[float],
) -> Segment:
    for end in sorted(breaks, reverse=True):
        levels = (0.0, values[-1], values[end - 1], *values[end : end + 1], *values[max(begin - 1, 0) : begin], *floors)
        try:
            fit = _fit(struct.pack(f"{end - begin}d", *values[begin:end]), begin, end, slack, levels, tuple(origins))
        except (ArithmeticError, ValueError):
            # Rates so far apart that a shape's numbers leave double precision follow no shape.
            fit = None
        if fit is not None:
            return _segment(fit.kind, values, begin, end, fit)
    return _segment("unknown", values, begin, min(breaks), None)


def _extended(segment: Segment, values: Sequence[float], slack: float) -> int:
    """How far the shape of a segment goes on: past the breaks that were only suspected."""
    end = segment.end
    if segment.fit is None or segment.length < _LEAST_EXTENDED:
        return end
    while end < len(values) and abs(segment.fit.at(end) - values[end]) <= slack:
        end += 1
    return end


@lru_cache(maxsize=1024)
def _fit(
    packed: bytes,
    begin: int,
    end: int,
    slack: float,
    levels: tuple[float, ...],
    origins: tuple[float, ...],
) -> Fit | None:
    """The shape of a stretch, remembered: the settings of a schedule, and other schedules, often share one.

    ``packed`` are its rates; ``levels`` those around it, on which a polynomial may end.
    """
    values = (0.0,) * begin + struct.unpack(f"{end - begin}d", packed)
    fit = fit_constant(values, begin, end, slack) or fit_line(values, begin, end, slack)
    if fit is not None:
        return fit
    fit = fit_exponential(values, begin, end, slack)
    if fit is not None and fit.numbers["floor"] == 0.0:
        return fit
    cosine = fit_cosine(values, begin, end, slack)
    if cosine is not None:
        return cosine
    ends = [float(o) for o in (end - 1, end, end + 1, begin - 1, begin, 0, -1)]
    return fit or fit_power(values, begin, end, slack, levels, [*ends, *origins])


def _breaks(values: Sequence[float], slack: float) -> tuple[list[int], set[int]]:
    """Steps at which one shape may end and another begin, the end of the curve last; and those where one must."""
    n = len(values)
    noise = 4 * slack
    bends = [0.0, *(values[k + 1] - 2 * values[k] + values[k - 1] for k in range(1, n - 1)), 0.0]
    sizes = [abs(b) for b in bends]
    top = max(range(n), key=values.__getitem__)
    # Phases meet at the peak, however smoothly; two steps may share it.
    found = {n, *(k for k in (top, top + 1, top + 2) if k < n)}
    kinks: set[int] = set()
    straight = [size <= noise for size in sizes]
    for k in range(1, n - 1):
        if sizes[k] > noise:
            before = sizes[k - 2] if k > 2 else 0.0
            after = sizes[k + 2] if k < n - 3 else 0.0
            if sizes[k] > _SPIKE * max(before, after) + noise:
                found.update((k, k + 1))
                if 2 < k < n - 3 and sizes[k] > _KINK * max(before, after) + noise:
                    kinks.add(k)
        if 3 < k < n - 4:
            # Where a smooth curve goes over into another the second difference itself leaps.
            leap, around = (abs(bends[k + 1] - bends[k]), (abs(bends[i + 1] - bends[i]) for i in (k - 2, k + 2)))
            if leap > _SPIKE * max(around) + 2 * noise:
                found.update((k, k + 1, k + 2))
        if straight[k] != straight[k - 1] and 1 < k < n - 1:
            found.update((k, k + 1) if not straight[k] else (k - 1, k))
    return sorted(b for b in found if 0 < b <= n), kinks


def _segment(kind: Kind, values: Sequence[float], begin: int, end: int, fit: Fit | None) -> Segment:
    return Segment(kind, begin, end, fit, values[begin], values[end - 1])


def _joined(found: Sequence[Segment], values: Sequence[float]) -> Iterator[Segment]:
    """Neighbouring unknown stretches are one."""
    waiting: Segment | None = None
    for segment in found:
        if waiting is None:
            waiting = segment
        elif waiting.kind == segment.kind == "unknown":
            waiting = _segment("unknown", values, waiting.begin, segment.end, None)
        else:
            yield waiting
            waiting = segment
    if waiting is not None:
        yield waiting


__all__ = ["EXACT", "ROUNDED", "Segment", "segments"]
