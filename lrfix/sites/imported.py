"""Definitions that stand in other files of the project, followed through imports."""

from __future__ import annotations

import ast
import builtins

from lrfix.names import Defined, Elsewhere, Imported, Names
from lrfix.sites.vocabulary import SCHEDULE_WORDS, torch_scheduler, words

_MOST_BASES = 6


def meant_elsewhere(names: Names, node: ast.expr) -> Elsewhere | None:
    """What an imported name, or a member of an imported module, is in the file that defines it."""
    if names.neighbours is None:
        return None
    if isinstance(node, ast.Name):
        scope = names.owner(node.id, names.scope_of(node))
        if scope is None:
            return None if hasattr(builtins, node.id) else names.neighbours.starred(node.id)
        binding = names.reaching(node.id, scope, node)
        return names.neighbours.meaning(node.id, binding.node) if isinstance(binding, Imported) else None
    if isinstance(node, ast.Attribute):
        module = meant_elsewhere(names, node.value)
        return names.neighbours.member(module.names, node.attr) if module is not None and not module.name else None
    return None


def definition_elsewhere(names: Names, node: ast.expr) -> tuple[Names, Defined] | None:
    """The ``def`` or ``class`` of another file that an expression names, with the names of that file."""
    found = meant_elsewhere(names, node)
    if found is None or found.name is None:
        return None
    binding = found.names.reaching(found.name, found.names.scopes[found.names.tree], None)
    return (found.names, binding) if isinstance(binding, Defined) else None


def torch_base_elsewhere(names: Names, base: ast.expr, depth: int = 0, gives_rates: bool = False) -> str | None:
    """The torch scheduler that an imported class derives from, where its name speaks of schedules or the class that
    derives from it ``gives_rates``."""
    if not gives_rates and not {"scheduler", *SCHEDULE_WORDS} & set(words(ast.unparse(base))):
        return None
    found = definition_elsewhere(names, base)
    if found is None:
        return None
    other, defined = found
    return _torch_base(other, defined.node, depth, gives_rates) if isinstance(defined.node, ast.ClassDef) else None


def _torch_base(names: Names, node: ast.ClassDef, depth: int, gives_rates: bool) -> str | None:
    if depth > _MOST_BASES:
        return None
    for base in node.bases:
        direct = torch_scheduler(names, base)
        if direct:
            return direct
        for binding in names.bindings(base.id, node) if isinstance(base, ast.Name) else ():
            if isinstance(binding, Defined) and isinstance(binding.node, ast.ClassDef) and binding.node is not node:
                inherited = _torch_base(names, binding.node, depth + 1, gives_rates)
                if inherited:
                    return inherited
        inherited = torch_base_elsewhere(names, base, depth + 1, gives_rates)
        if inherited:
            return inherited
    return None


__all__ = ["definition_elsewhere", "meant_elsewhere", "torch_base_elsewhere"]
