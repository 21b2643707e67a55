"""What the name of a schedule promises, held against its curve. No rules here."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from lrfix.experiments.study import Study, constant
from lrfix.sites.vocabulary import torch_scheduler, words

#: Shapes that no constant has.
_SHAPES = {
    "cosine": "cosine",
    "annealing": "annealing",
    "poly": "polynomial decay",
    "polynomial": "polynomial decay",
    "exponential": "exponential decay",
    "decay": "decay",
    "restarts": "restarts",
    "cyclic": "cycles",
}
#: What may stand beside the constant: a warmup, and what joins it to the rest.
_BESIDE = frozenset({"LinearLR", "ConstantLR", "SequentialLR", "ChainedScheduler", "LambdaLR", "MultiplicativeLR"})
_NOT_SO = frozenset({"constant", "fixed", "no", "none", "without", "or", "dummy", "weight", "wd", "test"})


@dataclass(frozen=True)
class Broken:
    """A name, the word in it that promises a shape, and the step from which the rate is constant."""

    name: str
    word: str
    since: int


def promise(study: Study) -> Broken | None:
    """The promise that a function's name makes and its only schedule breaks in every scenario."""
    if study.site.form not in ("lambda", "composition") or study.unvaried is not None:
        return None
    function = study.names.enclosing(study.node, ast.FunctionDef)
    if not isinstance(function, ast.FunctionDef):
        return None
    spoken = words(function.name)
    shape = next((_SHAPES[word] for word in spoken if word in _SHAPES), None)
    if shape is None or _NOT_SO & set(spoken):
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
        if len(run.curve) < 40 or top > len(run.curve) // 2 or not constant(run.curve[top:]):
            return None
        since = max(since, top)
    return Broken(function.name, shape, since) if study.runs else None


def _branches(study: Study, function: ast.FunctionDef) -> bool:
    """Whether the function may return something else as well."""
    own = [n for n in ast.walk(function) if isinstance(n, ast.Return)]
    return sum(study.names.enclosing(n, ast.FunctionDef) is function for n in own) > 1


__all__ = ["Broken", "promise"]
