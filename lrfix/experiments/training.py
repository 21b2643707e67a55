"""What a training trace shows of a scheduler: its steps, those of its optimizer, and whether more may happen unseen.

No rules here. A property holds of one trace. "It happened" needs one trace; "never" and "this often" need one that came
to its end and in which nobody out of sight has the object in hand.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeGuard
from weakref import WeakKeyDictionary

from lrfix.experiments.study import Study
from lrfix.findings import Related, Violation
from lrfix.names import Defined, Imported, Names
from lrfix.tracing.entries import traces_of
from lrfix.tracing.events import Event, Kind, Trace, Turn
from lrfix.tracing.library import FACTORIES, SCHEDULERS, names_scheduler
from lrfix.tracing.values import Function, Known, Optimizer, Scheduler
from lrfix.trees import walk

_TRACES: WeakKeyDictionary[Study, list[Trace]] = WeakKeyDictionary()


def traces(study: Study) -> list[Trace]:
    """The traces of the file, made once; none for a study of a single schedule."""
    if study.site.form != "training":
        return []
    if study not in _TRACES:
        _TRACES[study] = found = traces_of(study.names.tree, study.names)
        _count(study.counters, found)
    return _TRACES[study]


def _count(counters: dict[str, int], found: list[Trace]) -> None:
    """How far the training code of a file was followed, for the statistics of a run."""
    if not found:
        return
    counters["files traced"] = 1
    stops = sorted({trace.ended for trace in found if trace.ended is not None})
    counters["files traced whole"] = int(not stops)
    counters.update({f"files with a trace that stopped: {stop}": 1 for stop in stops})


@dataclass(frozen=True)
class Conduct:
    """One scheduler in one trace."""

    trace: Trace
    scheduler: Scheduler

    @property
    def name(self) -> str:
        return self.scheduler.name

    @cached_property
    def steps(self) -> list[Event]:
        """The calls of its ``step``."""
        return self.trace.of(Kind.STEP, self.scheduler)

    @cached_property
    def optimizer(self) -> Optimizer | None:
        """What the scheduler was built on; for one that was handed over, the only optimizer that trains beside it."""
        scheduler = self.scheduler
        if scheduler.optimizer is not None or scheduler.built or scheduler.origin is not None:
            return scheduler.optimizer  # what a call in sight makes without an optimizer may keep a rate of its own
        trained = {event.thing for event in self.trace.of(Kind.STEP) if isinstance(event.thing, Optimizer)}
        return trained.pop() if len(trained) == 1 else None

    @cached_property
    def updates(self) -> list[Event]:
        """The steps of its optimizer."""
        return self.trace.of(Kind.STEP, self.optimizer) if self.optimizer is not None else []

    @cached_property
    def out_of_sight(self) -> list[Event]:
        """Where unknown code gets the scheduler's optimizer in hand, and may step it."""
        return self.trace.of(Kind.ESCAPE, self.optimizer) if self.optimizer is not None else []

    @cached_property
    def training(self) -> list[Event]:
        """Its updates, in sight or out of it; where there are none, what may change any weight at all."""
        if self.updates:
            return sorted((*self.updates, *self.out_of_sight), key=lambda event: event.at)
        return [
            event
            for event in self.trace.events
            if event.kind is Kind.BACKWARD
            or (isinstance(event.thing, Optimizer) and event.kind in (Kind.STEP, Kind.ESCAPE))
        ]

    @cached_property
    def escapes(self) -> list[Event]:
        """Where unknown code gets the scheduler itself in hand."""
        return self.trace.of(Kind.ESCAPE, self.scheduler)

    @cached_property
    def trains_whole(self) -> bool:
        """Whether its updates stand in a loop over data within a counted one: epochs and batches both are in sight.

        Who calls such code comes by before training and after it, not in between.
        """
        return any(_is_whole(update.turns) for update in self.updates)

    @property
    def class_name(self) -> str:
        return self.scheduler.cls or ""

    @property
    def is_plateau(self) -> bool:
        return self.class_name == "ReduceLROnPlateau" and self.scheduler.own is None

    @property
    def counts_calls(self) -> bool:
        """Whether nothing speaks against a class that moves on by one with each ``step()``."""
        return self.is_torch or (self.scheduler.own is None and not self.scheduler.built)

    @property
    def is_torch(self) -> bool:
        """Whether it is built in sight and steps as torch's schedulers do: of torch's classes, or derived from one."""
        scheduler = self.scheduler
        if not scheduler.built:
            return False
        if scheduler.own is not None:
            return not isinstance(scheduler.own.find("step"), Function)
        return self.class_name in SCHEDULERS or self.class_name in FACTORIES


