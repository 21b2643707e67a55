"""The phases of one curve: where it climbs, holds and falls, and where two of them do not meet.

Everything is judged by moves, the differences between one step and the next, against the moves on either side; so it
holds for every shape, and for rates of single precision as well.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from lrfix.domains.roles import RATES, role_of
from lrfix.driving.laboratory import Run

#: The fewest moves that make a ramp.
SHORTEST = 3
#: A jump is clear from this share of the peak on.
CLEAR = 0.02
CLEAR_OF_LONG = 0.003
#: Shares of the peak from which on a curve is back at it, and below which it has come down.
PEAK, DOWN = 0.9, 0.6
_STANDS_OUT = 8
_DOUBLE, _SINGLE = 1e-12, 3e-7
_EVEN = 0.2
_LONGEST_EPOCH = 12

Phase = Literal["ramp", "hold", "decay", "floor"]


@dataclass(frozen=True)
class Jump:
    """Between ``step`` and the next, behind a phase: a ramp that climbs, a hold, a decay, or a decay before a floor.

    ``before``, ``after``: what the curve moves in one step on either side.
    """

    behind: Phase
    step: int
    rates: tuple[float, float]
    before: float
    after: float

    @property
    def size(self) -> float:
        return abs(self.rates[1] - self.rates[0])


def rounding(curve: Sequence[float]) -> float:
    """What rounding moves, as a share of the rate: more where all rates are numbers of single precision."""
    return _SINGLE if all(_single(rate) for rate in curve) else _DOUBLE


def _single(rate: float) -> bool:
    try:
        return bool(struct.unpack("f", struct.pack("f", rate))[0] == rate)
    except OverflowError:
        return False


def moves(curve: Sequence[float]) -> list[float]:
    """The difference of each step to the next; what rounding alone makes of equal rates is none."""
    slack = rounding(curve) * max((abs(rate) for rate in curve), default=0.0)
    return [b - a if abs(b - a) > slack else 0.0 for a, b in pairwise(curve)]


def turns(curve: Sequence[float]) -> list[int]:
    """The steps to look at: one an epoch, where the rate moves once an epoch, else every step."""
    moved = [k + 1 for k, move in enumerate(moves(curve)) if move]
    gaps = Counter(b - a for a, b in pairwise(moved))
    dwell, count = gaps.most_common(1)[0] if gaps else (1, 0)
    between = sum(n for gap, n in gaps.items() if gap < dwell)  # so many would make a ramp of its own
    if not 1 < dwell <= _LONGEST_EPOCH or count < 0.8 * sum(gaps.values()) or between >= SHORTEST:
        return list(range(len(curve)))
    return list(range(moved[0] % dwell, len(curve), dwell))


def jumps(curve: Sequence[float]) -> Iterator[Jump]:
    """The places where two phases do not meet, restarts and stairs left out."""
    at = turns(curve)
    rates = [curve[k] for k in at]
    moved = moves(rates)
    clear = CLEAR * max(rates, default=0.0)
    for k in range(SHORTEST, len(moved) - 2):
        if abs(moved[k]) > clear and (behind := _behind(moved, k)) is not None:
            yield Jump(behind, at[k + 1] - 1, (rates[k], rates[k + 1]), abs(moved[k - 1]), abs(moved[k + 2]))


def sampled_jumps(at: Sequence[int], rates: Sequence[float]) -> Iterator[Jump]:
    """The ends of ramps that do not meet what follows, among rates of a long run that are known here and there.

    In a run of thousands of steps a rate moves so little that a jump far below ``CLEAR`` stands out.
    """
    clear = CLEAR_OF_LONG * max(rates, default=0.0)
    begin = 0
    for position in range(1, len(at) + 1):
        if position < len(at) and at[position] == at[position - 1] + 1:
            continue
        moved = moves(rates[begin:position])
        for k in range(SHORTEST, len(moved) - 2):
            around = max(abs(move) for move in (*moved[k - 2 : k], *moved[k + 2 : k + 3]))
            if abs(moved[k]) > max(clear, _STANDS_OUT * around) and _behind(moved, k) == "ramp":
                before, after = abs(moved[k - 1]), abs(moved[k + 2])
                yield Jump("ramp", begin + k, (rates[begin + k], rates[begin + k + 1]), before, after)
        begin = position


def _behind(moved: Sequence[float], k: int) -> Phase | None:
    """The phase that ends in a jump with move ``k``; None where it is none, or may be meant."""
    move, before, after = moved[k], moved[k - SHORTEST : k], moved[k + 1 : k + 3]
    if min(before) > 0:
        if move < 0:
            # A rate that climbs again is a step of a staircase, or the tooth of a saw.
            return "ramp" if min(after) <= 0 and -move > max(2 * abs(after[1]), _steeper(*after)) else None
        growth = max(before[2], before[2] * (before[2] / before[1]))
        return "ramp" if move > 2.5 * growth and move > 4 * abs(after[1]) else None
    if len(moved) <= k + 4:
        return None
    later = moved[k + 1 : k + 4]
    if not any(before):
        falls = max(later) < 0 and -move > 3 * max(abs(m) for m in later)
        return "hold" if falls else None
    if max(before) >= 0:
        return None
    steep = max(abs(m) for m in before)
    if not any(moved[k + 1 :]):
        return "floor" if abs(move) > 3 * steep else None
    around = (*before[1:], *later[:2])
    if move >= 0 or max(around) >= 0 or -move <= 2.2 * max(abs(m) for m in around):
        return None
    even = abs(before[1] - before[2]) < _EVEN * abs(before[2]) and abs(later[0] - later[1]) < _EVEN * abs(later[1])
    return "decay" if even else None


def _steeper(first: float, second: float) -> float:
    """What a law that falls ever more slowly may have fallen by one step earlier: a power begins with its steepest."""
    return abs(first) * (first / second) ** 2 if second and first / second > 1 else 0.0


def ramp_end(curve: Sequence[float]) -> int | None:
    """The last step of the climb from step 0, when it is a ramp: even increments or even ratios."""
    if len(curve) < SHORTEST + 5 or not curve[1] > curve[0]:
        return None
    slope = curve[1] - curve[0]
    ratio = curve[1] / curve[0] if curve[0] > 0 else None
    loose = rounding(curve)
    end = 1
    while end + 1 < len(curve):
        following = curve[end + 1]
        even = abs((following - curve[end]) - slope) <= 1e-6 * abs(slope) + loose * abs(following)
        geometric = ratio is not None and abs(following / curve[end] - ratio) <= 1e-9 * ratio if curve[end] else False
        if not even and not geometric:
            break
        end += 1
    return end if end >= SHORTEST and end + 4 < len(curve) else None


def overshoots(run: Run) -> bool:
    """Whether a ramp climbs one increment above the rate that the schedule holds, or comes down from, after it."""
    curve = run.curve
    end = ramp_end(curve)
    if end is None or end + 3 >= len(curve):
        return False
    slope, after = curve[end] - curve[end - 1], curve[end + 1]
    near = abs(curve[end] - slope - after) <= 0.05 * slope and abs(curve[end + 2] - after) <= 0.05 * slope
    return near and any(abs(curve[end] - slope - top) <= 1e-9 * top for top in tops(run))


def tops(run: Run) -> list[float]:
    """The rates that a schedule may be meant to peak at: the optimizer's own, and those its code names."""
    stated = [v for p, v in {**run.names, **run.leaves}.items() if role_of(p) in RATES and isinstance(v, float)]
    return [*run.base_lrs[:1], *stated]


def restarts(curve: Sequence[float]) -> list[int]:
    """The steps at which a curve that has come down is back at its peak at once."""
    peak = max(curve, default=0.0)
    return [k for k in range(1, len(curve)) if curve[k] >= PEAK * peak and curve[k - 1] <= DOWN * peak]


__all__ = [
    "DOWN",
    "PEAK",
    "Jump",
    "Phase",
    "jumps",
    "moves",
    "overshoots",
    "ramp_end",
    "restarts",
    "rounding",
    "sampled_jumps",
    "tops",
    "turns",
]
