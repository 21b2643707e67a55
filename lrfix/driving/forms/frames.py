"""What the loops around a place bind at each step: ``for epoch in range(..): for i, batch in enumerate(loader):``."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lrfix.domains.clock import Clock, Tick, nested, tick_of
from lrfix.domains.signatures import parameters
from lrfix.driving.bench import Bench
from lrfix.driving.forms.beginnings import begins_at, counted_by_hand, first_passed_on
from lrfix.driving.forms.loops import counter, gone_through, loops_around, start_of
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.values import Unknown
from lrfix.names import FUNCTION_NODES, Assigned, Names, Scope
from lrfix.sites.vocabulary import called_name
from lrfix.trees import walk, written

_DEEPEST = 2


@dataclass
class Frame:
    """The counting variables of the loops around a place; ``counts`` maps each to its tick and first value.

    ``starts`` holds the first values that a loop further out decides (``enumerate(loader, epoch * len(loader))``).
    """

    scope: Scope
    counts: dict[str, tuple[Tick, int]] = field(default_factory=dict)
    starts: dict[str, ast.expr] = field(default_factory=dict)
    loops: list[ast.For] = field(default_factory=list)

    def set(self, bench: Bench, clock: Clock) -> None:
        """Bind the variables for the present position; everything that depends on them is worked out anew."""
        bench.world.turn()
        for name, (tick, first) in reversed(self.counts.items()):
            start = _number(bench, self.starts[name]) if name in self.starts else None
            bench.world.fixed[(self.scope, name)] = (first if start is None else start) + clock.read(tick)


def frame_of(bench: Bench, node: ast.AST, also: list[ast.AST] | None = None) -> Frame:
    """The frame around ``node``; starts the bench's clock. ``also`` are more pieces of code that may ask for counts."""
    names = bench.names
    loops = loops_around(names, node)
    frame = Frame(names.scope_of(node), loops=[loop for loop in loops if isinstance(loop, ast.For)])
    bench.world.loops.update(loops)
    counting = [(loop, name) for loop in loops if isinstance(loop, ast.For) and (name := counter(loop)) is not None]
    settled = {name for _, name in counting}
    asked = [t for part in (also or [node]) for t in _asked(names, part, settled, bench.scenario.ends)]
    ticks: list[Tick] = []
    for position, (_, name) in enumerate(counting):
        if len(counting) > 1:
            ticks.append(Tick.EPOCH if position == len(counting) - 1 else Tick.BATCH)
        else:
            own = tick_of(name)
            ticks.append(Tick.EPOCH if own is Tick.EPOCH else Tick.BATCH)
    clock = bench.start_clock(nested(ticks + asked))
    # A loop that can be seen says itself where it begins.
    clock.first = {tick: first for tick, first in clock.first.items() if tick not in ticks}
    clock.first |= _passed_on(bench, node, also or [node], settled)
    clock.first |= _by_hand(bench, node, also or [node], settled) if loops else {}
    for position, ((loop, name), tick) in enumerate(zip(counting, ticks, strict=True)):
        start = start_of(loop)
        frame.counts[name] = (tick, begins_at(bench, start))
        outer = {other for _, other in counting[position + 1 :]}
        if start is not None and any(isinstance(n, ast.Name) and n.id in outer for n in walk(start)):
            frame.starts[name] = start
    batches = [loop for loop, tick in zip((loop for loop, _ in counting), ticks, strict=True) if tick is Tick.BATCH]
    # What shows the batches without a count of its own, but no loop through the groups of one update.
    batches += [loop for loop in frame.loops if counter(loop) is None and "param_groups" not in written(loop.iter)]
    if clock.nested and batches:
        clock.per_epoch = _turns(bench, batches[0]) or clock.per_epoch
    return frame


def _passed_on(bench: Bench, node: ast.AST, asking: list[ast.AST], settled: set[str]) -> dict[Tick, int]:
    """What the counts begin with that the function around a place is given by its own callers."""
    function = bench.names.enclosing(node, FUNCTION_NODES)
    if not isinstance(function, ast.FunctionDef):
        return {}
    read = {n.id for part in asking for n in walk(part) if isinstance(n, ast.Name)} - settled
    taken = {name: tick for name, _, _ in parameters(function) if name in read and (tick := tick_of(name)) is not None}
    return first_passed_on(bench, function, taken)


def _by_hand(bench: Bench, node: ast.AST, asking: list[ast.AST], settled: set[str]) -> dict[Tick, int]:
    """What the counts begin with that the code of a loop keeps itself."""
    found: dict[Tick, int] = {}
    for name in sorted({n.id for part in asking for n in walk(part) if isinstance(n, ast.Name)} - settled):
        tick = tick_of(name)
        counted = counted_by_hand(bench.names, name, node, partial(begins_at, bench)) if tick else None
        if tick is not None and counted is not None:
            found.setdefault(tick, counted[0])  # what a turn adds to it is worked out with the turn
    return found


def _asked(
    names: Names, node: ast.AST, loop_variables: set[str], ends: Callable[[str], bool], depth: int = 0
) -> list[Tick]:
    """The counts that code asks for; what a name is assigned speaks louder than the name, what it ``ends`` too."""
    found = []
    for inner in walk(node):
        if isinstance(inner, ast.Name) and inner.id in loop_variables:
            continue
        if isinstance(inner, ast.Name | ast.Attribute) and isinstance(inner.ctx, ast.Load):
            word = inner.id if isinstance(inner, ast.Name) else inner.attr
            tick = tick_of(word)
            if tick is not None and not ends(written(inner)):
                found += _assigned(names, inner, loop_variables, ends, depth) or [tick]
    return found


def _assigned(
    names: Names, node: ast.expr, loop_variables: set[str], ends: Callable[[str], bool], depth: int
) -> list[Tick]:
    bindings = names.bindings(node.id, node) if isinstance(node, ast.Name) and depth < _DEEPEST else []
    values = [b.value for b in bindings if isinstance(b, Assigned) and not b.index]
    if len(values) != 1 or len(bindings) != 1:
        return []
    return _asked(names, values[0], loop_variables, ends, depth + 1)


def _number(bench: Bench, node: ast.expr) -> int | None:
    try:
        value: Any = bench.value(node)
        if isinstance(value, Unknown):
            value = bench.world.host.concretise(value, node, "number")
    except (Opaque, UserError):
        return None
    return value if isinstance(value, int) else None


def _turns(bench: Bench, loop: ast.For) -> int | None:
    """How often a loop turns, where its range or the length of what it goes through is known."""
    iterated = gone_through(loop)
    zipped = isinstance(iterated, ast.Call) and called_name(iterated) == "zip"
    lengths = [
        _length(bench, part) for part in (iterated.args if isinstance(iterated, ast.Call) and zipped else [iterated])
    ]
    return min((length for length in lengths if length is not None and length > 0), default=None)


def _length(bench: Bench, iterated: ast.expr) -> int | None:
    if isinstance(iterated, ast.Call) and called_name(iterated) in ("range", "trange") and iterated.args:
        return _number(bench, iterated.args[-1] if len(iterated.args) < 3 else iterated.args[1])
    if not isinstance(iterated, ast.Name | ast.Attribute):
        return None
    try:
        value = bench.value(iterated)
    except (Opaque, UserError):
        return None
    return len(value) if isinstance(value, list | tuple | range) else None


__all__ = ["Frame", "frame_of"]
