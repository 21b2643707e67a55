"""Reading a warmup off a curve. No rules here."""

from __future__ import annotations

from collections.abc import Sequence

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
