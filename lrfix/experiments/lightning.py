"""What a LightningModule hands to its trainer: the schedulers of ``configure_optimizers`` and when they are stepped.

Lightning steps them itself, once an epoch unless the configuration says ``"interval": "step"`` (1.9 to 2.6).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from lrfix.experiments.horizons import is_length
from lrfix.experiments.study import Study
from lrfix.experiments.training import traces
from lrfix.sites.vocabulary import words
from lrfix.tracing.amounts import Amount
from lrfix.tracing.events import Event, Kind, Trace
from lrfix.tracing.values import MISSING, Function, Imported, Instance, Scheduler, Unknown, Value, known
from lrfix.trees import walk

_STEPS = frozenset({"step", "steps", "batches", "iterations", "iters", "updates"})
_EPOCHS = frozenset({"epoch", "epochs"})


@dataclass(frozen=True)
class Configured:
    """A scheduler that the trainer steps, every ``interval`` (``step`` or ``epoch``)."""

    scheduler: Scheduler
    interval: str

    @property
    def name(self) -> str:
        return self.scheduler.name


def configured_schedulers(study: Study) -> Iterator[Configured]:
    """The schedulers that the modules of a file leave to their trainer; none where the file steps any itself."""
    found = traces(study)
    if any(isinstance(event.thing, Scheduler) for trace in found for event in trace.of(Kind.STEP)):
        return
    for trace in found:
        if trace.entry.endswith(".configure_optimizers") and trace.ended is None and _is_automatic(trace):
            yield from _entries(trace.returned)


def stepped_again(study: Study) -> Iterator[tuple[Event, Configured]]:
    """Steps of ``self.lr_schedulers()`` in a module whose trainer steps them itself."""
    found = traces(study)
    configured = {
        _class(trace): entry
        for trace in found
        if trace.entry.endswith(".configure_optimizers") and trace.ended is None and _is_automatic(trace)
        for entry in _entries(trace.returned)
    }
    for trace in found:
        entry = configured.get(_class(trace))
        for event in trace.of(Kind.STEP) if entry is not None else ():
            asked = event.thing.origin if isinstance(event.thing, Scheduler) else None
            if entry is not None and isinstance(asked, ast.Call) and ast.unparse(asked.func) == "self.lr_schedulers":
                yield event, entry


def starved_plateaus(study: Study) -> Iterator[tuple[Event, Configured]]:
    """Steps of a module's own ``lr_scheduler_step``, which gives the metric to none, where it returns a scheduler that
    waits for one."""
    found = traces(study)
    for trace in found:
        steps = [event for event in trace.of(Kind.STEP) if isinstance(event.thing, Scheduler)]
        if not trace.entry.endswith(".lr_scheduler_step") or trace.ended is not None or not _is_module(trace):
            continue
        if not steps or trace.of(Kind.ESCAPE) or _hands_on(trace):
            continue
        for other in found:
            if not other.entry.endswith(".configure_optimizers") or _class(other) is not _class(trace):
                continue
            for entry in _entries(other.returned):
                if entry.scheduler.cls == "ReduceLROnPlateau" and entry.scheduler.own is None:
                    yield steps[0], entry


def _hands_on(trace: Trace) -> bool:
    """Whether a module's ``lr_scheduler_step`` gives its last argument, the metric, to anything that it calls."""
    method = trace.receiver.cls.find("lr_scheduler_step") if isinstance(trace.receiver, Instance) else MISSING
    if not isinstance(method, Function) or isinstance(method.node, ast.Lambda):
        return True
    arguments = method.node.args
    if arguments.vararg is not None or arguments.kwarg is not None or not arguments.args:
        return True
    metric = arguments.args[-1].arg
    return any(
        isinstance(part, ast.Name) and part.id == metric
        for call in walk(method.node)
        if isinstance(call, ast.Call)
        for given in (*call.args, *(keyword.value for keyword in call.keywords))
        for part in walk(given)
    )


def _class(trace: Trace) -> object:
    receiver = trace.receiver
    return receiver.cls.node if isinstance(receiver, Instance) else None


def unit_named(end: Amount) -> str | None:
    """Whether the units of a length are, by their names, those of batches (``step``) or of epochs; None for others."""
    spoken = [_unit(unit) for unit in end.units]
    if "step" in spoken:
        return "step"
    return "epoch" if spoken and set(spoken) == {"epoch"} else None


def _unit(unit: Unknown) -> str | None:
    if is_length(unit):
        return "step" if set(words(unit.path)) & {"loader", "dataloader", "dl"} else None
    last = set(words(unit.path.rpartition(".")[2]))
    if last & _EPOCHS:
        return "epoch" if not last & (_STEPS | {"per"}) else None
    return "step" if last & _STEPS else None


def _is_module(trace: Trace) -> bool:
    """Whether a trace is that of a module which leaves the loop to its trainer."""
    receiver = trace.receiver
    if not isinstance(receiver, Instance):
        return False
    bases = {base.last for base in receiver.cls.lineage() if isinstance(base, Imported)}
    said = receiver.attributes.get("automatic_optimization", receiver.cls.find("automatic_optimization"))
    return "LightningModule" in bases and (said is MISSING or said is True)


def _is_automatic(trace: Trace) -> bool:
    receiver = trace.receiver
    return isinstance(receiver, Instance) and _is_module(trace) and receiver.cls.find("lr_scheduler_step") is MISSING


def _entries(returned: Value) -> Iterator[Configured]:
    if isinstance(returned, dict):
        yield from _one(returned.get("lr_scheduler"))
    elif isinstance(returned, list | tuple):
        second = returned[1] if len(returned) == 2 else None
        if isinstance(second, list | tuple):
            for each in second:
                yield from _one(each)
        else:
            for each in returned:
                yield from _entries(each) if isinstance(each, dict) else ()


def _one(entry: Value) -> Iterator[Configured]:
    """One scheduler, by itself or in the dictionary that says when it is stepped."""
    interval: Value = "epoch"
    if isinstance(entry, dict):
        interval, entry = entry.get("interval", "epoch"), entry.get("scheduler")
    thing = known(entry)
    if isinstance(thing, Scheduler) and interval in ("step", "epoch"):
        yield Configured(thing, interval)


__all__ = ["Configured", "configured_schedulers", "starved_plateaus", "stepped_again", "unit_named"]
