"""LR402: a sound schedule that one of torch's own classes expresses exactly."""

from __future__ import annotations

from collections.abc import Iterator

from lrfix.experiments.own_numbers import in_own_numbers
from lrfix.experiments.study import Study
from lrfix.experiments.torchs_own import torchs_own
from lrfix.experiments.unread_rates import drives_what_reads_no_rate
from lrfix.findings import Violation
from lrfix.registry import rule


@rule("LR402")
def torch_builtin(study: Study) -> Iterator[Violation]:
    sound = study.ran and not study.faults and not study.unseen and study.rewritable
    form = torchs_own(study) if sound else None
    if form is None or drives_what_reads_no_rate(study):
        return
    arguments = ", ".join(["optimizer", *(f"{name}={text}" for name, text in form.spec.keywords.items())])
    told = in_own_numbers(study)
    run = told.runs[0]
    last = min(len(run.curve) - 1, told.horizon(run) or len(run.curve))
    end = "" if form.ends else " up to its end (past it torch's rises again: no training in sight goes there)"
    yield Violation(
        study.site.span,
        f"No bug found: this schedule is torch's own `{form.spec.scheduler}({arguments})`, step for step{end}. "
        "`lrfix rewrite --prefer torch` shows the change with its proof, or why it leaves the code alone.",
        told.evidence(run, [0, 1, last // 2, last]),
    )
