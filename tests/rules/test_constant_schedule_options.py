"""LR105 on a class whose lengths are parts of what its constructor takes."""

from __future__ import annotations

import pytest
from asking import faults


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ('[group["lr"] for group in self.optimizer.param_groups]', ["LR105"]),
        ("[base * min(1.0, self.last_epoch / self.warmup_steps) for base in self.base_lrs]", []),
    ],
)
def test_a_warmup_made_of_options_that_never_moves(rates, expected):
    source = f"""
        from torch.optim.lr_scheduler import LRScheduler

        class WarmupSchedule(LRScheduler):
            def __init__(self, optimizer, args, epoch_len, last_epoch=-1):
                self.warmup_steps = args.warmup_epochs * epoch_len
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                return {rates}
        """
    assert faults(source, "LR105") == expected
