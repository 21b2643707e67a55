"""LR308: a run is resumed, by its optimizer's state or its epoch, and the scheduler's state is not restored."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from lrfix.driving.fresh_schedulers import Fate, fate
from lrfix.experiments.late_schedulers import built_late
from lrfix.experiments.resumed_loops import Resumption, resumption
from lrfix.experiments.study import Study
from lrfix.experiments.training import (
    Conduct,
    Shown,
    conducts,
    here,
    related,
    same_turn,
    spot,
    traces,
    unseen_calls,
)
from lrfix.findings import Violation
from lrfix.names import FUNCTION_NODES
from lrfix.registry import rule
from lrfix.tracing.events import Event, Kind, Trace
from lrfix.tracing.library import names_scheduler, only_looks
from lrfix.tracing.values import Known, Optimizer, Scheduler, StateOf, Unknown
from lrfix.trees import walk

_ABOUT_STATE = (Kind.STATE, Kind.LOAD)
#: By scheduler: the functions that call it, and how it is written there.
_Handles = dict[object, set[tuple[ast.AST | None, str]]]
_SETTING = re.compile(r"[A-Za-z_][\w.]*(\[['\"]\w+['\"]\])*")


@rule("LR308", uses=True)
def not_checkpointed(study: Study) -> Iterator[Violation]:
    lost: dict[object, Conduct] = {}
    for conduct in conducts(study):
        if _goes_with_state(conduct):
            lost.setdefault(_make(conduct.scheduler), conduct)
    if not lost or _set_by_hand(study) or _out_of_reach(study, names_scheduler):
        return
    told: set[int] = set()
    places: set[object] = set()
    handles = _handles(study)
    late = {violation.span for violation in built_late(study)}  # LR109 says of them what it does to the rate
    for key, conduct in lost.items():
        node, optimizer = spot(study, conduct), conduct.optimizer
        if node is None or id(node) in told or optimizer is None or study.span(node) in late:
            continue
        # The branches of one function build it in several ways, and it is saved once.
        place = (study.names.enclosing(node, FUNCTION_NODES), *(id(event.node) for event in conduct.steps))
        if place in places:
            continue
        fellows = _fellows(study, conduct.scheduler, handles)
        if _kept_elsewhere(study, key, fellows) or _begun_anew(study, optimizer):
            continue
        written = {conduct.name, *(text for _, text in handles.get(key, ()))}
        if _out_of_reach(study, written.__contains__) or _caught_up(study, written):
            continue
        held = any(conduct.scheduler in each.trace.held for each in fellows if each.scheduler is conduct.scheduler)
        done = {kind for fellow in fellows for kind in _happened(study, _make(fellow.scheduler), held)}
        if {Kind.STATE, Kind.LOAD} <= done:
            continue
        if not {Kind.STATE, Kind.LOAD} <= _happened(study, _make(optimizer), held):
            alone = not done and not conduct.is_plateau and not conduct.trace.outlives(conduct.scheduler)
            goes_on = resumption(study, conduct) if alone else None
            if goes_on is not None:
                told.add(id(node))
                places.add(place)
                yield _begins_again(study, node, conduct, goes_on)
            continue
        lost_with_it = _lost(conduct)
        if lost_with_it is None:
            continue
        told.add(id(node))
        places.add(place)
        if not here(conduct.scheduler.node, study) and not here(conduct.scheduler.origin, study):
            node = _saved(study, _make(optimizer)) or node  # another file builds it: here the checkpoint has to change
        if Kind.LOAD in done:
            what = "is restored and never saved: the checkpoint has nothing to restore it from"
        else:
            what = f"is {'saved and never' if Kind.STATE in done else 'neither saved nor'} restored: {lost_with_it}"
        yield Violation(
            study.span(node),
            f"The state of `{conduct.name}`, unlike that of `{optimizer.path}`, {what}. Save and load "
            f"`{conduct.name}.state_dict()` as well.",
            advice=conduct.is_plateau or _reads_rates(conduct.scheduler),
            related=related(study, node, _shown(study, _make(optimizer))),
        )


def _lost(conduct: Conduct) -> str | None:
    """What a resumed run does without the scheduler's state; None where its rates are those of the uninterrupted run.

    The optimizer brings the rate back, and a scheduler that works out each rate from the one before goes on from it.
    """
    if conduct.is_plateau:
        return "a resumed run keeps its rate, but forgets the best value and how long ago it was"
    known = fate(conduct.class_name)
    if known is Fate.KEPT and conduct.scheduler.own is None:
        return None
    if known is Fate.RECOUNTED or _reads_rates(conduct.scheduler):
        return "a resumed run goes on from the restored rate and counts the steps of the schedule from 0 again"
    return "a resumed run begins the schedule again"


def _reads_rates(scheduler: Scheduler) -> bool:
    """Whether code of the project's own works with the rate that is set: what it does to a restored one is open."""
    if scheduler.own is None:
        return scheduler.cls == "MultiplicativeLR"
    return any(
        isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value == "lr"
        and isinstance(node.ctx, ast.Load)
        for node in walk(scheduler.own.node)
    )


