"""Walks over syntax trees, remembered on the node: runs of one site ask for the same ones again and again."""

from __future__ import annotations

import ast

#: The attribute of a node that keeps its walk. Who edits a tree drops it from the place and all around it.
REMEMBERED = "lrfix_walk"
#: The attribute of a node that keeps its text, to be dropped as well.
TEXT = "lrfix_text"
#: Fields that hold texts and numbers, or whether a name is read or written, which nobody looks for as a node.
_NO_NODES = frozenset({"arg", "asname", "attr", "conversion", "ctx", "id", "kind", "level", "module", "type_comment"})
#: Fields whose lists may hold something else than nodes.
_MIXED = frozenset({"keys", "kw_defaults", "kwd_attrs", "names"})
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}


def children(node: ast.AST) -> list[ast.AST]:
    """What stands directly below a node, as ``ast.iter_child_nodes`` gives it, without ``Load`` and ``Store``."""
    fields = _FIELDS.get(type(node))
    if fields is None:
        named = () if type(node) is ast.Constant else node._fields
        fields = _FIELDS[type(node)] = tuple(name for name in named if name not in _NO_NODES)
    found: list[ast.AST] = []
    get = node.__dict__.get
    for name in fields:
        value = get(name)
        if type(value) is list:
            found += [part for part in value if isinstance(part, ast.AST)] if name in _MIXED else value
        elif value is not None and isinstance(value, ast.AST):
            found.append(value)
    return found


def walk(node: ast.AST) -> tuple[ast.AST, ...]:
    """``node`` and all nodes below it, in the order of ``ast.walk``, without ``Load`` and ``Store``."""
    known: tuple[ast.AST, ...] | None = node.__dict__.get(REMEMBERED)
    if known is None:
        found = [node]
        for each in found:
            found += children(each)
        known = node.__dict__[REMEMBERED] = tuple(found)
    return known


def written(node: ast.AST) -> str:
    """A node as ``ast.unparse`` writes it; names and attributes of names, which are most, without its writer."""
    if type(node) is ast.Name:
        return node.id
    known: str | None = node.__dict__.get(TEXT)
    if known is None:
        if type(node) is ast.Attribute and type(node.value) in (ast.Name, ast.Attribute):
            known = f"{written(node.value)}.{node.attr}"
        else:
            known = ast.unparse(node)
        node.__dict__[TEXT] = known
    return known


def first_line(statement: ast.stmt) -> int:
    """The line on which a statement begins, its decorators included."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def stored_names(node: ast.AST) -> set[str]:
    """The plain names that are set at ``node`` or below."""
    return {n.id for n in walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def terminates(statement: ast.stmt) -> bool:
    """Whether control never passes beyond ``statement``."""
    if isinstance(statement, ast.Return | ast.Raise | ast.Break | ast.Continue):
        return True
    if isinstance(statement, ast.If):
        return bool(statement.orelse) and _ends(statement.body) and _ends(statement.orelse)
    if isinstance(statement, ast.With):
        return _ends(statement.body)
    if isinstance(statement, ast.Try):
        if statement.finalbody and _ends(statement.finalbody):
            return True
        ends = _ends(statement.orelse) if statement.orelse else _ends(statement.body)
        return ends and all(_ends(h.body) for h in statement.handlers)
    return False


def _ends(body: list[ast.stmt]) -> bool:
    return any(terminates(s) for s in body)


def runs_off(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a way through a function comes to its end without a `return` of a value."""
    bare = any(isinstance(n, ast.Return) and n.value is None for n in walk(function))
    return bare or not _ends(function.body)


__all__ = [
    "REMEMBERED",
    "TEXT",
    "children",
    "first_line",
    "runs_off",
    "stored_names",
    "terminates",
    "walk",
    "written",
]
