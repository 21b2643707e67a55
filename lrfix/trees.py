"""Walks over syntax trees, remembered on the node: runs of one site ask for the same ones again and again."""

from __future__ import annotations

import ast

#: The attribute of a node that keeps its walk. Who edits a tree drops it from the place and all around it.
REMEMBERED = "lrfix_walk"


def walk(node: ast.AST) -> tuple[ast.AST, ...]:
    """``node`` and all nodes below it, in the order of ``ast.walk``."""
    known: tuple[ast.AST, ...] | None = node.__dict__.get(REMEMBERED)
    if known is None:
        known = node.__dict__[REMEMBERED] = tuple(ast.walk(node))
    return known


__all__ = ["REMEMBERED", "walk"]
