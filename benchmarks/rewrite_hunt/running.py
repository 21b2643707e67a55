"""Statements of one text, run in a module in which imports that are not to be had absorb."""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Sequence
from typing import Any

from draws import POSITIONS, Absorbing, Draw, Options

REAL = {"math", "numpy", "torch", "bisect", "functools", "copy", "typing", "abc", "collections", "lrfix", "itertools"}
REAL |= {"__future__", "warnings", "dataclasses", "enum", "types", "numbers", "operator"}


class Module:
    """The definitions of one text; imports that are not to be had absorb."""

    def __init__(self, text: str, path: str) -> None:
        self.tree = ast.parse(text)
        self.namespace: dict[str, Any] = {"__name__": "module", "print": lambda *a, **k: None}
        for statement in self.tree.body:
            self._take(statement, path)

    def _take(self, node: ast.stmt, path: str) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            source = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
            level = node.level if isinstance(node, ast.ImportFrom) else 0
            if level == 0 and source.split(".")[0] in REAL and self._ran([node], path):
                return
            for alias in node.names:
                self.namespace[(alias.asname or alias.name).split(".")[0]] = Absorbing()
        elif isinstance(node, ast.Try):
            for part in node.body:
                self._take(part, path)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            node = copy.deepcopy(node)
            for inner in ast.walk(node):
                if isinstance(inner, ast.FunctionDef):
                    inner.returns = None
                    inner.decorator_list = [d for d in inner.decorator_list if "property" in ast.unparse(d)]
                if isinstance(inner, ast.arg):
                    inner.annotation = None
            if not self._ran([node], path) and isinstance(node, ast.ClassDef):
                node.bases, node.keywords, node.decorator_list = [], [], []
                self._ran([node], path)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.List | ast.Tuple | ast.BinOp):
            self._ran([node], path)

    def _ran(self, statements: list[ast.stmt], path: str) -> bool:
        tree = ast.fix_missing_locations(ast.Module(copy.deepcopy(statements), []))
        try:
            exec(compile(tree, path, "exec"), self.namespace)
        except Exception:
            return False
        return True


class Returned(ast.NodeTransformer):
    def visit_Return(self, node: ast.Return) -> ast.stmt:
        value = node.value or ast.Constant(None)
        return ast.Return(ast.Dict([ast.Constant("<returned>")], [value]))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        return node


def asked(module: Module, statements: Sequence[ast.stmt], draw: Draw, position: float | None, names: set[str]) -> Any:
    """What the statements leave: the names that they set, what they return, what they wrote to objects and groups."""
    body = [Returned().visit(copy.deepcopy(s)) for s in statements]
    stored = {n.id for s in statements for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    given = {}
    for name in sorted(names):
        if name in module.namespace and not isinstance(module.namespace[name], Absorbing):
            continue
        if hasattr(builtins, name):
            continue
        given[name] = position if position is not None and POSITIONS.match(name) else draw.value(name)
        if isinstance(given[name], Options) and position is not None:
            _place(given[name], position)
    inner = ast.FunctionDef("block", ast.arguments([], [], None, [], [], None, []), body or [ast.Pass()], [], None)
    vars(inner).setdefault("type_params", [])
    inner.body = [*(ast.parse(f"{n} = __given['{n}']").body[0] for n in sorted(stored & set(given))), *inner.body]
    inner.body.append(ast.parse("return dict(locals())").body[0])
    tree = ast.fix_missing_locations(ast.Module([inner], []))
    space = {**module.namespace, **given, "__given": given}
    exec(compile(tree, "<block>", "exec"), space)
    found = space["block"]()
    objects = {name: value.written() for name, value in given.items() if isinstance(value, Options)}
    return found, objects, [group["lr"] for group in draw.optimizer().param_groups]


def _place(options: Options, position: float) -> None:
    """Attributes that say where training stands: they are read as the position."""
    for name in (
        "epoch",
        "step",
        "iter",
        "it",
        "last_epoch",
        "global_step",
        "current_step",
        "iteration",
        "num_updates",
    ):
        for spelled in (name, f"_{name}", f"current_{name}", f"cur_{name}"):
            options._values[spelled] = position
    for name in ("n_steps", "n_current_steps", "_num_steps", "step_num", "_step_count", "step_counter", "niter"):
        options._values[name] = position
