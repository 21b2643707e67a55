"""For LR101: a loop over parameters or groups that overwrites the multiplier it was given. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.structure import assignments, statements
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.sites.vocabulary import names_rate

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def overwritten_in_a_loop(study: Study) -> Iterator[Violation]:
    """A parameter that one branch keeps (``m = m``) and another sets, so that later turns keep what was set."""
    for function in study.names.nodes:
        if not isinstance(function, _FUNCTIONS):
            continue
        given = {a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}
        for loop in statements(function.body):
            if isinstance(loop, ast.For):
                yield from _overwritten(study, loop, {name for name in given if names_rate(name)})


def _overwritten(study: Study, loop: ast.For, given: set[str]) -> Iterator[Violation]:
    kept: dict[str, ast.stmt] = {}
    changed: dict[str, ast.stmt] = {}
    for statement in statements(loop.body):
        for target, value in assignments(statement):
            if isinstance(target, ast.Name) and target.id in given:
                same = isinstance(value, ast.Name) and value.id == target.id
                (kept if same else changed).setdefault(target.id, statement)
    for name in kept.keys() & changed.keys():
        branch = study.names.parents[changed[name]]
        if isinstance(branch, ast.If) and isinstance(study.names.parents[kept[name]], ast.If):
            if any(isinstance(a, ast.For | ast.While) and a is not loop for a in _between(study, branch, loop)):
                continue
            yield Violation(
                study.span(changed[name]),
                f"This overwrites the parameter `{name}`, which `{ast.unparse(kept[name])}` (line {kept[name].lineno}) "
                "means to keep: from the next turn of the loop on, the value that was given is gone.",
            )


def _between(study: Study, node: ast.AST, loop: ast.For) -> Iterator[ast.AST]:
    for around in study.names.ancestors(node):
        if around is loop:
            return
        yield around


__all__ = ["overwritten_in_a_loop"]
