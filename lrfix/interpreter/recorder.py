"""What an observer of a simulation can see."""

from __future__ import annotations

import ast
from collections.abc import Container
from typing import Any

#: How the names of natives end whose calls observers hear of: all others are far too many.
HEARD = ".cos"


class Recorder:
    """Keeps the statements that ran and does nothing else; override what is of interest.

    ``mine``: the nodes that it hears of, where all others are nothing to it; whoever writes at others need not tell it.
    """

    mine: Container[ast.AST] | None = None

    def __init__(self) -> None:
        self.statements: set[ast.AST] = set()

    def attribute_write(self, instance: Any, name: str, old: Any, new: Any, node: ast.AST) -> None: ...

    def variable_write(self, environment: Any, name: str, old: Any, new: Any, node: ast.AST, kind: str) -> None: ...

    def item_write(self, container: Any, key: Any, old: Any, new: Any, node: ast.AST) -> None: ...

    def call(self, function: Any, args: Any, node: ast.AST | None) -> None: ...

    def applied(self, name: str, arguments: Any, node: ast.AST | None) -> None: ...

    def returned(self, function: Any, value: Any, node: ast.AST | None) -> None: ...
