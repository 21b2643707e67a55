"""Operations of numbers, truths and comparisons: expressions whose answer is worked out of their operands' values."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from lrfix.interpreter.arrays.values import Array, is_array_like, unary, update
from lrfix.interpreter.compilation import Evaluate, Machine, compiled, unsimulated, unsupported_expression
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.limits import (
    MAX_BITS,
    PLAIN_NUMBERS,
    check_comparable,
    check_length,
    check_power,
    check_remainder,
    check_repeat,
    check_shift,
)
from lrfix.interpreter.values import ClassValue, Instance

Guard = Callable[[Any, Any, ast.AST], None]
#: What the machine makes of two values at a node.
Operation = Callable[[Machine, Any, Any, ast.AST], Any]
_IN_PLACE = {"mult": "mul", "div": "truediv", "bitand": "and", "bitor": "or", "bitxor": "xor"}
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
_GUARDS: dict[type[ast.operator], Guard] = {
    ast.Pow: check_power,
    ast.Mult: check_repeat,
    ast.LShift: check_shift,
    ast.Mod: check_remainder,
}
COMPARISONS: dict[type[ast.cmpop], tuple[Callable[[Any, Any], Any], str]] = {
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


def _between(operation: Callable[[Any, Any], Any], forward: str, backward: str, guard: Guard | None) -> Operation:
    unguarded = guard is None or guard is check_remainder

    def run(machine: Machine, left: Any, right: Any, node: ast.AST) -> Any:
        # A product or power with a float in it is a number of ordinary size: no guard needed.
        if (
            type(left) in PLAIN_NUMBERS
            and type(right) in PLAIN_NUMBERS
            and (unguarded or type(left) is float or type(right) is float)
        ):
            try:
                return operation(left, right)
            except (ArithmeticError, TypeError, ValueError) as error:
                raise UserError(error, node) from None
        return machine.binary(operation, left, right, forward, backward, guard, node)

    return run


def _product(machine: Machine, left: Any, right: Any, node: ast.AST) -> Any:
    if type(left) is int and type(right) is int and left.bit_length() + right.bit_length() <= MAX_BITS:
        return left * right
    return _multiplied(machine, left, right, node)


_multiplied = _between(*_BINARY[ast.Mult], check_repeat)
#: Operators of two values, by the node that stands for them.
OPERATIONS_OF: dict[type[ast.operator], Operation] = {
    **{kind: _between(*known, _GUARDS.get(kind)) for kind, known in _BINARY.items()},
    ast.Mult: _product,
}


def _binary(node: ast.BinOp) -> Evaluate:
    left, right, operation = compiled(node.left), compiled(node.right), OPERATIONS_OF.get(type(node.op))
    if operation is None:
        return unsupported_expression(node.op)
    return lambda machine, environment: operation(
        machine, left(machine, environment), right(machine, environment), node
    )


def augmented(machine: Machine, old: Any, new: Any, op: ast.operator, node: ast.AST) -> Any:
    """What ``old += new`` stores, and likewise for the other operators."""
    if isinstance(old, list) and isinstance(op, ast.Add):
        machine.record_item(old, None, None, new, node)
        old.extend(list(machine.iterate(new, node)))
        check_length(old, node)
        return old
    if isinstance(old, Array):
        machine.record_item(old, None, None, new, node)
        name = type(op).__name__.lower()
        return machine.native(update, (old, _IN_PLACE.get(name, name), machine.concrete(new, node, "number")), node)
    operation = OPERATIONS_OF.get(type(op))
    if operation is None:
        raise unsimulated(op)
    return operation(machine, old, new, node)


def _unary(node: ast.UnaryOp) -> Evaluate:
    operand, op = compiled(node.operand), node.op
    if isinstance(op, ast.Not):

        def negate(machine: Machine, environment: Environment) -> Any:
            value = operand(machine, environment)
            return not (value if type(value) is bool else machine.truth(value, node))

        return negate

    def run(machine: Machine, environment: Environment) -> Any:
        return negation(machine, operand(machine, environment), op, node)

    return run


def negation(machine: Machine, value: Any, op: ast.unaryop, node: ast.AST) -> Any:
    """``-value``, ``+value`` or ``~value``."""
    operation, dunder = _UNARY[type(op)]
    if type(value) in PLAIN_NUMBERS and not isinstance(op, ast.Invert):
        return operation(value)
    value = machine.concrete(value, node, "number")
    if isinstance(value, Instance):
        return machine.call_method(value, dunder, (), node)
    if is_array_like(value):
        return machine.native(unary, (operation, value), node)
    return machine.native(operation, (value,), node)


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
    if len(rest) == 1 and rest[0][0] in COMPARISONS:
        operation, dunder = COMPARISONS[rest[0][0]]
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
    if op in COMPARISONS:
        operation, dunder = COMPARISONS[op]
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


def item(machine: Machine, container: Any, index: Any, node: ast.AST) -> Any:
    """An element of a container: what Python has at once needs no more asking."""
    kind = type(container)
    if (kind is dict and type(index) is str) or (kind is list and type(index) is int):
        try:
            return container[index]
        except LookupError as error:
            raise UserError(error, node) from None
    return machine.item(container, index, node)


OPERATIONS: dict[type[ast.expr], Callable[[Any], Evaluate]] = {
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
}


__all__ = ["COMPARISONS", "OPERATIONS", "OPERATIONS_OF", "augmented", "item", "negation", "relation"]