def _is_whole(turns: tuple[Turn, ...]) -> bool:
    running = [turn for turn in turns if not turn.listed]
    return any(
        turn.stop is not None or isinstance(turn.loop, ast.While)
        for position, turn in enumerate(running)
        if any(_walks_data(inner) for inner in running[position + 1 :])
    )


def _walks_data(turn: Turn) -> bool:
    """Whether a loop goes through data: what is no range, or a range that goes on by batches."""
    if turn.stop is None:
        return not isinstance(turn.loop, ast.While)
    strides = turn.trip is not None and any(power < 0 for powers in turn.trip.terms for _, power in powers)
    return strides and isinstance(turn.loop, ast.For)


def conducts(study: Study) -> Iterator[Conduct]:
    """Every scheduler of every trace, the traces in their order."""
    for trace in traces(study):
        for thing in trace.things:
            if isinstance(thing, Scheduler):
                yield Conduct(trace, thing)


def same_turn(one: Event, other: Event) -> bool:
    """Whether ``other`` happens in the turn of the innermost loop that ``one`` happens in."""
    turn = one.turns[-1] if one.turns else None
    return turn is not None and turn in other.turns


def shares_loop(one: Event, other: Event) -> bool:
    """Whether both happen in one run of some loop, be it in another turn."""
    return bool({turn.entered for turn in one.turns} & {turn.entered for turn in other.turns})


def line(event: Event) -> str:
    """The number of the line that an event stands in, with the name of the file where it is another one."""
    number = getattr(event.node, "lineno", 0)
    return f"{number} of {event.foreign}" if event.foreign else str(number)


def built_in(thing: Known) -> str:
    """The number of the line that builds an object, with the name of the file where it is another one."""
    number = getattr(thing.node, "lineno", 0)
    return f"{number} of {thing.foreign}" if thing.foreign else str(number)


def here(node: ast.AST | None, study: Study) -> TypeGuard[ast.AST]:
    """Whether a place is one of the file that is judged: only such are reported."""
    return node is not None and node in study.names.parents


def spot(study: Study, conduct: Conduct) -> ast.AST | None:
    """Where to tell of a scheduler in the file that is judged: where it is built or has it built, else where it is
    stepped."""
    scheduler = conduct.scheduler
    places = (scheduler.node, scheduler.origin, scheduler.caller, *(event.node for event in conduct.steps))
    return next((node for node in places if here(node, study)), None)


def told_at(study: Study, conduct: Conduct, event: Event) -> tuple[ast.AST | None, str]:
    """Where to tell of what a scheduler's event shows, and the words for the event's place where that is elsewhere."""
    if here(event.node, study):
        return event.node, ""
    return spot(study, conduct), f" (line {line(event)})"


#: A place that a message speaks of, and what is there.
Shown = tuple[ast.AST | None, str]
#: Where something is told, what is told, and the other places that show it.
Told = tuple[ast.AST | None, str | None] | tuple[ast.AST | None, str | None, Iterable[Shown]]


def once_a_place(study: Study, found: Iterable[Told], advice: bool = False) -> Iterator[Violation]:
    """Messages at places of the file that is judged, the first of each place; None for a place or a message is none."""
    told: set[int] = set()
    for node, message, *shown in found:
        if message is not None and here(node, study) and id(node) not in told:
            told.add(id(node))
            yield Violation(study.span(node), message, advice=advice, related=related(study, node, *shown))


