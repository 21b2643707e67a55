"""Schedules that are too long to walk, judged at the lengths that the code states."""

from __future__ import annotations

import pytest

LONG = """
    import math
    from torch.optim.lr_scheduler import LambdaLR

    WARMUP = 3000


    def build(optimizer):
        def factor(step):
            if step < WARMUP:
                return {top} * (step + 1) / WARMUP
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step{less}) / {length})))

        return LambdaLR(optimizer, factor)
    """


@pytest.mark.parametrize(
    ("top", "less", "length", "fault"),
    [
        ("1.0", " - WARMUP", "(80000 - WARMUP)", False),
        ("1.0", "", "50000", True),
        ("0.9", " - WARMUP", "(80000 - WARMUP)", True),
        ("1.0", " - WARMUP", "80000", False),
    ],
)
def test_lengths_that_are_too_long_to_walk_are_judged_as_they_stand(check, top, less, length, fault):
    found = [f for f in check(LONG.format(top=top, less=less, length=length)) if f.code == "LR202"]
    assert [f.evidence.steps for f in found] == ([(2998, 2999, 3000, 3001)] if fault else [])


def test_a_schedule_that_counts_for_itself_cannot_be_taken_to_a_step(codes):
    source = """
        class Warm:
            def __init__(self, optimizer, peak):
                self.optimizer, self.peak, self.count = optimizer, peak, 0

            def step(self):
                self.count += 1
                rate = self.peak * (min(1.0, self.count / 3000) if self.count < 3000 else 0.5)
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
        """
    assert "LR202" not in codes(source)
