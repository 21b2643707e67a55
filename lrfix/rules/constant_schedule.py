"""LR105: a schedule is written, and the rate never changes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lrfix.domains.clock import parameter_ticks, tick_of
from lrfix.domains.roles import Role, role_of
from lrfix.domains.signatures import arguments_of, parameters
from lrfix.driving.forms.loops import loops_around
from lrfix.driving.laboratory import Run
from lrfix.experiments.bypass import driven_by_another_method
from lrfix.experiments.movement import means_to_move, never_moves, stands, stands_far_on
from lrfix.experiments.structure import assignments, methods, schedule_functions
from lrfix.experiments.study import Study, constant
from lrfix.experiments.unwritten_rates import unwritten
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.vocabulary import looks_like_optimizer, torch_scheduler, words
from lrfix.trees import stored_names, walk
from lrfix.wording import num

#: Shapes that no constant has.
_SHAPES = {
    "cosine": "cosine",
    "annealing": "annealing",
    "anneal": "annealing",
    "poly": "polynomial decay",
    "polynomial": "polynomial decay",
    "exponential": "exponential decay",
    "decay": "decay",
    "decays": "decay",
    "decayed": "decay",
    "restarts": "restarts",
    "cyclic": "cycles",
}
#: What may stand beside the constant: a warmup, and what joins it to the rest.
_BESIDE = frozenset({"LinearLR", "ConstantLR", "SequentialLR", "ChainedScheduler", "LambdaLR", "MultiplicativeLR"})
_NOT_SO = frozenset({"constant", "fixed", "no", "none", "without", "or", "dummy", "weight", "wd", "test"})
_ENOUGH = 40
#: What a number that says how far training has come may be taken for.
_COUNTS = frozenset({Role.COUNT, Role.HORIZON, Role.EPOCHS, Role.LAST_EPOCH, Role.UNKNOWN})


@rule("LR105", uses=True)
def constant_schedule(study: Study) -> Iterator[Violation]:
    if study.site.form == "training":
        yield from unwritten(study)
        return
    if not study.ran or (study.truncated and not (study.site.form == "subclass" and stands_far_on(study))):
        return
    run = study.runs[0]
    if any(map(_waits_beyond, study.runs)):
        return
    promised = _promise(study)
    if promised is not None:
        yield Violation(
            study.site.span,
            f"`{promised.name}` says {promised.word} and gives a constant rate: from step {promised.since} to step "
            f"{len(run.curve) - 1} it stays {num(run.curve[-1])}.",
            study.evidence(run, [0, promised.since, len(run.curve) - 1]),
        )
        return
    left = _left_out(study)
    if left is not None:
        branch, function, since = left
        yield Violation(
            study.span(branch.test),
            f"`{function.name}` is called once, when the schedule is built, and never again, because of "
            f"`{ast.unparse(branch.test)}`: from step {since} to step {len(run.curve) - 1} the rate stays "
            f"{num(run.curve[-1])}.",
            study.evidence(run, [0, since, study.horizon(run) or 0, len(run.curve) - 1]),
        )
    flat = study.everywhere(lambda run: _flat_until_horizon(study, run))
    if left is not None or not (flat or study.everywhere(stands)):
        return
    if driven_by_another_method(study) or not means_to_move(study) or _told_by_a_loop(study) or _reads_beside(study):
        return
    if _may_be_told(study) or _reads_the_optimizers_state(study) or _decided_by_callers(study):
        return
    if never_moves(study):
        last = _last(study, run)
        yield Violation(
            study.site.span,
            f"The learning rate never changes, whatever this schedule says: it is {num(run.curve[0])} at step 0 and "
            f"still {num(run.curve[last])} at step {last}.",
            study.evidence(run, [0, 1, last // 2, last]),
        )
    elif flat and _decays_by_formula(study):
        horizon = study.horizon(run) or 0
        yield Violation(
            study.site.span,
            f"The decay never happens: the rate is {num(run.curve[0])} from step 0 to step {horizon - 1}, the whole "
            f"run of {horizon} steps.",
            study.evidence(run, [0, 1, horizon // 2, horizon - 1, horizon]),
        )


#: What an optimizer has of its own that no run of ours moves, and what a group has that is 0 unless somebody sets it.
_OWN = frozenset({"state", "learning_rate", "lr"})
_NOTHING = frozenset({"weight_decay", "momentum", "dampening"})


def _waits_beyond(run: Run) -> bool:
    """Whether a number that the code states, and that the run takes as it stands, lies past all steps of the run."""
    return any(
        isinstance(value, int | float) and value >= len(run.curve) and run.scenario.defaults.get(path) == value
        for path, value in run.leaves.items()
    )


def _decided_by_callers(study: Study) -> bool:
    """Whether a function is judged with defaults that the calls in sight replace, ``adjust(epoch, decay=True)``."""
    function = study.node
    if study.use is not None or not isinstance(function, ast.FunctionDef):
        return False
    taken = parameters(function)
    optional = {name for name, default, _ in taken if default is not None}
    calls = [*study.site.calls, *(use.call for use in study.site.elsewhere)]
    return any(optional & set(arguments_of(call, function)) or len(call.args) > len(taken) for call in calls)


def _reads_the_optimizers_state(study: Study) -> bool:
    """Whether the updates are counted by the optimizer, ``optimizer.state[p]["step"]``, as a run makes none, or an
    optimizer that is none of torch's has its rate beside the groups, ``optimizer.learning_rate``, or the rate depends
    on what else is set for a group, ``group["weight_decay"]``."""
    traces = [trace for run in study.runs for trace in (run.built, run.stepped) if trace is not None]
    asked = {function for trace in traces for function in trace.calls}
    for node in (n for root in (*study.site.nodes, *asked) for n in walk(root)):
        if isinstance(node, ast.Attribute) and node.attr in _OWN and isinstance(node.ctx, ast.Load):
            if looks_like_optimizer(node.value):
                return True
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value in _NOTHING:
            return True
    return False


def _may_be_told(study: Study) -> bool:
    """Whether a function has a parameter that its rate depends on and that may be where training stands: one that
    nobody can name, or a count where no other parameter is a position. A class that takes the position is built anew
    for each."""
    run = study.runs[0]
    if isinstance(study.node, ast.ClassDef):
        built = {name for name, _, _ in study.constructor if tick_of(name) is not None}
        return _decides(study, built - {"last_epoch"})
    if study.site.form not in ("setter", "function") or not isinstance(study.node, ast.FunctionDef):
        return False
    taken = {name for name, _, _ in parameters(study.node)}
    counts = {name for name in taken if role_of(name) in _COUNTS} if not any(map(tick_of, taken)) else set()
    given = [arguments_of(call, study.node) for call in study.site.calls]
    # A count that a call names as it likes is drawn under the name that it has there.
    named = {ast.unparse(values[name]) for values in given for name in counts if name in values}
    return _decides(study, (run.invented & taken) | counts | named)


def _decides(study: Study, paths: Iterable[str]) -> bool:
    """Whether the first rate is another where one of these numbers is."""
    run = study.runs[0]
    for path in sorted(paths):
        value = run.leaves.get(path)
        if isinstance(value, int | float) and not isinstance(value, bool):
            other = study.run(0, overrides={path: value + 1})
            if other.ran and other.curve[:1] != run.curve[:1]:
                return True
    return False


def _told_by_a_loop(study: Study) -> bool:
    """Whether a call hands the function where its loop stands, for a parameter that the runs take for a setting."""
    leaves = study.runs[0].leaves
    for call in study.site.calls:
        loops = [around for around in study.names.ancestors(call) if isinstance(around, ast.For)]
        moving = {name for loop in loops for name in stored_names(loop.target)}
        for name, value in arguments_of(call, study.node).items():
            if name in leaves and any(isinstance(n, ast.Name) and n.id in moving for n in walk(value)):
                return True
    return False


def _reads_beside(study: Study) -> bool:
    """Whether inline code reads what is worked out anew in each turn and not simulated: by other lines of its loop, or
    by a call out of sight. Outside of any loop it sets one rate, as where training goes on."""
    if not study.site.inline:
        return False
    if not loops_around(study.names, study.site.nodes[0]):
        return True
    if any(path.endswith(")") and not path.startswith("len(") for path in study.runs[0].leaves):
        return True
    inside = {node for root in study.site.nodes for node in walk(root)}
    loops = [n for n in study.names.ancestors(study.site.nodes[0]) if isinstance(n, ast.For | ast.While)]
    given = {node for loop in loops if isinstance(loop, ast.For) for node in walk(loop.target)}
    read = {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    read -= {name for root in study.site.nodes for name in stored_names(root)}
    made = (n for loop in loops for n in walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return any(node.id in read and node not in inside and node not in given for node in made)


def _last(study: Study, run: Run) -> int:
    """The last step of the schedule where it is known to end, else of the run."""
    end = study.horizon(run)
    return end - 1 if end is not None and 2 < end <= len(run.curve) else len(run.curve) - 1


def _left_out(study: Study) -> tuple[ast.If, ast.FunctionDef, int] | None:
    """A test that keeps the part behind it from ever being asked, so that the rate stands past the schedule's end.

    The test, the formula behind it, and the step from which the rate stands.
    """
    driven = study.site.form in ("wrapper", "subclass", "composition")
    if not driven or not study.everywhere(lambda run: _stands_at_its_end(study, run)):
        return None
    methods_of = {m for root in study.site.nodes if isinstance(root, ast.ClassDef) for m in methods(root)}
    asked = {f for run in study.runs if run.stepped is not None for f in run.stepped.calls}
    built = {f for run in study.runs if run.built is not None for f in run.built.calls}
    formulas = [
        f
        for f in methods_of & (built - asked)
        if f.name != "__init__" and any(isinstance(n, ast.BinOp) for n in walk(f))
    ]
    if len(formulas) != 1:
        return None
    leading = _leading_to(formulas[0].name, methods_of)
    ran = {s for run in study.runs if run.stepped is not None for s in run.stepped.statements}
    curve = study.runs[0].curve
    for branch in (n for f in sorted(methods_of & asked, key=lambda f: f.lineno) for n in walk(f)):
        if not isinstance(branch, ast.If) or branch not in ran or not branch.orelse:
            continue
        taken, left = (branch.body, branch.orelse) if branch.body[0] in ran else (branch.orelse, branch.body)
        if taken[0] in ran and left[0] not in ran and leading & _mentioned(*left):
            return branch, formulas[0], next(k for k in range(len(curve)) if constant(curve[k:]))
    return None


def _leading_to(name: str, among: set[ast.FunctionDef]) -> set[str]:
    """What comes to a method when it is asked: itself, what it was handed to, and the methods that ask one of these.

    A table that the method's answers were put in does not.
    """
    leading = {name}
    while True:
        more = {m.name for m in among if m.name != "__init__" and _mentioned(m) & leading}
        for target, value in (pair for m in among for node in walk(m) for pair in assignments(node)):
            called = {n.func for n in walk(value) if isinstance(n, ast.Call)}
            handed = {n.attr for n in walk(value) if isinstance(n, ast.Attribute) and n not in called}
            if isinstance(target, ast.Attribute) and handed & leading:
                more.add(target.attr)
        if more <= leading:
            return leading
        leading |= more


def _mentioned(*nodes: ast.AST) -> set[str]:
    return {n.attr for node in nodes for n in walk(node) if isinstance(n, ast.Attribute)}


def _stands_at_its_end(study: Study, run: Run) -> bool:
    """Whether the rate is at its peak, and stays there, from long before the end of the schedule to long after it."""
    end = study.horizon(run)
    if end is None or len(run.curve) < 1.5 * end:
        return False
    rest = run.curve[end // 2 :]
    return constant(rest) and rest[0] == max(run.curve) and not constant(run.curve)


def _flat_until_horizon(study: Study, run: Run) -> bool:
    horizon = study.horizon(run)
    if horizon is None or not 20 < horizon < len(run.curve) or not constant(run.curve[:horizon]):
        return False
    return constant(run.curve[horizon + 1 : 2 * horizon])  # what moves on from there ends a phase, not the run


def _decays_by_formula(study: Study) -> bool:
    """A power or a cosine of the progress: something continuous, not a milestone that comes late."""
    return any(
        isinstance(node, ast.Pow) or (isinstance(node, ast.Call) and ast.unparse(node.func).endswith("cos"))
        for function in schedule_functions(study)
        for node in ast.walk(function)
    )


@dataclass(frozen=True)
class _Promise:
    """A function's name, the word it says of itself, and the step from which the rate is constant."""

    name: str
    word: str
    since: int


