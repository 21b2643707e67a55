"""Walks over syntax trees, remembered on the node: runs of one site ask for the same ones again; where ways end."""

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


def terminates(statement: ast.stmt) -> bool:
    """Whether control never passes beyond ``statement``."""
    if isinstance(statement, ast.Return | ast.Raise | ast.Break | ast.Continue):
        return True
    if isinstance(statement, ast.If):
        return bool(statement.orelse) and _ends(statement.body) and _ends(statement.orelse)
    if isinstance(statement, ast.With):
        return _ends(statement.body)
    if isinstance(statement, ast.Try):
        if statement.finalbody and _ends(statement.finalbody):
            return True
        ends = _ends(statement.orelse) if statement.orelse else _ends(statement.body)
        return ends and all(_ends(h.body) for h in statement.handlers)
    return False


def _ends(body: list[ast.stmt]) -> bool:
    return any(terminates(s) for s in body)


def runs_off(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a way through a function comes to its end without a `return` of a value."""
    bare = any(isinstance(n, ast.Return) and n.value is None for n in walk(function))
    return bare or not _ends(function.body)


__all__ = ["REMEMBERED", "runs_off", "terminates", "walk"]
