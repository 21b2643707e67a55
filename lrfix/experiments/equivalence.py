"""Whether a recognised schedule is the code's own under every setting, not only under those that it was read off.

The property: the bundled schedule, its arguments worked out from the user's own expressions, gives every rate of every
group, in every branch, on every edge, and nobody else's writes make a difference.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from lrfix.domains.kinds import is_number
from lrfix.domains.roles import LENGTHS, RATES, Role, last_word, role_of
from lrfix.domains.scenarios import Freed, Same, Scenario
from lrfix.domains.sequences import sequences
from lrfix.domains.signatures import parameters
from lrfix.domains.switches import inherited, switches
from lrfix.driving.laboratory import Run
from lrfix.experiments.branches import ANOTHER, joined
from lrfix.experiments.company import company, leaning_company, leans_on_present_rate
from lrfix.experiments.grid import Case, Grid, Setting, Standing
from lrfix.experiments.recognised import end_of, numbers, recognised, sample, up_to_the_end, with_all_groups
from lrfix.experiments.stated_settings import freed, stated_settings, take_for
from lrfix.experiments.study import Study, usable
from lrfix.wording import num

if TYPE_CHECKING:
    from lrfix.recognition import Recognition, ScheduleSpec

_LATE_STEPS = 400
_HALF_A_WAVE = 0.5
_OTHER_VALUES = (0.2, 3, 8)
_MOST_VARIANTS = 4
_SHARES = frozenset({"peak_factor", "eta_min_ratio", "eta_min_factor", "warmup_start_factor"})
_NEUTRAL = frozenset({"last_epoch", "verbose"})
_NO_NUMBER = ("InvalidRate", "ComplexRate")
_KNOWN: WeakKeyDictionary[Study, Recognition | None] = WeakKeyDictionary()


def equivalent(study: Study) -> Recognition | None:
    """The recognition with its construction only where that holds over the whole grid; else with the reason."""
    if study not in _KNOWN:
        found = recognised(study)
        if found is not None and found.spec is None:
            found = up_to_the_end(study) or found
        _KNOWN[study] = _with_settings(study, _held(study, found)) if found is not None else None
    return _KNOWN[study]


def _with_settings(study: Study, found: Recognition) -> Recognition:
    """What was recognised, in terms of every number that the file states outside of the schedule and that matters to
    it; without a construction where there is none."""
    if found.spec is None:
        return found
    told = _read(found.spec)
    left_out = {path: number for path, number in stated_settings(study).items() if path not in told}
    moving = {path: number for path, number in left_out.items() if _moves(study, found, path, number)}
    if not moving:
        return found
    other = freed(study, moving)
    whole = equivalent(other)
    if whole is not None and whole.spec is not None and moving.keys() <= _read(whole.spec):
        take_for(study, other)
        return whole
    path, number = next(iter(moving.items()))
    why = f"`{path}` is {num(number)} in this file, and with other numbers no bundled scheduler was recognised"
    return replace(found, spec=None, reason=why)


def _moves(study: Study, found: Recognition, path: str, number: float) -> bool:
    """Whether another number in the place of one that the file states makes another curve."""
    for index in (0, 1):
        run = study.run(index, use=study.described_by, overrides={path: Freed(number)})
        if found.spec is not None and usable(run) and _differs(found.spec, run, found.until_end):
            return True
    return False


def _read(spec: ScheduleSpec) -> set[str]:
    """The expressions that a construction is told in, and their parts."""
    texts = (*spec.positional, *spec.keywords.values())
    return {ast.unparse(node) for text in texts for node in ast.walk(ast.parse(text, mode="eval"))}


def _held(study: Study, found: Recognition) -> Recognition:
    """What was recognised, or what it becomes with a setting that it left out, or why it does not hold."""
    first = None
    for spec in _alike(study, found.spec) if found.spec is not None else ():
        reason = _against(study, found.family, spec, found.until_end)
        if reason is None:
            return replace(found, spec=spec)
        first = first or reason
    return replace(found, spec=None, reason=first or found.reason)


def _alike(study: Study, spec: ScheduleSpec) -> Iterator[ScheduleSpec]:
    """The construction, then those that the draws and the first branch cannot tell from it."""
    first = _with_drops_in_warmup(study, spec)
    yield first
    yield from _with_waves(study, first)
    whole = _over_the_branches(study, spec)
    if whole != spec:
        yield _with_drops_in_warmup(study, whole)
    other = with_all_groups(study)
    if other is not None and other != spec:
        yield _with_drops_in_warmup(study, other)


def _with_drops_in_warmup(study: Study, spec: ScheduleSpec) -> ScheduleSpec:
    """The same staircase with drops inside the warmup at once, where the code has it so: no draw shows it."""
    given = spec.arguments
    counted = given.get("count_from", '"start"' if spec.scheduler == "WarmupMultiStepLR" else None)
    warmup = given.get("warmup_steps")
    first = study.run(0, use=study.described_by)
    if counted != '"start"' or not isinstance(numbers(first).get(warmup or ""), int | float):
        return spec
    at_once = replace(spec, keywords={**spec.keywords, "count_from": '"start-in-warmup"'})
    # The rates before the last drop tell; a warmup as long as all that is simulated has every drop inside.
    run = study.run(0, use=study.described_by, overrides={str(warmup): study.steps})
    told = usable(run) and _differs(spec, run, False) and not _differs(at_once, run, False)
    return at_once if told else spec


def _over_the_branches(study: Study, spec: ScheduleSpec) -> ScheduleSpec:
    """The construction with the arguments that a setting chooses."""
    flags = [path for path, value in _options(study).items() if isinstance(value, bool)]
    return joined(study, spec, _texts(study), flags)


def _with_waves(study: Study, spec: ScheduleSpec) -> Iterator[ScheduleSpec]:
    """The same cosine with as many waves as a setting says that stands at a half, the usual number."""
    if spec.scheduler == "WarmupCosineLR" and "num_cycles" not in spec.keywords:
        for path, value in numbers(study.run(0, use=study.described_by)).items():
            if value == _HALF_A_WAVE and path not in " ".join(spec.arguments.values()):
                yield replace(spec, keywords={**spec.keywords, "num_cycles": path})


def _against(study: Study, family: str, spec: ScheduleSpec, until_end: bool) -> str | None:
    """What speaks against the construction, None where nothing does; what costs least is asked first."""
    if family == "constant" and "warmup_steps" not in spec.arguments:
        return "a constant rate needs no schedule"
    if study.site.form == "subclass" and study.constructor:
        own = {name for name, _, _ in study.constructor}
        handed = next((name for name in study.run(0, use=None).names if name not in own), None)
        if handed is not None:
            return f"hands `{handed}` on to a base class under no name of its own"
    if _stands_to_the_end(spec):
        return "it stands still up to its end and drops there, which no schedule is meant to do"
    squared = next((a for share, a in spec.arguments.items() if share in _SHARES and role_of(a) in RATES), None)
    if squared is not None:
        return f"it takes the rate `{squared}` times a rate"
    several = sequences(study.site.nodes)
    drawn = study.run(0, use=study.described_by).leaves
    single = next((p for p, v in drawn.items() if is_number(v) and last_word(p) in several), None)
    if single is not None:
        return f"`{single}` may be a list as well, and the two would be two schedules"
    if leans_on_present_rate(study) and (others := company(study)) is not None:
        return f"it goes on from the rate that it finds, and {others}"
    if (beside := leaning_company(study)) is not None:
        return f"{beside}, and the two would have to be compared together"
    for case in _cases(study):
        for run in case.runs:
            if run.opaque is not None:
                return f"{case.setting.words} it cannot be simulated: {run.opaque}"
            if _differs(spec, run, until_end, refusals=case.setting.standing is Standing.STATED):
                return f"{case.setting.words} the curve is another"
            if case.setting.axis == "options" and not usable(run):
                return f"{case.setting.words} it may be another curve, which cannot be told"
    if study.run(0, use=study.described_by).measured:
        return "its lengths carry units, and the bundled schedules count steps"
    left_out = _left_out(study, spec, until_end)
    return f"`{left_out}` changes the curve where it has other values" if left_out is not None else None


def _differs(spec: ScheduleSpec, run: Run, until_end: bool, refusals: bool = False) -> bool:
    """Whether any group gets another rate than the construction gives; where the old code raises nothing is compared,
    nor past the end with ``until_end``.

    Values that the bundled schedule refuses (a warmup beyond the end) are a difference only with ``refusals``.
    """
    from lrfix.recognition.confirmation import first_difference

    end = end_of(spec, run) if until_end else None
    if run.failure is not None and run.failure.kind in _NO_NUMBER and (end is None or run.failure.step < end):
        return True
    if run.failure is not None and not usable(run) and end is None:
        return False
    if refusals and end == 0:
        return True  # of no length, or of less
    for group in range(len(run.lr)):
        if len(run.lr[group][:end]) > 1:
            taken = sample(run, group)
            names = {**_choosers(spec, run), **taken.names}
            apart = first_difference(spec.scheduler, spec.arguments, replace(taken, lr=taken.lr[:end], names=names))
            if apart is not None and (refusals or math.isfinite(apart[2])):
                return True
    return False


def _choosers(spec: ScheduleSpec, run: Run) -> dict[str, object]:
    """The texts and flags by which the construction's own arguments are chosen."""
    told = " ".join(spec.arguments.values())
    known = {**run.leaves, **run.names}
    return {path: value for path, value in known.items() if isinstance(value, str | bool) and path in told}


