"""How far training goes under one run: how many rates its updates use, and which the schedule is asked for besides.

A loop that the code shows says so where it is counted in what the schedule itself is made of: numbers, stated
defaults, the lengths that the schedule reads too. A length that only the loop knows stands in no relation to the
schedule, and says nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lrfix.domains.clock import tick_of
from lrfix.domains.facts import Defaults
from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.domains.signatures import signature
from lrfix.driving.forms.frames import counter, loops_around
from lrfix.driving.forms.wrappers import ADVANCES
from lrfix.driving.laboratory import Run
from lrfix.driving.trace import Trace
from lrfix.driving.world import Host, World
from lrfix.experiments.study import Study
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.machine import Interpreter
from lrfix.interpreter.values import Unknown
from lrfix.names import Names

#: Forms with an object that is stepped after the optimizer: the step after the last update asks for one rate more.
_STEPPED = ("lambda", "subclass", "composition")
_THROUGH = frozenset({"enumerate", "tqdm", "list", "prefetch", "track", "progress_bar", "zip"})
_COUNTS = (*LENGTHS, Role.COUNT, Role.LAST_EPOCH)


@dataclass(frozen=True)
class Extent:
    """``used`` rates are trained at, those of steps 0 to ``used - 1``; ``asked`` are worked out.

    ``counted``: a loop in sight says so. Otherwise it is the length that the schedule is told.
    """

    used: int
    asked: int
    counted: bool


def extent(study: Study, run: Run) -> Extent | None:
    """How far training goes; None where neither a loop nor a length says."""
    more = 1 if steps_itself(study) else 0
    turns = counted_turns(study, run)
    if turns is not None:
        return Extent(turns, turns + more, True)
    horizon = study.horizon(run)
    if horizon is None:
        return None
    more = more or int(asked_from_one(study))
    return Extent(horizon, horizon + more, False)


def steps_itself(study: Study) -> bool:
    """Whether the schedule is an object that sets a first rate when it is built, and then one after each update."""
    if study.site.form in _STEPPED:
        return True
    return study.site.form == "wrapper" and not _is_told(study)


def _is_told(study: Study) -> bool:
    """Whether the caller says where training stands, so that a wrapper is asked for the steps that are taken."""
    if any(call.args or call.keywords for call in _step_calls(study)):
        return True
    body = study.node.body if isinstance(study.node, ast.ClassDef) else []
    advances = [m for m in body if isinstance(m, ast.FunctionDef) and m.name in ADVANCES]
    required = [name for method in advances for name, _, needed in signature(method) if needed]
    return any(tick_of(name) is not None for name in required)


def counted_turns(study: Study, run: Run) -> int | None:
    """How often the loops in sight take an update at the schedule's rate; None where they cannot be counted."""
    places = _places(study)
    if len(places) != 1 or not run.ran:
        return None
    place = places[0]
    names = study.used_in if place in study.used_in.parents else study.names
    loops = loops_around(names, place)
    if not loops or not _every_turn(names, place, loops):
        return None
    if any(_left_early(names, loop, loops) for loop in loops):
        return None
    if run.scenario.shortened.keys() & run.leaves.keys() and any(_holds_length(loop) for loop in loops):
        return None  # a length of the schedule was shortened to be simulated, and that of the loop was not
    total = 1
    for loop in loops:
        turns = _turns(study, names, run, loop)
        if turns is None:
            return None
        total *= turns
    return total


def _holds_length(loop: ast.AST) -> bool:
    numbers = (n.value for n in ast.walk(getattr(loop, "iter", loop)) if isinstance(n, ast.Constant))
    return any(isinstance(n, int) and n > 1 for n in numbers)


def asked_from_one(study: Study) -> bool:
    """Whether the code counts the update before it asks for its rate: the last one is asked at the very end."""
    if study.site.form not in ("setter", "function"):
        return False
    for place in _places(study):
        names = study.used_in if place in study.used_in.parents else study.names
        loops = loops_around(names, place)
        if loops and (_counts_before(loops[0], place) or _begins_at_one(loops[0])):
            return True
    return False


def _begins_at_one(loop: ast.AST) -> bool:
    """``for epoch in range(1, epochs + 1)``"""
    if not isinstance(loop, ast.For) or counter(loop) is None:
        return False
    found = [n for n in ast.walk(loop.iter) if isinstance(n, ast.Call)]
    ranges = [n for n in found if getattr(n.func, "id", "") in ("range", "trange") and len(n.args) > 1]
    return any(isinstance(n.args[0], ast.Constant) and n.args[0].value == 1 for n in ranges)


def _counts_before(loop: ast.AST, place: ast.AST) -> bool:
    body = getattr(loop, "body", [])
    for statement in body:
        if any(n is place for n in ast.walk(statement)):
            return False
        if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add):
            one = isinstance(statement.value, ast.Constant) and statement.value.value == 1
            if one and tick_of(ast.unparse(statement.target)) is not None:
                return True
    return False


def _places(study: Study) -> list[ast.AST]:
    """Where the schedule is advanced or asked: a step call of its object, a call of its function, its statements."""
    site = study.site
    if site.inline and site.form == "setter":
        return [site.node]
    if site.form in ("setter", "function"):
        return [study.use.call] if study.use is not None and len(study.uses) == 1 else []
    return list(_step_calls(study))


