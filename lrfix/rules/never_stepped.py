"""LR303: a scheduler is built, its optimizer trains, and nothing ever steps it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from lrfix.domains.facts import literal
from lrfix.experiments.asked_schedulers import asked_and_never_stepped
from lrfix.experiments.horizons import counts_epochs
from lrfix.experiments.lightning import left_to_the_module
from lrfix.experiments.study import Study
from lrfix.experiments.training import (
    Conduct,
    Told,
    conducts,
    line,
    once_a_place,
    related,
    same_turn,
    shares_loop,
    spot,
    unseen_steps,
)
from lrfix.findings import Violation
from lrfix.names import Names
from lrfix.registry import rule
from lrfix.sites.vocabulary import called_name, looks_like_optimizer, words
from lrfix.tracing.engines import makes_its_own
from lrfix.tracing.events import Event, Kind, Turn
from lrfix.tracing.library import only_looks, prepares
from lrfix.tracing.values import Optimizer, Scheduler
from lrfix.trees import walk, written

#: timm's call for each update.
_OF_UPDATES = "step_update"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

_COLLECTIONS = frozenset({"list", "tuple", "deque", "UserList", "List"})
#: Decorators that leave a function to its callers.
_PLAIN = frozenset({"property", "cached_property", "staticmethod", "classmethod", "abstractmethod", "override"}) | {
    *("no_grad", "inference_mode", "enable_grad", "wraps", "cache", "lru_cache", "compile", "jit", "main")
}
#: Special methods that the text calls; Python calls the others where a ``with`` ends, for ``+=`` or the next turn.
_CALLED = frozenset({"__init__", "__new__", "__call__"})
#: Verbs of methods that build what they give.
_MAKING = frozenset({"build", "make", "create", "get", "configure", "setup", "init", "new", "prepare"})


@rule("LR303", uses=True)
def never_stepped(study: Study) -> Iterator[Violation]:
    idle: dict[int, Conduct] = {}
    stepped: set[int] = set()
    for conduct in conducts(study):
        node = id(conduct.scheduler.node or conduct.scheduler.origin)
        if not conduct.counts_calls or _in_other_hands(conduct) or _may_be_stepped(study, conduct):
            stepped.add(node)
        elif _trains_without(conduct):
            others = _shares_a_name(study, conduct) or _stepped_around(study, conduct)
            if others or _only_tried_out(study, conduct):
                stepped.add(node)
            else:
                idle.setdefault(node, conduct)
    yield from once_a_place(study, _beside_trainers(study))
    yield from once_a_place(study, _only_asked(study), advice=True)
    yield from once_a_place(study, _never_told(study))
    yield from once_a_place(study, _by_hand(study))
    if not idle or unseen_steps(study):
        return
    told: set[int] = set()
    for node, conduct in idle.items():
        place = spot(study, conduct)
        if node not in stepped and place is not None and id(place) not in told:
            told.add(id(place))
            taken_out = _commented_out(study, conduct)
            yield Violation(
                study.span(place),
                f"`{conduct.name}` is never stepped: the optimizer trains (line {line(conduct.updates[0])}) at the "
                "rate that the schedule begins with. "
                + (
                    f"Call `{conduct.name}.step()` after it."
                    if taken_out is None
                    else f"Its step stands commented out (line {taken_out})."
                ),
                advice=taken_out is not None,
                related=related(study, place, [(conduct.updates[0].node, "the optimizer takes its step")]),
            )


def _never_told(study: Study) -> Iterator[Told]:
    """Schedulers of a library that move when they are told the epoch, and are only told the update."""
    if unseen_steps(study):
        return
    for conduct in conducts(study):
        scheduler, trace = conduct.scheduler, conduct.trace
        if not counts_epochs(scheduler) or conduct.steps or trace.ended is not None or trace.outlives(scheduler):
            continue
        told = [event for event in conduct.escapes if event.detail == _OF_UPDATES]
        if told and len(told) == len(conduct.escapes) and conduct.updates:
            yield (
                spot(study, conduct),
                f"`{conduct.name}` counts epochs and moves only where `step(epoch)` tells it one, which nothing does: "
                f"`{_OF_UPDATES}` (line {line(told[0])}) changes nothing unless `t_in_epochs` is False. Call "
                f"`{conduct.name}.step(epoch + 1)` after each epoch.",
                [(told[0].node, "this changes nothing")],
            )


def _by_hand(study: Study) -> Iterator[Told]:
    """Schedulers of modules of Lightning's that optimize by hand."""
    if unseen_steps(study):
        return
    for configured in left_to_the_module(study):
        yield (
            configured.scheduler.node,
            f"`{configured.name}` is never stepped: with `automatic_optimization` off, Lightning leaves that to the "
            "module. Call `self.lr_schedulers().step()` in it.",
        )


