"""The programs of a proof: the statements of a region, old and new, as a function of the position and what it reads."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Mapping, Sequence

from lrfix.names import Imported, Names
from lrfix.rewriting.in_place.calls import MODULE
from lrfix.rewriting.in_place.positions import POSITION
from lrfix.rewriting.in_place.reads import root_of
from lrfix.rewriting.in_place.regions import Region
from lrfix.rewriting.model import NotRewritten

#: A name inside a program that the user's code will hardly have.
VALUES = "values_of_lrfix"


def region_program(names: Names, region: Region, statements: Sequence[ast.stmt], step: str, bundled: str) -> str:
    """A module whose ``build(optimizer, p)`` returns a function of the position: what the region's value is there.

    ``statements`` are the region's own or those in their place, ``bundled`` the import that they need.
    """
    body: list[ast.stmt] = [
        ast.Assign([ast.Name(root, ast.Store())], given)
        for root, given in objects(region.leaves, {step}).items()
        if root != POSITION
    ]
    body += [without_annotations(helper) for helper in region.helpers]
    copied = [without_annotations(s) for s in statements]
    if region.target is None:
        body += copied
    else:
        body += copied[:-1]
        last = copied[-1]
        if isinstance(last, ast.Assign) and not isinstance(last.targets[0], ast.Name):
            body += [ast.Return(last.value)]
        else:
            body += [last, ast.Return(ast.Name(region.target, ast.Load()))]
    return program(names, body, (*statements, *region.helpers), bundled)


def program(names: Names, body: list[ast.stmt], code: Sequence[ast.AST], bundled: str) -> str:
    """``build`` around the body of a function of the position, with the imports that ``code`` needs."""
    ask = ast.FunctionDef("ask", ast.arguments([], [ast.arg(POSITION)], None, [], [], None, []), body, [], None)
    build = ast.FunctionDef(
        "build",
        ast.arguments([], [ast.arg("optimizer"), ast.arg("p")], None, [], [], None, []),
        [ast.Assign([ast.Name(VALUES, ast.Store())], ast.Name("p", ast.Load())), ask, ast.Return(_name("ask"))],
        [],
        None,
    )
    module = ast.Module([build], [])
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef):
            vars(node).setdefault("type_params", [])
    ast.fix_missing_locations(module)
    lines = [*imports_of(names, code), *([bundled] if bundled else []), "from types import SimpleNamespace"]
    return "\n".join([*dict.fromkeys(lines), "", ast.unparse(module), ""])


def bundled_import(function: str, local: str) -> str:
    """The import of a pure function in a program, whatever module the user's file imports it from."""
    return f"from {MODULE} import {function}" + (f" as {local}" if local != function else "")


def objects(leaves: Iterable[str], steps: set[str]) -> dict[str, ast.expr]:
    """For each root the expression that makes what the leaves read off it: a number, a namespace, a dict."""
    trees: dict[str, dict[object, object]] = {}
    for leaf in leaves:
        node = ast.parse(leaf, mode="eval").body
        value: ast.expr = _name(POSITION) if leaf in steps else _lookup(leaf)
        keys: list[object] = []
        if isinstance(node, ast.Call):
            node = node.args[0]
            value = ast.Call(_name("range"), [value], [])
        while isinstance(node, ast.Attribute | ast.Subscript):
            if isinstance(node, ast.Attribute):
                keys.insert(0, ("attribute", node.attr))
            else:
                assert isinstance(node.slice, ast.Constant)
                keys.insert(0, ("key", node.slice.value))
            node = node.value
        tree = trees.setdefault(root_of(leaf), {})
        for key in keys:
            inner = tree.setdefault(key, {})
            if not isinstance(inner, dict):
                raise NotRewritten(f"`{leaf}` is read off a value that is used as a whole as well")
            tree = inner
        if tree:
            raise NotRewritten(f"`{leaf}` is used as a whole, and parts of it are read as well")
        tree[None] = value
    return {root: _made(tree) for root, tree in trees.items()}


def _made(tree: Mapping[object, object]) -> ast.expr:
    if None in tree:
        value = tree[None]
        if len(tree) > 1:
            raise NotRewritten("a value is used as a whole, and parts of it are read as well")
        assert isinstance(value, ast.expr)
        return value
    kinds = {key[0] for key in tree if isinstance(key, tuple)}
    parts = {key[1]: _made(inner) for key, inner in tree.items() if isinstance(key, tuple) and isinstance(inner, dict)}
    if kinds == {"attribute"}:
        return ast.Call(_name("SimpleNamespace"), [], [ast.keyword(str(k), v) for k, v in parts.items()])
    if kinds == {"key"}:
        return ast.Dict([ast.Constant(k) for k in parts], list(parts.values()))
    raise NotRewritten("an object is read by attribute and by key")


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _lookup(leaf: str) -> ast.Subscript:
    return ast.Subscript(_name(VALUES), ast.Constant(leaf), ast.Load())


def without_annotations(node: ast.stmt) -> ast.stmt:
    """A copy without annotations, which may name anything and decide nothing."""
    copied = copy.deepcopy(node)
    for inner in ast.walk(copied):
        if isinstance(inner, ast.FunctionDef):
            inner.returns = None
            inner.decorator_list = []
        elif isinstance(inner, ast.arg):
            inner.annotation = None
        elif isinstance(inner, ast.AnnAssign):
            inner.annotation = _name("object")
    return copied


def imports_of(names: Names, code: Sequence[ast.AST]) -> list[str]:
    """The imports of the file whose names the code reads, as lines."""
    wanted = {n.id for root in code for n in ast.walk(root) if isinstance(n, ast.Name)}
    lines = []
    for scope in names.scopes.values():
        for name in sorted(wanted & set(scope.bindings)):
            for binding in scope.bindings[name]:
                if isinstance(binding, Imported) and binding.qualified.split(".")[0] in ("math", "numpy", "bisect"):
                    lines.append(_line(binding, name))
    return sorted(dict.fromkeys(lines))


def _line(binding: Imported, name: str) -> str:
    module, _, last = binding.qualified.rpartition(".")
    if isinstance(binding.node, ast.ImportFrom):
        return f"from {module} import {last}" + (f" as {name}" if name != last else "")
    return f"import {binding.qualified}" + (f" as {name}" if name != binding.qualified else "")


__all__ = ["VALUES", "bundled_import", "imports_of", "objects", "program", "region_program"]
