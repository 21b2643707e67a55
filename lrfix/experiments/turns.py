"""How often a loop turns under one run, and which free values say so."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from lrfix.domains.facts import Defaults
from lrfix.domains.roles import Role, role_of
from lrfix.driving.host import Host
from lrfix.driving.laboratory import Run
from lrfix.driving.trace import Trace
from lrfix.driving.world import World
from lrfix.experiments.study import Study
from lrfix.finite import finite
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.machine import Interpreter
from lrfix.interpreter.values import Unknown
from lrfix.names import Names
from lrfix.trees import walk, written

#: Calls that give what they are given, one by one.
_THROUGH = frozenset({"enumerate", "tqdm", "list", "prefetch", "track", "progress_bar", "zip"})


#: Bounds of loops beyond this are no numbers of turns.
_FAR = 1e15


def turns(study: Study, names: Names, run: Run, loop: ast.AST) -> tuple[int, Mapping[str, object]] | None:
    """How often a loop turns, and the free values that say so."""
    bounds = _bounds(loop.iter) if isinstance(loop, ast.For) else _counted_to(names, loop)
    if bounds is None:
        iterated = getattr(loop, "iter", None)
        return _length(study, names, run, iterated) if isinstance(iterated, ast.expr) else None
    nodes, more = bounds
    numbers: list[int] = []
    made_of: dict[str, object] = {}
    for node in nodes:
        number, needed = _evaluated(study, names, run, node)
        counted = finite(number)
        if counted is None or not counted.is_integer() or abs(counted) > _FAR:
            return None
        numbers.append(int(counted))
        made_of |= needed
    start, stop, step = (*([0] if len(numbers) == 1 else []), *numbers, 1)[:3]
    return (len(range(start, stop + more, step)), made_of) if step else None


def _bounds(iterated: ast.expr) -> tuple[list[ast.expr], int] | None:
    """The arguments of the ``range`` that a loop goes through, and what is to be added to the last."""
    while isinstance(iterated, ast.Call) and called(iterated) in _THROUGH and iterated.args:
        iterated = iterated.args[0]
    if isinstance(iterated, ast.Call) and called(iterated) in ("range", "trange") and 0 < len(iterated.args) < 4:
        return iterated.args, 0
    return None


def _counted_to(names: Names, loop: ast.AST) -> tuple[list[ast.expr], int] | None:
    """``while step < total:`` with ``step += 1`` in it, as the arguments of the range that it counts through."""
    test = getattr(loop, "test", None)
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Lt | ast.LtE):
        return None
    name = written(test.left)
    changes = [n for n in walk(loop) if isinstance(n, ast.AugAssign) and written(n.target) == name]
    if len(changes) != 1 or changes[0] not in getattr(loop, "body", []):
        return None
    if not isinstance(changes[0].op, ast.Add) or written(changes[0].value) != "1":
        return None
    scope = names.scope_of(loop)
    assigned = [n for n in names.nodes if isinstance(n, ast.Assign) and names.scope_of(n) is scope]
    before = [n.value for n in assigned if name in map(written, n.targets)]
    if len(before) != 1 or not isinstance(before[0], ast.Constant):
        return None
    return [before[0], test.comparators[0]], int(isinstance(test.ops[0], ast.LtE))


def _length(study: Study, names: Names, run: Run, iterated: ast.expr) -> tuple[int, Mapping[str, object]] | None:
    """The number of things that a loop goes through."""
    while isinstance(iterated, ast.Call) and called(iterated) in _THROUGH and iterated.args:
        iterated = iterated.args[0]
    if not isinstance(iterated, ast.Name | ast.Attribute):
        return None
    value, made_of = _evaluated(study, names, run, iterated)
    if isinstance(value, list | tuple | range):
        return len(value), made_of
    path = f"len({written(iterated)})"
    known = run.leaves.get(path)
    if known is None and not any(role_of(p) is Role.LOADER_LENGTH for p in run.leaves):
        known = run.scenario.value(path) if role_of(path) is Role.LOADER_LENGTH else None
    return (known, {path: known}) if isinstance(known, int) else None


def _evaluated(study: Study, names: Names, run: Run, node: ast.expr) -> tuple[Any, dict[str, object]]:
    """An expression of the file under the run's own values, and the free values that it is made of."""
    twins: dict[str, object] = {}
    while True:
        host = Host(run.scenario, Defaults(names))
        host.draws_lengths = study.laboratory.draws_lengths
        host.leaves.update(twins)
        world = World(names, Interpreter(host=host, recorder=Trace(names.parents), fuel=20_000), host)
        try:
            value = world.evaluate(node)
            if isinstance(value, Unknown) and not isinstance(node, ast.Name):
                value = host.concretise(value, node, "number")
        except (Opaque, UserError):
            return None, {}
        made_of = {p: v for p, v in host.leaves.items() if p not in twins}
        same = {p: run.leaves[q] for p in made_of if p not in run.leaves for q in run.leaves if _one_thing(p, q)}
        if not same or twins:
            # What is the schedule's own under another name is no free value.
            if twins and not made_of:
                made_of[next(iter(run.leaves))] = None
            return value, made_of
        twins = same


def _one_thing(one: str, other: str) -> bool:
    """``self.args.epochs`` in one method is what ``args.epochs`` is in another."""
    return one.endswith(f".{other}") or other.endswith(f".{one}")


def called(call: ast.Call) -> str:
    """The last name of what a call calls."""
    return written(call.func).rpartition(".")[2]


__all__ = ["called", "turns"]
