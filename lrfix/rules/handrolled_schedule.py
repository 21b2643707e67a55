"""LR401: a sound schedule that the bundled scheduler expresses exactly."""

from __future__ import annotations

from collections.abc import Iterator

from lrfix.experiments.extent import extent
from lrfix.experiments.sound_by_hand import sound_by_hand, whole_curve
from lrfix.experiments.study import Study
from lrfix.experiments.torchs_own import torchs_own
from lrfix.findings import Violation
from lrfix.registry import rule

_WITH_PROOF = "`lrfix rewrite` shows the change with its proof, or why it leaves the code alone."


@rule("LR401")
def handrolled_schedule(study: Study) -> Iterator[Violation]:
    recognition = sound_by_hand(study)
    if recognition is None or recognition.spec is None or torchs_own(study) is not None:  # LR402 names torch's class
        return
    spec = recognition.spec
    arguments = ", ".join(["optimizer", *spec.positional, *(f"{k}={v}" for k, v in spec.keywords.items())])
    how = "step for step"
    if recognition.until_end:
        reached = extent(study, study.runs[0])
        seen = reached is not None and reached.counted
        beyond = "no training in sight goes there" if seen else "see that training ends there"
        how += f" up to its end at `{spec.arguments['total_steps']}` (not beyond: {beyond})"
    yield Violation(
        study.site.span,
        f"No bug found: this {recognition.family} schedule is the bundled `{spec.scheduler}({arguments})`, "
        f"{how}. {_WITH_PROOF}",
        whole_curve(study),
    )
