"""Whether a value is a table of numbers: an array or a list that the code works out."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from lrfix.names import Assigned, Names
from lrfix.sites.formulas import CALCULATIONS
from lrfix.sites.vocabulary import called_name
from lrfix.trees import walk

#: Library functions whose result is a table.
TABLES = frozenset(
    {"concatenate", "linspace", "arange", "interp", "hstack", "append", "cat", "full", "zeros", "ones", "logspace"}
    | {"geomspace", "tile"}
)
#: Calls that give a table where they are given one.
_KEEPING = frozenset(
    {"array", "tensor", "asarray", "as_tensor", "list", "tuple", "tolist", "numpy", "float", "astype", "where"}
)
_MAX_HOPS = 4


def is_table(names: Names, node: ast.expr, hops: int = 0) -> bool:
    """Whether an expression is an array or a list of numbers that the code works out."""
    if isinstance(node, ast.BinOp):
        return is_table(names, node.left, hops) or is_table(names, node.right, hops)
    if isinstance(node, ast.UnaryOp):
        return is_table(names, node.operand, hops)
    if isinstance(node, ast.ListComp):
        return _walks_numbers(names, node.generators[0].iter, hops)
    if isinstance(node, ast.Call):
        name = called_name(node)
        if name in TABLES:
            return bool(node.args)
        given = [*node.args, node.func.value] if isinstance(node.func, ast.Attribute) else node.args
        return name in _KEEPING | CALCULATIONS and any(is_table(names, g, hops) for g in given)
    if isinstance(node, ast.Name) and hops < _MAX_HOPS:
        values = [b.value for b in names.bindings(node.id, node) if isinstance(b, Assigned) and not b.index]
        return any(is_table(names, v, hops + 1) for v in values) or _filled(names, node, values)
    return False


def _walks_numbers(names: Names, iterated: ast.expr, hops: int) -> bool:
    return (isinstance(iterated, ast.Call) and called_name(iterated) in ("range", "trange")) or is_table(
        names, iterated, hops + 1
    )


def _filled(names: Names, name: ast.Name, values: Sequence[ast.expr]) -> bool:
    """A list that begins empty and is given number after number in a loop over a range."""
    if not any(isinstance(v, ast.List) and not v.elts for v in values):
        return False
    scope = names.owner(name.id, names.scope_of(name))
    for node in walk(scope.node if scope is not None else names.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
            listed = node.func.value
            loop = names.enclosing(node, ast.For)
            if isinstance(listed, ast.Name) and listed.id == name.id and isinstance(loop, ast.For):
                return _walks_numbers(names, loop.iter, 0)
    return False


__all__ = ["TABLES", "is_table"]
