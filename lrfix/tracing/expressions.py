"""Expressions of a traced program: what is unknown stays unknown, counts keep their units."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from lrfix.tracing import amounts
from lrfix.tracing.amounts import Amount, amount
from lrfix.tracing.conditions import assume, choices_behind, compared, guard_key, negated, period_of, settled, truth
from lrfix.tracing.events import Basis, Guard
from lrfix.tracing.iteration import walk
from lrfix.tracing.library import SCHEDULERS
from lrfix.tracing.lookups import Lookups
from lrfix.tracing.reach import STRONG
from lrfix.tracing.values import (
    MISSING,
    MOST_ELEMENTS,
    Builtin,
    ClassValue,
    Condition,
    Function,
    Given,
    Imported,
    Listing,
    Many,
    Scope,
    Super,
    Unknown,
    Value,
    known,
)
from lrfix.trees import written

_BUILTINS = frozenset(
    {"range", "len", "enumerate", "zip", "list", "tuple", "dict", "set", "int", "float", "bool", "str", "max", "min"}
    | {"round", "abs", "isinstance", "hasattr", "getattr", "setattr", "super", "print", "sum", "iter", "next", "type"}
    | {"sorted", "reversed", "any", "all", "map", "filter", "vars", "id", "repr", "callable", "object", "staticmethod"}
    | {"Exception", "ValueError", "open", "slice", "property", "classmethod", "exit", "issubclass", "divmod", "pow"}
)
_CONSTANT_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_LARGEST = 10**12


class Expressions(Lookups):
    """Evaluation of expressions."""

    def evaluate(self, node: ast.expr, scope: Scope) -> Value:
        self.fuel -= 1
        if self.fuel < 0:
            self.burn()
        handler = _HANDLERS.get(type(node))
        if handler is None:
            return Unknown(_text(node))
        return handler(self, node, scope)

    def constant(self, node: ast.Constant, scope: Scope) -> Value:
        return node.value

    def name(self, node: ast.Name, scope: Scope) -> Value:
        value = scope.get(node.id)
        if value is not MISSING:
            return value
        if node.id in _BUILTINS:
            return Builtin(node.id)
        if scope.module.get("*") is not MISSING:
            return Imported(f"*.{node.id}")
        value = Unknown(node.id)
        scope.module.variables[node.id] = value
        return value

    def attribute(self, node: ast.Attribute, scope: Scope) -> Value:
        return self.attribute_of(self.evaluate(node.value, scope), node.attr, node)

    def subscript(self, node: ast.Subscript, scope: Scope) -> Value:
        value, index = self.evaluate(node.value, scope), self.evaluate(node.slice, scope)
        return self.item(value, index, node)

    def slice(self, node: ast.Slice, scope: Scope) -> Value:
        for part in (node.lower, node.upper, node.step):
            if part is not None:
                self.evaluate(part, scope)
        return Unknown("slice")

    def call_expression(self, node: ast.Call, scope: Scope) -> Value:
        func = node.func
        if isinstance(func, ast.Attribute):
            receiver = self.evaluate(func.value, scope)
            given = self.given(node, scope)
            return self.call_method(receiver, func.attr, given, node)
        callee = self.evaluate(func, scope)
        if isinstance(callee, Builtin) and callee.name == "super":
            return self._super(scope)
        name = func.id if isinstance(func, ast.Name) else _text(func)
        return self.call(callee, self.given(node, scope), node, name)

    def _super(self, scope: Scope) -> Value:
        owner, receiver = scope.get("__class__"), scope.get("__receiver__")
        if isinstance(owner, ClassValue) and receiver is not MISSING:
            return Super(owner, receiver)
        return Unknown("super()")

    def given(self, node: ast.Call, scope: Scope) -> Given:
        """The arguments of a call."""
        found = Given()
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                value = self.evaluate(argument.value, scope)
                if isinstance(value, list | tuple):
                    found.arguments += value
                else:
                    found.hidden = True
                    if not isinstance(value, Unknown):
                        found.arguments.append(value)
            else:
                found.arguments.append(self.evaluate(argument, scope))
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, scope)
            if keyword.arg is not None:
                found.keywords[keyword.arg] = value
            elif isinstance(value, dict) and all(isinstance(k, str) for k in value):
                found.keywords.update(value)
            else:
                found.hidden = True
        return found

    def binary(self, node: ast.BinOp, scope: Scope) -> Value:
        left, right = self.evaluate(node.left, scope), self.evaluate(node.right, scope)
        return self.operation(node.op, left, right, node)

    def operation(self, op: ast.operator, left: Value, right: Value, node: ast.AST) -> Value:
        """An arithmetic operation; numbers exact, counts with their units, everything else unknown."""
        if isinstance(left, list) and isinstance(right, list) and isinstance(op, ast.Add):
            return [*left, *right] if len(left) + len(right) <= MOST_ELEMENTS else Unknown(_text(node))
        if isinstance(left, str) or isinstance(right, str):
            return Unknown(_text(node))
        if isinstance(left, int | float) and isinstance(right, int | float):
            act = _CONSTANT_OPERATORS.get(type(op))
            if act is not None and abs(left) < _LARGEST and abs(right) < _LARGEST:
                try:
                    return act(left, right)
                except ArithmeticError:
                    return Unknown(_text(node))
        moving = any(isinstance(v, Unknown) and v.moving for v in (left, right))
        moving = moving and not (_measured(left) or _measured(right))
        a, b = amount(left), amount(right)
        if a is None or b is None:
            return Unknown(_text(node), moving=moving, measured=_measured(left) or _measured(right))
        if isinstance(op, ast.Mod):
            found = Unknown(_text(node), moving=True)
            found.divisor = b if moving or any(unit.moving for unit in a.units) else None
            return found
        if moving:
            return self._moved(op, left, right, Unknown(_text(node), moving=True))
        result = _arithmetic(op, a, b)
        if result is None or any(_measured(v) for v in (left, right)):
            return Unknown(_text(node), measured=_measured(left) or _measured(right))
        whole = result.constant
        return int(whole) if whole is not None and whole.denominator == 1 and not result.rounded else result

    def _moved(self, op: ast.operator, left: Value, right: Value, found: Unknown) -> Unknown:
        """What becomes of a position in training: how much of it is left, where that can be told."""
        both = [v for v in (left, right) if isinstance(v, Unknown) and v.moving]
        position, other = both[0], amount(right if both[0] is left else left)
        scale = position.scale if position.scale is not None else amount(1)
        if len(both) == 2 or scale is None or other is None:
            return found
        if isinstance(op, ast.Add | ast.Sub):
            found.scale = scale
        elif isinstance(op, ast.Mult) or (isinstance(op, ast.Div | ast.FloorDiv) and position is left and other.terms):
            multiplied = isinstance(op, ast.Mult)
            found.scale = amounts.multiply(scale, other) if multiplied else amounts.divide(scale, other)
            self.shares = [share for share in self.shares if share is not position]
            if found.scale is None and not multiplied:
                found.parts["whole"] = amounts.divide(other, scale)  # a sum: `(total - step) / (total - warmup)`
            if found.scale is not None or found.parts.get("whole") is not None:
                self.shares.append(found)
        return found

    def tested(self, node: ast.expr, scope: Scope) -> Value:
        """What a condition is about."""
        return self.opened(self.evaluate(node, scope))

    def unary(self, node: ast.UnaryOp, scope: Scope) -> Value:
        value = self.evaluate(node.operand, scope)
        if isinstance(node.op, ast.Not):
            return negated(self, self.opened(value), _text(node))
        if isinstance(value, int | float) and isinstance(node.op, ast.USub):
            return -value
        return Unknown(_text(node), measured=_measured(value))

    def boolean(self, node: ast.BoolOp, scope: Scope) -> Value:
        """``and`` / ``or``: the value that decides where one does, else a condition of what is open."""
        stops = isinstance(node.op, ast.Or)
        before: list[Value] = []
        open_parts: list[Value] = []
        value: Value = None
        for position, part in enumerate(node.values):
            if before and self.reach.within(part) == STRONG:
                return self._guarded(node, before, node.values[position:], scope)
            value = self.tested(part, scope)
            before.append(value)
            answer, basis = truth(self, value)
            if answer is stops:
                if not open_parts:
                    return value
                if not stops and basis is Basis.KNOWN:
                    return False
                last = value if not stops else True
                return Condition(_text(node), operation="or" if stops else "and", joined=(*open_parts, last))
            if answer is None:
                open_parts.append(value)
        if not open_parts:
            return value
        if len(open_parts) == 1 and (value is open_parts[0] or isinstance(open_parts[0], Condition)):
            return open_parts[0]
        return Condition(_text(node), operation="or" if stops else "and", joined=open_parts)

    def _guarded(self, node: ast.BoolOp, before: list[Value], rest: list[ast.expr], scope: Scope) -> Value:
        """``condition and scheduler.step()``, which is a branch."""
        goes_on = isinstance(node.op, ast.And)
        operation = "and" if goes_on else "or"
        value = before[0] if len(before) == 1 else Condition(_text(node), operation=operation, joined=before)
        guard = self._chosen(node, node, value, (STRONG, 0) if goes_on else (0, STRONG))
        found: Value = guard.side
        if guard.side is goes_on:
            self.guards.append(guard)
            for part in rest:
                found = self.tested(part, scope)
            self.guards.pop()
        return found

    def compare(self, node: ast.Compare, scope: Scope) -> Value:
        left = self.evaluate(node.left, scope)
        rights = [self.evaluate(right, scope) for right in node.comparators]
        if len(rights) != 1:
            return Condition(_text(node))
        left, right = self._sides(node.ops[0], left, rights[0])
        found = compared(node.ops[0], left, right, _text(node))
        pairs = ((left, node.left), (right, node.comparators[0]))
        if isinstance(found, Condition) and any(
            isinstance(value, int | float) and not isinstance(written, ast.Constant | ast.UnaryOp)
            for value, written in pairs
        ):
            _innermost(found).measured = True  # a number that the run has come to, such as the index of a first turn
        return found

    def _sides(self, op: ast.cmpop, left: Value, right: Value) -> tuple[Value, Value]:
        """What is compared. A name of a library is a constant where something is asked to be it, else a setting."""
        names = [value for value in (left, right) if isinstance(value, Imported)]
        alike = isinstance(op, ast.Eq | ast.NotEq | ast.Is | ast.IsNot)
        if len(names) == 2 and any(name.last in SCHEDULERS for name in names):
            return left, right
        if len(names) == 1 and alike and any(isinstance(value, Unknown) for value in (left, right)):
            return left, right
        return self.opened(left), self.opened(right)

    def decided(self, node: ast.AST, value: Value, preferred: Callable[[], bool]) -> tuple[bool, Basis]:
        """The side that a branch takes, and why. What follows from earlier choices is not chosen anew."""
        side, basis = truth(self, value)
        if side is None:
            return preferred() is not (id(node) in self.flips), Basis.DECIDED
        if basis is not Basis.KNOWN and id(node) in self.flips and not choices_behind(self, value):
            return not side, Basis.DECIDED
        return side, basis

    def note_choices(self, value: Value) -> None:
        """Another trace is to choose otherwise where what decides a condition was chosen."""
        self.choices += [place for place in choices_behind(self, value) if place not in self.choices]

    def _chosen(self, node: ast.expr, test: ast.expr, value: Value, strengths: tuple[int, int]) -> Guard:
        """Behind what one of two sides is evaluated, of which the stronger one is taken where nothing decides it."""
        body, orelse = strengths
        side, basis = self.decided(node, value, lambda: orelse <= body)
        if basis is not Basis.KNOWN:
            assume(self, value, side, node)
            if (orelse if side else body) == STRONG:
                self.note_choices(value)
        return Guard(test, side, basis, guard_key(value, side, node), period_of(value, side), settled(value))

    def conditional(self, node: ast.IfExp, scope: Scope) -> Value:
        value = self.tested(node.test, scope)
        if self.reach.expression(node):
            strengths = self.reach.within(node.body), self.reach.within(node.orelse)
            guard = self._chosen(node, node.test, value, strengths)
            self.guards.append(guard)
            found = self.evaluate(node.body if guard.side else node.orelse, scope)
            self.guards.pop()
            return found
        answer, _ = truth(self, value)
        if answer is None:
            a, b = self.evaluate(node.body, scope), self.evaluate(node.orelse, scope)
            return a if known(a) or b is None or isinstance(b, bool) else b if known(b) else Unknown(_text(node))
        return self.evaluate(node.body if answer else node.orelse, scope)

    def sequence(self, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> Value:
        found: list[Value] = []
        for element in node.elts:
            if isinstance(element, ast.Starred):
                value = self.evaluate(element.value, scope)
                if not isinstance(value, list | tuple) or len(found) + len(value) > MOST_ELEMENTS:
                    return Unknown(_text(node))
                found += value
            else:
                found.append(self.evaluate(element, scope))
        return tuple(found) if isinstance(node, ast.Tuple) else Listing(found, len(self.turns))

    def mapping(self, node: ast.Dict, scope: Scope) -> Value:
        found: dict[Value, Value] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self.evaluate(value_node, scope)
            if key_node is None:
                found.update(value if isinstance(value, dict) else {})
                continue
            key = self.evaluate(key_node, scope)
            plain = isinstance(value_node, ast.Constant) and isinstance(value, int) and not isinstance(value, bool)
            if plain and isinstance(key, str) and value > 1:
                value = Unknown(key, stated=value)  # a whole number that is given a name keeps it
            found[key if isinstance(key, str | int) else _text(key_node)] = value
        return found

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, scope: Scope) -> Value:
        inner = Scope(scope)
        generator = node.generators[0]
        turns = walk(self, self.evaluate(generator.iter, scope), generator.iter)
        if len(node.generators) > 1 or generator.ifs:
            turns.elements = None
        if turns.elements is not None:
            found = []
            for element in turns.elements:
                self.assign(generator.target, element, inner)
                found.append(self.evaluate(node.elt, inner))
            return found
        for each in node.generators:
            source = turns if each is generator else walk(self, self.evaluate(each.iter, inner), each.iter)
            self.assign(each.target, source.first() if source.elements is None else Unknown(_text(each.target)), inner)
        return Many(self.evaluate(node.elt, inner), turns.trip)

    def mapped(self, node: ast.DictComp, scope: Scope) -> Value:
        inner = Scope(scope)
        for each in node.generators:
            source = walk(self, self.evaluate(each.iter, inner), each.iter)
            self.assign(each.target, source.elements[0] if source.elements else source.first(), inner)
        return Many(self.evaluate(node.value, inner), None)

    def function(self, node: ast.Lambda, scope: Scope) -> Value:
        return Function(node, scope)

    def text(self, node: ast.JoinedStr, scope: Scope) -> Value:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.evaluate(part.value, scope)
        return Unknown("text")

    def starred(self, node: ast.Starred, scope: Scope) -> Value:
        return self.evaluate(node.value, scope)

    def walrus(self, node: ast.NamedExpr, scope: Scope) -> Value:
        value = self.evaluate(node.value, scope)
        scope.set(node.target.id, value)
        return value

    def awaited(self, node: ast.Await, scope: Scope) -> Value:
        return self.evaluate(node.value, scope)

    def assign(self, target: ast.expr, value: Value, scope: Scope) -> None:
        raise NotImplementedError


def _innermost(value: Condition) -> Condition:
    """The condition that is negated, however often."""
    while value.operation == "not" and isinstance(value.joined[0], Condition):
        value = value.joined[0]
    return value


def _measured(value: Value) -> bool:
    return isinstance(value, Unknown) and value.measured


def _arithmetic(op: ast.operator, left: Amount, right: Amount) -> Amount | None:
    if isinstance(op, ast.Add):
        return amounts.add(left, right)
    if isinstance(op, ast.Sub):
        return amounts.add(left, right, -1)
    if isinstance(op, ast.Mult):
        return amounts.multiply(left, right)
    if isinstance(op, ast.Div | ast.FloorDiv) and right.terms:
        ratio = amounts.divide(left, right)
        return amounts.rounded(ratio) if ratio is not None and isinstance(op, ast.FloorDiv) else ratio
    return None


def _text(node: ast.AST) -> str:
    text = written(node)
    return text if len(text) < 120 else text[:117] + "..."


_HANDLERS: Mapping[type[ast.expr], Callable[[Expressions, Any, Scope], Value]] = {
    ast.Constant: Expressions.constant,
    ast.Name: Expressions.name,
    ast.Attribute: Expressions.attribute,
    ast.Subscript: Expressions.subscript,
    ast.Slice: Expressions.slice,
    ast.Call: Expressions.call_expression,
    ast.BinOp: Expressions.binary,
    ast.UnaryOp: Expressions.unary,
    ast.BoolOp: Expressions.boolean,
    ast.Compare: Expressions.compare,
    ast.IfExp: Expressions.conditional,
    ast.List: Expressions.sequence,
    ast.Tuple: Expressions.sequence,
    ast.Set: Expressions.sequence,
    ast.Dict: Expressions.mapping,
    ast.ListComp: Expressions.comprehension,
    ast.GeneratorExp: Expressions.comprehension,
    ast.SetComp: Expressions.comprehension,
    ast.DictComp: Expressions.mapped,
    ast.Lambda: Expressions.function,
    ast.JoinedStr: Expressions.text,
    ast.Starred: Expressions.starred,
    ast.NamedExpr: Expressions.walrus,
    ast.Await: Expressions.awaited,
}
