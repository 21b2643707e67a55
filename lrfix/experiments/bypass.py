"""Whether a scheduler class asks the schedule that is written in it."""

from __future__ import annotations

import ast

from lrfix.driving.laboratory import Run
from lrfix.experiments.structure import Function, handed_over, method, methods, writes_rates
from lrfix.experiments.study import Study, constant
from lrfix.trees import walk

_FACTORS = ("LambdaLR", "MultiplicativeLR")


def bypassed(study: Study) -> tuple[ast.FunctionDef, Function] | None:
    """The override, and the schedule that no run ever asks because of it."""
    node = study.node
    if study.site.form != "subclass" or not isinstance(node, ast.ClassDef) or not study.ran:
        return None
    get_lr, step = method(node, "get_lr"), method(node, "step")
    functions = handed_over(node)
    if study.site.base in _FACTORS and get_lr is not None and functions:
        asked = any(_called(run, function) for run in study.runs for function in functions)
        return None if asked else (get_lr, functions[0])
    if step is None or get_lr is None or not study.everywhere(lambda run: all(map(constant, run.lr))):
        return None
    if driven_by_another_method(study) or any(run.stepped and get_lr in run.stepped.calls for run in study.runs):
        return None
    return (step, get_lr) if any(isinstance(n, ast.BinOp) for n in walk(get_lr)) else None


def driven_by_another_method(study: Study) -> bool:
    """Whether somebody may move the rate by a method that lrfix does not know how to call."""
    own = methods(study.node)
    return any(m.name == "step" and not writes_rates(m) for m in own) and any(
        m.name not in ("__init__", "step") and writes_rates(m) for m in own
    )


def _called(run: Run, function: ast.AST) -> bool:
    return any(trace is not None and function in trace.calls for trace in (run.built, run.stepped))


__all__ = ["bypassed", "driven_by_another_method"]
