"""The block of statements that a statement stands in."""

from __future__ import annotations

import ast

from lrfix.names import Names


def block_of(names: Names, statement: ast.stmt) -> list[ast.stmt]:
    """The statements beside ``statement``, itself included, in the order of the text."""
    parent = names.parents[statement]
    for name in ("body", "orelse", "finalbody"):
        block = getattr(parent, name, None)
        if isinstance(block, list) and statement in block:
            return block
    return [statement]


__all__ = ["block_of"]
