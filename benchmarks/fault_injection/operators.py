"""The register of operators: each plants one kind of fault, and says which codes name it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from parsed import Edit, File
from scripts import Script
from sites import Site


class Fault(NamedTuple):
    """One fault that could be planted."""

    edits: list[Edit]
    what: str
    codes: tuple[str, ...] = ()  # where they are others than the operator's
    legal: bool = False  # only a setting that nobody is seen to use shows it: info is what is due


class Operator(NamedTuple):
    name: str
    codes: tuple[str, ...]  # the first names the fault, the others describe the same symptom
    plant: Callable[[File, Any], Iterator[Fault]]  # a Site, or a Script
    loops: bool = False  # whether it aims at the loops of a whole script, and not at one schedule


OPERATORS: dict[str, Operator] = {}


def operator(name: str, *codes: str) -> Callable[[Callable[[File, Site], Iterator[Fault]]], Callable]:
    """Registers a generator of faults. Where it is not sure that its edit plants one, it yields nothing."""

    return _register(name, codes, lambda plant: plant, loops=False)


def loop_operator(name: str, *codes: str) -> Callable[[Callable[[Script], Iterator[Fault]]], Callable]:
    """Registers a generator of faults in the loops of a script: where its schedulers are built, stepped and saved."""
    return _register(name, codes, lambda plant: lambda _, script: plant(script), loops=True)


def _register(name: str, codes: tuple[str, ...], adapted: Callable, *, loops: bool) -> Callable:
    def register(plant: Callable) -> Callable:
        if name in OPERATORS:
            raise ValueError(f"two operators are named {name}")
        OPERATORS[name] = Operator(name, codes, adapted(plant), loops)
        return plant

    return register


def without(file: File, factor: ast.AST) -> list[Edit]:
    """`a * factor` or `factor * a` becomes `a`."""
    product = file.parent[factor]
    if not isinstance(product, ast.BinOp):
        return []
    return file.put(product, product.right if product.left is factor else product.left)
