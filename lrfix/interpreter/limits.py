"""Bounds that keep a simulated program from exhausting memory."""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from lrfix.interpreter.errors import Opaque
from lrfix.interpreter.values import Instance, Unknown

#: Integers stay short enough that Python writes them out, which it refuses from 4300 digits on.
MAX_BITS = 14_000
MAX_LENGTH = 200_000
MAX_PATH = 10_000
#: Types of one number each: nothing to bound, nothing unknown.
PLAIN_NUMBERS = frozenset({int, float, bool})
_SIZED = (range, str, bytes, list, tuple, dict, set, deque)


def check_power(base: Any, exponent: Any, node: ast.AST) -> None:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > MAX_BITS:
        raise Opaque("computes a power too large to simulate", node)


def check_shift(value: Any, count: Any, node: ast.AST) -> None:
    if isinstance(value, int) and isinstance(count, int) and value.bit_length() + count > MAX_BITS:
        raise Opaque("shifts a number too far to simulate", node)


def check_repeat(left: Any, right: Any, node: ast.AST) -> None:
    for sequence, count in ((left, right), (right, left)):
        if (
            isinstance(sequence, str | bytes | list | tuple)
            and isinstance(count, int)
            and len(sequence) * count > MAX_LENGTH
        ):
            raise Opaque("builds a sequence too long to simulate", node)
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > MAX_BITS:
        raise Opaque("computes a number too large to simulate", node)


def check_length(value: Any, node: ast.AST | None) -> None:
    if isinstance(value, _SIZED) and len(value) > MAX_LENGTH:
        raise Opaque("builds a sequence too long to simulate", node)


def check_path(path: str, node: ast.AST | None) -> str:
    """The words for what code does not fix; refused where each step has made them longer, ``x = x[x]``, without end."""
    if len(path) > MAX_PATH:
        raise Opaque("speaks of a value in too many words to simulate", node)
    return path


@lru_cache(maxsize=32)
def holds(pattern: str, text: str) -> bool:
    """Whether a text has a part of some form: what is logged at every step is the same text each time."""
    return re.search(pattern, text) is not None


def check_format(specification: Any, node: ast.AST | None) -> None:
    """Refuse widths and precisions of five digits and more."""
    if isinstance(specification, str) and holds(r"\d{5}", specification):
        raise Opaque("formats to a text too long to simulate", node)


def check_remainder(left: Any, right: Any, node: ast.AST) -> None:
    if not isinstance(left, str):
        return
    check_format(left, node)
    if "*" in left:
        raise Opaque("formats with a width given by an argument", node)
    check_tree(right, node)


def check_method(value: Any, name: str, arguments: list[Any], node: ast.AST | None) -> None:
    """Refuse a call of a method whose result would be too long, before it is made."""
    if not isinstance(value, str):
        return
    length = len(value)
    if name == "replace" and len(arguments) > 1 and isinstance(arguments[1], str):
        length = (len(value) + 1) * (len(arguments[1]) + 1)
    elif name == "zfill" and arguments and isinstance(arguments[0], int):
        length = arguments[0]
    elif name == "join" and arguments and isinstance(arguments[0], list | tuple | set | dict):
        length = sum(len(part) + len(value) for part in arguments[0] if isinstance(part, str))
    elif name == "format":
        check_format(value, node)
        if holds(r"{[^}]*:[^}]*{", value):
            raise Opaque("formats with a width given by an argument", node)
    if length > 10 * MAX_LENGTH:
        raise Opaque("builds a text too long to simulate", node)


def check_tree(value: Any, node: ast.AST | None) -> None:
    """Refuse containers that hold each other so often that printing, hashing or comparing them would never end."""
    for _ in _parts(value, node):
        pass


def check_comparable(value: Any, node: ast.AST | None) -> None:
    """Refuse what Python would compare or hash by itself where the program's own ``__eq__`` or a free value decides."""
    if not isinstance(value, list | tuple | dict | Instance | deque):
        return
    for part in _parts(value, node):
        if isinstance(part, Unknown):
            raise Opaque(f"compares `{part.path}` inside a container", node)
        if isinstance(part, Instance) and part is not value and decides_equality(part):
            raise Opaque(f"compares objects of `{part.cls.name}` inside a container", node)


def decides_equality(instance: Instance) -> bool:
    """Whether an object is equal to others by what it holds: its class says so, or is a data class."""
    return any("__eq__" in cls.namespace or _is_data(cls.node) for cls in instance.cls.mro)


def _is_data(node: ast.ClassDef | None) -> bool:
    for decorator in node.decorator_list if node is not None else []:
        named = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ast.unparse(named).rpartition(".")[2] == "dataclass":
            options = {k.arg: k.value for k in decorator.keywords} if isinstance(decorator, ast.Call) else {}
            equal = options.get("eq")
            return not (isinstance(equal, ast.Constant) and equal.value is False)
    return False


def _parts(value: Any, node: ast.AST | None) -> Iterator[Any]:
    stack, seen = [value], 0
    while stack:
        part = stack.pop()
        seen += 1
        if seen > MAX_LENGTH:
            raise Opaque("nests containers too deeply to simulate", node)
        yield part
        if isinstance(part, list | tuple | set | deque):
            stack.extend(part)
        elif isinstance(part, dict):
            stack.extend(part.keys())
            stack.extend(part.values())
