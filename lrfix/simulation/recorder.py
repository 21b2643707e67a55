"""What the interpreter tells about a run while it goes on. The base class listens to nothing."""

from __future__ import annotations

import ast
from typing import Any

from lrfix.simulation.environment import Environment


class Recorder:
    """Override what is needed: methods left as they are cost nothing.

    ``old`` is ``values.MISSING`` where there was no value, ``new`` where one was removed. ``node`` is None for what an
    ``Interpreter``'s own caller does.
    """

    def statement(self, node: ast.stmt) -> None:
        """A statement is about to run."""

    def branch(self, node: ast.AST, taken: bool) -> None:
        """The condition of an ``if``, ``while`` or conditional expression was evaluated."""

    def attribute_read(self, instance: Any, name: str, value: Any, node: ast.AST) -> None:
        """An attribute of an instance, class or function was read; methods count."""

    def attribute_write(self, instance: Any, name: str, old: Any, new: Any, node: ast.AST) -> None:
        """An attribute of an instance, class or function was set or deleted."""

    def variable_write(
        self, environment: Environment, name: str, old: Any, new: Any, node: ast.AST, kind: str
    ) -> None:
        """A variable of an outer scope was set; ``kind`` is ``nonlocal`` or ``global``."""

    def item_write(self, container: Any, key: Any, old: Any, new: Any, node: ast.AST) -> None:
        """An element was set or removed. A method that changes many at once is reported with its name as the key."""

    def call(self, function: Any, args: Any, node: ast.AST | None) -> None:
        """A function is about to run; ``args`` are its positional arguments."""

    def returned(self, function: Any, value: Any, node: ast.AST | None) -> None:
        """A function came to its end with ``value``."""
