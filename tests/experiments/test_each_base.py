"""Lists with a rate for each base rate: what LR201 and LR213 read in their text, whether or not a run comes by."""

from __future__ import annotations

import pytest
from asking import faults

WARMUP = """
    from torch.optim.lr_scheduler import {base}

    class GradualWarmup({base}):
        def __init__(self, optimizer, multiplier, total_epoch, after_scheduler, start_lr=0.0):
            self.multiplier, self.total_epoch = multiplier, total_epoch
            self.after_scheduler, self.start_lr = after_scheduler, start_lr
            super().__init__(optimizer)

        def get_lr(self):
            if self.last_epoch > self.total_epoch:
                if self.after_scheduler:
                    return self.after_scheduler.get_last_lr()
                return [{over} for base_lr in self.base_lrs]
            done = self.last_epoch / self.total_epoch
            return [base_lr * (1 + (self.multiplier - 1) * done) for base_lr in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("over", "wrong"),
    [
        ("base_lr * self.multiplier", []),
        ("self.multiplier", ["LR201"]),
        ("1 - self.last_epoch / self.total_epoch", ["LR201"]),
        # A rate of its own, and what nobody can tell from one.
        ("self.start_lr", []),
        ("self.start_lr * self.multiplier", []),
        ("self.rate_at(self.last_epoch)", []),
        ("self.base_lrs[0] * self.multiplier", ["LR213"]),
        ("base_lr / self.base_lrs[0]", []),
    ],
)
def test_a_branch_that_leaves_the_base_rate_out(over, wrong):
    assert faults(WARMUP.format(base="LRScheduler", over=over), "LR201", "LR213") == wrong


def test_what_torch_multiplies_itself_is_a_factor():
    assert faults(WARMUP.format(base="LambdaLR", over="self.multiplier"), "LR201") == []
