"""Which code of a file can come by an event, by its text: what a branch on an unknown is chosen by.

The strength of code is 2 where an optimizer or scheduler may be built or stepped or a rate written, 1 where gradients
or states are handled, else 0; a call is as strong as the functions of its name in the file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from lrfix.sites.vocabulary import words
from lrfix.tracing.library import builds, names_optimizer, names_scheduler
from lrfix.trees import children, walk

STRONG = 2
WEAK = 1
_WEAK = frozenset({"backward", "zero_grad", "state_dict", "load_state_dict", "manual_backward"})
_STRONG = frozenset({"step", "step_update", "get_lr"})
_RESTORES = ("load_state_dict",)
_LEFT_BEHIND = frozenset({"checkpoint", "checkpoints", "ckpt", "state", "resume"})
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_TRAINS = frozenset({"backward", "zero_grad"})
_WRITTEN_DOWN = (ast.stmt, ast.Lambda, ast.IfExp, ast.Module)
_NOTHING: frozenset[str] = frozenset()
_ROUNDS = 6


class Reach:
    """The strengths of the statements and functions of one module."""

    def __init__(self, tree: ast.Module) -> None:
        self._named: dict[str, int] = {}
        self._called: dict[str, set[str]] = {}
        self._statements: dict[int, int] = {}
        self._names: dict[int, frozenset[str]] = {}
        self.functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
        self._own: dict[int, int] = {}
        self._within: dict[int, int] = {}
        self._loading: set[int] = set()
        #: The functions that bring an optimizer or a scheduler back to where an earlier run left it, and train nothing.
        self._bringing: set[str] = set()
        #: The functions of the modules that came later, each with the name of its file.
        self.added: dict[int, str] = {}
        self._trees: set[ast.Module] = set()
        self.add(tree)

    def add(self, tree: ast.Module, file: str = "another file") -> None:
        """Another module whose functions may be called, and the file that it stands in."""
        if tree in self._trees:
            return
        before = len(self.functions)
        self._statements.clear()
        self._collect(tree)
        if self._trees:
            self.added |= {id(function): file for function in self.functions[before:]}
        self._trees.add(tree)
        self._spread()

    def function(self, node: ast.AST) -> int:
        """How strong the body of a function is, with the functions in it: it hands them to what calls them."""
        if isinstance(node, ast.Lambda):
            return self.expression(node)
        body = getattr(node, "body", [])
        return max(self.block(body), *(self.function(s) for s in body if isinstance(s, _DEFINITIONS)), 0)

    def named(self, name: str) -> int:
        """How strong a call of a function of that name is."""
        return self._named.get(name, 0)

    def calls(self, node: ast.AST) -> frozenset[str]:
        """The names of what a function calls."""
        return self._names.get(id(node), frozenset())

    def block(self, statements: Iterable[ast.stmt]) -> int:
        return max((self.statement(s) for s in statements), default=0)

    def resumes(self, statements: Iterable[ast.stmt]) -> bool:
        """Whether a block brings back what an earlier run left, or calls what does, and trains nothing itself."""
        brings = any(id(s) in self._loading or self._bringing & self._names_in(s) for s in statements)
        return brings and not _trains(statements)

    def _names_in(self, statement: ast.stmt) -> frozenset[str]:
        return self._names.get(id(statement), frozenset())

    def statement(self, node: ast.stmt) -> int:
        return 0 if isinstance(node, (*_DEFINITIONS, ast.ClassDef)) else self._strength(node)

    def stands_for(self, branch: ast.If, written: ast.stmt) -> None:
        """A chain of branches that is not written so: it reaches what its blocks do."""
        while id(branch) not in self._names:
            self._names[id(branch)] = self._names_in(written)
            self._own[id(branch)] = self._own.get(id(written), 0)
            self._statements.pop(id(branch), None)
            if len(branch.orelse) != 1 or not isinstance(branch.orelse[0], ast.If):
                return
            branch = branch.orelse[0]

    def expression(self, node: ast.expr) -> int:
        return self._strength(node)

    def within(self, node: ast.expr) -> int:
        """How strong an expression is, whatever is written down of it."""
        key = id(node)
        if key not in self._within:
            self._within[key] = max((_own_strength(n)[0] for n in walk(node)), default=0)
        return self._within[key]

    def _strength(self, node: ast.AST) -> int:
        key = id(node)
        if key not in self._statements:
            calls = self._names.get(key, frozenset())
            own = self._own.get(key, 0)
            self._statements[key] = max([own, *(self._named.get(c, 0) for c in calls)])
        return self._statements[key]

    def _collect(self, tree: ast.Module) -> None:
        """One pass: each statement's own strength and the names it calls, functions inside it left out."""
        self._visit(tree)

    def _visit(self, node: ast.AST) -> tuple[int, frozenset[str]]:
        own, names = _own_strength(node)
        called: set[str] | frozenset[str] = set(names) if names else _NOTHING
        loads = isinstance(node, ast.Call) and _brings_back(node)
        for child in children(node):
            strength, inner = self._visit(child)
            if isinstance(child, _DEFINITIONS):
                self.functions.append(child)
                self._called.setdefault(child.name, set()).update(inner)
                self._named[child.name] = max(self._named.get(child.name, 0), strength)
                if not _trains(child.body) and any(keeps_state(s, _RESTORES) for s in child.body):
                    self._bringing.add(child.name)
                continue
            if isinstance(child, ast.ClassDef):
                if any(isinstance(s, ast.FunctionDef) and s.name == "__init__" for s in child.body):
                    self._called.setdefault(child.name, set()).add(f"{child.name}.__init__")
                continue
            if strength > own:
                own = strength
            if inner:
                if isinstance(called, set):
                    called |= inner
                else:
                    called = {*called, *inner} if called else inner
            loads = loads or id(child) in self._loading
        found = frozenset(called)
        if loads:
            self._loading.add(id(node))
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and member.name == "__init__":
                    self._named[f"{node.name}.__init__"] = self._own.get(id(member), 0)
                    self._called[f"{node.name}.__init__"] = set(self._names.get(id(member), frozenset()))
        if isinstance(node, _WRITTEN_DOWN):
            self._own[id(node)] = own
            self._names[id(node)] = found
        return own, found

    def _spread(self) -> None:
        for _ in range(_ROUNDS):
            changed = False
            for name, called in self._called.items():
                best = max([self._named.get(name, 0), *(self._named.get(c, 0) for c in called)])
                if best != self._named.get(name, 0):
                    self._named[name] = best
                    changed = True
            if not changed:
                return


