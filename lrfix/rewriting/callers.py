"""Who calls the function that builds a scheduler, before and after an edit: the proof runs what they really pass."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lrfix.domains.signatures import arguments_of
from lrfix.names import Defined, Names
from lrfix.sites.model import Construction

_MOST = 4


@dataclass(frozen=True)
class Caller:
    """One call of the builder in the text before and after, each with the optimizer that it hands over.

    ``given`` are the old call's arguments by the builder's parameters.
    """

    before: ast.Call
    before_optimizer: ast.expr
    after: ast.Call
    after_optimizer: ast.expr
    given: Mapping[str, ast.expr]


def callers(old: Names, new: Names, construction: Construction) -> Iterator[Caller]:
    """The calls in the file of the function that builds and returns the scheduler with an optimizer it was given."""
    call, optimizer = construction.call, construction.optimizer
    builder = next((a for a in old.ancestors(call) if isinstance(a, ast.FunctionDef)), None)
    if builder is None or not isinstance(optimizer, ast.Name) or not _returned(old, builder, call):
        return
    again = [n for n in new.nodes if isinstance(n, ast.FunctionDef) and n.name == builder.name]
    if len(again) != 1:
        return
    pairs = list(zip(_calls(old, builder), _calls(new, again[0]), strict=False))
    for before, after in pairs[:_MOST]:
        given, kept = arguments_of(before, builder), arguments_of(after, again[0])
        if optimizer.id in given and optimizer.id in kept and ast.dump(before) == ast.dump(after):
            yield Caller(before, given[optimizer.id], after, kept[optimizer.id], given)


def _calls(names: Names, builder: ast.FunctionDef) -> list[ast.Call]:
    return [
        node
        for node in names.nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == builder.name
        and any(isinstance(b, Defined) and b.node is builder for b in names.bindings(node.func.id, node.func))
    ]


def _returned(names: Names, builder: ast.FunctionDef, call: ast.Call) -> bool:
    statement = names.statement_of(call)
    targets = {ast.unparse(t) for t in statement.targets} if isinstance(statement, ast.Assign) else set()
    bound = targets if isinstance(statement, ast.Assign) and statement.value is call else set()
    own = [n for n in ast.walk(builder) if isinstance(n, ast.Return) and names.scope_of(n).node is builder]
    return any(r.value is call or (isinstance(r.value, ast.Name) and r.value.id in bound) for r in own)


__all__ = ["Caller", "callers"]
