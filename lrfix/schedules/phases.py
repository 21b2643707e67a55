"""The phases of a schedule: how far warmup and decay have come at a step, under the conventions found in the wild."""

from __future__ import annotations

import math

from lrfix.schedules.exact import Weight, geometric, in_common_unit, interpolate

WARMUP_MODES = ("linear", "exponential", "constant")
WARMUP_PROGRESS = ("k/W", "(k+1)/W", "k/(W-1)", "(k+1)/(W+1)", "max(k,1)/W")
DECAY_PROGRESS = ("k/D", "(k+1)/D", "k/(D-1)")


def check_rates(peak: float, warmup_start: float, eta_min: float) -> None:
    """ValueError for a rate that is negative or not finite."""
    if not 0.0 <= peak < math.inf:
        raise ValueError(f"peak={peak!r}; legal: a finite rate >= 0")
    if not 0.0 <= warmup_start < math.inf:
        raise ValueError(f"warmup_start={warmup_start!r}; legal: a finite rate >= 0")
    if not 0.0 <= eta_min < math.inf:
        raise ValueError(f"eta_min={eta_min!r}; legal: a finite rate >= 0")


def step_units(step: float, warmup_steps: float, *others: float) -> tuple[int, ...]:
    """``(one, step, warmup_steps, others ...)`` as integers in one unit of which a step has ``one``."""
    units = in_common_unit(step, warmup_steps, *others)
    if units[1] < 0:
        raise ValueError(f"step={step!r}; legal: step >= 0, counted from 0")
    if units[2] < 0:
        raise ValueError(f"warmup_steps={warmup_steps!r}; legal: warmup_steps >= 0")
    return units


def warmup_weight(k: int, warmup: int, one: int, convention: str) -> Weight:
    """Progress of the warmup at ``0 <= k < warmup``."""
    if convention == "k/W":
        return k, warmup
    if convention == "(k+1)/W":
        return k + one, warmup
    if convention == "(k+1)/(W+1)":
        return k + one, warmup + one
    if convention == "max(k,1)/W":
        return max(k, one), warmup
    if convention == "k/(W-1)":
        # A warmup of a single step stays at its start, as numpy.linspace(start, peak, 1) does.
        return (k, warmup - one) if warmup > one else (0, 1)
    raise ValueError(f"warmup_progress={convention!r}; legal: {', '.join(map(repr, WARMUP_PROGRESS))}")


def warmup_rate(
    k: int,
    warmup: int,
    one: int,
    peak: float,
    start: float,
    mode: str,
    convention: str,
    first_peak: float | None = None,
) -> float:
    """The rate at ``0 <= k < warmup``; ``first_peak`` is the peak before it decayed from cycle to cycle."""
    numerator, denominator = warmup_weight(k, warmup, one, convention)
    if mode == "linear":
        return interpolate(start, peak, numerator, denominator)
    if mode == "constant":
        return start
    if mode != "exponential":
        raise ValueError(f"warmup_mode={mode!r}; legal: {', '.join(map(repr, WARMUP_MODES))}")
    check_exponential_warmup(peak if first_peak is None else first_peak, start)
    return geometric(start, peak, numerator, denominator)


def check_exponential_warmup(peak: float, start: float) -> None:
    """ValueError where no geometric progression leads from ``start`` to ``peak``."""
    if start == peak:
        return
    # Below 1e-290 the ratio of the two may overflow.
    if start < 1e-290 or not 0.0 < peak / start < math.inf:
        raise ValueError(
            f"warmup_start={start!r} with warmup_mode='exponential' and peak {peak!r}; legal: warmup_start >= 1e-290,"
            " a positive peak (a geometric progression never leaves 0)"
        )


def decay_span(length: int, one: int, convention: str) -> Weight:
    """``(ahead, length)``: progress at ``k`` is ``(k + ahead) / length``, at most 1; no decay if ``length <= 0``."""
    if convention == "k/D":
        return 0, length
    if convention == "(k+1)/D":
        return one, length
    if convention == "k/(D-1)":
        return 0, (length - one if length > one else min(length, one))
    raise ValueError(f"decay_progress={convention!r}; legal: {', '.join(map(repr, DECAY_PROGRESS))}")


def decay_position(k: int, length: int, one: int, convention: str) -> Weight:
    """``(done, length)`` of the decay at ``k >= 0`` steps after the warmup, ``done`` at most ``length``.

    Without a decay phase (``length <= 0``) everything is done: the floor.
    """
    ahead, length = decay_span(length, one, convention)
    if length <= 0:
        return 1, 1
    done = k + ahead
    return (done if done < length else length), length
