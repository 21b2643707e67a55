"""The sweep behind promise 2: rates and what they should be to some 60 digits, with the standard library alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext

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
        yield from _cycles()


def _warmups(total: int, steps: list[int]) -> Iterator[Sample]:
    peak, start = 0.1, 0.003
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
        rate = schedules.warmup_inverse_sqrt(k, warmup_steps=0, timescale=total, peak=peak)
        yield Sample(
            "inverse square root", k, total, peak, 0.0, rate, Decimal(peak) * (total / Decimal(total + k)).sqrt()
        )


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
