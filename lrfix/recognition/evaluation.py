"""The value of an expression text over a scenario's names: arithmetic only, nothing is ever executed."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import cast

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_CALLS: dict[str, Callable[..., float]] = {
    "int": int,
    "float": float,
    "round": round,
    "max": max,
    "min": min,
    "abs": abs,
    "math.ceil": math.ceil,
    "math.floor": math.floor,
    "math.sqrt": math.sqrt,
}


class NotArithmetic(ValueError):
    """The text is no arithmetic over the given names; the message names the part that is not."""


@lru_cache(maxsize=4096)
def parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return None


@lru_cache(maxsize=4096)
def normalised(text: str) -> str:
    tree = parsed(text)
    return text if tree is None else ast.unparse(tree)


def evaluate(text: str, names: Mapping[str, object]) -> object:
    """Value of ``text``, where each key of ``names`` (any expression, as normal text) has the given value.

    Raises ``NotArithmetic`` for anything but names, numbers, lists of them, arithmetic, a few calls and what a text or
    a flag among the names chooses, and ``ArithmeticError`` as the arithmetic itself does.
    """
    tree = parsed(text)
    if tree is None:
        raise NotArithmetic(f"{text!r} is no expression")
    return _value(tree, {normalised(key): value for key, value in names.items()})


def _value(node: ast.expr, names: Mapping[str, object]) -> object:
    if not isinstance(node, ast.Constant):
        text = ast.unparse(node)
        if text in names:
            return names[text]
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(item, names) for item in node.elts]
    if isinstance(node, ast.IfExp):
        return _value(node.body if _value(node.test, names) else node.orelse, names)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Is | ast.IsNot):
        same = _value(node.left, names) is _value(node.comparators[0], names)
        return same if isinstance(node.ops[0], ast.Is) else not same
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.In):
        left, right = _value(node.left, names), _value(node.comparators[0], names)
        return left == right if isinstance(node.ops[0], ast.Eq) else left in cast("list[object]", right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_number(node.operand, names)
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = _number(node.left, names), _number(node.right, names)
        if isinstance(node.op, ast.Pow) and (abs(right) > 64 or (left < 0 and right != int(right))):
            raise NotArithmetic(f"power out of range in {ast.unparse(node)!r}")
        return _BINARY[type(node.op)](left, right)
    if isinstance(node, ast.Call) and not node.keywords and ast.unparse(node.func) in _CALLS:
        return _CALLS[ast.unparse(node.func)](*(_number(argument, names) for argument in node.args))
    raise NotArithmetic(f"{ast.unparse(node)!r} has no known value")


def _number(node: ast.expr, names: Mapping[str, object]) -> float:
    value = _value(node, names)
    if isinstance(value, (int, float)):
        return value
    raise NotArithmetic(f"{ast.unparse(node)!r} is no number")
