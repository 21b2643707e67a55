"""LR210: a way through the schedule that comes out without a rate."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from weakref import WeakKeyDictionary

from lrfix.domains.kinds import is_number
from lrfix.domains.roles import Role, role_of
from lrfix.driving.laboratory import Failure, Run
from lrfix.experiments.assigned import may_read_unassigned
from lrfix.experiments.extent import extent
from lrfix.experiments.grid import Case, Grid
from lrfix.experiments.known_choices import knows_some_alone
from lrfix.experiments.reached import spared_by
from lrfix.experiments.structure import functions_of, statements
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.names import Names
from lrfix.registry import rule
from lrfix.sites.vocabulary import speaks_of_rate
from lrfix.trees import runs_off, terminates

_Function = ast.FunctionDef | ast.AsyncFunctionDef
#: Called for what they do; ``return scheduler.step()`` returns nothing too.
_PROCEDURES = frozenset({"step", "update", "backward", "zero_grad", "load_state_dict"})
_FAILING: WeakKeyDictionary[Names, bool] = WeakKeyDictionary()


@rule("LR210")
def missing_return(study: Study) -> Iterator[Violation]:
    dropped = [(f, s) for f in functions_of(study) for s in _dropped_values(f)]
    for function, statement in dropped:
        yield Violation(
            study.span(statement),
            f"`{ast.unparse(statement).splitlines()[0]}` computes a value and drops it: on this way `{function.name}` "
            "returns None, on the others a rate. Write `return` before it.",
        )
    if dropped or study.opaque is not None:
        return
    for case in _cases(study) if _may_fail(study.names) else ():
        found = _without_a_rate(study, case) or _unassigned(study, case)
        if found is not None:
            yield found
            return
    yield from _kept_nothing(study)


def _kept_nothing(study: Study) -> Iterator[Violation]:
    """A rate that is kept as an attribute becomes None, in every run: the result of a call that has none."""
    if not study.ran:
        return
    traces = [trace for trace in (study.runs[0].built, study.runs[0].stepped) if trace is not None]
    for write in [w for trace in traces for w in trace.writes]:
        statement = study.names.statement_of(write.node)
        if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
            continue
        if write.new is None and speaks_of_rate(write.name):
            called = _last_name(statement.value.func)
            silent = [f for trace in traces for f in trace.nothing if isinstance(f, ast.FunctionDef)]
            lost = next((f for f in silent if f.name == called and _returns_values(f)), None)
            yield Violation(
                study.span(statement if lost is None else _open_end(lost)),
                f"`{write.name}` becomes None in line {statement.lineno}: what is called there ends without "
                "a rate, and until it is set again whoever reads the rate, or saves it, gets None.",
            )
            return


def _cases(study: Study) -> Iterator[Case]:
    grid = Grid(study)
    yield from grid.values()
    yield from grid.flags()
    yield from grid.edges()


def _without_a_rate(study: Study, case: Case) -> Violation | None:
    """Every run of the case ends on the None that one of the site's functions came out with."""
    silent = case.shown(_silent)
    failure = case.run.failure
    if silent is None or failure is None or knows_some_alone(study.names, silent):
        return None
    when = "when the scheduler is built" if failure.step < 0 else f"at step {failure.step}"
    setting = case.setting.aside
    spared = _spared(study, case, failure)
    message = (
        f"`{silent.name}` ends here without a rate and returns None{setting}: {when} "
        f"training fails{spared} with {failure.kind}: {failure.message}."
    )
    end = _open_end(silent)
    found = case.violation(study, study.span(end), message, [failure.step - 2, failure.step - 1])
    loud = not spared and all(_inside(study, run) for run in case.runs)
    return found if loud else Violation(found.span, found.message, found.evidence, advice=True)


def _spared(study: Study, case: Case, failure: Failure) -> str:
    """The default that leads past an exception, as it stands in a sentence about that."""
    spared = spared_by(study, failure) if case.setting.axis == "values" else None
    return f", unless {spared}," if spared is not None else ""


def _silent(run: Run) -> ast.FunctionDef | None:
    """The function of the site that returned None at the step at which the run ends for want of a number."""
    failure = run.failure
    if failure is None or not _for_want_of_a_number(failure):
        return None
    for trace in (run.stepped, run.built):
        for definition, steps in (trace.nothing if trace is not None else {}).items():
            if not isinstance(definition, ast.FunctionDef) or failure.step not in steps:
                continue
            if _says_none(definition):
                return None  # what hands it on comes out without a rate as well, and means to
            if not _may_be_silent(definition):
                continue  # it hands on what another came out with
            if not (failure.node is not None and _holds(definition, failure.node)):
                return definition
    return None


def _may_fail(names: Names) -> bool:
    """Whether any function of a file may come out with nothing, or read what it has not assigned: else no run does."""
    known = _FAILING.get(names)
    if known is None:
        functions = [n for n in names.nodes if isinstance(n, ast.FunctionDef)]
        known = _FAILING[names] = any(_may_be_silent(n) or may_read_unassigned(n) for n in functions)
    return known


