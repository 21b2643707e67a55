"""Promises 2 to 4: the rates against exact ones, the cycles against counting, the curves against torch's."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import torch
from torch.optim import lr_scheduler

from lrfix import schedulers, schedules
from lrfix.proof import sweep
from lrfix.proof.cases import BASES, Tally, optimizer_on, rates, walk
from lrfix.proof.sweep import LARGEST_HORIZON
from lrfix.schedules.exact import locate_cycle

LIMIT_ULP = 5.0


def accurate(tally: Tally, _: torch.device) -> str:
    """The whole sweep, then order and end points."""
    worst, place, cosine = 0.0, "", 0.0
    for sample in sweep.samples():
        if sample.exact == Decimal(sample.rate):
            error = 0.0
        else:
            error = float(abs(Decimal(sample.rate) - sample.exact) / Decimal(math.ulp(float(sample.exact))))
        tally.check(error <= LIMIT_ULP, f"{error:.3g} ulp: {sample.place}")
        if error > worst:
            worst, place = error, sample.place
        if sample.family == "cosine":
            cosine = max(cosine, error)
    rates_compared = tally.cases
    for total in sweep.HORIZONS:
        for k in (total, total + 1, 3 * total):
            end = schedules.warmup_cosine(k, total_steps=total, peak=0.1, eta_min=1e-5)
            tally.check(end == 1e-5, f"{end!r} instead of the floor at step {k} of {total}")
    for total in (1000, 2**40, LARGEST_HORIZON):
        for middle in (0, total // 4, total // 2, 3 * total // 4, total - 100):
            curve = [schedules.warmup_cosine(k, total_steps=total) for k in range(middle, middle + 100)]
            tally.check(curve == sorted(curve, reverse=True), f"not monotone near step {middle} of {total}")
    return (
        f"worst error of {rates_compared:,} rates {worst:.3f} ulp ({place}), of the cosine alone {cosine:.3f}; "
        "every family and convention, horizons up to 2**53, tails included"
    )


def restarts_are_found(tally: Tally, _: torch.device) -> str:
    """Every position of small cycles by counting, then far restarts of many multipliers."""
    for multiplier in range(1, 11):
        for first in range(1, 13):
            cycle, offset, length = 0, 0, first
            for position in range(300):
                found = locate_cycle(position, first, multiplier)
                tally.check(found == (cycle, offset, length), f"T_0={first}, T_mult={multiplier}, step {position}")
                offset += 1
                if offset == length:
                    cycle, offset, length = cycle + 1, 0, length * multiplier
    for multiplier in range(2, 40):
        for step in schedules.restart_steps(60, T_0=7, T_mult=multiplier):
            rate = schedules.warmup_cosine_restarts(step, T_0=7, T_mult=multiplier)
            tally.check(rate == 1.0, f"restart missed: T_0=7, T_mult={multiplier}, step {step}")
    missed = _torchs_restarts_missed()
    return f"none missed; torch's step(k) misses {missed} of 40 with T_mult=3"


def _torchs_restarts_missed() -> int:
    """Of the first 40 restarts with T_0=1, T_mult=3, those at which torch's scheduler has no peak."""
    optimizer = optimizer_on(torch.device("cpu"))
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 1, 3)
    missed = 0
    for step in schedules.restart_steps(40, T_0=1, T_mult=3):
        scheduler.step(step)
        missed += rates(optimizer)[0] < 0.999 * BASES[0]
    return missed


def equal_to_torch(tally: Tally, device: torch.device) -> str:
    """Step by step beside seven of torch's schedulers, to the end of what they are right for."""
    pairs: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any], int]] = [
        (
            "CosineAnnealingLR",
            lambda o: lr_scheduler.CosineAnnealingLR(o, 30, eta_min=1e-3),
            lambda o: schedulers.WarmupCosineLR(o, 30, eta_min=1e-3),
            30,
        ),
        (
            "CosineAnnealingWarmRestarts",
            lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4, 2),
            lambda o: schedulers.WarmupCosineRestartsLR(o, 4, 2),
            60,
        ),
        (
            "LinearLR",
            lambda o: lr_scheduler.LinearLR(o, 0.1, total_iters=9),
            lambda o: schedulers.WarmupConstantLR(o, warmup_steps=9, warmup_start_factor=0.1),
            15,
        ),
        (
            "PolynomialLR",
            lambda o: lr_scheduler.PolynomialLR(o, 30, power=0.9),
            lambda o: schedulers.WarmupPolynomialLR(o, 30, power=0.9),
            35,
        ),
        ("StepLR", lambda o: lr_scheduler.StepLR(o, 7, 0.5), lambda o: schedulers.WarmupStepLR(o, 7, 0.5), 40),
        (
            "MultiStepLR",
            lambda o: lr_scheduler.MultiStepLR(o, [3, 9, 9, 20]),
            lambda o: schedulers.WarmupMultiStepLR(o, [3, 9, 9, 20]),
            30,
        ),
        (
            "ExponentialLR",
            lambda o: lr_scheduler.ExponentialLR(o, 0.9),
            lambda o: schedulers.WarmupExponentialLR(o, 0.9),
            40,
        ),
    ]
    worst, where = 0.0, ""
    for name, theirs, ours, steps in pairs:
        their_optimizer, our_optimizer = optimizer_on(device), optimizer_on(device)
        expected = walk(their_optimizer, theirs(their_optimizer), steps)
        for k, (a, b) in enumerate(zip(walk(our_optimizer, ours(our_optimizer), steps), expected, strict=True)):
            error = max(abs(x - y) for x, y in zip(a, b, strict=True)) / math.ulp(BASES[0])
            tally.check(error <= 64, f"{name}: {error:.3g} ulp of the base rate apart at step {k}")
            if error > worst:
                worst, where = error, f"{name}, step {k}"
    return f"at most {worst:.2g} ulp of the base rate apart ({where})"
