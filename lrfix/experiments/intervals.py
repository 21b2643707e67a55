"""Loops that step a decaying scheduler every so many turns: 0 is a multiple of every interval."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.facts import literal
from lrfix.driving.forms.loops import numbered
from lrfix.experiments.study import Study
from lrfix.names import Assigned, Augmented
from lrfix.sites.stock import given, stock_scheduler
from lrfix.trees import walk

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


def decays_at_once(study: Study) -> Iterator[tuple[ast.If, str, str]]:
    """The tests that let a scheduler, each of whose steps is a decay, take its first one after the first turn.

    With the scheduler that is stepped, and the interval.
    """
    decaying = _decaying(study)
    for node in study.names.nodes if decaying else ():
        tested = _multiple_of(node.test) if isinstance(node, ast.If) else None
        if not isinstance(node, ast.If) or tested is None:
            continue
        counter, interval = tested
        stepped = [held for held in map(_stepped, node.body) if held in decaying]
        if len(node.body) == 1 and stepped and _starts_at_zero(study, counter, node):
            yield node, str(stepped[0]), ast.unparse(interval)


def _decaying(study: Study) -> set[str]:
    """The names of schedulers that lower the rate at every step."""
    found = set()
    for node in study.names.nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and len(node.targets) == 1:
            base = stock_scheduler(study.names, node.value)
            always = base == "StepLR" and literal(given(study.names, node.value).get("step_size")) == 1
            if base in ("ExponentialLR", "MultiplicativeLR") or always:
                found.add(ast.unparse(node.targets[0]))
    return found


def _multiple_of(test: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """Counter and interval of ``counter % interval == 0``."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return None
    left, right = test.left, test.comparators[0]
    if not isinstance(left, ast.BinOp) or not isinstance(left.op, ast.Mod) or literal(right) != 0:
        return None
    if not isinstance(left.left, ast.Name | ast.Attribute) or literal(left.right) == 1:
        return None
    return left.left, left.right


def _stepped(statement: ast.stmt) -> str | None:
    call = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "step":
        return ast.unparse(call.func.value)
    return None


def _starts_at_zero(study: Study, counter: ast.expr, test: ast.If) -> bool:
    """Whether a counter is 0 when the test is made for the first time."""
    text = ast.unparse(counter)
    for around in study.names.ancestors(test):
        if isinstance(around, _FUNCTIONS):
            break
        if isinstance(around, ast.For):
            counted = _counted_from_zero(around)
            if counted == text:
                return not _counted_up(study, text, around)
            if text in {ast.unparse(n) for n in walk(around.target) if isinstance(n, ast.Name)}:
                return False
    loop = study.names.enclosing(test, _LOOPS)
    if loop is None:
        return False
    started = [value for value in _values(study, counter) if value is not None]
    return bool(started) and all(literal(v) == 0 for v in started) and _only_counted_after(study, text, test, loop)


def _counted_from_zero(loop: ast.For) -> str | None:
    """The variable of a loop that numbers its turns from 0."""
    call = loop.iter
    while isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in ("tqdm", "trange") and call.args:
        if ast.unparse(call.func).endswith("trange"):
            break
        call = call.args[0]
    if not isinstance(call, ast.Call) or not call.args:
        return None
    name = ast.unparse(call.func).rpartition(".")[2]
    first = call.args[0]
    if name in ("range", "trange") and isinstance(loop.target, ast.Name):
        return loop.target.id if len(call.args) == 1 or literal(first) == 0 else None
    if name == "enumerate" and len(call.args) == 1 and not call.keywords:
        number = numbered(loop.target)
        return number.id if isinstance(number, ast.Name) else None
    return None


def _counted_up(study: Study, text: str, loop: ast.AST) -> bool:
    return any(
        (isinstance(n, ast.AugAssign) and ast.unparse(n.target) == text)
        or (isinstance(n, ast.Assign) and any(ast.unparse(t) == text for t in n.targets))
        for n in walk(loop)
    )


def _values(study: Study, counter: ast.expr) -> Iterator[ast.expr | None]:
    """Everything a counter is set to in this file, other than by counting up."""
    if isinstance(counter, ast.Name):
        for binding in study.names.bindings(counter.id, counter):
            if isinstance(binding, Assigned) and not binding.index:
                yield binding.value
            elif not isinstance(binding, Augmented):
                yield counter
        return
    text = ast.unparse(counter)
    for node in study.names.nodes:
        if (isinstance(node, ast.Assign) and any(ast.unparse(t) == text for t in node.targets)) or (
            isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == text
        ):
            yield node.value


def _only_counted_after(study: Study, text: str, test: ast.If, loop: ast.AST) -> bool:
    """Whether the counter goes up by one after the test, in the block of the test, and nowhere else."""
    counts = [n for n in study.names.nodes if isinstance(n, ast.AugAssign) and ast.unparse(n.target) == text]
    return (
        len(counts) == 1
        and literal(counts[0].value) == 1
        and isinstance(counts[0].op, ast.Add)
        and counts[0] in getattr(study.names.parents[test], "body", [])
        and counts[0].lineno > test.lineno
        and loop in study.names.ancestors(counts[0])
    )


__all__ = ["decays_at_once"]
