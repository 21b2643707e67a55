"""Whether a function may read a variable of its own before anything has assigned it."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from lrfix.trees import children, walk

_Functions = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class _Read(Exception):
    """A name is read that may have no value."""


def may_read_unassigned(function: ast.FunctionDef) -> bool:
    """Whether some way through a function reads a local variable that it has not assigned; rather too often than never.

    What nested functions read is left out: it fails with another error.
    """
    own = set(_stored(function.body))
    given = {n.arg for n in walk(function.args) if isinstance(n, ast.arg)}
    if own <= given:
        return any(isinstance(n, ast.Delete) for n in walk(function))
    try:
        _through(function.body, given, own)
    except _Read:
        return True
    return False


def _stored(nodes: Sequence[ast.AST]) -> list[str]:
    """The names that statements make variables of their function."""
    found: list[str] = []
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.append(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.MatchAs | ast.MatchStar) and node.name is not None:
            found.append(node.name)
        if isinstance(node, _COMPREHENSIONS):
            stack += [n.target for n in walk(node) if isinstance(n, ast.NamedExpr)]
        elif not isinstance(node, _Functions):
            stack += children(node)
    return found


def _through(body: Sequence[ast.stmt], known: set[str], own: set[str]) -> set[str] | None:
    """What is certainly assigned behind statements before which ``known`` is; None where control does not get there."""
    known = set(known)
    for statement in body:
        if isinstance(statement, ast.If):
            _asked(statement.test, known, own)
            known_after = _met(_through(statement.body, known, own), _through(statement.orelse, known, own))
        elif isinstance(statement, ast.For | ast.While):
            _asked(statement.iter if isinstance(statement, ast.For) else statement.test, known, own)
            target = _stored([statement.target]) if isinstance(statement, ast.For) else []
            _through(statement.body, known.union(target), own)
            _through(statement.orelse, known, own)
            known_after = known
        elif isinstance(statement, ast.With):
            for item in statement.items:
                _asked(item.context_expr, known, own)
                known.update(_stored([item.optional_vars]) if item.optional_vars is not None else ())
            known_after = _through(statement.body, known, own)
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
            known_after = known | {statement.name}
        elif hasattr(statement, "body") or hasattr(statement, "cases") or isinstance(statement, ast.Delete):
            raise _Read  # not looked into
        else:
            _asked(statement, known, own)
            if isinstance(statement, ast.Return | ast.Raise | ast.Break | ast.Continue):
                return None
            known_after = known.union(_stored([statement]))
        if known_after is None:
            return None
        known = known_after
    return known


def _asked(node: ast.AST, known: set[str], own: set[str]) -> None:
    """Look for names that an expression or a plain statement reads."""
    added = isinstance(node, ast.AugAssign)
    for part in walk(node):
        reads = isinstance(part, ast.Name) and (added or isinstance(part.ctx, ast.Load))
        if reads and isinstance(part, ast.Name) and part.id in own and part.id not in known:
            raise _Read


def _met(one: set[str] | None, other: set[str] | None) -> set[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


__all__ = ["may_read_unassigned"]
