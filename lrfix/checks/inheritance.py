"""LR107's readings of what a class takes over from its bases. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.checks.class_reading import stores_in, torch_named
from lrfix.findings import Violation
from lrfix.names import Defined
from lrfix.structure import method, methods
from lrfix.study import Study


def bases(study: Study, node: ast.ClassDef) -> tuple[list[ast.ClassDef], bool]:
    """The classes of this file that a class derives from, and whether that is all but torch's and ``object``."""
    found: list[ast.ClassDef] = []
    whole = True
    for known in (node,):
        for base in known.bases:
            here = [
                b.node
                for b in (study.names.bindings(base.id, known) if isinstance(base, ast.Name) else ())
                if isinstance(b, Defined) and isinstance(b.node, ast.ClassDef)
            ]
            found += [c for c in here if c not in found and c is not node]
            whole = whole and (bool(here) or torch_named(study, base) or ast.unparse(base) == "object")
    for known in list(found):
        more, all_of_it = bases(study, known)
        found += [c for c in more if c not in found]
        whole = whole and all_of_it
    return found, whole


def made_by_base(study: Study, node: ast.ClassDef, name: str) -> bool:
    """Whether the constructor of a base in this file creates ``self.name``."""
    for base in bases(study, node)[0]:
        constructor = method(base, "__init__")
        if constructor is not None and any(attribute == name for attribute, _ in stores_in(constructor)):
            return True
    return False


def foreign_super(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """``super(Other, self)`` in a class that does not derive from ``Other``: a copied line."""
    above, whole = bases(study, node)
    if not whole:
        return
    own = {node.name, *(c.name for c in above)}
    known = {n.name for n in study.names.nodes if isinstance(n, ast.ClassDef)}
    for function in methods(node):
        for call in ast.walk(function):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id == "super"
                and len(call.args) == 2
                and isinstance(call.args[0], ast.Name)
                and call.args[0].id in known - own
            ):
                yield Violation(
                    study.span(call),
                    f"`{node.name}` is no `{call.args[0].id}`: this raises TypeError when `{function.name}` runs. "
                    "Write `super()`.",
                )
