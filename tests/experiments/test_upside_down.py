"""Schedules that climb from the rate they are to end at to the one they are to start with."""

from __future__ import annotations

import pytest
from asking import faults

SETTER = """
    import math

    def {name}(optimizer, epoch, {length}, {start}, {floor}):
        rate = {formula}
        for group in optimizer.param_groups:
            group["lr"] = rate
    """
LINE = "{low} + ({high} - {low}) * (1 - epoch / {length})"
COSINE = "{low} + ({high} - {low}) * 0.5 * (1 + math.cos(math.pi * epoch / {length}))"


def named(formula, name="adjust", length="max_epoch", start="init_lr", floor="min_lr", exchanged=True):
    low, high = (start, floor) if exchanged else (floor, start)
    said = formula.format(low=low, high=high, length=length)
    return faults(SETTER.format(name=name, length=length, start=start, floor=floor, formula=said), "LR206", "LR211")


@pytest.mark.parametrize(("formula", "code"), [(LINE, "LR211"), (COSINE, "LR206")])
def test_two_ends_exchanged_are_named(formula, code):
    assert named(formula) == [code]
    assert named(formula, exchanged=False) == []


OTHERS = (
    {"name": "warm_up"},
    {"name": "lr_find"},
    {"name": "lr_sweep"},
    {"start": "max_lr"},
    {"length": "warmup_epochs"},
)


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("formula", [LINE, COSINE])
def test_what_may_be_meant_to_climb_is_not(formula, other):
    assert named(formula, **other) == []
