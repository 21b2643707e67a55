"""Settings of a study that the code itself fixes: what base classes compare, what keys the parameter groups."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from lrfix.domains.roles import Role, role_of
from lrfix.experiments.study import Study
from lrfix.names import Defined, Names


def settle_key(study: Study) -> None:
    """Take a name that keys the parameter groups (``group[self.param_name]``) for the rate's."""
    run = study.run(0, use=None) if study.site.form != "lambda" else study.run(0)
    if run.failure is None or run.failure.kind != "KeyError" or run.failure.step > 0:
        return
    for path, value in {**run.leaves, **run.names}.items():
        if path not in study.settings and repr(value) == run.failure.message and role_of(path) is Role.UNKNOWN:
            study.settings[path] = "lr"
            return


def inherited(names: Names, nodes: Sequence[ast.AST]) -> list[ast.AST]:
    """The definitions of a site and the base classes of this file that they derive from, nearest last."""
    found: list[ast.AST] = []
    for node in nodes:
        found += [base for base in _bases(names, node, 0) if base not in found]
    return [*(base for base in found if base not in nodes), *nodes]


def _bases(names: Names, node: ast.AST, depth: int) -> Iterator[ast.AST]:
    if not isinstance(node, ast.ClassDef) or depth > 4:
        return
    for base in node.bases:
        for binding in names.bindings(base.id, node) if isinstance(base, ast.Name) else ():
            if isinstance(binding, Defined) and isinstance(binding.node, ast.ClassDef) and binding.node is not node:
                yield from _bases(names, binding.node, depth + 1)
                yield binding.node


__all__ = ["inherited", "settle_key"]
