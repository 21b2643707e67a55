"""How long training is in the calls of a schedule, at the numbers that the code states."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from lrfix.domains.facts import Defaults
from lrfix.domains.roles import Role
from lrfix.driving.laboratory import Run
from lrfix.experiments.study import Study
from lrfix.experiments.training_loop import asked_per_epoch_only, loops_around, step_calls, steps_per_epoch_only
from lrfix.experiments.turns import turns

#: A warmup this many times as long as training is one of another unit, not a long one.
_MANY = 3
_SHORTEST = 4


@dataclass(frozen=True)
class Beyond:
    """A warmup that outlasts the training: ``length`` calls of ``path``, where training makes ``calls``."""

    place: ast.AST
    path: str
    length: float
    calls: int


def warmup_beyond_training(study: Study) -> Beyond | None:
    """A stated warmup that is counted in steps and ends, asked once an epoch, after the stated number of epochs."""
    if study.opaque is not None or not (asked_per_epoch_only(study) or steps_per_epoch_only(study)):
        return None
    first = study.runs[0]
    for place in _places(study):
        calls = _stated_turns(study, loops_around(study, place)[0])
        for path in study.lengths(first, Role.WARMUP) if calls is not None else ():
            length = first.scenario.shortened.get(path, study.defaults.get(path))
            if calls is None or not isinstance(length, int | float) or length < _MANY * calls:
                continue
            if study.everywhere(partial(_peaks_at, path=path)):
                return Beyond(place, path, length, calls)
    return None


def _places(study: Study) -> list[ast.AST]:
    """Where the schedule is asked or stepped."""
    if study.site.form not in ("setter", "function"):
        return list(step_calls(study))
    return [study.site.node] if study.site.inline else list(study.site.calls)


def _stated_turns(study: Study, loop: ast.AST) -> int | None:
    """How often a loop turns at the number that the code states for it; None where it states none."""
    names = study.used_in
    found = turns(study, names, study.runs[0], loop)
    if found is None:
        return None
    calls, made_of = found
    if not made_of:
        return calls
    path, drawn = next(iter(made_of.items()))
    stated = Defaults(names).get(path)
    whole = len(made_of) == 1 and drawn == calls
    return stated if whole and isinstance(stated, int) and not isinstance(stated, bool) and stated > 0 else None


def _peaks_at(run: Run, path: str) -> bool:
    """Whether the rate climbs until the length ``path`` of a run is over, and nowhere above that."""
    length = run.leaves.get(path)
    if not isinstance(length, int | float) or not _SHORTEST <= length < len(run.curve):
        return False
    top = max(range(len(run.curve)), key=run.curve.__getitem__)
    ramp = run.curve[: top + 1]
    return abs(top - length) <= 1 and all(a < b for a, b in pairwise(ramp))


__all__ = ["Beyond", "warmup_beyond_training"]
