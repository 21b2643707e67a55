"""Classes of one's own whose method ends in writing ``param_group["lr"]``, run through that method."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from typing import Any

from lrfix.domains.clock import Tick, counts_in_epochs, nested, parameter_ticks
from lrfix.domains.roles import Role, role_of
from lrfix.domains.signatures import Parameter, constructor_parameters, signature
from lrfix.driving.bench import Bench, groups_of
from lrfix.driving.forms.beginnings import first_told
from lrfix.driving.forms.counted import Counted, counted_by_caller
from lrfix.driving.forms.running import Running
from lrfix.driving.forms.schedulers import class_value, parameters_of
from lrfix.driving.forms.told import positions
from lrfix.interpreter.calls import is_dataclass
from lrfix.interpreter.errors import Opaque
from lrfix.interpreter.values import MISSING, Instance, Unknown
from lrfix.names import Defined, Names
from lrfix.sites.model import Construction
from lrfix.sites.vocabulary import names_rate_key
from lrfix.trees import runs_off, walk

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
    "get_learning_rate",
    "compute_lr",
    "calc_lr",
    "get_next_lr",
    "get",
)


_BATCHES = ("batch", "iter", "update")

#: What trainers call once before the first epoch: hooks and callbacks take the optimizer's rates there.
_BEGINS = (
    "before_run", "before_train", "before_fit", "before_training", "on_fit_start", "on_fit_begin", "on_train_begin",
    "on_train_start", "on_training_start", "on_training_begin", "begin_fit", "begin_training",
)  # fmt: skip


class Wrapper:
    """The rate at step k is what stands in the groups when optimizer step k is taken.

    Where the advancing method is told the step, or takes the optimizer's step itself, that is the rate after (or in)
    its call for k; where it counts for itself, it is the rate after k calls, provided the constructor set the first.
    """

    def __init__(self, bench: Bench, scheduler: Any, optimizer: Instance, node: ast.ClassDef) -> None:
        self.bench = bench
        self.scheduler = scheduler
        self.optimizer = optimizer
        self.node = node
        self.advances = _advances(bench, node)
        self.told = any(advance.told for advance in self.advances)
        ticks = [tick for advance in self.advances for tick in advance.ticks.values()]
        self.sets = bench.once("sets", lambda: _sets(bench, node)) or any(
            _schedules(value, optimizer) for value in scheduler.attributes.values()
        )
        both = len({advance.per_epoch for advance in self.advances}) > 1
        clock = bench.start_clock(both or nested(ticks))
        for advance in self.advances:
            clock.first = {**clock.first, **first_told(bench, advance.method, advance.ticks)}
        if clock.nested:
            clock.per_epoch = max(clock.per_epoch, 1 + _longest_stated_warmup(bench, scheduler))
        #: Whether None may be a rate that was forgotten, and not what a callback is meant to return.
        self._may_come_out_empty = bench.once("empty", lambda: any(map(_may_come_out_empty, bench.site.nodes)))
        self.first: list[Any] | None = None
        self.resumed = False

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

    def begin(self) -> None:
        """Call what a trainer calls before the first epoch."""
        methods = _methods(self.bench.names, self.node)
        for name in _BEGINS:
            if name in methods and name not in {advance.method.name for advance in self.advances}:
                _Advance(methods[name]).call(self.bench, self.scheduler, self.optimizer)

    def jump(self, step: int) -> None:
        if not self.told:
            raise Opaque("a wrapper keeps its own count", self.bench.site.node)

    def _ask(self) -> list[Any]:
        bench = self.bench
        clock = bench.clock
        assert clock is not None
        result = None
        for advance in self.advances:
            # A process that begins in the middle of an epoch calls what begins one as well.
            if not advance.per_epoch or not clock.nested or clock.step % clock.per_epoch == 0 or self.resumed:
                result = advance.call(bench, self.scheduler, self.optimizer)
        self.resumed = False
        if self.sets:
            return bench.rates_of(self.optimizer)
        if result is None and self.advances[-1].returns and self._may_come_out_empty:
            return [None] * len(bench.base_lrs)
        return [bench.rate(_rate_in(result, bench.site.node))] * len(bench.base_lrs)

    @classmethod
    def built(
        cls, bench: Bench, construction: Construction | None, groups: int, base_lrs: Sequence[float] | None
    ) -> Running:
        node = bench.site.node
        if not isinstance(node, ast.ClassDef):
            raise Opaque("is no class", node)
        bench.world.host.foreign.update(n for n in walk(_module(bench, node)) if isinstance(n, ast.ClassDef))
        rates = base_lrs
        if construction is not None and rates is None:
            rates = bench.stated_rates(construction, groups)
        optimizer = bench.shared_optimizer(groups, rates)
        value = class_value(bench, node)
        before = list(bench.base_lrs)
        if construction is None:
            given = bench.bound(parameters_of(bench, node, value) or [], optimizer)
            bench.held = frozenset(given)
            scheduler = bench.interpreter.call(value, **given)
        else:
            there = bench.at(construction)
            environment = there.world.environment(there.names.scope_of(construction.call), construction.call)
            positional, keywords, slots = bench.call_arguments(construction.call, construction.optimizer, environment)
            _count_batches_alike(bench, node, positional, keywords)
            for slot in slots:
                if isinstance(slot, int):
                    positional[slot] = optimizer
                else:
                    keywords[slot] = optimizer
            scheduler = bench.interpreter.call(value, *positional, **keywords)
        if value.find("__init__") is MISSING and scheduler.fallback is None and not is_dataclass(value):
            # What the class reads and never sets comes from whoever it is mixed into.
            scheduler.fallback = bench.world.stranger(node).fallback
        # An optimizer whose `step` sets its own rates is both.
        own = next((v for v in (scheduler, *scheduler.attributes.values()) if _another(v, optimizer)), None)
        if own is not None:
            optimizer = own
            before = [group.get("lr", math.nan) for group in groups_of(optimizer)]
            bench.base_lrs = [rate if isinstance(rate, int | float) else 1.0 for rate in before]
        if counted_by_caller(value):
            return Counted(bench, scheduler, optimizer)
        running = cls(bench, scheduler, optimizer, node)
        running.begin()
        after = bench.written(optimizer)
        entered = {advance.method.name for advance in running.advances}
        moved = after != before or bench.once("begins", lambda: _begins(bench.names, node, entered))
        moved = moved or any(_schedules(value, optimizer) for value in scheduler.attributes.values())
        if moved and not any(isinstance(rate, Unknown) for rate in after):
            running.first = after
        return running


def _count_batches_alike(bench: Bench, node: ast.ClassDef, positional: list[Any], keywords: dict[str, Any]) -> None:
    """Give a class that is told the epoch and the batch, and stated how many an epoch has, as many as the clock counts.

    The stated number would be one that the clock, which makes its epochs short, knows nothing of.
    """
    ticks = [tick for advance in _advances(bench, node) for tick in advance.ticks.values()]
    if not nested(ticks):
        return
    names = [name for name, _, _ in constructor_parameters(bench.names, node) or []]
    given = [*zip(names, positional, strict=False), *keywords.items()]
    for name, stated in given:
        if role_of(name) is not Role.LOADER_LENGTH or type(stated) is not int or stated < 1:
            continue
        counted = bench.scenario.value(name)
        if type(counted) is not int or counted < 1:
            continue
        bench.world.host.leaves[name] = counted
        bench.scenario.shortened[name] = stated
        if name in keywords:
            keywords[name] = counted
        else:
            positional[names.index(name)] = counted


def _sets(bench: Bench, node: ast.ClassDef) -> bool:
    """Whether a class writes rates, as far as its text tells."""
    return (
        bench.site.form == "composition"
        or bool(bench.site.writes)
        or any(_writes(s) for method in _methods(bench.names, node).values() for s in walk(method))
        or any(_lets_write(bench.names, method) for method in _methods(bench.names, node).values())
    )


def _may_come_out_empty(root: ast.AST) -> bool:
    return any(isinstance(n, ast.FunctionDef) and runs_off(n) and _returns_values(n) for n in walk(root))


def _advances(bench: Bench, node: ast.ClassDef) -> list[_Advance]:
    """The methods that move a class on."""
    return bench.once("advances", lambda: [_Advance(method) for method in entries(bench, node)])


def _longest_stated_warmup(bench: Bench, scheduler: Any) -> int:
    """The batches of a warmup that the code states, where it is not told how many an epoch has: nobody who writes 1000
    has epochs of thirty."""
    held = scheduler.attributes if isinstance(scheduler, Instance) else {}
    if any(role_of(name) is Role.LOADER_LENGTH for name in held):
        return 0
    drawn = set(map(repr, bench.world.host.leaves.values()))
    stated = [v for name, v in held.items() if role_of(name) is Role.WARMUP and type(v) is int]
    return max((length for length in stated if repr(length) not in drawn), default=0)


class _Advance:
    """One method that moves the schedule on, and how often training calls it."""

    def __init__(self, method: ast.FunctionDef) -> None:
        self.method = method
        self.parameters: list[Parameter] = signature(method)
        moving = positions(method, [name for name, _, _ in self.parameters])
        self.ticks: dict[str, Tick] = parameter_ticks(moving, in_epochs=counts_in_epochs([method]))
        self.told = any(
            name in self.ticks and not (isinstance(default, ast.Constant) and default.value is None)
            for name, default, _ in self.parameters
        )
        self.per_epoch = _by_epochs(method)
        self.returns = _returns_values(method)

    def call(self, bench: Bench, scheduler: Any, optimizer: Instance) -> Any:
        interpreter = bench.interpreter
        arguments = bench.bound_now(self.parameters, optimizer, self.ticks)
        method = interpreter.attribute(scheduler, self.method.name)
        results = [
            interpreter.call(method, **{**arguments, **group}) for group in bench.turns(self.parameters, optimizer)
        ]
        return results[0] if results else None


def _returns_values(method: ast.FunctionDef) -> bool:
    return any(isinstance(n, ast.Return) and n.value is not None for n in walk(method))


def _begun(names: Names, node: ast.ClassDef) -> set[str]:
    """The methods that a constructor of the class, or of its bases in this file, calls."""
    own = [s for s in node.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"]
    return {name for method in own for name in _calls(method)} | {
        name for base in _bases(names, node) for name in _begun(names, base)
    }


def _begins(names: Names, node: ast.ClassDef, advances: set[str]) -> bool:
    """Whether a constructor of the class, or of its bases in this file, takes the first step itself."""
    return bool(_begun(names, node) & advances)


def _bases(names: Names, node: ast.ClassDef) -> list[ast.ClassDef]:
    found = []
    for base in node.bases:
        for binding in names.bindings(base.id, node) if isinstance(base, ast.Name) else ():
            if isinstance(binding, Defined) and isinstance(binding.node, ast.ClassDef) and binding.node is not node:
                found.append(binding.node)
    return found


def _another(value: Any, optimizer: Instance) -> bool:
    """Whether a class built an optimizer of its own."""
    return isinstance(value, Instance) and value is not optimizer and value.cls.derives(optimizer.cls)


def _schedules(value: Any, optimizer: Instance) -> bool:
    """Whether what a class keeps is a scheduler on its optimizer, which writes the rates for it."""
    kept = value.attributes if isinstance(value, Instance) else {}
    return kept.get("optimizer") is optimizer and "base_lrs" in kept


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


def entries(bench: Bench, node: ast.ClassDef) -> list[ast.FunctionDef]:
    """The methods that advance a class: they reach a write of the rate and no other method of the class calls them.

    Usually one; where one is called every epoch and another every batch, both, the one of the epoch first.
    """
    methods = _methods(bench.names, node)
    calls = {name: _calls(method) & set(methods) for name, method in methods.items()}
    written = set(bench.site.writes)
    reaching = {n for n, method in methods.items() if any(s in written or _writes(s) for s in walk(method))}
    reaching |= {n for n, method in methods.items() if _lets_write(bench.names, method)}
    if not reaching:
        reaching = set(methods) & set(ADVANCES)
    while True:
        more = {name for name in methods if calls[name] & reaching} - reaching
        if not more:
            break
        reaching |= more
    reaching -= {"__init__", "load_state_dict", "state_dict"}
    known = [name for name in methods if name in reaching]
    # What only a constructor calls sets the first rate; it advances nothing.
    begun = calls.get("__init__", set())
    later = [n for n in known if n in ADVANCES or n not in begun or any(n in calls[other] for other in known)]
    known = later or known
    outer = [n for n in known if not any(n in calls[other] for other in known if other != n)]
    for candidates in (outer, sorted(known)):
        for name in (*ADVANCES, *candidates):
            if name in candidates:
                chosen = methods[name]
                other = _other_clock(chosen, candidates)
                both = [chosen] if other is None else [chosen, methods[other]]
                return sorted(both, key=lambda method: not _by_epochs(method))
    raise Opaque("has no method that sets the rate", node)


def _methods(names: Names, node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    """The methods of a class, with those it inherits in this file."""
    found: dict[str, ast.FunctionDef] = {}
    for base in _bases(names, node):
        found |= _methods(names, base)
    return found | {s.name: s for s in node.body if isinstance(s, ast.FunctionDef)}


def _writes(node: ast.AST) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
    return any(isinstance(t, ast.Subscript) and _rate_key(t.slice) for t in targets)


def _lets_write(names: Names, method: ast.FunctionDef) -> bool:
    """Whether a method calls a function of the file that writes rates: ``update_lr(optimizer.param_groups, lrs)``."""
    return any(
        isinstance(n, ast.Call)
        and isinstance(n.func, ast.Name)
        and any(
            isinstance(b, Defined) and isinstance(b.node, ast.FunctionDef) and any(map(_writes, walk(b.node)))
            for b in names.bindings(n.func.id, n.func)
        )
        for n in walk(method)
    )


def _rate_key(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return bool(node.value == "lr")
    return isinstance(node, ast.Attribute) and names_rate_key(node.attr)


def _other_clock(chosen: ast.FunctionDef, candidates: Sequence[str]) -> str | None:
    """The method of the other clock: ``step_epoch`` or ``step(epoch)`` beside ``step_batch``."""
    name, epochs = chosen.name, _by_epochs(chosen)
    words = _BATCHES if epochs else ("epoch",)
    if not epochs and not any(word in name for word in _BATCHES):
        return "epoch" if "epoch" in candidates else None
    return next((c for c in candidates if c != name and any(w in c for w in words)), None)


def _by_epochs(method: ast.FunctionDef) -> bool:
    """Whether a method is called once an epoch: by its name, or because an epoch is all the position it is told."""
    ticks = parameter_ticks([name for name, _, _ in signature(method)])
    return "epoch" in method.name or list(ticks.values()) == [Tick.EPOCH]


def _calls(method: ast.FunctionDef) -> set[str]:
    return {
        n.func.attr
        for n in walk(method)
        if isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and isinstance(n.func.value, ast.Name | ast.Call)
        and (not isinstance(n.func.value, ast.Name) or n.func.value.id in ("self", "cls"))
    }


__all__ = ["ADVANCES", "Wrapper", "entries"]
