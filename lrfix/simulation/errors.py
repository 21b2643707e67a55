"""What can stop a simulation, and the exceptions of the simulated program itself."""

from __future__ import annotations

import ast
from typing import Any


class Opaque(Exception):
    """The code cannot be simulated. ``reason`` says why, in words that fit after "this schedule"."""

    def __init__(self, reason: str, node: ast.AST | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.node = node


class FuelSpent(Opaque):
    """The code ran longer than it was allowed to."""


class TooDeep(Opaque):
    """Calls or expressions nest deeper than the simulation follows."""


class TooLarge(Opaque):
    """A value would need more memory than the simulation allows."""


class UserError(Exception):
    """An exception of the simulated program: ``value`` is a builtin exception or an ``Instance`` of a user's class."""

    def __init__(self, value: Any, node: ast.AST | None = None) -> None:
        super().__init__(value)
        self.value = value
        self.node = node

    @property
    def kind(self) -> str:
        """The name of the exception's class."""
        cls = getattr(self.value, "cls", None)
        return str(cls.name) if cls is not None else type(self.value).__name__

    @property
    def message(self) -> str:
        """What ``str(exception)`` gives; values that the code does not fix appear as their source text."""
        if isinstance(self.value, KeyError) and len(self.value.args) == 1:
            return repr(self.value.args[0])
        args = self.value.args if isinstance(self.value, BaseException) else self.value.attributes.get("args", ())
        if not isinstance(args, tuple):
            return str(args)
        return str(args[0]) if len(args) == 1 else (str(args) if args else "")