def related(study: Study, node: ast.AST, shown: Iterable[Shown] = ()) -> tuple[Related, ...]:
    """Places of the file that is judged, each once, in their order in the text; not the one that is told of."""
    found = {study.span(each): text for each, text in shown if here(each, study) and each is not node}
    return tuple(Related(span, text) for span, text in sorted(found.items()))


def places(conduct: Conduct) -> Iterator[Shown]:
    """Where a scheduler is built and stepped, where its optimizer trains, and the loops around its step."""
    yield conduct.scheduler.node, f"`{conduct.name}` is built"
    for step in conduct.steps[-1:]:
        for turn in step.turns:
            often = f"`{turn.trip}` times" if turn.trip is not None else "a number of times that is not known"
            yield _head(turn.loop), f"this loop turns {often}"
        yield step.node, f"`{conduct.name}` is stepped"
    for update in conduct.updates[-1:]:
        yield update.node, "the optimizer takes its step"


def _head(loop: ast.AST) -> ast.AST | None:
    """What a loop walks over, or its condition: what stands for it in a report."""
    return loop.iter if isinstance(loop, ast.For | ast.AsyncFor) else getattr(loop, "test", None)


def unseen_steps(study: Study, names: Callable[[str], bool] = names_scheduler) -> bool:
    """Whether what ``names`` a scheduler, or an optimizer, is stepped somewhere in the file where no trace comes by."""
    return unseen_calls(study, "step", names)


def unseen_calls(study: Study, method: str, names: Callable[[str], bool] = names_scheduler) -> bool:
    """Whether ``method`` of what ``names`` a scheduler is called where no trace comes by: somewhere in the file, or in
    a function of another one that the file hands a scheduler."""
    seen = {id(event.node) for trace in traces(study) for event in trace.events}
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
        and id(node) not in seen
        and names(ast.unparse(node.func.value))
        for node in itertools.chain(study.names.nodes, _handed_on(study.names, names))
    )


def _handed_on(here: Names, names: Callable[[str], bool]) -> Iterator[ast.AST]:
    """What the imported functions are made of that are given what ``names`` a scheduler."""
    if here.neighbours is None:
        return
    for call in here.nodes:
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        given = (*call.args, *(keyword.value for keyword in call.keywords))
        if not any(isinstance(a, ast.Name | ast.Attribute | ast.Subscript) and names(ast.unparse(a)) for a in given):
            continue
        for names_there, node in _definitions(here, call.func.id, call, imported=True):
            yield from walk(node)
            yield from (part for base in _bases(names_there, node) for part in walk(base))


def _definitions(names_here: Names, name: str, at: ast.AST, imported: bool = False) -> Iterator[tuple[Names, ast.AST]]:
    """What defines a name that is used ``at``, with the file it stands in: another one, unless not ``imported``."""
    for binding in names_here.bindings(name, at):
        if isinstance(binding, Defined) and not imported:
            yield names_here, binding.node
        elif isinstance(binding, Imported) and names_here.neighbours is not None:
            found = names_here.neighbours.meaning(name, binding.node)
            if found is None or found.name is None:
                continue
            for other in found.names.scopes[found.names.tree].bindings.get(found.name, ()):
                if isinstance(other, Defined):
                    yield found.names, other.node


def _bases(names_there: Names, node: ast.AST, known: frozenset[ast.AST] = frozenset()) -> Iterator[ast.AST]:
    """The classes of the project that a class derives from, near and far."""
    if not isinstance(node, ast.ClassDef) or node in known:
        return
    for base in node.bases:
        if isinstance(base, ast.Name):
            for names_of_base, found in _definitions(names_there, base.id, node):
                yield found
                yield from _bases(names_of_base, found, known | {node})


__all__ = [
    "Conduct",
    "built_in",
    "conducts",
    "here",
    "line",
    "places",
    "related",
    "same_turn",
    "shares_loop",
    "spot",
    "traces",
    "unseen_calls",
    "unseen_steps",
]
