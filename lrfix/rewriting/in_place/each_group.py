"""``return [base * factor for base in self.base_lrs]``: what is returned is a list, and the formula one value of it."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from lrfix.names import Names

Each = tuple[str, str]
"""The name of one value, and the text of the list that is gone through."""


def listed(names: Names, statements: Sequence[ast.stmt]) -> Each | None:
    """What every ``return`` of the statements goes through, where all do so alike and the name means nothing else."""
    found: set[Each] = set()
    inside: set[ast.AST] = set()
    for node in (n for s in statements for n in ast.walk(s)):
        if not isinstance(node, ast.Return):
            continue
        if not isinstance(node.value, ast.ListComp) or (each := _each(node.value)) is None:
            return None
        found.add(each)
        inside |= set(ast.walk(node.value))
    if len(found) != 1:
        return None
    (each,) = found
    if names.owner(each[0], names.scope_of(statements[0])) is not None:
        return None
    outside = (n for s in statements for n in ast.walk(s) if n not in inside)
    return None if any(isinstance(n, ast.Name) and n.id == each[0] for n in outside) else each


def _each(node: ast.ListComp) -> Each | None:
    (first, *more) = node.generators
    plain = isinstance(first.target, ast.Name) and isinstance(first.iter, ast.Name | ast.Attribute)
    if more or first.ifs or first.is_async or not plain:
        return None
    return ast.unparse(first.target), ast.unparse(first.iter)


def one_of_each(names: Names | None, statement: ast.stmt) -> ast.stmt:
    """The statement with each list that it returns as one value of it; expressions are those of the text."""
    made = statement
    if isinstance(statement, ast.Return) and isinstance(statement.value, ast.ListComp):
        made = ast.copy_location(ast.Return(statement.value.elt), statement)
    elif isinstance(statement, ast.If):
        sides = ([one_of_each(names, s) for s in side] for side in (statement.body, statement.orelse))
        made = ast.copy_location(ast.If(statement.test, *sides), statement)
    if made is not statement and names is not None:
        names.parents[made] = statement  # its scope is that of the text
    return made


__all__ = ["Each", "listed", "one_of_each"]
