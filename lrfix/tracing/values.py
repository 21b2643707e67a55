"""The values of a traced program: unknowns with an identity, and the few objects that schedules are about.

An unknown absorbs: its attributes, elements and calls are unknown too, and the same attribute read twice is the same
unknown. What its use shows it to be (an optimizer that nobody builds here is stepped) is bound once, on the object,
and holds under every name that it goes by.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lrfix.clocks.model import EventLoop, Moment
from lrfix.interpreter.missing import MISSING as MISSING
from lrfix.names import Names
from lrfix.tracing.beliefs import Test

#: Any value of the traced program: Python's own constants and containers, or one of the classes below.
Value = Any


_SERIAL = itertools.count()


class Unknown:
    """A value that the code does not fix.

    ``path`` is the user's own expression for it, ``stated`` the value that the file states for it (a default) or
    ``MISSING``, ``given`` what a call (``origin``, under the call ``caller``) was given whose answer it is
    (``keywords``: by name; ``maker``: what was called, qualified). ``known``
    is the object that its use showed it to be. ``divisor``: it is the remainder of a division by that amount, and moves
    on with every turn. ``moving``: it is where a loop stands (an index, a counter), times ``scale`` where that is an
    amount; ``measured``: it came out of a call. ``made_by``: it is what a function of texts makes of another unknown.
    """

    __slots__ = (
        "caller",
        "divisor",
        "given",
        "keywords",
        "known",
        "made_by",
        "maker",
        "measured",
        "moving",
        "origin",
        "parts",
        "path",
        "scale",
        "serial",
        "stated",
    )  # fmt: skip

    def __init__(self, path: str, *, stated: Value = MISSING, moving: bool = False, measured: bool = False) -> None:
        self.path = path
        self.stated = stated
        self.moving = moving
        self.measured = measured
        self.given: tuple[Value, ...] = ()
        self.keywords: Mapping[str, Value] = {}
        self.maker = ""
        self.made_by: tuple[Unknown, Callable[[Any], Any]] | None = None
        self.origin: ast.AST | None = None
        self.caller: ast.AST | None = None
        self.known: Known | None = None
        self.divisor: Value = None
        self.scale: Value = None
        self.parts: dict[object, Value] = {}
        self.serial = next(_SERIAL)

    def __repr__(self) -> str:
        return f"<unknown {self.path}>"

    def part(self, key: object, text: str) -> Value:
        """The attribute, element or length ``key``, the same one each time; ``text`` follows the path."""
        if key not in self.parts:
            self.parts[key] = Unknown(f"{self.path}{text}" if len(self.path) < 80 else text, measured=self.measured)
        return self.parts[key]

    def made_into(self, function: Callable[[Any], Any], text: str) -> Unknown:
        """``function(value)``, the same one each time; ``text`` follows the path."""
        key = ("made by", function)
        if key not in self.parts:
            self.parts[key] = found = Unknown(f"{self.path}{text}", measured=self.measured)
            found.made_by = (self, function)
        made: Unknown = self.parts[key]
        return made


_MOST_CONDITIONS = 64


class Condition(Unknown):
    """A comparison that the code does not decide; two with the same ``key`` have the same answer.

    ``test`` is what it asks of the value ``about``, where it is about one value. ``joined`` are the conditions that
    ``operation`` (``and``, ``or``, ``not``) makes it of. What would be made of more than ``_MOST_CONDITIONS`` stands
    for itself, as does what a loop or each of many lines goes on joining.
    """

    __slots__ = ("about", "joined", "key", "operation", "period", "size", "test")

    def __init__(
        self,
        path: str,
        key: Hashable = None,
        *,
        about: Value = None,
        test: Test | None = None,
        period: Value = None,
        operation: str = "",
        joined: Sequence[Value] = (),
    ) -> None:
        super().__init__(path)
        self.key = key
        self.about = about
        self.test = test
        self.period = period
        self.size: int = 1 + sum(part.size for part in joined if isinstance(part, Condition))
        small = self.size <= _MOST_CONDITIONS
        self.operation = operation if small else ""
        self.joined = tuple(joined) if small else ()


@dataclass(eq=False)
class Known:
    """An object that a trace is about. ``node`` is where it was built, None where only its use shows what it is.

    ``foreign``: the file that builds it, where it is another one. ``origin`` is the call of unknown code that it came
    from then. ``caller`` is the call of the function that builds it, None where it is built where the trace begins.

    ``arguments`` are what its constructor was given, by parameter; ``hidden`` says that some of them cannot be seen.
    ``qualified`` is the class that is imported where no more is known of it.
    ``library`` is who steps it beside the code in sight (``accelerate``), if anyone. ``handed_on``: an object of a
    class of another file was built with it.
    """

    path: str
    cls: str | None = None
    node: ast.AST | None = None
    arguments: dict[str, Value] = field(default_factory=dict)
    hidden: bool = False
    own: ClassValue | None = None
    library: str | None = None
    qualified: str = ""
    foreign: str = ""
    handed_on: bool = False
    origin: ast.AST | None = None
    caller: ast.AST | None = None
    parts: dict[object, Value] = field(default_factory=dict)

    @property
    def built(self) -> bool:
        return self.node is not None


@dataclass(eq=False)
class Optimizer(Known):
    """An optimizer. ``package`` is where its class was imported from, empty where that is not seen."""

    package: str = ""


@dataclass(eq=False)
class Scheduler(Known):
    """A scheduler; ``children`` are the schedulers that it steps itself."""

    optimizer: Optimizer | None = None
    children: tuple[Value, ...] = ()

    @property
    def name(self) -> str:
        """What messages call it: the user's own name for it, else its class."""
        return self.path or self.cls or "the scheduler"