def _step_calls(study: Study) -> Iterator[ast.Call]:
    """Calls that advance the object which the judged construction builds, by the one name that it is bound to."""
    use = study.use
    names = study.used_in
    statement = names.statement_of(use.call) if use is not None else None
    if not isinstance(statement, ast.Assign) or use is None or statement.value is not use.call:
        return
    target = statement.targets[0] if len(statement.targets) == 1 else None
    if isinstance(target, ast.Name):
        scope = names.scope_of(statement)
        if len(scope.bindings.get(target.id, ())) != 1:
            return
        around: ast.AST | None = None
    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
        scope = None
        around = names.enclosing(statement, ast.ClassDef)
        if around is None or len(_bound(around, ast.unparse(target))) != 1:
            return
    else:
        return
    methods = ADVANCES if study.site.form == "wrapper" else ("step",)
    for node in ast.walk(around) if around is not None else names.nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in methods:
            continue
        if ast.unparse(node.func.value) != ast.unparse(target):
            continue
        if scope is None or names.scope_of(node) is scope:
            yield node


def _bound(owner: ast.AST, text: str) -> list[ast.stmt]:
    return [
        n
        for n in ast.walk(owner)
        if isinstance(n, ast.Assign | ast.AnnAssign)
        for t in (n.targets if isinstance(n, ast.Assign) else [n.target])
        if ast.unparse(t) == text
    ]


def _every_turn(names: Names, place: ast.AST, loops: list[ast.AST]) -> bool:
    """Whether every turn of every loop comes to the place: nothing but loops, ``with`` and presence tests between."""
    inside: set[ast.AST] = {place}
    for outer in names.ancestors(place):
        if isinstance(outer, ast.If) and not _asks_presence(outer, place):
            return False
        if isinstance(outer, ast.If) and any(n in inside for n in outer.orelse):
            return False
        if isinstance(outer, ast.IfExp | ast.BoolOp | ast.Lambda | ast.ExceptHandler | ast.Match):
            return False
        if outer is loops[-1]:
            return not any(n in inside for loop in loops for n in getattr(loop, "orelse", []))
        inside.add(outer)
    return False


def _asks_presence(branch: ast.If, place: ast.AST) -> bool:
    """``if scheduler is not None:``"""
    called = place.func.value if isinstance(place, ast.Call) and isinstance(place.func, ast.Attribute) else None
    test = branch.test
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.IsNot):
        test = test.left
    return called is not None and ast.unparse(test) == ast.unparse(called)


def _left_early(names: Names, loop: ast.AST, loops: list[ast.AST]) -> bool:
    """Whether a count or a length decides that a turn is left or the loop ends; an early stop on a loss does not."""
    ways_out = ast.Break | ast.Return | ast.Continue
    for node in ast.walk(loop):
        if not isinstance(node, ways_out):
            continue
        own = loops_around(names, node)
        if not isinstance(node, ast.Return) and (not own or own[0] not in loops):
            continue
        if isinstance(node, ast.Return) and loop not in own:
            continue  # of a function defined in the loop
        tests = [b.test for b in names.ancestors(node) if isinstance(b, ast.If) and _within(b, loop)]
        if not tests or any(_speaks_of_counts(test, loop) for test in tests):
            return True
    return False


def _within(node: ast.AST, loop: ast.AST) -> bool:
    return any(n is node for n in ast.walk(loop))


def _speaks_of_counts(test: ast.expr, loop: ast.AST) -> bool:
    variables = {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)} if isinstance(loop, ast.For) else set()
    for node in ast.walk(test):
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            path = ast.unparse(node)
            if path in variables or tick_of(path) is not None or role_of(path) in _COUNTS:
                return True
    return False


def _turns(study: Study, names: Names, run: Run, loop: ast.AST) -> int | None:
    if not isinstance(loop, ast.For):
        return None
    iterated: ast.expr = loop.iter
    while isinstance(iterated, ast.Call) and ast.unparse(iterated.func).rpartition(".")[2] in _THROUGH:
        if not iterated.args:
            return None
        iterated = iterated.args[0]
    called = ast.unparse(iterated.func).rpartition(".")[2] if isinstance(iterated, ast.Call) else ""
    if isinstance(iterated, ast.Call) and called == "trange":
        iterated = ast.Call(ast.Name("range", ast.Load()), iterated.args, [])
        ast.fix_missing_locations(iterated)
    if isinstance(iterated, ast.Call) and called in ("range", "trange"):
        value = _value(study, names, run, iterated)
        return len(value) if isinstance(value, range) else None
    if isinstance(iterated, ast.Name | ast.Attribute):
        collection = _value(study, names, run, iterated)
        if isinstance(collection, list | tuple | range):
            return len(collection)
        path = f"len({ast.unparse(iterated)})"
        known = run.leaves.get(path)
        if isinstance(known, int):
            return known
        if role_of(path) is Role.LOADER_LENGTH and not any(role_of(p) is Role.LOADER_LENGTH for p in run.leaves):
            value = run.scenario.value(path)
            return value if isinstance(value, int) else None
    return None


def _value(study: Study, names: Names, run: Run, node: ast.expr) -> Any:
    """An expression of the file under the run's own values; None where it needs a length that only it knows."""
    host = Host(run.scenario, Defaults(names))
    host.draws_lengths = study.laboratory.draws_lengths
    host.leaves.update(run.leaves)
    world = World(names, Interpreter(host=host, recorder=Trace(names.parents), fuel=20_000), host)
    try:
        value = world.evaluate(node)
    except (Opaque, UserError):
        return None
    if isinstance(value, Unknown):
        return run.leaves.get(value.path)
    free = {p: v for p, v in host.leaves.items() if p not in run.leaves and role_of(p) is not Role.LOADER_LENGTH}
    if not free or (_as_stated(study, run) and all(study.defaults.get(p) == v for p, v in free.items())):
        return value
    return None


def _as_stated(study: Study, run: Run) -> bool:
    """Whether the run has no length but those that the code states."""
    return all(study.defaults.get(p) == v for p, v in run.leaves.items() if role_of(p) in LENGTHS)


__all__ = ["Extent", "asked_from_one", "counted_turns", "extent", "steps_itself"]
