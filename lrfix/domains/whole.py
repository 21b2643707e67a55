"""Which lengths a file declares to be whole numbers: a fraction is nothing that anyone may pass there."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.roles import last_word
from lrfix.names import Assigned, Names

#: Calls whose answer is a whole number, whatever they are given.
WHOLE_CALLS = frozenset({"int", "len", "math.ceil", "math.floor"})


class WholeNumbers:
    """What the annotations, options and loops of a file say of its numbers."""

    def __init__(self, names: Names) -> None:
        said: dict[str, set[bool]] = {}
        for name, whole in _declarations(names):
            said.setdefault(name, set()).add(whole)
        self._declared = {name for name, answers in said.items() if answers == {True}}
        self._counted = {
            ast.unparse(argument)
            for node in names.nodes
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"
            for argument in node.args
        }

    def __contains__(self, path: object) -> bool:
        if not isinstance(path, str):
            return False
        return path.startswith("len(") or path in self._counted or last_word(path) in self._declared


def is_whole(names: Names, whole: WholeNumbers, node: ast.expr, depth: int = 4) -> bool:
    """Whether an expression is a whole number by what the file declares of its parts."""
    if ast.unparse(node) in whole:
        return True
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int)
    if isinstance(node, ast.BinOp):
        sides = is_whole(names, whole, node.left, depth) and is_whole(names, whole, node.right, depth)
        return sides and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.FloorDiv)
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in WHOLE_CALLS
    if not isinstance(node, ast.Name) or not depth:
        return False
    bindings = [b for scope in names.scopes.values() for b in scope.bindings.get(node.id, ())]
    values = [b.value for b in bindings if isinstance(b, Assigned) and not b.index]
    return len(values) == len(bindings) > 0 and all(is_whole(names, whole, value, depth - 1) for value in values)


def _declarations(names: Names) -> Iterator[tuple[str, bool]]:
    """Each name with a declared type, and whether that is ``int``."""
    for node in names.nodes:
        if isinstance(node, ast.arg) and node.annotation is not None:
            yield last_word(node.arg), _is_int(node.annotation)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name | ast.Attribute):
            yield last_word(ast.unparse(node.target)), _is_int(node.annotation)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            kind = next((k.value for k in node.keywords if k.arg == "type"), None)
            flags = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if kind is not None:
                yield from ((flag.lstrip("-").replace("-", "_").lower(), _is_int(kind)) for flag in flags)


def _is_int(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "int"


__all__ = ["WHOLE_CALLS", "WholeNumbers", "is_whole"]
