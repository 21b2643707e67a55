"""Curves that hold each rate for a while: drops at milestones, and smooth schedules that move once an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_SAME_LEVEL = 1e-12
_SAME_RATIO = 1e-5
_VANISHED = 1e-9
"""Share of the largest rate below which levels are left out: rounding merges them."""
_FEWEST_HELD = 5
"""Levels from which on a staircase of equal treads is also a curve sampled once a tread."""


@dataclass(frozen=True)
class Tread:
    """``length`` steps from ``begin`` at one rate."""

    begin: int
    length: int
    level: float


@dataclass(frozen=True)
class Staircase:
    """The part of a curve, from its first tread to the end, in which no rate lasts one step only."""

    treads: tuple[Tread, ...]

    @property
    def begin(self) -> int:
        return self.treads[0].begin

    @property
    def drops(self) -> int:
        return len(self.treads) - 1

    @property
    def stride(self) -> int | None:
        """The common length of the treads between the first and the last, give or take the rounding of an epoch."""
        inner = [tread.length for tread in self.treads[1:-1]]
        if not inner or self.treads[0].length > max(inner) + 1:
            return None
        return inner[0] if max(inner) - min(inner) <= (1 if len(inner) > 3 else 0) else None

    @property
    def levels(self) -> list[float]:
        return [tread.level for tread in self.treads]

    @property
    def sampled(self) -> bool:
        """Whether the treads are a curve of their own, one point each."""
        return self.stride is not None and len(self.treads) >= _FEWEST_HELD

    @property
    def geometric(self) -> bool:
        """Whether every drop is by one factor, a floor at the end aside."""
        levels = self.levels
        if min(levels) <= 0:
            return False
        seen = [level for level in levels if level > _VANISHED * max(levels)]
        ratios = [b / a for a, b in pairwise(seen)]
        if not ratios:
            return False
        regular = ratios if len(ratios) < 3 else ratios[:-1]
        return max(regular) < 1 and all(abs(r - ratios[0]) <= _SAME_RATIO * ratios[0] for r in regular)

    @property
    def distance(self) -> int | None:
        """The steps from each drop to the next, where they are equal."""
        lengths = {tread.length for tread in self.treads[1:-1]}
        if not lengths or max(lengths) - min(lengths) > (1 if self.drops > _FEWEST_HELD else 0):
            return None
        return max(lengths)

    @property
    def even(self) -> bool:
        """Whether the drops come at equal distances, counted from the start of the curve or of the staircase."""
        size = self.distance
        if size is None:
            return False
        first = self.treads[1].begin
        # A rate that is held on from a warmup was reached a step before it was held.
        return abs(first - size) <= 1 or abs(self.treads[0].length - size) <= 1 or self.drops >= _FEWEST_HELD


def find_staircase(values: Sequence[float], largest: float) -> Staircase | None:
    """The longest end of the curve that is a staircase of two treads or more; None where it moves to its end.

    ``largest`` is the scale below which differences are rounding.
    """
    treads: list[Tread] = []
    end = len(values)
    while end > 0:
        begin = end - 1
        while begin > 0 and _same(values[begin - 1], values[end - 1], largest):
            begin -= 1
        if end - begin < 2 and treads:
            break
        treads.append(Tread(begin, end - begin, values[begin]))
        end = begin
    treads.reverse()
    if len(treads) < 2 or abs(treads[0].level) <= _VANISHED * largest:
        return None
    return Staircase(tuple(treads))


def _same(a: float, b: float, largest: float) -> bool:
    return abs(a - b) <= _SAME_LEVEL * max(abs(a), abs(b)) + 1e-16 * largest


__all__ = ["Staircase", "Tread", "find_staircase"]