def _only_asked(study: Study) -> Iterator[Told]:
    for found in asked_and_never_stepped(study) if study.site.form == "training" else ():
        yield (
            found.read,
            f"`{found.owner.name}` asks `self.{found.name}` for its rates and never steps it: they stand where its "
            "schedule begins, unless whoever built it steps it as well.",
        )


def _beside_trainers(study: Study) -> Iterator[Told]:
    """Schedulers of which nothing becomes, where a trainer is given none and makes its own."""
    for conduct in conducts(study):
        scheduler, optimizer, trace = conduct.scheduler, conduct.optimizer, conduct.trace
        if not conduct.is_torch or optimizer is None or not optimizer.built or trace.ended is not None:
            continue
        if {event.kind for event in trace.events if event.thing is scheduler} != {Kind.BUILD}:
            continue
        if trace.outlives(scheduler) or trace.outlives(optimizer) or _is_read(study, scheduler.path):
            continue
        alone = {event.kind for event in trace.events if event.thing is optimizer} == {Kind.BUILD}
        trained = next((event for event in trace.of(Kind.STEP) if _makes_one(event, optimizer, alone)), None)
        if trained is not None and trained.thing is not None:
            lacks = (
                "optimizer and makes its own, which has its own schedule" if alone else "scheduler and makes its own"
            )
            yield (
                scheduler.node,
                f"`{conduct.name}` is never stepped: what trains (line {line(trained)}) is given no {lacks}. Give it "
                f"`optimizers=({optimizer.path}, {conduct.name})`.",
                [(trained.thing.origin, "no scheduler is given"), (trained.node, "this trains")],
            )


def _makes_one(event: Event, optimizer: Optimizer, alone: bool) -> bool:
    """Whether a step is that of what a trainer makes: another optimizer, or a scheduler of the one that it is given."""
    thing = event.thing
    if thing is None or not makes_its_own(thing):
        return False
    return isinstance(thing, Optimizer) if alone else isinstance(thing, Scheduler) and thing.optimizer is optimizer


def _is_read(study: Study, name: str) -> bool:
    """Whether anything is done with what goes by a name."""
    return not name or any(
        isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load) and ast.unparse(node) == name
        for node in study.names.nodes
    )


def _in_other_hands(conduct: Conduct) -> bool:
    """Whether a scheduler is stepped, or somebody else can step it while its optimizer trains."""
    trace, scheduler = conduct.trace, conduct.scheduler
    elsewhere = scheduler.library is not None and scheduler.parts.get("processes") is None  # Accelerate steps nothing
    if conduct.steps or conduct.escapes or elsewhere or scheduler.handed_on:
        return True  # what an object of another file's class does with it, its hooks and callbacks may decide
    if any(scheduler in thing.children for thing in trace.things if isinstance(thing, Scheduler)):
        return True
    if not scheduler.built and (_asked_of_an_object(scheduler) or _made_for_each_update(conduct)):
        return True
    if not scheduler.built and (trace.of(Kind.USED, scheduler) or set(scheduler.parts) - {"last_epoch"}):
        return True  # some classes have another name for their step
    hooks = [hook for hook in trace.of(Kind.HOOK, scheduler) if not only_looks(hook.detail)]
    if any(shares_loop(hook, update) for hook in hooks for update in conduct.updates):
        return True  # a base in another file, or a derived class, may step it there
    return scheduler in trace.kept and bool(conduct.updates)


def _asked_of_an_object(scheduler: Scheduler) -> bool:
    """Whether it came out of a call of what an object holds, ``self.scheduler(optimizer, step)``: maybe a rate."""
    function = scheduler.origin.func if isinstance(scheduler.origin, ast.Call) else None
    if not isinstance(function, ast.Attribute) or ast.unparse(function).partition(".")[0] != "self":
        return False
    return not function.attr[:1].isupper() and not _MAKING & set(words(function.attr))


def _made_for_each_update(conduct: Conduct) -> bool:
    """Whether unseen code gives it anew beside each update: a rate that it has set, ``lr_scheduler(optimizer, i)``."""
    made = conduct.trace.of(Kind.BUILD, conduct.scheduler)
    return any(shares_loop(built, update) for built in made for update in conduct.updates)


