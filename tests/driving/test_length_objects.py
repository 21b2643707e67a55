"""Lengths of a class that the file defines itself: built as the class asks for it, then run with its own methods."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.analysis import SiteAnalysis, analyse
from lrfix.findings import Status
from lrfix.source import parse_source

UNIT = """
    import math
    from dataclasses import dataclass
    from enum import Enum

    class Unit({enumeration}):
        EPOCHS = "epochs"
        STEPS = "steps"
"""
DURATION = """
    @dataclass
    class Duration:
        value: int
        unit: Unit = Unit.EPOCHS

        def to_steps(self, steps_per_epoch):
            return self.value * steps_per_epoch if self.unit == Unit.EPOCHS else self.value
"""
SPAN = """
    class Duration:
        def __init__(self, length: float):
            self.length = length
        def to_steps(self, steps_per_epoch):
            return self
        def __sub__(self, other):
            return Duration(self.length - other.length)
        def __rsub__(self, now):
            return Duration(now - self.length)
        def __gt__(self, now):
            return self.length > now
        def __rtruediv__(self, now):
            return now / self.length
        def __truediv__(self, other):
            return self.length / other.length
"""
SCHEDULE = """
    class CosineLRScheduler:
        '''Warms the learning rate up.'''
        def __init__(self, warmup: Duration, total: Duration, steps_per_epoch: int):
            self.warmup, self.total = warmup.to_steps(steps_per_epoch), total.to_steps(steps_per_epoch)
        def get_lr(self, step, base_lr):
            if step < self.warmup:
                return base_lr * (step / self.warmup)
            return base_lr * (1 + math.cos(math.pi * min(1.0, (step - self.warmup) / (self.total - self.warmup)))) / 2
"""


def analysed(*parts: str) -> SiteAnalysis:
    text = "".join(textwrap.dedent(part) for part in parts)
    (found,) = analyse(parse_source(text.encode(), "schedule.py"))
    return found


@pytest.mark.parametrize("duration", [DURATION, SPAN])
@pytest.mark.parametrize("enumeration", ["Enum", "str, Enum"])
def test_a_length_is_an_object_of_its_type_counted_in_steps(duration, enumeration):
    found = analysed(UNIT.format(enumeration=enumeration), duration, SCHEDULE)
    assert found.family == "linear-warmup+cosine", found.reason
    warmup = found.scenarios[0].values["warmup"]
    assert found.curve[1] == pytest.approx(found.curve[warmup] / warmup)


def test_no_rewrite_is_offered_in_steps_for_it():
    found = analysed(UNIT.format(enumeration="Enum"), DURATION, SCHEDULE)
    assert found.status is Status.UNSUPPORTED
    assert found.reason is not None and "unit" in found.reason


def test_classes_that_are_more_than_a_number_and_a_unit_are_not_made_up():
    found = analysed(
        UNIT.format(enumeration="Enum"),
        DURATION.replace("value: int", "value: int\n        calendar: object"),
        SCHEDULE,
    )
    assert found.family == "other"
