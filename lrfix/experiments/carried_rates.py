"""Rates that a program carries in a variable of its own, beside an optimizer that comes back from a checkpoint.

No rules here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from lrfix.experiments.counters import restored_position
from lrfix.experiments.study import Study
from lrfix.names import Assigned, Augmented, Scope
from lrfix.trees import walk, written

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
#: Words of what brings an earlier rate back: the optimizer's own, or one from a file.
_BROUGHT = ("param_groups", "checkpoint", "ckpt", "load", "resume", "state_dict", "get_last_lr", "get_lr")


@dataclass(frozen=True)
class Carried:
    """``name`` is multiplied at ``change``, then written to the optimizer; ``restored`` comes from the checkpoint."""

    name: str
    change: ast.AugAssign
    restored: str


def carried_rates(study: Study) -> Iterator[Carried]:
    """Rates multiplied from one value of the variable to the next, where the variable starts anew in each process."""
    for write in study.site.writes:
        rate = write.value if isinstance(write, ast.Assign) else None
        function = study.names.enclosing(write, _FUNCTIONS)
        if rate is None or function is None:
            continue
        places: list[ast.AST] = [write] if study.site.inline else [*study.site.calls]
        around = study.names.enclosing(places[0], _FUNCTIONS) if len(places) == 1 else None
        restored = restored_position(around) if around is not None else None
        change = _change(study, function, rate)
        if change is None or restored is None or (study.site.inline and not _repeated(study, change, write)):
            continue
        if _starts_anew(study, function, rate):
            yield Carried(written(rate), change, restored)
            return


def _repeated(study: Study, change: ast.AST, write: ast.AST) -> bool:
    """Whether a loop goes from one write to the next change: else the rate is worked out whole before it is written."""
    loops = (ast.For, ast.AsyncFor, ast.While)
    return any(
        isinstance(around, loops) and around in study.names.ancestors(write) for around in study.names.ancestors(change)
    )


def _change(study: Study, function: ast.AST, rate: ast.expr) -> ast.AugAssign | None:
    """The one statement that scales the variable, in the function that writes it."""
    spelled = written(rate)
    stored = [n for n in study.names.nodes if isinstance(n, ast.expr) and _is_store(n) and written(n) == spelled]
    changes = [
        n
        for n in walk(function)
        if isinstance(n, ast.AugAssign) and isinstance(n.op, ast.Mult | ast.Div) and written(n.target) == spelled
    ]
    allowed = len(changes) + isinstance(rate, ast.Name)  # a plain name has its start beside its change
    return changes[0] if len(changes) == 1 and len(stored) == allowed else None


def _is_store(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Subscript) and isinstance(node.ctx, ast.Store)


def _starts_anew(study: Study, function: ast.AST, rate: ast.expr) -> bool:
    """Whether the variable is started once, by nothing that a checkpoint brings back."""
    if isinstance(rate, ast.Subscript) and not isinstance(rate.slice, ast.Constant):
        return False
    root = rate.value if isinstance(rate, ast.Subscript) else rate
    if not isinstance(root, ast.Name):
        return False
    scope: Scope | None = study.names.owner(root.id, study.names.scopes[function])
    if scope is None or (not study.site.inline and scope is study.names.scopes[function]):
        return False  # what a function starts itself is started at every call
    bindings = scope.bindings[root.id]
    starts = [b for b in bindings if isinstance(b, Assigned) and not b.index]
    if len(starts) != 1 or len(bindings) != 1 + sum(isinstance(b, Augmented) for b in bindings):
        return False
    start = starts[0]
    if any(isinstance(a, ast.For | ast.While) for a in study.names.ancestors(start.node)):
        return False
    if any(word in written(start.value) for word in _BROUGHT):
        return False
    return root is rate or not any(_handed_on(study, n, root.id, scope) for n in study.names.nodes)


def _handed_on(study: Study, node: ast.AST, name: str, scope: Scope) -> bool:
    """Whether the table that holds the rate goes whole where it may be changed, saved or brought back."""
    if not isinstance(node, ast.Name) or node.id != name or not isinstance(node.ctx, ast.Load):
        return False
    if study.names.owner(name, study.names.scope_of(node)) is not scope:
        return False
    parent = study.names.parents.get(node)
    return not isinstance(parent, ast.Subscript)


__all__ = ["Carried", "carried_rates"]
