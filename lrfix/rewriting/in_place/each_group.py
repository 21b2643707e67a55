"""``return [base * factor for base in self.base_lrs]``: what is returned is a list, and the formula one value of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from lrfix.names import Names

Each = tuple[str, str]
"""The name of one value, and the text of the list that is gone through."""


def listed(names: Names, statements: Sequence[ast.stmt]) -> Each | None:
    """What every list that is returned goes through, where all do so alike and the name means nothing else."""
    found: set[Each] = set()
    inside: set[ast.AST] = set()
    lists = _lists(statements)
    for made in lists:
        if not isinstance(made, ast.ListComp) or (each := _each(made)) is None:
            return None
        found.add(each)
        inside |= set(ast.walk(made))
    if len(found) != 1:
        return None
    (each,) = found
    if names.owner(each[0], names.scope_of(statements[0])) is not None:
        return None
    outside = (n for s in statements for n in ast.walk(s) if n not in inside)
    return None if any(isinstance(n, ast.Name) and n.id == each[0] for n in outside) else each


def _lists(statements: Sequence[ast.stmt]) -> list[ast.expr | None]:
    """What is returned, or put into the name that is; None where a name is used in another way."""
    everything = [n for s in statements for n in ast.walk(s)]
    returned = [n.value for n in everything if isinstance(n, ast.Return)]
    kept = _kept(statements)
    named = [v for v in returned if isinstance(v, ast.Name)]
    put: list[ast.expr | None] = [n.value for n in _flat(statements) if isinstance(n, ast.Assign) and _puts(n, kept)]
    uses = sum(isinstance(n, ast.Name) and n.id in kept for n in everything)
    return [v for v in returned if v not in named] + put if uses == len(named) + len(put) else [None]


def _kept(statements: Sequence[ast.stmt]) -> frozenset[str]:
    """The names that are returned."""
    values = (n.value for s in statements for n in ast.walk(s) if isinstance(n, ast.Return))
    return frozenset(value.id for value in values if isinstance(value, ast.Name))


def _puts(node: ast.Assign, kept: frozenset[str]) -> bool:
    return len(node.targets) == 1 and isinstance(node.targets[0], ast.Name) and node.targets[0].id in kept


def _flat(statements: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in statements:
        yield statement
        if isinstance(statement, ast.If):
            yield from _flat([*statement.body, *statement.orelse])


def _each(node: ast.ListComp) -> Each | None:
    (first, *more) = node.generators
    plain = isinstance(first.target, ast.Name) and isinstance(first.iter, ast.Name | ast.Attribute)
    if more or first.ifs or first.is_async or not plain:
        return None
    return ast.unparse(first.target), ast.unparse(first.iter)


def one_of_each(names: Names | None, statements: Sequence[ast.stmt]) -> tuple[ast.stmt, ...]:
    """The statements with one value of each list that they return; expressions are those of the text."""
    kept = _kept(statements)
    return tuple(_one(names, statement, kept) for statement in statements)


def _one(names: Names | None, statement: ast.stmt, kept: frozenset[str]) -> ast.stmt:
    made = statement
    if isinstance(statement, ast.Return) and isinstance(statement.value, ast.ListComp):
        made = ast.copy_location(ast.Return(statement.value.elt), statement)
    elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.ListComp) and _puts(statement, kept):
        made = ast.copy_location(ast.Assign(statement.targets, statement.value.elt), statement)
    elif isinstance(statement, ast.If):
        sides = ([_one(names, s, kept) for s in side] for side in (statement.body, statement.orelse))
        made = ast.copy_location(ast.If(statement.test, *sides), statement)
    if made is not statement and names is not None:
        names.parents[made] = statement  # its scope is that of the text
    return made


__all__ = ["Each", "listed", "one_of_each"]
