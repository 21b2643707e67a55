"""Decays that end above or below the floor they are computed with, or whose start depends on how long they last."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from lrfix.domains.roles import RATES, Role, last_word, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.extent import extent
from lrfix.experiments.study import Study, all_real, as_float
from lrfix.sites.vocabulary import words

_CYCLIC = (Role.CYCLES, Role.CYCLE_MULT, Role.MILESTONES, Role.STEP_SIZE, Role.GAMMA)
_WARMUPS = (Role.WARMUP, Role.WARMUP_EPOCHS)
_WHOLES = (Role.HORIZON, Role.EPOCHS)
#: What torch's cosine calls the length of its decay.
_OF_DECAYS = ("t_max", "tmax")
_NOTICED = 0.005
_HALF = 0.5
_WAVY = 1e-3
_APART = 1.1
_ROUNDED = 1e-9
_MANY = 8
#: Steps that mostly tell that a curve moves otherwise.
_SOON = 32
_BELOW = 0.9


def stops_short(study: Study) -> tuple[str, float, int] | None:
    """The floor's setting, the floor and the last step, where in every draw the decay is still falling far above it."""
    if not study.ran or study.site.base == "MultiplicativeLR":
        return None
    shown = [_stops_short(study, index, run) for index, run in enumerate(study.runs)]
    return shown[0] if shown and all(each is not None for each in shown) else None


def _stops_short(study: Study, index: int, run: Run) -> tuple[str, float, int] | None:
    leaves = {**run.names, **run.leaves}
    horizon = study.horizon(run)
    if horizon is None or not 12 < horizon < len(run.curve) or any(role_of(p) in _CYCLIC for p in leaves):
        return None
    if any(role_of(p) is Role.CYCLE and v != 1 for p, v in leaves.items()) or not all_real(run.curve):
        return None
    curve, end = run.curve, horizon - 1
    peak = max(curve[:horizon])
    top = max(k for k in range(horizon) if curve[k] == peak)
    falling = all(curve[k + 1] < curve[k] for k in range(max(top, end - 8), end))
    if top > end - 8 or not falling or any(curve[k + 1] > curve[k] for k in range(top, end)):
        return None
    if abs(curve[end + 1] - curve[end]) < 4 * abs(curve[end] - curve[end - 1]):
        return None  # it goes on as before: nothing says that this is its end
    for path, value in run.leaves.items():
        role = role_of(path)
        if role not in (Role.FLOOR, Role.FLOOR_RATIO) or not isinstance(value, float):
            continue
        floor = value if role is Role.FLOOR else value * peak
        missing = curve[end] - floor
        if not floor < 0.3 * peak or missing < 0.03 * peak or missing < 5 * (curve[end - 1] - curve[end]):
            continue
        moved = study.run(index, overrides={path: 1.7 * value})
        if moved.ran and len(moved.curve) > end and abs(moved.curve[end] - curve[end]) > 1e-3 * peak:
            return path, floor, end
    return None


@dataclass(frozen=True)
class Outlasting:
    """A decay that is as long as the whole, ``end``, and begins after a warmup of ``steps``: the last rate of training
    is ``rate``, with half that warmup ``sooner``. ``surely``: a loop in sight or the setting's name says that training
    ends there; what is called the longest step may be the length of the decay."""

    warmup: str
    steps: int
    whole: str
    end: int
    rate: float
    sooner: float
    surely: bool


def outlasts_the_run(study: Study) -> Outlasting | None:
    """How a decay outlasts training by its warmup, in every draw: a longer warmup moves its end away."""
    if not study.ran or study.site.base == "MultiplicativeLR" or study.site.form == "composition":
        return None
    first = None
    for index, run in enumerate(study.runs):
        shown = _outlasts(study, index, run)
        first = first or shown
        if shown is None or first is None or (shown.warmup, shown.whole) != (first.warmup, first.whole):
            return None
    return first


