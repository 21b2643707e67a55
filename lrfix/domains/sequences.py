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


def beside_groups(nodes: Sequence[ast.AST]) -> frozenset[str]:
    """The parameters that hold one value for each parameter group: walked through together with the groups, as they are
    or as the attribute that keeps them."""
    inside = [node for root in nodes for node in walk(root)]
    counted = {name for node in inside for name in _counts_groups(node)}
    beside = (part for node in inside for part in (*_zipped(node), *_counted(node, counted)))
    found = {last_word(written(part)) for part in beside if isinstance(part, ast.Name | ast.Attribute)}
    for node in inside:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Attribute):
            continue
        value = node.value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in ("list", "tuple"):
            value = value.args[0] if value.args else value
        if isinstance(value, ast.Name) and node.targets[0].attr in found:
            found.add(value.id)
    return frozenset(found & {n.arg for n in inside if isinstance(n, ast.arg)})


def _are_groups(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "param_groups"


def _zipped(node: ast.AST) -> list[ast.expr]:
    """What goes along with the groups in one walk: ``zip(optimizer.param_groups, self.rates)``."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != "zip":
        return []
    return [part for part in node.args if not _are_groups(part)] if any(map(_are_groups, node.args)) else []


def _numbers(node: ast.AST) -> tuple[str, ast.expr] | None:
    """The name that counts what a loop goes through: ``for i, group in enumerate(groups)``."""
    if not isinstance(node, ast.For | ast.comprehension) or not isinstance(node.target, ast.Tuple):
        return None
    call, first = node.iter, node.target.elts[0]
    counts = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "enumerate"
    if not counts or not isinstance(call, ast.Call) or not call.args or not isinstance(first, ast.Name):
        return None
    return first.id, call.args[0]


def _counts_groups(node: ast.AST) -> list[str]:
    """The names of the present group's number."""
    if isinstance(node, ast.Subscript) and _are_groups(node.value) and isinstance(node.slice, ast.Name):
        return [node.slice.id]
    numbered = _numbers(node)
    return [numbered[0]] if numbered is not None and _are_groups(numbered[1]) else []


def _counted(node: ast.AST, counted: set[str]) -> list[ast.expr]:
    """What is read at the number of the present group, or counted by the same name."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name) and node.slice.id in counted:
        return [node.value] if not _are_groups(node.value) else []
    numbered = _numbers(node)
    return [numbered[1]] if numbered is not None and numbered[0] in counted else []


def several(value: object) -> object:
    """Two plausible values in the place of one: lengths ascend, rates and factors descend."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if isinstance(value, float):
        return [value, value / 2]
    begin = value if value <= _LONG else value // 3
    return [begin, begin + _APART]


__all__ = ["beside_groups", "sequences", "several"]