def _may_be_silent(function: ast.FunctionDef) -> bool:
    """Whether a function returns a value on one way and comes to its end without one on another."""
    return runs_off(function) and _returns_values(function)


def _says_none(function: ast.FunctionDef) -> bool:
    """Whether a function says that it may have nothing to give: ``return rates if due else None``."""
    returned = [s.value for s in ast.walk(function) if isinstance(s, ast.Return) and s.value is not None]
    parts = [
        part for value in returned for part in ([value.body, value.orelse] if isinstance(value, ast.IfExp) else [value])
    ]
    return any(isinstance(part, ast.Constant) and part.value is None for part in parts)


def _for_want_of_a_number(failure: Failure) -> bool:
    if failure.kind == "InvalidRate":
        return failure.message.endswith("None")
    return failure.kind == "TypeError" and "NoneType" in failure.message


def _holds(function: ast.AST, node: ast.AST) -> bool:
    return any(inner is node for inner in ast.walk(function))


def _inside(study: Study, run: Run) -> bool:
    """Whether training reaches the step at which the run ends: its start, its own length, or what the loop asks for."""
    step = run.failure.step if run.failure is not None else 0
    reached = extent(study, run)
    horizon, looped = study.horizon(run), reached.used if reached is not None and reached.counted else None
    # Training goes on after its first phases, which may hold their last step, and up to its last milestone.
    ends = [1 + end for end in study.lengths(run, Role.WARMUP, Role.WARMUP_EPOCHS, Role.HOLD).values()]
    lists = [v for p, v in run.leaves.items() if role_of(p) is Role.MILESTONES and isinstance(v, list | tuple)]
    ends += [max(steps) - 1 for steps in lists if steps and all(map(is_number, steps))]
    ends += [end - 1 for end in (horizon, looped) if end is not None]
    return step <= max(ends, default=0)


def _unassigned(study: Study, case: Case) -> Violation | None:
    """Every run of the case reads a local variable that nothing on its way has assigned."""
    failure = case.run.failure
    if failure is None or failure.node is None or failure.node not in study.names.parents:
        return None
    if any(run.opaque or run.failure is None or run.failure.kind != "UnboundLocalError" for run in case.runs):
        return None
    if not all(run.failure is not None and _inside(study, run) for run in case.runs):
        return None
    # A text or a flag that nobody states may be one for which no branch was written.
    if any(v is None or isinstance(v, bool | str) for run in case.runs for v in run.leaves.values()):
        return None
    name, spared = ast.unparse(failure.node), _spared(study, case, failure)
    function = study.names.enclosing(failure.node, (ast.FunctionDef, ast.AsyncFunctionDef))
    if function is not None and knows_some_alone(study.names, function, name):
        return None
    found = case.violation(
        study,
        study.span(failure.node),
        f"`{name}` is read here and nothing on the way to this line has assigned it: at step {max(failure.step, 0)} "
        f"there is no rate{spared or ','} and Python raises UnboundLocalError.",
        [failure.step - 1],
    )
    return replace(found, advice=found.advice or bool(spared))


def _dropped_values(function: _Function) -> Iterator[ast.stmt]:
    """Bare expressions at the very end of a way through a function that returns a value on another."""
    if not _returns_values(function):
        return
    for statement in _ends_of(function.body):
        if isinstance(statement, ast.Expr) and _is_value(function, statement.value):
            yield statement


def _ends_of(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The last statements of the ways that run off the end of a body."""
    if not body or any(terminates(s) for s in body):
        return
    last = body[-1]
    if isinstance(last, ast.If):
        yield from _ends_of(last.body)
        yield from _ends_of(last.orelse)
    elif isinstance(last, ast.With):
        yield from _ends_of(last.body)
    else:
        yield last


def _is_value(function: _Function, value: ast.expr) -> bool:
    """An expression written for its value: arithmetic, or a call of what the other ways return the result of."""
    if isinstance(value, ast.BinOp | ast.IfExp | ast.Compare):
        return True
    called = _last_name(value.func) if isinstance(value, ast.Call) else None
    if called is None or called in _PROCEDURES:
        return False
    kept = {
        _last_name(n.func)
        for s in statements(function.body)
        if isinstance(s, ast.Return | ast.Assign) and s.value is not None
        for n in ast.walk(s.value)
        if isinstance(n, ast.Call)
    }
    return called == function.name or called in kept


def _open_end(function: _Function) -> ast.AST:
    """Where the way without a rate ends: the last condition of the chain that ends a function, or its last line."""
    last = function.body[-1]
    found: ast.AST = last
    while isinstance(last, ast.If):
        found = last.test
        open_branch = last.orelse if any(terminates(s) for s in last.body) else last.body
        if not open_branch:
            break
        last = open_branch[-1]
    return found if isinstance(found, ast.expr) or not isinstance(last, ast.For | ast.While | ast.Try) else last


def _returns_values(function: _Function) -> bool:
    own = list(statements(function.body))
    if any(isinstance(n, ast.Yield | ast.YieldFrom) for s in own for n in ast.walk(s)):
        return False
    return any(isinstance(s, ast.Return) and s.value is not None and not _none(s.value) for s in own)


def _none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _last_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None
