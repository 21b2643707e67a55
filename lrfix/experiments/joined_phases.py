"""Whether the phases of a torn curve meet once something that nobody is seen to choose is chosen otherwise.

A switch of the constructor, a number that may say where the decay begins or where the rate drops, a share that was
drawn as a count, a peak beside the optimizer's own rate, base rates of groups that were drawn apart.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from lrfix.domains.kinds import is_number
from lrfix.domains.roles import LENGTHS, RATES, Role, last_word, role_of
from lrfix.domains.scenarios import Same
from lrfix.driving.laboratory import Run
from lrfix.experiments.grid import ENDS, Case, Grid, Standing
from lrfix.experiments.groups import groups_shown
from lrfix.experiments.phases import jumps
from lrfix.experiments.recognised import recognised
from lrfix.experiments.study import Study

_WARMUPS = (Role.WARMUP, Role.WARMUP_EPOCHS)
_SHARES = re.compile(r"ratio|factor|frac|scale|mult|share|gamma|power")
#: So many times as far on a drop lies behind every warmup.
_FAR = 40
#: What a number without a name may be, if it is no count.
_SHARE = 0.1
_SEVERAL = 2
_ROUNDING = 1e-9
#: What is steep at first, an exponential say, may have fallen so many times as fast as it does at the end of a warmup.
_STEEPER = 5
#: Rates behind a jump that are compared.
_BEHIND = 5
#: Steps behind a jump that show it.
_SEEN = 12


@dataclass(frozen=True)
class Found:
    """A jump of one group in one run of a case; ``phase`` is what lies before it, ``around`` what the curve moves in
    one step on either side."""

    case: Case
    run: Run
    group: int
    phase: str
    step: int
    around: tuple[float, float]


def ramp_jump(run: Run) -> bool:
    return any(jump.behind == "ramp" for curve in run.lr for jump in jumps(curve))


def progress_from_the_warmup(grid: Grid, found: Found) -> str | None:
    """``(step - warmup) / (total - warmup)`` in the code's own names, where the decay is counted from step 0 instead:
    with half the warmup the rates behind it are the same. What rises where warmup ends, has another fault."""
    warmup = _warmup(found.run)
    before, after = found.run.lr[found.group][found.step : found.step + 2]
    if found.phase != "ramp" or after >= before or not _in_reach(found):
        return None
    if not grid.study.lengths(found.run, *LENGTHS):
        return _progress_recognised(grid.study)
    if warmup is None:
        return None
    behind = slice(found.step + 1, found.step + 1 + _BEHIND)
    halved = grid.changed(found.case, found.run, **{warmup: _length(found.run, warmup) // 2})
    alike = halved.ran and _alike(found.run.lr[found.group][behind], halved.lr[found.group][behind], _BEHIND)
    return _progress(grid.study, found.run, found.step) if alike or ends_early(grid, found) else None


def _in_reach(found: Found) -> bool:
    """Whether a decay that began at step 0 at the rate before the jump may have come to the one behind it by now: if it
    had to fall many times as fast as it does, it began at another rate."""
    before, after = found.run.lr[found.group][found.step : found.step + 2]
    climb, fall = found.around
    return bool(before - after <= climb + _STEEPER * fall * (found.step + 1))


def _progress_recognised(study: Study) -> str | None:
    """The same where no length is open, so that none can be halved: by what the curve is recognised as."""
    known = recognised(study)
    if known is None or not known.counted_from_zero:
        return None
    warmup, total = (known.parameters.get(name, "") for name in ("warmup_steps", "total_steps"))
    if not warmup.isidentifier() or not total.isidentifier():
        return "(step - warmup) / (total - warmup)"
    return f"(step - {warmup}) / ({total} - {warmup})"


def progress_from_the_warmup_at(study: Study, case: Case, index: int) -> str | None:
    """The same for a run that was taken to some steps alone, the phases torn behind the one of that index."""
    run = case.run
    warmup = _warmup(run)
    if warmup is None:
        return None
    halved = study.sampled(0, run.at, {**case.setting.overrides, warmup: _length(run, warmup) // 2})
    behind = slice(index + 1, index + 1 + _SEVERAL)
    alike = halved.ran and halved.at == run.at and _alike(run.curve[behind], halved.curve[behind], _SEVERAL)
    return _progress(study, run, run.at[index]) if alike else None


def _warmup(run: Run) -> str | None:
    """The only warmup among what a run was given."""
    found = [p for p, v in run.leaves.items() if run.scenario.role(p) in _WARMUPS and isinstance(v, int) and v > 1]
    return found[0] if len(found) == 1 else None


def _length(run: Run, path: str) -> int:
    value = run.leaves[path]
    assert isinstance(value, int)
    return value


def _alike(rates: Sequence[object], others: Sequence[object], least: int) -> bool:
    """Whether rates are the same, and say something: so many of them move."""
    return len(set(rates)) >= least and rates == others


def _progress(study: Study, run: Run, torn: int) -> str:
    """The progress in the names that are as long as the schedule, and as the warmup that ends at the step ``torn``.

    A warmup of so many epochs is neither, where the schedule counts steps.
    """
    end = study.horizon(run)
    warmups = _named(run, _WARMUPS, (torn, torn + 1))
    wholes = _named(run, ENDS, (end,)) if end is not None else list(study.lengths(run, Role.DECAY_LENGTH))
    if len(wholes) == 1 and len(warmups) == 1:
        return f"(step - {warmups[0]}) / ({wholes[0]} - {warmups[0]})"
    return "(step - warmup) / (total - warmup)"


def _named(run: Run, roles: Collection[Role], values: Sequence[int]) -> list[str]:
    """What plays one of ``roles`` and has one of ``values``: given from outside, else under a name that can be seen."""
    for known in (run.leaves, run.names):
        found = [p for p, value in known.items() if run.scenario.role(p) in roles and value in values]
        if found:
            return found
    return []


def ends_early(grid: Grid, found: Found) -> bool:
    """Whether the decay behind a warmup that was chosen ends as many steps before the end of the schedule as it takes:
    the decay is as long as what the warmup leaves, and counted from step 0."""
    run = found.run
    chosen = {p: v for p, v in run.scenario.overrides.items() if role_of(p) in _WARMUPS and isinstance(v, int)}
    if found.phase != "ramp" or len(chosen) != 1:
        return False
    ((name, length),) = chosen.items()
    missing = _missing(grid, run, found.group)
    halved = _missing(grid, grid.changed(found.case, run, **{name: length // 2}), found.group)
    if missing is None or halved is None or abs(missing - length) > 1:
        return False
    return missing - halved == length - length // 2


def _missing(grid: Grid, run: Run, group: int) -> int | None:
    """How many steps before the end of the schedule a curve is at its lowest for the first time."""
    end = grid.study.horizon(run)
    if not run.ran or end is None or len(run.lr[group]) <= end:
        return None
    curve = run.lr[group][: end + 1]
    top, lowest = max(curve), min(curve[curve.index(max(curve)) :])
    return end - next(k for k in range(curve.index(top), end + 1) if curve[k] - lowest <= _ROUNDING * top)


def meets_by_choice(grid: Grid, found: Found) -> bool:
    """Whether a switch of the constructor, or a rate left out as by default, joins the phases: the caller's choice.

    A caller that leaves the switch out chooses as well; what the switch does shows where the definition is by itself.
    """
    study, run = grid.study, found.run
    bare = [study.run(0, use=None)] if found.case.setting.use is not None else []
    for name, default, _ in study.constructor:
        if not isinstance(default, ast.Constant) or name in run.scenario.overrides:
            continue
        if isinstance(default.value, bool) or (default.value is None and role_of(name) in RATES):
            value = None if default.value is None else not default.value
            others = [(run, _changed(grid, found.case, run, **{name: value}))]
            others += [(alone, study.run(0, use=None, overrides={name: value})) for alone in bare if _torn(alone)]
            if any(_torn(torn) and other.curve != torn.curve and _joined(other) for torn, other in others):
                return True
    return _meets_by_default(grid, found)


def _meets_by_default(grid: Grid, found: Found) -> bool:
    """Whether the phases meet with the shares that the code states by default: others were drawn, given by nobody."""
    if found.case.setting.standing is Standing.LEGAL:
        return False
    given, defaults = found.case.setting.overrides, grid.study.defaults
    drawn = {p: v for p, v in found.run.leaves.items() if isinstance(v, float) and p not in given}
    stated = {
        path: default
        for path, value in drawn.items()
        if is_number(default := defaults.get(path)) and default != value and _left_as_it_is(path, default)
    }
    tried = [{path: default} for path, default in stated.items()] + ([stated] if len(stated) > 1 else [])
    return any(_joined(_changed(grid, found.case, found.run, **defaults)) for defaults in tried)


def _left_as_it_is(path: str, default: object) -> bool:
    """Whether a number is no rate or length, or a rate that is nothing unless somebody sets it."""
    return role_of(path) not in LENGTHS and (role_of(path) not in RATES or not default)


def _torn(run: Run) -> bool:
    return run.ran and ramp_jump(run)


def _joined(run: Run) -> bool:
    return run.ran and not ramp_jump(run) and len(set(run.curve)) > 1


def _meets_with(grid: Grid, case: Case, path: str, value: object) -> bool:
    """Whether no rate jumps at the end of the ramp once an expression has another value."""
    changed = (_changed(grid, case, run, **{path: value}) for run in case.runs)
    return all(run.ran and not ramp_jump(run) for run in changed)


def _changed(grid: Grid, case: Case, run: Run, **values: object) -> Run:
    """The run of a case with some of its values changed, as far as the jump behind its ramp where that is still there:
    what comes later joins nothing."""
    torn = [jump.step for curve in run.lr for jump in jumps(curve) if jump.behind == "ramp"]
    if torn and case.setting.steps is None and torn[0] + _SEEN < len(run.curve):
        soon = grid.changed(case, run, torn[0] + _SEEN, **values)
        if not soon.ran or ramp_jump(soon):
            return soon
    return grid.changed(case, run, **values)


def meets_when_told_where(grid: Grid, case: Case) -> bool:
    """Whether a free number that may say where the decay begins joins the phases once it is the warmup's length, or one
    that may say where the rate drops once that is far behind it.

    Two base rates of one optimizer that were drawn apart are made equal for the same reason.
    """
    leaves = case.run.leaves
    warmups = [p for p in leaves if role_of(p) in _WARMUPS]
    starts = {
        p: v
        for p, v in leaves.items()
        if role_of(p) in (Role.UNKNOWN, Role.LAST_EPOCH, Role.HOLD) and isinstance(v, int) and not isinstance(v, bool)
        if not _SHARES.search(last_word(p))
    }
    for start, value in starts.items():
        if any(_meets_with(grid, case, start, other) for other in (*map(Same, warmups), _FAR * value)):
            return True
    lists = {p: v for p, v in leaves.items() if role_of(p) is Role.MILESTONES and isinstance(v, list)}
    for path, steps in lists.items():
        if all(is_number(step) for step in steps) and _meets_with(grid, case, path, [_FAR * step for step in steps]):
            return True
    # What the use of a rate says is no base rate, where a warmup starts say, is not made one.
    role = case.run.scenario.role
    rates = [p for p, v in leaves.items() if role(p) is Role.BASE_RATE and isinstance(v, float)]
    return len(rates) > 1 and _meets_at_one_rate(grid, case, rates)


def by_its_kind(grid: Grid, case: Case) -> bool:
    """Whether a count was drawn for a number that neither the code nor its name tells, and as a share it makes no jump:
    ``alpha + (1 - alpha) * cosine`` climbs where ``alpha`` is 37, and falls where it is 0.1."""
    free = [p for p in case.run.leaves if p not in grid.study.defaults and p not in case.setting.overrides]
    counts = [p for p in free if type(case.run.leaves[p]) is int and role_of(p) is Role.UNKNOWN]
    return any(_meets_with(grid, case, path, _SHARE) for path in counts)


def at_the_peak_alone(grid: Grid, found: Found) -> bool:
    """Whether the phases meet where the peak that is given is the rate that the optimizer is built with."""
    rates = [p for p, v in found.run.leaves.items() if role_of(p) in RATES and isinstance(v, float)]
    # Where nothing sounds like a peak, a rate that sounds like an end may be where the warmup ends: `target_lr`.
    given = [p for p in rates if role_of(p) in (Role.BASE_RATE, Role.PEAK)] or rates
    alone = len(given) == 1 and role_of(given[0]) is not Role.BASE_RATE
    return alone and found.phase == "ramp" and _meets_at_one_rate(grid, found.case, given, behind=found.step)


def _falls(run: Run, step: int) -> bool:
    return len(set(run.curve[step + 1 :])) > 1


def by_its_own_base_alone(grid: Grid, found: Found) -> bool:
    """Whether a jump of another group is gone where all groups have one base rate: the project may have one group."""
    if found.group == 0 or groups_shown(grid.study) == _SEVERAL:
        return False
    return found.phase == "ramp" and _meets_at_one_rate(grid, found.case, [])


def _meets_at_one_rate(grid: Grid, case: Case, rates: Sequence[str], behind: int | None = None) -> bool:
    """Whether the phases meet under one rate for all; a floor that flattens all ``behind`` a step joins nothing."""
    for run in case.runs:
        rate = run.base_lrs[0]
        same = replace(case.setting, base_lrs=(rate,) * len(run.base_lrs))
        other = _changed(grid, Case(same, case.runs), run, **dict.fromkeys(rates, rate))
        if not other.ran or ramp_jump(other):
            return False
        if behind is not None and _falls(run, behind) and not _falls(other, behind):
            return False
    return True


__all__ = [
    "Found",
    "at_the_peak_alone",
    "by_its_kind",
    "by_its_own_base_alone",
    "ends_early",
    "meets_by_choice",
    "meets_when_told_where",
    "progress_from_the_warmup",
    "ramp_jump",
]
