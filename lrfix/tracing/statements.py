"""Statements of a traced program: branches are chosen and remembered, loops turn as the first and as the rest."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from lrfix.tracing import library
from lrfix.tracing.amounts import amount
from lrfix.tracing.assignments import Assignments
from lrfix.tracing.conditions import assume, guard_key, main_process, period_of, settled, truth
from lrfix.tracing.event_engines import attach_decorated
from lrfix.tracing.events import ACCUMULATES, Basis, Guard, Turn
from lrfix.tracing.iteration import Walk, trips, walk
from lrfix.tracing.machine import Raised
from lrfix.tracing.matching import as_branches
from lrfix.tracing.reach import STRONG, WEAK, leaves
from lrfix.tracing.values import (
    MISSING,
    ClassValue,
    Function,
    Imported,
    Range,
    Reference,
    Scope,
    Unknown,
    Value,
)
from lrfix.trees import children

#: Decorators that keep what a function gave, and give it again.
_REMEMBERING = frozenset({"cache", "lru_cache"})


class Flow(Enum):
    """How a statement ends."""

    ON = 0
    BREAK = 1
    CONTINUE = 2
    RETURN = 3


@dataclass
class _Frame:
    result: Value = None


class Statements(Assignments):
    """Execution of statements."""

    _frames: list[_Frame]

    def run_body(self, function: Function, scope: Scope) -> Value:
        """Run the body of a function; what it returns."""
        node = function.node
        if isinstance(node, ast.Lambda):
            return self.evaluate(node.body, scope)
        self.trace.functions.add(id(node))
        self.running.append(node)
        frame = _Frame()
        self._frames.append(frame)
        try:
            self.block(node.body, scope)
        finally:
            self._frames.pop()
            self.running.pop()
        return frame.result

    def block(self, statements: Sequence[ast.stmt], scope: Scope) -> Flow:
        """Run statements one after the other; a branch that left and was not taken guards what follows it."""
        depth = len(self.guards)
        try:
            for position, statement in enumerate(statements):
                flow = self.statement(statement, scope, statements[position + 1 :])
                if flow is not Flow.ON:
                    return flow
            return Flow.ON
        finally:
            del self.guards[depth:]

    def statement(self, node: ast.stmt, scope: Scope, rest: Sequence[ast.stmt]) -> Flow:
        self.burn()
        if isinstance(node, ast.If):
            return self._if(node, scope, rest)
        handler = _HANDLERS.get(type(node))
        return handler(self, node, scope) if handler is not None else Flow.ON

    # Branches.

    def _if(self, node: ast.If, scope: Scope, rest: Sequence[ast.stmt]) -> Flow:
        value = self.tested(node.test, scope)
        if self.asking:
            self.block(node.body, scope)
            self.block(node.orelse, scope)
            return Flow.ON
        side, basis = self.decided(node, value, lambda: self._preferred(node, rest))
        if basis is not Basis.KNOWN and self._saves_beside(node, side):
            side, basis = not side, Basis.DECIDED
        if id(node) in self.flips and self.reach.resumes(node.body if side else node.orelse):
            self.resuming = True
        if basis is not Basis.KNOWN:
            assume(self, value, side, node)
            self._note_alternative(node.orelse if side else node.body, value)
        key, period = guard_key(value, side, node), period_of(value, side)
        guard = Guard(node.test, side, basis, key, period, settled(value))
        taken = node.body if side else node.orelse
        left = node.orelse if side else node.body
        self.guards.append(guard)
        flow = self.block(taken, scope)
        if basis is not Basis.KNOWN and self.reach.block(left) < STRONG:
            _open_names(left, scope)
        if flow is Flow.ON and leaves(left) and not isinstance(left[-1], ast.Raise) and basis is not Basis.KNOWN:
            return flow  # the guard stays for the rest of the block
        self.guards.remove(guard)
        return flow

    def _preferred(self, node: ast.If, rest: Sequence[ast.stmt]) -> bool:
        """The side of an open branch: the one that trains, no exception, no early leave."""
        body, orelse = self.reach.block(node.body), self.reach.block(node.orelse)
        if isinstance(node.body[-1], ast.Raise):
            return False
        if node.orelse and isinstance(node.orelse[-1], ast.Raise):
            return True
        if self.reach.resumes(node.body):
            return self.resuming
        if node.orelse and self.reach.resumes(node.orelse):
            return True
        if leaves(node.body) and not node.orelse:
            return body > self.reach.block(rest)
        if leaves(node.body) != leaves(node.orelse) and body == orelse:
            return leaves(node.orelse)
        if body == orelse == 0:
            chief = main_process(node.test)
            if chief is not None:
                return chief
            return False if not node.orelse else _settles(node.body)
        return body >= orelse

    def _saves_beside(self, node: ast.If, side: bool) -> bool:
        """Whether a run that was resumed would leave out the side on which states are saved and restored."""
        taken, left = (node.body, node.orelse) if side else (node.orelse, node.body)
        return self.resuming and not self.reach.block(taken) and self.reach.block(left) == WEAK

    def _note_alternative(self, other: Sequence[ast.stmt], value: Value) -> None:
        """What lies on the other side is worth a trace of its own, in which the choice is another where it was made."""
        if self.reach.block(other) == STRONG or self.reach.resumes(other):
            self.note_choices(value)

    # Loops.

    def _for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> Flow:
        turns = walk(self, self.evaluate(node.iter, scope), node.iter)
        flow = self._turns(node, turns, lambda element: self.assign(node.target, element, scope), scope)
        if flow is Flow.ON and node.orelse:
            return self.block(node.orelse, scope)
        return flow

    def _turns(self, node: ast.For | ast.AsyncFor, turns: Walk, bind: Callable[[Value], None], scope: Scope) -> Flow:
        entered = self.enter_loop()
        if turns.elements is not None:
            for element in turns.elements:
                bind(element)
                flow = self._turn(node.body, Turn(node, entered, turns.trip, listed=True), scope)
                if flow is Flow.RETURN:
                    return flow
                if flow is Flow.BREAK:
                    return Flow.ON
            return Flow.ON
        stated = turns.trip.stated if turns.trip is not None else None
        if stated is not None and stated <= 0:
            return Flow.ON
        for later, element in ((False, turns.first), (True, turns.later)):
            if later and turns.trip is not None and turns.trip.constant == 1:
                break
            bind(element())
            flow = self._turn(node.body, Turn(node, entered, turns.trip, later, stop=turns.stop), scope)
            if flow is Flow.RETURN:
                return flow
            if flow is Flow.BREAK:
                break
        return Flow.ON

    def _turn(self, body: Sequence[ast.stmt], turn: Turn, scope: Scope) -> Flow:
        self.turns.append(turn)
        try:
            flow = self.block(body, scope)
        finally:
            self.turns.pop()
        return Flow.ON if flow is Flow.CONTINUE else flow

    def _while(self, node: ast.While, scope: Scope) -> Flow:
        entered = self.enter_loop()
        bounds = self._counted_turns(node, scope)
        trip, stop = (trips(bounds), amount(bounds.stop)) if bounds is not None else (None, None)
        for later in (False, True):
            value = self.evaluate(node.test, scope)
            side, basis = truth(self, value)
            if side is False and basis is Basis.KNOWN:
                break
            flow = self._turn(node.body, Turn(node, entered, trip, later, stop=stop), scope)
            if flow is Flow.RETURN:
                return flow
            if flow is Flow.BREAK:
                return Flow.ON
        return self.block(node.orelse, scope) if node.orelse else Flow.ON

    def _counted_turns(self, node: ast.While, scope: Scope) -> Range | None:
        """What ``while step < total`` counts through, where its body adds 1 to the step once, at its own level."""
        test = node.test
        if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Lt):
            return None
        counter = ast.unparse(test.left)
        writes = [n for n in ast.walk(node) if isinstance(n, ast.AugAssign) and ast.unparse(n.target) == counter]
        if len(writes) != 1 or writes[0] not in node.body or not isinstance(writes[0].op, ast.Add):
            return None
        if not isinstance(writes[0].value, ast.Constant) or writes[0].value.value != 1:
            return None
        return Range(self.evaluate(test.left, scope), self.evaluate(test.comparators[0], scope))

    # Simple statements.

    def _expression(self, node: ast.Expr, scope: Scope) -> Flow:
        self.evaluate(node.value, scope)
        return Flow.ON

    def _assignment(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign, scope: Scope) -> Flow:
        self.assignment(node, scope)
        return Flow.ON

    def _return(self, node: ast.Return, scope: Scope) -> Flow:
        if self._frames:
            self._frames[-1].result = self.evaluate(node.value, scope) if node.value is not None else None
        return Flow.RETURN

    def _raise(self, node: ast.Raise, scope: Scope) -> Flow:
        """An exception ends the run only where the code is certain of it: not on what lrfix chose, nor on a default."""
        if any(guard.basis is not Basis.KNOWN for guard in self.guards):
            return Flow.ON
        raise Raised

    def _try(self, node: ast.Try, scope: Scope) -> Flow:
        depth = len(self.guards), len(self.turns), len(self.calls), len(self.running), len(self._frames)
        try:
            flow = self.block(node.body, scope)
            if flow is Flow.ON and node.orelse:
                flow = self.block(node.orelse, scope)
        except Raised:
            del self.guards[depth[0] :], self.turns[depth[1] :], self.calls[depth[2] :], self.running[depth[3] :]
            del self._frames[depth[4] :]
            if not node.handlers:
                raise
            flow = self.block(node.handlers[0].body, scope)
        if node.finalbody:
            last = self.block(node.finalbody, scope)
            flow = last if last is not Flow.ON else flow
        return flow

    def _with(self, node: ast.With | ast.AsyncWith, scope: Scope) -> Flow:
        depth = len(self.guards)
        for item in node.items:
            value = self.evaluate(item.context_expr, scope)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, scope)
            func = item.context_expr.func if isinstance(item.context_expr, ast.Call) else None
            if isinstance(func, ast.Attribute) and func.attr == "accumulate":
                self.guards.append(Guard(item.context_expr, True, Basis.KNOWN, ACCUMULATES))
        try:
            return self.block(node.body, scope)
        finally:
            del self.guards[depth:]

    def _match(self, node: ast.Match, scope: Scope) -> Flow:
        chain = as_branches(node)
        if chain is not None:
            self.reach.stands_for(chain, node)
            return self.statement(chain, scope, ())
        self.evaluate(node.subject, scope)
        strong = [case for case in node.cases if self.reach.block(case.body)]
        return self.block((strong or node.cases)[0].body, scope)

    # Definitions.

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> Flow:
        function = self._function(node, scope, None)
        scope.set(node.name, function)
        attach_decorated(self, node, function, scope)
        return Flow.ON

    def _function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, owner: ClassValue | None
    ) -> Function:
        marks = {ast.unparse(d).rpartition(".")[2] for d in node.decorator_list}
        kind = ""
        if _is_generator(node):
            kind = "generator"
        elif "staticmethod" in marks:
            kind = "static"
        elif "classmethod" in marks:
            kind = "class"
        elif "property" in marks:
            kind = "property"
        elif "cached_property" in marks:
            kind = "cached property"
        elif not ast.unparse(node.args) and any(mark.partition("(")[0] in _REMEMBERING for mark in marks):
            kind = "once"
        return Function(node, scope, owner, kind)

    def _class(self, node: ast.ClassDef, scope: Scope) -> Flow:
        bases = tuple(self._base(self.evaluate(base, scope), node) for base in node.bases)
        cls = ClassValue(node, bases, {})
        inner = Scope(scope)
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                cls.namespace[statement.name] = self._function(statement, scope, cls)
            elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.ClassDef):
                self.statement(statement, inner, ())
        for name, value in inner.variables.items():
            cls.namespace.setdefault(name, value)
        scope.set(node.name, cls)
        return Flow.ON

    def _base(self, base: Value, node: ast.ClassDef) -> Value:
        """A base class, from another file where the class trains."""
        if isinstance(base, Imported) and base.source is not None:
            strong = any(self.reach.function(m) for m in node.body if isinstance(m, ast.FunctionDef))
            found = self.follow(base) if strong or library.trains(base.last) else MISSING
            return found if isinstance(found, ClassValue) else base
        return base

    def _import(self, node: ast.Import, scope: Scope) -> Flow:
        for alias in node.names:
            top = alias.name.split(".")[0]
            bound = alias.asname or top
            scope.set(bound, Imported(alias.name if alias.asname else top, _reference(scope, bound, node)))
        return Flow.ON

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> Flow:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                if module.startswith("torch"):
                    scope.module.set("*", True)
                continue
            bound = alias.asname or alias.name
            scope.set(bound, Imported(f"{module}.{alias.name}", _reference(scope, bound, node)))
        return Flow.ON

    def _outer(self, node: ast.Global | ast.Nonlocal, scope: Scope) -> Flow:
        kind = "global" if isinstance(node, ast.Global) else "nonlocal"
        if scope.parent is not None:
            scope.elsewhere.update(dict.fromkeys(node.names, kind))
        return Flow.ON

    def _delete(self, node: ast.Delete, scope: Scope) -> Flow:
        for target in node.targets:
            if isinstance(target, ast.Name):
                scope.variables.pop(target.id, None)
        return Flow.ON

    def _break(self, node: ast.Break, scope: Scope) -> Flow:
        return Flow.BREAK

    def _continue(self, node: ast.Continue, scope: Scope) -> Flow:
        return Flow.CONTINUE


def _reference(scope: Scope, bound: str, node: ast.stmt) -> Reference | None:
    names = scope.module.names
    return Reference(names, bound, node) if names is not None and names.neighbours is not None else None


def _open_names(left: Sequence[ast.stmt], scope: Scope) -> None:
    """A number that the side left out sets is open from now on; what it is now is stated for it."""
    for statement in left:
        for target in statement.targets if isinstance(statement, ast.Assign) else ():
            value = scope.variables.get(target.id) if isinstance(target, ast.Name) else None
            if isinstance(target, ast.Name) and isinstance(value, int | float) and not isinstance(value, bool):
                scope.variables[target.id] = Unknown(target.id, stated=value)


def _settles(body: Sequence[ast.stmt]) -> bool:
    """Whether a branch gives a name something else than nothing."""
    return not all(isinstance(s, ast.Assign) and isinstance(s.value, ast.Constant) and not s.value.value for s in body)


def _is_generator(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    known: bool | None = node.__dict__.get(_GENERATOR)
    if known is None:
        known = node.__dict__[_GENERATOR] = _yields(node)
    return known


def _yields(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    stack: list[ast.AST] = list(node.body)
    while stack:
        current = stack.pop()
        if isinstance(current, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(current, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            stack.extend(children(current))
    return False


#: Where the node of a function remembers whether it is a generator: traces of a file call it again and again.
_GENERATOR = "lrfix_generator"
_HANDLERS: Mapping[type[ast.stmt], Callable[[Statements, Any, Scope], Flow]] = {
    ast.For: Statements._for,
    ast.AsyncFor: Statements._for,
    ast.While: Statements._while,
    ast.Expr: Statements._expression,
    ast.Assign: Statements._assignment,
    ast.AnnAssign: Statements._assignment,
    ast.AugAssign: Statements._assignment,
    ast.Return: Statements._return,
    ast.Raise: Statements._raise,
    ast.Try: Statements._try,
    ast.With: Statements._with,
    ast.AsyncWith: Statements._with,
    ast.Match: Statements._match,
    ast.FunctionDef: Statements._define,
    ast.AsyncFunctionDef: Statements._define,
    ast.ClassDef: Statements._class,
    ast.Import: Statements._import,
    ast.ImportFrom: Statements._import_from,
    ast.Global: Statements._outer,
    ast.Nonlocal: Statements._outer,
    ast.Delete: Statements._delete,
    ast.Break: Statements._break,
    ast.Continue: Statements._continue,
}

__all__ = ["Flow", "Statements"]
