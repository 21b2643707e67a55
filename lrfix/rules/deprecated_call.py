"""LR305: a call that torch has deprecated or taken away."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from lrfix.domains.clock import tick_of
from lrfix.driving.forms.beginnings import first_number
from lrfix.driving.forms.loops import counter, start_of
from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, conducts, here, same_turn
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.tracing.events import Event, Kind
from lrfix.tracing.library import CLOSED_FORMS, FACTORIES
from lrfix.tracing.metrics import is_position, text_of
from lrfix.tracing.values import Unknown
from lrfix.trees import stored_names, walk

#: Their ``step`` is documented to take the epoch.
_TAKES_EPOCH = frozenset({"CosineAnnealingWarmRestarts", "ReduceLROnPlateau"})
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef)
_NAMES = re.compile(r"[A-Za-z_]\w*")
_COMPOSITE = frozenset({"SequentialLR", "ChainedScheduler"})


def _late(study: Study, conduct: Conduct, event: Event) -> bool:
    """Whether the scheduler is told the epoch that has just been trained, counted from 0, and not the next one.

    ``epoch + i / batches`` tells how far that epoch has come, and the next batch is trained at the rate of that.
    """
    first = next(each for each in conduct.steps if each.node is event.node)
    told = first.arguments[0] if first.arguments else None
    if not _tells_the_epoch(first):
        return False
    from_nothing = (
        told == 0
        if isinstance(told, int)
        else isinstance(told, Unknown) and told.moving and not _from_one(study, first)
    )
    trained = [update for update in conduct.training if update.at < first.at and same_turn(first, update)]
    return from_nothing and any(_told_once(conduct, first, update) for update in trained)


def _from_one(study: Study, step: Event) -> bool:
    """Whether a loop around a step counts from 1, or from what is 1 in a new run: its epoch is that of the next one."""
    loops = [turn.loop for turn in step.turns if isinstance(turn.loop, ast.For)]
    named = set(_NAMES.findall(text_of(step.arguments[0])))
    starts = [start_of(loop) for loop in loops if counter(loop) in named]
    return any(first_number(study.names, start, study.defaults) > 0 for start in starts)


def _tells_the_epoch(step: Event) -> bool:
    """Whether what a scheduler is told speaks of the epoch, or is what a loop around it counts; no other count is."""
    loops = [turn.loop for turn in step.turns if isinstance(turn.loop, ast.For)]
    counted = {name for loop in loops for name in stored_names(loop.target)}
    told = text_of(step.arguments[0]) if step.arguments else ""
    named = {name for name in _NAMES.findall(told) if tick_of(name) is not None or name in counted}
    return bool(named) or not isinstance(step.arguments[0], Unknown)


def _told_once(conduct: Conduct, step: Event, update: Event) -> bool:
    """Whether all of an epoch lies between two calls: told once a batch, at whole epochs or at parts of them, a
    scheduler is no more than a batch late."""
    if any("/" in text_of(each.arguments[0]) for each in conduct.steps if each.node is step.node):
        return False
    if len(update.turns) > len(step.turns):
        return True
    loop = step.turns[-1].loop
    index = ast.unparse(loop.target) if isinstance(loop, ast.For) else ""
    call = step.node
    given = [*call.args, *(keyword.value for keyword in call.keywords)] if isinstance(call, ast.Call) else []
    whole = update.kind is Kind.ESCAPE or "epoch" in index
    return whole and index in map(ast.unparse, given)


def _only_logged(study: Study, event: Event) -> bool:
    """Whether what is read goes into calls that nobody asks for an answer: ``print``, ``writer.add_scalar``."""
    statement = study.names.statement_of(event.node)
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Call) and statement.value is not event.node
    if not isinstance(statement, ast.Assign) or not all(isinstance(target, ast.Name) for target in statement.targets):
        return False
    kept = {target.id for target in statement.targets if isinstance(target, ast.Name)}
    around = study.names.scopes[study.names.enclosing(statement, _SCOPES) or study.names.tree].node
    reads = [n for n in walk(around) if isinstance(n, ast.Name) and n.id in kept and isinstance(n.ctx, ast.Load)]
    return bool(reads) and all(isinstance(study.names.statement_of(n), ast.Expr) for n in reads)


@rule("LR305", uses=True)
def deprecated_call(study: Study) -> Iterator[Violation]:
    found: dict[int, Violation] = {}
    for conduct in conducts(study):
        for violation, node in _calls(study, conduct):
            if id(node) not in found or found[id(node)].advice:
                found[id(node)] = violation
    yield from found.values()


def _calls(study: Study, conduct: Conduct) -> Iterator[tuple[Violation, ast.AST]]:
    if not conduct.is_torch:
        yield from _reads_of_the_unseen(study, conduct)
        return
    scheduler, name = conduct.scheduler, conduct.name
    if scheduler.own is None and "verbose" in scheduler.arguments and here(scheduler.node, study):
        text = f"`verbose` of `{conduct.class_name}` is gone since torch 2.7: the call raises TypeError there."
        yield Violation(study.span(scheduler.node), text, advice=True, since="2.7"), scheduler.node
    for event in conduct.steps if conduct.is_plateau else ():
        if len(event.arguments) > 1 and event.arguments[1] is not None and here(event.node, study):
            text = f"The epoch that `{name}.step` gets beside the metric is deprecated: torch warns, and counts itself."
            yield Violation(study.span(event.node), text, advice=True), event.node
    for event in conduct.steps:
        if event.detail or not event.arguments or conduct.class_name in _TAKES_EPOCH or not here(event.node, study):
            continue
        if not event.turns and conduct.trace.of(Kind.LOAD):
            continue  # once, where training goes on: there the rate of that epoch is what is asked for
        if is_position(event.arguments[0]):
            raises = conduct.class_name in _COMPOSITE
            late = _late(study, conduct, event)
            what = "raises TypeError" if raises else "is deprecated"
            text = f"`{name}.step(epoch)` {what}" + (
                " and is given the epoch that has just been trained: it sets that epoch's rate again, and every epoch "
                "trains at the rate of the one before. Call `step()` once an epoch."
                if late
                else ": it works the rate out from the epoch alone, by another formula where the class has one. Call "
                "`step()` once an epoch."
            )
            # Where the epoch told is the one that `step()` would come to, the rates are the same.
            yield Violation(study.span(event.node), text, advice=not (raises or late)), event.node
    for event in conduct.trace.of(Kind.READ_RATE, scheduler):
        if event.detail != "get_lr" or scheduler.own is not None or not here(event.node, study):
            continue
        if not _where_there_is_no_other(study, event.node):
            why = "it applies one more decay to the rate that is set"
            same = conduct.class_name in CLOSED_FORMS or conduct.class_name in FACTORIES
            if same:
                why = "torch warns of it"
            elif conduct.class_name in _COMPOSITE:
                why = "a composition has none and raises NotImplementedError"
            told = " Only what is logged is wrong, not the training." if not same and _only_logged(study, event) else ""
            chosen = not same and _may_be_sound(study, event)
            where = f" where a setting chooses {conduct.class_name}" if chosen else ""
            text = f"`{name}.get_lr()` does not give the current rate outside of `step()`{where}: {why}.{told}"
            text += " Call `get_last_lr()`."
            # Before it there is no `get_last_lr`, and `get_lr` gives the rate that is set.
            yield Violation(study.span(event.node), text, advice=same or chosen, since="1.4"), event.node


def _where_there_is_no_other(study: Study, read: ast.AST) -> bool:
    """``s.get_last_lr() if hasattr(s, "get_last_lr") else s.get_lr()``: asked on a torch that has nothing else."""
    tests = [n.test for n in study.names.ancestors(read) if isinstance(n, ast.IfExp | ast.If)]
    return any(isinstance(n, ast.Constant) and n.value == "get_last_lr" for test in tests for n in walk(test))


def _reads_of_the_unseen(study: Study, conduct: Conduct) -> Iterator[tuple[Violation, ast.AST]]:
    """``get_lr()`` of schedulers of which only their use is in sight: one of torch's gives another rate there."""
    if conduct.scheduler.built or conduct.scheduler.own is not None:
        return
    for event in conduct.trace.of(Kind.READ_RATE, conduct.scheduler):
        if event.detail == "get_lr" and here(event.node, study) and _is_stepped_plainly(study, event.node):
            text = (
                f"If `{conduct.name}` is one of torch's, `get_lr()` does not give the current rate outside of its own "
                "`step()`: most classes apply one more decay to the rate that is set. Call `get_last_lr()`."
            )
            yield Violation(study.span(event.node), text, advice=True), event.node


def _is_stepped_plainly(study: Study, read: ast.AST) -> bool:
    """Whether what is asked for its rate is also stepped, by itself, in the file: no function of a step gives it."""
    asked = read.func.value if isinstance(read, ast.Call) and isinstance(read.func, ast.Attribute) else None
    if asked is None or (isinstance(read, ast.Call) and (read.args or read.keywords)):
        return False
    step = f"{ast.unparse(asked)}.step"
    return any(isinstance(n, ast.Call) and ast.unparse(n.func) == step for n in study.names.nodes)


def _may_be_sound(study: Study, event: Event) -> bool:
    """Whether a setting may also choose a scheduler here that works its rate out from the step alone."""
    return any(
        other.scheduler.own is not None or other.class_name in CLOSED_FORMS or other.class_name in FACTORIES
        for other in conducts(study)
        if any(read.node is event.node for read in other.trace.of(Kind.READ_RATE, other.scheduler))
    )
