"""Schedules without a horizon: constant, exponential, inverse square root, step, multistep, cosine with restarts."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

from lrfix.schedules.exact import cosine_weight, in_common_unit, interpolate, locate_cycle
from lrfix.schedules.phases import check_rates, decay_position, step_units, warmup_rate

WARMUP_CYCLES = ("first", "every")
COUNT_FROM = ("warmup", "start", "start-in-warmup")


def warmup_constant(
    step: float,
    *,
    peak: float = 1.0,
    warmup_steps: float = 0,
    warmup_start: float = 0.0,
    warmup_mode: str = "linear",
    warmup_progress: str = "k/W",
) -> float:
    """Warmup, then ``peak`` for ever.

    Arguments, units and warmup: as for :func:`lrfix.schedules.warmup_cosine`. Source: Goyal et al. (2017).
    """
    check_rates(peak, warmup_start, 0.0)
    one, k, warmup = step_units(step, warmup_steps)
    if k < warmup:
        return warmup_rate(k, warmup, one, peak, warmup_start, warmup_mode, warmup_progress)
    return float(peak)


def check_gamma(gamma: float) -> None:
    """ValueError for a decay factor that is negative or not finite."""
    if not 0.0 <= gamma < math.inf:
        raise ValueError(f"gamma={gamma!r}; legal: a finite number >= 0, below 1 to decay")


def exponential_factor(gamma: float, k: int, one: int) -> float:
    """``gamma ** (k / one)``."""
    exponent = k / one
    factor: float = gamma**exponent
    if one != 1 and gamma:
        # The rounding of a fractional exponent is amplified by the power: put back to first order.
        p, q = exponent.as_integer_ratio()
        factor += factor * ((k * q - p * one) / (one * q) * math.log(gamma))
    return factor


def scaled_rate(peak: float, factor: float, eta_min: float) -> float:
    """``peak * factor``, not below ``eta_min``."""
    rate = peak * factor
    return float(rate if rate > eta_min else eta_min)


def warmup_exponential(
    step: float,
    *,
    gamma: float,
    peak: float = 1.0,
    warmup_steps: float = 0,
    warmup_start: float = 0.0,
    warmup_mode: str = "linear",
    warmup_progress: str = "k/W",
    eta_min: float = 0.0,
) -> float:
    """Warmup, then ``peak * gamma ** (k - W)``, not below ``eta_min``.

    ``gamma`` >= 0 is the factor per step. The power is taken at once, never by repeated multiplication, so the error
    does not grow with the step. Other arguments, units and warmup: as for :func:`lrfix.schedules.warmup_cosine`.

    Source: Senior et al., An Empirical Study of Learning Rates in Deep Neural Networks for Speech Recognition (2013).
    """
    check_rates(peak, warmup_start, eta_min)
    check_gamma(gamma)
    one, k, warmup = step_units(step, warmup_steps)
    if k < warmup:
        return warmup_rate(k, warmup, one, peak, warmup_start, warmup_mode, warmup_progress)
    return scaled_rate(peak, exponential_factor(gamma, k - warmup, one), eta_min)


def inverse_sqrt_factor(k: int, warmup: int, one: int, timescale: int, decay_progress: str) -> float:
    """``sqrt(t / (t + k - W))``; ``timescale`` 0 stands for the warmup, or one step where there is none."""
    scale = timescale or warmup or one
    if decay_progress == "(k+1)/D":
        return math.sqrt(scale / (scale + k + one - warmup))
    if decay_progress == "k/D":
        return math.sqrt(scale / (scale + k - warmup))
    raise ValueError(f"decay_progress={decay_progress!r}; legal here: 'k/D', '(k+1)/D'")


def warmup_inverse_sqrt(
    step: float,
    *,
    peak: float = 1.0,
    warmup_steps: float,
    timescale: float | None = None,
    warmup_start: float = 0.0,
    warmup_mode: str = "linear",
    warmup_progress: str = "k/W",
    decay_progress: str = "k/D",
    eta_min: float = 0.0,
) -> float:
    """Warmup, then ``peak * sqrt(t / (t + k - W))``, not below ``eta_min``; with the default ``t = W`` that is
    ``sqrt(W/k)``.

    ``timescale`` (steps, > 0) is ``t``; ``None`` means ``warmup_steps``, or 1 without warmup.
    ``decay_progress="(k+1)/D"`` counts the step from 1, as Vaswani et al. do: together with
    ``warmup_progress="(k+1)/W"`` it is their curve. Other arguments, units and warmup: as for
    :func:`lrfix.schedules.warmup_cosine`.

    Source: Vaswani et al., Attention Is All You Need (2017).
    """
    check_rates(peak, warmup_start, eta_min)
    if timescale is not None and not timescale > 0:
        raise ValueError(f"timescale={timescale!r}; legal: timescale > 0, or None for warmup_steps")
    one, k, warmup, scale = step_units(step, warmup_steps, timescale or 0)
    if k < warmup:
        return warmup_rate(k, warmup, one, peak, warmup_start, warmup_mode, warmup_progress)
    return scaled_rate(peak, inverse_sqrt_factor(k, warmup, one, scale, decay_progress), eta_min)


def warmup_step(
    step: float,
    *,
    step_size: float,
    gamma: float = 0.1,
    peak: float = 1.0,
    warmup_steps: float = 0,
    warmup_start: float = 0.0,
    warmup_mode: str = "linear",
    warmup_progress: str = "k/W",
    count_from: str = "warmup",
    eta_min: float = 0.0,
) -> float:
    """Warmup, then ``peak * gamma ** ((k - W) // step_size)``, not below ``eta_min``.

    ``step_size`` > 0 in steps, counted from the end of the warmup; ``count_from="start"`` counts from step 0 instead,
    and ``"start-in-warmup"`` does so in the warmup too, which a drop inside it scales at once. Other arguments, units
    and warmup: as for :func:`lrfix.schedules.warmup_cosine`. Source: Goyal et al. (2017).
    """
    check_rates(peak, warmup_start, eta_min)
    check_gamma(gamma)
    one, k, warmup, size = step_units(step, warmup_steps, step_size)
    if size <= 0:
        raise ValueError(f"step_size={step_size!r}; legal: step_size > 0")
    if k < warmup:
        rate = warmup_rate(k, warmup, one, peak, warmup_start, warmup_mode, warmup_progress)
        return rate * gamma ** (k // size) if count_from == "start-in-warmup" else rate
    return scaled_rate(peak, gamma ** ((k - count_origin(count_from, warmup)) // size), eta_min)


def count_origin(count_from: str, warmup: int) -> int:
    """The step from which a staircase counts."""
    if count_from == "warmup":
        return warmup
    if count_from in ("start", "start-in-warmup"):
        return 0
    raise ValueError(f"count_from={count_from!r}; legal: {', '.join(map(repr, COUNT_FROM))}")


def warmup_multistep(
    step: float,
    *,
    milestones: Sequence[float],
    gamma: float = 0.1,
    peak: float = 1.0,
    warmup_steps: float = 0,
    warmup_start: float = 0.0,
    warmup_mode: str = "linear",
    warmup_progress: str = "k/W",
    count_from: str = "start",
    eta_min: float = 0.0,
) -> float:
    """Warmup, then ``peak * gamma ** (number of milestones reached)``, not below ``eta_min``.

    ``milestones`` (steps in any order, a repeated one counts twice) are counted from step 0, warmup included, as in
    detectron2 and torch; ``count_from="warmup"`` counts them from the end of the warmup. A milestone inside the warmup
    counts from its end on; with ``"start-in-warmup"``, as in detectron2, it scales the warmup at once. Other arguments,
    units and warmup: as for :func:`lrfix.schedules.warmup_cosine`. Source: Goyal et al. (2017).
    """
    check_rates(peak, warmup_start, eta_min)
    check_gamma(gamma)
    one, k, warmup, *reached = step_units(step, warmup_steps, *milestones)
    reached.sort()
    if k < warmup:
        rate = warmup_rate(k, warmup, one, peak, warmup_start, warmup_mode, warmup_progress)
        return rate * gamma ** bisect_right(reached, k) if count_from == "start-in-warmup" else rate
    return scaled_rate(peak, gamma ** bisect_right(reached, k - count_origin(count_from, warmup)), eta_min)


def warmup_cosine_restarts(
    step: float,
    *,
    T_0: float,
    T_mult: int = 1,
    cycle_decay: float = 1.0,
    warmup_cycles: str = "first",
    peak: float = 1.0,
    warmup_steps: float = 0,
    warmup_start: float = 0.0,
    warmup_mode: str = "linear",
    warmup_progress: str = "k/W",
    decay_progress: str = "k/D",
    eta_min: float = 0.0,
) -> float:
    """Cosine annealing with warm restarts: cycles of ``T_0 * T_mult ** n`` steps, each from its peak to ``eta_min``.

    The peak of cycle ``n`` is ``peak * cycle_decay ** n``, not below ``eta_min``. ``warmup_cycles="first"``: one warmup
    of ``warmup_steps``, then the cycles. ``"every"``: each cycle begins with ``warmup_steps`` of warmup from
    ``warmup_start`` to its peak, and its length includes them.

    ``T_0`` > 0 in steps, ``T_mult`` an integer >= 1, ``0 < cycle_decay <= 1``. The cycle is found with integer
    arithmetic, exact for every step. As in torch, the last step of a cycle lies just above ``eta_min`` and the next one
    is the restart; ``decay_progress="k/(D-1)"`` reaches ``eta_min`` on the last step. Other arguments, units and
    warmup: as for :func:`lrfix.schedules.warmup_cosine`. There is no horizon: the cycles go on.

    Source: Loshchilov & Hutter, SGDR (2017).
    """
    check_rates(peak, warmup_start, eta_min)
    if T_mult < 1 or T_mult != int(T_mult):
        raise ValueError(f"T_mult={T_mult!r}; legal: an integer >= 1")
    if not 0.0 < cycle_decay <= 1.0:
        raise ValueError(f"cycle_decay={cycle_decay!r}; legal: 0 < cycle_decay <= 1")
    if warmup_cycles not in WARMUP_CYCLES:
        raise ValueError(f"warmup_cycles={warmup_cycles!r}; legal: {', '.join(map(repr, WARMUP_CYCLES))}")
    one, k, warmup, first = step_units(step, warmup_steps, T_0)
    if first <= 0:
        raise ValueError(f"T_0={T_0!r}; legal: T_0 > 0")
    if warmup_cycles == "first":
        if k < warmup:
            return warmup_rate(k, warmup, one, peak, warmup_start, warmup_mode, warmup_progress)
        k -= warmup
        warmup = 0
    cycle, offset, length = locate_cycle(k, first, int(T_mult))
    first_peak, peak = peak, cycle_peak(peak, cycle_decay, cycle, eta_min)
    if offset < warmup:
        return warmup_rate(offset, warmup, one, peak, warmup_start, warmup_mode, warmup_progress, first_peak)
    numerator, denominator = cosine_weight(*decay_position(offset - warmup, length - warmup, one, decay_progress))
    return interpolate(eta_min, peak, numerator, denominator)


def cycle_peak(peak: float, cycle_decay: float, cycle: int, eta_min: float) -> float:
    """The peak of a cycle: decayed, but never below the floor that it decays to."""
    if cycle_decay == 1.0 or peak <= eta_min:
        return peak
    return max(peak * cycle_decay**cycle, eta_min)


def restart_steps(
    count: int, *, T_0: int, T_mult: int = 1, warmup_steps: int = 0, warmup_cycles: str = "first"
) -> list[int]:
    """The first ``count`` steps at which a cycle of :func:`warmup_cosine_restarts` begins."""
    _, start, length = in_common_unit(warmup_steps if warmup_cycles == "first" else 0, T_0)
    steps = []
    for _ in range(count):
        steps.append(start)
        start += length
        length *= T_mult
    return steps
