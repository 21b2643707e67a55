"""What a name means at a place: lrfix's own light resolution of scopes, imports and reaching assignments.

Qualified names are sets: ``try: from a import f / except ImportError: from b import f`` gives two.
Nothing is evaluated here; a binding is a piece of syntax that someone else may simulate.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from lrfix.trees import children, walk

ScopeNode = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
SCOPE_NODES = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
FUNCTION_NODES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
#: Nodes that bind names: by far most of a tree's do not.
_BINDING = frozenset(
    {ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.Assign}
    | {ast.AnnAssign, ast.AugAssign, ast.For, ast.AsyncFor, ast.With, ast.AsyncWith, ast.Global, ast.Nonlocal}
    | {ast.NamedExpr, ast.ExceptHandler}
)
BLOCK_FIELDS = ("body", "orelse", "finalbody")


@dataclass(frozen=True)
class Imported:
    """``import a.b as n`` / ``from a import n``: the dotted name that ``n`` stands for."""

    qualified: str
    node: ast.stmt


@dataclass(frozen=True)
class Defined:
    """A ``def`` or ``class`` statement."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Assigned:
    """``name = value``; ``index`` is the position where the target was unpacked from a tuple."""

    value: ast.expr
    node: ast.stmt
    index: tuple[int, ...] = ()


@dataclass(frozen=True)
class Augmented:
    """``name op= value``."""

    node: ast.AugAssign


@dataclass(frozen=True)
class Argument:
    """A parameter of a function; ``default`` is its default expression, if any."""

    function: FunctionNode
    name: str
    default: ast.expr | None


@dataclass(frozen=True)
class Opaquely:
    """Bound in a way whose value the code does not fix: a loop, a ``with``, several branches."""

    reason: str
    alternatives: tuple[Binding, ...] = ()


@dataclass(frozen=True)
class LooselyBound(Opaquely):
    """An opaque binding with the statement that makes it."""

    node: ast.stmt | None = None


Binding = Imported | Defined | Assigned | Augmented | Argument | Opaquely


@dataclass(eq=False)
class Scope:
    """One module, function, lambda or class body with all names bound directly in it."""

    node: ScopeNode
    parent: Scope | None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    outer_names: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Elsewhere:
    """What an import means in another file: a name of that module, or the module itself where ``name`` is None."""

    names: Names
    name: str | None


class Neighbours(Protocol):
    """The other files that a module imports from (``lrfix.neighbours``), as one file sees them."""

    @property
    def file(self) -> str: ...  # the name of that file
    def meaning(self, name: str, node: ast.stmt) -> Elsewhere | None: ...  # what the import ``node`` binds ``name`` to
    def starred(self, name: str) -> Elsewhere | None: ...  # what ``name`` means through star imports
    def member(self, module: Names, name: str) -> Elsewhere | None: ...  # what ``module.name`` means
    def holds(self, node: ast.AST) -> bool: ...  # whether another file of the project has the node
    def settings(self) -> list[Names]: ...  # the imported files that, by their names, hold settings