def _outlasts(study: Study, index: int, run: Run) -> Outlasting | None:
    end, leaves = study.horizon(run), {**run.names, **run.leaves}
    if end is None or not end < len(run.curve) or any(role_of(p) in (*_CYCLIC, Role.CYCLE) for p in leaves):
        return None
    whole = next((p for p, v in run.leaves.items() if v == end and role_of(p) in _WHOLES), None)
    reached = extent(study, run)
    if whole is None or last_word(whole) in _OF_DECAYS or reached is None or reached.unbound or reached.used != end:
        return None
    for path, steps in run.leaves.items():
        if role_of(path) not in _WARMUPS or not isinstance(steps, int) or not 3 < steps < end // 2:
            continue
        other = study.run(index, overrides={path: steps // 2})
        longer = study.run(index, overrides={whole: 2 * end})
        if not all(each.ran and all_real(each.curve) for each in (run, other, longer)):
            continue
        before, middle, peak = steps - steps // 2, (steps + end) // 2, max(run.curve[:end])
        moved = all(abs(run.curve[k] - other.curve[k - before]) <= _ROUNDED * peak for k in range(steps + 1, end))
        falls = all(b < a for a, b in pairwise(run.curve[middle:end]))
        told = abs(longer.curve[middle] - run.curve[middle]) > _NOTICED * peak
        rate, sooner = as_float(run.curve[end - 1]), as_float(other.curve[end - 1])
        if moved and falls and told and rate - sooner > _NOTICED * peak:
            surely = reached.counted or "total" in words(last_word(whole))
            return Outlasting(path, steps, whole, end, rate, sooner, surely)
    return None


def falls_as_long_as_it_warms_up(study: Study) -> tuple[str, int, int] | None:
    """The warmup's length, and the steps at which the rate is lowest and highest again, where in every draw the rate
    comes down in as many steps as it climbed in, and then climbs once more: the decay was given the wrong length."""
    if not study.ran or study.site.base == "MultiplicativeLR" or study.site.form == "composition":
        return None  # what torch's schedulers are given is told at the call
    shown = [_up_and_down(run) for run in study.runs]
    return shown[0] if shown and all(each is not None for each in shown) else None


def _up_and_down(run: Run) -> tuple[str, int, int] | None:
    leaves = {**run.names, **run.leaves}
    warmups = {p: v for p, v in run.leaves.items() if role_of(p) in _WARMUPS and isinstance(v, int) and v > 1}
    if any(role_of(p) in (*_CYCLIC, Role.CYCLE) and v not in (0.5, 1) for p, v in leaves.items()):
        return None
    # In epochs and in steps it is one warmup, and one of the two is as long as the climb.
    batches = [v for p, v in run.leaves.items() if role_of(p) is Role.LOADER_LENGTH and isinstance(v, int)]
    lengths = list(warmups.items())
    lengths += [(p, v * n) for p, v in lengths if role_of(p) is Role.WARMUP_EPOCHS for n in batches]
    return next((found for path, n in lengths if (found := _as_long_down(run, path, n)) is not None), None)


def _as_long_down(run: Run, warmup: str, length: int) -> tuple[str, int, int] | None:
    if len(run.curve) <= 3 * length + 1 or not all_real(run.curve):
        return None
    curve = [as_float(rate) for rate in run.curve[: 3 * length + 2]]
    down = curve[length - 1 : 2 * length + 2]
    top = length - 1 + down.index(max(down))
    bottom = [k for k in range(length - 1, len(curve)) if curve[k] <= min(down)]
    lowest = (bottom[0] + bottom[-1]) // 2  # a floor makes it flat
    again = lowest + curve[lowest:].index(max(curve[lowest:]))
    turns = abs(top - length) <= 1 and abs(lowest - 2 * length) <= 1 and abs(again - 3 * length) <= 1
    climbs = curve[0] < _HALF * curve[top] and curve[again] > _HALF * curve[top] and curve[lowest] < _HALF * curve[top]
    # A wave, or a triangle, is the same on both sides of its top, and may go up and down as long as it likes.
    wave = abs(curve[max(top - 2, 0)] - curve[top + 2]) < _WAVY * curve[top]
    # And so is what begins anew once it is down.
    anew = all(abs(curve[k] - curve[k + lowest]) < _WAVY * curve[top] for k in range(length))
    return (warmup, lowest, again) if turns and climbs and not wave and not anew else None


def loses_its_floor(study: Study) -> tuple[str, float, int, int] | None:
    """The floor's setting, the floor, and the first and the last step of a decay that takes the floor off the peak and
    never adds it again, in every draw: a higher floor lowers every rate of it, and its end lies below the floor."""
    if not study.ran or study.site.base == "MultiplicativeLR":
        return None
    first = None
    for index, run in enumerate(study.runs):
        shown = _loses_its_floor(study, index, run)
        if shown is None:
            return None
        first = first or shown
    return first


def _loses_its_floor(study: Study, index: int, run: Run) -> tuple[str, float, int, int] | None:
    rates = {p: v for p, v in run.leaves.items() if role_of(p) in RATES and isinstance(v, float) and v > 0}
    for path, floor in rates.items():
        if role_of(path) is not Role.FLOOR:
            continue
        due = [(top - 2 * floor) / (top - floor) for p, top in rates.items() if p != path and top > 3 * floor]
        if not due or not all_real(run.curve):
            continue
        alike, highest = True, max(run.curve, default=0.0)
        for steps in (_SOON, study.steps):
            other = study.run(index, overrides={path: 2 * floor}, steps=steps)
            pairs = list(zip(run.curve, other.curve, strict=False))
            moved = [k for k, (a, b) in enumerate(pairs) if a != b]
            moved = [k for k in moved if pairs[k][0] > _ROUNDED * highest]
            alike = alike and any(
                all(abs(pairs[k][1] / pairs[k][0] - share) <= _ROUNDED for k in moved) for share in due
            )
            if not alike or not other.ran:
                break
        if other.ran and alike and len(moved) >= _MANY and min(pairs[k][0] for k in moved) < _BELOW * floor:
            last = next(k for k in moved if pairs[k][0] < _BELOW * floor)
            return path, floor, moved[0], last
    return None


def starts_by_its_length(study: Study) -> tuple[str, tuple[float, float]] | None:
    """A length, and the first factor of the decay with it and with four times of it: ``N / (k + N) ** p``."""
    if study.site.form != "lambda" or not study.ran or study.site.base != "LambdaLR":
        return None
    if not study.everywhere(_falls_from_the_start):
        return None
    for path in study.lengths(study.runs[0], Role.HORIZON, Role.EPOCHS, Role.DECAY_LENGTH):
        starts = [_starts(study, index, path) for index in range(len(study.runs))]
        if all(pair is not None and max(pair) > min(pair) * _APART for pair in starts) and starts[0] is not None:
            return path, starts[0]
    return None


def _starts(study: Study, index: int, path: str) -> tuple[float, float] | None:
    """The first factor of a scenario, and that of the same with the length ``path`` four times as long."""
    run = study.runs[index]
    value = run.leaves.get(path)
    if not isinstance(value, int):
        return None
    others = study.lengths(run, Role.HORIZON, Role.EPOCHS, Role.DECAY_LENGTH, Role.WARMUP)
    if any(other < 4 * value for name, other in others.items() if name != path):
        return None
    longer = study.run(index, overrides={path: 4 * value})
    return (_factor(run), _factor(longer)) if longer.ran and _falls_from_the_start(longer) else None


def _factor(run: Run) -> float:
    return as_float(run.curve[0]) / run.base_lrs[0]


def _falls_from_the_start(run: Run) -> bool:
    curve = [as_float(rate) for rate in run.curve]
    return len(curve) > 1 and max(curve) == curve[0] > curve[1] >= curve[-1] and run.base_lrs[0] > 0


__all__ = [
    "falls_as_long_as_it_warms_up",
    "loses_its_floor",
    "outlasts_the_run",
    "starts_by_its_length",
    "stops_short",
]
