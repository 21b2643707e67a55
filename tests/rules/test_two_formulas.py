"""Schedules that a class states twice."""

from __future__ import annotations

import pytest

LINEAR = """
    from torch.optim.lr_scheduler import LRScheduler

    class Linear(LRScheduler):
        def __init__(self, optimizer, total_iters, last_epoch=-1):
            self.total_iters = total_iters
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            if self.last_epoch == 0 or self.last_epoch > self.total_iters:
                return [group["lr"] for group in self.optimizer.param_groups]
            left = self.total_iters - self.last_epoch
            return [group["lr"] * {stepped} for group in self.optimizer.param_groups]

        def _get_closed_form_lr(self):
            done = min(self.last_epoch, self.total_iters)
            return [base * {stated} for base in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("stepped", "stated", "apart"),
    [
        ("left / (left + 1)", "(1 - done / self.total_iters)", False),
        ("(left / (left + 1)) ** 2", "(1 - done / self.total_iters) ** 2", False),
        ("(left / (left + 1)) ** 2", "(1 - done / self.total_iters)", True),
        ("left / (left + 2)", "(1 - done / self.total_iters)", True),
        ("left / (left + 1)", "(1 - done / (self.total_iters + 1))", True),
        ("left / (left + 1)", "0.9 * (1 - done / self.total_iters)", True),
    ],
)
def test_a_recurrence_is_held_against_the_closed_form(stepped, stated, apart, codes):
    assert ("LR215" in codes(LINEAR.format(stepped=stepped, stated=stated))) is apart


TOLD = """
    class Decay:
        def __init__(self, optimizer, total_steps, gamma=0.9):
            self.optimizer, self.total_steps, self.gamma, self.count = optimizer, total_steps, gamma, 0
            self.base = [group["lr"] for group in optimizer.param_groups]

        def step(self, step=None):
            {body}
            for group, base in zip(self.optimizer.param_groups, self.base):
                group["lr"] = base * {factor}
    """


@pytest.mark.parametrize(
    ("body", "factor", "apart"),
    [
        ("self.count = self.count + 1 if step is None else step", "max(0, 1 - self.count / self.total_steps)", False),
        ("self.count = self.count + 1 if step is None else step + 1", "max(0, 1 - self.count / 99)", False),
        ("self.count = (self.count or 1) + 1 if step is None else step", "max(0, 1 - self.count / 99)", False),
        (
            "self.count = self.count + 1 if step is None else 2 * step",
            "max(0, 1 - self.count / self.total_steps)",
            True,
        ),
        ("self.count += 1", "(self.gamma ** self.count if step is None else self.gamma ** (step / 2))", True),
    ],
)
def test_a_step_that_may_be_told_is_held_against_one_that_counts(body, factor, apart, asked):
    found = asked("LR215", TOLD.format(body=body, factor=factor))
    assert [violation.advice for violation in found] == ([True] if apart else [])


@pytest.mark.parametrize(("given", "advice"), [("", True), ("epoch", False)])
def test_a_step_that_nobody_tells_is_advice(given, advice, asked):
    body = "self.count = self.count + 1 if step is None else 2 * step"
    source = TOLD.format(body=body, factor="1 / (1 + self.count)")
    loop = f"""
    def train(optimizer, epochs):
        schedule = Decay(optimizer, epochs)
        for epoch in range(epochs):
            optimizer.step()
            schedule.step({given})
    """
    assert [violation.advice for violation in asked("LR215", source + loop)] == [advice]


def test_rates_that_run_off_behind_the_end_do_not_hide_what_parts_before_it(asked):
    source = """
import math
from torch.optim.lr_scheduler import LRScheduler


class Cosine(LRScheduler):
    def __init__(self, optimizer, max_epochs, last_epoch=-1):
        self.max_epochs = max_epochs
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch == 0:
            return self.base_lrs
        above = 1 - 0.5 * math.cos(math.pi * self.last_epoch / self.max_epochs)
        below = 1 + math.cos(math.pi * (self.last_epoch - 1) / self.max_epochs)
        return [group["lr"] * above / below for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self):
        return [base * (1 + math.cos(math.pi * self.last_epoch / self.max_epochs)) / 2 for base in self.base_lrs]
"""
    (found,) = asked("LR215", source)
    assert "disagree: at step 1 " in found.message
