"""LR210: a way through the schedule that comes out without a rate."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.checks.assigned import unassigned_reads
from lrfix.domains.roles import Role
from lrfix.experiments.structure import functions_of, methods, statements, terminates
from lrfix.experiments.study import Study
from lrfix.experiments.training_loop import loop_steps
from lrfix.findings import Violation
from lrfix.names import Defined
from lrfix.registry import rule
from lrfix.sites.vocabulary import speaks_of_rate

_Function = ast.FunctionDef | ast.AsyncFunctionDef
#: Called for what they do; `return scheduler.step()` returns nothing too.
_PROCEDURES = frozenset({"step", "update", "backward", "zero_grad", "load_state_dict"})


@rule("LR210")
def missing_return(study: Study) -> Iterator[Violation]:
    dropped = [(f, s) for f in functions_of(study) for s in _dropped_values(f)]
    for function, statement in dropped:
        yield Violation(
            study.span(statement),
            f"`{_headline(statement)}` computes a value and drops it: on this way `{function.name}` returns None, on "
            "the others a rate. Write `return` before it.",
        )
    if not dropped:
        yield from _falls_off(study)
    yield from _results_of_nothing(study)
    yield from _never_assigned(study)


def _falls_off(study: Study) -> Iterator[Violation]:
    """The simulated run ends on a None that one of the site's functions returned, at a step that training reaches."""
    if study.opaque is not None:
        return
    for run in study.runs:
        failure = run.failure
        if failure is None or failure.kind != "TypeError" or "NoneType" not in failure.message:
            return
        horizon, looped = study.horizon(run), loop_steps(study, run)
        # Training goes on after its warmup, whatever its length.
        warmups = study.lengths(run, Role.WARMUP, Role.WARMUP_EPOCHS).values()
        inside = [*warmups, *([horizon] if horizon is not None else [])]
        reached = failure.step <= 0 or (bool(inside) and failure.step <= max(inside))
        if not reached and not (looped is not None and failure.step < looped):
            return
    failure = study.runs[0].failure
    if failure is None:
        return
    for function in functions_of(study):
        if failure.node is not None and any(n is failure.node for n in ast.walk(function)):
            continue
        last = _open_end(function)
        if last is not None and _returns_values(function):
            when = "when the scheduler is built" if failure.step < 0 else f"at step {failure.step}"
            yield Violation(
                study.span(last),
                f"No branch of `{function.name}` takes the steps that this last condition leaves over: there it "
                f"returns None, {when} in the simulated run, which ends with TypeError: {failure.message}.",
                study.evidence(study.runs[0], [failure.step - 2, failure.step - 1]),
            )
            return


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
    if not isinstance(value, ast.Call):
        return False
    called = _last_name(value.func)
    if called is None or called in _PROCEDURES:
        return False
    elsewhere = {
        _last_name(n.func)
        for s in statements(function.body)
        if isinstance(s, ast.Return) and s.value is not None
        for n in ast.walk(s.value)
        if isinstance(n, ast.Call)
    }
    used = {
        _last_name(s.value.func)
        for s in statements(function.body)
        if isinstance(s, ast.Assign) and isinstance(s.value, ast.Call)
    }
    return called == function.name or called in elsewhere | used


def _open_end(function: _Function) -> ast.expr | None:
    """The last condition of the chain of branches that ends a function and covers only part of the steps."""
    body = function.body
    if not body or any(terminates(s) for s in body):
        return None
    last = body[-1]
    while isinstance(last, ast.If):
        if not last.orelse:
            return last.test
        if len(last.orelse) == 1 and isinstance(last.orelse[0], ast.If) and any(terminates(s) for s in last.body):
            last = last.orelse[0]
            continue
        open_branch = last.orelse if any(terminates(s) for s in last.body) else last.body
        inner = open_branch[-1]
        if not isinstance(inner, ast.If):
            return last.test
        last = inner
    return None


def _results_of_nothing(study: Study) -> Iterator[Violation]:
    """``self.lr = self.step()`` where ``step`` returns nothing."""
    node = study.node
    if not isinstance(node, ast.ClassDef):
        return
    known: dict[str, ast.FunctionDef] = {}
    for owner in _line(study, node):
        for function in methods(owner):
            known.setdefault(function.name, function)
    silent = {name: m for name, m in known.items() if _returns_nothing(m)}
    derived = [
        n
        for n in study.names.nodes
        if isinstance(n, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id == node.name for b in n.bases)
    ]
    for other in derived:
        for overriding in methods(other):
            if not _returns_nothing(overriding):
                silent.pop(overriding.name, None)
    for function in known.values():
        for statement in statements(function.body):
            if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
                continue
            called = statement.value.func
            if not (isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name)):
                continue
            target = _last_name(statement.targets[0]) or ""
            if called.value.id == "self" and called.attr in silent and speaks_of_rate(target):
                yield Violation(
                    study.span(statement),
                    f"`{called.attr}` (line {silent[called.attr].lineno}) returns nothing: the rate "
                    f"`{ast.unparse(statement.targets[0])}` is None until it is set again.",
                )


def _line(study: Study, node: ast.ClassDef) -> Iterator[ast.ClassDef]:
    """The class and its bases in this file, nearest first."""
    seen: list[ast.ClassDef] = [node]
    for known in seen:
        yield known
        for base in known.bases:
            for binding in study.names.bindings(base.id, known) if isinstance(base, ast.Name) else ():
                if isinstance(binding, Defined) and isinstance(binding.node, ast.ClassDef) and binding.node not in seen:
                    seen.append(binding.node)


def _never_assigned(study: Study) -> Iterator[Violation]:
    """A local variable read where no way that leads there has assigned it."""
    inside = {n for node in study.site.nodes for n in ast.walk(node)}
    functions: list[ast.AST] = list(functions_of(study))
    if not functions:
        around = study.names.enclosing(study.node, (ast.FunctionDef, ast.AsyncFunctionDef))
        functions = [around] if around is not None else []
    for function in functions:
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for read in unassigned_reads(function):
            if read in inside:
                yield Violation(
                    study.span(read),
                    f"`{read.id}` is read here and nothing on the way to this line has assigned it: whenever "
                    "training comes this way there is no rate, and Python raises UnboundLocalError.",
                )
                return


def _returns_values(function: _Function) -> bool:
    own = list(statements(function.body))
    if any(isinstance(n, ast.Yield | ast.YieldFrom) for s in own for n in ast.walk(s)):
        return False
    return any(isinstance(s, ast.Return) and not _none(s.value) for s in own)


def _returns_nothing(function: ast.FunctionDef) -> bool:
    if function.decorator_list or any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(function)):
        return False
    own = list(statements(function.body))
    abstract = all(
        isinstance(s, ast.Raise | ast.Pass) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in function.body
    )
    return not abstract and not any(isinstance(s, ast.Return | ast.Raise) for s in own)


def _none(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def _last_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _headline(statement: ast.stmt) -> str:
    return ast.unparse(statement).splitlines()[0]
