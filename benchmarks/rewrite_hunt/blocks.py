"""What differs between two texts, statement by statement, and what it reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class Block:
    """Statements of the old text and those of the new one that stand in their place, within ``function``."""

    old: list[ast.stmt]
    new: list[ast.stmt]
    function: ast.FunctionDef | None
    new_function: ast.FunctionDef | None

    @property
    def line(self) -> int:
        return min([s.lineno for s in self.old], default=0)


_BODIES = ("body", "orelse", "finalbody")


def blocks(
    old: Sequence[ast.stmt],
    new: Sequence[ast.stmt],
    function: ast.FunctionDef | None = None,
    other: ast.FunctionDef | None = None,
) -> Iterator[Block]:
    """The smallest runs of statements that are not the same."""
    old = [s for s in old if not isinstance(s, ast.Import | ast.ImportFrom)]
    new = [s for s in new if not isinstance(s, ast.Import | ast.ImportFrom)]
    left, right = [ast.dump(s) for s in old], [ast.dump(s) for s in new]
    first = 0
    while first < min(len(left), len(right)) and left[first] == right[first]:
        first += 1
    last = 0
    while last < min(len(left), len(right)) - first and left[-1 - last] == right[-1 - last]:
        last += 1
    a, b = list(old[first : len(old) - last]), list(new[first : len(new) - last])
    if not a and not b:
        return
    # Definitions of the module that are gone were used by what follows, and are no block of their own.
    if len(a) != len(b) and function is None:
        kept = [s for s in a if not _is_definition(s) or any(_named(s) == _named(t) for t in b)]
        a = kept if len(kept) == len(b) else a
    if len(a) == len(b) and any(_alike(s, t) for s, t in zip(a, b, strict=True)):
        pending: tuple[list[ast.stmt], list[ast.stmt]] = ([], [])
        for s, t in zip(a, b, strict=True):
            if _alike(s, t):
                if pending[0]:
                    yield Block(*pending, function, other)
                    pending = ([], [])
                if ast.dump(s) != ast.dump(t):
                    yield from _inside(s, t, function, other)
            elif ast.dump(s) != ast.dump(t):
                pending[0].append(s)
                pending[1].append(t)
        if pending[0]:
            yield Block(*pending, function, other)
        return
    yield Block(a, b, function, other)


def _is_definition(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.ClassDef)


def _named(node: ast.stmt) -> str | None:
    return getattr(node, "name", None)


def _alike(a: ast.stmt, b: ast.stmt) -> bool:
    """Whether two compound statements differ in what they hold alone."""
    if type(a) is not type(b) or not any(getattr(a, f, None) for f in _BODIES):
        return False
    if isinstance(a, ast.ClassDef) and isinstance(b, ast.ClassDef):
        return a.name == b.name and [ast.dump(x) for x in a.bases] == [ast.dump(x) for x in b.bases]
    if isinstance(a, ast.FunctionDef) and isinstance(b, ast.FunctionDef):
        return a.name == b.name and ast.dump(a.args) == ast.dump(b.args)
    heads = [(getattr(x, "test", None), getattr(x, "iter", None), getattr(x, "target", None)) for x in (a, b)]
    shown = [[ast.dump(part) if isinstance(part, ast.AST) else part for part in head] for head in heads]
    return shown[0] == shown[1]


def _inside(a: ast.stmt, b: ast.stmt, function: Any, other: Any) -> Iterator[Block]:
    if isinstance(a, ast.FunctionDef) and isinstance(b, ast.FunctionDef):
        function, other = a, b
    for name in _BODIES:
        yield from blocks(getattr(a, name, []) or [], getattr(b, name, []) or [], function, other)


def free_names(statements: Sequence[ast.stmt]) -> set[str]:
    own: set[str] = set()
    found: set[str] = set()
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.arg):
                own.add(node.arg)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                own.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                found.add(node.id)
            elif isinstance(node, ast.comprehension):
                own |= {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)}
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
    return found - own


def holders(statements: Sequence[ast.stmt]) -> Iterator[str]:
    """Names that are read as objects: ``state`` of ``state.timestamp``."""
    for statement in statements:
        for node in ast.walk(statement):
            if (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)) or (
                isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and _is_text(node.slice)
            ):
                yield node.value.id


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def attributes(statements: Sequence[ast.stmt]) -> dict[str, list[str]]:
    """What is read of each name."""
    found: dict[str, list[str]] = {}
    for node in (n for s in statements for n in ast.walk(s)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load):
            found.setdefault(node.value.id, []).append(node.attr)
    return found
