"""Settings that may be left out: what the code does where one is None and its neighbours are given."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from lrfix.experiments.settings import kept_as, settings_of
from lrfix.experiments.structure import method
from lrfix.experiments.study import Study

_DRAWS = 2
_MOST = 6


@dataclass(frozen=True)
class NotGiven:
    """A setting that is None where it is calculated with, and the line that asks whether it is."""

    name: str
    place: ast.AST
    asked: int
    message: str


def not_given(study: Study) -> NotGiven | None:
    """A setting that the code knows may be None, and calculates with as None where its neighbours are given.

    Settings that are never asked about have to be given, whatever their default says.
    """
    node = study.node
    function = method(node, "__init__") if isinstance(node, ast.ClassDef) else node
    if not isinstance(function, ast.FunctionDef) or study.site.form not in ("subclass", "wrapper", "lambda"):
        return None
    optional = [
        g.name for g in settings_of(function) if isinstance(g.default, ast.Constant) and g.default.value is None
    ]
    held = kept_as(study)
    for name in [n for n in optional if n != function.args.args[0].arg][:_MOST]:
        texts = {name, *(f"self.{attribute}" for attribute, parameter in held.items() if parameter == name)}
        asked = next(_questions(function, texts), None)
        if asked is None:
            continue
        others = {other: _given(study, other) for other in optional if other != name}
        whole: dict[str, object] = {other: value for other, value in others.items() if value is not None}
        runs = [study.run(draw, use=None, overrides={**whole, name: None}) for draw in range(_DRAWS)]
        failures = [run.failure for run in runs if run.opaque is None]
        first = failures[0] if len(failures) == _DRAWS else None
        if first is None or any(f is None or f.kind != "TypeError" or f.node is not first.node for f in failures):
            continue
        if "NoneType" not in first.message or first.node is None:
            continue
        place = study.names.statement_of(first.node) or first.node
        parts = {ast.unparse(n) for n in ast.walk(first.node) if isinstance(n, ast.Name | ast.Attribute)}
        if texts & parts and not set(others) & parts:
            return NotGiven(name, place, asked.lineno, first.message)
    return None


def _questions(function: ast.FunctionDef, texts: set[str]) -> Iterator[ast.expr]:
    """The places that ask whether a setting was given."""
    for node in ast.walk(function):
        asks = isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is | ast.IsNot)
        if asks and isinstance(node, ast.Compare) and ast.unparse(node.left) in texts and _none(node.comparators[0]):
            yield node


def _none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _given(study: Study, name: str) -> object:
    run = study.run(0, use=None)
    value = run.leaves.get(name, run.names.get(name))
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


__all__ = ["NotGiven", "not_given"]
