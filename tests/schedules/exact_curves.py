"""The schedules once more, as their definitions say, with mpmath at 50 digits: what the rates are measured against.

Written from the formulas of docs/schedules.md, sharing no code with the package. Steps are exact fractions.
"""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
from mpmath import mpf

DIGITS = 50


def real(value) -> mpf:
    value = Fraction(value)
    return mpf(value.numerator) / mpf(value.denominator)


def ulps(rate: float, exact: mpf) -> float:
    """The error in units of the last place of the exact value: the strict reading of "relative error in ulp"."""
    if exact == rate:
        return 0.0
    return float(abs(mpf(rate) - exact) / mpf(math.ulp(float(exact))))


def warmup(k, steps, start, peak, mode, convention):
    progress = {
        "k/W": lambda: k / steps,
        "(k+1)/W": lambda: (k + 1) / steps,
        "k/(W-1)": lambda: k / (steps - 1) if steps > 1 else Fraction(0),
        "(k+1)/(W+1)": lambda: (k + 1) / (steps + 1),
        "max(k,1)/W": lambda: max(k, 1) / steps,
    }[convention]()
    progress = min(progress, Fraction(1))
    if mode == "exponential":
        return mpf(start) * (mpf(peak) / mpf(start)) ** real(progress)
    return mpf(start) if mode == "constant" else mpf(start) + (mpf(peak) - mpf(start)) * real(progress)


def progress_of_decay(k, steps, convention):
    """0 to 1; 1 where there is no decay."""
    if convention == "(k+1)/D":
        k += 1
    elif convention == "k/(D-1)":
        steps = steps - 1 if steps > 1 else min(steps, Fraction(1))
    return min(k / steps, Fraction(1)) if steps > 0 else Fraction(1)


def half_cosine(p):
    # In this form nothing cancels, whatever the digits.
    return mpmath.cos(mpmath.pi * real(p) / 2) ** 2 if p < 1 else mpf(0)


def left(shape, p):
    """The share of the way from floor to peak that is left."""
    if shape == "cosine":
        return half_cosine(p)
    if shape == "1-sqrt":
        return 1 - mpmath.sqrt(real(p))
    return real(1 - p) ** (1 if shape == "linear" else mpf(shape))


def exact_rate(
    family, step, *, peak=1.0, warmup_steps=0, warmup_start=0.0, warmup_mode="linear", warmup_progress="k/W",
    decay_progress="k/D", eta_min=0.0, total_steps=0, power=1.0, decay_steps=0, decay="cosine", gamma=1.0,
    timescale=None, step_size=1, milestones=(), count_from=None, T_0=1, T_mult=1, cycle_decay=1.0,
    warmup_cycles="first", eta_min_mode="end",
):  # fmt: skip
    """The exact rate of the function named ``family``."""
    k, steps = Fraction(step), Fraction(warmup_steps)
    if k < steps and not (family == "warmup_cosine_restarts" and warmup_cycles == "every"):
        rate = warmup(k, steps, warmup_start, peak, warmup_mode, warmup_progress)
        drops = 0
        if count_from == "start-in-warmup":
            staircase = family == "warmup_step"
            drops = int(k // Fraction(step_size)) if staircase else sum(k >= milestone for milestone in milestones)
        return rate * mpf(gamma) ** drops
    after, floor, top = k - steps, mpf(eta_min), mpf(peak)
    total, span = Fraction(total_steps), mpf(peak) - mpf(eta_min)
    if family == "warmup_constant":
        return top
    if family in ("warmup_cosine", "warmup_linear", "warmup_polynomial"):
        shape = {"warmup_cosine": "cosine", "warmup_linear": "linear", "warmup_polynomial": power}[family]
        share = left(shape, progress_of_decay(after, total - steps, decay_progress))
        return floor + span * share if eta_min_mode == "end" else max(top * share, floor)
    if family == "warmup_stable_decay":
        begin = max(steps, total - Fraction(decay_steps))
        if k < begin:
            return top
        return floor + span * left(decay, progress_of_decay(k - begin, total - begin, decay_progress))
    if family == "warmup_cosine_restarts":
        if warmup_cycles == "first":
            k, steps = after, Fraction(0)
        cycle, length = 0, Fraction(T_0)
        if T_mult == 1:
            cycle = k // length
            k -= cycle * length
        while k >= length:
            cycle, k, length = cycle + 1, k - length, length * T_mult
        top = max(top * mpf(cycle_decay) ** int(cycle), floor) if cycle_decay != 1.0 and top > floor else top
        if k < steps:
            return warmup(k, steps, warmup_start, top, warmup_mode, warmup_progress)
        return floor + (top - floor) * half_cosine(progress_of_decay(k - steps, length - steps, decay_progress))
    if family == "warmup_inverse_sqrt":
        scale = Fraction(timescale or warmup_steps or 1)
        factor = mpmath.sqrt(real(scale / (scale + after + (decay_progress == "(k+1)/D"))))
    elif family == "warmup_exponential":
        factor = mpf(gamma) ** real(after)
    elif family == "warmup_step":
        factor = mpf(gamma) ** int((after if count_from in (None, "warmup") else k) // Fraction(step_size))
    else:
        assert family == "warmup_multistep"
        reached = after if count_from == "warmup" else k
        factor = mpf(gamma) ** sum(reached >= milestone for milestone in milestones)
    return max(top * factor, floor)
