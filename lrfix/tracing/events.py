"""What a trace is made of: events with their place in the loops, the guards passed on the way, and the calls around.

Events are dumb: what they mean for a schedule is asked by the properties of ``lrfix.experiments.training``.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from lrfix.tracing.amounts import Amount
from lrfix.tracing.values import Instance, Known, Value

#: The key of the guard that stands for such a context (``with accelerator.accumulate(model)``).
ACCUMULATES = "accumulates"


class Kind(Enum):
    """What happened. ``ESCAPE``: unknown code has the object in hand; ``SHOWN``: such code that steps nothing.

    ``USED``: a scheduler of unknown class is asked for what no clock knows. ``HOOK``: a method that is not in sight, or
    that does nothing here, is called on what holds the object: of a base class, or for a derived one to fill in.
    """

    BUILD = "build"
    STEP = "step"
    BACKWARD = "backward"
    ZERO_GRAD = "zero_grad"
    WRITE_RATE = "write_rate"
    READ_RATE = "read_rate"
    STATE = "state_dict"
    LOAD = "load_state_dict"
    ESCAPE = "escape"
    SHOWN = "shown"
    USED = "used"
    HOOK = "hook"


class Basis(Enum):
    """Why a branch was taken: the code fixes it, states a default for it, or lrfix chose it."""

    KNOWN = "known"
    STATED = "stated"
    DECIDED = "decided"


@dataclass(frozen=True)
class Guard:
    """A condition that holds on the way to an event: ``side`` is what it evaluated to.

    ``key`` is the same for two tests of the same condition on the same values. ``settled``: it is about what holds for
    the whole run (an option), not about what moves in it. ``period``: the condition holds once in
    so many turns (``step % accumulation == 0``).
    """

    node: ast.expr
    side: bool
    basis: Basis
    key: object
    period: Amount | None = None
    settled: bool = True


@dataclass(frozen=True)
class Turn:
    """One turn of a loop around an event.

    ``trip`` is how often the loop turns, None where that cannot be told; ``stop`` is where the index of a range ends.
    ``later`` tells the turn that stands for all but the first, ``listed`` a loop whose turns are each run by itself.
    """

    loop: ast.AST
    entered: int
    trip: Amount | None
    later: bool = False
    listed: bool = False
    stop: Amount | None = None


@dataclass(frozen=True, eq=False)
class Event:
    """``calls`` are the calls of functions that were under way, the outermost first; ``foreign``: the name
    of the file, where it is another one."""

    kind: Kind
    node: ast.AST
    thing: Known | None
    at: int
    turns: tuple[Turn, ...] = ()
    guards: tuple[Guard, ...] = ()
    calls: tuple[ast.AST, ...] = ()
    arguments: tuple[Value, ...] = ()
    detail: str = ""
    foreign: str = ""

    @property
    def decided(self) -> frozenset[object]:
        """The guards on which lrfix chose the side, by their key; conditions that come round are none of them."""
        return frozenset(g.key for g in self.guards if g.basis is Basis.DECIDED and g.period is None)

    @property
    def unsettled(self) -> frozenset[object]:
        """Those of them that may hold at one time of the run and not at another."""
        return frozenset(g.key for g in self.guards if g.basis is Basis.DECIDED and g.period is None and not g.settled)

    @property
    def accumulates(self) -> bool:
        """Whether it stands in a context in which a library counts micro-batches."""
        return any(guard.key == ACCUMULATES for guard in self.guards)

    @property
    def place(self) -> tuple[int, ...]:
        """The statement and the calls that led to it: the same each time the program comes by."""
        return (*(id(call) for call in self.calls), id(self.node))


@dataclass
class Trace:
    """The events of one run from one entry.

    ``ended`` is None where the run came to its end, else what stopped it. ``entry`` names where it began, ``functions``
    holds the functions that it came by, ``kept`` what outlives it, ``held`` what does as part of an object of a class
    of the file. ``returned`` is what the entry returned, and, where it is a method, ``receiver`` its object.
    ``fitted`` are the trainers that were told to train a module: what that configures, and what the trainer was given.
    ``aside``: the entry builds and steps nothing; it saves or restores what the other methods of its class train.
    """

    entry: str
    events: list[Event] = field(default_factory=list)
    ended: str | None = None
    functions: set[int] = field(default_factory=set)
    kept: list[Known] = field(default_factory=list)
    held: list[Known] = field(default_factory=list)
    returned: Value = None
    receiver: Value = None
    aside: bool = False
    fitted: list[tuple[Instance, Value, Mapping[str, Value]]] = field(default_factory=list)

    def of(self, kind: Kind, thing: Known | None = None) -> list[Event]:
        return [e for e in self.events if e.kind is kind and (thing is None or e.thing is thing)]

    def outlives(self, thing: Known) -> bool:
        """Whether an object is still there for others when the run is over."""
        return thing in self.kept or thing in self.held

    @property
    def things(self) -> list[Known]:
        """The objects that something happened to, in that order."""
        return list(dict.fromkeys(e.thing for e in self.events if e.thing is not None))
