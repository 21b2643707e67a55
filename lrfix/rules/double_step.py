"""LR304: a scheduler is stepped twice for one update of its optimizer."""

from __future__ import annotations

from collections.abc import Iterator

from lrfix.experiments.lightning import stepped_again
from lrfix.experiments.study import Study
from lrfix.experiments.training import (
    Conduct,
    Shown,
    Told,
    conducts,
    here,
    line,
    once_a_place,
    related,
    same_turn,
    shares_loop,
)
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.tracing.events import Event


@rule("LR304", uses=True)
def double_step(study: Study) -> Iterator[Violation]:
    yield from once_a_place(study, _beside_trainer(study))
    told: set[int] = set()
    for conduct in conducts(study):
        for first, second in _pairs(conduct):
            if here(second.node, study) and not told & {id(first.node), id(second.node)}:
                told |= {id(first.node), id(second.node)}
                yield Violation(
                    study.span(second.node),
                    f"`{conduct.name}` is stepped a second time without an update in between (the first is in line "
                    f"{line(first)}): the schedule runs ahead of training. Keep one of the two.",
                    related=related(study, second.node, _shown(conduct, first)),
                )


def _beside_trainer(study: Study) -> Iterator[Told]:
    for event, configured in stepped_again(study):
        message = (
            f"Lightning steps `{configured.name}` itself, once a {configured.interval}, and this is one step more: the "
            "schedule runs ahead of training. Only with `automatic_optimization = False` is that left to the module."
        )
        yield event.node, message, [(configured.scheduler.node, f"`{configured.name}` is built")]


def _shown(conduct: Conduct, first: Event) -> Iterator[Shown]:
    yield first.node, f"`{conduct.name}` is stepped the first time"
    for update in conduct.training[-1:]:
        yield update.node, "the optimizer takes its step"


def _pairs(conduct: Conduct) -> Iterator[tuple[Event, Event]]:
    """Two steps from two places with no training between them, in a loop that trains."""
    if not conduct.counts_calls:
        return
    updates = [event.at for event in conduct.training]
    for first, second in zip(conduct.steps, conduct.steps[1:], strict=False):
        before = [event for event in conduct.training if event.at < first.at]
        if not before or any(first.at < at < second.at for at in updates):
            continue
        if first.node is second.node or not shares_loop(first, second):
            continue
        if not all(any(same_turn(step, event) for event in conduct.training) for step in (first, second)):
            continue  # a loop that only steps a schedule looks at it, or takes it somewhere
        if not conduct.is_torch and (first.arguments or second.arguments):
            continue
        both = first.decided & second.decided
        if all(step.decided - both <= _decided_beside(conduct, step, before[-1]) for step in (first, second)):
            yield first, second


def _decided_beside(conduct: Conduct, step: Event, last: Event) -> frozenset[object]:
    """The guards under which training goes on around a step: what it shares with training is no way of its own."""
    around = (event for event in conduct.training if event is last or same_turn(step, event))
    return frozenset[object]().union(*(event.decided for event in around))
