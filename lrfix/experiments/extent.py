"""How far training goes under one run: how many rates its updates use, and which the schedule is asked for besides.

A loop that the code shows says so where it is counted in what the schedule itself is made of: numbers, stated
defaults, the lengths that the schedule reads too. A length that only the loop knows stands in no relation to the
schedule, and says nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lrfix.domains.clock import tick_of
from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.domains.signatures import signature
from lrfix.driving.forms.loops import counter, loops_around
from lrfix.driving.forms.wrappers import ADVANCES
from lrfix.driving.laboratory import Run
from lrfix.experiments.study import Study
from lrfix.experiments.turns import called, turns
from lrfix.names import Names
from lrfix.sites.model import Construction
from lrfix.sites.vocabulary import words
from lrfix.trees import walk, written

#: Forms with an object that is stepped after the optimizer: the step after the last update asks for one rate more.
_STEPPED = ("lambda", "subclass", "composition")
#: No run is shorter.
_FEWEST = 16
_OF_SCHEDULES = frozenset(
    {"lr", "scheduler", "schedulers", "schedule", "sequential", "chained", "warmup", "warm", "gradual", "compose"}
)
#: Words for calls that keep or show a scheduler and do not step it.
_KEEPERS = frozenset({"save", "load", "checkpoint", "log", "print", "resume", "restore", "isinstance", "len", "append"})
#: Calls of a loop that only looks at a schedule.
_SHOWING = frozenset({"append", "print", "range", "enumerate", "len", "round", "float", "int", "format"})
_COUNTS = (*LENGTHS, Role.COUNT, Role.LAST_EPOCH)


@dataclass(frozen=True)
class Extent:
    """``used`` rates are trained at, those of steps 0 to ``used - 1``; ``asked`` are worked out.

    ``counted``: a loop in sight says so; otherwise it is the length that the schedule is told. ``unbound``: a loop is
    in sight, and its length and the schedule's are two different things.
    """

    used: int
    asked: int
    counted: bool
    unbound: bool = False


def extent(study: Study, run: Run, use: Construction | str | None = "chosen") -> Extent | None:
    """How far training goes where ``use`` builds or asks the schedule; None where neither a loop nor a length says."""
    used = study.use if isinstance(use, str) else use
    if is_part(study, used):
        return None
    more = 1 if steps_itself(study) else 0
    counted = counted_turns(study, run, used)
    if counted is not None and not counted.free:
        return Extent(counted.count, counted.count + more, True)
    horizon = study.horizon(run)
    if horizon is None:
        return None
    more = more or int(asked_from_one(study, used))
    return Extent(horizon, horizon + more, False, counted is not None)


def asked_steps(study: Study, run: Run, use: Construction | str | None, lasts: str | None = None) -> int:
    """How many rates the schedule is asked for, as far as anything says so: those of its length, or else the first two.

    ``lasts`` is a length past which training goes on.
    """
    reached = extent(study, run, use)
    asked = 2 if reached is None else reached.asked if reached.counted else max(reached.asked, 1)
    value = {**run.names, **run.leaves}.get(lasts) if lasts is not None else None
    return max(asked, value + 1) if isinstance(value, int) else asked


def walked_as_asked(
    study: Study, index: int, use: Construction | None, overrides: Mapping[str, object], lasts: str | None = None
) -> Run | None:
    """A run under changed settings, no longer than the schedule is asked for; None where that is not known to be less
    than the whole."""
    plain = study.run(index, use=use)
    steps = max(asked_steps(study, plain, use, lasts), _FEWEST) + 1
    if steps >= study.steps:
        return None
    run = study.run(index, use=use, overrides=overrides, steps=steps)
    return run if run.failure is not None or asked_steps(study, run, use, lasts) <= len(run.curve) else None


def is_part(study: Study, use: Construction | None) -> bool:
    """Whether the schedule is built as a part of another, which says when it is asked: ``SequentialLR(o, [w, s])``."""
    if use is None or study.site.form in ("setter", "function"):
        return False
    names = _names(study, use)
    owner = names.enclosing(use.call, ast.ClassDef)
    if isinstance(owner, ast.ClassDef) and owner is not study.node and _is_schedule(owner):
        return True
    return any(_puts_together(holder) for holder in _holders(names, use))


def _is_schedule(owner: ast.ClassDef) -> bool:
    return any(isinstance(s, ast.FunctionDef) and s.name in ("get_lr", "step", "__call__") for s in owner.body)


def _puts_together(holder: ast.AST) -> bool:
    if isinstance(holder, ast.Call):
        return bool(_OF_SCHEDULES & set(words(called(holder))))
    return isinstance(holder, ast.List | ast.Set)


def _holders(names: Names, use: Construction) -> Iterator[ast.AST]:
    """The calls and displays that the built object is handed to: at once, or by the name that it is bound to."""
    mentions: list[ast.AST] = [use.call]
    statement = names.statement_of(use.call)
    if isinstance(statement, ast.Assign) and statement.value is use.call:
        texts = {written(target) for target in statement.targets}
        ends = {text.rpartition(".")[2] for text in texts}
        scope = names.scope_of(statement)
        mentions += [
            n
            for n in names.nodes
            if isinstance(n, ast.Name | ast.Attribute) and isinstance(n.ctx, ast.Load)
            if (n.id if isinstance(n, ast.Name) else n.attr) in ends and written(n) in texts
            if isinstance(n, ast.Attribute) or names.owner(n.id, names.scope_of(n)) is scope
        ]
    for mention in mentions:
        holder = names.parents.get(mention)
        if isinstance(holder, ast.keyword):
            holder = names.parents.get(holder)
        if (isinstance(holder, ast.Call) and holder.func is not mention) or isinstance(holder, ast.List | ast.Set):
            yield holder


def steps_itself(study: Study) -> bool:
    """Whether the schedule is an object that sets a first rate when it is built, and then one after each update."""
    if study.site.form in _STEPPED:
        return True
    return study.site.form == "wrapper" and not _is_told(study)


def _is_told(study: Study) -> bool:
    """Whether the caller says where training stands, so that a wrapper is asked for the steps that are taken."""
    if any(call.args or call.keywords for call in step_calls(study, study.use)):
        return True
    body = study.node.body if isinstance(study.node, ast.ClassDef) else []
    advances = [m for m in body if isinstance(m, ast.FunctionDef) and m.name in ADVANCES]
    required = [name for method in advances for name, _, needed in signature(method) if needed]
    return any(tick_of(name) is not None for name in required)


@dataclass(frozen=True)
class Turns:
    """How often loops turn. ``free``: made of lengths that the schedule has no part in, so the two are not related."""

    count: int
    free: bool


def counted_turns(study: Study, run: Run, use: Construction | None) -> Turns | None:
    """How often the loops in sight take an update at the schedule's rate; None where they cannot be counted."""
    places = _places(study, use)
    if len(places) != 1 or not run.ran or _goes_elsewhere(study, use):
        return None
    names = _names(study, use)
    loops = _training_loops(names, places[0])
    if not loops or not _every_turn(names, places[0], loops):
        return None
    if any(_left_early(names, loop, loops) for loop in loops) or _only_shows(loops[-1], places[0]):
        return None
    total, related, stated, whole = 1, True, _as_stated(study, run), False
    for loop in loops:
        counted = turns(study, names, run, loop)
        if counted is None:
            return None
        count, made_of = counted
        free = {p: v for p, v in made_of.items() if p not in run.leaves and role_of(p) is not Role.LOADER_LENGTH}
        known = stated and all(study.defaults.get(p) == v for p, v in free.items())
        related = related and (known or not (free or (not made_of and count > 1)))
        total *= count
        whole = whole or not made_of or any(role_of(path) is not Role.LOADER_LENGTH for path in made_of)
    # A loop over the batches of one epoch says nothing of how often its function is called.
    return Turns(total, not related) if whole else None


