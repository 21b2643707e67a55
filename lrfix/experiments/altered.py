"""Runs of the code as it would be with one expression replaced, and what an expression is worth while the code runs.

The tree is as before afterwards. What the interpreter keeps on a node is dropped for the node and all around it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lrfix.domains.lengths import FORMULAS
from lrfix.domains.scenarios import Scenario
from lrfix.driving.laboratory import Laboratory, Run
from lrfix.experiments.study import Study
from lrfix.interpreter.values import NativeFunction
from lrfix.names import Names
from lrfix.trees import REMEMBERED, TEXT

#: What is kept on nodes and holds only as long as nothing below them changes.
_KEPT = ("lrfix_closure", "lrfix_shape", FORMULAS, REMEMBERED, TEXT)


@contextmanager
def replaced(names: Names, node: ast.AST, other: ast.AST) -> Iterator[None]:
    """``other`` in the place of ``node``, for as long as the context lasts."""
    ast.copy_location(other, node)
    ast.fix_missing_locations(other)
    parent = names.parents[node]
    _put(parent, node, other)
    _forget(names, node)
    try:
        yield
    finally:
        _put(parent, other, node)
        _forget(names, node)


def run_altered(
    study: Study,
    index: int,
    steps: int | None = None,
    overrides: Mapping[str, object] | None = None,
    beside: Run | None = None,
) -> Run:
    """The run of scenario ``index`` as the tree stands now, up to the first rate that is another than in the run
    ``beside`` it; nothing of it is remembered."""
    scenario = Scenario(index, overrides={**study.settings, **(overrides or {})}, ordinary=study.ordinary)
    return Laboratory(study.names, study.site).run(
        scenario, construction=study.use, steps=steps or study.steps, groups=study.groups, beside=beside
    )


@dataclass(frozen=True)
class Evaluation:
    """What the operands of an expression were when it was evaluated once, and what they gave."""

    operands: tuple[Any, ...]
    value: Any


def evaluations(
    study: Study,
    node: ast.expr | ast.AugAssign,
    operands: list[ast.expr],
    meaning: Callable[..., Any],
    run: Run,
    steps: int,
) -> list[Evaluation]:
    """Every evaluation of ``node`` in ``run``, made again; ``meaning``: what it makes of its operands."""
    found: list[Evaluation] = []

    def evaluate(*values: Any) -> Any:
        value = meaning(*values)
        found.append(Evaluation(values, value))
        return value

    # To the interpreter a constant is whatever value it holds, a function as well.
    function: Any = NativeFunction("a probe", evaluate)
    probe = ast.Call(ast.Constant(function), list(operands), [])
    other = ast.Assign([node.target], probe) if isinstance(node, ast.AugAssign) else probe
    with replaced(study.names, node, other):
        run_altered(study, run.scenario.index, steps, run.scenario.overrides)
    return found


def _put(parent: ast.AST, node: ast.AST, other: ast.AST) -> None:
    for field, value in ast.iter_fields(parent):
        if value is node:
            setattr(parent, field, other)
        elif isinstance(value, list):
            value[:] = [other if part is node else part for part in value]


def _forget(names: Names, node: ast.AST) -> None:
    for around in (node, *names.ancestors(node)):
        for kept in _KEPT:
            around.__dict__.pop(kept, None)


__all__ = ["Evaluation", "evaluations", "replaced", "run_altered"]
