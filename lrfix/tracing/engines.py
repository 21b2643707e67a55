"""Libraries that take an optimizer and a scheduler over and move them by methods of their own, as their clocks say."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from lrfix import clocks
from lrfix.clocks.model import Argument, Method, TakeOver, Who
from lrfix.tracing.amounts import Amount, amount
from lrfix.tracing.events import Kind, Turn
from lrfix.tracing.holding import objects_in
from lrfix.tracing.machine import Machine
from lrfix.tracing.objects import role
from lrfix.tracing.values import (
    MISSING,
    ClassValue,
    Engine,
    Function,
    Given,
    Imported,
    Known,
    Optimizer,
    Scheduler,
    Unknown,
    Value,
)

_Kind = TypeVar("_Kind", Optimizer, Scheduler)
#: Methods by which a class derived from an engine may go its own way.
_OWN_WAY = (
    *("__init__", "train", "_inner_training_loop", "create_optimizer", "create_scheduler"),
    "create_optimizer_and_scheduler",
)
#: Arguments that cannot be given without their name.
_NAMED_ONLY = 1 << 30
#: The library of what an engine makes for itself.
_OWN = "own"


def settings_object(qualified: str, given: Given, node: ast.AST) -> Unknown | None:
    """What a class of settings holds: what it is given by name, and its own defaults."""
    defaults = clocks.settings(qualified)
    if defaults is None or given.hidden:
        return None
    found = Unknown(f"{qualified.rpartition('.')[2]}(...)")
    found.origin = node
    found.parts |= {f".{name}": Unknown(f"{name}", stated=value) for name, value in defaults.items()}
    found.parts |= {f".{name}": value for name, value in given.keywords.items()}
    found.parts["given"] = frozenset(given.keywords)
    return found


def taken_over(machine: Machine, qualified: str, given: Given, node: ast.AST) -> Value:
    """What a call gives that takes optimizers and schedulers over and steps them itself; ``MISSING`` for another."""
    taken = clocks.take_over(qualified)
    if taken is None or taken.stepping.who is not Who.LIBRARY or not taken.owner:
        return MISSING
    scheduler = _first(machine, taken.schedulers, given, Scheduler)
    optimizer = _first(machine, taken.optimizers, given, Optimizer)
    if scheduler is not None and scheduler.optimizer is not None:
        optimizer = scheduler.optimizer
    settings = argument_given(taken.settings, given) if taken.settings is not None else None
    engine = Engine("", qualified, node, owner=taken.owner, settings=settings)
    if taken.gives != "positions":
        if _is_given_neither(taken, given):
            # What nobody gives it, it makes, by its settings.
            scheduler = Scheduler("", optimizer=Optimizer("", origin=node, library=_OWN), origin=node, library=_OWN)
            optimizer = scheduler.optimizer
        elif scheduler is None and optimizer is not None and _is_given_none(taken, given):
            scheduler = Scheduler("", optimizer=optimizer, origin=node, library=_OWN)
        if scheduler is None or optimizer is None:
            return MISSING
        engine.optimizer, engine.scheduler = optimizer, scheduler
        scheduler.parts["settings"] = settings
        return engine
    if isinstance(settings, dict):
        engine.settings = settings = _of_a_dictionary(settings)
        if scheduler is not None:
            scheduler.parts["settings"] = settings
    # What its configuration names is built there.
    engine.optimizer = optimizer or Optimizer("optimizer", origin=node)
    engine.scheduler = scheduler or Scheduler("scheduler", optimizer=engine.optimizer, origin=node)
    for thing in (engine.optimizer, engine.scheduler):
        # It is moved at the end of an accumulation that nothing in the code may show.
        machine.emit(Kind.ESCAPE, node, thing, detail=qualified)
    parts: dict[str, Value] = {
        "engine": engine,
        "optimizer": engine.optimizer,
        "scheduler": engine.scheduler,
    }
    names = sorted(taken.places, key=lambda name: taken.places[name])
    return tuple(parts.get(name, Unknown(name)) for name in names)


def _of_a_dictionary(settings: dict[Value, Value]) -> Unknown:
    """A configuration that the file writes out, as an object of settings."""
    found = Unknown("config")
    named = {name: value for name, value in settings.items() if isinstance(name, str)}
    found.parts |= {f".{name}": value for name, value in named.items()}
    found.parts["given"] = frozenset(named)
    return found


def makes_its_own(thing: Known) -> bool:
    """Whether an engine that trains was not given this optimizer or scheduler, and made it."""
    return thing.library == _OWN


def _is_given_none(taken: TakeOver, given: Given) -> bool:
    """Whether a pair of an optimizer and a scheduler says that there is no scheduler."""
    pairs = [argument_given(argument, given) for argument in taken.schedulers if argument in taken.optimizers]
    return any(isinstance(pair, list | tuple) and len(pair) == 2 and pair[1] is None for pair in pairs)


def _is_given_neither(taken: TakeOver, given: Given) -> bool:
    """Whether a call that may be given an optimizer and a scheduler gets none, and nothing that cannot be seen."""
    wanted = (*taken.optimizers, *taken.schedulers)
    return not given.hidden and all(argument_given(argument, given) is MISSING for argument in wanted)


def engine_of_class(machine: Machine, cls: ClassValue, given: Given, node: ast.AST) -> Engine | None:
    """What a class of the file builds that is, by its bases, a library's engine and trains as that does."""
    base = next((b for b in cls.lineage() if isinstance(b, Imported) and clocks.take_over(b.qualified)), None)
    if base is None or any(isinstance(cls.find(name), Function) for name in _OWN_WAY):
        return None
    found = taken_over(machine, base.qualified, given, node)
    return found if isinstance(found, Engine) else None


