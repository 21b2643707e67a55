"""LR102: updates of a schedule that can never run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from lrfix.domains.facts import literal
from lrfix.driving.laboratory import Run
from lrfix.driving.trace import Trace
from lrfix.experiments.conditions import Dead, dead_branches, overwritten
from lrfix.experiments.structure import Update, functions_of, hyperparameters, unreachable, updates
from lrfix.experiments.study import Study
from lrfix.findings import Evidence, Violation
from lrfix.finite import finite
from lrfix.names import Assigned
from lrfix.registry import rule

#: Methods that training asks by themselves.
_ASKED = frozenset({"step", "get_lr", "state_dict", "load_state_dict"})


@rule("LR102")
def unreachable_update(study: Study) -> Iterator[Violation]:
    for function in functions_of(study):
        dead = list(unreachable(function))
        first = next((s for s in dead if _advances(s)), None)
        if first is not None:
            yield Violation(
                study.span(first),
                f"`{_headline(first)}` can never run: every path before it in `{function.name}` returns or raises, "
                "so the "
                "state it should advance stands still.",
            )
    yield from _excluded(study)
    yield from _frozen(study)


def _excluded(study: Study) -> Iterator[Violation]:
    """Branches whose test the tests before it have already decided."""
    bodies: list[Sequence[ast.stmt]] = [f.body for f in functions_of(study)]
    if study.site.inline:
        bodies.append([n for n in study.site.nodes if isinstance(n, ast.stmt)])
    constant = _constants(study)
    for body in bodies:
        for lost in overwritten(list(body), constant):
            yield Violation(
                study.span(lost.statement),
                f"This never lasts: whenever `{ast.unparse(lost.test)}` holds, `{ast.unparse(lost.by)}` (line "
                f"{lost.by.lineno}) holds as well and sets `{ast.unparse(lost.statement.targets[0])}` again.",
            )
        for dead in dead_branches(list(body), constant):
            if not _matters(dead.branch):
                continue
            test = ast.unparse(dead.branch.test)
            if dead.covered_by is not None:
                why = (
                    f"whenever `{test}` holds, `{ast.unparse(dead.covered_by)}` (line {dead.covered_by.lineno}) has "
                    "held already and its branch was taken"
                )
            else:
                why = f"`{test}` is never true for any value of `{dead.subject}` that comes here"
            yield Violation(
                study.span(dead.branch.test),
                f"This branch can never run: {why}.",
                _rates_at(study, dead),
            )


def _rates_at(study: Study, dead: Dead) -> Evidence | None:
    """The rates at the steps that the two tests speak of, where the simulation reaches them."""
    if not study.ran or not study.runs:
        return None
    tests = [dead.branch.test, *([dead.covered_by] if dead.covered_by is not None else [])]
    spoken = {
        int(n.value)
        for test in tests
        for n in ast.walk(test)
        if isinstance(n, ast.Constant) and isinstance(n.value, int) and not isinstance(n.value, bool)
    }
    run = study.runs[0]
    steps = sorted(step for step in spoken if 0 <= step < len(run.curve))
    return study.evidence(run, steps) if steps else None


def _constants(study: Study) -> Callable[[ast.expr], float | None]:
    """What a number in a test always is: a literal, or a name bound once and to one."""
    names = study.names
    rebound = {n for node in names.nodes if isinstance(node, ast.Global | ast.Nonlocal) for n in node.names}

    def constant(node: ast.expr) -> float | None:
        stated = stated_once(node) if isinstance(node, ast.Name | ast.Subscript) else literal(node)
        return finite(stated)

    def stated_once(node: ast.expr) -> object:
        if isinstance(node, ast.Subscript):
            table, key = stated_once(node.value), literal(node.slice)
            if isinstance(table, list | tuple) and isinstance(key, int) and -len(table) <= key < len(table):
                stated: object = table[key]
                return stated
            return None
        if not isinstance(node, ast.Name) or node.id in rebound:
            return None
        known = names.bindings(node.id, node)
        only = known[0] if len(known) == 1 else None
        return literal(only.value) if isinstance(only, Assigned) and not only.index else None

    return constant


def _matters(branch: ast.If) -> bool:
    """Whether the branch would do something to the schedule: not only complain, print or pass."""
    return any(
        isinstance(n, ast.Assign | ast.AugAssign | ast.AnnAssign)
        or (isinstance(n, ast.Return) and n.value is not None)
        or (isinstance(n, ast.stmt) and _advances(n))
        for s in branch.body
        for n in ast.walk(s)
    )


def _frozen(study: Study) -> Iterator[Violation]:
    """A branch that would update the schedule, under a test settled by state which nothing ever changes."""
    if not study.ran:
        return
    for function in functions_of(study):
        for test in ast.walk(function):
            if not isinstance(test, ast.If) or not _ran(study, test):
                continue
            if any(_ran(study, s) for s in test.body):
                continue
            frozen = _frozen_state(study, test)
            if frozen is not None:
                yield Violation(
                    study.span(test.body[0]),
                    f"This branch can never run: `{ast.unparse(test.test)}` waits for `{frozen}` to change, and "
                    "nothing that "
                    "runs changes it.",
                )


def _frozen_state(study: Study, test: ast.If) -> str | None:
    """A counter that starts at a literal, decides ``test`` alone, and whose updates never ran."""
    if not any(_advances(s) for s in test.body):
        return None
    attributes = {n.attr for n in ast.walk(test.test) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)}
    locals_ = {n.id for n in ast.walk(test.test) if isinstance(n, ast.Name) and n.id not in ("self", "cls")}
    if len(attributes) != 1 or locals_ or any(isinstance(n, ast.Call) for n in ast.walk(test.test)):
        return None
    name = next(iter(attributes))
    if name in hyperparameters(study) or name in ("last_epoch", "_step_count"):
        return None
    writes = [u for f in functions_of(study) for u in updates(f) if u.name == name]
    ran = [u for u in writes if _ran(study, u.statement) and not _in_constructor(study, u)]
    started = [
        u for u in writes if _in_constructor(study, u) and isinstance(getattr(u.statement, "value", None), ast.Constant)
    ]
    elsewhere = [u for u in writes if u not in started and not any(u.statement is n for n in ast.walk(test))]
    if any(_waits_for_a_call(study, u.statement) or _is_for_others(study, u.statement) for u in elsewhere):
        return None
    return f"self.{name}" if started and not ran and len(writes) > len(started) else None


def _is_for_others(study: Study, statement: ast.stmt) -> bool:
    """Whether a statement stands in a method that only code outside the class can call: ``set_logging(...)``."""
    function = study.names.enclosing(statement, ast.FunctionDef)
    if not isinstance(function, ast.FunctionDef) or not isinstance(study.names.parents.get(function), ast.ClassDef):
        return False
    named = {n.attr for root in study.site.nodes for n in ast.walk(root) if isinstance(n, ast.Attribute)}
    return not function.name.startswith("_") and function.name not in named | _ASKED


def _waits_for_a_call(study: Study, statement: ast.stmt) -> bool:
    """Whether a call that is asked in training decides if a statement runs: in its function, or around its call."""
    function = study.names.enclosing(statement, ast.FunctionDef)
    calls = [
        n
        for f in functions_of(study)
        for n in ast.walk(f)
        if isinstance(n, ast.Call)
        and isinstance(function, ast.FunctionDef)
        and getattr(n.func, "attr", getattr(n.func, "id", None)) == function.name
    ]
    return any(
        isinstance(around, ast.If) and any(isinstance(n, ast.Call) for n in ast.walk(around.test))
        for node in (statement, *calls)
        for around in study.names.ancestors(node)
    )


def _ran(study: Study, statement: ast.stmt) -> bool:
    return any(statement in trace.statements for run in study.runs for trace in _traces(run))


def _traces(run: Run) -> list[Trace]:
    return [trace for trace in (run.built, run.stepped) if trace is not None]


def _in_constructor(study: Study, update: Update) -> bool:
    owner = study.names.enclosing(update.statement, ast.FunctionDef)
    return isinstance(owner, ast.FunctionDef) and owner.name == "__init__"


def _advances(statement: ast.stmt) -> bool:
    """A dead statement worth a word: it would have changed state that outlives the call."""
    if isinstance(statement, ast.AugAssign):
        return True
    if isinstance(statement, ast.Assign):
        return any(isinstance(t, ast.Attribute | ast.Subscript) for t in statement.targets)
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return isinstance(statement.value.func, ast.Attribute) and statement.value.func.attr == "step"
    return False


def _headline(statement: ast.stmt) -> str:
    return ast.unparse(statement).splitlines()[0]
