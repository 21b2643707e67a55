"""Keys of the author's own in parameter groups: which the code reads, and what each may hold."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from lrfix.domains.facts import literal
from lrfix.domains.roles import RATES, Role, role_of
from lrfix.finite import finite
from lrfix.interpreter.values import Unknown
from lrfix.trees import walk

#: How the settings of keys of the author's own in a group begin.
OF_GROUP = "group['"


def keys_read(nodes: Sequence[ast.AST]) -> Iterator[tuple[ast.expr, str]]:
    """The keys beside the rate that the site reads off parameter groups without asking whether they are there."""
    parts = [node for root in nodes for node in walk(root)]
    tested = {n.left.value for n in parts if isinstance(n, ast.Compare) and isinstance(n.left, ast.Constant)}
    for node in parts:
        if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load) or not _is_group(node.value):
            continue
        named = literal(node.slice)
        if isinstance(named, str) and named not in tested | {"lr", "params"}:
            yield node, named


def option_of(node: ast.expr, key: str, rate: float) -> object:
    """A plausible value for an option that the code reads off every parameter group; None where nothing tells one."""
    words = set(key.split("_"))
    if "lr" in words and words & {"scale", "mult", "factor", "ratio", "multiplier", "coef"}:
        return 1.0
    if key in ("max_lr", "base_lr", "init_lr", "peak_lr", "orig_lr", "lr_max", "lr_0", "lr_base"):
        return rate
    return Unknown(ast.unparse(node)) if role_of(key) not in (Role.UNKNOWN, *RATES) else None


def numbers_put(nodes: Iterable[ast.AST], key: str) -> Iterator[float]:
    """The numbers that code puts under a key of the author's own: ``group["k"] = 0``, ``{"params": ..., "k": 0}``."""
    for node in nodes:
        if isinstance(node, ast.Assign):
            pairs = [(t.slice, node.value) for t in node.targets if isinstance(t, ast.Subscript) and _is_group(t.value)]
        elif isinstance(node, ast.Dict):
            pairs = [(k, v) for k, v in zip(node.keys, node.values, strict=True) if k is not None]
        else:
            continue
        put = (finite(literal(value)) for named, value in pairs if literal(named) == key)
        yield from (number for number in put if number is not None)


def counts_in_groups(nodes: Sequence[ast.AST]) -> frozenset[str]:
    """The keys of parameter groups that code counts up, or down: ``group["k"] += 1``."""
    counts = (n.target for root in nodes for n in walk(root) if isinstance(n, ast.AugAssign))
    keys = (literal(t.slice) for t in counts if isinstance(t, ast.Subscript) and _is_group(t.value))
    return frozenset(key for key in keys if isinstance(key, str) and key != "lr")


def own_key(key: str) -> str:
    """The setting that says what a key of the author's own, as it is written, holds in every parameter group."""
    return f"group[{key}]"


def key_of(path: str) -> str | None:
    key = literal(ast.parse(path[len("group[") : -1], mode="eval").body)
    return key if isinstance(key, str) else None


def _is_group(node: ast.expr) -> bool:
    word = node.id if isinstance(node, ast.Name) else ""
    return word in ("g", "p", "x", "pg") or "group" in word


__all__ = ["OF_GROUP", "counts_in_groups", "key_of", "keys_read", "numbers_put", "option_of", "own_key"]
