"""What the loops around a place bind at each step: ``for epoch in range(..): for i, batch in enumerate(loader):``."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lrfix.domains.clock import Clock, Tick, nested, tick_of
from lrfix.domains.facts import literal
from lrfix.driving.bench import Bench
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.values import Unknown
from lrfix.names import FUNCTION_NODES, Assigned, Names, Scope
from lrfix.sites.vocabulary import called_name
from lrfix.trees import walk, written

_WRAPPERS = frozenset({"tqdm", "trange", "enumerate", "list", "iter", "progress_bar", "track", "zip", "prefetch"})
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
    for position, ((loop, name), tick) in enumerate(zip(counting, ticks, strict=True)):
        start = _start(loop)
        frame.counts[name] = (tick, _first(bench, start))
        outer = {other for _, other in counting[position + 1 :]}
        if start is not None and any(isinstance(n, ast.Name) and n.id in outer for n in walk(start)):
            frame.starts[name] = start
    if clock.nested and counting:
        turns = _turns(bench, counting[0][0])
        if turns is not None and ticks[0] is Tick.BATCH:
            clock.per_epoch = turns
    return frame


def loops_around(names: Names, node: ast.AST) -> list[ast.AST]:
    """The loops around a place, innermost first, within its own function."""
    found: list[ast.AST] = []
    for outer in names.ancestors(node):
        if isinstance(outer, (*FUNCTION_NODES, ast.ClassDef)):
            break
        if isinstance(outer, ast.For | ast.AsyncFor | ast.While):
            found.append(outer)
    return found


def numbered(target: ast.expr) -> ast.expr | None:
    """What takes the numbers of ``enumerate``, of a loop's target; an empty one, ``for () in ...``, has nothing."""
    return target.elts[0] if isinstance(target, ast.Tuple) and target.elts else None


def counter(loop: ast.For) -> str | None:
    """The variable of a loop that counts its turns."""
    target, iterated = loop.target, loop.iter
    while isinstance(iterated, ast.Call) and called_name(iterated) in _WRAPPERS - {"enumerate", "zip", "trange"}:
        if not iterated.args:
            return None
        iterated = iterated.args[0]
    name = called_name(iterated) if isinstance(iterated, ast.Call) else ""
    number = numbered(target) if name == "enumerate" else None
    if isinstance(number, ast.Name):
        return number.id
    if name in ("range", "trange", "count") and isinstance(target, ast.Name):
        return target.id
    return None


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


def _iterated(loop: ast.For) -> ast.Call | None:
    iterated = loop.iter
    while isinstance(iterated, ast.Call) and called_name(iterated) in _WRAPPERS - {"enumerate", "zip", "trange"}:
        if not iterated.args:
            return None
        iterated = iterated.args[0]
    return iterated if isinstance(iterated, ast.Call) else None


def _start(loop: ast.For) -> ast.expr | None:
    """What a loop counts from, where it says so."""
    iterated = _iterated(loop)
    name = called_name(iterated) if iterated is not None else ""
    if iterated is not None and name in ("range", "trange") and len(iterated.args) > 1:
        return iterated.args[0]
    if iterated is not None and name == "enumerate":
        told = next((k.value for k in iterated.keywords if k.arg == "start"), None)
        return iterated.args[1] if told is None and len(iterated.args) > 1 else told
    return None


def _first(bench: Bench, start: ast.expr | None) -> int:
    """The number that a loop begins with in a new run: the one that is written there, or the only one that the file
    gives what stands there; a checkpoint gives it another."""
    stated = literal(start)
    if start is None or isinstance(stated, int):
        return stated if isinstance(stated, int) else 0
    path = written(start)
    given = (n for n in bench.names.nodes if isinstance(n, ast.Assign) and path in map(written, n.targets))
    numbers = {value for statement in given if type(value := literal(statement.value)) is int}
    default = bench.scenario.defaults.get(path)
    if type(default) is int and not numbers:
        return default
    return numbers.pop() if len(numbers) == 1 else 0


def _number(bench: Bench, node: ast.expr) -> int | None:
    try:
        value: Any = bench.value(node)
        if isinstance(value, Unknown):
            value = bench.world.host.concretise(value, node, "number")
    except (Opaque, UserError):
        return None
    return value if isinstance(value, int) else None


def _turns(bench: Bench, loop: ast.For) -> int | None:
    iterated = _iterated(loop)
    if iterated is None or called_name(iterated) not in ("range", "trange") or not iterated.args:
        return None
    turns = _number(bench, iterated.args[-1] if len(iterated.args) < 3 else iterated.args[1])
    return turns if turns is not None and turns > 0 else None


__all__ = ["Frame", "counter", "frame_of", "loops_around", "numbered"]
