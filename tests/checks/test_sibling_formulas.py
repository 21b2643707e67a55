"""LR106: a method with one half of a choice that ``get_lr`` makes between two formulas."""

from __future__ import annotations

import pytest

WARMUP = """
    from torch.optim.lr_scheduler import LRScheduler

    class Warmup(LRScheduler):
        def __init__(self, optimizer, multiplier, length):
            self.multiplier = multiplier
            self.length = max(1, length)
            super().__init__(optimizer)

        def get_lr(self):
            if self.multiplier == 1.0:
                return [base * min(1.0, self.last_epoch / self.length) for base in self.base_lrs]
            else:
                return [base * ((self.multiplier - 1.0) * self.last_epoch / self.length + 1) for base in self.base_lrs]

        def step_with_metrics(self, metrics):
            self.last_epoch += 1
            {rates}
            for group, rate in zip(self.optimizer.param_groups, rates):
                group["lr"] = rate
            self._last_lr = rates
"""
USUAL = "rates = [base * ((self.multiplier - 1.0) * self.last_epoch / self.length + 1) for base in self.base_lrs]"


@pytest.mark.parametrize(
    ("rates", "lost"),
    [
        (USUAL, True),
        ("rates = self.get_lr()", False),
        (f"rates = self.get_lr()\n            if self.multiplier > 1:\n                {USUAL}", False),
    ],
)
def test_the_formula_for_the_other_values_alone(check, rates, lost):
    found = [f.span.start.line for f in check(WARMUP.format(rates=rates)) if f.code == "LR106"]
    assert found == ([18] if lost else [])
