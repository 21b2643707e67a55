"""Runs are no longer than what they are asked for: counted, not timed."""

from __future__ import annotations

import textwrap

from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.registry import load_rules

#: The most steps of one run.
LONGEST = 1400


def steps_of(source: str) -> int:
    result = check_source(textwrap.dedent(source).encode(), "train.py", Settings(selected=frozenset(load_rules())))
    return result.counters["steps"]


CYCLES = """
    import math
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, cycle_length, t_mult=2):
        def factor(step):
            at, length = step, cycle_length
            {turn}
            return 0.5 * (1 + math.cos(math.pi * min(1, at / length)))
        return LambdaLR(optimizer, factor)
"""
RESTARTS = "while at >= length:\n                at, length = at - length, length * t_mult"


def test_only_what_restarts_is_followed_through_many_cycles():
    once = steps_of(CYCLES.format(turn="length = length * t_mult"))
    assert steps_of(CYCLES.format(turn=RESTARTS)) > once + LONGEST
