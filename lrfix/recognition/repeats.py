"""Curves that come up again: restarts, triangles, one cycle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from lrfix.recognition.segments import Segment

_WHOLE = 0.8 * math.pi
_HALF = 1.3 * math.pi
"""Radians from which on an arc of a cosine is more than one annealing."""


def repeated(real: Sequence[Segment], values: Sequence[float], ends: Sequence[float]) -> tuple[str, ...] | None:
    """The family of a curve that comes up again: restarts, triangles, one cycle."""
    moving = [s for s in real if s.kind != "constant"]
    if not moving:
        return None
    scale = max(abs(s.first) for s in moving) or 1.0
    leaps = [b for a, b in pairwise(moving) if a.falling and values[b.begin] > a.last + 1e-3 * scale]
    falls = [s for s in moving if s.falling]
    rises = [s for s in moving if s.rising]
    if moving[0].kind == "cosine" and len(moving) == 1:
        return _wave(moving[0], values, ends)
    whole = [s for s in moving if s.kind == "cosine" and _arc(s) > _HALF]
    if leaps and not whole and _mostly_cosine([s for s in moving if s not in rises]):
        warm = ("linear-warmup",) if moving[0].rising and moving[0].kind == "line" else ()
        return (*warm, "cosine-restarts")
    if len([s for s in falls if s.kind == "cosine" and _arc(s) > _WHOLE]) >= 2 and not whole:
        # Cycles whose peak shrinks so fast that none rises above the floor of the one before.
        warm = ("linear-warmup",) if moving[0].rising and moving[0].kind == "line" else ()
        return (*warm, "cosine-restarts")
    if leaps and len(leaps) >= 2 and all(s.kind in ("line", "exponential", "power") for s in moving):
        return ("cyclic",)
    if len(rises) >= 2 and len(falls) >= 2:
        if all(s.kind == "cosine" for s in falls) and rises[0].kind == "line":
            return ("linear-warmup", "cosine-restarts")
        if all(s.kind in ("line", "cosine", "power", "exponential") for s in moving):
            return ("cyclic",)
    return _one_cycle(moving)


def _mostly_cosine(falls: Sequence[Segment]) -> bool:
    """Whether stretches are annealings, the last aside, which the run may cut short."""
    falls = falls[:-1] if len(falls) > 2 else falls
    known = sum(s.length for s in falls if s.kind == "cosine")
    return known > 0.6 * sum(s.length for s in falls) and all(s.kind in ("cosine", "unknown") for s in falls)


def _arc(segment: Segment) -> float:
    return segment.fit.numbers["omega"] * (segment.length - 1) if segment.fit is not None else 0.0


def _wave(segment: Segment, values: Sequence[float], ends: Sequence[float]) -> tuple[str, ...] | None:
    """One cosine through the whole curve: an annealing that rebounds, or a cycle where it climbs first."""
    assert segment.fit is not None
    period = 2 * math.pi / segment.fit.numbers["omega"]
    if values[segment.begin + 2] > values[segment.begin + 1] and _arc(segment) > _HALF:
        return ("onecycle",) if any(abs(period - end) <= 1.0 for end in ends) else ("cyclic",)
    return None


def _one_cycle(moving: Sequence[Segment]) -> tuple[str, ...] | None:
    """A smooth climb and a smooth descent below where it began; or three straight pieces that do the same."""
    kinds = [s.kind for s in moving]
    if len(moving) == 2 and kinds == ["cosine", "cosine"]:
        up, down = moving
        if up.rising and down.falling and down.last <= up.first * (1 + 1e-9):
            return ("onecycle",)
    if len(moving) == 3 and kinds == ["line"] * 3:
        up, down, tail = moving
        if up.rising and down.falling and tail.falling and tail.last < up.first and down.last <= 1.1 * up.first:
            return ("onecycle",)
    return None


__all__ = ["repeated"]