def _begins_again(study: Study, node: ast.AST, conduct: Conduct, found: Resumption) -> Violation:
    return Violation(
        study.span(node),
        f"A resumed run goes on at `{found.start}` of its checkpoint (line {found.restored.lineno}), and "
        f"`{conduct.name}` begins its schedule again: its state is neither saved nor restored. Save and load its "
        "`state_dict()`.",
        related=related(study, node, [(found.restored, f"`{found.start}` is restored")]),
    )


def _shown(study: Study, key: object) -> Iterator[Shown]:
    for trace in traces(study):
        for event in trace.events:
            if event.kind in _ABOUT_STATE and event.thing is not None and _make(event.thing) == key:
                yield event.node, f"the optimizer's state is {'saved' if event.kind is Kind.STATE else 'restored'}"


def _saved(study: Study, key: object) -> ast.AST | None:
    """Where the state of an object is saved in the file that is judged."""
    states = (event for trace in traces(study) for event in trace.of(Kind.STATE) if here(event.node, study))
    return next((event.node for event in states if event.thing is not None and _make(event.thing) == key), None)


def _out_of_reach(study: Study, names: Callable[[str], bool]) -> bool:
    """Whether the state of what ``names`` a scheduler is saved or restored where no trace comes by with one."""
    return any(unseen_calls(study, method, names) for method in ("state_dict", "load_state_dict"))


def _caught_up(study: Study, written: set[str]) -> bool:
    """Whether a loop does nothing but step it, be it one that a new run does not turn: ``range(1, start_epoch)``."""
    bodies = (n.body for n in study.names.nodes if isinstance(n, ast.For | ast.While) and len(n.body) == 1)
    calls = (body[0].value for body in bodies if isinstance(body[0], ast.Expr))
    return any(
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "step"
        and ast.unparse(call.func.value) in written
        for call in calls
    )


def _set_by_hand(study: Study) -> bool:
    """Whether the file gives a scheduler its position itself: ``scheduler.last_epoch = start_epoch - 1``, or an option
    that it is built with, ``config["last_epoch"] = start_epoch``."""
    for node in study.names.nodes:
        if not isinstance(node, ast.Attribute | ast.Subscript) or not isinstance(node.ctx, ast.Store):
            continue
        if isinstance(node, ast.Subscript):
            if isinstance(node.slice, ast.Constant) and node.slice.value == "last_epoch":
                return True
        # A class that sets its own is a scheduler, and no trainer of one.
        elif node.attr == "last_epoch" and (
            isinstance(node.value, ast.Attribute) or study.names.enclosing(node, ast.ClassDef) is None
        ):
            return True
    return False


def _goes_with_state(conduct: Conduct) -> bool:
    """Whether where the schedule stands is kept in the scheduler alone: it counts its own steps from the beginning."""
    scheduler = conduct.scheduler
    if not conduct.counts_calls or not conduct.steps or scheduler.library is not None:
        return False
    if "last_epoch" in scheduler.arguments:
        return False
    if any(_with_its_step(build, conduct.steps[0]) for build in conduct.trace.of(Kind.BUILD, scheduler)):
        return False
    told = any(event.arguments for event in conduct.steps) and not conduct.is_plateau
    return not told and "last_epoch" not in scheduler.parts


def _with_its_step(build: Event, step: Event) -> bool:
    """Whether a scheduler is built anew for each step that it takes: it has no state that outlives the turn."""
    return bool(step.turns) and len(build.turns) == len(step.turns) and same_turn(build, step)


def _kept_elsewhere(study: Study, key: object, fellows: list[Conduct]) -> bool:
    """Whether unknown code has the scheduler in hand, or a loop replays its steps before it trains."""
    for conduct in fellows:
        if _make(conduct.scheduler) == key and _out_of_sight(conduct):
            return True
        for step in conduct.steps:
            if not any(same_turn(step, other) or not step.turns for other in conduct.training):
                return True
    return False


