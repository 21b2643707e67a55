"""LR309: the rate goes to an optimizer that does not train, to an attribute, or to one of several groups."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from lrfix.experiments.study import Study
from lrfix.experiments.training import (
    Conduct,
    Told,
    built_in,
    conducts,
    line,
    once_a_place,
    related,
    spot,
    traces,
    unseen_steps,
)
from lrfix.findings import Violation
from lrfix.names import FUNCTION_NODES
from lrfix.registry import rule
from lrfix.sites.vocabulary import words
from lrfix.tracing.events import Event, Kind, Trace
from lrfix.tracing.holding import objects_in
from lrfix.tracing.library import names_optimizer
from lrfix.tracing.values import Known, Optimizer, Scheduler

_ATTRIBUTE = "`{}.lr` is an attribute that no optimizer of torch reads: the rate stays as it was"
_INSTEAD = 'Write `group["lr"]` of every group in `param_groups`.'


@rule("LR309", uses=True)
def wrong_optimizer(study: Study) -> Iterator[Violation]:
    yield from _idle_optimizers(study)
    yield from once_a_place(study, _found(study))
    yield from once_a_place(study, _first_groups(study, own_rates=False))
    yield from once_a_place(study, _first_groups(study, own_rates=True), advice=True)
    yield from once_a_place(study, _attributes_of_the_unseen(study), advice=True)


def _found(study: Study) -> Iterator[Told]:
    for trace in traces(study):
        for second, first, left_out in _taken_twice(trace):
            yield (
                second.scheduler.node,
                (
                    f"`{second.name}` and `{first.name}` (line {built_in(first.scheduler)}) are alike and both move "
                    f"`{getattr(first.optimizer, 'path', '')}`; `{left_out.path}` trains and has none."
                ),
                [(first.scheduler.node, f"`{first.name}` is built"), (left_out.node, "this optimizer has none")],
            )
        for conduct, left_out in _misnamed(trace):
            yield (
                conduct.scheduler.node,
                (
                    f"`{conduct.name}` moves `{getattr(conduct.optimizer, 'path', '')}`; `{left_out.path}`, which it "
                    "is called after, trains at a constant rate."
                ),
                [(left_out.node, f"`{left_out.path}` is built")],
            )
        for event in trace.of(Kind.WRITE_RATE):
            yield event.node, _lost(study, trace, event)


def _first_groups(study: Study, own_rates: bool) -> Iterator[Told]:
    """Optimizers of which only the first group ever gets a rate: a mistake where all were built with one rate; where
    groups were built with rates of their own, the others may be meant to keep theirs."""
    for trace in traces(study):
        for event in trace.of(Kind.WRITE_RATE):
            yield event.node, _alone(trace, event, own_rates)


def _attributes_of_the_unseen(study: Study) -> Iterator[Told]:
    """Rates that go to an attribute of what is called an optimizer; a wrapper may hand its ``lr`` on to the groups."""
    for trace in traces(study):
        for event in trace.of(Kind.WRITE_RATE):
            optimizer = event.thing
            if event.detail != "attribute" or not isinstance(optimizer, Optimizer):
                continue
            if _is_torch(study, trace, event, optimizer):
                continue
            # `opts` may hold what the command line said; a module that trains nothing may be a configuration.
            spelt = "optim" in optimizer.path.rpartition(".")[2].lower()
            moves = spelt and study.names.enclosing(event.node, FUNCTION_NODES) is not None
            if optimizer.own is None and (moves or trace.of(Kind.STEP, optimizer)):
                yield event.node, f"{_ATTRIBUTE.format(optimizer.path)}, unless its class sees to that. {_INSTEAD}"


def _idle_optimizers(study: Study) -> Iterator[Violation]:
    """Schedulers that are stepped, on optimizers that never are while another one trains."""
    held: dict[int, tuple[Conduct, Event]] = {}
    sound: set[int] = set()
    for conduct in conducts(study):
        other = _trains_instead(conduct)
        if other is not None:
            held.setdefault(id(conduct.scheduler.node), (conduct, other))
        elif conduct.updates or conduct.out_of_sight:
            sound.add(id(conduct.scheduler.node))
    if not held or unseen_steps(study, names_optimizer):
        return
    for key, (conduct, other) in held.items():
        node, optimizer = spot(study, conduct), conduct.optimizer
        if key not in sound and node is not None and optimizer is not None:
            yield Violation(
                study.span(node),
                f"`{conduct.name}` moves the rate of the optimizer that line {built_in(optimizer)} builds, and that "
                f"one takes no step. Another one trains (line {line(other)}), at a constant rate.",
                related=related(
                    study,
                    node,
                    [(optimizer.node, f"`{conduct.name}` moves this optimizer"), (other.node, "another one trains")],
                ),
            )


def _trains_instead(conduct: Conduct) -> Event | None:
    """A step of another optimizer, where the scheduler's own is out of use and nobody else has it in hand."""
    trace, optimizer = conduct.trace, conduct.optimizer
    if not conduct.is_torch or optimizer is None or not optimizer.built or trace.ended is not None:
        return None
    if not conduct.steps or conduct.updates or conduct.out_of_sight:
        return None
    if optimizer.library is not None or trace.outlives(optimizer) or optimizer.own is not None:
        return None
    used = [event for event in (*trace.of(Kind.STEP), *trace.of(Kind.ESCAPE)) if _apart(event.thing, optimizer)]
    steps = [event for event in used if event.kind is Kind.STEP]
    renamed = next((event for event in used if _takes_its_name(conduct, event.thing)), None)
    if renamed is not None:
        return renamed  # whatever that waits for: the name is gone
    lasting = (event for event in steps if not _replaced_later(trace, event))
    return next((event for event in lasting if event.decided <= conduct.steps[0].decided), None)