@dataclass(eq=False)
class Scaler(Known):
    """A gradient scaler: it steps the optimizer that it is given."""


@dataclass(eq=False)
class Engine(Known):
    """What a library gives for an optimizer and a scheduler that it took over, and moves them by.

    ``owner`` is the qualified name of its class, ``settings`` what says how it trains.
    """

    owner: str = ""
    optimizer: Optimizer | None = None
    scheduler: Scheduler | None = None
    settings: Value = None


@dataclass(eq=False)
class EventEngine:
    """An object of a library that runs ``process`` for each batch, and handlers around it, as ``facts`` say.

    ``optimizer`` takes a step a batch where there is no process in sight.
    """

    facts: EventLoop
    process: Value = None
    optimizer: Value = None
    handlers: list[tuple[Moment, Value, tuple[Value, ...]]] = field(default_factory=list)


@dataclass(eq=False)
class Attaching:
    """The decorator that attaches a function to an event of an engine."""

    engine: EventEngine
    moments: tuple[Moment, ...]


@dataclass(eq=False)
class StateOf:
    """What ``state_dict()`` of a known object gave."""

    owner: Known


@dataclass(eq=False)
class Groups:
    """``optimizer.param_groups``, or one group of them: the one at ``index``, or each in turn where that is None."""

    optimizer: Optimizer
    single: bool = False
    index: int | None = None


#: A list that would be longer is none that the code writes out: no trace needs its elements.
MOST_ELEMENTS = 2_000


class Listing(list[Value]):
    """A list that the code writes out, built under so many ``turns`` of loops.

    ``partial``: a loop that is not run turn by turn has added to it, and the elements stand for more.
    """

    __slots__ = ("partial", "turns")

    def __init__(self, elements: Sequence[Value], turns: int) -> None:
        super().__init__(elements)
        self.turns = turns
        self.partial = False


@dataclass(eq=False)
class Many:
    """A list of alike elements, of which one stands for all (a comprehension over an unknown)."""

    element: Value
    length: Value


@dataclass(frozen=True)
class Reference:
    """Where an imported name comes from: the statement that binds ``name`` in a module, and what follows it."""

    module: Names
    name: str
    node: ast.stmt
    trail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Imported:
    """A name of a library, or of another file that is followed where it matters, by its qualified name.

    ``read``: it is an attribute of what is imported, and may be a setting: ``config.RESUME``.
    """

    qualified: str
    source: Reference | None = field(default=None, compare=False)
    read: bool = field(default=False, compare=False)

    @property
    def last(self) -> str:
        return self.qualified.rpartition(".")[2]


