"""LR101: asking for a rate changes a hyperparameter."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.asking import history_dependence, suspects
from lrfix.experiments.structure import hyperparameters, schedule_functions, updates
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.registry import rule


@rule("LR101")
def mutated_parameter(study: Study) -> Iterator[Violation]:
    if study.opaque is not None:
        return
    known = hyperparameters(study)
    for suspect in suspects(study):
        if not suspect.parameter:
            continue
        shown = history_dependence(study, suspect)
        if shown is not None:
            yield Violation(
                study.span(suspect.statement),
                f"Computing the rate changes the hyperparameter `{suspect.name}`: {shown.words}.",
                shown.evidence,
                # What a class keeps under a name of its own is where it stands, and comes back with its state.
                advice=(shown.saved or suspect.own or suspect.name in known)
                and known.get(suspect.name) != suspect.name,
            )
    yield from _waiting(study)


def _waiting(study: Study) -> Iterator[Violation]:
    """A hyperparameter is reassigned in a function that is asked, in a branch that another fault keeps from running."""
    if study.site.form not in ("lambda", "subclass") or not study.ran:
        return
    parameters = hyperparameters(study)
    ran = {s for run in study.runs for t in (run.built, run.stepped) if t is not None for s in t.statements}
    for function in schedule_functions(study):
        for update in updates(function):
            waits = update.own and update.name in parameters and update.statement not in ran
            if waits and not _done_once(study, update.statement):
                yield Violation(
                    study.span(update.statement),
                    f"Computing the rate would change the hyperparameter `{update.name}`; no run that was tried "
                    "reaches this line, and once one does, the rate depends on how often it was computed.",
                    # Of what a class keeps under a name of its own nothing says that it was to stay.
                    advice=parameters[update.name] != update.name,
                )


def _done_once(study: Study, statement: ast.stmt) -> bool:
    """Whether the branch a statement stands in takes back the flag that leads there."""
    for branch in study.names.ancestors(statement):
        if not isinstance(branch, ast.If):
            continue
        asked = {_last_key(node) for node in ast.walk(branch.test)} - {None}
        for node in ast.walk(branch):
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Constant) or node.value.value:
                continue
            if asked & {_last_key(target) for target in node.targets}:
                return True
    return False


def _last_key(node: ast.AST) -> str | None:
    """The word that tells a flag from others: a name, an attribute, a key of text."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
