"""For LR102: step counters that advance in one mode of training alone. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.class_reading import own_attribute
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.sites.vocabulary import looks_like_optimizer, names_position, words

_ASKED = frozenset({"lr", "scheduler", "schedule", "sched", "anneal", "annealing", "warmup"})


def counts_in_one_mode(study: Study) -> Iterator[Violation]:
    """``self.step += 1`` under ``if self.mode == Mode.X`` only, where a schedule is asked with it in every mode."""
    for call in study.names.nodes:
        if not isinstance(call, ast.Call) or not _sets_rate(call):
            continue
        counter = next((name for a in call.args if (name := own_attribute(a)) and names_position(name)), None)
        owner = study.names.enclosing(call, ast.ClassDef)
        function = study.names.enclosing(call, ast.FunctionDef)
        if counter is None or owner is None or not isinstance(function, ast.FunctionDef):
            continue
        changes = [n for n in ast.walk(owner) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)]
        changes = [n for n in changes if own_attribute(n) == counter]
        counts = [s for n in changes if isinstance(s := study.names.statement_of(n), ast.AugAssign)]
        if len(changes) != 1 or len(counts) != 1 or study.names.enclosing(counts[0], ast.FunctionDef) is not function:
            continue
        modes = [a for a in study.names.ancestors(counts[0]) if isinstance(a, ast.If) and counts[0] in a.body]
        if len(modes) == 1 and _of_a_mode(modes[0].test) and modes[0] not in study.names.ancestors(call):
            yield Violation(
                study.span(counts[0]),
                f"`self.{counter}` advances only under `{ast.unparse(modes[0].test)}`, and "
                f"`{ast.unparse(call.func)}` (line {call.lineno}) is asked with it in every mode: in the others the "
                "schedule never leaves its first step.",
            )


def _sets_rate(call: ast.Call) -> bool:
    """Whether a call is, by its name, of a schedule, and is given the optimizer to write to."""
    last = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return bool(_ASKED & set(words(last))) and any(looks_like_optimizer(a) for a in call.args)


def _of_a_mode(test: ast.expr) -> bool:
    """Whether a test asks which of several ways to train was chosen: an attribute equal to a member of an Enum."""
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
    return any(
        isinstance(part, ast.Compare)
        and len(part.ops) == 1
        and isinstance(part.ops[0], ast.Eq)
        and own_attribute(part.left) is not None
        and _constant(part.comparators[0])
        for part in parts
    )


def _constant(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr.isupper() and node.value.id[:1].isupper()
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


__all__ = ["counts_in_one_mode"]
