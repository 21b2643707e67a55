"""The code of a file that uses schedules: who builds schedulers, steps them, loads their state, asks them for a rate.

It defines no schedule and is no site of its own to anyone outside; rules look at it as a whole, once a file.
"""

from __future__ import annotations

import ast

from lrfix.findings import Position, Span
from lrfix.names import Names
from lrfix.sites.model import ScheduleSite
from lrfix.sites.vocabulary import foreign_framework, words

_SPOKEN = frozenset(
    {"scheduler", "schedulers", "schedule", "sched", "lr", "annealing", "warmup", "scheduled", "learning"}
)

_SCHEDULERS = frozenset({"scheduler", "sched"})
#: What tells a trainer which schedule to build.
_TOLD = frozenset({"scheduler", "warmup"})


def training_code(names: Names) -> ScheduleSite | None:
    """The file as code that may use a schedule; None for one that calls nothing of the kind."""
    if foreign_framework(names) or not any(_speaks(node) for node in names.nodes):
        return None
    start = Position(1, 1)
    return ScheduleSite(form="training", name=None, base="", nodes=(names.tree,), span=Span(start, start))


def _speaks(node: ast.AST) -> bool:
    """Whether a node writes a rate, calls what is a schedule by its name or its object's, asks for one, tells somebody
    which one to build, or gives something such a name."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return bool(set(words(node.id)) & _SCHEDULERS)
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
        return isinstance(node.slice, ast.Constant) and node.slice.value == "lr"
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return node.attr == "lr"
    if not isinstance(node, ast.Call):
        return False
    if any(keyword.arg is not None and _TOLD & set(words(keyword.arg)) for keyword in node.keywords):
        return True
    named = node.func
    if isinstance(named, ast.Name) and named.id == "isinstance" and node.args:
        named = node.args[0]
    spoken: set[str] = set()
    for _ in range(3):
        if isinstance(named, ast.Attribute):
            spoken |= set(words(named.attr))
            named = named.value
        elif isinstance(named, ast.Name):
            spoken |= set(words(named.id))
            break
    return bool(spoken & _SPOKEN)


__all__ = ["training_code"]