def trains(node: ast.AST) -> bool:
    """Whether gradients are made there, or something is stepped."""
    return any(
        isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr in (*_TRAINS, "step")
        for n in walk(node)
    )


def _trains(statements: Iterable[ast.stmt]) -> bool:
    return any(
        isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr in _TRAINS
        for s in statements
        for n in walk(s)
    )


def keeps_state(node: ast.AST, methods: Iterable[str] = ("state_dict", "load_state_dict")) -> bool:
    """Whether the state of what is called an optimizer or a scheduler is saved or restored there."""
    return any(
        isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr in methods
        and isinstance(n.func.value, ast.Name | ast.Attribute)
        and (names_optimizer(ast.unparse(n.func.value)) or names_scheduler(ast.unparse(n.func.value)))
        for n in walk(node)
    )


def _brings_back(node: ast.Call) -> bool:
    func = node.func
    name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    if name in ("load", "load_state_dict"):
        return True
    spoken = set(words(name))
    return bool(spoken & {"load", "resume", "restore"}) and bool(spoken & _LEFT_BEHIND)


def sets_up(node: ast.AST) -> bool:
    """Whether a function sets attributes of what it is given, kept on its node: ``args.total_steps = ...``."""
    known: bool | None = node.__dict__.get("lrfix_sets_up")
    if known is None:
        given = {a.arg for a in walk(node) if isinstance(a, ast.arg)}
        known = node.__dict__["lrfix_sets_up"] = any(
            isinstance(n, ast.Attribute)
            and isinstance(n.ctx, ast.Store)
            and isinstance(n.value, ast.Name)
            and n.value.id in given
            for n in walk(node)
        )
    return known


def leaves(statements: Sequence[ast.stmt]) -> bool:
    """Whether a block ends by leaving what is around it."""
    return bool(statements) and isinstance(statements[-1], ast.Return | ast.Continue | ast.Break | ast.Raise)


def _own_strength(node: ast.AST) -> tuple[int, tuple[str, ...]]:
    if isinstance(node, ast.Subscript):
        stored = isinstance(node.ctx, ast.Store) and isinstance(node.slice, ast.Constant) and node.slice.value == "lr"
        return (STRONG if stored else 0), ()
    if isinstance(node, ast.Attribute):
        return (STRONG if node.attr == "lr" and isinstance(node.ctx, ast.Store) else 0), ()
    if not isinstance(node, ast.Call):
        return 0, ()
    func = node.func
    name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    if isinstance(func, ast.Attribute) and name in _STRONG:
        return STRONG, ()
    if isinstance(func, ast.Attribute) and name in _WEAK:
        return WEAK, ()
    if isinstance(func, ast.Attribute) and name == "fit":
        return 0, (name, "configure_optimizers")  # a trainer asks the module that it trains
    if builds(name):
        return STRONG, (name,)
    return 0, (name,) if name else ()