def _promise(study: Study) -> _Promise | None:
    """What a function's name or docstring says of its only schedule, where that is a constant in every draw."""
    if study.unvaried is not None:
        return None
    if study.site.form == "setter":
        return _told_the_step_for_nothing(study)
    function = study.names.enclosing(study.node, ast.FunctionDef)
    if study.site.form not in ("lambda", "composition") or not isinstance(function, ast.FunctionDef):
        return None
    shape = _spoken(words(function.name))
    if shape is None:
        return None
    built = [torch_scheduler(study.names, n.func) for n in ast.walk(function) if isinstance(n, ast.Call)]
    if any(base is not None and base not in _BESIDE for base in built) or _branches(study, function):
        return None
    if study.site.form == "lambda" and {"SequentialLR", "ChainedScheduler"} & set(built):
        return None
    if sum(base in ("LambdaLR", "MultiplicativeLR") for base in built) > 1:
        return None
    since = 0
    for run in study.runs:
        top = run.curve.index(max(run.curve)) if run.curve else 0
        if study.site.form == "lambda" and top > 0:
            return None
        if len(run.curve) < _ENOUGH or top > len(run.curve) // 2 or not constant(run.curve[top:]):
            return None
        since = max(since, top)
    return _Promise(function.name, shape, since) if study.runs else None


def _told_the_step_for_nothing(study: Study) -> _Promise | None:
    """A function that is told where training stands, says that it decays the rate, and sets it to one value."""
    function = study.node
    if not isinstance(function, ast.FunctionDef) or not study.everywhere(stands):
        return None
    told = parameter_ticks([a.arg for a in (*function.args.args, *function.args.kwonlyargs)])
    used = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
    shape = _spoken((*words(function.name), *words(ast.get_docstring(function) or "")))
    return _Promise(function.name, shape, 0) if shape is not None and told and not set(told) & used else None


def _spoken(said: tuple[str, ...]) -> str | None:
    return None if _NOT_SO & set(said) else next((_SHAPES[word] for word in said if word in _SHAPES), None)


def _branches(study: Study, function: ast.FunctionDef) -> bool:
    """Whether the function may return something else as well."""
    own = [n for n in ast.walk(function) if isinstance(n, ast.Return)]
    return sum(study.names.enclosing(n, ast.FunctionDef) is function for n in own) > 1


__all__ = ["constant_schedule"]
