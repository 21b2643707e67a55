"""A schedule that a class states twice: stepped, and in closed form or for a step that is told."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lrfix.domains.clock import parameter_ticks
from lrfix.domains.signatures import signature
from lrfix.driving.assembly import assembled
from lrfix.experiments.structure import method
from lrfix.experiments.study import Study
from lrfix.interpreter.errors import Finished, Opaque, UserError
from lrfix.interpreter.stack import roomy

CLOSED_FORM = "_get_closed_form_lr"
_MOST = 120


@dataclass(frozen=True)
class Pair:
    """Both answers of the first group at one step."""

    step: int
    stepped: Any
    stated: Any


def closed_form(study: Study) -> ast.FunctionDef | None:
    """The closed form that the class itself states."""
    return method(study.node, CLOSED_FORM) if study.site.form == "subclass" else None


def told_step(study: Study) -> ast.FunctionDef | None:
    """A ``step`` of the class itself that can be told where training stands, and need not be."""
    step = method(study.node, "step") if study.site.form in ("subclass", "wrapper", "composition") else None
    if step is None:
        return None
    ticks = parameter_ticks([name for name, _, _ in signature(step)])
    optional = [d for n, d, required in signature(step) if n in ticks and not required]
    left_out = [d for d in optional if isinstance(d, ast.Constant) and d.value is None]
    return step if len(optional) == len(left_out) == len(ticks) == 1 else None


@roomy
def beside_closed_form(study: Study, index: int) -> list[Pair]:
    """The rate after each step, beside what the closed form says there; as far as both can be asked."""
    found: list[Pair] = []
    try:
        walk = assembled(study.laboratory, index, study.settings, study.use, fill_none=_filled(study, index))
        for step in range(min(_MOST, study.steps)):
            stepped = walk.running.rates(step)[0]
            stated = walk.ask(CLOSED_FORM)
            found.append(Pair(step, stepped, next(iter(stated), None) if isinstance(stated, list | tuple) else stated))
    except (Opaque, UserError, Finished, AttributeError, IndexError):
        pass
    return found


@roomy
def beside_told(study: Study, index: int) -> list[Pair]:
    """The rate after k calls of ``step()``, beside the rate after ``step(k)`` was called for every step up to k."""
    found: list[Pair] = []
    try:
        walk = assembled(study.laboratory, index, study.settings, study.use, fill_none=_filled(study, index))
        told = assembled(study.laboratory, index, study.settings, study.use, fill_none=_filled(study, index))
        walk.running.rates(0)
        told.running.rates(0)
        for step in range(1, min(_MOST, study.steps)):
            walk.ask("step")
            told.ask("step", step)
            rates = [b.bench.rates_of(b.running.optimizer)[0] for b in (walk, told)]
            found.append(Pair(step, *rates))
    except (Opaque, UserError, Finished, AttributeError, IndexError):
        pass
    return found


def _filled(study: Study, index: int) -> bool:
    return study.run(index).scenario.fill_none


def apart(pairs: list[Pair], peak: float) -> Pair | None:
    """The first step after the start at which the two differ by more than rounding; None where they agree."""
    numbers = (p for p in pairs if p.step > 0 and _number(p.stepped) and _number(p.stated))
    return next((p for p in numbers if abs(p.stepped - p.stated) > 1e-6 * peak), None)


def same_but_shifted(pairs: list[Pair], peak: float) -> bool:
    """Whether one is the other a step or two earlier or later: where counting begins is a convention, and the
    constructor may count a step of its own."""
    return any(_agree(pairs, shift, peak) for shift in (-1, 1, -2, 2))


def _agree(pairs: list[Pair], shift: int, peak: float) -> bool:
    by_step = {p.step: p.stated for p in pairs}
    both = [(p.stepped, by_step[p.step + shift]) for p in pairs if p.step + shift in by_step]
    return bool(both) and all(_number(a) and _number(b) and abs(a - b) <= 1e-6 * peak for a, b in both)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def inside(study: Study, index: int, pairs: list[Pair]) -> Iterator[Pair]:
    """The pairs before the schedule's own end, where it says one."""
    horizon = study.horizon(study.run(index))
    return (p for p in pairs if horizon is None or p.step < horizon)


__all__ = [
    "Pair",
    "apart",
    "beside_closed_form",
    "beside_told",
    "closed_form",
    "inside",
    "same_but_shifted",
    "told_step",
]
