"""LR402: a sound schedule that one of torch's own classes expresses exactly."""

from __future__ import annotations

from collections.abc import Iterator

from lrfix.experiments.sound_by_hand import sound_by_hand, whole_curve
from lrfix.experiments.study import Study
from lrfix.experiments.torchs_own import torchs_own
from lrfix.findings import Violation
from lrfix.registry import rule


@rule("LR402")
def torch_builtin(study: Study) -> Iterator[Violation]:
    form = torchs_own(study) if sound_by_hand(study) is not None else None
    if form is None:
        return
    arguments = ", ".join(["optimizer", *(f"{name}={text}" for name, text in form.spec.keywords.items())])
    end = "" if form.ends else " up to its end (past it torch's rises again: no training in sight goes there)"
    yield Violation(
        study.site.span,
        f"No bug found: this schedule is torch's own `{form.spec.scheduler}({arguments})`, step for step{end}. "
        "`lrfix rewrite --prefer torch` shows the change with its proof, or why it leaves the code alone.",
        whole_curve(study),
    )
