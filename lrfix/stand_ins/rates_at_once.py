"""Reading and writing every group's rate without interpreting it: what all schedulers do at every step.

The same as ``current_rates`` and ``write_rates`` of ``scheduler_base`` for an optimizer whose groups are plain
dictionaries in a list; for any other the interpreted function is asked.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from lrfix.interpreter.values import Instance, NativeFunction

Machine = Any
_DICTIONARY = frozenset({dict})


def at_once(names: Mapping[str, Any]) -> dict[str, NativeFunction]:
    """Native versions of some functions of ``scheduler_base``, by their names; they fall back on ``names``."""
    read, write = names["current_rates"], names["write_rates"]

    def current_rates(machine: Machine, node: ast.AST | None, optimizer: Any) -> Any:
        groups = _groups(optimizer)
        try:
            if groups is not None:
                return [group["lr"] for group in groups]
        except KeyError:
            pass
        return machine.invoke(read, [optimizer], {}, node)

    def write_rates(machine: Machine, node: ast.AST | None, optimizer: Any, values: Any) -> Any:
        groups = _groups(optimizer)
        if groups is None or type(values) is not list or len(values) != len(groups):
            return machine.invoke(write, [optimizer, values], {}, node)
        mine = machine.recorder.mine
        if mine is not None and node not in mine:
            for group, rate in zip(groups, values, strict=True):
                group["lr"] = rate
            return None
        for group, rate in zip(groups, values, strict=True):
            machine.recorder.item_write(group, "lr", group.get("lr"), rate, node)
            group["lr"] = rate
        return None

    return {
        "current_rates": NativeFunction("current_rates", current_rates, accepts_callables=True),
        "write_rates": NativeFunction("write_rates", write_rates, accepts_callables=True),
    }


def _groups(optimizer: Any) -> list[dict[str, Any]] | None:
    """The parameter groups of an optimizer that keeps plain ones; None for any other."""
    if type(optimizer) is not Instance:
        return None
    groups = optimizer.attributes.get("param_groups")
    return groups if type(groups) is list and _DICTIONARY.issuperset(map(type, groups)) else None


__all__ = ["at_once"]
