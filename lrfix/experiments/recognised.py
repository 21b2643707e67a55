"""What a schedule is, told by its curves under several draws: family and parameters as the user's own expressions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.domains.scenarios import GENERIC
from lrfix.driving.laboratory import Run
from lrfix.experiments.extent import extent
from lrfix.experiments.study import MAX_STEPS, REACH, Study, all_real, usable
from lrfix.finite import finite

if TYPE_CHECKING:
    from lrfix.recognition import Recognition, Sample, ScheduleSpec

_STRETCH = 6
_SHORTEST_END = 5
_SHORT = 23
_REST = 8
_OTHER_RATES = (0.17, 0.05)
#: Steps without which a run has no shape.
_FEWEST = 2
_KNOWN: WeakKeyDictionary[Study, Recognition | None] = WeakKeyDictionary()


def recognised(study: Study) -> Recognition | None:
    """The recognition that the draws bear out, in terms valid where the scheduler is built; None without a curve.

    Its construction is not yet what the code may be replaced by: see ``equivalent``.
    """
    if study not in _KNOWN:
        _KNOWN[study] = _recognised(study)
    return _KNOWN[study]


def _recognised(study: Study) -> Recognition | None:
    from lrfix.recognition import recognise

    use = study.described_by
    plain = [study.run(i, use=use, overrides=shortened(study, i)) for i in range(GENERIC)]
    beyond = ", ".join(f"`{path}`" for path in shortened(study))
    whole_runs = any(usable(run) for run in plain)
    if not whole_runs:
        plain = study.runs
    samples = [sample(run) for run in plain if usable(run)]
    if len(samples) < len(plain) or any(len(each.lr) < _FEWEST for each in samples):
        return None
    found = recognise(samples)
    if found.spec is None and (whole_runs or not beyond):
        return found  # what few draws do not bear out, more do not either
    ended = next((run.failure for run in plain if run.failure is not None), None)
    varied = [_varied(study, index) for index in (1, 3)] if whole_runs else []
    more = [sample(run) for run in varied if usable(run) and len(run.curve) >= _FEWEST]
    whole = recognise([*samples, *more]) if len(more) == len(varied) else None
    if whole is not None and whole.spec is not None and _rounds(whole.spec):
        longer = _stretched(study)
        whole = recognise([*samples, *more, longer]) if longer is not None else whole
        if whole is not None and whole.spec is None:
            return whole
    if beyond and not whole_runs and whole is not None:
        return replace(whole, spec=None, reason=f"{beyond} lies beyond the steps that were simulated")
    if whole is not None and whole.spec is not None and ended is None:
        return whole
    if found.spec is not None:
        why = "parameters that the recognised schedule does not name change the curve"
        if ended is not None:
            why = f"fails at step {ended.step} with {ended.kind}: {ended.message}"
        elif len(more) == len(varied) and whole is not None and whole.reason:
            why = whole.reason
        return replace(found, spec=None, reason=why)
    return found


def _varied(study: Study, index: int) -> Run:
    """A draw with other base rates, and other numbers for the defaults of which nothing is known."""
    use = study.described_by
    run = study.run(index, use=use, vary_unknown=True, base_lrs=_OTHER_RATES)
    if not _long(study, run):
        return run
    return study.run(index, use=use, overrides=shortened(study, index), vary_unknown=True, base_lrs=_OTHER_RATES)


def with_all_groups(study: Study) -> ScheduleSpec | None:
    """The construction that two parameter groups of the draws bear out, where the first alone may have several: a floor
    that is a share of the base rate is one rate in runs whose first group has the rate that an option states."""
    from lrfix.recognition import recognise

    runs = [study.run(index, use=study.described_by) for index in range(GENERIC)]
    samples = [sample(run, group) for run in runs if usable(run) for group in range(len(run.lr))]
    if len(samples) <= len(runs) or any(len(each.lr) < _FEWEST for each in samples):
        return None
    found = recognise(samples)
    return found.spec


def up_to_the_end(study: Study) -> Recognition | None:
    """What the curves are up to the end of the schedule, where nothing is seen to go beyond; None where that says
    nothing.

    What the code computes past its end (a rebound, rates below zero, complex ones) is the loop's business then.
    """
    from lrfix.recognition import recognise

    runs = [study.run(i, use=study.described_by) for i in range(GENERIC)]
    ends = [study.horizon(run) for run in runs]
    for more, rest in ((1, 0), (0, 0), (1, _REST), (0, _REST)):
        samples = []
        for run, end in zip(runs, ends, strict=True):
            if end is None or not run.ran or not _SHORTEST_END < end <= len(run.curve) or _goes_beyond(study, run, end):
                return None
            if not all_real(run.curve[: end + more]):
                break
            whole = sample(run)
            cut = whole.lr[: end + more]
            # A line that is cut off may end anywhere; one that stays where it arrives ends there.
            samples.append(replace(whole, lr=(*cut, *cut[-1:] * rest)))
        found = recognise(samples) if len(samples) == len(runs) else None
        if found is not None and found.spec is not None and "total_steps" in found.spec.arguments:
            return replace(found, until_end=True)
    return None


def _goes_beyond(study: Study, run: Run, end: int) -> bool:
    reached = extent(study, run)
    return reached is not None and reached.counted and reached.used > end


def runs_past_the_end(study: Study) -> bool:
    """Whether training is seen to go on past the end of the schedule."""
    runs = [study.run(i, use=study.described_by) for i in range(GENERIC)]
    ends = [(run, study.horizon(run)) for run in runs]
    return any(end is not None and _goes_beyond(study, run, end) for run, end in ends)


def end_of(spec: ScheduleSpec, run: Run) -> int | None:
    """How many steps a schedule lasts under a run; None where it has no length."""
    from lrfix.recognition.evaluation import NotArithmetic, evaluate

    try:
        total = evaluate(spec.arguments.get("total_steps", ""), numbers(run))
    except (NotArithmetic, ArithmeticError, ValueError, TypeError):
        return None
    number = finite(total)
    return max(math.ceil(number), 0) if number is not None else None


def shortened(study: Study, index: int = 0) -> dict[str, object]:
    """Lengths of the draws that end beyond what is simulated, shortened, so that what they lead to is seen.

    Each is another one in every draw, so that expressions can be told by their values.
    """
    long = _long(study, study.run(index, use=study.described_by))
    return {path: _SHORT + 4 * place + 6 * index for place, path in enumerate(long)}


def _long(study: Study, run: Run) -> list[str]:
    open_values = {**run.names, **run.leaves}
    # A run that a fault ended says nothing of how far it was simulated.
    steps = len(run.curve) if run.failure is None else study.steps
    return [path for path, value in open_values.items() if _is_long(path, value, steps)]


def _is_long(path: str, value: object, steps: int) -> bool:
    counted = isinstance(value, int) and not isinstance(value, bool)
    return counted and role_of(path) in (*LENGTHS, Role.UNKNOWN) and isinstance(value, int) and value > steps / 2


def sample(run: Run, group: int = 0) -> Sample:
    """The rates of one group, with the numbers that the user's own names have in the run."""
    from lrfix.recognition import Sample

    return Sample(lr=tuple(run.lr[group]), base_lr=run.base_lrs[group], names=numbers(run))


def numbers(run: Run) -> dict[str, object]:
    return {p: v for p, v in run.names.items() if isinstance(v, int | float | list) and not isinstance(v, bool)}


def _rounds(spec: ScheduleSpec) -> bool:
    """Whether a parameter is told by an expression that cuts off, in which a number may have been fitted."""
    texts = (*spec.positional, *spec.keywords.values())
    return any(sign in text for text in texts for sign in ("int(", "//", "ceil("))


def _stretched(study: Study) -> Sample | None:
    """A run with longer lengths: a share that was rounded shows there what it is exactly. None where it fails."""
    use = study.described_by
    base = study.run(0, use=use)
    lengths = study.lengths(base, *(LENGTHS - {Role.LOADER_LENGTH}))
    if not lengths or max(lengths.values()) * _STRETCH * REACH > MAX_STEPS:
        return None
    longer = {path: value * _STRETCH for path, value in lengths.items()}
    run = study.run(0, use=use, overrides=longer, steps=MAX_STEPS)
    return sample(run) if usable(run) else None


__all__ = ["end_of", "numbers", "recognised", "runs_past_the_end", "sample", "shortened", "up_to_the_end"]
