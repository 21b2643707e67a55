"""The values of a simulated program that are not Python's own numbers, strings and containers."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrfix.simulation.environment import Environment
    from lrfix.simulation.functions import Code

Value = Any


class _Missing:
    def __repr__(self) -> str:
        return "<no value>"


MISSING = _Missing()
"""Stands for "there is no value", where None could be one."""


class Unknown:
    """A value that the code does not fix, named by the source text that gives it (``args.epochs``, ``len(loader)``).

    ``children`` remembers what was read from or written to it, by the text that leads there (``.lr``, ``['lr']``).
    """

    __slots__ = ("children", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.children: dict[str, Value] = {}

    def __repr__(self) -> str:
        return self.path

    def child(self, step: str) -> Value:
        """What ``path + step`` gives."""
        if step not in self.children:
            self.children[step] = Unknown(self.path + step)
        return self.children[step]


class Unsupported:
    """A value that exists but cannot be used: any use is ``Opaque`` with ``reason``."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Function:
    """A closure: a ``def`` or ``lambda`` with the environment it was made in."""

    __slots__ = ("__weakref__", "attributes", "code", "defaults", "environment", "keyword_defaults", "name")

    def __init__(
        self,
        code: Code,
        environment: Environment,
        defaults: tuple[Value, ...],
        keyword_defaults: dict[str, Value],
    ) -> None:
        self.code = code
        self.environment = environment
        self.defaults = defaults
        self.keyword_defaults = keyword_defaults
        self.name = code.name
        self.attributes: dict[str, Value] = {}

    @property
    def node(self) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda:
        return self.code.node

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters' names in order, ``*`` and ``**`` included, without their stars."""
        return self.code.parameters

    def __repr__(self) -> str:
        return f"<function {self.name}>"


class NativeType:
    """A builtin type as the simulated program sees it: called, subclassed, given to ``isinstance``.

    ``python_type`` decides ``isinstance``; None means that only ``Instance``s and values of lrfix's own can have it.
    ``construct(vm, args, kwargs, node)`` is the call.
    """

    __slots__ = ("base", "construct", "name", "python_type")

    def __init__(
        self,
        name: str,
        python_type: type | tuple[type, ...] | None,
        construct: Callable[..., Value],
        base: bool = False,
    ) -> None:
        self.name = name
        self.python_type = python_type
        self.construct = construct
        self.base = base

    def __repr__(self) -> str:
        return f"<class '{self.name}'>"


class ClassValue:
    """A class of the simulated program. ``mro`` begins with the class itself and leaves ``object`` out."""

    __slots__ = ("__weakref__", "bases", "fields", "mro", "name", "namespace", "node")

    def __init__(
        self, name: str, node: ast.ClassDef | None, bases: tuple[Value, ...], namespace: dict[str, Value]
    ) -> None:
        self.name = name
        self.node = node
        self.bases = bases
        self.namespace = namespace
        self.mro: tuple[Value, ...] = (self,)
        self.fields: tuple[str, ...] = ()

    def lookup(self, name: str) -> Value:
        """The class attribute ``name`` along the MRO, or ``MISSING``."""
        for cls in self.mro:
            if type(cls) is ClassValue and name in cls.namespace:
                return cls.namespace[name]
        return MISSING

    @property
    def foreign_base(self) -> Unknown | None:
        """A base that is defined elsewhere, when there is one."""
        return next((cls for cls in self.mro if type(cls) is Unknown), None)

    def __repr__(self) -> str:
        return f"<class '{self.name}'>"


class Instance:
    """An object of a ``ClassValue``. ``fallback`` gives attributes that nothing sets (it may raise ``KeyError``)."""

    __slots__ = ("__weakref__", "attributes", "cls", "fallback")

    def __init__(
        self,
        cls: ClassValue,
        attributes: dict[str, Value] | None = None,
        fallback: Callable[[str], Value] | None = None,
    ) -> None:
        self.cls = cls
        self.attributes: dict[str, Value] = {} if attributes is None else attributes
        self.fallback = fallback

    def __repr__(self) -> str:
        return f"<{self.cls.name} object>"


class BoundMethod:
    __slots__ = ("function", "instance")

    def __init__(self, function: Value, instance: Value) -> None:
        self.function = function
        self.instance = instance

    @property
    def node(self) -> ast.AST | None:
        node: ast.AST | None = getattr(self.function, "node", None)
        return node

    @property
    def name(self) -> str:
        return str(self.function.name)

    def __repr__(self) -> str:
        return f"<bound method {self.name}>"


class Super:
    """``super()``: attributes of ``instance`` looked up after ``cls`` in its MRO."""

    __slots__ = ("cls", "instance")

    def __init__(self, cls: ClassValue, instance: Instance | ClassValue) -> None:
        self.cls = cls
        self.instance = instance


class Partial:
    """``functools.partial``."""

    __slots__ = ("args", "attributes", "function", "kwargs")

    def __init__(self, function: Value, args: tuple[Value, ...], kwargs: dict[str, Value]) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.attributes: dict[str, Value] = {}


class NativeFunction:
    """An allow-listed Python function.

    With ``aware`` it is called as ``function(vm, args, kwargs, node)`` and sees values as they are; otherwise as
    ``function(*args, **kwargs)``, every ``Unknown`` among the arguments made concrete first.
    """

    __slots__ = ("aware", "function", "name", "wanted")

    def __init__(self, name: str, function: Callable[..., Value], aware: bool = False, wanted: str = "number") -> None:
        self.name = name
        self.function = function
        self.aware = aware
        self.wanted = wanted

    def __repr__(self) -> str:
        return f"<built-in function {self.name}>"


class NativeMethod:
    """An allow-listed method bound to a Python value."""

    __slots__ = ("function", "name", "receiver")

    def __init__(self, name: str, receiver: Value, function: Callable[..., Value]) -> None:
        self.name = name
        self.receiver = receiver
        self.function = function


class ModuleValue:
    """An imported module; its attributes are resolved by qualified name (``numpy.pi``)."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<module '{self.name}'>"


class StaticMethod:
    __slots__ = ("function",)

    def __init__(self, function: Value) -> None:
        self.function = function


class ClassMethod:
    __slots__ = ("function",)

    def __init__(self, function: Value) -> None:
        self.function = function


class Property:
    """``property``; ``cached`` for ``functools.cached_property``, ``name`` then being where the value is kept."""

    __slots__ = ("cached", "deleter", "getter", "setter")

    def __init__(self, getter: Value, setter: Value = None, deleter: Value = None, cached: str | None = None) -> None:
        self.getter = getter
        self.setter = setter
        self.deleter = deleter
        self.cached = cached


class ContextManager:
    """A context manager without effect on the simulation (``torch.no_grad()``); ``suppressed`` exceptions end here."""

    __slots__ = ("result", "suppressed")

    def __init__(self, result: Value = None, suppressed: tuple[Value, ...] = ()) -> None:
        self.result = result
        self.suppressed = suppressed


class ArrayScalar(float):
    """A number that came out of numpy or torch: division by zero and overflow give inf or nan, as they do there."""

    __slots__ = ()


class ArrayInt(int):
    """The integer counterpart of ``ArrayScalar``."""

    __slots__ = ()
