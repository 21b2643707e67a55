"""Schedulers put together from others: ``SequentialLR(optimizer, [warmup, cosine], milestones=[W])`` and its like."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from lrfix.simulation.bench import Bench
from lrfix.simulation.errors import Opaque
from lrfix.simulation.protocols.running import Running
from lrfix.simulation.protocols.schedulers import Scheduler
from lrfix.simulation.protocols.setters import function_value
from lrfix.simulation.protocols.wrappers import Wrapper
from lrfix.simulation.signatures import parameters
from lrfix.simulation.values import BoundMethod, Instance
from lrfix.sites.model import Construction


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
    return Scheduler(bench, scheduler, optimizer)


def _put_together(bench: Bench, construction: Construction | None) -> Any:
    last = bench.site.nodes[-1]
    expression = construction.call if construction is not None else getattr(last, "value", None)
    if not isinstance(expression, ast.expr):
        raise Opaque("is of a kind lrfix cannot run", last)
    return bench.interpreter.evaluate(expression, bench.world.environment(bench.names.scope_of(last), last))


def _scheduler_in(bench: Bench, made: Any, optimizer: Instance) -> Instance | None:
    """The scheduler in what a builder returns: itself, or a member of a tuple, list or dict."""
    if isinstance(made, Instance):
        return made if made is not optimizer and not made.cls.derives(optimizer.cls) else None
    parts = list(made.values()) if isinstance(made, dict) else list(made) if isinstance(made, list | tuple) else []
    found = [s for part in parts if (s := _scheduler_in(bench, part, optimizer)) is not None]
    return found[-1] if found else None


__all__ = ["build_composition"]
