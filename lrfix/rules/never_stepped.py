"""LR303: a scheduler is built, its optimizer trains, and nothing ever steps it."""

from __future__ import annotations

from collections.abc import Iterator

from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, conducts, line, related, spot, unseen_steps
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.tracing.values import Scheduler


@rule("LR303", uses=True)
def never_stepped(study: Study) -> Iterator[Violation]:
    idle: dict[int, Conduct] = {}
    stepped: set[int] = set()
    for conduct in conducts(study):
        node = id(conduct.scheduler.node or conduct.scheduler.origin)
        if not _idle(conduct):
            stepped.add(node)
        else:
            idle.setdefault(node, conduct)
    if not idle or unseen_steps(study):
        return
    for node, conduct in idle.items():
        place = spot(study, conduct)
        if node not in stepped and place is not None:
            yield Violation(
                study.span(place),
                f"`{conduct.name}` is never stepped: the optimizer trains (line {line(conduct.updates[0])}) at the "
                "rate that the schedule begins with.",
                related=related(study, place, [(conduct.updates[0].node, "the optimizer takes its step")]),
            )


def _idle(conduct: Conduct) -> bool:
    """Whether training in sight comes to its end without a step of the scheduler, and nobody else can step it."""
    trace, scheduler = conduct.trace, conduct.scheduler
    if not conduct.counts_calls or not conduct.updates or conduct.steps or conduct.escapes:
        return False
    if trace.ended is not None or scheduler.library is not None:
        return False
    owned = any(scheduler in thing.children for thing in trace.things if isinstance(thing, Scheduler))
    return not owned and scheduler not in trace.kept
