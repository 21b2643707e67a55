"""Code copied into a slice: what the file does not fix becomes a lookup, what is local stays as it is."""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Collection, Mapping
from typing import Protocol

from lrfix.domains.facts import literal
from lrfix.names import FUNCTION_NODES, Assigned, Defined, Imported, Names, Scope

BUILTINS = frozenset(dir(builtins))


class Gathering(Protocol):
    """What gathers the code that a copy needs: names it knows, definitions it takes along."""

    names: Names
    restart: ast.expr | None
    optimizer: ast.expr | None
    optimizer_text: str | None

    @property
    def known(self) -> Collection[str]: ...
    @property
    def methods(self) -> Mapping[ast.ClassDef, dict[str, ast.stmt]]: ...
    def lookup(self, key: str) -> ast.expr: ...
    def name(self, node: ast.Name, local: frozenset[Scope]) -> ast.expr: ...
    def self_of(self, node: ast.expr) -> ast.ClassDef | None: ...
    def method(self, node: ast.Attribute, owner: ast.ClassDef) -> ast.expr | None: ...
    def allowed(self, qualified: str) -> bool: ...


class Copier(ast.NodeTransformer):
    """Copies code, with lookups for what is free. ``local`` are the scopes whose names stay what they are."""

    def __init__(self, slicer: Gathering, local: frozenset[Scope]) -> None:
        self.slicer = slicer
        self.local = local

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.expr) and (replacement := self._replacement(node)) is not None:
            return replacement
        if isinstance(node, (*FUNCTION_NODES, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            return self._nested(node)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and self._calls_out(node.value.func):
            # A logger's line, say: it decides no rate, and what it calls cannot be run.
            return ast.Pass()
        shallow = copy.copy(node)
        self.generic_visit_copy(shallow)
        return shallow

    def generic_visit_copy(self, node: ast.AST) -> None:
        # Annotations may name anything (DictConfig) and decide nothing.
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Name("object", ast.Load())
        for field_name, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                setattr(node, field_name, self.visit(value))
            elif isinstance(value, list):
                setattr(node, field_name, [self.visit(v) if isinstance(v, ast.AST) else v for v in value])

    def _nested(self, node: ast.AST) -> ast.AST:
        inner = self.slicer.names.scopes.get(node)
        local = self.local | {inner} if inner is not None else self.local
        bound = _comprehension_names(node)
        copier = (
            _InComprehension(self.slicer, frozenset(local), bound) if bound else Copier(self.slicer, frozenset(local))
        )
        shallow = copy.copy(node)
        copier.generic_visit_copy(shallow)
        return shallow

    def _replacement(self, node: ast.expr) -> ast.expr | None:
        slicer = self.slicer
        if node is slicer.restart:
            return ast.UnaryOp(ast.USub(), ast.Constant(1))
        if isinstance(node, ast.Constant) or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            return None
        if node is slicer.optimizer:
            return ast.Name("optimizer", ast.Load())
        if isinstance(node, ast.Name):
            return ast.Name("optimizer", ast.Load()) if self._is_optimizer(node) else self._name(node)
        text = ast.unparse(node)
        if text == slicer.optimizer_text and self._is_free(node):
            return ast.Name("optimizer", ast.Load())
        if self._is_part_of_optimizer(node):
            return None
        if text in slicer.known and self._is_free(node):
            return slicer.lookup(text)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, text)
        if (
            isinstance(node, ast.Call)
            and text.startswith("len(")
            and len(node.args) == 1
            and self._is_free(node.args[0])
        ):
            length = self._length(node.args[0])
            if length is not None:
                return ast.Constant(length)
        if isinstance(node, ast.Subscript | ast.Call) and self._root_is_free(node):
            return slicer.lookup(text)
        return None

    def _is_optimizer(self, node: ast.Name) -> bool:
        """Whether a name is the one that the construction is given for its optimizer: its parts are on the same."""
        names, given = self.slicer.names, self.slicer.optimizer
        if not isinstance(given, ast.Name) or node.id != given.id:
            return False
        return names.owner(node.id, names.scope_of(node)) is names.owner(given.id, names.scope_of(given))

    def _is_part_of_optimizer(self, node: ast.expr) -> bool:
        """`optimizer.param_groups`, `self.optimizer.param_groups[0]["lr"]`: what the program's own optimizer has."""
        held: ast.expr = node
        while isinstance(held, ast.Attribute | ast.Subscript):
            held = held.value
            whole = ast.unparse(held) == self.slicer.optimizer_text and self._is_free(held)
            if self._is_optimizer(held) if isinstance(held, ast.Name) else whole:
                return True
        return False

    def _name(self, node: ast.Name) -> ast.expr:
        return self.slicer.name(node, self.local)

    def _attribute(self, node: ast.Attribute, text: str) -> ast.expr | None:
        owner = self.slicer.self_of(node.value)
        if owner is not None and self._is_free(node.value):
            method = self.slicer.method(node, owner)
            return method if method is not None else self.slicer.lookup(text)
        if owner is not None and owner in self.slicer.methods:
            inside = self.slicer.names.enclosing(node, ast.ClassDef)
            if inside is owner and not any(isinstance(s, ast.FunctionDef) and s.name == node.attr for s in owner.body):
                return self.slicer.lookup(text)
            if inside is owner:
                self.slicer.method(node, owner)
            return None
        return self.slicer.lookup(text) if self._root_is_free(node) else None

    def _is_free(self, node: ast.expr) -> bool:
        """Whether no name in ``node`` is local to a definition that the slice takes whole."""
        names = self.slicer.names
        return not any(
            isinstance(n, ast.Name) and names.owner(n.id, names.scope_of(n)) in self.local for n in ast.walk(node)
        )

    def _root_is_free(self, node: ast.expr) -> bool:
        """Whether an attribute, subscript or call is of something the file does not fix (``args``, an object)."""
        root: ast.expr = node
        names = self.slicer.names
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "len" and len(node.args) == 1 and self._is_free(node.args[0]):
                return self._length(node.args[0]) is None
            return self._opaque_name(node.func) and self._is_free(node)
        while isinstance(root, ast.Attribute | ast.Subscript | ast.Call):
            root = root.func if isinstance(root, ast.Call) else root.value
        if not isinstance(root, ast.Name) or not self._is_free(node):
            return False
        owner = names.owner(root.id, names.scope_of(root))
        if owner is None:
            return root.id not in BUILTINS
        binding = names.reaching(root.id, owner, root)
        if isinstance(binding, Assigned):
            return not self._plain(binding.value)
        if isinstance(binding, Imported):
            return not self.slicer.allowed(binding.qualified)
        return not isinstance(binding, Defined)

    def _calls_out(self, function: ast.expr) -> bool:
        return self._opaque_name(function) if isinstance(function, ast.Name) else self._root_is_free(function)

    def _opaque_name(self, node: ast.Name) -> bool:
        names = self.slicer.names
        owner = names.owner(node.id, names.scope_of(node))
        if owner is None:
            return node.id not in BUILTINS
        binding = names.reaching(node.id, owner, node)
        return isinstance(binding, Imported) and not self.slicer.allowed(binding.qualified)

    def _length(self, node: ast.expr) -> int | None:
        """The length of a container, where the code fixes it: a literal, a comprehension, a name for one."""
        if isinstance(node, ast.List | ast.Tuple):
            return None if any(isinstance(e, ast.Starred) for e in node.elts) else len(node.elts)
        if isinstance(node, ast.ListComp) and len(node.generators) == 1 and not node.generators[0].ifs:
            over = node.generators[0].iter
            if isinstance(over, ast.Call) and ast.unparse(over.func) == "range" and len(over.args) == 1:
                count = literal(over.args[0])
                return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None
        if isinstance(node, ast.Name):
            names = self.slicer.names
            owner = names.owner(node.id, names.scope_of(node))
            binding = names.reaching(node.id, owner, node) if owner is not None else None
            return self._length(binding.value) if isinstance(binding, Assigned) and not binding.index else None
        return None

    def _plain(self, value: ast.expr) -> bool:
        """Whether an assigned value is data or an object of this file, so that reading it in the slice is possible."""
        if isinstance(value, ast.Call):
            names = self.slicer.names
            if isinstance(value.func, ast.Name):
                owner = names.owner(value.func.id, names.scope_of(value.func))
                binding = names.reaching(value.func.id, owner, value.func) if owner is not None else None
                return isinstance(binding, Defined) or value.func.id in ("dict", "list", "tuple")
            return any(self.slicer.allowed(q) for q in names.qualified(value.func))
        return not isinstance(value, ast.Attribute | ast.Name | ast.Subscript | ast.Await)


class _InComprehension(Copier):
    """Inside a comprehension: its targets are names of its own, which lrfix's scopes do not tell apart."""

    def __init__(self, slicer: Gathering, local: frozenset[Scope], bound: frozenset[str]) -> None:
        super().__init__(slicer, local)
        self.bound = bound

    def _name(self, node: ast.Name) -> ast.expr:
        if node.id in self.bound:
            return ast.Name(node.id, node.ctx)
        return super()._name(node)

    def _is_free(self, node: ast.expr) -> bool:
        if any(isinstance(n, ast.Name) and n.id in self.bound for n in ast.walk(node)):
            return False
        return super()._is_free(node)

    def _nested(self, node: ast.AST) -> ast.AST:
        inner = self.slicer.names.scopes.get(node)
        local = self.local | {inner} if inner is not None else self.local
        copier = _InComprehension(self.slicer, frozenset(local), self.bound | _comprehension_names(node))
        shallow = copy.copy(node)
        copier.generic_visit_copy(shallow)
        return shallow


def _comprehension_names(node: ast.AST) -> frozenset[str]:
    generators = getattr(node, "generators", None)
    if generators is None:
        return frozenset()
    return frozenset(n.id for g in generators for n in ast.walk(g.target) if isinstance(n, ast.Name))


__all__ = ["BUILTINS", "Copier"]
