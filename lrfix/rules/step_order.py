"""LR301: the scheduler is stepped before the optimizer's first step."""

from __future__ import annotations

from collections.abc import Iterator

from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, Told, conducts, line, once_a_place, same_turn, told_at
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.tracing.events import Event


@rule("LR301", uses=True)
def step_order(study: Study) -> Iterator[Violation]:
    found = (_told(study, conduct) for conduct in conducts(study))
    yield from once_a_place(study, (told for told in found if told is not None))


def _told(study: Study, conduct: Conduct) -> Told | None:
    early = _early(conduct)
    if early is None:
        return None
    step, update = early
    place, where = told_at(study, conduct, step)
    message = (
        f"`{conduct.name}` is stepped{where} before the optimizer takes its first step (line {line(update)}): the "
        "first rate of the schedule is never used, and all others come one step early. Step the optimizer first."
    )
    return place, message, [(update.node, "the optimizer takes its step")]


def _early(conduct: Conduct) -> tuple[Event, Event] | None:
    """The scheduler's first step and the update behind it, where no update can have come before."""
    if not conduct.is_torch or conduct.is_plateau or not conduct.steps:
        return None
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
