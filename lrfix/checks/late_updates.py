"""For LR203: rates that are set for the first time after the first update. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.roles import names_optimizer
from lrfix.experiments.structure import methods
from lrfix.names import Names
from lrfix.sites.vocabulary import words

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_SETS = frozenset({"update", "adjust", "set", "change", "anneal", "decay", "step"})


def update_before(names: Names, later: ast.stmt) -> ast.Call | None:
    """The ``optimizer.step()`` that stands before a statement in the same turn of a loop."""
    if not any(isinstance(around, _LOOPS) for around in names.ancestors(later)):
        return None
    block = names.parents.get(later)
    for field in ("body", "orelse"):
        statements = getattr(block, field, [])
        if later not in statements:
            continue
        for statement in statements[: statements.index(later)]:
            call = statement.value if isinstance(statement, ast.Expr) else None
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr == "step"
                and names_optimizer(ast.unparse(call.func.value).rpartition(".")[2])
            ):
                return call
    return None


def late_wrappers(names: Names) -> Iterator[tuple[ast.stmt, ast.Call]]:
    """``optimizer.update_learning_rate()`` after ``optimizer.step()``: a wrapper whose own call sets the rate.

    The statement and the update before it, where the file shows that call once; not where the file shows a class of
    the wrapper's that sets a rate as it is built.
    """
    for node in names.nodes:
        if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
            continue
        function = node.value.func
        if not isinstance(function, ast.Attribute) or not _sets_a_rate(function.attr):
            continue
        before = update_before(names, node)
        if before is None or not isinstance(before.func, ast.Attribute):
            continue
        if ast.unparse(before.func.value) != ast.unparse(function.value):
            continue
        if sum(1 for n in names.nodes if isinstance(n, ast.Attribute) and n.attr == function.attr) > 1:
            continue
        if not any(_set_when_built(n, function.attr) for n in names.nodes if isinstance(n, ast.ClassDef)):
            yield node, before


def _sets_a_rate(method: str) -> bool:
    spoken = set(words(method))
    return bool(spoken & _SETS) and ("lr" in spoken or {"learning", "rate"} <= spoken)


def _set_when_built(node: ast.ClassDef, method: str) -> bool:
    own = {m.name: m for m in methods(node)}
    if method not in own or "__init__" not in own:
        return False
    return any(
        (isinstance(n, ast.Attribute) and n.attr in own)
        or (isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store) and ast.unparse(n.slice) == "'lr'")
        for n in ast.walk(own["__init__"])
    )


__all__ = ["late_wrappers", "update_before"]
