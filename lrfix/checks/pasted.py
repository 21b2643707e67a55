"""For LR211: settings that one place uses for another: pasted stages, overrides that are not asked. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from lrfix.domains.roles import Role, role_of
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.names import Assigned, Names
from lrfix.sites.vocabulary import words

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SPOKEN = frozenset({"lr", "scheduler", "schedule", "sched", "warmup"})


def pasted(study: Study) -> Iterator[Violation]:
    yield from _pasted_stage(study)
    yield from _override_not_asked(study)


def _pasted_stage(study: Study) -> Iterator[Violation]:
    """``lr = Freeze_lr`` in two stages of a script, while ``Unfreeze_lr`` is set and nothing reads it."""
    names = study.names
    read = {n.id for n in names.nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    read |= {n.value for n in names.nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    exported = {n.attr for n in names.nodes if isinstance(n, ast.Attribute)}
    for scope in names.scopes.values():
        unused = [n for n in scope.bindings if _is_rate(n) and n not in read | exported and _setting(scope.bindings[n])]
        for name in unused:
            for sibling in scope.bindings:
                if not (_siblings(name, sibling) and _setting(scope.bindings[sibling])):
                    continue
                uses = [n for n in names.nodes if isinstance(n, ast.Assign) and _takes(n, sibling)]
                pair = next(((a, b) for a in uses for b in uses if _same_in_another_block(names, a, b)), None)
                if pair is not None:
                    yield Violation(
                        study.span(pair[1]),
                        f"Both stages take `{sibling}` (line {pair[0].lineno} too), and `{name}`, which is set for the "
                        "other one, is never read: it has no effect.",
                    )


def _is_rate(name: str) -> bool:
    return role_of(name) in (Role.BASE_RATE, Role.PEAK, Role.FLOOR)


def _setting(bindings: Sequence[object]) -> bool:
    only = bindings[0] if len(bindings) == 1 else None
    return isinstance(only, Assigned) and isinstance(only.value, ast.Constant) and not only.index


def _siblings(one: str, other: str) -> bool:
    """Whether two names differ in one word, which says what part of training they are for."""
    mine, theirs = words(one), words(other)
    return (
        len(mine) == len(theirs) >= 2 and mine != theirs and sum(a != b for a, b in zip(mine, theirs, strict=True)) == 1
    )


def _takes(node: ast.Assign, name: str) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == name


def _same_in_another_block(names: Names, one: ast.Assign, other: ast.Assign) -> bool:
    first, second = names.parents[one], names.parents[other]
    return (
        one.lineno < other.lineno
        and ast.unparse(one) == ast.unparse(other)
        and first is not second
        and isinstance(first, ast.If | ast.With)
        and names.parents[first] is names.parents[second]
    )


def _override_not_asked(study: Study) -> Iterator[Violation]:
    """A parameter that stands in for a setting, in a function that goes on to choose by the setting itself."""
    for function in study.names.nodes:
        if not isinstance(function, _FUNCTIONS) or not _SPOKEN & set(words(function.name)):
            continue
        for statement in function.body:
            found = _stands_in(statement)
            if found is None:
                continue
            parameter, setting = found
            if parameter not in {a.arg for a in (*function.args.args, *function.args.kwonlyargs)}:
                continue
            later = [n for s in function.body if s.lineno > statement.lineno for n in ast.walk(s)]
            chosen = [n for n in later if isinstance(n, ast.Compare) and _member_of(n.left, setting)]
            asked = any(isinstance(n, ast.Attribute) and _member_of(n, parameter) for n in later)
            if (
                chosen
                and asked
                and not any(isinstance(n, ast.Compare) and _member_of(n.left, parameter) for n in later)
            ):
                left = ast.unparse(chosen[0].left)
                yield Violation(
                    study.span(chosen[0]),
                    f"`{parameter}` stands in for `{setting}` when it is given (line {statement.lineno}), and the "
                    f"choice here is made by `{left}` all the same: what `{parameter}` names is never built.",
                )


def _stands_in(statement: ast.stmt) -> tuple[str, str] | None:
    """The name of ``p`` and the text of ``x``: ``p = p or x``, ``if p is None: p = x``, or both in one expression."""
    test: ast.expr | None = None
    if isinstance(statement, ast.If) and len(statement.body) == 1 and not statement.orelse:
        test, statement = statement.test, statement.body[0]
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target, value = statement.targets[0], statement.value
    if not isinstance(target, ast.Name):
        return None
    if isinstance(value, ast.IfExp) and isinstance(value.body, ast.Name) and value.body.id == target.id:
        test, value = value.test, value.orelse
    elif isinstance(value, ast.BoolOp) and isinstance(value.op, ast.Or) and len(value.values) == 2:
        test, value = value.values
    if test is None or target.id not in {n.id for n in ast.walk(test) if isinstance(n, ast.Name)}:
        return None
    return (target.id, ast.unparse(value)) if isinstance(value, ast.Attribute) else None


def _member_of(node: ast.expr, text: str) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node.value) == text


__all__ = ["pasted"]
