"""Whether a rate is computed where it is written, and which statements compute it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import lru_cache

from lrfix.names import FUNCTION_NODES, Assigned, Augmented, Defined, Names, Scope
from lrfix.sites.effects import RateWrite
from lrfix.sites.vocabulary import called_name, speaks_of_rate, speaks_of_step, words
from lrfix.trees import children, walk

_ARITHMETIC = (ast.Mult, ast.Div, ast.Pow, ast.Sub, ast.Add, ast.FloorDiv, ast.Mod)
CALCULATIONS = frozenset(
    {"cos", "sin", "exp", "log", "sqrt", "rsqrt", "pow", "interp", "min", "max", "clip", "clamp", "minimum", "maximum"}
)
#: Calls that pass a value through as it is: what stands in their arguments is still computed here.
_TRANSPARENT = frozenset(
    {"float", "int", "abs", "round", "tensor", "as_tensor", "full_like", "item", "get", "array", "full", "float32"}
    | {"float64", "floor", "ceil", "len", "tuple", "list", "zip", "sum"}
)


class RateFormula:
    """The backward slice of a written rate within its own function (or the module's top level)."""

    def __init__(self, names: Names, writes: list[RateWrite]) -> None:
        self._names = names
        self.statements: set[ast.stmt] = set()
        self._expressions: list[ast.expr] = []
        self._counted: list[ast.expr] = []
        self._targets: dict[str, list[ast.stmt]] = {}
        self._writes = writes
        seen: set[tuple[Scope, str]] = set()
        for write in writes:
            self.statements.add(write.statement)
            self._follow(write.value, write.statement, seen)
            for loop in names.ancestors(write.statement):
                if isinstance(loop, FUNCTION_NODES):
                    break
                if isinstance(loop, ast.For):
                    self._follow_zip(loop, write, seen)

    @property
    def expressions(self) -> list[ast.expr]:
        """The expressions that the rate is worked out from."""
        return self._expressions

    @property
    def computed(self) -> bool:
        """Whether the slice calculates, or selects by the position in training."""
        if any(w.scales for w in self._writes):
            return True
        if any(_calculates(e, self._applies) for e in self._expressions):
            return True
        return self._selects()

    @property
    def stepwise(self) -> bool:
        """Whether what is written can change from step to step, as far as the names say."""
        mentioned = {n for e in (*self._expressions, *self._counted) for n in _identifiers(e)}
        return any(speaks_of_step(n) for n in mentioned) or any(self._guards())

    @property
    def copied(self) -> bool:
        """Whether the rate is read off a scheduler object and written by hand, as it is at that moment."""
        return any(_reads_scheduler(e) for e in self._expressions)

    def _applies(self, node: ast.expr, hops: int = 0) -> bool:
        """Whether an expression is a schedule's value at a step: ``get_lr(step)``, ``table[step]``, by name or not."""
        if isinstance(node, ast.Call):
            if self._is_nested(node):
                return False
            name = called_name(node)
            given = [*node.args, *(k.value for k in node.keywords)]
            return name not in CALCULATIONS | _TRANSPARENT and any(
                speaks_of_step(i) for a in given for i in _identifiers(a)
            )
        if isinstance(node, ast.Subscript):
            return any(speaks_of_step(i) for i in _identifiers(node.slice))
        if isinstance(node, ast.IfExp):
            return self._applies(node.body, hops) or self._applies(node.orelse, hops)
        if isinstance(node, ast.Name) and hops < 3:
            values = [b.value for b in self._names.bindings(node.id, node) if isinstance(b, Assigned) and not b.index]
            return bool(values) and any(self._applies(v, hops + 1) for v in values)
        return False

    def _is_nested(self, call: ast.Call) -> bool:
        """Whether a call runs a function that is defined inside the function around it: what that does is done here."""
        around = self._names.enclosing(call, FUNCTION_NODES)
        bindings = self._names.bindings(call.func.id, call) if isinstance(call.func, ast.Name) else []
        defined = [b.node for b in bindings if isinstance(b, Defined) and isinstance(b.node, FUNCTION_NODES)]
        return around is not None and any(around in self._names.ancestors(node) for node in defined)

    def _follow(self, value: ast.expr, at: ast.stmt, seen: set[tuple[Scope, str]]) -> None:
        self._expressions.append(value)
        self._follow_names(value, at, seen)

    def _follow_names(self, value: ast.expr, at: ast.stmt, seen: set[tuple[Scope, str]]) -> None:
        for name in walk(value):
            if isinstance(name, ast.Attribute) or (isinstance(name, ast.Subscript) and _keyed(name)):
                self._follow_kept(name, at, seen)
            if not isinstance(name, ast.Name):
                continue
            scope = self._names.owner(name.id, self._names.scope_of(name))
            if scope is None or (scope, name.id) in seen:
                continue
            if isinstance(scope.node, ast.Module) and self._names.enclosing(at, FUNCTION_NODES) is not None:
                continue
            seen.add((scope, name.id))
            for binding in scope.bindings[name.id]:
                if not isinstance(binding, Assigned | Augmented):
                    continue
                self.statements.add(binding.node)
                self._targets.setdefault(name.id, []).append(binding.node)
                its = binding.value if isinstance(binding, Assigned) else _result(binding.node)
                # How the position in training is counted is arithmetic, but no schedule.
                (self._counted if _counts(name.id) else self._expressions).append(its)
                self._follow_names(its, binding.node, seen)

    def _follow_kept(self, kept: ast.Attribute | ast.Subscript, at: ast.stmt, seen: set[tuple[Scope, str]]) -> None:
        """``self.lr``, ``state["lr"]``, where the same function assigns it."""
        function = self._names.enclosing(at, FUNCTION_NODES)
        spelled = ast.unparse(kept)
        scope = self._names.scopes.get(function) if function is not None else None
        if scope is None or (scope, spelled) in seen:
            return
        seen.add((scope, spelled))
        written = {write.statement for write in self._writes}
        for statement in _kept_in(scope.node).get(spelled, ()):
            if isinstance(kept, ast.Subscript) and statement in written:
                continue
            value = statement.value if isinstance(statement, ast.Assign) else _result(statement)
            self.statements.add(statement)
            self._targets.setdefault(spelled, []).append(statement)
            counted = isinstance(kept, ast.Attribute) and _counts(kept.attr)
            (self._counted if counted else self._expressions).append(value)
            self._follow_names(value, statement, seen)

    def _follow_zip(self, loop: ast.For, write: RateWrite, seen: set[tuple[Scope, str]]) -> None:
        """``for group, lr in zip(optimizer.param_groups, rates)``: the rate comes from the loop's own iterable."""
        used = {n.id for n in walk(write.value) if isinstance(n, ast.Name)}
        bound = {n.id for n in walk(loop.target) if isinstance(n, ast.Name)}
        if used & bound and isinstance(loop.iter, ast.Call):
            for argument in loop.iter.args:
                if "param_groups" not in ast.dump(argument):
                    self._follow(argument, loop, seen)

    def _guards(self) -> Iterator[ast.expr]:
        """Tests on the position in training that decide whether, or which, rate is written."""
        for statement in self.statements:
            for outer in self._names.ancestors(statement):
                if isinstance(outer, (*FUNCTION_NODES, ast.For, ast.While)) and not _over_groups(outer):
                    break
                if isinstance(outer, ast.If) and _compares_step(outer.test):
                    yield outer.test

    def _selects(self) -> bool:
        guarded = any(self._guards())
        parts = [n for e in self._expressions for n in walk(e)]
        conditional = any(isinstance(n, ast.IfExp) and _compares_step(n.test) for n in parts)
        tables = any(
            isinstance(n, ast.Subscript) and isinstance(n.value, ast.Dict | ast.List | ast.Tuple) for n in parts
        )
        if conditional or tables:
            return True
        if not guarded:
            return False
        several = any(len(places) > 1 for places in self._targets.values()) or len(self._writes) > 1
        return several or any(isinstance(e, ast.Constant) for e in self._expressions)


@lru_cache(maxsize=64)
def _kept_in(function: ast.AST) -> dict[str, list[ast.Assign | ast.AugAssign]]:
    """The statements inside a function that assign an attribute or an entry, by its spelling (``self.lr``)."""
    found: dict[str, list[ast.Assign | ast.AugAssign]] = {}
    for statement in walk(function):
        if isinstance(statement, ast.Assign | ast.AugAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for spelled in {ast.unparse(t) for t in targets if isinstance(t, ast.Attribute | ast.Subscript)}:
                found.setdefault(spelled, []).append(statement)
    return found


def _keyed(node: ast.Subscript) -> bool:
    return isinstance(node.slice, ast.Constant) and isinstance(node.value, ast.Name | ast.Attribute)


def _reads_scheduler(node: ast.expr) -> bool:
    """``scheduler.get_last_lr()[0]``, ``self.lr_scheduler.learning_rate``: no step is given."""
    if isinstance(node, ast.Subscript):
        return _reads_scheduler(node.value)
    if isinstance(node, ast.Call):
        return not node.args and not node.keywords and _reads_scheduler(node.func)
    if not isinstance(node, ast.Attribute) or not speaks_of_rate(node.attr):
        return False
    holder = node.value
    last = holder.attr if isinstance(holder, ast.Attribute) else holder.id if isinstance(holder, ast.Name) else ""
    return bool({"scheduler", "schedule", "sched"} & set(words(last)))


def _over_groups(node: ast.AST) -> bool:
    return isinstance(node, ast.For) and "param_groups" in ast.dump(node.iter)


def _compares_step(test: ast.expr) -> bool:
    return any(isinstance(n, ast.Compare) and any(speaks_of_step(i) for i in _identifiers(n)) for n in walk(test))


def _counts(name: str) -> bool:
    """Whether a variable is, by its name, the position in training: ``step`` is, ``lr_this_step`` a rate."""
    return speaks_of_step(name) and not speaks_of_rate(name)


def _identifiers(node: ast.AST) -> Iterator[str]:
    for inner in walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr


def _result(node: ast.AugAssign) -> ast.expr:
    """What ``name op= value`` assigns, as an expression."""
    return ast.BinOp(node.target, node.op, node.value)


def _calculates(node: ast.expr, applies: Callable[[ast.expr], bool]) -> bool:
    """Whether an expression calculates here; what goes into the call of some other function is that one's affair.

    A schedule's value that is only scaled (``get_lr(step) * 10``) was calculated elsewhere.
    """
    if isinstance(node, ast.BinOp) and isinstance(node.op, _ARITHMETIC):
        if isinstance(node.left, ast.JoinedStr) or isinstance(getattr(node.left, "value", None), str):
            return False
        if isinstance(node.op, ast.Mult | ast.Div) and (applies(node.left) or applies(node.right)):
            return _calculates(node.left, applies) or _calculates(node.right, applies)
        return not (isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant))
    if isinstance(node, ast.Call):
        name = called_name(node)
        if name in CALCULATIONS:
            return True
        if name not in _TRANSPARENT:
            return False
        return any(_calculates(a, applies) for a in node.args)
    if isinstance(node, ast.Lambda):
        return False
    if isinstance(node, ast.Subscript):
        return _calculates(node.value, applies)
    return any(_calculates(child, applies) for child in children(node) if isinstance(child, ast.expr))