def _trains_without(conduct: Conduct) -> bool:
    """Whether all of training is in sight: what an object holds, others may step between two of its methods' calls."""
    trace = conduct.trace
    whole = conduct.scheduler not in trace.held or conduct.trains_whole
    return whole and trace.ended is None and bool(conduct.updates)


def _shares_a_name(study: Study, conduct: Conduct) -> bool:
    """Whether the scheduler gets a second name that another one may have: what is stepped by that may be this one."""
    node, name = conduct.scheduler.node or conduct.scheduler.origin, conduct.scheduler.path
    around = set(study.names.ancestors(node)) if node in study.names.parents else set()
    bound = [other for other in study.names.nodes if isinstance(other, ast.Assign)]
    for other in bound:
        if name not in _given(other.value):
            continue
        conditions = {a for a in study.names.ancestors(other) if isinstance(a, ast.If)}
        if isinstance(other.value, ast.IfExp) or conditions - around:
            return True
        targets = {ast.unparse(target) for target in other.targets}
        if any(_given(each.value) - {name} and {ast.unparse(t) for t in each.targets} & targets for each in bound):
            return True
    return False


def _given(value: ast.expr) -> set[str]:
    """What a statement gives another name to: names, and those in what it puts together."""
    parts = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
    parts = [b for a in parts for b in ((a.body, a.orelse) if isinstance(a, ast.IfExp) else (a,))]
    return {ast.unparse(part) for part in parts if isinstance(part, ast.Name | ast.Attribute)}


def _stepped_around(study: Study, conduct: Conduct) -> bool:
    """Whether a step waits where others lead to: after the ``yield`` of a loop or a context, where a ``with`` ends, in
    a function that was handed on, in one that a decorator registers or that is called by a name that is worked out."""
    names = study.names
    for node in names.nodes:
        if isinstance(node, ast.Call) and called_name(node) == "methodcaller" and _first(node) == "step":
            return True
        if not isinstance(node, ast.Attribute) or node.attr != "step" or looks_like_optimizer(node.value):
            continue
        call, own = names.parents.get(node), written(node.value) == conduct.name
        if isinstance(call, ast.Call) and call.func is node:
            function = names.enclosing(node, (*_FUNCTIONS, ast.Lambda))
            if isinstance(function, ast.Lambda):
                if own or written(node.value) in [argument.arg for argument in function.args.args]:
                    return True
            elif _led_to(names, function, conduct):
                return True
        elif own and isinstance(call, ast.Call | ast.keyword):
            return True
    return False


def _first(call: ast.Call) -> object:
    return literal(call.args[0]) if call.args else None


def _led_to(names: Names, function: ast.AST | None, conduct: Conduct) -> bool:
    """Whether a function is run without a call of it by name, and the trace has not come by: a generator, the end of a
    ``with``, a handler of an event, a method of what is a collection itself."""
    if not isinstance(function, _FUNCTIONS):
        return False
    special = function.name.startswith("__") and function.name not in _CALLED
    if special or any(isinstance(n, ast.Yield | ast.YieldFrom) for n in walk(function)):
        return True
    if id(function) in conduct.trace.functions:
        return _is_collection(names.parents.get(function))
    registered = any(_registers(decorator) for decorator in function.decorator_list)
    return registered or any(_works_out_a_name(node) for node in names.nodes)


def _registers(decorator: ast.expr) -> bool:
    """Whether a decorator may keep the function that it is given, and have it called."""
    return written(decorator.func if isinstance(decorator, ast.Call) else decorator).rpartition(".")[2] not in _PLAIN


def _works_out_a_name(node: ast.AST) -> bool:
    """``getattr(plugin, f"on_{event}")``, ``globals()[event]``: what is called so, no text says."""
    if not isinstance(node, ast.Call):
        return False
    named = called_name(node) == "getattr" and len(node.args) > 1
    return called_name(node) == "globals" or (named and not isinstance(node.args[1], ast.Constant))


def _is_collection(owner: ast.AST | None) -> bool:
    """Whether a class is a list by its base: what is in it, only its methods and the loops over it come by."""
    return isinstance(owner, ast.ClassDef) and any(
        written(base).rpartition(".")[2].partition("[")[0] in _COLLECTIONS for base in owner.bases
    )


def _may_be_stepped(study: Study, conduct: Conduct) -> bool:
    """Whether the steps of another object may be this scheduler's, or its name has gone to another scheduler."""
    trace, scheduler = conduct.trace, conduct.scheduler
    handed = {id(event.node) for event in trace.of(Kind.SHOWN, scheduler)}
    for other in (thing for thing in trace.things if isinstance(thing, Scheduler) and thing is not scheduler):
        if other.optimizer is not None and other.optimizer is not scheduler.optimizer:
            continue
        if other.optimizer is not None and _moves_with_updates(conduct, other):
            return True
        if other.built and other.path == scheduler.path and _replaces(conduct, other):
            return True
        unseen = other.origin is None or id(other.origin) in handed or other.path == scheduler.path
        if not other.built and unseen and (trace.of(Kind.STEP, other) or trace.of(Kind.ESCAPE, other)):
            return True
    return _left_out(study, conduct)


