"""Methods of the object at hand that only compute: ``self.warmup(step)``, taken along as functions beside it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection

from lrfix.domains.switches import inherited
from lrfix.names import Names
from lrfix.trees import stored_names


def method_of(names: Names, function: ast.expr) -> ast.FunctionDef | None:
    """The method that ``self.name`` means inside a method of the same class, its own or a base's of this file.

    None where it may mean another one: where a class of the file that is derived from this one has its own of that
    name, or anything assigns an attribute of that name.
    """
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return None
    around = names.enclosing(function, ast.FunctionDef)
    holder = names.parents.get(around) if around is not None else None
    if not isinstance(around, ast.FunctionDef) or not isinstance(holder, ast.ClassDef):
        return None
    if receiver(around) != function.value.id:
        return None
    found = [
        statement
        for cls in inherited(names, [holder])
        if isinstance(cls, ast.ClassDef)
        for statement in cls.body
        if isinstance(statement, ast.FunctionDef) and statement.name == function.attr
    ]
    if not found or found[-1].decorator_list or receiver(found[-1]) != function.value.id:
        return None
    return None if _has_others(names, holder, found) else found[-1]


def _has_others(names: Names, holder: ast.ClassDef, methods: list[ast.FunctionDef]) -> bool:
    """Whether ``self`` may find something else than one of ``methods`` under their name."""
    name = methods[0].name
    family = inherited(names, [holder])
    for node in names.nodes:
        if isinstance(node, ast.Attribute) and node.attr == name and not isinstance(node.ctx, ast.Load):
            return True
        if not isinstance(node, ast.ClassDef) or (node not in family and holder not in inherited(names, [node])):
            continue
        if any(_binds(statement, name) for statement in node.body if statement not in methods):
            return True
    return False


def _binds(statement: ast.stmt, name: str) -> bool:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return statement.name == name
    return name in stored_names(statement)


def receiver(node: ast.FunctionDef) -> str | None:
    """The name of a method's first parameter."""
    taken = [*node.args.posonlyargs, *node.args.args]
    return taken[0].arg if taken else None


class _AsFunctions(ast.NodeTransformer):
    def __init__(self, methods: Collection[str]) -> None:
        self.methods = methods

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        function = node.func
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            text = ast.unparse(function)
            if text in self.methods:
                node.func = ast.copy_location(ast.Name(_name(text), ast.Load()), function)
        return node


def with_functions(statements: tuple[ast.stmt, ...], methods: Collection[str]) -> tuple[ast.stmt, ...]:
    """Copies of statements in which the calls of ``methods`` (``self.warmup``) are calls of functions."""
    transformed = _AsFunctions(methods)
    return tuple(transformed.visit(copied(s)) for s in statements)


def as_function(node: ast.FunctionDef, methods: Collection[str]) -> ast.FunctionDef:
    """A method as the function that ``with_functions`` calls: what it reads off its object it finds around it."""
    (made,) = with_functions((node,), methods)
    assert isinstance(made, ast.FunctionDef)
    owner = receiver(node)
    text = f"{owner}.{node.name}"
    if text in methods:
        made.name = _name(text)
        taken = made.args.posonlyargs or made.args.args
        del taken[0]
    return made


def _name(text: str) -> str:
    return text.replace(".", "_of_lrfix_")


def copied(statement: ast.stmt) -> ast.stmt:
    """A copy without what the interpreter keeps on the nodes that it has compiled."""
    made = copy.deepcopy(statement)
    for node in ast.walk(made):
        for name in [name for name in vars(node) if name.startswith("lrfix_")]:
            delattr(node, name)
    return made


__all__ = ["as_function", "copied", "method_of", "receiver", "with_functions"]