def _cases(study: Study) -> Iterator[Case]:
    """The settings under which the construction has to hold, beside the draws that it was read off."""
    grid = Grid(study, study.described_by)
    yield from grid.groups()
    for setting in _choices(study):
        yield grid.case(setting)
    first = grid.first
    for variant in range(1, min(first.variants, _MOST_VARIANTS)):
        run = study.run(0, use=study.described_by, variant=variant)
        yield Case(Setting("branches", Standing.STATED, "in another of its branches"), (run,))
    yield from (case for case in (grid.stated(), grid.at_full_length()) if case is not None)
    # A run shorter than its own warmup, or as long, is no schedule that either formula was written for.
    yield from (case for case in grid.edges() if not _about_the_whole(case.setting))


def _about_the_whole(setting: Setting) -> bool:
    """Whether a setting that nobody states makes the run itself shorter, or a phase as long as the run."""
    moved = setting.overrides.items()
    return setting.standing is Standing.LEGAL and any(
        role_of(path) in (Role.HORIZON, Role.EPOCHS) or isinstance(value, Same) for path, value in moved
    )


def _choices(study: Study) -> Iterator[Setting]:
    """Every flag the other way, every text that the code compares with, every option that is None by default set."""
    for path, value in _options(study).items():
        if isinstance(value, bool):
            yield Setting("flags", Standing.PLAUSIBLE, f"with `{path}` = {not value}", {path: not value}, draws=(0,))
        else:
            number = Scenario(0).value(path)
            yield Setting("options", Standing.PLAUSIBLE, f"with `{path}` = {number}", {path: number}, draws=(0,))
    for path, texts in _texts(study).items():
        for text in (*texts, ANOTHER):
            if study.settings.get(path) != text:
                yield Setting("branches", Standing.STATED, f"with `{path}` = {text!r}", {path: text}, draws=(0,))


