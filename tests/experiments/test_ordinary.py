"""A fault has to hold in ordinary runs as well: one that only some draws of the open values show is advice."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.config import Settings
from lrfix.engine import check_source

SOURCE = """
    import math


    def adjust(optimizer, step, lr, max_lr, min_lr, warmup_steps, total_steps):
        if step < warmup_steps:
            rate = lr * (step + 1) / warmup_steps
        else:
            done = (step - warmup_steps) / (total_steps - warmup_steps)
            rate = min_lr + ({peak} - min_lr) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        for group in optimizer.param_groups:
            group["lr"] = rate
"""


@pytest.mark.parametrize(
    ("peak", "severities"),
    [
        ("lr", []),
        # Two rates that a caller may well choose alike: only the draw that sets them apart tears the phases.
        ("max_lr", ["info"]),
        # Nobody can choose values under which these meet.
        ("0.5 * lr", ["error"]),
    ],
)
def test_a_fault_that_ordinary_values_do_not_show_is_advice(peak, severities):
    source = textwrap.dedent(SOURCE.format(peak=peak))
    result = check_source(source.encode(), "train.py", Settings(selected=frozenset({"LR202"})))
    assert [finding.severity.value for finding in result.findings] == severities