def _apart(other: Known | None, optimizer: Optimizer) -> bool:
    """Whether another optimizer has nothing to do with the one at hand: what is built around it moves that."""
    if not isinstance(other, Optimizer) or other is optimizer:
        return False
    return optimizer not in objects_in(list(other.arguments.values()))


def _takes_its_name(conduct: Conduct, other: Known | None) -> bool:
    """Whether another optimizer, built behind the scheduler wherever that is built, goes by the name of its own."""
    if other is None or conduct.optimizer is None or not other.path or other.path != conduct.optimizer.path:
        return False
    mine, its = (conduct.trace.of(Kind.BUILD, thing) for thing in (conduct.scheduler, other))
    return bool(mine and its) and mine[0].at < its[0].at and its[0].decided <= mine[0].decided


def _replaced_later(trace: Trace, step: Event) -> bool:
    """Whether the optimizer that is stepped is built only at some time of the run, and another is there till then."""
    return any(not build.unsettled <= step.unsettled for build in trace.of(Kind.BUILD, step.thing))


def _taken_twice(trace: Trace) -> Iterator[tuple[Conduct, Conduct, Optimizer]]:
    """Two schedulers of one make on one optimizer, where another optimizer trains beside it and has none."""
    free = [optimizer for optimizer in _unscheduled(trace) if optimizer.built]
    stepped = [conduct for conduct in _held(trace) if conduct.optimizer is not None and conduct.optimizer.built]
    for first, second in itertools.combinations(stepped, 2):
        one, other = first.steps[-1], second.steps[-1]
        together = one.turns == other.turns and one.decided == other.decided
        if len(free) == 1 and first.optimizer is second.optimizer and together and _make(first) == _make(second):
            yield second, first, free[0]


def _misnamed(trace: Trace) -> Iterator[tuple[Conduct, Optimizer]]:
    """A scheduler called after an optimizer that trains and has none (`scheduler_d`), on another one."""
    for conduct in _held(trace):
        for other in _unscheduled(trace):
            mine, its = _tags(getattr(conduct.optimizer, "path", "")), _tags(other.path)
            called = _tags(conduct.scheduler.path)
            if its - mine and its - mine <= called and not (mine - its) & called and conduct.updates:
                yield conduct, other


def _held(trace: Trace) -> list[Conduct]:
    """The schedulers that are stepped."""
    found = [Conduct(trace, thing) for thing in trace.things if isinstance(thing, Scheduler)]
    return [conduct for conduct in found if conduct.is_torch and conduct.steps and conduct.optimizer is not None]


