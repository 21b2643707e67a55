"""Which local variables can have a value where they are read. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def unassigned_reads(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.Name]:
    """Reads of local variables that no way through ``function`` can have assigned before.

    Wherever a way might have assigned the variable, in an earlier turn of a loop too, the read is left out.
    """
    outer = {n for s in ast.walk(function) if isinstance(s, ast.Global | ast.Nonlocal) for n in s.names}
    arguments = function.args
    given = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    given |= {a.arg for a in (arguments.vararg, arguments.kwarg) if a is not None}
    local = {name for s in function.body for name in _bound(s)} - outer - given
    found: list[ast.Name] = []
    _follow(function.body, set(), local, found)
    return found


def _follow(body: list[ast.stmt], known: set[str], local: set[str], found: list[ast.Name]) -> set[str]:
    """The variables that may have a value after ``body``; reads of those that cannot are collected."""
    for statement in body:
        known = _after(statement, known, local, found)
    return known


def _after(statement: ast.stmt, known: set[str], local: set[str], found: list[ast.Name]) -> set[str]:
    if isinstance(statement, ast.If):
        known = _read(statement.test, known, local, found)
        taken = _follow(statement.body, set(known), local, found)
        return taken | _follow(statement.orelse, set(known), local, found)
    if isinstance(statement, ast.For | ast.AsyncFor | ast.While):
        head = statement.test if isinstance(statement, ast.While) else statement.iter
        known = _read(head, known, local, found) | _bound(statement)
        return _follow(statement.orelse, _follow(statement.body, known, local, found), local, found)
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        if statement.value is not None:
            known = _read(statement.value, known, local, found)
        return known | _bound(statement)
    if isinstance(statement, ast.AugAssign):
        known = _read(statement.value, known, local, found)
        target = statement.target
        if isinstance(target, ast.Name) and target.id in local and target.id not in known:
            found.append(target)
        return known | _bound(statement)
    if isinstance(statement, ast.Return | ast.Expr) and statement.value is not None:
        return _read(statement.value, known, local, found)
    return known | _bound(statement)


def _read(node: ast.expr, known: set[str], local: set[str], found: list[ast.Name]) -> set[str]:
    for name in _loads(node):
        if name.id in local and name.id not in known:
            found.append(name)
    return known | {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}


def _loads(node: ast.AST) -> Iterator[ast.Name]:
    """Names read at once: not in nested functions, nor in comprehensions, which have variables of their own."""
    if isinstance(node, (*_SCOPES, *_COMPREHENSIONS, ast.NamedExpr)):
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _loads(child)


def _bound(node: ast.AST) -> set[str]:
    """The names that a statement, blocks in it included, binds in its own scope."""
    found: set[str] = set()
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Lambda):
        return found
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        found.add(node.id)
    elif isinstance(node, ast.Import | ast.ImportFrom):
        found |= {(a.asname or a.name).split(".")[0] for a in node.names}
    elif (isinstance(node, ast.ExceptHandler) and node.name) or (
        isinstance(node, ast.MatchAs | ast.MatchStar) and node.name
    ):
        found.add(node.name)
    elif isinstance(node, ast.MatchMapping) and node.rest:
        found.add(node.rest)
    for child in ast.iter_child_nodes(node):
        found |= _bound(child)
    return found


__all__ = ["unassigned_reads"]
