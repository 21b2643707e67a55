"""LR312: SequentialLR and ChainedScheduler put together so that they raise, or that one part undoes another."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from lrfix.experiments.horizons import counted, number, rises
from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, conducts, once_a_place, spot
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.tracing import amounts
from lrfix.tracing.amounts import Amount, amount
from lrfix.tracing.library import CLOSED_FORMS
from lrfix.tracing.values import Listing, Scheduler, Value, known

_COMPOSITE = frozenset({"SequentialLR", "ChainedScheduler"})


@rule("LR312", uses=True)
def composition_misuse(study: Study) -> Iterator[Violation]:
    yield from once_a_place(study, ((spot(study, conduct), _fault(conduct)) for conduct in conducts(study)))


def _fault(conduct: Conduct) -> str | None:
    scheduler = conduct.scheduler
    if not conduct.is_torch or scheduler.own is not None or scheduler.cls not in _COMPOSITE:
        return None
    listed = scheduler.arguments.get("schedulers")
    if not isinstance(listed, list | tuple):
        return None
    children = [child if isinstance(child := known(each), Scheduler) and child.own is None else None for each in listed]
    classes = [child.cls if child is not None else None for child in children]
    if scheduler.cls == "ChainedScheduler":
        closed = [cls for cls in classes if cls in CLOSED_FORMS]
        if closed and len(classes) > 1:
            return (
                f"In this ChainedScheduler {closed[0]} works its rate out from the base rate, whatever the others made "
                "of it: their part of the rate is lost."
            )
        return None
    milestones = scheduler.arguments.get("milestones")
    partial = any(isinstance(each, Listing) and each.partial for each in (listed, milestones))
    return _of_sequence(children, classes, milestones, partial) or _of_order(conduct, milestones)


def _of_sequence(
    children: list[Scheduler | None], classes: list[str | None], milestones: Value, partial: bool
) -> str | None:
    if "ReduceLROnPlateau" in classes:
        return "SequentialLR cannot hold a ReduceLROnPlateau: it steps its parts without a metric."
    nested = next((cls for cls in classes[1:] if cls in _COMPOSITE), None)
    if nested is not None:
        return f"A {nested} at any place but the first raises at its milestone: SequentialLR steps it with an epoch."
    if not isinstance(milestones, list | tuple) or partial:
        return None
    if len(milestones) != len(children) - 1:
        return f"{len(children)} schedulers need {len(children) - 1} milestones, and {len(milestones)} are given."
    return _of_warmup(children, milestones)


def _of_order(conduct: Conduct, milestones: Value) -> str | None:
    """Milestones that do not rise: as numbers, by what they are made of, or since the first ones end training."""
    if not isinstance(milestones, list | tuple):
        return None
    count = counted(conduct)
    calls = count.calls if count is not None else None
    for first, second in itertools.pairwise(milestones):
        earlier, later = amount(first), amount(second)
        if earlier is None or later is None:
            continue
        if _is_past(number(first), number(second)) or _falls(earlier, later):
            return f"The milestones do not rise (`{earlier}`, then `{later}`): the part between them is never reached."
        if calls is not None and calls.units and earlier.same(calls) and not later.units & calls.units:
            return (
                f"`{conduct.name}` is stepped `{calls}` times in all, its milestone of `{earlier}` is the last step of "
                f"training, and the next one, `{later}`, comes after it: the milestones do not rise."
            )
    return None


def _is_past(earlier: float | None, later: float | None) -> bool:
    return earlier is not None and later is not None and later <= earlier


def _falls(earlier: Amount, later: Amount) -> bool:
    """Whether ``later`` is less than ``earlier`` whatever the counts in both are, which are never negative."""
    change = amounts.add(later, earlier, -1)
    return change is not None and bool(change.units) and all(share < 0 for share in change.terms.values())


def _of_warmup(children: list[Scheduler | None], milestones: list[Value] | tuple[Value, ...]) -> str | None:
    """A warmup that does not come first."""
    first, last = children[0], children[-1]
    if len(children) == 2 and last is not None and rises(last) and first is not None and not rises(first):
        ends, begins = amount(last.arguments.get("total_iters", 5)), amount(milestones[0])
        if ends is not None and begins is not None and ends.same(begins):
            return "The warmup stands last, and its length is the first milestone: the parts are swapped."
    return None
