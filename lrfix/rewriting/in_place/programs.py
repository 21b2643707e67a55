"""The programs of a proof: the statements of a region, old and new, as a function of the position and what it reads."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Sequence

from lrfix.names import Imported, Names
from lrfix.rewriting.in_place.calls import MODULE
from lrfix.rewriting.in_place.positions import POSITION
from lrfix.rewriting.in_place.regions import Region
from lrfix.rewriting.objects import NAMESPACE_IMPORT, made_of

#: A name inside a program that the user's code will hardly have.
VALUES = "values_of_lrfix"


def region_program(names: Names, region: Region, statements: Sequence[ast.stmt], step: str, bundled: str) -> str:
    """A module whose ``build(optimizer, p)`` returns a function of the position: what the region's value is there.

    ``statements`` are the region's own or those in their place, ``bundled`` the import that they need.
    """
    body: list[ast.stmt] = [
        ast.Assign([ast.Name(name, ast.Store())], ast.Constant(None)) for name in sorted(region.forgotten)
    ]
    body += [
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
        if isinstance(last, ast.Assign) and isinstance(last.targets[0], ast.Attribute | ast.Subscript):
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
    lines = [*imports_of(names, code), *([bundled] if bundled else []), NAMESPACE_IMPORT]
    return "\n".join([*dict.fromkeys(lines), "", ast.unparse(module), ""])


def bundled_import(function: str, local: str) -> str:
    """The import of a pure function in a program, whatever module the user's file imports it from."""
    return f"from {MODULE} import {function}" + (f" as {local}" if local != function else "")


def objects(leaves: Iterable[str], steps: set[str]) -> dict[str, ast.expr]:
    """For each root the expression that makes what the leaves read off it: a number, a namespace, a dict."""
    return made_of({leaf: _name(POSITION) if leaf in steps else _lookup(leaf) for leaf in leaves})


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
