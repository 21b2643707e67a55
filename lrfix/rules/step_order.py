"""LR301: the scheduler is stepped before the optimizer's first step."""

from __future__ import annotations

import math
from collections.abc import Iterator

from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, Told, conducts, line, once_a_place, same_turn, told_at
from lrfix.findings import Violation
from lrfix.finite import finite
from lrfix.registry import rule
from lrfix.tracing.amounts import Amount
from lrfix.tracing.events import Event
from lrfix.tracing.values import Unknown, Value

#: So many steps hardly change for one that comes early.
_MANY = 1000
#: What schedules call the lengths that they are made of.
_LENGTHS = ("T_max", "T_0", "step_size", "step_size_up", "total_steps", "total_iters", "milestones", "max_epochs")


@rule("LR301", uses=True)
def step_order(study: Study) -> Iterator[Violation]:
    found = [(conduct, *early) for conduct in conducts(study) for early in [_early(conduct)] if early is not None]
    for slight in (False, True):
        alike = (each for each in found if _is_slight(*each) is slight)
        yield from once_a_place(study, (_told(study, *each) for each in alike), advice=slight)


def _is_slight(conduct: Conduct, step: Event, update: Event) -> bool:
    """Whether one step more or less is next to nothing: one of thousands, or of as many as there are batches."""
    lengths = [number for name in _LENGTHS for number in _stated(conduct.scheduler.arguments.get(name))]
    if lengths:
        return min(lengths) >= _MANY
    if math.prod(number for turn in step.turns for number in _stated(turn.trip)) >= _MANY:
        return True
    return step.turns[-1] is update.turns[-1] and len([turn for turn in step.turns if not turn.listed]) > 1


def _stated(value: Value) -> Iterator[float]:
    """The numbers that the code states for a length, each of a list of them."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _stated(each)
        return
    number = finite(value.stated if isinstance(value, Amount | Unknown) else value)
    if number is not None:
        yield number


def _told(study: Study, conduct: Conduct, step: Event, update: Event) -> Told:
    place, where = told_at(study, conduct, step)
    message = (
        f"`{conduct.name}` is stepped{where} before the optimizer takes its first step (line {line(update)}): the "
        "first rate of the schedule is never used, and all others come one step early. Step the optimizer first."
    )
    return place, message, [(update.node, "the optimizer takes its step")]


def _early(conduct: Conduct) -> tuple[Event, Event] | None:
    """The scheduler's first step and the update behind it, where no update can have come before."""
    if not conduct.is_torch or conduct.is_plateau or not conduct.steps or conduct.trace.ended == "raised":
        return None  # on a way that raises nobody trains
    step = conduct.steps[0]
    if step.arguments or step.detail:
        return None
    events = sorted((*conduct.updates, *conduct.out_of_sight), key=lambda event: event.at)
    if any(event.at < step.at for event in events):
        return None
    update = next((event for event in events if same_turn(step, event)), None)
    if update is None or not step.unsettled <= update.unsettled:
        return None
    return step, update
