"""The number that a position begins with in a new run, told by the code that passes it on.

``for epoch in range(1, epochs + 1): adjust(optimizer, epoch)`` never asks for epoch 0, whatever stands between the loop
and the function: a call in a call, ``epoch - 1``, a count that goes up before it is passed on.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from lrfix.domains.clock import Tick, nested
from lrfix.domains.facts import literal
from lrfix.domains.roles import Role, role_of
from lrfix.domains.signatures import parameters
from lrfix.driving.bench import Bench
from lrfix.driving.forms.loops import counter, loops_around, start_of
from lrfix.names import FUNCTION_NODES, Names
from lrfix.sites.effects import argument_given
from lrfix.sites.vocabulary import called_name
from lrfix.trees import walk, written

_DEEPEST = 4
_MOST_CALLS = 6

#: What the start of a loop is in a new run.
Started = Callable[[ast.expr], int]
#: A call, and the names of the file that it stands in.
Place = tuple[ast.Call, Names]


def start_asked(bench: Bench, ticks: dict[str, Tick]) -> None:
    """Start the clock of a function that is asked at every step.

    ``ticks`` are its parameters for the position; one that all calls give a share of the run is a progress.
    """
    key = f"asked with {sorted(ticks)}"
    shares, first = bench.once(
        key, lambda: (_shares(bench, ticks), _firsts(bench, bench.site.node, ticks, _seen(bench)))
    )
    ticks.update(dict.fromkeys(shares, Tick.PROGRESS))
    clock = bench.start_clock(nested(list(ticks.values())))
    clock.first = {**clock.first, **first}


def _seen(bench: Bench) -> list[Place]:
    """The calls of the site's function, in its own file and in others."""
    elsewhere = [(use.call, use.names or bench.names) for use in bench.site.elsewhere]
    return [*((call, bench.names) for call in bench.site.calls), *elsewhere]


def _shares(bench: Bench, ticks: Mapping[str, Tick]) -> list[str]:
    """The parameters that every call gives a quotient, ``adjust(step / total)``."""
    found = []
    for name in ticks:
        given = [_argument(call, bench.site.node, name) for call, _ in _seen(bench)]
        if given and all(argument is not None and _is_share(argument) for argument in given):
            found.append(name)
    return found


def _is_share(node: ast.expr) -> bool:
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div) or literal(node.right) is not None:
        return False
    return role_of(written(node.right)) is not Role.LOADER_LENGTH


def first_told(bench: Bench, method: ast.FunctionDef, ticks: Mapping[str, Tick]) -> dict[Tick, int]:
    """What a schedule's own method is told first, where each turn of a loop begins with that: told later, a schedule
    has its first rate from elsewhere."""
    leads = all(_leads(names, call) for call, names in _calls(bench.names, method))
    return first_passed_on(bench, method, ticks) if leads else {}


def _leads(names: Names, call: ast.Call) -> bool:
    loop = next(iter(loops_around(names, call)), None)
    body: Sequence[ast.stmt] = getattr(loop, "body", ())
    return bool(body) and names.statement_of(call) is body[0]


def first_passed_on(bench: Bench, function: ast.FunctionDef, ticks: Mapping[str, Tick]) -> dict[Tick, int]:
    """What parameters of another function of the file begin with."""
    if not ticks:
        return {}
    key = f"first of {sorted(ticks)} at {function.lineno}"
    return bench.once(key, lambda: _firsts(bench, function, ticks, list(_calls(bench.names, function))))


def _firsts(bench: Bench, function: ast.AST, ticks: Mapping[str, Tick], places: Sequence[Place]) -> dict[Tick, int]:
    found = {}
    for name, tick in ticks.items():
        first = _agreed(_given(function, name, places, partial(begins_at, bench), 0))
        if first is not None:
            found[tick] = first
    return found


def begins_at(bench: Bench, start: ast.expr | None) -> int:
    """The number that a loop begins with in a new run."""
    return first_number(bench.names, start, bench.scenario.defaults)


def first_number(names: Names, start: ast.expr | None, defaults: Mapping[str, object]) -> int:
    """The number that is written where a loop says what it begins with, or the only one that the file gives what
    stands there; a checkpoint gives it another. 0 where nothing says it."""
    stated = literal(start)
    if start is None or isinstance(stated, int):
        return stated if isinstance(stated, int) else 0
    path = written(start)
    given = (n for n in names.nodes if isinstance(n, ast.Assign) and path in map(written, n.targets))
    numbers = {value for statement in given if type(value := literal(statement.value)) is int}
    default = defaults.get(path)
    if type(default) is int and not numbers:
        return default
    return numbers.pop() if len(numbers) == 1 else 0


