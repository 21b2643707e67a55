"""A curve in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.-=+*#@"
WIDTH = 40


def sparkline(curve: Sequence[float], width: int = WIDTH, levels: str = BLOCKS) -> str:
    """The curve in at most ``width`` characters, from the lowest level at its minimum to the highest at its maximum.

    A curve that never changes is drawn at mid height (0: at the lowest level); a rate that is not finite is a ``!``.
    """
    if not curve:
        return ""
    sampled = list(curve)
    if len(sampled) > width:
        sampled = [sampled[round(index * (len(curve) - 1) / (width - 1))] for index in range(width)]
    finite = [rate for rate in sampled if isinstance(rate, (int, float)) and math.isfinite(rate)]
    if not finite:
        return "!" * len(sampled)
    low, high = min(finite), max(finite)
    return "".join(_level(rate, low, high, levels) for rate in sampled)


def _level(rate: float, low: float, high: float, levels: str) -> str:
    if not isinstance(rate, (int, float)) or not math.isfinite(rate):
        return "!"
    if high == low:
        return levels[len(levels) // 2 - 1] if high else levels[0]
    if math.isinf(high - low):
        # Only a difference of huge rates overflows, and those halve exactly; half of the smallest rate would be 0.
        rate, low, high = rate / 2, low / 2, high / 2
    share = (rate - low) / (high - low)
    return levels[min(len(levels) - 1, int(share * len(levels)))]


__all__ = ["ASCII", "BLOCKS", "WIDTH", "sparkline"]
