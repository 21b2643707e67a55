"""Curves that repeat with their rise: restarts with a warmup in every cycle, triangles, one cycle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from lrfix.recognition.curves import CLOSE, fit_cosine, fit_line, scale_of, snap
from lrfix.recognition.model import Hypothesis, Quantity
from lrfix.recognition.warmups import Rise, read_warmup


def cycles_with_warmup(values: Sequence[float], rise: Rise) -> Iterator[Hypothesis]:
    """Readings as cosine restarts whose every cycle begins with the warmup."""
    if rise.kind != "linear-warmup" or rise.line is None:
        return
    scale = scale_of(values)
    starts = _turns(values, rise.last + 1)
    for first in [turn + shift for turn in starts[:1] for shift in (0, 1)]:
        cosine = fit_cosine(values, rise.last + 1, first)
        if cosine is None or cosine.peak <= cosine.floor or not cosine.peak or first + rise.last >= len(values):
            continue
        second = fit_line(values, first, first + rise.last + 1)
        if second is None or second.slope <= 0:
            continue
        floor = 0.0 if abs(cosine.floor) <= 1e-12 * scale else cosine.floor
        later = fit_cosine(values, first + rise.last + 1, min(_next_turn(values, first + rise.last + 1), len(values)))
        multiplier, shrink = 1.0, 1.0
        for boundary in rise.boundaries:
            length = first - boundary
            if later is not None:
                multiplier = snap((later.half_period + first - cosine.half_period) / first, 1e-3)
                shrink = later.peak / cosine.peak
            for progress, offset, had in (("k/D", 0, length), ("(k+1)/D", -1, length), ("k/(D-1)", 0, length - 1)):
                if abs(cosine.start - boundary - offset) > 1e-4 or abs(cosine.half_period - had) > 1e-4:
                    continue
                for warmup in read_warmup(rise, values, boundary, cosine.peak):
                    yield Hypothesis(
                        "linear-warmup+cosine-restarts",
                        "WarmupCosineRestartsLR",
                        {"warmup_cycles": "every", "decay_progress": progress, "warmup_progress": warmup.progress},
                        (
                            Quantity("warmup_steps", boundary, "steps"),
                            Quantity("T_0", first, "steps"),
                            Quantity("T_mult", multiplier, "number"),
                            Quantity("cycle_decay", 1.0 if abs(shrink - 1) < 1e-9 else shrink, "number"),
                            Quantity("eta_min", floor, "rate"),
                            Quantity("warmup_start_lr", warmup.start, "rate"),
                            Quantity("eta_max", cosine.peak, "rate"),
                        ),
                    )


def _next_turn(values: Sequence[float], begin: int) -> int:
    """First index after ``begin`` where the curve stops falling and climbs."""
    for k in range(begin + 1, len(values) - 1):
        if values[k + 1] > values[k] and values[k] <= values[k - 1]:
            return k
    return len(values)


def _turns(values: Sequence[float], begin: int) -> list[int]:
    found = []
    k = _next_turn(values, begin)
    while k < len(values):
        found.append(k)
        k = _next_turn(values, k + 1)
    return found


def periodic_family(values: Sequence[float]) -> str | None:
    """``cyclic`` for a curve that repeats, ``onecycle`` for one climb and one descent below where it began."""
    scale = scale_of(values)
    n = len(values)
    for period in range(2, n // 2):
        if all(abs(values[k + period] - values[k]) <= CLOSE * scale for k in range(n - period)):
            return "cyclic"
    turns = _turns(values, 0)
    crests = [k for k in range(1, n - 1) if values[k] > values[k - 1] and values[k] >= values[k + 1]]
    if len(crests) == 1 and not turns and values[0] > min(values) and values[crests[0]] > values[0]:
        return "onecycle"
    if len(crests) >= 2 and len(turns) >= 2:
        gaps = [b - a for a, b in pairwise(turns)]
        if all(abs(gap - gaps[0]) <= 1 for gap in gaps):
            return "cyclic"
    return None