def _moves_with_updates(conduct: Conduct, other: Scheduler) -> bool:
    """Whether another scheduler of the optimizer is stepped with its updates, and this one need not be: both go by
    one name in their turn, or a single loop trains, an epoch of warmup."""
    beside = [
        (step, update)
        for step in conduct.trace.of(Kind.STEP, other)
        for update in conduct.updates
        if same_turn(update, step)
    ]
    renamed = any(other.path.rpartition(".")[2] not in _called_by(step) for step, _ in beside)
    return bool(beside) and (renamed or all(len(_loops_since(conduct, update)) < 2 for update in conduct.updates))


def _called_by(step: Event) -> set[str]:
    """The names that a step is called by: of what it is called on, else of what its function is given."""
    call = step.calls[-1] if step.calls else step.node
    if not isinstance(call, ast.Call):
        return set()
    given = (*call.args, *(keyword.value for keyword in call.keywords))
    return {_last(value) for value in (*given, *([call.func.value] if isinstance(call.func, ast.Attribute) else ()))}


def _loops_since(conduct: Conduct, update: Event) -> list[Turn]:
    """The loops around an update that the scheduler is not built anew in."""
    built = conduct.trace.of(Kind.BUILD, conduct.scheduler)
    around = {turn.entered for event in built for turn in event.turns}
    return [turn for turn in update.turns if not turn.listed and turn.entered not in around]


def _replaces(conduct: Conduct, other: Scheduler) -> bool:
    """Whether another scheduler is built on the same optimizer after this one and before it trains."""
    mine, its = (conduct.trace.of(Kind.BUILD, thing) for thing in (conduct.scheduler, other))
    trained = conduct.updates[0].at if conduct.updates else len(conduct.trace.events)
    return bool(mine and its) and mine[-1].at < its[0].at < trained


def _left_out(study: Study, conduct: Conduct) -> bool:
    """Whether the code that the trace runs steps what has that name, or hands it on, on a way that it did not go."""
    trace, name = conduct.trace, conduct.scheduler.path.rpartition(".")[2]
    come_by = {id(event.node) for event in trace.events if isinstance(event.thing, Scheduler)}
    for node in study.names.nodes:
        if not isinstance(node, ast.Call) or id(node) in come_by or not _may_step(node, name):
            continue
        if any(id(followed) in trace.functions for followed in study.names.functions.get(_last(node.func), ())):
            continue
        function = study.names.enclosing(node, _FUNCTIONS)
        stepped = isinstance(node.func, ast.Attribute) and node.func.attr == "step"
        if not stepped and not isinstance(study.names.enclosing(node, (*_FUNCTIONS, ast.If)), ast.If):
            continue  # what no condition leaves out the run has come by
        if id(function) in trace.functions or (function is None and trace.entry == "__main__"):
            return True
    return False


def _may_step(call: ast.Call, name: str) -> bool:
    """Whether a call steps what has a name, asks it for a rate, or gives it to unseen code, which may step it."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "step":
        return _last(call.func.value) == name
    given = (*call.args, *(keyword.value for keyword in call.keywords))
    called = _last(call.func)
    if called == name:
        return True
    return name in map(_last, given) and not only_looks(called) and not prepares(called)


def _last(value: ast.expr) -> str:
    return written(value).rpartition(".")[2]


def _commented_out(study: Study, conduct: Conduct) -> int | None:
    """The line of a comment that is a call of the scheduler's step: somebody decided to train without it."""
    step = re.compile(rf"#[\s#]*{re.escape(conduct.name)}\.step\(")
    return next((comment.line for comment in study.source.comments if step.match(comment.text)), None)


def _only_tried_out(study: Study, conduct: Conduct) -> bool:
    """Whether a class builds the scheduler for whoever trains it, and the file's own script tries the class out."""
    built, node = conduct.trace.of(Kind.BUILD, conduct.scheduler), conduct.scheduler.node
    if conduct.trace.entry != "__main__" or not built or not built[0].calls or node not in study.names.parents:
        return False
    in_class = study.names.enclosing(node, ast.ClassDef) is not None
    return in_class and not any(update.calls for update in conduct.updates)
