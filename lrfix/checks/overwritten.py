"""For LR106: a rate that a branch sets and the next statement sets anew, whatever the branch did. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.structure import functions_of, statements, terminates
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.sites.vocabulary import names_position, names_rate, speaks_of_step, words

_LIBRARIES = frozenset({"math", "np", "numpy", "torch"})
_BUILTINS = frozenset({"min", "max", "float", "int", "abs", "pow", "len", "cos", "sqrt"})
_FACTORS = frozenset({"factor", "scale", "multiplier", "coeff", "mult"})


def overwritten(study: Study) -> Iterator[Violation]:
    """``if step < warmup: lr = ...`` followed by ``lr = ...`` without an ``else``: the branch changes nothing."""
    bodies = [list(f.body) for f in functions_of(study)] or [[n for n in study.site.nodes if isinstance(n, ast.stmt)]]
    for body in bodies:
        for block in _blocks(body):
            for index, branch in enumerate(block):
                if isinstance(branch, ast.If) and _by_position(branch.test):
                    yield from _lost(study, branch, block[index + 1 :])


def _lost(study: Study, branch: ast.If, following: list[ast.stmt]) -> Iterator[Violation]:
    for statement in _assigned_last(branch.body):
        target = ast.unparse(statement.targets[0])
        again = next((s for s in following if _mentions(s, target)), None)
        if (
            isinstance(again, ast.Assign)
            and [ast.unparse(t) for t in again.targets] == [target]
            and not _mentions(again.value, target)
            and not _calls_own(again.value)
            and not isinstance(again.value, ast.Constant)
            and ast.unparse(again.value) != ast.unparse(statement.value)
        ):
            yield Violation(
                study.span(statement),
                f"`{target}` is set here and set anew in line {again.lineno}, whatever `{ast.unparse(branch.test)}` "
                f"says: what this branch works out is never used. Put line {again.lineno} into an `else`.",
            )


def _assigned_last(body: list[ast.stmt]) -> Iterator[ast.Assign]:
    """The assignments of a rate in a branch from which the run goes on."""
    if any(terminates(s) or isinstance(s, ast.Continue | ast.Break) for s in statements(body)):
        return
    for statement in body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and _is_rate(statement.targets[0]):
            target = ast.unparse(statement.targets[0])
            if not any(s is not statement and _mentions(s, target) for s in body):
                yield statement


def _is_rate(target: ast.expr) -> bool:
    if not isinstance(target, ast.Name):
        return False
    return names_rate(target.id) or bool(_FACTORS & set(words(target.id)))


def _by_position(test: ast.expr) -> bool:
    """A test of the position in training alone: one of a mode may come with a test of its own further down."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Lt | ast.LtE):
        return False
    left = test.left
    name = left.attr if isinstance(left, ast.Attribute) else left.id if isinstance(left, ast.Name) else ""
    return names_position(name) or (speaks_of_step(name) and "last" in words(name))


def _mentions(node: ast.AST, target: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == target for n in ast.walk(node))


def _calls_own(value: ast.expr) -> bool:
    """Whether a value comes from a call that may know of the branch: of a method, of a closure."""
    for node in ast.walk(value):
        if isinstance(node, ast.Call):
            function = node.func
            library = isinstance(function, ast.Attribute) and ast.unparse(function.value) in _LIBRARIES
            if not library and not (isinstance(function, ast.Name) and function.id in _BUILTINS):
                return True
    return False


def _blocks(body: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    yield body
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for name in ("body", "orelse", "finalbody"):
            inner = getattr(statement, name, None)
            if isinstance(inner, list) and inner and isinstance(inner[0], ast.stmt):
                yield from _blocks(inner)


__all__ = ["overwritten"]
