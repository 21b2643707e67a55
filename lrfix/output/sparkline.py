"""A curve in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lrfix.findings import Evidence
from lrfix.wording import together

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


def drawn(evidence: Evidence, levels: str = BLOCKS) -> list[str]:
    """The curve with its extent, and a line that marks where warmup ends and, where the curve goes on, its end.

    It ends where the schedule is meant to end, or behind the last step of the evidence.
    """
    if not evidence.curve:
        return []
    end = evidence.end if evidence.end is not None and 1 < evidence.end < len(evidence.curve) else None
    told, shown = last_of_interest(evidence.curve, end), max(evidence.steps, default=0)
    last = told if shown <= told else min(len(evidence.curve) - 1, shown + told // 10)
    curve = evidence.curve[: last + 1]
    finite = [rate for rate in curve if isinstance(rate, (int, float)) and math.isfinite(rate)]
    extent = f"  {' .. '.join(together([min(finite), max(finite)]))}" if finite else ""
    found = [f"{sparkline(curve, levels=levels)}{extent}, {evidence.unit}s 0 .. {last}"]
    marks = ""
    for step, words in ((_warm_until(curve), "warmup ends at"), (end if end != last else None, "its end,")):
        place = _place_of(step, len(curve)) if step is not None else 0
        if step is not None and place >= len(marks):
            marks = f"{marks:<{place}}^ {words} {evidence.unit} {step}  "
    return [*found, marks.rstrip()] if marks else found


def last_of_interest(curve: Sequence[float], end: int | None) -> int:
    """The step up to which a curve is worth drawing: its end, or where none is known a little behind its last move."""
    longest = len(curve) - 1
    if end is not None:
        return end if 1 < end < longest else longest
    moved = next((k for k in range(longest, 0, -1) if curve[k] != curve[k - 1]), longest)
    return min(longest, moved + moved // 10 + 1)


def _warm_until(curve: Sequence[float]) -> int | None:
    """The step up to which a curve climbs from its beginning; None where it does not, or never stops to."""
    top = next((k for k in range(1, len(curve)) if not curve[k] > curve[k - 1]), len(curve)) - 1
    return top if 2 <= top < len(curve) - 1 else None


def _place_of(step: int, length: int) -> int:
    """The character of a sparkline that a step is drawn as."""
    return step if length <= WIDTH else round(step * (WIDTH - 1) / (length - 1))


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


__all__ = ["ASCII", "BLOCKS", "WIDTH", "drawn", "last_of_interest", "sparkline"]
