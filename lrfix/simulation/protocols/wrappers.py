"""Classes of one's own whose method ends in writing ``param_group["lr"]``, run through that method."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from lrfix.simulation.bench import Bench
from lrfix.simulation.clock import Tick, nested, parameter_ticks
from lrfix.simulation.errors import Opaque
from lrfix.simulation.protocols.schedulers import class_value
from lrfix.simulation.signatures import Parameter, constructor_parameters, signature
from lrfix.simulation.values import Instance, Unknown
from lrfix.sites.model import Construction

#: The usual names of the method that advances a schedule, the likeliest first.
ADVANCES = (
    "step",
    "step_update",
    "update",
    "update_lr",
    "step_and_update_lr",
    "step_batch",
    "batch_step",
    "__call__",
    "update_learning_rate",
    "adjust_learning_rate",
    "adjust_lr",
    "set_lr",
    "step_epoch",
    "epoch_step",
    "get_lr",
    "get",
)


class Wrapper:
    """The rate at step k is what stands in the groups when optimizer step k is taken.

    Where the advancing method is told the step, or takes the optimizer's step itself, that is the rate after (or in)
    its call for k; where it counts for itself, it is the rate after k calls, provided the constructor set the first.
    """

    def __init__(self, bench: Bench, scheduler: Any, optimizer: Instance, node: ast.ClassDef) -> None:
        self.bench = bench
        self.scheduler = scheduler
        self.optimizer = optimizer
        self.method = entry(node, bench.site.writes)
        self.parameters: list[Parameter] = signature(self.method)
        self.ticks: dict[str, Tick] = parameter_ticks([name for name, _, _ in self.parameters])
        told = [n for n, default, required in self.parameters if n in self.ticks and (required or default is not None)]
        self.told = any(self._given(name) for name in told)
        bench.start_clock(nested(list(self.ticks.values())))
        self.first: list[Any] | None = None
        self._advance: Any = None

    def rates(self, step: int) -> list[Any]:
        clock = self.bench.clock
        assert clock is not None
        if self.told or self.first is None:
            clock.step = step
            return self._ask()
        if step == 0:
            return self.first
        clock.step = step
        return self._ask()

    def jump(self, step: int) -> None:
        raise Opaque("a wrapper keeps its own count", self.method)

    def _given(self, name: str) -> bool:
        default = next(d for n, d, _ in self.parameters if n == name)
        return not (isinstance(default, ast.Constant) and default.value is None)

    def _ask(self) -> list[Any]:
        bench = self.bench
        if self._advance is None:
            self._advance = bench.interpreter.attribute(self.scheduler, self.method.name)
        before = [group["lr"] for group in self.optimizer.attributes["param_groups"]]
        arguments = bench.bound(self.parameters, self.optimizer, self.ticks)
        result = bench.interpreter.call(self._advance, **arguments)
        if not bench.site.writes:
            return [bench.rate(_rate_in(result, self.method))] * len(before)
        return bench.rates_of(self.optimizer)

    @classmethod
    def built(
        cls, bench: Bench, construction: Construction | None, groups: int, base_lrs: Sequence[float] | None
    ) -> Wrapper:
        node = bench.site.node
        if not isinstance(node, ast.ClassDef):
            raise Opaque("is no class", node)
        bench.world.host.foreign.update(n for n in ast.walk(_module(bench, node)) if isinstance(n, ast.ClassDef))
        rates = base_lrs
        if construction is not None and rates is None:
            rates = bench.stated_rates(construction, groups)
        optimizer = bench.shared_optimizer(groups, rates)
        value = class_value(bench, node)
        before = list(bench.base_lrs)
        if construction is None:
            scheduler = bench.interpreter.call(
                value, **bench.bound(constructor_parameters(bench.names, node) or [], optimizer)
            )
        else:
            environment = bench.world.environment(bench.names.scope_of(construction.call), construction.call)
            positional, keywords, slots = bench.call_arguments(construction.call, construction.optimizer, environment)
            for slot in slots:
                if isinstance(slot, int):
                    positional[slot] = optimizer
                else:
                    keywords[slot] = optimizer
            scheduler = bench.interpreter.call(value, *positional, **keywords)
        running = cls(bench, scheduler, optimizer, node)
        after = [group["lr"] for group in optimizer.attributes["param_groups"]]
        if after != before and not any(isinstance(rate, Unknown) for rate in after):
            running.first = after
        return running


def _module(bench: Bench, node: ast.AST) -> ast.AST:
    *_, last = [node, *bench.names.ancestors(node)]
    return last


def _rate_in(result: Any, node: ast.AST) -> Any:
    """The rate in what an asking method returns: the number, or the last of several (``old, new``)."""
    if isinstance(result, list | tuple) and result:
        return _rate_in(result[-1], node)
    if result is None or isinstance(result, bool | str | dict):
        raise Opaque("returns no rate", node)
    return result


def entry(node: ast.ClassDef, writes: Sequence[ast.stmt]) -> ast.FunctionDef:
    """The method that advances a class: it reaches a write of the rate and no other method of the class calls it."""
    methods = {s.name: s for s in node.body if isinstance(s, ast.FunctionDef)}
    calls = {name: _calls(method) & set(methods) for name, method in methods.items()}
    written = set(writes)
    reaching = {name for name, method in methods.items() if any(n in written for n in ast.walk(method))}
    if not writes:
        reaching = set(methods) & set(ADVANCES)
    while True:
        more = {name for name in methods if calls[name] & reaching} - reaching
        if not more:
            break
        reaching |= more
    reaching -= {"__init__"}
    outer = [n for n in reaching if not any(n in calls[other] for other in reaching if other != n)]
    for candidates in (outer, sorted(reaching)):
        for name in (*ADVANCES, *candidates):
            if name in candidates:
                return methods[name]
    raise Opaque("has no method that sets the rate", node)


def _calls(method: ast.FunctionDef) -> set[str]:
    return {
        n.func.attr
        for n in ast.walk(method)
        if isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and isinstance(n.func.value, ast.Name | ast.Call)
        and (not isinstance(n.func.value, ast.Name) or n.func.value.id in ("self", "cls"))
    }


__all__ = ["ADVANCES", "Wrapper", "entry"]