def _agreed(found: Iterable[int | None]) -> int | None:
    values = set(found)
    return values.pop() if len(values) == 1 else None


def _given(function: ast.AST, name: str, places: Iterable[Place], started: Started, depth: int) -> Iterator[int | None]:
    for count, (call, names) in enumerate(places):
        argument = _argument(call, function, name)
        yield None if argument is None or count >= _MOST_CALLS else _first(names, argument, call, started, depth)


def _argument(call: ast.Call, function: ast.AST, name: str) -> ast.expr | None:
    if not isinstance(function, ast.FunctionDef):
        return None
    on_object = isinstance(call.func, ast.Attribute) and [a.arg for a in function.args.args[:1]] in (["self"], ["cls"])
    return argument_given(call, function, name, on_object)


def _calls(names: Names, function: ast.AST) -> Iterator[Place]:
    """The calls of a function or method of the file, if it is the only one of its name."""
    if not isinstance(function, ast.FunctionDef) or len(names.functions.get(function.name, ())) != 1:
        return
    method = isinstance(names.parents.get(function), ast.ClassDef)
    for node in names.nodes:
        if not isinstance(node, ast.Call) or called_name(node) != function.name:
            continue
        # Other objects have methods of the name as well, which take something else.
        if isinstance(node.func, ast.Attribute) is method and (not method or node.args or node.keywords):
            yield node, names


def _first(names: Names, node: ast.expr, at: ast.AST, started: Started, depth: int) -> int | None:
    """The first value of an expression at a place that is come to again and again."""
    stated = literal(node)
    if type(stated) is int:
        return stated
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        beside = literal(node.right)
        first = _first(names, node.left, at, started, depth) if type(beside) is int else None
        if first is None or not isinstance(beside, int):
            return None
        return first + beside if isinstance(node.op, ast.Add) else first - beside
    if not isinstance(node, ast.Name):
        return None
    for loop in loops_around(names, at):
        if isinstance(loop, ast.For) and counter(loop) == node.id:
            start = start_of(loop)
            return 0 if start is None else started(start)
    counted = counted_by_hand(names, node.id, at, started)
    if counted is not None:
        return sum(counted)
    function = names.enclosing(at, FUNCTION_NODES)
    if depth >= _DEEPEST or not isinstance(function, ast.FunctionDef) or names.scope_of(at).node is not function:
        return None
    if _rebound(function, node.id) or node.id not in [parameter for parameter, _, _ in parameters(function)]:
        return None
    return _agreed(_given(function, node.id, _calls(names, function), started, depth + 1))


def _rebound(function: ast.FunctionDef, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store) for n in walk(function))


def counted_by_hand(names: Names, name: str, at: ast.AST, started: Started) -> tuple[int, int] | None:
    """What a count of the code's own begins with, ``epoch = 0``, and what ``epoch += 1`` has added at a place that the
    loop comes to first."""
    loops = loops_around(names, at)
    scope = names.scope_of(at)
    stores = [n for n in names.nodes if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)]
    own = [names.statement_of(n) for n in stores if names.scope_of(n) is scope]
    before = [s.value for s in own if isinstance(s, ast.Assign)]
    rises = [s for s in own if isinstance(s, ast.AugAssign) and any(a in loops for a in names.ancestors(s))]
    if len(own) != 2 or len(before) != 1 or len(rises) != 1:
        return None
    if not isinstance(rises[0].op, ast.Add) or literal(rises[0].value) != 1:
        return None
    ahead = _is_ahead(names, rises[0], at)
    first = started(before[0]) if isinstance(before[0], ast.Name) else literal(before[0])
    return (first, int(ahead)) if isinstance(first, int) and ahead is not None else None


def _is_ahead(names: Names, rise: ast.stmt, at: ast.AST) -> bool | None:
    """Whether a statement has run, once, when a place is come to first; None where that is not known."""
    block = names.parents[rise]
    around = [at, *names.ancestors(at)]
    if block in around:
        inner = around[around.index(block) - 1]
        return rise.lineno < getattr(inner, "lineno", 0)
    return False if rise.lineno > getattr(at, "lineno", 0) else None


__all__ = ["begins_at", "counted_by_hand", "first_number", "first_passed_on", "first_told", "start_asked"]