def moved(machine: Machine, engine: Engine, name: str, node: ast.AST) -> bool:
    """Whether a method of an engine moves what it took over; if so, that is written down."""
    known = clocks.methods(engine.owner, name)
    if not known:
        return False
    method = known[0]
    if method.epochs:
        _train(machine, engine, method, node)
    else:
        _update(machine, engine, method, node)
    return True


def _update(machine: Machine, engine: Engine, method: Method, node: ast.AST) -> None:
    if method.moves in ("optimizer", "both"):
        machine.emit(Kind.STEP, node, engine.optimizer)
    if method.moves in ("scheduler", "both"):
        machine.emit(Kind.STEP, node, engine.scheduler)


def _train(machine: Machine, engine: Engine, method: Method, node: ast.AST) -> None:
    """A whole training: two loops, one in the other, as a file would write them."""
    outer = Turn(node, machine.enter_loop(), _epochs(engine, method))
    inner = Turn(node, machine.enter_loop(), amount(Unknown("updates of an epoch")))
    for epoch in (outer, replace(outer, later=True)):
        for update in (inner, replace(inner, later=True)):
            machine.turns += [epoch, update]
            try:
                machine.emit(Kind.BACKWARD, node, None)
                _update(machine, engine, method, node)
            finally:
                del machine.turns[-2:]


def _epochs(engine: Engine, method: Method) -> Amount | None:
    """The number of epochs, where the settings are in sight and nothing else ends training."""
    settings = engine.settings
    given = settings.parts.get("given") if isinstance(settings, Unknown) else None
    if given is None or given & set(method.ended_by):
        return None
    return amount(settings.parts.get(f".{method.epochs}"))


def argument_given(argument: Argument | None, given: Given) -> Value:
    """What a call is given for an argument that a clock speaks of; ``MISSING`` where it is given none."""
    if argument is None:
        return MISSING
    return given.get(argument.place if argument.place is not None else _NAMED_ONLY, argument.name)


def _first(machine: Machine, arguments: Sequence[Argument], given: Given, kind: type[_Kind]) -> _Kind | None:
    for argument in arguments:
        value = argument_given(argument, given)
        if isinstance(value, Unknown):
            role(machine, value, "step", Given())
        things: list[Known] = objects_in(value)
        for thing in things:
            if isinstance(thing, kind):
                return thing
    return None


__all__ = ["argument_given", "engine_of_class", "makes_its_own", "moved", "settings_object", "taken_over"]
