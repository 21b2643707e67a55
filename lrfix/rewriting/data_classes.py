"""A dataclass as a plain class: what the decorator would write is written out, so that a slice needs no decorator."""

from __future__ import annotations

import ast

from lrfix.names import Names
from lrfix.rewriting.model import NotRewritten

_DECORATORS = frozenset({"dataclasses.dataclass"})


def is_data_class(names: Names, node: ast.ClassDef) -> bool:
    """Whether a class is a dataclass of fields with plain defaults.

    Raises NotRewritten for a dataclass that does more: a base class, a factory, a method that runs when it is built.
    """
    if not any(_is_dataclass(names, decorator) for decorator in node.decorator_list):
        return False
    methods = {s.name for s in node.body if isinstance(s, ast.FunctionDef)}
    if len(node.decorator_list) > 1 or node.bases or methods & {"__init__", "__post_init__"}:
        raise NotRewritten(f"`{node.name}` is a dataclass that does more than hold values")
    values = [field.value for field in _fields(node) if field.value is not None]
    if any(isinstance(n, ast.Call) for value in values for n in ast.walk(value)):
        raise NotRewritten(f"the fields of `{node.name}` are made by calls")
    return True


def with_constructor(node: ast.ClassDef) -> ast.ClassDef:
    """The class with the constructor that the decorator would give it."""
    fields = _fields(node)
    taken = [ast.arg("self"), *(ast.arg(_name(s)) for s in fields)]
    defaults = [s.value for s in fields if s.value is not None]
    stored: list[ast.stmt] = [
        ast.Assign([ast.Attribute(ast.Name("self", ast.Load()), _name(s), ast.Store())], ast.Name(_name(s), ast.Load()))
        for s in fields
    ]
    arguments = ast.arguments([], taken, None, [], [], None, defaults)
    initialiser = ast.FunctionDef("__init__", arguments, stored or [ast.Pass()], [], None)
    node.body = [initialiser, *(s for s in node.body if s not in fields)]
    return node


def _fields(node: ast.ClassDef) -> list[ast.AnnAssign]:
    return [s for s in node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)]


def _is_dataclass(names: Names, decorator: ast.expr) -> bool:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return bool(names.qualified(function) & _DECORATORS)


def _name(field: ast.AnnAssign) -> str:
    assert isinstance(field.target, ast.Name)
    return field.target.id


__all__ = ["is_data_class", "with_constructor"]
