"""Which files belong together: a definition and the files that use it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import PurePath


def connected(trees: Mapping[str, ast.Module]) -> list[list[str]]:
    """The paths of ``trees`` in sets: two files stand in one where one imports the other, or a name that it defines.

    Files are told by the ends of their paths and names by their words, so that sets may be larger than they have to be.
    """
    imported = {path: _imported(tree) for path, tree in trees.items()}
    offered = {path: _offered(path, tree) for path, tree in trees.items()}
    sets = {path: [path] for path in trees}
    for path in trees:
        for other in trees:
            if sets[path] is not sets[other] and imported[path] & offered[other]:
                sets[path] += sets[other]
                for member in sets[other]:
                    sets[member] = sets[path]
    return [sorted(members) for members in {id(members): members for members in sets.values()}.values()]


def _imported(tree: ast.Module) -> frozenset[str]:
    """The modules that a file may import, dotted, and the names that it takes out of them."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = [node.module] if node.module else []
            found |= {*module, *(".".join([*module, alias.name]) for alias in node.names)}
            found |= {alias.name for alias in node.names}
    return frozenset(found)


def _offered(path: str, tree: ast.Module) -> frozenset[str]:
    """What a file may be imported as from somewhere, and the names that it defines."""
    parts = PurePath(path).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    modules = {".".join(parts[start:]) for start in range(len(parts))}
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return frozenset(modules | {node.name for node in tree.body if isinstance(node, defined)})


__all__ = ["connected"]
