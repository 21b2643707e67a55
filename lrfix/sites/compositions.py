"""Sites of the form ``composition``: torch schedulers put together into one by SequentialLR or ChainedScheduler."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from lrfix.findings import Span
from lrfix.names import Assigned, Names
from lrfix.sites.blocks import block_of
from lrfix.sites.model import Construction, ScheduleSite
from lrfix.sites.vocabulary import call_argument, optimizer_call, torch_scheduler
from lrfix.source import Source
from lrfix.trees import walk

_COMPOSERS = frozenset({"SequentialLR", "ChainedScheduler"})
#: Statements between two parts of one composition that have nothing to do with it.
_GAP = 3
_MAX_HOPS = 3
_ADDING = frozenset({"append", "extend", "insert"})


def composition_sites(source: Source, names: Names, taken: Iterable[ast.AST]) -> list[ScheduleSite]:
    """One site a call, with the statements before it that build its parts; ``taken`` are the classes of other forms."""
    owned = set(taken)
    found = []
    for node in names.nodes:
        if not isinstance(node, ast.Call):
            continue
        base = torch_scheduler(names, node.func)
        if base not in _COMPOSERS or base is None or any(a in owned for a in names.ancestors(node)):
            continue
        if any(isinstance(a, ast.Call) and torch_scheduler(names, a.func) in _COMPOSERS for a in names.ancestors(node)):
            continue
        found.append(_site(source, names, node, base))
    return found


def _site(source: Source, names: Names, call: ast.Call, base: str) -> ScheduleSite:
    statement = names.statement_of(call)
    assert statement is not None
    nodes = (*_parts(names, statement, call), statement)
    optimizer = call_argument(call, 0, "optimizer") if base == "SequentialLR" else _optimizer_of_parts(names, call)
    return ScheduleSite(
        form="composition",
        name=_name(statement, call),
        base=base,
        nodes=nodes,
        span=Span(source.span(nodes[0]).start, source.span(statement).end),
        constructions=(Construction(call, optimizer, optimizer_call(names, optimizer)),),
    )


def _optimizer_of_parts(names: Names, call: ast.Call) -> ast.expr | None:
    """A chain is given no optimizer of its own: the one of its schedulers."""
    parts = (
        part for argument in (*call.args, *(k.value for k in call.keywords)) for part in _schedulers(names, argument, 0)
    )
    return next((o for part in parts if (o := call_argument(part, 0, "optimizer")) is not None), None)


def _schedulers(names: Names, node: ast.AST, hops: int) -> Iterator[ast.Call]:
    """The constructions of torch's schedulers that an expression refers to."""
    for inner in walk(node):
        if isinstance(inner, ast.Call) and torch_scheduler(names, inner.func) is not None:
            yield inner
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load) and hops < _MAX_HOPS:
            for binding in names.bindings(inner.id, inner):
                if isinstance(binding, Assigned) and not binding.index:
                    yield from _schedulers(names, binding.value, hops + 1)
            for more in _added(names, inner):
                yield from _schedulers(names, more, hops + 1)


def _added(names: Names, listed: ast.Name) -> Iterator[ast.expr]:
    """What a list is given after it was made, in the same function: under ``if`` and ``match`` as well."""
    scope = names.scope_of(listed)
    for node in names.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ADDING:
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == listed.id and names.scope_of(owner) is scope:
                yield from node.args


def _parts(names: Names, statement: ast.stmt, call: ast.Call) -> Sequence[ast.stmt]:
    """The statements close before in the same block that build what is put together."""
    block = block_of(names, statement)
    building: set[ast.AST | None] = {names.statement_of(part) for part in _schedulers(names, call, 0)}
    building |= {a for s in building if s is not None for a in names.ancestors(s)}
    chosen: list[ast.stmt] = []
    place = block.index(statement)
    for index in range(place - 1, -1, -1):
        if place - index > _GAP + 1:
            break
        if block[index] in building:
            chosen.insert(0, block[index])
            place = index
    return chosen


def _name(statement: ast.stmt, call: ast.Call) -> str | None:
    if isinstance(statement, ast.Assign) and statement.value is call and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return None


__all__ = ["composition_sites"]
