"""LR202: two phases of a curve that do not meet."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from lrfix.domains.kinds import is_number
from lrfix.domains.roles import LENGTHS, RATES, Role, role_of
from lrfix.driving.bench import NEUTRAL
from lrfix.driving.laboratory import Failure, Run
from lrfix.experiments.grid import ENDS, Case, Grid, Setting, Standing, by_a_drawn_relation
from lrfix.experiments.joined_phases import (
    Found,
    at_the_peak_alone,
    by_its_kind,
    by_its_own_base_alone,
    ends_early,
    meets_by_choice,
    meets_when_told_where,
    progress_from_the_warmup,
    progress_from_the_warmup_at,
    ramp_jump,
)
from lrfix.experiments.phases import SHORTEST, moves, sampled_jumps
from lrfix.experiments.structure import assignments, decay_span, methods
from lrfix.experiments.study import Study, all_real, as_float
from lrfix.experiments.torn_phases import BEYOND, STAIRS, WARMUPS, fault, scaled_apart
from lrfix.findings import Violation
from lrfix.finite import finite
from lrfix.registry import rule
from lrfix.trees import walk
from lrfix.wording import change, num

_TIMM_FORMULAS = frozenset({"_get_lr", "_get_values", "get_epoch_values", "get_update_values"})
_LONG = 0.4
#: The axis of a long warmup where the code does not say how long it is; so many times as long a run makes it a
#: twentieth. A decay that is counted from step 0 and has lost less than this share by then is no error.
_ANY_LENGTH = "any length"
_TIMES = 8
_CLEAR = 0.1
_LOST = 0.2
_ENOUGH = 9
_NEAR = 0.01
_DRAWS = (0, 1)
_MOST_FLAGS = 3

_WHERE = {
    "ramp": "where warmup ends",
    "hold": "where the hold ends",
    "decay": "where two phases meet",
    "floor": "where the decay ends",
    "leap": "where two phases meet",
}


@rule("LR202")
def boundary_jump(study: Study) -> Iterator[Violation]:
    if study.opaque is not None or (study.site.base == "MultiplicativeLR" and study.site.form == "lambda"):
        return
    if _formula_of_a_library(study) or _worked_out(study):
        return
    grid = Grid(study)
    advice: Violation | None = None
    for case in _cases(study, grid):
        if advice is not None and case.setting.standing is Standing.LEGAL:
            continue
        found = _shown(study, grid, case)
        if found is not None:
            found = _at_an_ordinary_share(study, grid, found) or found
            told = _on_one_device(study, grid, found) or _told(study, grid, found)
            if not told.advice:
                yield told
                return
            advice = advice or told
    seen = _own_check(study, grid) or _at_real_lengths(study, grid)
    yield from seen or ([advice] if advice is not None else _together(study, grid))


def _own_check(study: Study, grid: Grid) -> list[Violation]:
    """An assertion of the schedule itself that stops every run on its way, before the schedule is to end."""

    def failed(run: Run) -> Failure | None:
        failure = run.failure
        end = max(study.lengths(run, *ENDS).values(), default=0)
        if failure is None or failure.kind != "AssertionError" or not SHORTEST <= failure.step < end - 1:
            return None
        inside = any(failure.node is n for root in study.site.nodes for n in walk(root))
        return failure if inside and _under_way(run) is not None else None

    for case in grid.values():
        failure = case.shown(failed)
        if failure is None or failure.node is None or by_a_drawn_relation(grid, case, failed):
            continue
        words = case.setting.aside
        message = (
            f"{_under_way(case.run)}{words}: at step {failure.step} the schedule's own check fails, "
            f"`{ast.unparse(failure.node)}`, behind a rate of {num(case.run.curve[-1])} at step {failure.step - 1}."
        )
        evidence = study.evidence(case.run, [0, failure.step - 2, failure.step - 1])
        return [Violation(study.span(failure.node), message, evidence)]
    return []


def _under_way(run: Run) -> str | None:
    """What does not fit where a run is stopped: a ramp and what follows, or a decay and the rest of the schedule."""
    last = moves(run.curve)[-SHORTEST + 1 :]
    if all(move > 0 for move in last):
        return "The phases do not meet where warmup ends"
    return "The decay does not last until the end of the schedule" if all(move < 0 for move in last) else None


def _at_real_lengths(study: Study, grid: Grid) -> list[Violation]:
    """A jump that the lengths the code states make, and shorter ones hide."""
    case = grid.real() if study.ran else None
    if case is None or not case.ran or any(role_of(p) in STAIRS for p in case.run.leaves):
        return []
    run = case.run
    found = next((jump for rates in run.lr for jump in sampled_jumps(run.at, rates)), None)
    if found is None:
        return []
    before, after = found.rates
    step = run.at[found.step]
    evidence = replace(
        study.evidence(run, []),
        steps=run.at[found.step - 1 : found.step + 3],
        lr=tuple(as_float(rate) for rate in run.curve[found.step - 1 : found.step + 3]),
        curve=(),
        shortened={},
        stated=case.setting.overrides,
    )
    instead = progress_from_the_warmup_at(study, case, found.step)
    message = (
        f"The learning rate {change(before, after)} where warmup ends{_because(instead)}: from {num(before)} at step "
        f"{step} to {num(after)} at step {step + 1}, while it moves by {num(found.before)} a step before and "
        f"{num(found.after)} after.{f' Use `{instead}`.' if instead else ''}"
    )
    mild = _is_mild(before, after)
    return [Violation(decay_span(study), message, evidence, advice=mild, mendable=mild)]


def _cases(study: Study, grid: Grid) -> Iterator[Case]:
    """The values, the definition by itself, each branch; and each again with a warmup of two fifths of the run."""
    for case in grid.values():
        yield case
        yield from _long(study, case)
    alone = grid.alone()
    if alone is not None and all(_understood(run) for run in alone.runs):
        yield alone
        yield from _long(study, alone)
    for case in (*grid.left_out(), *grid.flags(Standing.LEGAL)):
        yield case
        yield from _long(study, case)


def _ran(run: Run) -> bool:
    return run.ran and bool(run.curve)


def _understood(run: Run) -> bool:
    """Whether every number that was drawn has a part in the schedule that its name tells."""
    numbers = (p for p, v in run.leaves.items() if isinstance(v, int | float) and not isinstance(v, bool))
    return all(role_of(path) is not Role.UNKNOWN for path in numbers)


def _long(study: Study, case: Case) -> Iterator[Case]:
    """A case with a warmup of two fifths of the run, as far as phases of their own leave room for it."""
    grid = Grid(study)
    for path in _warmups(case.run) if _ran(case.run) else ():
        if path in study.constants:
            continue  # the file states it: what a longer one would do is nobody's run
        length = _longer(case.run, path)
        if length is None or _sound(study, grid, case, {path: length}) or not case.ran:
            continue  # the first draw alone has the answer
        longer = [_longer(run, path) for run in case.runs]
        if all(length is not None for length in longer):
            runs = [grid.changed(case, run, **{path: n}) for run, n in zip(case.runs, longer, strict=True)]
            # Whoever states how long the warmup is, and of how many steps, has another run in mind.
            lengths = [p for p in (path, *case.run.leaves) if role_of(p) in LENGTHS - {Role.LOADER_LENGTH}]
            stated = all(is_number(study.defaults.get(p)) for p in lengths)
            axis = case.setting.axis if stated or case.setting.standing is Standing.LEGAL else _ANY_LENGTH
            said = f"{case.setting.words} and a warmup" if case.setting.words else "with a warmup"
            words = f"{said} of two fifths of the run"
            yield Case(replace(case.setting, axis=axis, standing=Standing.LEGAL, words=words), tuple(runs))


def _at_an_ordinary_share(study: Study, grid: Grid, found: Found) -> Found | None:
    """The jump behind a warmup as long, in a run so long that this is an ordinary share of it."""
    case = found.case
    warmups = [p for p in _warmups(found.run) if p in found.run.leaves]
    if case.setting.axis != _ANY_LENGTH or found.phase != "ramp" or not warmups:
        return None
    words = case.setting.words.replace("two fifths", "a twentieth")
    setting = replace(case.setting, axis="values", standing=Standing.PLAUSIBLE, words=words)
    short = Case(replace(setting, steps=found.step + BEYOND), case.runs)
    runs = []
    for run in case.runs:
        ends = {p: _TIMES * v for p, v in run.leaves.items() if role_of(p) in ENDS and isinstance(v, int)}
        runs.append(grid.changed(short, run, **ends))
    ordinary = _shown(study, grid, Case(short.setting, tuple(runs))) if ends else None
    if ordinary is None or ordinary.step != found.step:
        return None
    before, after = ordinary.run.lr[ordinary.group][ordinary.step : ordinary.step + 2]
    return None if _is_mild(before, after) else ordinary


def _is_mild(before: float, after: float) -> bool:
    """Whether a drop is so small that a decay over the whole run, with a warmup laid over its start, may be meant."""
    return abs(after - before) < _CLEAR * max(before, after)


def _is_under_the_warmup(study: Study, found: Found) -> bool:
    """Whether a drop may be what a decay without an end has lost meanwhile: EfficientNet's goes on under the warmup."""
    before, *rest = found.run.lr[found.group][found.step :]
    if study.horizon(found.run) is not None or study.lengths(found.run, *ENDS) or len(rest) < _ENOUGH:
        return False
    first, middle, last = rest[0], rest[(len(rest) - 1) // 2], rest[-1]
    geometric = min(first, middle, last) > 0 and abs(middle * middle - first * last) < _CLEAR * first * last
    return bool(geometric and (1 - _LOST) * before < first < before)


def _sound(study: Study, grid: Grid, case: Case, changes: dict[str, object]) -> bool:
    """Whether the first run of a case has no fault once it is changed; at first only as far as jumps are looked for."""
    end = study.horizon(case.run)
    if end is not None and end + 2 * BEYOND < study.steps and study.site.base != "SequentialLR":
        soon = grid.changed(case, case.run, end + 2 * BEYOND, **changes)
        there = study.horizon(soon)
        if there is not None and there + BEYOND <= len(soon.curve) and fault(study, grid, case, soon) is None:
            return True
    return fault(study, grid, case, grid.changed(case, case.run, **changes)) is None


def _warmups(run: Run) -> list[str]:
    """The lengths of warmups that may be chosen; where none is open, the one that the names around it tell."""
    lengths = [p for p, v in {**run.leaves, **run.names}.items() if role_of(p) in WARMUPS and isinstance(v, int)]
    return [p for p in lengths if p in run.leaves] or lengths[:1]


def _longer(run: Run, warmup: str) -> int | None:
    leaves = {**run.leaves, **run.names}
    lengths = {p: number for p, v in leaves.items() if (number := finite(v)) is not None}
    by_role: dict[Role, float] = {}
    for path, value in lengths.items():
        by_role[role_of(path)] = max(value, by_role.get(role_of(path), 0))
    others = sum(by_role.get(role, 0) for role in (Role.DECAY_LENGTH, Role.HOLD))
    if role_of(warmup) is Role.WARMUP_EPOCHS:
        whole = by_role.get(Role.EPOCHS)
    elif Role.HORIZON in by_role:
        whole = by_role[Role.HORIZON]
    elif Role.EPOCHS in by_role:
        whole = by_role[Role.EPOCHS] * by_role.get(Role.LOADER_LENGTH, 1)
    else:
        whole, others = by_role.get(Role.DECAY_LENGTH), 0
    longer = int(min(_LONG * whole, 0.8 * (whole - others))) if whole is not None else 0
    return longer if longer > lengths.get(warmup, 0) else None


def _shown(study: Study, grid: Grid, case: Case) -> Found | None:
    """The jump of the first run, where every run of the case has one that is no guess of ours."""
    found = case.shown(lambda run: fault(study, grid, case, run) if _ran(run) else None)
    if found is None or any(rate < 0 for rate in found.run.lr[found.group][: found.step + 2]):
        return None  # where a rate is negative, that is the fault, or the settings do not fit
    if found.phase == "decay" and scaled_apart(grid, found):
        return None
    if found.phase != "ramp":
        return found
    if _ends_within_a_step(found):
        return None
    if meets_when_told_where(grid, case) or meets_by_choice(grid, found) or by_its_kind(grid, case):
        return None
    return found


def _ends_within_a_step(found: Found) -> bool:
    """Whether a ramp goes beyond the base rate by less than one of its steps, and the next rate is the base rate: its
    length is no whole number, and of hundreds of steps nobody sees the difference."""
    before, after = found.run.lr[found.group][found.step : found.step + 2]
    base = found.run.base_lrs[found.group]
    return bool(0 < before - after < found.around[0] and abs(after - base) <= _NEAR * base)


def _told(study: Study, grid: Grid, found: Found) -> Violation:
    curve, step = found.run.lr[found.group], found.step
    before, after = curve[step], curve[step + 1]
    words = found.case.setting.aside
    early = found.case.setting.axis == _ANY_LENGTH and ends_early(grid, found)
    instead = progress_from_the_warmup(grid, found)
    message = (
        f"The learning rate {change(before, after)} {_WHERE[found.phase]}{words}"
        f"{_because(instead, early)}: from {num(before)} at step {step} to "
        f"{num(after)} at step {step + 1}, while it moves by {num(found.around[0])} a step before and "
        f"{num(found.around[1])} after.{f' Use `{instead}`.' if instead else ''}"
    )
    steps = [step - 1, step, step + 1, step + 2]
    span = study.site.span if found.phase in ("decay", "leap") else decay_span(study)
    setting = found.case.setting
    chosen = at_the_peak_alone(grid, found) or by_its_own_base_alone(grid, found)
    mild = instead is not None and not early and _is_mild(before, after)
    mild = mild or (found.phase == "ramp" and _is_under_the_warmup(study, found))
    advice = chosen or mild or (setting.standing is Standing.LEGAL and not early)
    mendable = advice and (mild or setting.axis == _ANY_LENGTH) and not chosen
    return Violation(span, message, study.evidence(found.run, steps), advice=advice, mendable=mendable)


def _because(instead: str | None, early: bool = False) -> str:
    counted = ", because the decay is counted from step 0" if instead or early else ""
    return f"{counted} and ends as many steps early as the warmup takes" if early else counted


def _on_one_device(study: Study, grid: Grid, found: Found) -> Violation | None:
    """The jump as advice, where a drawn count (of devices, of samples) makes it: where it is 1, the phases meet."""
    counts = [p for p, v in found.run.leaves.items() if role_of(p) is Role.COUNT and isinstance(v, int)]
    if not counts:
        return None
    alone = (grid.changed(found.case, run, **dict.fromkeys(counts, 1)) for run in found.case.runs)
    if any(run.ran and all_real(run.curve) and ramp_jump(run) for run in alone):
        return None
    told = _told(study, grid, found)
    under = f"The phases meet where `{counts[0]}` is 1: only one of them is multiplied by it."
    return replace(told, message=f"{told.message} {under}", advice=True, mendable=False)


def _formula_of_a_library(study: Study) -> bool:
    """Whether a class counts for one of timm's schedulers and leaves the formula, its warmup included, to timm."""
    node = study.node
    if not isinstance(node, ast.ClassDef):
        return False
    derived = any(name.startswith("timm.") for base in node.bases for name in study.names.qualified(base))
    return derived and not any(m.name in _TIMM_FORMULAS for m in methods(node))


def _worked_out(study: Study) -> bool:
    """Whether a number was drawn for an attribute that the class works out from others: they would fit together."""
    owner = study.names.enclosing(study.node, ast.ClassDef)
    lengths = {path for run in study.runs[:1] for path in run.leaves if role_of(path) in LENGTHS}
    drawn = {path for run in study.runs[:1] for path in run.leaves if path.startswith("self.")}
    if len(lengths) == 1 and all(role_of(path) in (*LENGTHS, *RATES) for path in drawn):
        return False  # the only length there is, and rates that every phase is multiplied with
    return owner is not None and any(
        ast.unparse(target) in drawn and isinstance(value, ast.BinOp | ast.Call)
        for node in ast.walk(owner)
        for target, value in assignments(node)
    )


def _together(study: Study, grid: Grid) -> Iterator[Violation]:
    """A flag that is off and a number whose default is neutral, which tear the phases apart when both are used.

    Neither of the two alone makes a jump; whether anyone uses both, only the author knows.
    """
    given = [n for n, d, _ in study.constructor if isinstance(d, ast.Constant) and d.value is False][:_MOST_FLAGS]
    flags = [name for name in given if name not in NEUTRAL]
    if not flags or all(_understood(run) for run in study.runs):
        return
    draws = _DRAWS
    varied = grid.case(Setting("numbers", Standing.LEGAL, draws=draws, vary_unknown=True))
    if any(ramp_jump(run) for run in varied.runs):
        return
    for flag in flags:
        words = f"with `{flag}` = True and other numbers than the defaults"
        setting = Setting("flags", Standing.LEGAL, words, {flag: True}, draws=draws, vary_unknown=True)
        found = _shown(study, grid, grid.case(setting))
        if found is not None:
            yield _told(study, grid, found)
            return


__all__ = ["boundary_jump"]
