"""Operations of numbers, truths and comparisons: expressions whose answer is worked out of their operands' values."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from lrfix.interpreter.arrays.values import is_array_like, unary
from lrfix.interpreter.compilation import Evaluate, Machine, compiled, unsupported_expression
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.limits import (
    PLAIN_NUMBERS,
    check_comparable,
    check_power,
    check_remainder,
    check_repeat,
    check_shift,
)
from lrfix.interpreter.values import ClassValue, Instance

_BINARY: dict[type[ast.operator], tuple[Callable[[Any, Any], Any], str, str]] = {
    ast.Add: (operator.add, "__add__", "__radd__"),
    ast.Sub: (operator.sub, "__sub__", "__rsub__"),
    ast.Mult: (operator.mul, "__mul__", "__rmul__"),
    ast.Div: (operator.truediv, "__truediv__", "__rtruediv__"),
    ast.FloorDiv: (operator.floordiv, "__floordiv__", "__rfloordiv__"),
    ast.Mod: (operator.mod, "__mod__", "__rmod__"),
    ast.Pow: (operator.pow, "__pow__", "__rpow__"),
    ast.LShift: (operator.lshift, "__lshift__", "__rlshift__"),
    ast.RShift: (operator.rshift, "__rshift__", "__rrshift__"),
    ast.BitOr: (operator.or_, "__or__", "__ror__"),
    ast.BitAnd: (operator.and_, "__and__", "__rand__"),
    ast.BitXor: (operator.xor, "__xor__", "__rxor__"),
}
_GUARDS: dict[type[ast.operator], Callable[[Any, Any, ast.AST], None]] = {
    ast.Pow: check_power,
    ast.Mult: check_repeat,
    ast.LShift: check_shift,
    ast.Mod: check_remainder,
}
_COMPARE: dict[type[ast.cmpop], tuple[Callable[[Any, Any], Any], str]] = {
    ast.Eq: (operator.eq, "__eq__"),
    ast.NotEq: (operator.ne, "__ne__"),
    ast.Lt: (operator.lt, "__lt__"),
    ast.LtE: (operator.le, "__le__"),
    ast.Gt: (operator.gt, "__gt__"),
    ast.GtE: (operator.ge, "__ge__"),
}
_UNARY: dict[type[ast.unaryop], tuple[Callable[[Any], Any], str]] = {
    ast.USub: (operator.neg, "__neg__"),
    ast.UAdd: (operator.pos, "__pos__"),
    ast.Invert: (operator.invert, "__invert__"),
}


def _binary(node: ast.BinOp) -> Evaluate:
    return binary_operation(compiled(node.left), compiled(node.right), node.op, node)


def binary_operation(left: Evaluate, right: Evaluate, op: ast.operator, node: ast.AST) -> Evaluate:
    operation, forward, backward = _BINARY.get(type(op), (None, "", ""))
    if operation is None:
        return unsupported_expression(op)
    guard = _GUARDS.get(type(op))

    def run(machine: Machine, environment: Environment) -> Any:
        a = left(machine, environment)
        b = right(machine, environment)
        # A product or power with a float in it is a number of ordinary size: no guard needed.
        if type(a) in PLAIN_NUMBERS and type(b) in PLAIN_NUMBERS and (type(a) is float or type(b) is float):
            try:
                return operation(a, b)
            except (ArithmeticError, TypeError, ValueError) as error:
                raise UserError(error, node) from None
        return machine.binary(operation, a, b, forward, backward, guard, node)

    if guard is not None and guard is not check_remainder:
        return run

    def fast(machine: Machine, environment: Environment) -> Any:
        a = left(machine, environment)
        b = right(machine, environment)
        if type(a) in PLAIN_NUMBERS and type(b) in PLAIN_NUMBERS:
            try:
                return operation(a, b)
            except (ArithmeticError, TypeError, ValueError) as error:
                raise UserError(error, node) from None
        return machine.binary(operation, a, b, forward, backward, guard, node)

    return fast


def _unary(node: ast.UnaryOp) -> Evaluate:
    operand = compiled(node.operand)
    if isinstance(node.op, ast.Not):

        def negate(machine: Machine, environment: Environment) -> Any:
            value = operand(machine, environment)
            return not (value if type(value) is bool else machine.truth(value, node))

        return negate
    operation, dunder = _UNARY[type(node.op)]

    inverts = isinstance(node.op, ast.Invert)

    def run(machine: Machine, environment: Environment) -> Any:
        value = operand(machine, environment)
        if type(value) in PLAIN_NUMBERS and not inverts:
            return operation(value)
        value = machine.concrete(value, node, "number")
        if isinstance(value, Instance):
            return machine.call_method(value, dunder, (), node)
        if is_array_like(value):
            return machine.native(unary, (operation, value), node)
        return machine.native(operation, (value,), node)

    return run


def _boolean(node: ast.BoolOp) -> Evaluate:
    parts = [compiled(v) for v in node.values]
    stop = isinstance(node.op, ast.Or)

    def run(machine: Machine, environment: Environment) -> Any:
        value = None
        last = len(parts) - 1
        for position, part in enumerate(parts):
            value = part(machine, environment)
            if position < last and machine.truth(value, node) is stop:
                return value
        return value

    return run


def _compare(node: ast.Compare) -> Evaluate:
    first = compiled(node.left)
    rest = [(type(op), compiled(c)) for op, c in zip(node.ops, node.comparators, strict=True)]
    if len(rest) == 1 and rest[0][0] in _COMPARE:
        operation, dunder = _COMPARE[rest[0][0]]
        second = rest[0][1]

        def single(machine: Machine, environment: Environment) -> Any:
            a = first(machine, environment)
            b = second(machine, environment)
            if type(a) in PLAIN_NUMBERS and type(b) in PLAIN_NUMBERS:
                return operation(a, b)
            return machine.compare(operation, a, b, dunder, node)

        return single

    def chain(machine: Machine, environment: Environment) -> Any:
        left = first(machine, environment)
        result: Any = True
        for position, (op, part) in enumerate(rest):
            right = part(machine, environment)
            result = machine.relation(op, left, right, node)
            if position < len(rest) - 1 and not machine.truth(result, node):
                return result
            left = right
        return result

    return chain


def relation(machine: Machine, op: type[ast.cmpop], left: Any, right: Any, node: ast.AST) -> Any:
    if op in _COMPARE:
        operation, dunder = _COMPARE[op]
        return machine.compare(operation, left, right, dunder, node)
    if op in (ast.Is, ast.IsNot):
        wanted = "identity" if left is None or right is None else "any"
        same = machine.concrete(left, node, wanted) is machine.concrete(right, node, wanted)
        return same if op is ast.Is else not same
    left, right = machine.concrete(left, node, "any"), machine.concrete(right, node, "container")
    if isinstance(right, ClassValue):
        raise Opaque(f"looks for a member in the class `{right.name}`", node)
    if isinstance(right, list | tuple):
        right = [machine.concrete(v, node, "any") for v in right]
    check_comparable(left, node)
    # A key is looked up among keys; what stands under them is not compared.
    check_comparable(list(right) if isinstance(right, dict) else right, node)
    if isinstance(right, Instance):
        found = machine.truth(machine.call_method(right, "__contains__", (left,), node), node)
    else:
        found = machine.native(operator.contains, (right, left), node)
    return found if op is ast.In else not found


OPERATIONS: dict[type[ast.expr], Callable[[Any], Evaluate]] = {
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
}


__all__ = ["OPERATIONS", "binary_operation", "relation"]
