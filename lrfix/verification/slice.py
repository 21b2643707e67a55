"""The static check of a program before it may run: an allow-list over its syntax tree.

It is the first of three fences. The process that runs the program gives it only the allowed builtins and imports, and
refuses files, sockets and processes whoever asks for them (``sandbox``). The check is deliberately narrow: what it
does not know, it refuses, and says where.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from lrfix.verification.allowed import (
    ATTRIBUTE_BUILTINS,
    MODULES,
    REFUSED_ATTRIBUTES,
    SAFE_BUILTINS,
    SAFE_DUNDERS,
    module_attribute_allowed,
)


@dataclass(frozen=True)
class Program:
    """The text of a self-contained module that defines ``build(optimizer, p)``, which returns a scheduler."""

    source: str

    def check(self) -> None:
        """Raises RefusedSlice where the program uses anything outside the allow-list, NoProgram where it is none."""
        check_program(self.source)


class NoProgram(Exception):
    """A text that cannot be run at all: not Python, or without ``build``."""


class RefusedSlice(Exception):
    """A program that will not be run. ``line`` is 1-based in the program's own text."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(f"line {line}: {reason}")
        self.reason = reason
        self.line = line


def check_program(source: str) -> None:
    """Return quietly where ``source`` keeps to the allow-list; raise RefusedSlice where it does not, NoProgram where it
    could not be run."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise NoProgram(f"line {error.lineno or 1}: it is not valid Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise NoProgram(f"it cannot be parsed: {error}") from error
    check = _Check(tree)
    try:
        check.visit(tree)
    except RecursionError as error:
        raise NoProgram("it is nested too deeply to be checked") from error
    if not any(isinstance(node, ast.FunctionDef) and node.name == "build" for node in tree.body):
        raise NoProgram("it does not define build(optimizer, p) at module level")


class _Check(ast.NodeVisitor):
    def __init__(self, tree: ast.Module) -> None:
        self.bound: set[str] = set()
        self.modules: dict[str, set[str]] = {}
        for node in ast.walk(tree):
            self._collect(node)

    def _collect(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            self.bound.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            self.bound.add(node.name)
        elif isinstance(node, ast.arg):
            self.bound.add(node.arg)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            self.bound.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            self.bound.add(node.rest)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                self._bind_module(alias.asname or alias.name.partition(".")[0], alias.name, bool(alias.asname))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                qualified = f"{node.module}.{alias.name}"
                self.bound.add(alias.asname or alias.name)
                if qualified in MODULES:
                    self._bind_module(alias.asname or alias.name, qualified, True)

    def _bind_module(self, name: str, module: str, whole: bool) -> None:
        self.bound.add(name)
        self.modules.setdefault(name, set()).add(module if whole else module.partition(".")[0])

    def _refuse(self, reason: str, node: ast.AST) -> RefusedSlice:
        return RefusedSlice(reason, getattr(node, "lineno", 1))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name not in MODULES:
                raise self._refuse(f"it imports {alias.name}, which a schedule may not use", node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module == "__future__" and not node.level:
            return
        if node.level or node.module not in MODULES:
            raise self._refuse(f"it imports from {'.' * node.level}{node.module or ''}, which it may not use", node)
        for alias in node.names:
            if alias.name == "*" or not module_attribute_allowed(node.module, alias.name):
                raise self._refuse(f"it imports {node.module}.{alias.name}, which it may not use", node)

    def visit_Name(self, node: ast.Name) -> None:
        name = node.id
        if name in self.modules:
            raise self._refuse(f"it uses the module {name} other than by a named attribute", node)
        if (
            name.startswith("__")
            and name.endswith("__")
            and name not in ("__name__", "__class__")
            and name not in SAFE_DUNDERS
        ):
            raise self._refuse(f"it uses {name}", node)
        if name in ATTRIBUTE_BUILTINS:
            raise self._refuse(f"it uses {name} other than with a literal attribute name", node)
        if name not in self.bound and name not in SAFE_BUILTINS and name != "__name__":
            raise self._refuse(f"it uses {name}, which it does not define and may not use", node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._check_attribute(node.attr, node)
        chain = [node.attr]
        inner = node.value
        while isinstance(inner, ast.Attribute):
            self._check_attribute(inner.attr, inner)
            chain.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name) and inner.id in self.modules:
            for module in self.modules[inner.id]:
                self._check_chain(module, list(reversed(chain)), node)
        else:
            self.visit(inner)

    def _check_attribute(self, name: str, node: ast.AST) -> None:
        if name in REFUSED_ATTRIBUTES or (name.startswith("__") and name.endswith("__") and name not in SAFE_DUNDERS):
            raise self._refuse(f"it reads the attribute {name}", node)

    def _check_chain(self, module: str, chain: list[str], node: ast.AST) -> None:
        if module not in MODULES:
            raise self._refuse(f"it uses {module}, which it may not use", node)
        for position, name in enumerate(chain):
            if not module_attribute_allowed(module, name) or name.startswith("__"):
                raise self._refuse(f"it uses {module}.{name}, which it may not use", node)
            module = f"{module}.{name}"
            if module not in MODULES:
                return
            if position == len(chain) - 1:
                raise self._refuse(f"it uses the module {module} other than by a named attribute", node)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Name) and function.id in ATTRIBUTE_BUILTINS:
            self._check_attribute_call(function.id, node)
        else:
            self.visit(function)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            self.visit(keyword.value)

    def _check_attribute_call(self, name: str, node: ast.Call) -> None:
        literal = node.args[1] if len(node.args) > 1 else None
        if not isinstance(literal, ast.Constant) or not isinstance(literal.value, str):
            raise self._refuse(f"it calls {name} with an attribute name that is not written out", node)
        self._check_attribute(literal.value, node)

    def visit_MatchClass(self, node: ast.MatchClass) -> None:
        if node.patterns:
            # A class says in a string which attribute a position means.
            raise self._refuse("it matches a class by position", node)
        for attribute in node.kwd_attrs:
            self._check_attribute(attribute, node)
        self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        raise self._refuse("it defines a coroutine", node)

    def visit_Await(self, node: ast.Await) -> None:
        raise self._refuse("it awaits", node)
