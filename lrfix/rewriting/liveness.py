"""What nothing uses any more once some code is gone."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from lrfix.names import Argument, Assigned, Binding, Defined, Imported, Names, Scope
from lrfix.sites.blocks import block_of
from lrfix.sites.vocabulary import torch_scheduler

_WORD = re.compile(r"[A-Za-z_]\w*")
External = Callable[[str], bool]


@dataclass(frozen=True)
class OtherFiles:
    """What the other files of a project say: whether one has a word or pattern (``mentioned``), and whether one has it
    that imports connect with the file at hand (``done``)."""

    mentioned: External
    done: External

    def __call__(self, name: str) -> bool:
        return self.mentioned(name)


def done_elsewhere(external: External, pattern: str) -> bool:
    """Whether a file that can get hold of an object of this one does what the pattern matches."""
    return external.done(pattern) if isinstance(external, OtherFiles) else external(pattern)


class Uses:
    """Who reads which name, apart from the code that goes.

    ``external`` says whether another file of the project mentions a name (or anything that a pattern matches).
    """

    def __init__(self, names: Names, external: External) -> None:
        self.names = names
        self.external = external
        self.gone: set[ast.AST] = set()
        self._kept: set[tuple[str, Scope]] = set()
        self._reads: dict[str, list[ast.Name]] = {}
        self._attributes: dict[str, list[ast.AST]] = {}
        self._mentioned: dict[str, list[ast.AST]] = {}
        self._declared: dict[str, list[ast.AST]] = {}
        for node in names.nodes:
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
                self._reads.setdefault(node.id, []).append(node)
            elif isinstance(node, ast.Attribute):
                self._attributes.setdefault(node.attr, []).append(node)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) <= 80:
                # A forward reference, an entry of __all__, the argument of getattr: all look like words in a string.
                for word in set(_WORD.findall(node.value)):
                    self._mentioned.setdefault(word, []).append(node)
            elif isinstance(node, ast.Global | ast.Nonlocal):
                for name in node.names:
                    self._declared.setdefault(name, []).append(node)

    def keep(self, name: str, scope: Scope) -> None:
        """Code that is added reads ``name`` of ``scope``."""
        self._kept.add((name, scope))

    def keep_text(self, text: str, at: ast.AST) -> None:
        """Code that is added at ``at`` reads the names of an expression."""
        for node in ast.walk(ast.parse(text, mode="eval")):
            if isinstance(node, ast.Name):
                owner = self.names.owner(node.id, self.names.scope_of(at))
                if owner is not None:
                    self.keep(node.id, owner)

    def is_gone(self, node: ast.AST) -> bool:
        return node in self.gone or any(a in self.gone for a in self.names.ancestors(node))

    def used(self, name: str, scope: Scope) -> bool:
        """Whether anything that stays reads ``name`` as bound in ``scope``."""
        if (name, scope) in self._kept:
            return True
        reads = [n for n in self._reads.get(name, ()) if not self.is_gone(n)]
        if any(self.names.owner(name, self.names.scope_of(n)) is scope for n in reads):
            return True
        # A text tells nobody of a function's own names.
        own = isinstance(scope.node, ast.FunctionDef | ast.AsyncFunctionDef)
        others = (*(() if own else self._mentioned.get(name, ())), *self._declared.get(name, ()))
        return any(not self.is_gone(n) and not self._is_documentation(n) for n in others)

    def attribute_used(self, name: str) -> bool:
        """Whether anything that stays reads an attribute of that name, here or in another file."""
        if any(not self.is_gone(n) for n in (*self._attributes.get(name, ()), *self._mentioned.get(name, ()))):
            return True
        return self.external(name)

    def read_by_gone(self) -> set[str]:
        """The names that the code that goes reads."""
        return {n.id for root in self.gone for n in ast.walk(root) if isinstance(n, ast.Name)}

    def sweep(self) -> list[ast.stmt]:
        """The definitions that only gone code used, transitively; they count as gone from then on."""
        swept: list[ast.stmt] = []
        progress = True
        while progress:
            progress = False
            for statement in self._candidates():
                if self.is_gone(statement):
                    continue
                self.gone.add(statement)
                swept.append(statement)
                progress = True
        return sorted(swept, key=lambda s: s.lineno)

    def _candidates(self) -> Iterable[ast.stmt]:
        seen: set[tuple[str, Scope]] = set()
        reads = [n for root in list(self.gone) for n in ast.walk(root) if isinstance(n, ast.Name)]
        for read in reads:
            scope = self.names.owner(read.id, self.names.scope_of(read))
            if scope is None or (read.id, scope) in seen:
                continue
            seen.add((read.id, scope))
            bindings = scope.bindings[read.id]
            if len(bindings) != 1:
                yield from self._parts(read.id, scope, bindings)
                continue
            if isinstance(bindings[0], Argument | Imported):
                continue
            statement = self._definition(bindings[0])
            if statement is None or self._shared(read.id, scope) or self.used(read.id, scope):
                continue
            yield statement

    def _parts(self, name: str, scope: Scope, bindings: Sequence[Binding]) -> Iterator[ast.stmt]:
        """The schedulers that a name stands for by turns, one in each branch, and that nothing reads any more there."""
        if isinstance(scope.node, ast.Module) or (name, scope) in self._kept:
            return
        reads = [n for n in self._reads.get(name, ()) if not self.is_gone(n)]
        reaching = [self.names.reaching(name, scope, n) for n in reads]
        if any(not isinstance(found, Assigned) for found in reaching):
            return
        for binding in bindings:
            value = binding.value if isinstance(binding, Assigned) else None
            if isinstance(value, ast.Call) and torch_scheduler(self.names, value.func) and binding not in reaching:
                statement = self._definition(binding)
                if statement is not None:
                    yield statement

    def _shared(self, name: str, scope: Scope) -> bool:
        return isinstance(scope.node, ast.Module) and self.external(name)

    def _definition(self, binding: Binding) -> ast.stmt | None:
        if isinstance(binding, Defined):
            return None if binding.node.decorator_list else binding.node
        if isinstance(binding, Assigned) and not binding.index and isinstance(binding.node, ast.Assign | ast.AnnAssign):
            targets = binding.node.targets if isinstance(binding.node, ast.Assign) else [binding.node.target]
            if len(targets) == 1 and isinstance(targets[0], ast.Name) and self._defines_function(binding.value):
                return binding.node if self._alone_on_its_line(binding.node) else None
        return None

    def _defines_function(self, value: ast.expr) -> bool:
        """Whether an assigned value is only a function (a lambda, a partial, what a function of this file returns), or
        a scheduler that one that goes was put together from."""
        if isinstance(value, ast.Lambda):
            return True
        if isinstance(value, ast.List | ast.Tuple):
            return bool(value.elts) and all(self._defines_function(e) for e in value.elts)
        if isinstance(value, ast.ListComp):
            return self._defines_function(value.elt)
        if isinstance(value, ast.Name):
            return any(isinstance(b, Defined) for b in self.names.bindings(value.id, value))
        if isinstance(value, ast.Call):
            if self.names.qualified(value.func) & {"functools.partial"} or torch_scheduler(self.names, value.func):
                return True
            if isinstance(value.func, ast.Name):
                return any(isinstance(b, Defined) for b in self.names.bindings(value.func.id, value.func))
        return False

    def _alone_on_its_line(self, statement: ast.stmt) -> bool:
        beside = sum(s.lineno == statement.lineno for s in block_of(self.names, statement)) > 1
        return not beside and getattr(self.names.parents[statement], "lineno", 0) != statement.lineno

    def _is_documentation(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Constant) and isinstance(self.names.parents.get(node), ast.Expr)


__all__ = ["External", "OtherFiles", "Uses", "done_elsewhere"]