def _texts(study: Study) -> dict[str, list[str]]:
    """What the code compares each setting with."""
    roots: Sequence[ast.AST] = inherited(study.names, study.site.nodes)
    return switches(study.names, roots, study.defaults)


def _options(study: Study) -> dict[str, bool | None]:
    """What the definition takes and what it asks for that is a flag, or None unless somebody sets it."""
    node = study.node
    taken = parameters(node) if isinstance(node, ast.FunctionDef) else study.constructor
    given = {name: default.value for name, default, _ in taken if isinstance(default, ast.Constant)}
    asked = {**given, **study.run(0, use=study.described_by).leaves}
    return {
        path: value
        for path, value in asked.items()
        if (value is None or isinstance(value, bool)) and path not in _NEUTRAL and path not in study.settings
    }


def _stands_to_the_end(spec: ScheduleSpec) -> bool:
    """Whether the only change after the warmup is one drop where the run ends: a progress that was cut to 0 or 1."""
    given = spec.arguments
    place = given.get("milestones", "") if spec.scheduler == "WarmupMultiStepLR" else given.get("step_size", "")
    roles = {role_of(part) for part in place.strip("[]").split(",")}
    return bool(place) and (roles <= {Role.HORIZON, Role.EPOCHS} or given.get("gamma") in ("0", "0.0"))


def _left_out(study: Study, spec: ScheduleSpec, until_end: bool) -> str | None:
    """A setting that the recognised schedule has no use for and that matters all the same.

    A floor, say, that no scenario reaches: far larger and smaller values are tried, over a longer run. Lengths are
    left to the draws and the edges, which lie far apart.
    """
    told = " ".join(spec.arguments.values())
    steps = max(study.steps, _LATE_STEPS)
    plain = study.run(0, use=study.described_by)
    open_values = {p: v for p, v in numbers(plain).items() if p in plain.leaves or study.site.form == "subclass"}
    for path, value in open_values.items():
        known = path in told or role_of(path) in (*LENGTHS, Role.BASE_RATE, Role.LAST_EPOCH)
        if known or not isinstance(value, int | float):
            continue
        for other in {type(value)(value * factor) for factor in _OTHER_VALUES} - {value}:
            run = study.run(0, use=study.described_by, steps=steps, overrides={path: other})
            if usable(run) and _differs(spec, run, until_end):
                return path
    return None


__all__ = ["equivalent"]
