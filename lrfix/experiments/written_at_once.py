"""Schedulers that write a rate when they are built, over what another schedule of the optimizer has set."""

from __future__ import annotations

from collections.abc import Iterator

from lrfix.experiments.horizons import number
from lrfix.experiments.study import Study
from lrfix.experiments.training import Told, built_in, traces
from lrfix.tracing.events import Event, Kind, Trace
from lrfix.tracing.library import CLOSED_FORMS
from lrfix.tracing.values import Scheduler


def averages_from_the_start(study: Study) -> Iterator[Told]:
    """SWALR without a way to its rate, built before training: it is there at once, and not when averaging begins."""
    for trace in traces(study):
        for event in trace.of(Kind.BUILD):
            other = _overwritten(trace, event)
            averaging = event.thing
            if other is None or not isinstance(averaging, Scheduler):
                continue
            anew = other.own is None and other.cls in CLOSED_FORMS
            lost = "until its first step" if anew else "and its steps go on from there"
            yield (
                event.node,
                f"With `anneal_epochs=0`, SWALR writes `swa_lr` when it is built, before training, over the rate of "
                f"`{other.name}` (line {built_in(other)}), {lost}. Build it where averaging begins.",
                [(other.node, f"`{other.name}` is built")],
            )


def _overwritten(trace: Trace, build: Event) -> Scheduler | None:
    """Another scheduler of the optimizer, which drives its training, where nothing has been trained yet."""
    averaging = build.thing
    if not isinstance(averaging, Scheduler) or averaging.cls != "SWALR":
        return None
    if averaging.hidden or averaging.own is not None:
        return None
    optimizer = averaging.optimizer
    if optimizer is None or number(averaging.arguments.get("anneal_epochs", 10)) != 0:
        return None
    updates = trace.of(Kind.STEP, optimizer)
    if not updates or updates[0].at < build.at or trace.of(Kind.ESCAPE, optimizer):
        return None
    fellows = (thing for thing in trace.things if isinstance(thing, Scheduler) and thing is not averaging)
    return next((t for t in fellows if t.optimizer is optimizer and t.built and trace.of(Kind.STEP, t)), None)


__all__ = ["averages_from_the_start"]
