"""Objects that have just the parts that a program reads of them: namespaces for attributes, dicts for keys."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from lrfix.rewriting.model import NotRewritten

NAMESPACE = "SimpleNamespace"
NAMESPACE_IMPORT = f"from types import {NAMESPACE}"


def made_of(leaves: Mapping[str, ast.expr]) -> dict[str, ast.expr]:
    """For each root the expression that makes what the leaves read off it: for ``args.lr`` and ``args.steps``, each
    with its value, a namespace for ``args``. Of ``len(loader)`` the value is the length.

    Raises NotRewritten where an object is read as a whole and in parts, by attribute and by key, or at a place that is
    worked out.
    """
    trees: dict[str, dict[object, object]] = {}
    for leaf, value in leaves.items():
        node = ast.parse(leaf, mode="eval").body
        keys: list[object] = []
        if isinstance(node, ast.Call):
            node = node.args[0]
            value = ast.Call(ast.Name("range", ast.Load()), [value], [])
        while isinstance(node, ast.Attribute | ast.Subscript):
            if isinstance(node, ast.Attribute):
                keys.insert(0, ("attribute", node.attr))
            elif isinstance(node.slice, ast.Constant):
                keys.insert(0, ("key", node.slice.value))
            else:
                raise NotRewritten(f"`{leaf}` is read at a place that is worked out")
            node = node.value
        if not isinstance(node, ast.Name):
            raise NotRewritten(f"`{leaf}` is no part of an object")
        tree = trees.setdefault(node.id, {})
        for key in keys:
            inner = tree.setdefault(key, {})
            if not isinstance(inner, dict):
                raise NotRewritten(f"`{leaf}` is read off a value that is used as a whole as well")
            tree = inner
        if tree:
            raise NotRewritten(f"`{leaf}` is used as a whole, and parts of it are read as well")
        tree[None] = value
    return {root: _made(tree) for root, tree in trees.items()}


def _made(tree: Mapping[object, object]) -> ast.expr:
    if None in tree:
        value = tree[None]
        if len(tree) > 1:
            raise NotRewritten("a value is used as a whole, and parts of it are read as well")
        assert isinstance(value, ast.expr)
        return value
    kinds = {key[0] for key in tree if isinstance(key, tuple)}
    parts = {key[1]: _made(inner) for key, inner in tree.items() if isinstance(key, tuple) and isinstance(inner, dict)}
    if kinds == {"attribute"}:
        return ast.Call(ast.Name(NAMESPACE, ast.Load()), [], [ast.keyword(str(k), v) for k, v in parts.items()])
    if kinds == {"key"}:
        return ast.Dict([ast.Constant(k) for k in parts], list(parts.values()))
    raise NotRewritten("an object is read by attribute and by key")


__all__ = ["NAMESPACE_IMPORT", "made_of"]
