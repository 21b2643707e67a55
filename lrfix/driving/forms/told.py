"""Which parameters of a method that moves a schedule on may be the position, by what the method does with them.

Names alone say too much: ``x`` is a batch of data, ``n`` the samples of one, ``current`` a metric, ``i`` a number for
the log.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from lrfix.domains.clock import Tick, tick_of
from lrfix.domains.uses import increments
from lrfix.sites.vocabulary import speaks_of_rate
from lrfix.trees import walk, written


def positions(method: ast.FunctionDef, given: Sequence[str]) -> list[str]:
    """Those of the parameters ``given`` that are named for it or used, and neither kept as the best so far nor added to
    a count."""
    others = {*_kept_as_best(method), *(ast.unparse(added) for added in increments(method))}
    idle = {id(node) for node in _idle(method)}
    loaded = (n for n in walk(method) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and id(n) not in idle)
    used = {node.id for node in loaded}
    named = {name for name in given if tick_of(name) in (Tick.EPOCH, Tick.STEP)}
    return [name for name in given if name in used | named and name not in others]


def _kept_as_best(method: ast.FunctionDef) -> Iterator[str]:
    """What a method compares with the best so far and keeps in its place: a metric."""
    for branch in (n for n in walk(method) if isinstance(n, ast.If)):
        tested = {written(n) for n in walk(branch.test) if isinstance(n, ast.Name | ast.Attribute)}
        for kept in branch.body:
            if not isinstance(kept, ast.Assign) or not isinstance(kept.targets[0], ast.Attribute):
                continue
            if isinstance(kept.value, ast.Name) and {written(kept.targets[0]), kept.value.id} <= tested:
                yield kept.value.id


def _idle(method: ast.FunctionDef) -> Iterator[ast.AST]:
    """What is only shown, or handed to a function that is asked for nothing and says nothing of a rate."""
    for node in walk(method):
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(node, ast.JoinedStr):
            yield from walk(node)
        elif isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not speaks_of_rate(call.func.id):
            yield from walk(call)


__all__ = ["positions"]