@dataclass(frozen=True)
class Builtin:
    name: str


@dataclass(eq=False)
class Range:
    """``range``: a loop's index and how often it turns."""

    start: Value
    stop: Value
    step: Value = 1


@dataclass(eq=False)
class Paired:
    """``enumerate`` (an index and an element) or ``zip`` of iterables."""

    sources: tuple[Value, ...]
    counted: bool = False
    depth: int = 1


class Scope:
    """The variables of a module, a function's call or a class body."""

    __slots__ = ("elsewhere", "names", "parent", "variables")

    def __init__(self, parent: Scope | None = None, names: Names | None = None) -> None:
        self.parent = parent
        #: For the scope of a module: its names, which know the other files of the project.
        self.names = names
        self.variables: dict[str, Value] = {}
        self.elsewhere: dict[str, str] = {}

    @property
    def module(self) -> Scope:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def get(self, name: str) -> Value:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return scope.variables[name]
            scope = scope.parent
        return MISSING

    def set(self, name: str, value: Value) -> None:
        kind = self.elsewhere.get(name)
        if kind == "global":
            self.module.variables[name] = value
            return
        if kind == "nonlocal":
            scope = self.parent
            while scope is not None:
                if name in scope.variables:
                    scope.variables[name] = value
                    return
                scope = scope.parent
        self.variables[name] = value


FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(eq=False)
class Function:
    """A function of the file and the scope that it closes over.

    ``kept`` is what one that is run once only (``@lru_cache``) gave.
    """

    node: FunctionNode
    scope: Scope
    owner: ClassValue | None = None
    kind: str = ""
    kept: Value = MISSING

    @property
    def name(self) -> str:
        return getattr(self.node, "name", "lambda")


@dataclass(eq=False)
class ClassValue:
    """A class of the file; ``bases`` may be imported or unknown."""

    node: ast.ClassDef
    bases: tuple[Value, ...]
    namespace: dict[str, Value]

    def lineage(self) -> list[Value]:
        """The class and its bases, nearest first."""
        found: list[Value] = [self]
        for base in self.bases:
            for each in base.lineage() if isinstance(base, ClassValue) else [base]:
                if each not in found:
                    found.append(each)
        return found

    def find(self, name: str, after: ClassValue | None = None) -> Value:
        lineage = self.lineage()
        if after is not None and after in lineage:
            lineage = lineage[lineage.index(after) + 1 :]
        for cls in lineage:
            if isinstance(cls, ClassValue) and name in cls.namespace:
                return cls.namespace[name]
        return MISSING


@dataclass(eq=False)
class Instance:
    """An object of a class of the file."""

    cls: ClassValue
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(eq=False)
class Super:
    cls: ClassValue
    receiver: Value


@dataclass(eq=False)
class Bound:
    function: Function
    receiver: Value


@dataclass(eq=False)
class KnownMethod:
    """A method of a known object that is taken without being called (``hook(scheduler.step)``)."""

    thing: Known
    name: str


@dataclass(eq=False)
class Partial:
    function: Value
    arguments: tuple[Value, ...]
    keywords: dict[str, Value]


@dataclass
class Given:
    """The arguments of a call; ``hidden``: there are more, behind stars."""

    arguments: list[Value] = field(default_factory=list)
    keywords: dict[str, Value] = field(default_factory=dict)
    hidden: bool = False

    @property
    def all(self) -> list[Value]:
        return [*self.arguments, *self.keywords.values()]

    def get(self, position: int, name: str) -> Value:
        if name in self.keywords:
            return self.keywords[name]
        return self.arguments[position] if len(self.arguments) > position else MISSING


def known(value: Value) -> Known | None:
    """The object that a value is, or has shown itself to be."""
    if isinstance(value, Known):
        return value
    return value.known if isinstance(value, Unknown) else None
