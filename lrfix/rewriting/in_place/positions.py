"""A position that is put together where it is read: ``epoch + i / len(loader)``, ``self.step + self.resume_step``."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence
from dataclasses import replace

from lrfix.domains.clock import tick_of
from lrfix.domains.roles import Role, role_of
from lrfix.rewriting.in_place.methods import copied
from lrfix.rewriting.in_place.regions import Region

POSITION = "position_of_lrfix"
"""What stands for the position in the programs of a proof, and for one that is put together."""

_PARTS = frozenset({Role.LOADER_LENGTH, Role.LAST_EPOCH})
_TOGETHER = ast.Add | ast.Mult | ast.Div


def put_together(region: Region, constants: bool = False) -> Region | None:
    """The region with its one expression for the position as a leaf of its own; None where there is no such thing.

    ``constants``: whole numbers may be a part of it, as in ``epoch + 1``."""
    ticks = {leaf for leaf in region.leaves if tick_of(leaf) is not None}
    if not ticks:
        return None
    counted = {*region.leaves, *(_numbers(region.computed) if constants else ())}
    found = [n for s in region.computed for n in _outermost(s, counted)]
    texts = {ast.unparse(n) for n in found}
    if len(texts) != 1:
        return None
    (text,) = texts
    replaced = _Replaced(text)
    statements = tuple(replaced.visit(copied(s)) for s in region.computed)
    left = {ast.unparse(n) for s in statements for n in ast.walk(s) if isinstance(n, ast.expr)}
    if ticks & left:
        return None
    leaves = {leaf: node for leaf, node in region.leaves.items() if leaf in left}
    leaves[POSITION] = ast.Name(POSITION, ast.Load())
    return replace(region, computed=statements, leaves=leaves, steps=(POSITION,), position=text)


def _numbers(statements: Sequence[ast.stmt]) -> set[str]:
    constants = (n for s in statements for n in ast.walk(s) if isinstance(n, ast.Constant) and type(n.value) is int)
    return {ast.unparse(node) for node in constants}


def _outermost(node: ast.AST, leaves: Collection[str]) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and _tells(node, leaves):
        return [node]
    return [found for child in ast.iter_child_nodes(node) for found in _outermost(child, leaves)]


def _tells(node: ast.BinOp, leaves: Collection[str]) -> bool:
    """Whether an expression adds up a position: of counts and the lengths of an epoch, and nothing else."""
    parts: list[str] = []
    if not _gathered(node, leaves, parts) or not isinstance(node.op, ast.Add):
        return False
    return len(set(parts)) > 1 and any(tick_of(part) is not None for part in parts)


def _gathered(node: ast.expr, leaves: Collection[str], parts: list[str]) -> bool:
    text = ast.unparse(node)
    if text in leaves:
        parts.append(text)
        return isinstance(node, ast.Constant) or tick_of(text) is not None or role_of(text) in _PARTS
    if isinstance(node, ast.BinOp) and isinstance(node.op, _TOGETHER):
        return _gathered(node.left, leaves, parts) and _gathered(node.right, leaves, parts)
    return False


class _Replaced(ast.NodeTransformer):
    def __init__(self, text: str) -> None:
        self.text = text

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if ast.unparse(node) == self.text:
            return ast.copy_location(ast.Name(POSITION, ast.Load()), node)
        self.generic_visit(node)
        return node


def written_as(statements: Sequence[ast.stmt], text: str) -> list[ast.stmt]:
    """Statements of new code with the position as the leaf that stands for it."""
    replaced = _Replaced(ast.unparse(ast.parse(text, mode="eval")))
    return [replaced.visit(copied(s)) for s in statements]


__all__ = ["POSITION", "put_together", "written_as"]