def _training_loops(names: Names, place: ast.AST) -> list[ast.AST]:
    """The loops around a place, but those through the parameter groups of one update."""
    loops = loops_around(names, place)
    return [loop for loop in loops if not (isinstance(loop, ast.For) and "param_groups" in written(loop.iter))]


def _only_shows(loop: ast.AST, place: ast.AST) -> bool:
    """Whether a loop collects the rates of a schedule and does nothing else: no training, but a plot of the curve."""
    calls = [n for s in getattr(loop, "body", []) for n in walk(s) if isinstance(n, ast.Call) and n is not place]
    stepped = written(place.func.value) if isinstance(place, ast.Call) and isinstance(place.func, ast.Attribute) else ""
    told = [called(call) for call in calls if stepped == "" or not written(call.func).startswith(f"{stepped}.")]
    return "append" in told and all(name in _SHOWING for name in told)


def _goes_elsewhere(study: Study, use: Construction | None) -> bool:
    """Whether the object is handed to other code, which may step it."""
    if use is None or study.site.form in ("setter", "function"):
        return False
    return any(
        not (_KEEPERS & set(words(called(h)))) for h in _holders(_names(study, use), use) if isinstance(h, ast.Call)
    )


def _as_stated(study: Study, run: Run) -> bool:
    """Whether the run has no length but those that the code states."""
    lengths = LENGTHS - {Role.LOADER_LENGTH}
    return all(study.defaults.get(p) == v for p, v in run.leaves.items() if role_of(p) in lengths)


def _names(study: Study, use: Construction | None) -> Names:
    return use.names if use is not None and use.names is not None else study.names


