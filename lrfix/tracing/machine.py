"""What the parts of the tracer share: the state of one run, and what each part asks of the others.

Why an evaluator of its own, beside ``lrfix.interpreter``: that one agrees with CPython to the last digit or refuses
(``Opaque``), which is right for formulas. Training code is all unknowns. Here every operation on one must absorb it,
counts must keep their units, a branch on an unknown must be chosen and remembered, and nothing may stop the run.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from lrfix.names import Names
from lrfix.tracing.beliefs import Beliefs
from lrfix.tracing.events import Event, Guard, Kind, Trace, Turn
from lrfix.tracing.reach import Reach
from lrfix.tracing.values import Function, Given, Imported, Known, Scope, Unknown, Value, known

FUEL = 40_000
MOST_CALLS = 24


class OutOfFuel(Exception):
    """The run is longer than lrfix traces."""


class Raised(Exception):
    """The traced program raised an exception."""


class Machine:
    """The state of one run. ``flips`` are the branches that take the side that they would not take by themselves."""

    def __init__(self, reach: Reach, options: Mapping[str, Value], flips: frozenset[int] = frozenset()) -> None:
        self.reach = reach
        self.options = options
        self.flips = flips
        self.fuel = FUEL
        self.trace = Trace("")
        self.turns: list[Turn] = []
        self.guards: list[Guard] = []
        self.calls: list[ast.AST] = []
        self.running: list[ast.AST] = []
        #: The modules of other files that were read, and the functions in them.
        self.modules: dict[Names, Scope] = {}
        self.foreign: dict[int, str] = {}
        self.options_elsewhere: dict[str, Value] = {}
        #: What is assumed of values that the code leaves open, and the branches at which that was chosen.
        self.beliefs = Beliefs()
        self.choices: list[int] = []
        #: Whether a branch that brings an earlier run back was taken: then all of them are, and states are saved.
        self.resuming = False
        #: The shares of something that positions in training were made to, while a schedule's function was asked.
        self.shares: list[Unknown] = []
        #: Whether such a function runs: then both sides of every branch do, since its step comes to all of them.
        self.asking = False
        #: What attributes of imported names are where they are asked for an answer, by qualified name.
        self._settings: dict[str, Unknown] = {}
        self._entered = 0

    # What the parts ask of each other.

    def evaluate(self, node: ast.expr, scope: Scope) -> Value:
        raise NotImplementedError

    def call(self, callee: Value, given: Given, node: ast.AST, name: str) -> Value:
        raise NotImplementedError

    def call_method(self, receiver: Value, name: str, given: Given, node: ast.AST) -> Value:
        raise NotImplementedError

    def follow(self, imported: Imported) -> Value:
        raise NotImplementedError

    def is_module(self, imported: Imported) -> bool:
        raise NotImplementedError

    def run_body(self, function: Function, scope: Scope) -> Value:
        raise NotImplementedError

    # What they share.

    def burn(self) -> None:
        self.fuel -= 1
        if self.fuel < 0:
            raise OutOfFuel

    def emit(
        self, kind: Kind, node: ast.AST, thing: Known | None, arguments: tuple[Value, ...] = (), detail: str = ""
    ) -> None:
        """Write down an event where the run stands."""
        foreign = self.foreign.get(id(self.running[-1]), "") if self.running else ""
        if kind is Kind.BUILD and thing is not None:
            thing.foreign = foreign
            thing.caller = thing.caller or self.led_here()
        self.trace.events.append(
            Event(
                kind,
                node,
                thing,
                len(self.trace.events),
                tuple(self.turns),
                tuple(self.guards),
                tuple(self.calls),
                arguments,
                detail,
                foreign,
            )
        )

    def led_here(self) -> ast.AST | None:
        """The call of the function that runs; of another file's, the call that the file at hand makes of it."""
        callers = [*self.running[:-1]] if len(self.running) > len(self.calls) else [None, *self.running[:-1]]
        own = (call for call, by in zip(self.calls[::-1], callers[::-1], strict=False) if id(by) not in self.foreign)
        return next(own, None)

    def opened(self, value: Value) -> Value:
        """A value as a condition meets it: an attribute or a constant that is imported is a setting, and open."""
        if not isinstance(value, Imported) or not (value.read or value.last.isupper()):
            return value
        if value.qualified not in self._settings:
            self._settings[value.qualified] = Unknown(value.qualified)
        return self._settings[value.qualified]

    def enter_loop(self) -> int:
        """A number of its own for each time that a loop is entered."""
        self._entered += 1
        return self._entered

    @property
    def later(self) -> bool:
        """Whether the run stands in a turn that stands for all but the first of a loop."""
        return any(turn.later for turn in self.turns)


def named(value: Value, path: str) -> None:
    """A value gets the name that the file first gives it."""
    if isinstance(value, Unknown) and ("(" in value.path or not value.path):
        value.path = path
    thing = known(value)
    if thing is not None and not thing.path:
        thing.path = path


__all__ = ["FUEL", "MOST_CALLS", "Machine", "OutOfFuel", "Raised", "named"]
