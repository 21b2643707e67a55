"""Names that are set anew once a scheduler is built: a function follows them at every step, an argument does not."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from lrfix.experiments.turns import called
from lrfix.names import FUNCTION_NODES, Names, Scope
from lrfix.rewriting.effects import changed_by


def set_later(names: Names, nodes: Sequence[ast.AST], call: ast.Call) -> tuple[str, int] | None:
    """What the functions ``nodes`` of a schedule read at every step and something sets after ``call`` has built it.

    The first such name (``total``, ``args.epochs``), with the line that sets it; None where there is none. What a
    class of a scheduler keeps on itself is its own.
    """
    inside = {n for node in nodes for n in ast.walk(node)}
    read = {ast.unparse(n): n for n in inside if _is_path(n) and isinstance(getattr(n, "ctx", None), ast.Load)}
    own = "self." if any(isinstance(node, ast.ClassDef) for node in nodes) else None
    for text, node in sorted(read.items(), key=lambda each: each[0]):
        if own is not None and text.startswith(own):
            continue
        stores = (store for store in _stores(names, text, node, call) if store not in inside)
        line = next((store.lineno for store in stores if _comes_after(names, store, call)), None)
        if line is not None:
            return text, line
    return None


def _is_path(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript)


def _stores(names: Names, text: str, read: ast.AST, call: ast.Call) -> Iterator[ast.expr]:
    """The places that set what is read as ``text``, whatever its object is called there."""
    if isinstance(read, ast.Name):
        owner = names.owner(read.id, names.scope_of(read))
        if owner is None or owner is not names.owner(read.id, names.scope_of(call)):
            return  # a parameter of a function that made the schedule's, say: it was read once before as well
        for node in names.nodes:
            filled = changed_by(node) if isinstance(node, ast.Call | ast.Subscript) else None
            place = filled if filled is not None else node
            if not isinstance(place, ast.Name) or place.id != read.id:
                continue
            if filled is None and not isinstance(place.ctx, ast.Store):
                continue
            if names.owner(place.id, names.scope_of(place)) is owner:
                yield place
        return
    for node in names.nodes:
        if not isinstance(node, ast.Attribute | ast.Subscript) or not isinstance(node.ctx, ast.Store):
            continue
        if isinstance(read, ast.Attribute) and isinstance(node, ast.Attribute) and node.attr == read.attr:
            if (ast.unparse(read.value) == "self") == (ast.unparse(node.value) == "self"):
                yield node
        elif ast.unparse(node) == text:
            yield node


def _comes_after(names: Names, store: ast.expr, call: ast.Call) -> bool:
    """Whether a name is set once the scheduler is built: behind the call, behind a call of the function around it, or
    by a function that changes a name of the module or of a function around it, whenever that runs."""
    function = names.enclosing(call, FUNCTION_NODES)
    around = names.enclosing(store, FUNCTION_NODES)
    if around is function:
        return store.lineno > (call.end_lineno or call.lineno)
    if _is_set(store) and around is not None and not _is_own(names, store, names.scope_of(store)):
        return True
    if isinstance(names.statement_of(store), ast.AugAssign) and ast.unparse(store).startswith("self."):
        return True
    if not isinstance(function, ast.FunctionDef):
        return False
    builds = (
        n
        for n in names.nodes
        if isinstance(n, ast.Call) and called(n) == function.name and names.enclosing(n, FUNCTION_NODES) is around
    )
    return any(build.lineno < store.lineno for build in builds)


def _is_set(store: ast.expr) -> TypeGuard[ast.Name]:
    return isinstance(store, ast.Name) and isinstance(store.ctx, ast.Store)


def _is_own(names: Names, store: ast.Name, scope: Scope) -> bool:
    return names.owner(store.id, scope) is scope


__all__ = ["set_later"]
