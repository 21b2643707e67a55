"""Schedulers put together from others: ``SequentialLR(optimizer, [warmup, cosine], milestones=[W])`` and its like."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from lrfix.domains.signatures import parameters
from lrfix.driving.bench import Bench
from lrfix.driving.forms.running import Running
from lrfix.driving.forms.schedulers import Scheduler
from lrfix.driving.forms.setters import function_value
from lrfix.driving.forms.wrappers import Wrapper
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque
from lrfix.interpreter.values import BoundMethod, Instance, Unknown
from lrfix.sites.blocks import block_of
from lrfix.sites.model import Construction
from lrfix.trees import walk


def build_composition(
    bench: Bench, construction: Construction | None, groups: int, base_lrs: Sequence[float] | None
) -> Running:
    node = bench.site.node
    if isinstance(node, ast.ClassDef):
        return Wrapper.built(bench, construction, groups, base_lrs)
    rates = base_lrs
    if construction is not None and rates is None:
        rates = bench.stated_rates(construction, groups)
    optimizer = bench.shared_optimizer(groups, rates)
    if isinstance(node, ast.FunctionDef):
        function = function_value(bench, node)
        given = parameters(node)[1:] if isinstance(function, BoundMethod) else parameters(node)
        made = bench.interpreter.call(function, **bench.bound(given, optimizer))
    else:
        made = _put_together(bench, construction)
    scheduler = _scheduler_in(bench, made, optimizer)
    if scheduler is None:
        raise Opaque("gives no scheduler lrfix can run", node)
    unseen = next(_unseen(scheduler), None)
    if unseen is not None:
        raise Opaque(f"hands over to `{unseen.path}`, which lrfix cannot build", node)
    return Scheduler(bench, scheduler, optimizer)


def _unseen(scheduler: Instance) -> Iterator[Unknown]:
    """The parts of a composition that are not known: what they do to the rate is not, either."""
    parts = scheduler.attributes.get("_schedulers")
    for part in parts if isinstance(parts, list | tuple) else ():
        if isinstance(part, Unknown):
            yield part
        elif isinstance(part, Instance):
            yield from _unseen(part)


def _put_together(bench: Bench, construction: Construction | None) -> Any:
    last = bench.site.nodes[-1]
    expression = construction.call if construction is not None else getattr(last, "value", None)
    if not isinstance(expression, ast.expr):
        raise Opaque("is of a kind lrfix cannot run", last)
    around = bench.world.environment(bench.names.scope_of(last), last)
    filling = _filling(bench, last, expression) if isinstance(last, ast.stmt) else []
    if not filling:
        return bench.interpreter.evaluate(expression, around)
    environment = Environment(parent=around)
    bench.interpreter.execute(filling, environment)
    return bench.interpreter.evaluate(expression, environment)


def _filling(bench: Bench, last: ast.stmt, expression: ast.expr) -> list[ast.stmt]:
    """The statements before ``last`` in its block that fill the lists it is given: from the list's start on.

    Without them a list that is appended to would be what it was when it was made.
    """
    given = {n.id for n in walk(expression) if isinstance(n, ast.Name)}
    before = block_of(bench.names, last)
    before = before[: before.index(last)] if last in before else []
    grown = {name for statement in before for name in _grown(statement)} & given
    if not grown:
        return []
    made: set[str] = set()
    chosen: list[ast.stmt] = []
    for statement in before:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.For | ast.While | ast.With | ast.Try):
            if grown & set(_grown(statement)):
                return []
            continue
        stored = {n.id for n in walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        if stored & grown or (grown & set(_grown(statement)) and made):
            chosen.append(statement)
            made |= stored & grown
    if not chosen:
        return []  # whoever calls the function has made the list
    needed = {n.id for s in chosen for n in walk(s) if isinstance(n, ast.Name)} - grown
    chosen = [s for s in before if s in chosen or (s.lineno >= chosen[0].lineno and needed & _assigned(s))]
    return chosen if made == grown else []


def _grown(statement: ast.stmt) -> list[str]:
    """The names that a statement appends to."""
    return [
        n.func.value.id
        for n in walk(statement)
        if isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr in ("append", "extend", "insert")
        and isinstance(n.func.value, ast.Name)
    ]


def _assigned(statement: ast.stmt) -> set[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _scheduler_in(bench: Bench, made: Any, optimizer: Instance) -> Instance | None:
    """The scheduler in what a builder returns: itself, or a member of a tuple, list or dict."""
    if isinstance(made, Instance):
        return made if made is not optimizer and not made.cls.derives(optimizer.cls) else None
    parts = list(made.values()) if isinstance(made, dict) else list(made) if isinstance(made, list | tuple) else []
    found = [s for part in parts if (s := _scheduler_in(bench, part, optimizer)) is not None]
    return found[-1] if found else None


__all__ = ["build_composition"]
