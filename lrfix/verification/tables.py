"""Numbers about a pair of curves: how far apart two rates are, and which steps tell a reader the most."""

from __future__ import annotations

import math

Curve = tuple[tuple[float, ...], ...]

TELLING_LIMIT = 12

TOLERANCE = 1e-12
"""Largest difference of two rates that still count as the same, as a share of the peak."""


def share_of_peak(left: float, right: float, peak: float) -> float:
    """|left - right| over the peak; 0 for equal rates and for two that are both not numbers; ``inf`` where only one of
    them is finite, or where they differ and there is no peak."""
    if left == right or (math.isnan(left) and math.isnan(right)):
        return 0.0
    if not (math.isfinite(left) and math.isfinite(right)) or peak <= 0:
        return math.inf
    return abs(left - right) / peak


def telling_steps(old: Curve, new: Curve, horizon: int) -> tuple[int, ...]:
    """First, middle and last steps, the horizon and beyond, where the curves bend, and where they differ most."""
    count = max(len(old), len(new))
    wanted = [0, 1, horizon - 1, horizon, count - 1, horizon // 2]
    wanted.extend(_most_different(old, new))
    for curve in (new, old):
        for bend in _bends(curve):
            wanted.extend((bend - 1, bend, bend + 1))
    chosen: list[int] = []
    for step in wanted:
        if 0 <= step < count and step not in chosen and len(chosen) < TELLING_LIMIT:
            chosen.append(step)
    return tuple(sorted(chosen))


def _most_different(old: Curve, new: Curve) -> list[int]:
    apart = [
        (max((_gap(a, b) for a, b in zip(before, after, strict=True)), default=0.0), -step)
        for step, (before, after) in enumerate(zip(old, new, strict=False))  # one may have ended early
    ]
    return [-step for gap, step in sorted(apart, reverse=True)[:2] if gap > 0]


def _gap(left: float, right: float) -> float:
    gap = abs(left - right)
    return math.inf if math.isnan(gap) and not (math.isnan(left) and math.isnan(right)) else gap


def _bends(curve: Curve) -> list[int]:
    """The two steps with the sharpest change of slope, if they stand out from the rest."""
    rates = [step_rates[0] for step_rates in curve if step_rates]
    if len(rates) < 5 or not all(math.isfinite(rate) for rate in rates):
        return []
    peak = max(abs(rate) for rate in rates)
    turns = [abs(rates[k + 1] - 2 * rates[k] + rates[k - 1]) for k in range(1, len(rates) - 1)]
    usual = sorted(turns)[len(turns) // 2]
    order = sorted(range(len(turns)), key=lambda k: (-turns[k], k))
    return [k + 1 for k in order[:2] if turns[k] > 1e-6 * peak and turns[k] > 5 * usual]
