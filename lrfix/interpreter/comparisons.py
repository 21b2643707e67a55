"""Comparing objects of interpreted classes: whom Python asks, in which order, and what it says where nobody answers."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.limits import decides_equality
from lrfix.interpreter.values import MISSING, BoundMethod, Instance

Machine = Any
_MIRRORED = {
    "__lt__": "__gt__",
    "__gt__": "__lt__",
    "__le__": "__ge__",
    "__ge__": "__le__",
    "__eq__": "__eq__",
    "__ne__": "__ne__",
}
_SYMBOLS = {"__lt__": "<", "__gt__": ">", "__le__": "<=", "__ge__": ">="}


def compared(machine: Machine, left: Any, right: Any, dunder: str, node: ast.AST) -> Any:
    """``left < right`` where one of them, or both, is an object: the left one is asked first, unless the right one is
    of a class derived from its."""
    asked = [(left, dunder, right), (right, _MIRRORED[dunder], left)]
    both = isinstance(left, Instance) and isinstance(right, Instance)
    if both and right.cls is not left.cls and right.cls.derives(left.cls):
        asked.reverse()
    for receiver, name, argument in asked:
        if isinstance(receiver, Instance):
            value = _answer(machine, receiver, name, argument, node)
            if value is not NotImplemented:
                return value
    if dunder in ("__eq__", "__ne__"):
        return (left is right) is (dunder == "__eq__")
    names = [v.cls.name if isinstance(v, Instance) else type(v).__name__ for v in (left, right)]
    message = f"'{_SYMBOLS[dunder]}' not supported between instances of '{names[0]}' and '{names[1]}'"
    raise UserError(TypeError(message), node)


def _answer(machine: Machine, receiver: Instance, name: str, argument: Any, node: ast.AST) -> Any:
    method = receiver.cls.find(name)
    if method is not MISSING:
        return machine.invoke(BoundMethod(method, receiver), [argument], {}, node)
    if name == "__ne__":
        equal = _answer(machine, receiver, "__eq__", argument, node)
        return equal if equal is NotImplemented else not machine.truth(equal, node)
    if not decides_equality(receiver):
        return NotImplemented
    if name != "__eq__":
        raise Opaque(f"orders objects of the data class `{receiver.cls.name}`", node)
    if not isinstance(argument, Instance) or argument.cls is not receiver.cls:
        return NotImplemented
    return all(
        machine.truth(
            machine.compare(operator.eq, receiver.attributes[field], argument.attributes.get(field), "__eq__", node),
            node,
        )
        for field in _fields(receiver)
    )


def _fields(instance: Instance) -> list[str]:
    statements = [s for cls in instance.cls.mro if cls.node is not None for s in cls.node.body]
    named = [s.target.id for s in statements if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)]
    return [name for name in named if name in instance.attributes]


class Ordered:
    """An object among values that Python itself puts in order (``max``, ``sorted``)."""

    def __init__(self, machine: Machine, value: Instance, node: ast.AST | None) -> None:
        self.machine = machine
        self.value = value
        self.node = node or ast.Pass()

    def __lt__(self, other: Any) -> bool:
        return self._compare(operator.lt, other, "__lt__")

    def __gt__(self, other: Any) -> bool:
        return self._compare(operator.gt, other, "__gt__")

    def _compare(self, operation: Callable[[Any, Any], Any], other: Any, dunder: str) -> bool:
        plain = other.value if isinstance(other, Ordered) else other
        compared = self.machine.compare(operation, self.value, plain, dunder, self.node)
        return bool(self.machine.truth(compared, self.node))


def ordering(machine: Machine, key: Any, node: ast.AST | None) -> Callable[[Any], Any]:
    """A key for Python's own ordering: the program's key, if it has one, and objects compared as the program does."""

    def run(item: Any) -> Any:
        value = item if key is None else machine.invoke(key, [item], {}, node)
        return Ordered(machine, value, node) if isinstance(value, Instance) else value

    return run


__all__ = ["Ordered", "compared", "ordering"]
