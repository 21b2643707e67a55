"""LR401: a sound schedule that the bundled scheduler expresses exactly."""

from __future__ import annotations

from collections.abc import Iterator

from lrfix.experiments.equivalence import equivalent
from lrfix.experiments.own_numbers import in_own_numbers
from lrfix.experiments.study import Study
from lrfix.experiments.torchs_own import torchs_own
from lrfix.experiments.unread_rates import drives_what_reads_no_rate
from lrfix.findings import Violation
from lrfix.registry import rule

_WITH_PROOF = "`lrfix rewrite` shows the change with its proof, or why it leaves the code alone."


@rule("LR401")
def handrolled_schedule(study: Study) -> Iterator[Violation]:
    recognition = equivalent(study) if study.ran and not study.faults else None
    if recognition is None or recognition.spec is None or study.unseen or not study.rewritable:
        return
    if torchs_own(study) is not None:
        return  # LR402
    if drives_what_reads_no_rate(study):
        return  # the formula is sound, and nobody trains by it
    spec = recognition.spec
    arguments = ", ".join(["optimizer", *spec.positional, *(f"{k}={v}" for k, v in spec.keywords.items())])
    told = in_own_numbers(study)
    run = told.runs[0]
    last = min(len(run.curve) - 1, told.horizon(run) or len(run.curve))
    how = "step for step"
    if recognition.until_end:
        how += f" up to its end at `{spec.arguments['total_steps']}` (not beyond: no training in sight goes there)"
    yield Violation(
        study.site.span,
        f"No bug found: this {recognition.family} schedule is the bundled `{spec.scheduler}({arguments})`, "
        f"{how}. {_WITH_PROOF}",
        told.evidence(run, [0, 1, last // 2, last]),
    )