def _out_of_sight(conduct: Conduct) -> bool:
    trace, thing = conduct.trace, conduct.scheduler
    if conduct.escapes or trace.of(Kind.SHOWN, thing) or thing in trace.kept or trace.ended is not None:
        return True
    if any(only_looks(hook.detail) for hook in trace.of(Kind.HOOK, thing)):
        return True  # a base class in another file may save and restore it
    return any(thing in other.children for other in trace.things if isinstance(other, Scheduler))


def _handles(study: Study) -> _Handles:
    """What each scheduler is called where it is stepped, saved or restored, and the function that calls it so.

    Another branch builds another scheduler under the same name, and what is done to that is meant for this one too.
    """
    found: _Handles = {}
    for trace in traces(study):
        for event in trace.events:
            if not isinstance(event.thing, Scheduler) or event.kind not in (Kind.STEP, *_ABOUT_STATE):
                continue
            if isinstance(event.node, ast.Call) and isinstance(event.node.func, ast.Attribute):
                function = study.names.enclosing(event.node, (ast.FunctionDef, ast.AsyncFunctionDef))
                called = (function, ast.unparse(event.node.func.value))
                found.setdefault(_make(event.thing), set()).add(called)
    return found


def _begun_anew(study: Study, optimizer: Optimizer) -> bool:
    """Whether every load of the optimizer is followed by a write of one stated rate: the schedule starts over."""
    loads = [
        (trace, load)
        for trace in traces(study)
        for load in trace.of(Kind.LOAD)
        if load.thing is not None and _make(load.thing) == _make(optimizer) and not _goes_back(trace, load)
    ]
    return bool(loads) and all(_written_after(trace, load) for trace, load in loads)


def _written_after(trace: Trace, load: Event) -> bool:
    """Whether before the next step every group gets a rate that is a number or a plainly named setting."""
    for event in trace.events[load.at + 1 :]:
        if event.thing is not load.thing:
            continue
        if event.kind is Kind.STEP:
            return False
        if event.kind is Kind.WRITE_RATE and event.detail == "each" and event.decided <= load.decided:
            (rate,) = event.arguments
            return isinstance(rate, int | float) or (isinstance(rate, Unknown) and _is_setting(rate, load))
    return False


def _is_setting(rate: Unknown, load: Event) -> bool:
    """Whether a rate is a plainly named one, and does not stand in the checkpoint beside the state."""
    restored = {_container(given) for given in load.arguments if isinstance(given, Unknown)} - {""}
    return _SETTING.fullmatch(rate.path) is not None and _container(rate) not in restored


def _container(value: Unknown) -> str:
    """What a value is an entry of: ``state`` of ``state["lr"]``; nothing where it is no entry."""
    return value.path.rpartition("[")[0]


def _make(thing: Known) -> object:
    """An object by the call that builds it, and the call of the function around it: the same in every trace.

    What one function of the project makes at two places is two objects.
    """
    if thing.node is not None:
        return id(thing.node), id(thing.caller)
    called = (type(thing).__name__, thing.path)  # one call may give an optimizer and its scheduler
    return (id(thing.origin), id(thing.caller), *called) if thing.origin is not None else called


def _fellows(study: Study, scheduler: Scheduler, handles: _Handles) -> list[Conduct]:
    """The scheduler in all traces, and those in its place: of the same name on the same optimizer, which another branch
    builds, of unknown make, which may be this one, and what is stepped, saved or restored by the same expression."""
    mine = _make(scheduler.optimizer) if scheduler.optimizer is not None else None
    key = _make(scheduler)
    called = handles.get(key, set())
    found = []
    for trace in traces(study):
        for thing in (thing for thing in trace.things if isinstance(thing, Scheduler)):
            alike = not thing.built or (thing.path == scheduler.path != "")
            shares = mine is not None and thing.optimizer is not None and _make(thing.optimizer) == mine
            if _make(thing) == key or (alike and shares) or handles.get(_make(thing), set()) & called:
                found.append(Conduct(trace, thing))
    return found


def _goes_back(trace: Trace, load: Event) -> bool:
    """Whether a load brings no earlier run back: the state is this run's own, or it has trained already."""
    if any(isinstance(given, StateOf) for given in load.arguments):
        return True
    return isinstance(load.thing, Optimizer) and any(e.at < load.at for e in trace.of(Kind.STEP, load.thing))


def _happened(study: Study, key: object, held: bool) -> set[Kind]:
    """What is done with a state; what a class does beside training is about what its object holds alone."""
    return {
        event.kind
        for trace in traces(study)
        for event in trace.events
        if event.kind in _ABOUT_STATE
        and (held or not trace.aside)
        and event.thing is not None
        and _make(event.thing) == key
        and not (event.kind is Kind.LOAD and _goes_back(trace, event))
    }
