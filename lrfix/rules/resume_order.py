"""LR311: on resume the optimizer's state is loaded before the scheduler is built."""

from __future__ import annotations

from collections.abc import Iterator

from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, Shown, conducts, line, once_a_place, spot
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.tracing.events import Event, Kind
from lrfix.tracing.values import Scheduler, known

#: Built on a restored rate, they take it for the one that they begin from, and are wrong for the rest of the run.
_LASTING = frozenset({"LinearLR", "ConstantLR"})
#: Building them writes the rate of step 0, which stands until the next step.
_ONCE = frozenset({"LambdaLR", "OneCycleLR", "CyclicLR", "CosineAnnealingWarmRestarts"})


@rule("LR311", uses=True)
def resume_order(study: Study) -> Iterator[Violation]:
    found = ((spot(study, conduct), _fault(conduct), _shown(conduct)) for conduct in conducts(study))
    yield from once_a_place(study, found)


def _shown(conduct: Conduct) -> Iterator[Shown]:
    for thing, text in ((conduct.optimizer, "the optimizer's"), (conduct.scheduler, "the scheduler's")):
        for load in conduct.trace.of(Kind.LOAD, thing)[:1] if thing is not None else ():
            yield load.node, f"{text} state is loaded"


def _fault(conduct: Conduct) -> str | None:
    load, harm = _loaded_before(conduct), _harm(conduct.scheduler)
    if load is None or harm is None:
        return None
    return (
        f"`{conduct.name}` is built after the state of its optimizer is loaded (line {line(load)}): {harm}. Build the "
        "scheduler first, then load both states."
    )


def _loaded_before(conduct: Conduct) -> Event | None:
    """The load of the optimizer's state that comes before the scheduler is built, where its own state is loaded too."""
    trace, optimizer = conduct.trace, conduct.optimizer
    built = trace.of(Kind.BUILD, conduct.scheduler)
    if not conduct.is_torch or conduct.scheduler.own is not None or optimizer is None or not built:
        return None
    if not trace.of(Kind.LOAD, conduct.scheduler) or "last_epoch" in conduct.scheduler.arguments:
        return None
    loads = [event for event in trace.of(Kind.LOAD, optimizer) if event.at < built[0].at]
    again = any(event.at > built[0].at for event in trace.of(Kind.LOAD, optimizer))
    return loads[-1] if loads and not again else None


def _harm(scheduler: Scheduler) -> str | None:
    parts = [scheduler, *(child for each in scheduler.children if isinstance(child := known(each), Scheduler))]
    classes = {part.cls for part in parts}
    if classes & _LASTING:
        return "it takes the restored rate for the one that it begins from, and is wrong for the rest of the run"
    if classes & _ONCE:
        return "its constructor writes the rate of step 0 over the restored one, which stands until the next step"
    return None