def _unscheduled(trace: Trace) -> list[Optimizer]:
    """The optimizers that train, and whose rate nothing in the trace moves, nor anyone out of sight."""
    taken = {id(thing.optimizer) for thing in trace.things if isinstance(thing, Scheduler)}
    return [
        thing
        for thing in trace.things
        if isinstance(thing, Optimizer)
        and thing.path
        and id(thing) not in taken
        and trace.ended is None
        and trace.of(Kind.STEP, thing)
        and not trace.of(Kind.ESCAPE, thing)
        and not trace.of(Kind.WRITE_RATE, thing)
    ]


def _tags(path: str) -> frozenset[str]:
    """The words of a name, numbers among them: ``scheduler``, ``d``, ``2`` of ``self.scheduler_D2``."""
    last = path.rpartition(".")[2]
    return frozenset((*words(last), *re.findall(r"\d+", last)))


def _make(conduct: Conduct) -> str:
    """The call that builds a scheduler, the optimizer left out."""
    call = conduct.scheduler.node
    if not isinstance(call, ast.Call):
        return ""
    rest = [ast.unparse(a) for a in call.args[1:]]
    rest += [f"{k.arg}={ast.unparse(k.value)}" for k in call.keywords if k.arg != "optimizer"]
    return f"{ast.unparse(call.func)}({', '.join(rest)})"


def _is_torch(study: Study, trace: Trace, event: Event, optimizer: Optimizer) -> bool:
    """Whether an optimizer is one of torch's, or is used as only those are: it is built in sight, a scheduler of torch
    or a gradient scaler takes it, its groups are read, or it is declared to be one. What is called the same, here or
    in another package, may be another one."""
    if optimizer.built:
        return optimizer.package.partition(".")[0] == "torch"
    held = (Conduct(trace, thing) for thing in trace.things if isinstance(thing, Scheduler))
    if any(conduct.optimizer is optimizer and conduct.scheduler.built and conduct.is_torch for conduct in held):
        return True
    if any(event.detail == "scaled" for event in trace.of(Kind.STEP, optimizer)):
        return True
    return isinstance(event.node, ast.Attribute) and _is_used_as_torchs(study, _last(event.node.value))


def _is_used_as_torchs(study: Study, name: str) -> bool:
    """Whether the file looks into the groups of what has a name, or declares a parameter of that name to be an
    optimizer of torch."""
    for node in study.names.nodes:
        if isinstance(node, ast.Attribute) and node.attr == "param_groups" and _last(node.value) == name:
            return True
        if isinstance(node, ast.arg) and node.arg == name and node.annotation is not None:
            declared = study.names.qualified(node.annotation)
            if declared and all(each.startswith("torch.optim.") for each in declared):
                return True
    return False


def _last(value: ast.expr) -> str:
    return ast.unparse(value).rpartition(".")[2]


def _lost(study: Study, trace: Trace, event: Event) -> str | None:
    """What is wrong with a write of a rate."""
    optimizer = event.thing
    if not isinstance(optimizer, Optimizer) or optimizer.own is not None or event.detail != "attribute":
        return None
    seen = _is_torch(study, trace, event, optimizer)
    return f"{_ATTRIBUTE.format(optimizer.path)}. {_INSTEAD}" if seen else None


def _alone(trace: Trace, event: Event, own_rates: bool) -> str | None:
    """Of a write to the first group: that no other group gets a rate."""
    optimizer = event.thing
    if not isinstance(optimizer, Optimizer) or optimizer.own is not None:
        return None
    groups = optimizer.arguments.get("params")
    if not isinstance(groups, list | tuple) or len(groups) < 2 or not all(isinstance(g, dict) for g in groups):
        return None
    if event.detail == "group 0" and any("lr" in group for group in groups) == own_rates:
        writes = trace.of(Kind.WRITE_RATE, optimizer)
        frozen = all(e.arguments and e.arguments[0] == 0 for e in writes)  # a group that is not to train
        if {e.detail for e in writes} == {"group 0"} and not frozen:
            return (
                f"Only the first of the {len(groups)} parameter groups of `{optimizer.path}` gets the rate; the others "
                "keep theirs."
            )
    return None
