"""Whether what a run gives are rates: real, finite, never negative; the first step at which they are not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from lrfix.driving.laboratory import Failure, Run
from lrfix.experiments.structure import decay_span
from lrfix.experiments.study import Study
from lrfix.findings import Span
from lrfix.trees import walk
from lrfix.wording import num

#: Less than this share of the highest rate is rounding: a decay that ends at -1e-18.
_ROUNDING = 1e-9
_ENDS = {"ComplexRate": "is a complex number", "InvalidRate": "is no finite number", "OverflowError": "overflows"}
_OUTSIDE = "math domain error"


@dataclass(frozen=True)
class Invalid:
    """The first step at which a group has no rate that an optimizer can use, and in words what it has instead."""

    step: int
    group: int
    what: str
    failure: Failure | None = None

    @property
    def place(self) -> str:
        return f"the rate of group {self.group}" if self.group else "the rate"


def first_invalid(run: Run, start: int = 0, end: int | None = None) -> Invalid | None:
    """The first step from ``start`` on, before ``end``, whose rate is negative or none at all."""
    found = [*_negative(run, start, end), *_none(run, start, end)]
    return min(found, key=lambda invalid: invalid.step, default=None)


def _negative(run: Run, start: int, end: int | None) -> Iterator[Invalid]:
    for group, rates in enumerate(run.lr):
        top = max(rates, default=0.0)
        if top <= 0 and any(base <= 0 for base in run.base_lrs):
            continue
        for step, rate in enumerate(rates[:end]):
            if step >= start and rate < -_ROUNDING * max(abs(top), *map(abs, run.base_lrs)):
                yield Invalid(step, group, f"is negative: {num(rate)}")
                break


def _none(run: Run, start: int, end: int | None) -> Iterator[Invalid]:
    failure = run.failure
    if failure is None or not start <= max(failure.step, 0) or (end is not None and failure.step >= end):
        return
    what = _ENDS.get(failure.kind)
    if failure.kind == "ValueError" and failure.message == _OUTSIDE:
        what = "is the root or the logarithm of a number that has none"
    if what is not None and failure.message != "the rate is None":
        yield Invalid(failure.step, 0, f"{what}{_value(failure.message)}", failure)


def _value(message: str) -> str:
    """What a run that ended with a rate that is none says of it."""
    said = message.removeprefix("the rate is ")
    if said == message:
        return f" ({message})"
    try:
        return f", {num(complex(said))}"
    except ValueError:
        return f", {said}"


def spot(study: Study, invalid: Invalid) -> Span:
    """The statement that gives an invalid rate: where the run failed, the power that turns complex, or the decay."""
    node = invalid.failure.node if invalid.failure is not None else None
    parts = [n for root in study.site.nodes for n in walk(root)]
    if node is not None and any(n is node for n in parts):
        statement = study.names.statement_of(node)
        if statement is not None and not hasattr(statement, "body"):
            return study.span(statement)
    if invalid.failure is not None and invalid.failure.kind == "ComplexRate":
        powers = [n for n in parts if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Pow)]
        for power in powers:
            statement = study.names.statement_of(power)
            if statement is not None and not hasattr(statement, "body"):
                return study.span(statement)
    return decay_span(study)


__all__ = ["Invalid", "first_invalid", "spot"]
