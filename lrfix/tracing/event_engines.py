"""Engines that call a function for each batch and handlers at events: the two loops that the file does not write."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from lrfix import clocks
from lrfix.clocks.model import Moment
from lrfix.tracing.amounts import amount
from lrfix.tracing.engines import argument_given
from lrfix.tracing.events import Kind, Turn
from lrfix.tracing.iteration import length
from lrfix.tracing.machine import Machine
from lrfix.tracing.objects import role
from lrfix.tracing.values import (
    MISSING,
    Attaching,
    Bound,
    EventEngine,
    Function,
    Given,
    Imported,
    Partial,
    Scope,
    Unknown,
    Value,
    known,
)

_CALLED = (Function, Bound, Partial)


def event_engine(qualified: str, given: Given) -> EventEngine | None:
    """The engine that a call builds, where the name is known to build one and what it runs is in sight."""
    facts = clocks.event_loop(qualified)
    if facts is None or given.hidden:
        return None
    process = argument_given(facts.process, given)
    optimizer = argument_given(facts.optimizer, given)
    if not isinstance(process, _CALLED) and optimizer in (MISSING, None):
        return None
    return EventEngine(facts, process if isinstance(process, _CALLED) else None, optimizer)


def method_of_engine(machine: Machine, engine: EventEngine, name: str, given: Given, node: ast.AST) -> Value:
    """``engine.on(...)``, ``engine.add_event_handler(...)`` and ``engine.run(...)``; ``MISSING`` for another method."""
    facts = engine.facts
    if name == facts.on:
        return Attaching(engine, _moments(engine, given.arguments[:1]))
    if name == facts.attach and len(given.arguments) > 1:
        moments = _moments(engine, given.arguments[:1])
        if moments:  # a handler out of sight gets in hand what it is given when it is called
            engine.handlers += [(moment, given.arguments[1], tuple(given.arguments[2:])) for moment in moments]
            return None
    if name == facts.run:
        _run(machine, engine, given, node)
        return Unknown(f"{name}(...)", measured=True)
    return MISSING


def attach_decorated(
    machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, function: Function, scope: Scope
) -> None:
    """A definition under ``@engine.on(event)`` is attached; what other decorators do is looked through."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "attr", "") in clocks.EVENT_DECORATORS:
            attaching = machine.evaluate(decorator, scope)
            if isinstance(attaching, Attaching):
                attaching.engine.handlers += [(moment, function, ()) for moment in attaching.moments]


def _moments(engine: EventEngine, event: Sequence[Value]) -> tuple[Moment, ...]:
    """When handlers of an event are called; empty where the code does not name it, or only some of them count."""
    named = event[0] if event else None
    moment = engine.facts.events.get(named.last) if isinstance(named, Imported) else None
    return (moment,) if moment is not None else ()


def _run(machine: Machine, engine: EventEngine, given: Given, node: ast.AST) -> None:
    facts = engine.facts
    data = argument_given(facts.data, given)
    epochs = amount(argument_given(facts.epochs, given))
    outer = Turn(node, machine.enter_loop(), epochs)
    inner = Turn(node, machine.enter_loop(), None if data is MISSING else length(data))
    _handle(machine, engine, Moment.START, node)
    for epoch in (outer, replace(outer, later=True)):
        machine.turns.append(epoch)
        try:
            _handle(machine, engine, Moment.EPOCH_START, node)
            for batch in (inner, replace(inner, later=True)):
                machine.turns.append(batch)
                try:
                    _handle(machine, engine, Moment.BATCH_START, node)
                    _process(machine, engine, node)
                    _handle(machine, engine, Moment.BATCH_END, node)
                finally:
                    machine.turns.pop()
            _handle(machine, engine, Moment.EPOCH_END, node)
        finally:
            machine.turns.pop()
    _handle(machine, engine, Moment.END, node)


def _handle(machine: Machine, engine: EventEngine, moment: Moment, node: ast.AST) -> None:
    for when, handler, rest in engine.handlers:
        if when is moment:
            machine.call(handler, Given([engine, *rest]), node, "handler")


def _process(machine: Machine, engine: EventEngine, node: ast.AST) -> None:
    if engine.process is not None:
        machine.call(engine.process, Given([engine, Unknown("batch", measured=True)]), node, "process")
        return
    optimizer = engine.optimizer
    if isinstance(optimizer, Unknown):
        role(machine, optimizer, "step", Given())
    machine.emit(Kind.BACKWARD, node, None)
    machine.emit(Kind.STEP, node, known(optimizer))


__all__ = ["attach_decorated", "event_engine", "method_of_engine"]
