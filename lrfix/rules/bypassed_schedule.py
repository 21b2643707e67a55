"""LR104: an override keeps the schedule from ever being asked."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.bypass import bypassed
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.wording import num


@rule("LR104")
def bypassed_schedule(study: Study) -> Iterator[Violation]:
    found = bypassed(study)
    if found is None:
        return
    override, schedule = found
    name = "its lambda" if isinstance(schedule, ast.Lambda) else f"`{schedule.name}`"
    curve = study.runs[0].curve
    yield Violation(
        study.span(override),
        f"`{override.name}` is overridden and never calls {name}, the schedule of this class, which therefore has no "
        f"effect: the rate stays {num(curve[-1])}.",
        study.evidence(study.runs[0], [0, 1, len(curve) - 1]),
    )