class Names:
    """Scopes and bindings of one module. ``neighbours`` is None for a file that is looked at alone."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.neighbours: Neighbours | None = None
        self.parents: dict[ast.AST, ast.AST] = {}
        self.scopes: dict[ast.AST, Scope] = {}
        self.nodes: list[ast.AST] = []
        self._statements: dict[ast.AST, ast.stmt | None] = {}
        self._scopes: dict[ast.AST, Scope] = {}
        self._reached: dict[tuple[str, Scope, ast.AST | None], Binding | None] = {}
        self._collect(tree, Scope(tree, None))

    @cached_property
    def functions(self) -> Mapping[str, Sequence[ast.FunctionDef]]:
        """The functions and methods of the file by their names, in the order of the text."""
        found: dict[str, list[ast.FunctionDef]] = {}
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef):
                found.setdefault(node.name, []).append(node)
        return found

    def scope_of(self, node: ast.AST) -> Scope:
        """The scope in which ``node`` is evaluated (a ``def`` belongs to the scope around it)."""
        known = self._scopes.get(node)
        if known is None:
            known = self._scopes[node] = self._scope_of(node)
        return known

    def _scope_of(self, node: ast.AST) -> Scope:
        current = self.parents.get(node)
        previous: ast.AST = node
        while current is not None:
            if isinstance(current, SCOPE_NODES) and not _evaluated_outside(current, previous):
                return self.scopes[current]
            previous, current = current, self.parents.get(current)
        return self.scopes[self.tree]

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        current = self.parents.get(node)
        while current is not None:
            yield current
            current = self.parents.get(current)

    def enclosing(self, node: ast.AST, kind: type | tuple[type, ...]) -> ast.AST | None:
        return next((a for a in self.ancestors(node) if isinstance(a, kind)), None)

    def statement_of(self, node: ast.AST) -> ast.stmt | None:
        if isinstance(node, ast.stmt):
            return node
        if node not in self._statements:
            self._statements[node] = next((a for a in self.ancestors(node) if isinstance(a, ast.stmt)), None)
        return self._statements[node]

    def owner(self, name: str, scope: Scope) -> Scope | None:
        """The scope that binds ``name`` as seen from ``scope``; None for a builtin or an unbound name."""
        current: Scope | None = scope
        first = True
        while current is not None:
            visible = first or not isinstance(current.node, ast.ClassDef)
            if visible and name in current.bindings and name not in current.outer_names:
                return current
            first = False
            current = current.parent
        return None

    def bindings(self, name: str, at: ast.AST) -> list[Binding]:
        owner = self.owner(name, self.scope_of(at))
        return owner.bindings[name] if owner else []

    def reaching(self, name: str, scope: Scope, at: ast.AST | None) -> Binding | None:
        """The binding of ``name`` in ``scope`` that holds at ``at``; at the scope's end when ``at`` is None
        or lies in a nested function, which may run at any later time."""
        key = (name, scope, at)
        if key not in self._reached:
            self._reached[key] = self._reaching(name, scope, at)
        return self._reached[key]

    def _reaching(self, name: str, scope: Scope, at: ast.AST | None) -> Binding | None:
        known = scope.bindings.get(name)
        if not known:
            return None
        if len(known) == 1 and not isinstance(known[0], Assigned | Augmented):
            return known[0]
        if isinstance(known[0], Imported) and {getattr(b, "qualified", None) for b in known} == {known[0].qualified}:
            # Imported twice (once more under ``if __name__ == "__main__"``, say), it means the same throughout.
            return known[0]
        statement = self._statement_in(scope, at)
        found = self._before(name, scope, statement)
        if found is None and all(isinstance(b, Defined | Imported) for b in known):
            return known[-1]
        return found

    def qualified(self, node: ast.expr) -> frozenset[str]:
        """All dotted names an expression ``a.b.c`` may stand for through imports and plain aliases."""
        return self._qualified(node, 0)

    def _qualified(self, node: ast.expr, depth: int) -> frozenset[str]:
        if depth > 8:
            return frozenset()
        if isinstance(node, ast.Attribute):
            return frozenset(f"{base}.{node.attr}" for base in self._qualified(node.value, depth + 1))
        if not isinstance(node, ast.Name):
            return frozenset()
        found: set[str] = set()
        owner = self.owner(node.id, self.scope_of(node))
        if owner is None:
            return frozenset({node.id})
        for binding in owner.bindings[node.id]:
            if isinstance(binding, Imported):
                found.add(binding.qualified)
            elif (
                isinstance(binding, Assigned)
                and isinstance(binding.value, ast.Attribute | ast.Name)
                and not binding.index
            ):
                found |= self._qualified(binding.value, depth + 1)
        return frozenset(found)

    def _statement_in(self, scope: Scope, at: ast.AST | None) -> ast.stmt | None:
        """The statement of ``scope`` that contains ``at``, or None when ``at`` runs at another time."""
        node: ast.AST | None = at
        while node is not None:
            if isinstance(node, ast.stmt) and self.scope_of(node) is scope:
                return node
            parent = self.parents.get(node)
            if isinstance(parent, FUNCTION_NODES) and not _evaluated_outside(parent, node):
                # The use runs when the function is called; the definition's own place is the best witness of when.
                node = parent
                continue
            node = parent
        return None

    def _before(self, name: str, scope: Scope, statement: ast.stmt | None) -> Binding | None:
        if statement is None:
            return self._last(name, getattr(scope.node, "body", []), scope)
        node: ast.AST = statement
        while node is not scope.node:
            parent = self.parents[node]
            if isinstance(parent, ast.For | ast.AsyncFor | ast.While) and self._binds(parent, name, scope):
                inside = self._scan_block(name, parent, node, scope)
                if inside is not None:
                    return inside
                return Opaquely(f"`{name}` changes in the loop at line {parent.lineno}")
            inside = self._scan_block(name, parent, node, scope)
            if inside is not None:
                return inside
            node = parent
        arguments = [b for b in scope.bindings[name] if isinstance(b, Argument)]
        if arguments:
            return arguments[0]
        if isinstance(scope.node, ast.Module):
            later = scope.bindings[name]
            return later[0] if len(later) == 1 else None
        return None

    def _scan_block(self, name: str, parent: ast.AST, child: ast.AST, scope: Scope) -> Binding | None:
        for attribute in BLOCK_FIELDS:
            block = getattr(parent, attribute, None)
            if isinstance(block, list) and child in block:
                return self._last(name, block[: block.index(child)], scope)
        return None

    def _last(self, name: str, block: list[ast.stmt], scope: Scope) -> Binding | None:
        for statement in reversed(block):
            direct = [b for b in scope.bindings[name] if getattr(b, "node", None) is statement]
            if direct:
                return direct[-1]
            if self._binds(statement, name, scope):
                return self._merged(name, statement, scope)
        arguments = [b for b in scope.bindings[name] if isinstance(b, Argument)]
        return arguments[0] if arguments and block is getattr(scope.node, "body", None) else None

    def _merged(self, name: str, statement: ast.stmt, scope: Scope) -> Binding:
        inner = [
            b
            for b in scope.bindings[name]
            if (node := getattr(b, "node", None)) is not None
            and (node is statement or statement in self.ancestors(node))
        ]
        if isinstance(statement, ast.Try) and all(isinstance(b, Imported | Defined) for b in inner):
            return inner[0]
        if isinstance(statement, ast.With | ast.AsyncWith):
            last = self._last(name, statement.body, scope)
            if last is not None:
                return last
        return Opaquely(f"`{name}` is set in more than one branch at line {statement.lineno}", tuple(inner))

    def _binds(self, statement: ast.AST, name: str, scope: Scope) -> bool:
        return any(
            (node := getattr(b, "node", None)) is not None and (node is statement or statement in self.ancestors(node))
            for b in scope.bindings.get(name, ())
        )

    def _collect(self, tree: ast.Module, module: Scope) -> None:
        self.scopes[tree] = module
        stack: list[tuple[ast.AST, Scope]] = [(tree, module)]
        while stack:
            node, scope = stack.pop()
            self.nodes.append(node)
            own = self.scopes.get(node)
            for child in children(node):
                self.parents[child] = node
                inner = own or scope
                if own is not None and _evaluated_outside(node, child):
                    inner = own.parent or scope
                if type(child) in _BINDING:
                    if isinstance(child, SCOPE_NODES):
                        self.scopes[child] = Scope(child, inner)
                    _bind(child, inner, self.scopes.get(child))
                stack.append((child, inner))
        self._bind_globals(module)
        self.nodes.sort(key=_place)
        for scope in self.scopes.values():
            for found in scope.bindings.values():
                found.sort(key=lambda b: getattr(getattr(b, "node", None), "lineno", 0))

    def _bind_globals(self, module: Scope) -> None:
        """``global args`` with an assignment in a function binds a name of the module that nothing else may bind."""
        own = set(module.bindings)
        for node in self.nodes:
            if isinstance(node, ast.Global):
                scope = self.scope_of(node)
                for name in scope.outer_names - own:
                    for binding in scope.bindings.get(name, ()):
                        _add(module, name, binding)


def _place(node: ast.AST) -> tuple[int, int]:
    where = node.__dict__
    return where.get("lineno", 0), where.get("col_offset", 0)


def _evaluated_outside(scope: ast.AST, child: ast.AST) -> bool:
    """Decorators, defaults, annotations and bases belong to the scope around a definition."""
    if isinstance(scope, ast.Lambda):
        return child is scope.args
    if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        return child not in scope.body
    if isinstance(scope, ast.ClassDef):
        return child not in scope.body
    return False


def _bind(node: ast.AST, scope: Scope, own: Scope | None) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.asname or alias.name.split(".")[0]
            _add(scope, top, Imported(alias.name if alias.asname else top, node))
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            _add(scope, alias.asname or alias.name, Imported(f"{module}.{alias.name}".lstrip(), node))
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        _add(scope, node.name, Defined(node))
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            _bind_target(target, node.value, node, scope, ())
    elif isinstance(node, ast.AnnAssign):
        if node.value is not None:
            _bind_target(node.target, node.value, node, scope, ())
    elif isinstance(node, ast.AugAssign):
        if isinstance(node.target, ast.Name):
            _add(scope, node.target.id, Augmented(node))
    elif isinstance(node, ast.For | ast.AsyncFor):
        _bind_loosely(node.target, node, scope, "a loop variable")
    elif isinstance(node, ast.With | ast.AsyncWith):
        for item in node.items:
            if item.optional_vars is not None:
                _bind_loosely(item.optional_vars, node, scope, "bound by with")
    elif isinstance(node, ast.Global | ast.Nonlocal):
        # In the module itself the statement says what holds anyway.
        if scope.parent is not None:
            scope.outer_names.update(node.names)
    elif isinstance(node, ast.NamedExpr):
        _add(scope, node.target.id, Opaquely("bound inside an expression"))
    elif isinstance(node, ast.ExceptHandler) and node.name:
        _add(scope, node.name, Opaquely("a caught exception"))
    if isinstance(node, FUNCTION_NODES) and own is not None:
        _bind_arguments(node, own)


def _bind_arguments(function: FunctionNode, scope: Scope) -> None:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    for argument, default in zip(positional, defaults, strict=True):
        _add(scope, argument.arg, Argument(function, argument.arg, default))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        _add(scope, argument.arg, Argument(function, argument.arg, default))
    for rest in (arguments.vararg, arguments.kwarg):
        if rest is not None:
            _add(scope, rest.arg, Argument(function, rest.arg, None))


def _bind_target(target: ast.expr, value: ast.expr, node: ast.stmt, scope: Scope, index: tuple[int, ...]) -> None:
    if isinstance(target, ast.Name):
        _add(scope, target.id, Assigned(value, node, index))
    elif isinstance(target, ast.Tuple | ast.List):
        for position, element in enumerate(target.elts):
            if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts) and not index:
                _bind_target(element, value.elts[position], node, scope, ())
            else:
                _bind_target(element, value, node, scope, (*index, position))
    elif isinstance(target, ast.Starred):
        _bind_loosely(target.value, node, scope, "bound by a starred target")


def _bind_loosely(target: ast.expr, node: ast.stmt, scope: Scope, reason: str) -> None:
    for inner in walk(target):
        if isinstance(inner, ast.Name):
            _add(scope, inner.id, LooselyBound(reason, (), node))


def _add(scope: Scope, name: str, binding: Binding) -> None:
    scope.bindings.setdefault(name, []).append(binding)
