"""Runs are no longer than what they are asked for: counted, not timed."""

from __future__ import annotations

import textwrap

from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.registry import load_rules

#: The most steps of one run.
LONGEST = 1400
#: The steps of a run of what states no length.
SHORTEST = 240


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


FLAGGED = """
    class WarmupLinear:
        def __init__(self, optimizer, warmup_steps, total_steps, as_float=True):
            self.optimizer, self.warmup_steps, self.total_steps = optimizer, warmup_steps, total_steps
            self.as_float = as_float
            self.base_lrs = [group["lr"] for group in optimizer.param_groups]

        def step(self, step):
            factor = step / self.warmup_steps
            if step >= self.warmup_steps:
                factor = max(0.0, (self.total_steps - step) / (self.total_steps - self.warmup_steps))
            if self.as_float:
                factor = float(factor)
            for base, group in zip(self.base_lrs, self.optimizer.param_groups):
                group["lr"] = base * factor
"""


def test_a_flag_that_leaves_the_rates_as_they_are_is_tried_in_one_run():
    plain = FLAGGED.replace(", as_float=True", "").replace("self.as_float = as_float", "self.as_float = True")
    assert steps_of(FLAGGED) - steps_of(plain) <= SHORTEST
