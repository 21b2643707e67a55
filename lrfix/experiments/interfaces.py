"""Whose parameters a definition has: its own, or those that everything built by the same call has to take."""

from __future__ import annotations

import ast

from lrfix.experiments.settings import settings_of
from lrfix.experiments.structure import statements
from lrfix.experiments.study import Study

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def shared_interface(study: Study, node: ast.ClassDef | ast.FunctionDef, name: str) -> bool | None:
    """None where a call that does not know which definition it calls prescribes the parameter; else whether
    definitions beside it take the parameter too, so that somebody out of sight may prescribe it."""
    siblings = [
        n
        for n in study.names.nodes
        if isinstance(n, _DEFINITIONS) and n is not node and n.name != node.name and _takes(n, name)
        if isinstance(n, ast.ClassDef) == isinstance(node, ast.ClassDef)
    ]
    if not siblings:
        return False
    if _chosen_by_name(study, node) or _swallows(node):
        return None
    return not _called_with(study, node, name)


def _takes(node: ast.AST, name: str) -> bool:
    return any(setting.name == name for setting in settings_of(node))


def _swallows(node: ast.AST) -> bool:
    """Whether a definition takes whatever else it is given: it is built by a call that does not know it."""
    function = node
    if isinstance(node, ast.ClassDef):
        function = next((s for s in node.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"), node)
    return isinstance(function, ast.FunctionDef) and function.args.kwarg is not None


def _chosen_by_name(study: Study, node: ast.ClassDef | ast.FunctionDef) -> bool:
    """Whether a definition is used as a value: registered, kept in a table, named by a text."""
    if any(isinstance(d, ast.Call) or "regist" in ast.unparse(d) for d in node.decorator_list):
        return not any("dataclass" in ast.unparse(d) for d in node.decorator_list)
    for n in study.names.nodes:
        if isinstance(n, ast.Constant) and n.value == node.name and not _exported(study, n):
            return True
        if isinstance(n, ast.Name) and n.id == node.name and isinstance(n.ctx, ast.Load):
            parent = study.names.parents.get(n)
            plain = isinstance(parent, ast.ClassDef | ast.arg | ast.AnnAssign | ast.FunctionDef | ast.Attribute)
            asked = isinstance(parent, ast.Call) and (parent.func is n or ast.unparse(parent.func) in _ASKING)
            if not plain and not asked:
                return True
    return False


_ASKING = frozenset({"isinstance", "issubclass", "super"})


def _exported(study: Study, node: ast.AST) -> bool:
    statement = study.names.statement_of(node)
    return isinstance(statement, ast.Assign) and any(ast.unparse(t) == "__all__" for t in statement.targets)


def _called_with(study: Study, node: ast.ClassDef | ast.FunctionDef, name: str) -> bool:
    """Whether a call of the file builds this very definition with the parameter given by its name."""
    return any(
        isinstance(n, ast.Call)
        and isinstance(n.func, ast.Name)
        and n.func.id == node.name
        and any(k.arg == name for k in n.keywords)
        for n in study.names.nodes
    )


def prescribed(study: Study, function: ast.FunctionDef) -> bool:
    """Whether the parameters of a function are somebody else's: a method's, or of one that is passed as a value."""
    if function.decorator_list or isinstance(study.names.parents.get(function), ast.ClassDef):
        return True
    body = [s for s in statements(function.body) if not isinstance(s, ast.Expr | ast.Pass)]
    return not body or isinstance(body[0], ast.Raise) or _chosen_by_name(study, function)


__all__ = ["prescribed", "shared_interface"]
