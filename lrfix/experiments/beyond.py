"""What a curve does once it has come down: whether it climbs again, or begins again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lrfix.domains.roles import Role, last_word, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.study import Study, all_real

#: A descent is no dip: so many steps in a row, down to a quarter of the peak.
_DESCENT = 4
_LOW = 0.25
_NOTICEABLE = 0.05
_LEAP = 0.5


@dataclass(frozen=True)
class Rebound:
    """The step at which a curve is lowest, and the first and the highest step of its climb after that."""

    lowest: int
    rising: int
    highest: int


def rebound(curve: Sequence[float], used: int) -> Rebound | None:
    """The slow climb of a curve that has come down, within the first ``used`` steps; a leap back is a restart."""
    seen = curve[:used]
    if len(seen) <= _DESCENT:
        return None
    lowest = min(range(len(seen)), key=seen.__getitem__)
    top = max(seen[: lowest + 1])
    if lowest < _DESCENT or seen[lowest] >= _LOW * top:
        return None
    way_down = seen[lowest - _DESCENT : lowest + 1]
    if any(b > a + 1e-12 * top for a, b in pairwise(way_down)) or way_down[0] <= way_down[-1]:
        return None
    if any(b - a > _LEAP * top for a, b in pairwise(seen[lowest:])):
        return None
    if _waves(seen[seen.index(top) :], _NOTICEABLE * top) > 1:
        return None  # what rises again and again is meant to
    tail = seen[lowest:]
    rising = next((k for k, rate in enumerate(tail) if rate > tail[0] + _NOTICEABLE * top), None)
    if rising is None:
        return None
    return Rebound(lowest, lowest + rising, lowest + max(range(len(tail)), key=tail.__getitem__))


def _waves(curve: Sequence[float], noticeable: float) -> int:
    """How often a curve that comes down climbs again by what is noticeable, each time from a new low."""
    count, low, high, climbing = 0, curve[0], curve[0], False
    for rate in curve:
        if climbing:
            high = max(high, rate)
            if rate < high - noticeable:
                climbing, low = False, rate
        else:
            low = min(low, rate)
            if rate > low + noticeable:
                count, climbing, high = count + 1, True, rate
    return count


def begins_again(study: Study) -> tuple[str, Run, int] | None:
    """The length of the whole at which a schedule that has come down is back at its peak; None where none is.

    A schedule of several cycles restarts on purpose; so does one that is only given the length of a cycle.
    """
    if not study.ran or study.site.base == "MultiplicativeLR" or study.site.form == "composition":
        return None
    ends = [_back_at_the_peak(study, run) for run in study.runs]
    first = ends[0] if ends else None
    if first is None or any(end is None or end[0] != first[0] for end in ends):
        return None
    return first[0], study.runs[0], first[1]


def _back_at_the_peak(study: Study, run: Run) -> tuple[str, int] | None:
    leaves = {**run.names, **run.leaves}
    cycles = [v for p, v in leaves.items() if role_of(p) in (Role.CYCLE, Role.CYCLES, Role.CYCLE_MULT)]
    if any(cycle != 1 for cycle in cycles) or not all_real(run.curve):
        return None
    end = study.horizon(run)
    path = next((p for p, v in leaves.items() if v == end and role_of(p) is Role.HORIZON), None)
    if end is None or path is None or not 20 < end < len(run.curve) - 2 or last_word(path) in ("t_max", "tmax"):
        return None
    top = max(range(end), key=run.curve.__getitem__)
    peak, before = run.curve[top], run.curve[end - 1]
    falls = all(b <= a + 1e-9 * peak for a, b in pairwise(run.curve[top:end]))
    return (path, end) if falls and before <= 0.3 * peak and run.curve[end] >= 0.9 * peak else None


__all__ = ["Rebound", "begins_again", "rebound"]
