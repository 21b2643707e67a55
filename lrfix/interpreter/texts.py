"""Texts with values in them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from lrfix.interpreter.limits import check_format, check_tree
from lrfix.interpreter.values import Unknown

Machine = Any
_CONVERTERS: dict[int, Callable[[object], str]] = {115: str, 114: repr, 97: ascii}


def formatted(machine: Machine, value: Any, specification: Callable[[], Any], node: ast.FormattedValue) -> Any:
    """A value in an f-string."""
    if isinstance(value, Unknown):
        return f"{{{value.path}}}"
    if not isinstance(value, int | float | str | list | tuple | dict | complex | None):
        return f"<{type(value).__name__}>"
    check_tree(value, node)
    conversion = _CONVERTERS.get(node.conversion)
    if conversion is not None:
        value = conversion(value)
    wanted = specification()
    check_format(wanted, node)
    return machine.native(format, (value, wanted), node)


__all__ = ["formatted"]
