"""What code that saves and restores checkpoints out of sight is given: an optimizer with its scheduler, or without."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, conducts, here, traces
from lrfix.sites.vocabulary import words
from lrfix.tracing.events import Event, Kind
from lrfix.tracing.library import names_scheduler

_SAVING = frozenset({"save", "dump", "write"})
_LOADING = frozenset({"load", "resume", "restore"})


@dataclass(frozen=True)
class LeftOut:
    """A scheduler that ``loaded`` brings back, or is given to what does, and that ``place`` saves no state of."""

    conduct: Conduct
    place: ast.AST
    loaded: Event


def saved_without(study: Study) -> Iterator[LeftOut]:
    """Calls that save an optimizer and have a place for its scheduler, which the file restores, and leave it empty."""
    for conduct in conducts(study):
        loaded = next(iter(conduct.trace.of(Kind.LOAD, conduct.scheduler)), None)
        if loaded is None or conduct.optimizer is None or not conduct.steps:
            continue
        for trace in traces(study):
            for event in trace.of(Kind.SHOWN):
                if event.thing is None or event.thing.path != conduct.optimizer.path or not _saves(event):
                    continue
                if any(isinstance(key, str) and names_scheduler(key) for key in event.arguments):
                    place = next((call for call in (event.node, *event.calls[::-1]) if _omits(study, call)), None)
                    if place is not None:
                        yield LeftOut(conduct, place, loaded)


def restored_out_of_sight(study: Study) -> Iterator[LeftOut]:
    """Schedulers that are given to what loads a checkpoint, where the file saves their optimizers' states alone.

    What comes back from there goes by the same names, in other traces too.
    """
    events = [event for trace in traces(study) for event in trace.events if event.thing is not None]
    for conduct in conducts(study):
        scheduler, optimizer = conduct.scheduler, conduct.optimizer
        if optimizer is None or not scheduler.path or not conduct.counts_calls or conduct.is_plateau:
            continue
        mine = [event for event in events if event.thing is not None and event.thing.path == scheduler.path]
        its = [event for event in events if event.thing is not None and event.thing.path == optimizer.path]
        loads = [e for e in mine if e.kind is Kind.SHOWN and _LOADING & set(words(e.detail))]
        loaded = next((load for load in loads if any(event.node is load.node for event in its)), None)
        saved = next((event for event in its if event.kind is Kind.STATE and here(event.node, study)), None)
        kept = any(event.kind in (Kind.STATE, Kind.LOAD, Kind.ESCAPE) or _saves(event) for event in mine)
        if loaded is not None and saved is not None and not kept and any(event.kind is Kind.STEP for event in mine):
            yield LeftOut(conduct, saved.node, loaded)


def _saves(event: Event) -> bool:
    spoken = set(words(event.detail))
    return bool(_SAVING & spoken) and not _LOADING & spoken


def _omits(study: Study, call: ast.AST) -> bool:
    """Whether a call of the file names no scheduler: what it leaves out has a default."""
    if not isinstance(call, ast.Call) or call not in study.names.parents:
        return False
    given = [*(k.arg or "**" for k in call.keywords), *(ast.unparse(a) for a in call.args)]
    return not any(names_scheduler(each) or "*" in each for each in given)


__all__ = ["LeftOut", "restored_out_of_sight", "saved_without"]
