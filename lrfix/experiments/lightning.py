"""What a LightningModule hands to its trainer: the schedulers of ``configure_optimizers`` and when they are stepped.

Lightning steps them itself, once an epoch unless the configuration says ``"interval": "step"`` (1.9 to 2.6).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lrfix.experiments.horizons import is_length
from lrfix.experiments.study import Study
from lrfix.experiments.training import traces
from lrfix.sites.vocabulary import words
from lrfix.tracing.amounts import Amount
from lrfix.tracing.events import Event, Kind, Trace
from lrfix.tracing.values import (
    MISSING,
    ClassValue,
    Function,
    FunctionNode,
    Imported,
    Instance,
    Scheduler,
    Unknown,
    Value,
    known,
)
from lrfix.trees import walk

_STEPS = frozenset({"step", "steps", "batches", "iterations", "iters", "updates"})
_EPOCHS = frozenset({"epoch", "epochs"})
#: What a module, or a callback, comes by its schedulers by.
_ASKED_FOR = frozenset({"lr_schedulers", "lr_scheduler_configs", "lr_scheduler_step"})


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
    if _steps_any(found):
        return
    for trace in found:
        if trace.entry.endswith(".configure_optimizers") and trace.ended is None and _is_automatic(trace.receiver):
            yield from _entries(trace.returned)


def left_to_the_module(study: Study) -> Iterator[Configured]:
    """The schedulers of modules that optimize by hand: their trainer steps none, and neither does anything in sight."""
    if _steps_any(traces(study)) or any(map(_asks, study.names.nodes)):
        return
    for module, returned in _configured(study):
        lineage = list(module.cls.lineage())
        classes = [base for base in lineage if isinstance(base, ClassValue)]
        only_here = all(isinstance(base, ClassValue) or _is_lightnings(base) for base in lineage)
        asks = any(_asks(node) for each in classes for node in walk(each.node))
        if _is_module(module) and _said(module) is False and only_here and not asks:
            yield from _entries(returned)


def _steps_any(found: Iterable[Trace]) -> bool:
    return any(isinstance(event.thing, Scheduler) for trace in found for event in trace.of(Kind.STEP))


def _asks(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in _ASKED_FOR


def _configured(study: Study) -> Iterator[tuple[Instance, Value]]:
    """The modules of a file, each with what its ``configure_optimizers`` returns."""
    for trace in (each for each in traces(study) if each.ended is None):
        yield from ((module, returned) for module, returned, _ in trace.fitted)
        if trace.entry.endswith(".configure_optimizers") and isinstance(trace.receiver, Instance):
            yield trace.receiver, trace.returned


def fitted_schedulers(study: Study) -> Iterator[tuple[Configured, Mapping[str, Value]]]:
    """The schedulers that a trainer in sight steps, each with what that trainer is given."""
    for trace in traces(study):
        if not trace.of(Kind.STEP):
            for module, configured, settings in trace.fitted if trace.ended is None else ():
                yield from ((each, settings) for each in _entries(configured) if _is_automatic(module))


def stepped_again(study: Study) -> Iterator[tuple[Event, Configured]]:
    """Steps of ``self.lr_schedulers()`` in a module whose trainer steps them itself."""
    found = traces(study)
    configured = {
        _class(trace): entry
        for trace in found
        if trace.entry.endswith(".configure_optimizers") and trace.ended is None and _is_automatic(trace.receiver)
        for entry in _entries(trace.returned)
    }
    for trace in found:
        entry = configured.get(_class(trace))
        for event in trace.of(Kind.STEP) if entry is not None else ():
            asked = event.thing.origin if isinstance(event.thing, Scheduler) else None
            if entry is not None and isinstance(asked, ast.Call) and ast.unparse(asked.func) == "self.lr_schedulers":
                yield event, entry


def stepped_without_metric(study: Study) -> Iterator[tuple[ast.AST, Configured]]:
    """Steps of a module's own ``lr_scheduler_step``, which takes the metric and hands it on to no ReduceLROnPlateau."""
    for trace in traces(study):
        receiver = trace.receiver
        hook = receiver.cls.find("lr_scheduler_step") if isinstance(receiver, Instance) else None
        if not isinstance(hook, Function) or not trace.entry.endswith(".configure_optimizers"):
            continue
        step = _metricless_step(hook.node)
        for entry in _entries(trace.returned) if step is not None else ():
            if step is not None and entry.scheduler.cls == "ReduceLROnPlateau" and entry.scheduler.own is None:
                yield step, entry


def _metricless_step(hook: FunctionNode) -> ast.Call | None:
    """The step that a plateau comes by, in a hook that never looks at its metric."""
    names = [parameter.arg for parameter in hook.args.args]
    if len(names) < 3 or not isinstance(hook, ast.FunctionDef):
        return None
    scheduler, metric = names[1], names[-1]
    if any(isinstance(node, ast.Name) and node.id == metric for node in walk(hook)):
        return None
    kinds = [node for node in walk(hook) if isinstance(node, ast.If) and "isinstance" in ast.unparse(node.test)]
    of_others = {inner for kind in kinds for statement in kind.body for inner in walk(statement)}
    return next(
        (
            node
            for node in walk(hook)
            if isinstance(node, ast.Call)
            and ast.unparse(node.func) == f"{scheduler}.step"
            and not (node.args or node.keywords or node in of_others)
        ),
        None,
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


def _is_automatic(receiver: Value) -> bool:
    if not isinstance(receiver, Instance):
        return False
    automatic = _said(receiver) is MISSING or _said(receiver) is True
    return _is_module(receiver) and automatic and receiver.cls.find("lr_scheduler_step") is MISSING


def _said(receiver: Instance) -> Value:
    """What a module says of who optimizes: its trainer, unless it says otherwise."""
    return receiver.attributes.get("automatic_optimization", receiver.cls.find("automatic_optimization"))


def _is_module(receiver: Instance) -> bool:
    return any(map(_is_lightnings, receiver.cls.lineage()))


def _is_lightnings(base: Value) -> bool:
    return isinstance(base, Imported) and base.last == "LightningModule"


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


__all__ = [
    "Configured",
    "configured_schedulers",
    "fitted_schedulers",
    "left_to_the_module",
    "stepped_again",
    "stepped_without_metric",
    "unit_named",
]
