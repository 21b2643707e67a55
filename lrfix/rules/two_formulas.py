"""LR215: a class states its schedule twice, and the two differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from lrfix.experiments.extent import step_calls
from lrfix.experiments.restated import (
    Pair,
    apart,
    beside_closed_form,
    beside_told,
    closed_form,
    inside,
    same_but_shifted,
    told_step,
)
from lrfix.experiments.structure import decay_span, method
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.wording import num


@rule("LR215")
def two_formulas(study: Study) -> Iterator[Violation]:
    if not study.ran:
        return
    if closed_form(study) is not None and method(study.node, "get_lr") is not None:
        shown = _everywhere(study, beside_closed_form)
        if shown is not None:
            yield Violation(
                decay_span(study),
                f"`step()` and `_get_closed_form_lr` disagree: at step {shown.step} the rate is "
                f"{num(shown.stepped, shown.stated)} step by step and {num(shown.stated, shown.stepped)} by the closed "
                "form, which `step(k)` uses. Make both one formula.",
                study.evidence(study.runs[0], [shown.step - 1, shown.step]),
            )
            return
    step = told_step(study)
    if step is not None:
        shown = _everywhere(study, beside_told)
        if shown is not None and not _shifted(study):
            yield Violation(
                study.span(step),
                f"`step()` and `step(k)` are two schedules: after {shown.step} calls the rate is "
                f"{num(shown.stepped, shown.stated)} without an argument, and {num(shown.stated, shown.stepped)} where "
                "each call is given its step.",
                study.evidence(study.runs[0], [shown.step - 1, shown.step]),
                advice=not any(call.args or call.keywords for call in step_calls(study, study.use)),
            )


def _everywhere(study: Study, pairs: Callable[[Study, int], list[Pair]]) -> Pair | None:
    """The first step at which the two part, where they do under every draw."""
    first: Pair | None = None
    for index in range(len(study.runs)):
        known = list(inside(study, index, pairs(study, index)))
        # A recursion may run off beyond all bounds, and would hide what parts before that.
        found = apart(known, min(_highest(pair.stepped for pair in known), _highest(pair.stated for pair in known)))
        if found is None:
            return None
        first = first or found
    return first


def _shifted(study: Study) -> bool:
    """Whether telling the steps merely begins to count elsewhere, under some draw."""
    return any(same_but_shifted(beside_told(study, i), _peak(study, i)) for i in range(len(study.runs)))


def _highest(rates: Iterable[object]) -> float:
    return max((abs(rate) for rate in rates if isinstance(rate, int | float)), default=0.0)


def _peak(study: Study, index: int) -> float:
    return max((abs(rate) for rate in study.run(index).curve), default=0.0)