def asked_from_one(study: Study, use: Construction | None) -> bool:
    """Whether the code counts the update before it asks for its rate: the last one is asked at the very end."""
    if study.site.form not in ("setter", "function"):
        return False
    for place in _places(study, use):
        loops = _training_loops(_names(study, use), place)
        if loops and (_counts_before(loops[0], place) or _begins_at_one(loops[0])):
            return True
    return False


def _begins_at_one(loop: ast.AST) -> bool:
    """``for epoch in range(1, epochs + 1)``"""
    if not isinstance(loop, ast.For) or counter(loop) is None:
        return False
    found = [n for n in walk(loop.iter) if isinstance(n, ast.Call)]
    ranges = [n for n in found if getattr(n.func, "id", "") in ("range", "trange") and len(n.args) > 1]
    return any(isinstance(n.args[0], ast.Constant) and n.args[0].value == 1 for n in ranges)


def _counts_before(loop: ast.AST, place: ast.AST) -> bool:
    body = getattr(loop, "body", [])
    for statement in body:
        if any(n is place for n in walk(statement)):
            return False
        if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add):
            one = isinstance(statement.value, ast.Constant) and statement.value.value == 1
            if one and tick_of(written(statement.target)) is not None:
                return True
    return False


def _places(study: Study, use: Construction | None) -> list[ast.AST]:
    """Where the schedule is advanced or asked: a step call of its object, a call of its function, its statements."""
    site = study.site
    if site.inline and site.form == "setter":
        return [site.node]
    if site.form in ("setter", "function"):
        return [use.call] if use is not None else []
    return list(step_calls(study, use))


def step_calls(study: Study, use: Construction | None) -> Iterator[ast.Call]:
    """Calls that advance the object which the judged construction builds, by the one name that it is bound to."""
    names = _names(study, use)
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
        if around is None or len(_bound(around, written(target))) != 1:
            return
    else:
        return
    methods = ADVANCES if study.site.form == "wrapper" else ("step",)
    for node in walk(around) if around is not None else names.nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in methods:
            continue
        if written(node.func.value) != written(target):
            continue
        if scope is None or names.scope_of(node) is scope:
            yield node


def _bound(owner: ast.AST, text: str) -> list[ast.stmt]:
    return [
        n
        for n in walk(owner)
        if isinstance(n, ast.Assign | ast.AnnAssign)
        for t in (n.targets if isinstance(n, ast.Assign) else [n.target])
        if written(t) == text
    ]


def _every_turn(names: Names, place: ast.AST, loops: list[ast.AST]) -> bool:
    """Whether every turn of every loop comes to the place: nothing between but loops, ``with`` and tests that come out
    the same at every turn."""
    inside: set[ast.AST] = {place}
    changing = {n.id for loop in loops for n in walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for outer in names.ancestors(place):
        if isinstance(outer, ast.If) and not _asks_presence(outer, place):
            if not _is_switch(outer.test, changing):
                return False
        elif isinstance(outer, ast.If) and any(n in inside for n in outer.orelse):
            return False
        if isinstance(outer, ast.IfExp | ast.BoolOp | ast.Lambda | ast.ExceptHandler | ast.Match):
            return False
        if outer is loops[-1]:
            return not any(n in inside for loop in loops for n in getattr(loop, "orelse", []))
        inside.add(outer)
    return False


def _is_switch(test: ast.expr, changing: set[str]) -> bool:
    """Whether a test asks for a setting (``if args.anneal_lr:``, ``if policy == "cosine":``), not for a moment."""
    for node in walk(test):
        if isinstance(node, ast.Call) or (isinstance(node, ast.Name) and node.id in changing):
            return False
        if isinstance(node, ast.Name | ast.Attribute) and tick_of(written(node)) is not None:
            return False
    return True


def _asks_presence(branch: ast.If, place: ast.AST) -> bool:
    """``if scheduler is not None:``"""
    called = place.func.value if isinstance(place, ast.Call) and isinstance(place.func, ast.Attribute) else None
    test = branch.test
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.IsNot):
        test = test.left
    return called is not None and written(test) == written(called)


def _left_early(names: Names, loop: ast.AST, loops: list[ast.AST]) -> bool:
    """Whether a count or a length decides that a turn is left or the loop ends; an early stop on a loss does not."""
    ways_out = ast.Break | ast.Return | ast.Continue
    for node in walk(loop):
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
    return any(n is node for n in walk(loop))


def _speaks_of_counts(test: ast.expr, loop: ast.AST) -> bool:
    variables = {n.id for n in walk(loop.target) if isinstance(n, ast.Name)} if isinstance(loop, ast.For) else set()
    for node in walk(test):
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            path = written(node)
            if path in variables or tick_of(path) is not None or role_of(path) in _COUNTS:
                return True
    return False


__all__ = [
    "Extent",
    "asked_from_one",
    "asked_steps",
    "extent",
    "is_part",
    "step_calls",
    "steps_itself",
    "walked_as_asked",
]
