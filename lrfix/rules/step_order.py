"""LR301: the scheduler is stepped before the optimizer's first step."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.early_curves import little_lost
from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, conducts, here, line, related, same_turn, told_at
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.tracing.events import Event, Kind
from lrfix.trees import written


@rule("LR301", uses=True)
def step_order(study: Study) -> Iterator[Violation]:
    found: dict[int, Violation] = {}
    for conduct in conducts(study):
        for place, violation in _told(study, conduct):
            if id(place) not in found or found[id(place)].advice:
                found[id(place)] = violation
    yield from found.values()


def _told(study: Study, conduct: Conduct) -> Iterator[tuple[ast.AST, Violation]]:
    early = _early(conduct)
    if early is None:
        return
    step, update = early
    place, where = told_at(study, conduct, step)
    if not here(place, study):
        return
    before = f"`{conduct.name}` is stepped{where} before the optimizer takes its first step (line {line(update)})"
    lost = "the schedule's first step is skipped, and all its rates come one step early"
    little = little_lost(study, conduct, step, update) if conduct.is_torch else None
    if not conduct.is_torch:
        # A class of one's own may set the rate of the update that follows.
        message = f"{before}. If its class, not in sight, counts as torch's do, {lost}. Step the optimizer first."
    elif little is not None:
        message = f"{before}: {lost} (little is lost: {little}). Step the optimizer first."
    else:
        message = f"{before}: {lost}. Step the optimizer first."
    shown = related(study, place, [(update.node, "the optimizer takes its step")])
    advice = little is not None or not conduct.is_torch or _only_shown(conduct, update)
    # Before torch 1.1 the scheduler came first.
    yield place, Violation(study.span(place), message, advice=advice, related=shown, since="1.1")


def _early(conduct: Conduct) -> tuple[Event, Event] | None:
    """The scheduler's first step and the update behind it, where no update can have come before."""
    if not conduct.counts_calls or conduct.is_plateau or not conduct.steps or conduct.trace.ended == "raised":
        return None  # on a way that raises nobody trains
    if "last_epoch" in conduct.scheduler.parts:
        return None  # set back by hand, it comes to the first rate with its first step
    step = conduct.steps[0]
    if step.arguments or step.detail:
        return None
    events = sorted((*conduct.updates, *conduct.out_of_sight), key=lambda event: event.at)
    if any(event.at < step.at for event in events):
        return None
    update = next((event for event in events if same_turn(step, event)), None)
    if update is None or not step.unsettled <= update.unsettled:
        return None
    if update.kind is not Kind.STEP and not _hands_over(update):
        return None
    return step, update


def _only_shown(conduct: Conduct, update: Event) -> bool:
    """Whether nothing in sight works out a gradient: what prints or plots a schedule steps both and trains nothing."""
    return update.kind is Kind.STEP and not conduct.trace.of(Kind.BACKWARD)


def _hands_over(event: Event) -> bool:
    """Whether unknown code gets the optimizer itself. What is handed the model that holds it may only look at it, and
    what came before may have stepped it."""
    if not isinstance(event.node, ast.Call) or event.thing is None:
        return False
    given = (*event.node.args, *(keyword.value for keyword in event.node.keywords))
    holder, _, own = event.thing.path.rpartition(".")
    return holder in ("", "self") or any(written(value).rpartition(".")[2] == own for value in given)
