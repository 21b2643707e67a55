"""How a simulation ends early: opaque code, limits, and the user's own exceptions."""

from __future__ import annotations

import ast
from typing import Any

#: What Python raises for the program's own doing when it computes on values of the program.
PYTHON_ERRORS = (
    ArithmeticError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    StopIteration,
    RuntimeError,
    AssertionError,
)


class Opaque(Exception):
    """The code cannot be simulated; ``reason`` says why in plain words, ``node`` where."""

    def __init__(self, reason: str, node: ast.AST | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.node = node


class FuelSpent(Opaque):
    """Too many steps: an endless loop, most likely."""


class ReserveSpent(Opaque):
    """What this simulation shares with others is used up."""


class TooDeep(Opaque):
    """Too many calls inside each other."""


class UserError(Exception):
    """An exception of the interpreted program. ``value`` is a Python builtin exception or an interpreted instance."""

    def __init__(self, value: Any, node: ast.AST | None = None) -> None:
        super().__init__(str(value))
        self.value = value
        self.node = node

    @property
    def kind(self) -> str:
        """The name of the exception's class."""
        cls = getattr(self.value, "cls", None)
        return str(cls.name) if cls is not None else type(self.value).__name__

    @property
    def message(self) -> str:
        if isinstance(self.value, BaseException):
            return str(self.value)
        arguments = getattr(self.value, "attributes", {}).get("args", ())
        return ", ".join(map(str, arguments))


class Finished(Exception):
    """The schedule says nothing beyond the steps it has given: a table has come to its end."""
