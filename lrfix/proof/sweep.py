"""The sweep behind promise 2: rates and what they should be to some 60 digits, with the standard library alone.

Every family, every convention, horizons up to 2**53, both ends and the tail, restarts far out; the same samples each
time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product

from lrfix import schedules
from lrfix.proof.half_cosine import half_cosine

LARGEST_HORIZON = 2**53
HORIZONS = (*range(1, 30), 100, 10**4, 10**6 + 3, 10**8, 2**31 - 1, LARGEST_HORIZON - 1, LARGEST_HORIZON)
# (peak, floor); the last one leaves the curve a few units in the last place.
LEVELS = ((0.1, 0.0), (3e-4, 3e-5), (0.3, 0.3 - 2**-54))
# Steps of every size that is not at an end, for each horizon.
AT_RANDOM = 25

Weight = Callable[[int, int], Decimal]


@dataclass(frozen=True)
class Sample:
    """A rate, the exact value, and where they were taken."""

    family: str
    step: int
    horizon: int
    peak: float
    floor: float
    rate: float
    exact: Decimal

    @property
    def place(self) -> str:
        """For people."""
        return f"{self.family}, step {self.step} of {self.horizon}, peak {self.peak:g}, floor {self.floor:g}"


def _power(exponent: float) -> Weight:
    return lambda k, total: (1 - Decimal(k) / total) ** Decimal(exponent)


# Families that go from peak to floor within a horizon: the share that is left, exactly, and how it is asked for.
_FALLING: tuple[tuple[str, Weight, Callable[[int, int, float, float], float]], ...] = (
    (
        "cosine",
        half_cosine,
        lambda k, total, peak, floor: schedules.warmup_cosine(k, total_steps=total, peak=peak, eta_min=floor),
    ),
    (
        "linear",
        _power(1.0),
        lambda k, total, peak, floor: schedules.warmup_linear(k, total_steps=total, peak=peak, eta_min=floor),
    ),
    (
        "polynomial of power 0.9",
        _power(0.9),
        lambda k, total, peak, floor: schedules.warmup_polynomial(
            k, total_steps=total, power=0.9, peak=peak, eta_min=floor
        ),
    ),
    (
        "polynomial of power 3",
        _power(3.0),
        lambda k, total, peak, floor: schedules.warmup_polynomial(
            k, total_steps=total, power=3.0, peak=peak, eta_min=floor
        ),
    ),
    (
        "1-sqrt",
        lambda k, total: 1 - (Decimal(k) / total).sqrt(),
        lambda k, total, peak, floor: schedules.warmup_stable_decay(
            k, total_steps=total, decay_steps=total, decay="1-sqrt", peak=peak, eta_min=floor
        ),
    ),
)


def telling_steps(total: int, rng: random.Random) -> list[int]:
    """Both ends, the tail, the quarters, and steps at random; all of a short horizon."""
    if total <= 30:
        return list(range(total))
    places = {0, 1, total // 4, total // 2, 3 * total // 4, total - 3, total - 2, total - 1}
    return sorted(places | {rng.randrange(total) for _ in range(AT_RANDOM)})


def samples() -> Iterator[Sample]:
    """Every sample of the sweep, the same ones each time."""
    rng = random.Random(2)
    with localcontext() as context:
        context.prec = 75
        for total in HORIZONS:
            steps = telling_steps(total, rng)
            for name, weight, call in _FALLING:
                weights = [weight(k, total) for k in steps]
                for peak, floor in LEVELS:
                    for k, share in zip(steps, weights, strict=True):
                        exact = Decimal(floor) + (Decimal(peak) - Decimal(floor)) * share
                        yield Sample(name, k, total, peak, floor, call(k, total, peak, floor), exact)
            yield from _warmups(total, steps)
            yield from _open_ended(total, steps)
        yield from _conventions(rng)
        yield from _staircases(rng)
        yield from _cycles()
        yield from _far_cycles()


def _real(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _warmups(total: int, steps: list[int]) -> Iterator[Sample]:
    peak = 0.1
    for start in (0.003, 1e-9):
        for k in steps:
            done = Decimal(k) / total
            rate = schedules.warmup_constant(k, peak=peak, warmup_steps=total, warmup_start=start)
            exact = Decimal(start) + (Decimal(peak) - Decimal(start)) * done
            yield Sample("linear warmup", k, total, peak, start, rate, exact)
            rate = schedules.warmup_constant(
                k, peak=peak, warmup_steps=total, warmup_start=start, warmup_mode="exponential"
            )
            exact = Decimal(start) * (Decimal(peak) / Decimal(start)) ** done
            yield Sample("exponential warmup", k, total, peak, start, rate, exact)


def _open_ended(total: int, steps: list[int]) -> Iterator[Sample]:
    # A factor that leaves a hundredth after `total` steps, so that the powers are as large as the horizon.
    gamma, peak = 0.01 ** (1 / total), 0.1
    for k in steps:
        rate = schedules.warmup_exponential(k, gamma=gamma, peak=peak)
        yield Sample("exponential", k, total, peak, 0.0, rate, Decimal(peak) * Decimal(gamma) ** k)
        for convention, ahead in (("k/D", 0), ("(k+1)/D", 1)):
            rate = schedules.warmup_inverse_sqrt(
                k, warmup_steps=0, timescale=total, peak=peak, decay_progress=convention
            )
            exact = Decimal(peak) * (total / Decimal(total + k + ahead)).sqrt()
            yield Sample(f"inverse square root, {convention}", k, total, peak, 0.0, rate, exact)


def _progress_of_warmup(k: int, warmup: int, convention: str) -> Fraction:
    if convention == "k/(W-1)":
        return Fraction(k, warmup - 1) if warmup > 1 else Fraction(0)
    return {
        "k/W": Fraction(k, warmup),
        "(k+1)/W": Fraction(k + 1, warmup),
        "(k+1)/(W+1)": Fraction(k + 1, warmup + 1),
        "max(k,1)/W": Fraction(max(k, 1), warmup),
    }[convention]


def _progress_of_decay(k: int, length: int, convention: str) -> Fraction:
    if length <= 0:
        return Fraction(1)
    if convention == "k/(D-1)" and length > 1:
        length -= 1
    return min(Fraction(k + (convention == "(k+1)/D"), length), Fraction(1))


def _conventions(rng: random.Random) -> Iterator[Sample]:
    """Every way to count the steps of warmup and decay, for small runs at every step and for the largest."""
    peak, start, floor = 0.1, 0.003, 1e-5
    for total, warmup in (*product(range(1, 9), range(4)), (10**6 + 3, 999), (LARGEST_HORIZON, 2**49 + 1)):
        near = {warmup - 1, warmup, warmup + 1} if total > 30 else set()
        steps = sorted({k for k in near if k >= 0} | {*telling_steps(total, rng), total, total + 1})
        for climb, fall in product(schedules.WARMUP_PROGRESS, schedules.DECAY_PROGRESS):
            for k in steps:
                if k < warmup:
                    done = _real(_progress_of_warmup(k, warmup, climb))
                    exact = Decimal(start) + (Decimal(peak) - Decimal(start)) * done
                else:
                    p = _progress_of_decay(k - warmup, total - warmup, fall)
                    share = half_cosine(p.numerator, p.denominator)
                    exact = Decimal(floor) + (Decimal(peak) - Decimal(floor)) * share
                rate = schedules.warmup_cosine(
                    k,
                    total_steps=total,
                    peak=peak,
                    warmup_steps=warmup,
                    warmup_start=start,
                    warmup_progress=climb,
                    decay_progress=fall,
                    eta_min=floor,
                )
                yield Sample(f"cosine after a warmup of {warmup}, {climb}, {fall}", k, total, peak, floor, rate, exact)


def _staircases(rng: random.Random) -> Iterator[Sample]:
    peak, drop = 0.1, 0.3
    for total, size in ((60, 7), (10**6, 997), (LARGEST_HORIZON, 2**45 + 1)):
        gamma = 0.01 ** (size / total)
        milestones = sorted(rng.randrange(total) for _ in range(9))
        for k in telling_steps(total, rng):
            rate = schedules.warmup_step(k, step_size=size, gamma=gamma, peak=peak)
            yield Sample("step", k, total, peak, 0.0, rate, Decimal(peak) * Decimal(gamma) ** (k // size))
            drops = sum(milestone <= k for milestone in milestones)
            rate = schedules.warmup_multistep(k, milestones=milestones, gamma=drop, peak=peak)
            yield Sample("multistep", k, total, peak, 0.0, rate, Decimal(peak) * Decimal(drop) ** drops)


def _cycles() -> Iterator[Sample]:
    """Every step of the first cycles, for every small ``T_0``, ``T_mult`` and warmup."""
    decay, peak, floor = 0.7, 0.1, 1e-5
    for first in range(1, 9):
        for multiplier in range(1, 5):
            for warmup in range(4):
                cycle, offset, length = 0, 0, first
                for k in range(warmup, warmup + 50):
                    top = Decimal(peak) * Decimal(decay) ** cycle
                    exact = Decimal(floor) + (top - Decimal(floor)) * half_cosine(offset, length)
                    rate = schedules.warmup_cosine_restarts(
                        k,
                        T_0=first,
                        T_mult=multiplier,
                        cycle_decay=decay,
                        warmup_steps=warmup,
                        peak=peak,
                        eta_min=floor,
                    )
                    name = f"restarts with T_0={first}, T_mult={multiplier}, warmup {warmup}"
                    if top > Decimal(floor):
                        yield Sample(name, k, warmup + 50, peak, floor, rate, exact)
                    offset += 1
                    if offset == length:
                        cycle, offset, length = cycle + 1, 0, length * multiplier


def _far_cycles() -> Iterator[Sample]:
    """Around the restarts next to every power of two up to 2**53, where logarithms and floats give way."""
    peak, floor = 0.1, 1e-5
    for first, multiplier in ((1, 3), (7, 1), (7, 2), (10, 10), (10**6, 1), (2**40 + 1, 2)):
        for exponent in range(3, 54):
            cycle, start, length = _cycle_of(2**exponent, first, multiplier)
            # So slow a decay that the peak of the last cycle is still well above the floor.
            decay = 1.0 - 1.0 / (cycle + 10)
            top = Decimal(peak) * Decimal(decay) ** cycle
            for offset in sorted({k for k in (0, 1, length // 2, length - 2, length - 1) if 0 <= k < length}):
                exact = Decimal(floor) + (top - Decimal(floor)) * half_cosine(offset, length)
                rate = schedules.warmup_cosine_restarts(
                    start + offset, T_0=first, T_mult=multiplier, cycle_decay=decay, peak=peak, eta_min=floor
                )
                name = f"restarts with T_0={first}, T_mult={multiplier}"
                yield Sample(name, start + offset, 2**exponent, peak, floor, rate, exact)


def _cycle_of(step: int, first: int, multiplier: int) -> tuple[int, int, int]:
    """Number, first step and length of the cycle of a step, by walking."""
    if multiplier == 1:
        return step // first, step - step % first, first
    cycle, start, length = 0, 0, first
    while start + length <= step:
        cycle, start, length = cycle + 1, start + length, length * multiplier
    return cycle, start, length
