"""Whether a count that stands still where the rate moves makes any difference to the rates."""

from __future__ import annotations

from lrfix.driving.assembly import assembled
from lrfix.experiments.study import Study
from lrfix.interpreter.errors import Finished, Opaque, UserError
from lrfix.interpreter.stack import roomy
from lrfix.interpreter.values import Instance

_MOST = 120


def decides_rates(study: Study, count: str) -> bool:
    """Whether the schedule has other rates, under some draw, where ``count`` goes on at every step it was left at."""
    return any(_differs(study, index, count) for index in range(len(study.runs)))


@roomy
def _differs(study: Study, index: int, count: str) -> bool:
    fill = study.run(index).scenario.fill_none
    try:
        plain, mended = (
            assembled(study.laboratory, index, study.settings, study.use, fill_none=fill) for _ in range(2)
        )
        scheduler = mended.running.scheduler
        if not isinstance(scheduler, Instance):
            return False
        for step in range(min(_MOST, study.steps)):
            before = scheduler.attributes.get(count)
            rates = mended.running.rates(step)
            if rates != plain.running.rates(step):
                return True
            # The first rates are those of the construction.
            if step > 0 and isinstance(before, int) and scheduler.attributes.get(count) == before:
                scheduler.attributes[count] = before + 1
    except (Opaque, UserError, Finished, AttributeError, IndexError):
        pass
    return False


__all__ = ["decides_rates"]
