"""The values of interpreted programs that are not Python's own."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lrfix.interpreter.environment import Environment
from lrfix.interpreter.missing import MISSING as MISSING


class Unknown:
    """A value that the code does not fix, named by the user's own expression (``args.epochs``).

    ``given``: the numbers that a call was given whose answer this is.
    """

    __slots__ = ("assigned", "given", "path")

    def __init__(self, path: str, given: tuple[float, ...] = ()) -> None:
        self.path = path
        self.given = given
        self.assigned: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<unknown {self.path}>"


@dataclass(eq=False)
class Function:
    """A ``def`` or ``lambda`` with the environment it closes over; ``elsewhere``: taken from another file."""

    name: str
    node: ast.FunctionDef | ast.Lambda
    environment: Environment
    defaults: tuple[Any, ...] = ()
    keyword_defaults: dict[str, Any] = field(default_factory=dict)
    owner: ClassValue | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    elsewhere: bool = False

    @property
    def parameters(self) -> list[str]:
        arguments = self.node.args
        return [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


@dataclass(eq=False)
class NativeFunction:
    """An allow-listed Python callable. It never sees an ``Unknown``: arguments are made concrete first."""

    name: str
    function: Callable[..., Any]
    accepts_callables: bool = False


@dataclass(eq=False)
class ModuleValue:
    """An imported module; its members are resolved by their qualified name."""

    name: str


@dataclass(eq=False)
class ClassValue:
    """A class of the interpreted program. ``native`` is the Python exception class it stands on, if any; a ``foreign``
    one has a base that cannot be seen; a ``remote`` one stands in another file and has nothing to do with rates."""

    name: str
    node: ast.ClassDef | None
    bases: tuple[ClassValue, ...]
    namespace: dict[str, Any]
    mro: tuple[ClassValue, ...] = ()
    native: type | None = None
    foreign: bool = False
    remote: bool = False
    #: The names of properties here and in all bases, once somebody has asked: no class gets another later.
    properties: frozenset[str] | None = None

    def properties_noted(self) -> frozenset[str]:
        found = [n for cls in self.mro for n, value in cls.namespace.items() if type(value) is Property]
        self.properties = frozenset(found)
        return self.properties

    def find(self, name: str) -> Any:
        for cls in self.mro:
            if name in cls.namespace:
                return cls.namespace[name]
        return MISSING

    def derives(self, other: ClassValue) -> bool:
        return other in self.mro


@dataclass(eq=False)
class Instance:
    """An object. ``fallback`` answers for attributes that neither it nor its class has."""

    cls: ClassValue
    attributes: dict[str, Any] = field(default_factory=dict)
    fallback: Callable[[str], Any] | None = None


@dataclass(eq=False)
class BoundMethod:
    function: Any
    receiver: Any

    @property
    def node(self) -> Any:
        return getattr(self.function, "node", None)


@dataclass(eq=False)
class Partial:
    function: Any
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]

    @property
    def node(self) -> Any:
        return getattr(self.function, "node", None)


@dataclass(eq=False)
class Property:
    getter: Any
    setter: Any = None


@dataclass(eq=False)
class StaticMethod:
    function: Any


@dataclass(eq=False)
class ClassMethod:
    function: Any


@dataclass(eq=False)
class SuperValue:
    """``super()``: attribute search starts after ``cls`` in the receiver's method resolution order."""

    cls: ClassValue
    receiver: Any
