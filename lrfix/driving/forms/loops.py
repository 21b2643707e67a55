"""What loops count, as their text says it: the variable that counts the turns, and where it starts."""

from __future__ import annotations

import ast

from lrfix.names import FUNCTION_NODES, Names
from lrfix.sites.vocabulary import called_name

#: Calls that give what they are given, one by one.
_SHOWING = frozenset({"tqdm", "list", "iter", "progress_bar", "track", "prefetch"})


def loops_around(names: Names, node: ast.AST) -> list[ast.AST]:
    """The loops around a place, innermost first, within its own function."""
    found: list[ast.AST] = []
    for outer in names.ancestors(node):
        if isinstance(outer, (*FUNCTION_NODES, ast.ClassDef)):
            break
        if isinstance(outer, ast.For | ast.AsyncFor | ast.While):
            found.append(outer)
    return found


def numbered(target: ast.expr) -> ast.expr | None:
    """What takes the numbers of ``enumerate``, of a loop's target; an empty one, ``for () in ...``, has nothing."""
    return target.elts[0] if isinstance(target, ast.Tuple) and target.elts else None


def counter(loop: ast.For) -> str | None:
    """The variable of a loop that counts its turns."""
    target, iterated = loop.target, _within(loop.iter, _SHOWING)
    name = called_name(iterated) if isinstance(iterated, ast.Call) else ""
    number = numbered(target) if name == "enumerate" else None
    if isinstance(number, ast.Name):
        return number.id
    if name in ("range", "trange", "count") and isinstance(target, ast.Name):
        return target.id
    return None


def gone_through(loop: ast.For) -> ast.expr:
    """What a loop goes through one by one, whatever counts or shows it on the way."""
    return _within(loop.iter, _SHOWING | {"enumerate"})


def _within(iterated: ast.expr, wrappers: frozenset[str]) -> ast.expr:
    while isinstance(iterated, ast.Call) and called_name(iterated) in wrappers and iterated.args:
        iterated = iterated.args[0]
    return iterated


def start_of(loop: ast.For) -> ast.expr | None:
    """What a loop counts from, where it says so."""
    iterated = _within(loop.iter, _SHOWING)
    if not isinstance(iterated, ast.Call):
        return None
    if called_name(iterated) in ("range", "trange") and len(iterated.args) > 1:
        return iterated.args[0]
    if called_name(iterated) == "enumerate":
        told = next((k.value for k in iterated.keywords if k.arg == "start"), None)
        return iterated.args[1] if told is None and len(iterated.args) > 1 else told
    return None


__all__ = ["counter", "gone_through", "loops_around", "numbered", "start_of"]
