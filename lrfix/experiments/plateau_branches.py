"""What code for schedulers of any class does with a metric: by branches on the class, or by leaving it out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from lrfix.experiments.study import Study
from lrfix.experiments.training import traces
from lrfix.sites.vocabulary import words
from lrfix.tracing.events import Kind
from lrfix.tracing.library import names_scheduler
from lrfix.tracing.metrics import METRICS
from lrfix.tracing.values import Scheduler
from lrfix.trees import walk

_PLATEAU = "ReduceLROnPlateau"


def told_by_class(study: Study) -> Iterator[tuple[ast.Call, bool]]:
    """Steps on the side of a test of a scheduler's class that the class on it does not fit: of a ReduceLROnPlateau
    (True) without a metric, of all others with one."""
    for branch in study.names.nodes:
        if not isinstance(branch, ast.If):
            continue
        subject, side = _class_test(branch.test)
        if subject is None:
            continue
        for plateau, block in ((side, branch.body), (not side, branch.orelse)):
            for call in _steps(study, branch, block, subject):
                if plateau and not (call.args or call.keywords):
                    yield call, plateau
                if not plateau and call.args and _is_metric(call.args[0]):
                    yield call, plateau


def left_unused(study: Study) -> Iterator[tuple[ast.Call, str]]:
    """Steps of schedulers of unknown class in a function that is given a metric and never looks at it."""
    built = {
        id(event.node)
        for trace in traces(study)
        for event in trace.of(Kind.STEP)
        if isinstance(event.thing, Scheduler) and event.thing.built
    }
    for function in study.names.nodes:
        if not isinstance(function, ast.FunctionDef) or function.name != "step":
            continue
        metric = next((a.arg for a in function.args.args[1:] if _METRIC_NAMES & {a.arg} or _named(a.arg)), None)
        if metric is None or any(isinstance(n, ast.Name) and n.id == metric for n in walk(function)):
            continue
        for call in walk(function):
            if isinstance(call, ast.Call) and _steps_schedulers(study, call) and id(call) not in built:
                yield call, metric


_METRIC_NAMES = frozenset({"metrics", "metric"})


def _named(name: str) -> bool:
    spoken = set(words(name))
    return len(spoken) > 1 and bool(spoken & {"val", "valid", "validation"}) and bool(spoken & {"loss", "metric"})


def _class_test(test: ast.expr) -> tuple[str | None, bool]:
    """What a condition asks to be a ReduceLROnPlateau, and whether it holds where that is one."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        subject, side = _class_test(test.operand)
        return subject, not side
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and len(test.args) == 2:
        if test.func.id == "isinstance" and _is_plateau(test.args[1]):
            return ast.unparse(test.args[0]), True
        return None, True
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and _is_plateau(test.comparators[0]):
        left, same = test.left, isinstance(test.ops[0], ast.Eq | ast.Is)
        if not same and not isinstance(test.ops[0], ast.NotEq | ast.IsNot):
            return None, True
        if isinstance(left, ast.Call) and ast.unparse(left.func) == "type" and len(left.args) == 1:
            return ast.unparse(left.args[0]), same
        if isinstance(left, ast.Attribute) and left.attr == "__class__":
            return ast.unparse(left.value), same
    return None, True


def _is_plateau(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node).rpartition(".")[2] == _PLATEAU


def _steps(study: Study, branch: ast.If, block: list[ast.stmt], subject: str) -> Iterator[ast.Call]:
    """The steps of it in a block, but for those behind another test of its class."""
    for statement in block:
        for node in walk(statement):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"{subject}.step":
                tests = (a.test for a in study.names.ancestors(node) if isinstance(a, ast.If) and a is not branch)
                if not any(subject in ast.unparse(test) and _ASKED.search(ast.unparse(test)) for test in tests):
                    yield node


_ASKED = re.compile(r"\b(isinstance|type|__class__|__name__|issubclass|hasattr)\b")


def _is_metric(node: ast.expr) -> bool:
    spoken = set(words(ast.unparse(node))) if isinstance(node, ast.Name | ast.Attribute) else set()
    return bool(spoken & METRICS)


def _steps_schedulers(study: Study, call: ast.Call) -> bool:
    """Whether it steps a scheduler that an object holds, or each of several."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr != "step":
        return False
    stepped = function.value
    around = study.names.enclosing(call, ast.For)
    if isinstance(stepped, ast.Name) and isinstance(around, ast.For) and stepped.id in ast.unparse(around.target):
        held = around.iter.func if isinstance(around.iter, ast.Call) else around.iter
        stepped = held.value if isinstance(held, ast.Attribute) and held.attr in ("values", "items") else held
    return isinstance(stepped, ast.Attribute) and names_scheduler(ast.unparse(stepped))


__all__ = ["left_unused", "told_by_class"]
