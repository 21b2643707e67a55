"""LR307: gradient accumulation counts in the schedule's length and not in its steps, or the reverse."""

from __future__ import annotations

from collections.abc import Iterator

from lrfix.experiments.horizons import Count, counted, horizon, lengths
from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, conducts, line, once_a_place, same_turn, spot
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.tracing import amounts

#: Decays without an end, that count what they are stepped for.
_ENDLESS = frozenset({"ExponentialLR", "StepLR", "MultiStepLR", "MultiplicativeLR"})


@rule("LR307", uses=True)
def accumulation_mismatch(study: Study) -> Iterator[Violation]:
    yield from once_a_place(study, ((spot(study, conduct), _fault(conduct)) for conduct in conducts(study)))


def _fault(conduct: Conduct) -> str | None:
    count = counted(conduct)
    message = _beside_library(conduct)
    if message is None and count is not None and not count.step.accumulates:
        message = _mismatch(conduct, count)
    return message


def _beside_library(conduct: Conduct) -> str | None:
    """A scheduler that was not prepared, beside an optimizer that was, and waits for several micro-batches."""
    optimizer, scheduler = conduct.optimizer, conduct.scheduler
    if not conduct.is_torch or scheduler.library is not None or optimizer is None or optimizer.library != "prepare":
        return None
    if not conduct.steps or not conduct.updates or scheduler in conduct.trace.kept:
        return None
    step, update = conduct.steps[-1], conduct.updates[-1]
    if not step.accumulates or not update.accumulates or step.decided - update.decided or not same_turn(step, update):
        return None
    if any("accum" in unit.path for _, length in lengths(scheduler) for unit in length.units):
        return None
    return (
        f"`{conduct.name}` is not prepared, so it is stepped with every micro-batch (line {line(step)}); the prepared "
        f"optimizer beside it (line {line(update)}) waits until the gradients are accumulated."
        " The schedule is over too early."
    )


def _mismatch(conduct: Conduct, count: Count) -> str | None:
    end, calls = horizon(conduct.scheduler), count.calls
    if count.update is None or len(count.update_periods) != 1 or count.inner:
        return None
    period = count.update_periods[0]
    same_loop = bool(count.loops) and count.update.turns[-1].entered == count.loops[-1].entered
    if conduct.class_name in _ENDLESS and same_loop and not count.step_periods and period.constant != 1:
        return (
            f"`{conduct.name}` is stepped with every micro-batch (line {line(count.step)}), and the optimizer once in "
            f"`{period}` of them (line {line(count.update)}): the rate decays `{period}` times between two updates."
        )
    if end is None or calls is None:
        return None
    if not count.step_periods and _is(amounts.divide(calls, end), period):
        return (
            f"`{conduct.name}` is stepped with every micro-batch (line {line(count.step)}), the optimizer once in "
            f"`{period}` of them (line {line(count.update)}), and the schedule's length of `{end}` counts updates: it "
            f"is over after one part in `{period}` of training."
        )
    if count.step_periods and _is(amounts.divide(end, calls), period):
        return (
            f"`{conduct.name}` is stepped once in `{period}` micro-batches (line {line(count.step)}), and its length "
            f"of `{end}` counts micro-batches: training ends after one part in `{period}` of the schedule."
        )
    return None


def _is(ratio: amounts.Amount | None, unit: amounts.Amount) -> bool:
    return ratio is not None and ratio.same(unit) and unit.constant != 1
