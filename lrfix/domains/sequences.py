"""Which parameters hold several values: the code measures, indexes or walks through them."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from lrfix.domains.clock import tick_of
from lrfix.domains.roles import last_word
from lrfix.trees import walk, written

_WALKS = frozenset(
    {"enumerate", "zip", "sorted", "sum", "list", "tuple", "reversed", "set", "bisect_right", "bisect_left"}
)
_ANNOTATIONS = frozenset({"list", "tuple", "Sequence", "List", "Tuple", "Iterable"})
_APART = 18
_LONG = 60
"""A length up to which the places of a list may begin at it: counted in epochs too, all of them are met."""


def sequences(nodes: Sequence[ast.AST]) -> frozenset[str]:
    """The last words of expressions that the code takes for sequences (``self.milestones`` -> ``milestones``)."""
    found: set[str] = set()
    for root in nodes:
        counters = {n.target.id for n in walk(root) if isinstance(n, ast.For) and isinstance(n.target, ast.Name)}
        for node in walk(root):
            for part in _walked(node, counters):
                if isinstance(part, ast.Name | ast.Attribute):
                    found.add(last_word(written(part)))
    return frozenset(found)


def _walked(node: ast.AST, counters: set[str]) -> list[ast.expr]:
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name == "len" or name in _WALKS:
            return node.args[:1] if name.startswith("bisect") else list(node.args)
    if isinstance(node, ast.For | ast.comprehension):
        return [node.iter]
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
        ticks = isinstance(node.left, ast.Name) and tick_of(node.left.id) is not None
        return node.comparators[:1] if ticks else []
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name) and node.slice.id in counters:
        return [node.value]
    if isinstance(node, ast.arg) and node.annotation is not None:
        head = node.annotation.value if isinstance(node.annotation, ast.Subscript) else node.annotation
        if written(head).rpartition(".")[2] in _ANNOTATIONS:
            return [ast.Name(node.arg, ast.Load())]
    return []


def several(value: object) -> object:
    """Two plausible values in the place of one: lengths ascend, rates and factors descend."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if isinstance(value, float):
        return [value, value / 2]
    begin = value if value <= _LONG else value // 3
    return [begin, begin + _APART]


__all__ = ["sequences", "several"]
