"""LR209: a peak missed or passed by one step, a schedule one step late, a restart or a floor that is not met."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from lrfix.domains.roles import Role, last_word, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.class_reading import drives_others
from lrfix.experiments.extent import steps_itself
from lrfix.experiments.grid import Case, Grid, Setting, Standing, loudest_first
from lrfix.experiments.intervals import decays_at_once
from lrfix.experiments.phases import DOWN, PEAK, moves, overshoots, ramp_end, restarts, tops
from lrfix.experiments.shortfall import loses_its_floor
from lrfix.experiments.structure import decay_span
from lrfix.experiments.study import MAX_STEPS, Study, all_real
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.vocabulary import identifiers, words
from lrfix.wording import num

_STAIRS = 3
_UNITS = ((Role.WARMUP, Role.HORIZON), (Role.WARMUP_EPOCHS, Role.EPOCHS))
#: By these words a length is that of the whole run, and not of the decay alone.
_WHOLE = frozenset({"total", "max", "num", "train", "training", "epochs", "n", "all"})
_FEW = 8
#: Factors at which a logarithm of the number of cycles is a little less than the whole number it should be.
_ROUNDED = (3, 10)
_FIRST_CYCLE = 5
_SLACK = 1e-9
_CYCLES = 12


@rule("LR209", uses=True)
def off_by_one(study: Study) -> Iterator[Violation]:
    if study.site.form == "training":
        yield from _decays_at_once(study)
        return
    if study.opaque is not None or study.site.base == "MultiplicativeLR":
        return
    grid = Grid(study)
    for case in loudest_first((*grid.values(), *_alone(grid), *grid.flags(Standing.LEGAL))):
        if not _may_be_off(case.run) or not case.ran or not all(all_real(run.curve) for run in case.runs):
            continue
        found = next(_one_step(study, case), None)
        if found is not None:
            yield found
            return
    lost = loses_its_floor(study)
    if lost is not None:
        yield _without_floor(study, *lost)
        return
    yield from _late_end(study) if study.ran else ()
    yield from _missed_restart(study, grid)


def _decays_at_once(study: Study) -> Iterator[Violation]:
    for node, scheduler, interval in decays_at_once(study):
        yield Violation(
            study.span(node.test),
            f"`{ast.unparse(node.test)}` holds at 0 already: `{scheduler}` decays in the first turn of the loop, and "
            f"then every `{interval}`. Leave 0 out, or count the turn that has just ended.",
        )


def _without_floor(study: Study, path: str, floor: float, first: int, last: int) -> Violation:
    run = study.runs[0]
    return Violation(
        decay_span(study),
        f"The decay takes `{path}` off its peak and never adds it again: it begins at {num(run.curve[first])} at step "
        f"{first}, and at step {last} it is at {num(run.curve[last])}, below `{path}` = {num(floor)}, its end.",
        study.evidence(run, [first, first + 1, last - 1, last]),
    )


def _alone(grid: Grid) -> list[Case]:
    alone = grid.alone()
    return [alone] if alone is not None else []


def _may_be_off(run: Run) -> bool:
    """Whether the first run of a case leaves anything to ask of the others."""
    if not run.ran or not run.curve or not all_real(run.curve):
        return False
    held = _held_off(run) is not None
    return overshoots(run) or held or _first_stair_missing(run) or _twice(run.curve) or _above_its_peak(run)


def _one_step(study: Study, case: Case) -> Iterator[Violation]:
    run = case.run
    curve = run.curve
    end = ramp_end(curve) or 0
    around = [end - 1, end, end + 1, end + 2]
    said = case.setting.aside
    if all(overshoots(each) for each in case.runs):
        yield case.violation(
            study,
            study.site.span,
            f"The warmup ends one step late, above the peak{said}: {num(curve[end])} at step {end}, one step of the "
            f"ramp more than {num(curve[end + 1])} at step {end + 1}.",
            around,
        )
    off = [_held_off(each) for each in case.runs]
    if isinstance(study.node, ast.ClassDef) and drives_others(study.node):
        return  # what it hands over to sets the rate that seems to be held
    if off[0] is not None and len(set(off)) == 1 and _completes(study):
        slope = curve[end] - curve[end - 1]
        short = off[0] < 0
        yield case.violation(
            study,
            study.site.span,
            f"The warmup stops one step {'before' if short else 'past'} its peak{said}: the rate stays at "
            f"{num(curve[end])} from step {end} on, and {'the next' if short else 'the last'} step of the ramp "
            f"{'would be' if short else 'was'} {num(curve[end] + slope if short else curve[end - 1])}.",
            around,
        )
    if all(_first_stair_missing(each) for each in case.runs):
        steps = _steps(curve)
        yield case.violation(
            study,
            study.site.span,
            f"The first decay comes at once{said}: the rate is {num(curve[0])} at step 0, {num(curve[1])} at step 1, "
            f"then it stays for {steps[1] - steps[0]} steps at a time. Step 0 is a multiple of every interval.",
            [0, 1, steps[1], steps[1] + 1],
        )
    if steps_itself(study) and all(_above_its_peak(each) for each in case.runs):
        yield case.violation(
            study,
            study.site.span,
            f"The schedule is one step late{said}: it begins at {num(curve[0])}, above the peak that it falls from, "
            f"and step 1 has that, {num(curve[1])}. Step 0 is counted as -1.",
            [0, 1, 2, 3],
        )
    if study.site.form == "subclass" and all(_twice(each.curve) for each in case.runs):
        late = case.violation(
            study,
            study.site.span,
            f"The schedule begins with its first rate twice{said}, {num(curve[0])} at steps 0 and 1, and is one step "
            "late from then on.",
            [0, 1, 2, 3],
        )
        # A power of the step has no value at 0, and may stand for that of step 1 there.
        yield replace(late, advice=True)


def _held_off(run: Run) -> int | None:
    """-1 or 1 where a ramp ends one increment below or above its peak, holds there, and never gets higher."""
    curve = run.curve
    end = ramp_end(curve)
    if end is None or end + _FEW >= len(curve) or any(moves(curve[end : end + _FEW])) or max(curve) > curve[end]:
        return None
    slope, peaks = curve[end] - curve[end - 1], tops(run)
    if any(abs(curve[end] - top) <= 1e-9 * top for top in peaks):
        return None
    missed = (side for side in (-1, 1) for top in peaks if abs(curve[end] - side * slope - top) <= 1e-9 * top)
    return next(missed, None)


def _completes(study: Study) -> bool:
    """Whether the site is all that sets the rate: what a warmup leaves undone, another statement may do."""
    if study.site.form in ("lambda", "subclass", "composition"):
        return True
    if not study.site.writes:
        return False
    inside = {node for root in study.site.nodes for node in ast.walk(root)}
    return not any(
        isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value == "lr"
        and node not in inside
        for node in study.names.nodes
    )


def _steps(curve: list[float]) -> list[int]:
    """The steps at which the rate is another than at the step before."""
    return [k + 1 for k, move in enumerate(moves(curve)) if move]


def _first_stair_missing(run: Run) -> bool:
    """Whether the rate falls by one factor at step 1 and then each time after the same longer while."""
    curve = run.curve
    steps = _steps(curve)
    interval = {b - a for a, b in pairwise(steps)}
    if len(steps) < _STAIRS or steps[0] != 1 or len(interval) != 1 or interval.pop() < 4:
        return False
    factors = [curve[k] / curve[k - 1] for k in steps[: _STAIRS + 1] if curve[k - 1] > 0]
    stated = {v for p, v in run.leaves.items() if role_of(p) is Role.MILESTONES and isinstance(v, int)}
    return not stated and len(factors) >= _STAIRS and max(factors) < 1 and max(factors) - min(factors) <= 1e-9


def _above_its_peak(run: Run) -> bool:
    """Whether the first rate is a step of an even fall above the base rate, which the second one has exactly."""
    curve, base = run.curve, run.base_lrs[0]
    moved = moves(curve[:_FEW])
    if len(moved) < _FEW - 1 or max(moved) >= 0 or abs(curve[1] - base) > 1e-12 * base:
        return False
    return abs(moved[0] - moved[1]) <= 0.1 * abs(moved[1])


def _twice(curve: list[float]) -> bool:
    """Whether the first rate stands for two steps in a curve that falls at every step after them."""
    moved = moves(curve[: _FEW + 2])
    return len(moved) > _FEW and moved[0] == 0 and max(moved[1:]) < 0


class _End(NamedTuple):
    warmup: str
    whole: str
    length: int
    step: int


def _late_end(study: Study) -> Iterator[Violation]:
    """A decay that is counted from the end of the warmup and takes the whole run's length.

    Whoever calls the whole what comes after the warmup means it so; therefore it is advice.
    """
    found = [_end(study, run) for run in study.runs]
    first = found[0] if found else None
    if first is None or any(end is None for end in found) or _takes_off(study):
        return
    run = study.runs[0]
    yield Violation(
        decay_span(study),
        f"The decay ends at step {first.step}, `{first.whole}` and `{first.warmup}` together: a run of `{first.whole}` "
        f"({first.length}) stops at {num(run.curve[first.length - 1])}, short of {num(run.curve[first.step])}. "
        f"Counted from the end of the warmup, the decay is `{first.whole} - {first.warmup}` long.",
        study.evidence(run, [first.length - 1, first.length, first.step - 1, first.step]),
        advice=True,
    )


def _takes_off(study: Study) -> bool:
    """Whether some code of the file takes a warmup off a length: the whole may be what is left."""
    inside = {node for root in study.site.nodes for node in ast.walk(root)}
    return any(
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and node not in inside
        and any("warm" in part for name in identifiers(node.right) for part in words(name))
        for node in study.names.nodes
    )


def _end(study: Study, run: Run) -> _End | None:
    for warmup_role, whole_role in _UNITS:
        warmups, wholes = study.lengths(run, warmup_role), study.lengths(run, whole_role)
        if len(warmups) != 1 or len(wholes) != 1:
            continue
        (warmup, climb), (whole, length) = *warmups.items(), *wholes.items()
        if not isinstance(climb, int) or not isinstance(length, int) or not _is_whole(whole):
            continue
        step = _lowest(run.curve, climb)
        if step is not None and abs(step - (length + climb)) <= 1 < climb < length:
            return _End(warmup, whole, length, step)
    return None


def _is_whole(path: str) -> bool:
    spoken = set(words(last_word(path)))
    return bool(_WHOLE & spoken) and "t" not in spoken  # `T_max` is the length of a cosine


def _lowest(curve: list[float], climb: int) -> int | None:
    """The first step at the bottom of a fall that begins where the warmup ends; None for any other curve."""
    if climb + 4 >= len(curve):
        return None
    top = max(curve)
    peak = next(k for k, rate in enumerate(curve) if rate == top)
    low = max(min(curve[peak:]), 0.0)
    if abs(peak - climb) > 1 or top <= 0:
        return None
    step = next((k for k in range(peak, len(curve)) if curve[k] <= low + 1e-9 * top), None)
    if step is None or step + 1 >= len(curve) or not all(curve[k + 1] < curve[k] for k in range(peak + 1, step - 1)):
        return None
    return step if curve[step - climb - 1] > low + 1e-4 * top else None


def _begins_anew(run: Run) -> bool:
    """Whether the first cycle may be over when it is due: else no later one has anything to tell."""
    if not run.ran or len(run.curve) <= _FIRST_CYCLE:
        return False
    before, there = run.curve[_FIRST_CYCLE - 1 : _FIRST_CYCLE + 1]
    return bool(there >= PEAK * max(run.curve) and before * PEAK <= there * DOWN * (1 + _SLACK))


def _missed_restart(study: Study, grid: Grid) -> Iterator[Violation]:
    """Cycles that grow by a whole factor: one of them begins a step late, and those before it on time."""
    leaves = study.runs[0].leaves if study.runs else {}
    factors = [p for p in leaves if role_of(p) is Role.CYCLE_MULT]
    lengths = [p for p in leaves if role_of(p) is Role.CYCLE] or [p for p in leaves if role_of(p) is Role.HORIZON]
    if len(factors) != 1 or len(lengths) != 1:
        return
    default = study.defaults.get(factors[0])
    known = [default] if isinstance(default, int) and default > 1 else []
    for factor in dict.fromkeys((*known, *_ROUNDED)):
        stated = factor == default
        values: dict[str, object] = {p: _CYCLES for p in leaves if role_of(p) is Role.CYCLES}
        values |= {p: 0 for p in leaves if role_of(p) in (Role.WARMUP, Role.WARMUP_EPOCHS)}
        values |= {factors[0]: factor, lengths[0]: _FIRST_CYCLE}
        standing = Standing.STATED if stated else Standing.LEGAL
        where = f"with `{factors[0]}` = {factor} and `{lengths[0]}` = {_FIRST_CYCLE}"
        setting = Setting("edges", standing, where, values, draws=(0,), steps=MAX_STEPS)
        if not _begins_anew(grid.case(replace(setting, steps=_FIRST_CYCLE + 1)).run):
            continue
        case = grid.case(setting)
        begun = restarts(case.run.curve) if case.ran else []
        due = [_FIRST_CYCLE * (factor**n - 1) // (factor - 1) for n in range(1, len(begun) + 1)]
        late = next((k for k, (step, at) in enumerate(zip(begun, due, strict=True)) if step != at), None)
        if late is not None and late > 0 and begun[late] == due[late] + 1:
            step = due[late]
            yield case.violation(
                study,
                study.site.span,
                f"The restart at step {step} is missed {where}: the rate is {num(case.run.curve[step])} there and "
                f"{num(case.run.curve[step + 1])} one step later. A cycle found by a floating logarithm is one short "
                "where the logarithm should be whole.",
                [step - 1, step, step + 1],
            )
            return


__all__ = ["off_by_one"]
