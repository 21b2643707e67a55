"""LR103: the function given to LambdaLR or MultiplicativeLR counts its own calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.asking import Suspect, history_dependence, suspects
from lrfix.experiments.structure import method
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.vocabulary import FACTOR_SCHEDULERS


@rule("LR103")
def stateful_lambda(study: Study) -> Iterator[Violation]:
    if study.site.base not in FACTOR_SCHEDULERS or study.opaque is not None:
        return
    found = list(suspects(study))
    if any(suspect.parameter and history_dependence(study, suspect) is not None for suspect in found):
        return  # the hyperparameter that changes is the fault, and what is noted beside it follows it (LR101)
    for suspect in found:
        by_torch = getattr(suspect.function, "name", "") == "get_lr" and isinstance(
            study.names.parents.get(suspect.function), ast.ClassDef
        )
        free = not suspect.parameter and not by_torch
        shown = history_dependence(study, suspect, order=False) if free else None
        if shown is not None:
            yield Violation(
                study.span(suspect.statement),
                f"The function keeps a count of its own, `{suspect.name}`, instead of using its step argument, and "
                f"torch calls it once for every parameter group: {shown.words}{_at_resume(study, suspect)}.",
                shown.evidence,
            )
            return


def _at_resume(study: Study, suspect: Suspect) -> str:
    """What becomes of the counter when training resumes: torch saves the attributes of the scheduler itself and of
    callable objects given to it, never what a closure, a module or the object behind a bound method holds."""
    owner = next((o for o in study.names.ancestors(suspect.statement) if isinstance(o, ast.ClassDef)), None)
    attribute = any(isinstance(n, ast.Attribute) and n.attr == suspect.name for n in ast.walk(suspect.statement))
    if attribute and owner is not None and (study.site.form == "subclass" or method(owner, "__call__") is not None):
        return ""
    return "; the counter is also lost when training resumes"
