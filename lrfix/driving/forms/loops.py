"""What loops count, as their text says it: the variable that counts the turns, and where it starts."""

from __future__ import annotations

import ast

from lrfix.names import FUNCTION_NODES, Names
from lrfix.sites.vocabulary import called_name

_WRAPPERS = frozenset({"tqdm", "trange", "enumerate", "list", "iter", "progress_bar", "track", "zip", "prefetch"})


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
    target, iterated = loop.target, loop.iter
    while isinstance(iterated, ast.Call) and called_name(iterated) in _WRAPPERS - {"enumerate", "zip", "trange"}:
        if not iterated.args:
            return None
        iterated = iterated.args[0]
    name = called_name(iterated) if isinstance(iterated, ast.Call) else ""
    number = numbered(target) if name == "enumerate" else None
    if isinstance(number, ast.Name):
        return number.id
    if name in ("range", "trange", "count") and isinstance(target, ast.Name):
        return target.id
    return None


def _iterated_call(loop: ast.For) -> ast.Call | None:
    iterated = loop.iter
    while isinstance(iterated, ast.Call) and called_name(iterated) in _WRAPPERS - {"enumerate", "zip", "trange"}:
        if not iterated.args:
            return None
        iterated = iterated.args[0]
    return iterated if isinstance(iterated, ast.Call) else None


def gone_through(loop: ast.For) -> ast.expr:
    """What a loop goes through one by one, whatever counts or shows it on the way."""
    iterated = loop.iter
    while isinstance(iterated, ast.Call) and called_name(iterated) in _WRAPPERS - {"zip", "trange"} and iterated.args:
        iterated = iterated.args[0]
    return iterated


def start_of(loop: ast.For) -> ast.expr | None:
    """What a loop counts from, where it says so."""
    iterated = _iterated_call(loop)
    name = called_name(iterated) if iterated is not None else ""
    if iterated is not None and name in ("range", "trange") and len(iterated.args) > 1:
        return iterated.args[0]
    if iterated is not None and name == "enumerate":
        told = next((k.value for k in iterated.keywords if k.arg == "start"), None)
        return iterated.args[1] if told is None and len(iterated.args) > 1 else told
    return None


__all__ = ["counter", "gone_through", "loops_around", "numbered", "start_of"]
