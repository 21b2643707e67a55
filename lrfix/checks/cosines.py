"""LR206: curves that are cosines, but not the half period from the peak down to the floor that an annealing is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from lrfix.checks.ramps import ramp_end
from lrfix.domains.roles import RATES, Role, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.structure import decay_span
from lrfix.experiments.study import Study, all_real, as_float
from lrfix.findings import Violation
from lrfix.registry import rule

_LENGTHS = (Role.HORIZON, Role.EPOCHS, Role.DECAY_LENGTH)
_CYCLIC = (Role.CYCLE, Role.CYCLES, Role.CYCLE_MULT)
#: The angle that the whole run covers -> what was written.
_ANGLES = {
    "quarter": math.pi / 2,
    "whole": 2 * math.pi,
    "no pi": 1.0,
    "degrees": 180.0,
    "half": math.pi,
}


@dataclass(frozen=True)
class _Wave:
    """``middle + amplitude * cos(angle)``; ``start`` is its first step, ``length`` the steps it is meant to take."""

    middle: float
    amplitude: float
    cosine: float
    start: int


@rule("LR206")
def wrong_cosine(study: Study) -> Iterator[Violation]:
    if not study.ran or study.site.base == "MultiplicativeLR":
        return
    run = study.runs[0]
    wave = _wave(run)
    if wave is None:
        return
    kinds = [_kind(study, each) for each in study.runs]
    kind = kinds[0]
    if kind is None or any(other != kind for other in kinds):
        return
    end = min(max(_lengths(study, run), default=len(run.curve) - 1), len(run.curve) - 1)
    steps = [wave.start, (wave.start + end) // 2, end]
    rates = ", ".join(f"{as_float(run.curve[k]):.4g} at step {k}" for k in steps)
    yield Violation(decay_span(study), f"{_WHAT[kind]}: {rates}.", study.evidence(run, steps))


_WHAT = {
    "quarter": "The cosine covers a quarter of a period, so that the rate stays high and falls steeply at the end; "
    "annealing is half a period, `0.5 * (1 + cos(pi * progress))`",
    "whole": "The cosine covers a whole period, so that the rate is lowest in the middle of the run and climbs back to "
    "its peak at the end; annealing is half a period, `cos(pi * progress)`",
    "no pi": "The cosine's argument lacks pi: at the end of the run it is 1, not pi, and the rate has hardly fallen",
    "degrees": "The cosine is given degrees, and takes radians, so that the rate swings up and down",
    "not halved": "`1 + cos` is not halved: the rate starts at twice its peak",
    "sign": "The cosine's sign is wrong: the rate begins at its floor and climbs to its peak at the end",
}


def _kind(study: Study, run: Run) -> str | None:
    """What is wrong with the cosine of ``run``; None where nothing is, or it is none."""
    wave = _wave(run)
    if wave is None:
        return None
    leaves = {**run.names, **run.leaves}
    floors = [0.0, *(v for p, v in leaves.items() if role_of(p) is Role.FLOOR and isinstance(v, float))]
    shares = [v for p, v in leaves.items() if role_of(p) is Role.FLOOR_RATIO and isinstance(v, float)]
    tops = [*run.base_lrs[:1], *(v for p, v in leaves.items() if role_of(p) in RATES and isinstance(v, float))]
    floors += [share * top for share in shares for top in tops]
    for name, angle in _ANGLES.items():
        if not any(abs(wave.cosine - math.cos(angle / length)) < 1e-9 for length in _lengths(study, run)):
            continue
        first, last = wave.middle + wave.amplitude, wave.middle - wave.amplitude
        if name == "half":
            return _half(first, last, tops, floors, rising=wave.start > 0)
        if wave.amplitude <= 0:
            return None
        if name == "quarter":
            return name if _among(wave.middle, floors, first) else None
        if name == "whole" and any(role_of(path) in _CYCLIC for path in leaves):
            return None
        return name
    return None


def _half(first: float, last: float, tops: list[float], floors: list[float], *, rising: bool) -> str | None:
    for top in tops:
        for floor in floors:
            if abs(last - floor) <= 1e-9 * top and abs(first - (2 * top - floor)) <= 1e-9 * top:
                return "not halved"
            if floor and abs(first - floor) <= 1e-9 * top and abs(last - top) <= 1e-9 * top and top > floor:
                return "sign"
            if rising and not floor and abs(first) <= 1e-9 * top and abs(last - top) <= 1e-9 * top:
                return "sign"
    return None


def _among(value: float, floors: list[float], scale: float) -> bool:
    return any(abs(value - floor) <= 1e-9 * abs(scale) for floor in floors)


def _lengths(study: Study, run: Run) -> list[int]:
    """The lengths that the cosine may be meant to take: stated ones, less the warmup, or one step less."""
    values = {p: v for p, v in {**run.names, **run.leaves}.items() if isinstance(v, int) and not isinstance(v, bool)}
    whole = {v for p, v in values.items() if role_of(p) in _LENGTHS and v > 0}
    horizon = study.horizon(run)
    whole |= {horizon} if horizon else set()
    warm = {v for p, v in values.items() if role_of(p) in (Role.WARMUP, Role.WARMUP_EPOCHS)}
    found = whole | {length - ramp for length in whole for ramp in warm}
    return sorted(n for n in found | {length - 1 for length in found} if n > 8)


def _wave(run: Run) -> _Wave | None:
    """The cosine that the curve is from step 0 or from the end of a ramp; None where it is another curve.

    Differences of a cosine's samples obey ``d[k+1] + d[k-1] = 2 * cos(angle per step) * d[k]``.
    """
    curve = run.curve
    if not all_real(curve) or len(curve) < 24:
        return None
    ramp = ramp_end(curve)
    start = ramp + 1 if ramp is not None else 0
    piece = curve[start : start + 20]
    if len(piece) < 20:
        return None
    moves = [b - a for a, b in pairwise(piece)]
    scale = max(abs(rate) for rate in piece)
    cosines = [
        (moves[k + 1] + moves[k - 1]) / (2 * moves[k]) for k in range(2, len(moves) - 1) if abs(moves[k]) > 1e-6 * scale
    ]
    if len(cosines) < 8 or max(cosines) - min(cosines) > 1e-8:
        return None
    cosine = sorted(cosines)[len(cosines) // 2]
    if not -1 < cosine < 1 - 1e-7:
        return None
    middle = (piece[11] + piece[9] - 2 * cosine * piece[10]) / (2 - 2 * cosine)
    # The phase: a cosine that begins at its extreme is symmetric about its first step.
    amplitude = _amplitude(piece, middle, cosine)
    return _Wave(middle, amplitude, cosine, start) if amplitude is not None else None


def _amplitude(piece: list[float], middle: float, cosine: float) -> float | None:
    """The signed height above ``middle`` at the first sample or the one before it; None where it begins elsewhere."""
    angle = math.acos(cosine)
    for offset in (0, 1):
        whole = (
            (piece[1] - middle) / math.cos(angle * (1 + offset)) if abs(math.cos(angle * (1 + offset))) > 1e-3 else 0
        )
        fits = [abs(middle + whole * math.cos(angle * (k + offset)) - piece[k]) for k in range(len(piece))]
        if whole and max(fits) <= 1e-9 * max(abs(rate) for rate in piece):
            return whole
    return None
