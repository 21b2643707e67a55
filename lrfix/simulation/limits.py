"""Bounds that keep a simulated program from exhausting memory."""

from __future__ import annotations

import ast
from typing import Any

from lrfix.simulation.errors import Opaque

MAX_BITS = 100_000
MAX_LENGTH = 200_000


def check_power(base: Any, exponent: Any, node: ast.AST) -> None:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > MAX_BITS:
        raise Opaque("computes a power too large to simulate", node)


def check_shift(value: Any, count: Any, node: ast.AST) -> None:
    if isinstance(value, int) and isinstance(count, int) and value.bit_length() + count > MAX_BITS:
        raise Opaque("shifts a number too far to simulate", node)


def check_repeat(left: Any, right: Any, node: ast.AST) -> None:
    for sequence, count in ((left, right), (right, left)):
        if isinstance(sequence, str | bytes | list | tuple) and isinstance(count, int) and len(sequence) * count > MAX_LENGTH:
            raise Opaque("builds a sequence too long to simulate", node)
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > MAX_BITS:
        raise Opaque("computes a number too large to simulate", node)


def check_length(value: Any, node: ast.AST | None) -> None:
    if isinstance(value, range | str | list | tuple | dict | set) and len(value) > MAX_LENGTH:
        raise Opaque("builds a sequence too long to simulate", node)
