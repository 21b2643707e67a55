"""Reading a warmup off a curve. No rules here."""

from __future__ import annotations

from collections.abc import Sequence

from lrfix.domains.roles import RATES, role_of
from lrfix.driving.laboratory import Run

SHORTEST = 3


def ramp_end(curve: Sequence[float]) -> int | None:
    """The last step of the climb from step 0, when it is a ramp: even increments or even ratios."""
    if len(curve) < SHORTEST + 5 or not curve[1] > curve[0]:
        return None
    slope = curve[1] - curve[0]
    ratio = curve[1] / curve[0] if curve[0] > 0 else None
    end = 1
    while end + 1 < len(curve):
        following = curve[end + 1]
        even = abs((following - curve[end]) - slope) <= 1e-6 * abs(slope)
        geometric = ratio is not None and abs(following / curve[end] - ratio) <= 1e-9 * ratio if curve[end] else False
        if not even and not geometric:
            break
        end += 1
    return end if end >= SHORTEST and end + 4 < len(curve) else None


def overshoots(run: Run) -> bool:
    """Whether a ramp climbs one increment above the rate that the schedule holds, or comes down from, after it."""
    curve = run.curve
    end = ramp_end(curve)
    if end is None or end + 3 >= len(curve):
        return False
    slope, after = curve[end] - curve[end - 1], curve[end + 1]
    near = abs(curve[end] - slope - after) <= 0.05 * slope and abs(curve[end + 2] - after) <= 0.05 * slope
    return near and any(abs(curve[end] - slope - top) <= 1e-9 * top for top in tops(run))


def tops(run: Run) -> list[float]:
    """The rates that a schedule may be meant to peak at: the optimizer's own, and those its code names."""
    stated = [v for p, v in {**run.names, **run.leaves}.items() if role_of(p) in RATES and isinstance(v, float)]
    return [*run.base_lrs[:1], *stated]
