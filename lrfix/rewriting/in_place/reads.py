"""What a run of statements does: which outer values it reads, which names it sets, and that it does nothing else.

A value read from outside is named by its text (``args.lr``, ``len(loader)``, ``group["lr_scale"]``): a leaf. Statements
that do more than compute (a call of something unknown, a write to an object) are no part of any region.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Sequence
from functools import lru_cache

from lrfix.domains.clock import tick_of
from lrfix.names import Defined, Imported, Names
from lrfix.rewriting.in_place.methods import method_of, receiver

#: Calls without effect that give numbers, or lists of them.
_BUILTINS = frozenset({"abs", "bool", "float", "int", "len", "max", "min", "pow", "range", "round", "sum", "sorted"})
_MODULES = frozenset({"math", "numpy", "bisect"})
_BOUND_FREE = frozenset(dir(builtins))
_MOST_HELPERS = 6
#: What ends a path: nothing comes after it.
_ENDED = frozenset({"<returned>"})


class NotPure(Exception):
    """Why statements are more than a computation."""

    def __init__(self, reason: str, node: ast.AST) -> None:
        super().__init__(reason)
        self.node = node


class Reads:
    """The leaves of statements of one file, in the order in which they are read.

    ``leaves`` maps a leaf's text to a node that reads it, ``helpers`` are the functions of the file that are called,
    ``methods`` those of them that are methods of the object at hand, with the text of their calls,
    ``assigned`` the names that hold a value at the end on every path, ``stored`` all that are set on any,
    ``forgotten`` those that are deleted.
    ``among_others``: statements before these may make the lists that they fill. ``elements`` are names that stand for
    one value of a list.
    """

    def __init__(
        self, names: Names, statements: Sequence[ast.stmt], among_others: bool = False, elements: Sequence[str] = ()
    ) -> None:
        self.names = names
        self._among_others = among_others
        self._elements = elements
        self.leaves: dict[str, ast.expr] = {}
        self.helpers: dict[ast.FunctionDef, None] = {}
        self.stored: dict[str, ast.AST] = {}
        self.returns: list[ast.Return] = []
        self.truths: set[str] = set()
        self.checks: list[ast.stmt] = []
        self.methods: dict[ast.FunctionDef, str] = {}
        self.nones: set[str] = set()
        self.forgotten: set[str] = set()
        self._branches = 0
        self._bound: list[set[str]] = []
        self._outer: list[ast.FunctionDef] = []
        self.assigned = self._block(statements, frozenset())

    @property
    def always_returns(self) -> bool:
        """Whether no path goes past the statements."""
        return self.assigned is _ENDED

    def _block(self, statements: Iterable[ast.stmt], assigned: frozenset[str]) -> frozenset[str]:
        branches = self._branches
        for statement in statements:
            if assigned is _ENDED:
                raise NotPure("code that is never reached", statement)
            assigned = self._statement(statement, assigned)
            if isinstance(statement, ast.If) and any(isinstance(n, ast.Return) for n in ast.walk(statement)):
                self._branches = branches + 1  # what comes behind is the other side
        self._branches = branches
        return assigned

    def _statement(self, node: ast.stmt, assigned: frozenset[str]) -> frozenset[str]:
        if isinstance(node, ast.Assign):
            self._expression(node.value, assigned)
            for target in node.targets:
                assigned = self._target(target, assigned)
            return assigned
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            self._expression(node.value, assigned)
            return self._target(node.target, assigned)
        if isinstance(node, ast.AugAssign):
            if not isinstance(node.target, ast.Name):
                raise NotPure(f"it changes `{ast.unparse(node.target)}`", node)
            self._name(ast.Name(node.target.id, ast.Load()), node.target, assigned)
            self._expression(node.value, assigned)
            return self._target(node.target, assigned)
        if isinstance(node, ast.If):
            self._truth(node.test)
            self._expression(node.test, assigned)
            self._branches += 1
            first = self._block(node.body, assigned)
            second = self._block(node.orelse, assigned)
            self._branches -= 1
            return second if first is _ENDED else first if second is _ENDED else first & second
        if isinstance(node, ast.For):
            return self._loop(node, assigned)
        if isinstance(node, ast.Return) and node.value is not None:
            self._expression(node.value, assigned)
            if not self._outer:
                self.returns.append(node)
            return _ENDED
        if isinstance(node, ast.Expr) and self._appended(node.value, assigned):
            return assigned
        if isinstance(node, ast.Raise) and self._branches:
            self.checks.append(node)
            return _ENDED
        if isinstance(node, ast.Assert):
            self._expression(node.test, assigned)
            self.checks.append(node)
            return assigned
        if isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            return assigned
        if isinstance(node, ast.Delete) and not self._outer and all(isinstance(t, ast.Name) for t in node.targets):
            self.forgotten |= {ast.unparse(target) for target in node.targets}
            return assigned
        raise NotPure(f"it holds a statement that is no computation (line {node.lineno})", node)

    def _appended(self, node: ast.expr, assigned: frozenset[str]) -> bool:
        """``rates.append(value)``, on a list of the statements' own."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.keywords:
            return False
        held = node.func.value
        if node.func.attr != "append" or not isinstance(held, ast.Name):
            return False
        if held.id not in assigned and not self._among_others:
            return False
        for argument in node.args:
            self._expression(argument, assigned)
        return True

    def _loop(self, node: ast.For, assigned: frozenset[str]) -> frozenset[str]:
        if node.orelse:
            raise NotPure("it holds a loop with an `else`", node)
        self._expression(node.iter, assigned)
        inside = self._target(node.target, assigned)
        for statement in node.body:
            if any(isinstance(n, ast.Break | ast.Continue) for n in ast.walk(statement)):
                raise NotPure("it holds a loop that is left early", statement)
        self._block(node.body, inside)
        return assigned

    def _target(self, target: ast.expr, assigned: frozenset[str]) -> frozenset[str]:
        if isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                assigned = self._target(part, assigned)
            return assigned
        if not isinstance(target, ast.Name):
            raise NotPure(f"it writes `{ast.unparse(target)}`", target)
        if not self._outer:
            self.stored.setdefault(target.id, target)
        return assigned | {target.id}

    def _truth(self, test: ast.expr) -> None:
        """Values that are tested for truth: what is none of them counts as much as how much it is."""
        parts = test.values if isinstance(test, ast.BoolOp) else [test]
        for part in parts:
            inner = part.operand if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not) else part
            if isinstance(inner, ast.Name | ast.Attribute | ast.Subscript):
                self.truths.add(ast.unparse(inner))

    # Expressions

    def _expression(self, node: ast.expr, assigned: frozenset[str]) -> None:
        if isinstance(node, ast.Constant):
            if isinstance(node.value, int | float):
                return
            raise NotPure(f"it reads {ast.unparse(node)[:40]}", node)
        if isinstance(node, ast.Name):
            self._name(node, node, assigned)
        elif isinstance(node, ast.Attribute | ast.Subscript):
            self._path(node, assigned)
        elif isinstance(node, ast.BinOp):
            self._expression(node.left, assigned)
            self._expression(node.right, assigned)
        elif isinstance(node, ast.UnaryOp):
            self._expression(node.operand, assigned)
        elif isinstance(node, ast.BoolOp):
            self._truth(node)
            for value in node.values:
                self._expression(value, assigned)
        elif isinstance(node, ast.Compare) and self._asks_whether_none(node, assigned):
            self._expression(node.left, assigned)
        elif isinstance(node, ast.Compare):
            for value in (node.left, *node.comparators):
                self._expression(value, assigned)
        elif isinstance(node, ast.IfExp):
            self._truth(node.test)
            for value in (node.test, node.body, node.orelse):
                self._expression(value, assigned)
        elif isinstance(node, ast.List | ast.Tuple):
            for value in node.elts:
                self._expression(value, assigned)
        elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp):
            self._comprehension(node, assigned)
        elif isinstance(node, ast.Call):
            self._call(node, assigned)
        else:
            raise NotPure(f"it computes with `{ast.unparse(node)[:40]}`", node)

    def _asks_whether_none(self, node: ast.Compare, assigned: frozenset[str]) -> bool:
        """Whether a comparison asks of a value from outside whether it is None; that value may then be."""
        (asked, *more) = node.comparators
        if more or not isinstance(node.ops[0], ast.Is | ast.IsNot):
            return False
        if not isinstance(asked, ast.Constant) or asked.value is not None or not self._is_outer(node.left, assigned):
            return False
        self.nones.add(ast.unparse(node.left))
        return True

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, assigned: frozenset[str]) -> None:
        if len(node.generators) != 1 or not isinstance(node.generators[0].target, ast.Name):
            raise NotPure("it holds a nested comprehension", node)
        (generator,) = node.generators
        self._expression(generator.iter, assigned)
        assert isinstance(generator.target, ast.Name)
        inside = assigned | {generator.target.id}
        for value in (*generator.ifs, node.elt):
            self._expression(value, inside)

    def _call(self, node: ast.Call, assigned: frozenset[str]) -> None:
        function = node.func
        if any(k.arg is None for k in node.keywords) or any(isinstance(a, ast.Starred) for a in node.args):
            raise NotPure(f"it calls `{ast.unparse(node)[:40]}`", node)
        if (
            isinstance(function, ast.Name)
            and function.id == "len"
            and len(node.args) == 1
            and self._is_outer(node.args[0], assigned)
        ):
            self.leaves.setdefault(ast.unparse(node), node)
            return
        if not self._is_calculation(function, assigned):
            helper = self._helper(function, assigned) or self._method(function, assigned)
            if helper is None:
                raise NotPure(f"it calls `{ast.unparse(function)}`", node)
            given = (n for a in (*node.args, *(k.value for k in node.keywords)) for n in ast.walk(a))
            told = any(isinstance(n, ast.Name | ast.Attribute) and tick_of(ast.unparse(n)) for n in given)
            # What one branch asks is a part of the schedule; what every path asks is the schedule.
            whole = not self._branches and not self._among_others and not self._outer
            if whole and (told or helper in self.methods):
                raise NotPure(f"the formula is that of `{helper.name}`, which is told the position", node)
            self._into(helper)
        for argument in (*node.args, *(k.value for k in node.keywords)):
            self._expression(argument, assigned)

    def _is_calculation(self, function: ast.expr, assigned: frozenset[str]) -> bool:
        root = _root(function)
        if root is None or root.id in assigned:
            return False
        owner = self.names.owner(root.id, self.names.scope_of(root))
        if owner is None:
            return isinstance(function, ast.Name) and function.id in _BUILTINS
        found = self.names.qualified(function)
        return bool(found) and all(name.split(".")[0] in _MODULES for name in found)

    def _helper(self, function: ast.expr, assigned: frozenset[str]) -> ast.FunctionDef | None:
        """The function of the file that a plain name calls, where there is one and it is only that."""
        if not isinstance(function, ast.Name) or function.id in assigned:
            return None
        bindings = self.names.bindings(function.id, function)
        if len(bindings) != 1 or not isinstance(bindings[0], Defined):
            return None
        node = bindings[0].node
        if not isinstance(node, ast.FunctionDef) or node.decorator_list or node.args.vararg or node.args.kwarg:
            return None
        declared = (n for n in self.names.nodes if isinstance(n, ast.Global | ast.Nonlocal))
        return None if any(function.id in n.names for n in declared) else node

    def _method(self, function: ast.expr, assigned: frozenset[str]) -> ast.FunctionDef | None:
        """The method of the object at hand that is called, where it is only that."""
        node = method_of(self.names, function)
        if node is None or node.args.vararg or node.args.kwarg:
            return None
        text = ast.unparse(function)
        if text.partition(".")[0] in assigned:
            return None
        self.methods[node] = text
        return node

    def _into(self, helper: ast.FunctionDef) -> None:
        if helper in self.helpers:
            return
        if len(self.helpers) >= _MOST_HELPERS or helper in self._outer:
            raise NotPure(f"it calls `{helper.name}`", helper)
        self.helpers[helper] = None
        self._outer.append(helper)
        everything = helper.args
        for default in (*everything.defaults, *(d for d in everything.kw_defaults if d is not None)):
            if not isinstance(default, ast.Constant | ast.UnaryOp):
                raise NotPure(f"the defaults of `{helper.name}` are no numbers", helper)
        own = {a.arg for a in (*everything.posonlyargs, *everything.args, *everything.kwonlyargs)}
        if helper in self.methods:
            own.discard(str(receiver(helper)))
        branches, self._branches = self._branches, 0
        body = [s for s in helper.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        end = self._block(body, frozenset(own))
        self._branches = branches
        if end is not _ENDED:
            raise NotPure(f"`{helper.name}` does not always return a value", helper)
        self._outer.pop()

    # Leaves

    def _is_outer(self, node: ast.expr, assigned: frozenset[str]) -> bool:
        """Whether an expression is a path whose root has its value from outside."""
        if not isinstance(node, ast.Name | ast.Attribute | ast.Subscript) or not _is_path(node):
            return False
        root = _root(node)
        return root is not None and root.id not in assigned and not self._is_module(root)

    def _is_module(self, root: ast.Name) -> bool:
        bindings = self.names.bindings(root.id, root)
        return bool(bindings) and all(
            isinstance(b, Imported) and b.qualified.split(".")[0] in _MODULES for b in bindings
        )

    def _name(self, node: ast.Name, at: ast.expr, assigned: frozenset[str]) -> None:
        if node.id in assigned:
            return
        if node.id in self._elements:
            self.leaves.setdefault(node.id, at)
            return
        owner = self.names.owner(node.id, self.names.scope_of(at))
        if owner is None:
            if node.id in _BOUND_FREE:
                raise NotPure(f"it reads `{node.id}`", at)
            raise NotPure(f"`{node.id}` is not known in this file", at)
        bindings = owner.bindings[node.id]
        if all(isinstance(b, Imported) and b.qualified.split(".")[0] in _MODULES for b in bindings):
            return  # ``from math import pi``
        if any(isinstance(b, Defined) for b in bindings):
            raise NotPure(f"it reads the function `{node.id}`", at)
        self.leaves.setdefault(node.id, at)

    def _path(self, node: ast.Attribute | ast.Subscript, assigned: frozenset[str]) -> None:
        root = _root(node)
        if root is None:
            if not isinstance(node, ast.Subscript) or isinstance(node.slice, ast.Slice):
                raise NotPure(f"it reads `{ast.unparse(node)[:40]}`", node)
            self._expression(node.value, assigned)  # ``np.interp([epoch], xs, ys)[0]``
            self._expression(node.slice, assigned)
            return
        if self._is_module(root):
            if isinstance(node, ast.Attribute):
                return
        elif _is_path(node) and root.id not in assigned:
            self._name(root, root, frozenset({root.id}))
            self.leaves.setdefault(ast.unparse(node), node)
            return
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
            self._expression(node.value, assigned)
            self._expression(node.slice, assigned)
            return
        raise NotPure(f"it reads `{ast.unparse(node)[:40]}`", node)


def _root(node: ast.expr) -> ast.Name | None:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node if isinstance(node, ast.Name) else None


def _is_path(node: ast.expr) -> bool:
    """``a.b["c"].d``: attributes and constant keys alone."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
            return False
        node = node.value
    return isinstance(node, ast.Name)


@lru_cache(maxsize=1 << 12)
def root_of(text: str) -> str:
    """The name at the root of a leaf: ``args`` of ``args.lr``, ``loader`` of ``len(loader)``."""
    node = ast.parse(text, mode="eval").body
    if isinstance(node, ast.Call):
        node = node.args[0]
    root = _root(node)
    assert root is not None
    return root.id


__all__ = ["NotPure", "Reads", "root_of"]
