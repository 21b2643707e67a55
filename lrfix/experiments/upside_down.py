"""Schedules that climb from the rate they are to end at to the one they are to start with."""

from __future__ import annotations

from lrfix.domains.roles import RATES, Role, last_word, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.phases import moves
from lrfix.experiments.study import Study, all_real
from lrfix.sites.vocabulary import words

#: What says that the rate is meant to climb, or to be tried out.
CLIMBS = frozenset({"warm", "warmup", "ramp", "rise", "rising", "grow", "growing", "increase", "increasing"}) | {
    *("up", "find", "finder", "range", "test", "tester", "search", "sweep", "cyclic", "inverse", "reverse", "reversed")
}
#: What a rate is called that a schedule starts with.
_STARTS = frozenset({"init", "initial", "base", "start", "begin", "lr", "learning", "rate", "value"})
_ENDS_HIGH = frozenset({"max", "peak", "high", "top", "upper", "target", "end", "final", "last"})
#: What says that another schedule is meant than one from an end to the other.
_OTHERS = (Role.WARMUP, Role.WARMUP_EPOCHS, Role.WARMUP_START, Role.CYCLE, Role.CYCLES)
_MOVING = 0.8
_NEAR = 0.03


def climbs_from_its_floor(study: Study, run: Run) -> tuple[str, str, int] | None:
    """The setting of the floor that a run begins at, what it climbs to all the way to its end, and that step."""
    if not run.ran or not all_real(run.curve) or CLIMBS & set(words(study.site.name or "")):
        return None
    end = study.horizon(run)
    leaves = {**run.names, **run.leaves}
    if end is None or end <= 8 or len(run.curve) < end or any(role_of(p) in _OTHERS for p in run.leaves):
        return None
    curve = run.curve[: end + 1]
    moved = moves(curve[:end])
    if min(moved) < 0 or sum(move > 0 for move in moved) < _MOVING * len(moved):
        return None
    first, last = curve[0], max(curve[-2:])
    rates = {p: v for p, v in leaves.items() if role_of(p) in RATES and isinstance(v, float) and v > 0}
    near = _NEAR * (last - first)
    floors = [p for p, v in rates.items() if role_of(p) is Role.FLOOR and abs(v - first) <= near]
    starts = [p for p, v in rates.items() if abs(v - last) <= near and _is_a_start(p)]
    return (floors[0], starts[0], end) if floors and starts else None


def _is_a_start(path: str) -> bool:
    spoken = set(words(last_word(path)))
    return bool(_STARTS & spoken) and not _ENDS_HIGH & spoken


__all__ = ["CLIMBS", "climbs_from_its_floor"]
