"""A schedule that goes on from the rate it finds is a closed form only where nobody else writes a rate."""

from __future__ import annotations

import textwrap

import pytest

#: What else is done with a scheduler does not concern the formulas in it: tests/rewriting/in_place/test_asked.py.
pytestmark = pytest.mark.usefixtures("exchanged_alone")

HEAD = """
import torch
from torch.optim.lr_scheduler import ChainedScheduler, ConstantLR, ExponentialLR, LambdaLR, LRScheduler
from torch.optim.lr_scheduler import MultiplicativeLR, ReduceLROnPlateau, SequentialLR

class Decay(LRScheduler):
    def __init__(self, optimizer, gamma, last_epoch=-1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        now = [group["lr"] for group in self.optimizer.param_groups]
        return now if self.last_epoch == 0 else [rate * self.gamma for rate in now]

class Ramp(LRScheduler):
    def __init__(self, optimizer, warmup, last_epoch=-1):
        self.warmup = warmup
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        share = min(1.0, (self.last_epoch + 1) / self.warmup)
        return [group["lr"] * share for group in self.optimizer.param_groups]


def train(model, loader, validate, total):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
"""
LEANING = {
    "a multiplier": "scheduler = MultiplicativeLR(optimizer, lambda epoch: 0.95)",
    "a recursion": "scheduler = Decay(optimizer, 0.95)",
}
COMPANY = {
    "behind a constant": """
        SCHEDULER
        scheduler = SequentialLR(optimizer, [ConstantLR(optimizer, 0.1, 20), scheduler], milestones=[20])
    """,
    "in a chain": """
        SCHEDULER
        scheduler = ChainedScheduler([scheduler, ExponentialLR(optimizer, 0.99)])
    """,
    "beside a plateau": """
        SCHEDULER
        plateau = ReduceLROnPlateau(optimizer)
        for _ in range(total):
            optimizer.step()
            scheduler.step()
            plateau.step(validate(model))
    """,
    "beside a write by hand": """
        SCHEDULER
        for epoch in range(total):
            optimizer.step()
            scheduler.step()
            if epoch == 30:
                for group in optimizer.param_groups:
                    group["lr"] *= 0.1
    """,
    "with a scheduler of its own file": """
        warm = Ramp(optimizer, 10)
        SCHEDULER
        for epoch in range(total):
            optimizer.step()
            warm.step()
            scheduler.step()
    """,
}
ALONE = """
    SCHEDULER
    for epoch in range(total):
        optimizer.step()
        scheduler.step()
"""


def _script(schedule: str, body: str) -> str:
    return HEAD + textwrap.indent(textwrap.dedent(body).replace("SCHEDULER", schedule), "    ")


@pytest.mark.parametrize("schedule", LEANING.values(), ids=LEANING.keys())
def test_alone_on_its_optimizer_it_is_rewritten(rewrite, schedule):
    result = rewrite(_script(schedule, ALONE))
    assert "WarmupExponentialLR(optimizer, 0.95)" in result.after or "gamma=0.95" in result.after


@pytest.mark.parametrize("schedule", LEANING.values(), ids=LEANING.keys())
@pytest.mark.parametrize("body", COMPANY.values(), ids=COMPANY.keys())
def test_in_company_it_is_left_alone_with_the_reason(rewrite, schedule, body):
    result = rewrite(_script(schedule, body))
    assert not result.changed
    reasons = " ".join(left.reason for left in result.left)
    assert "goes on from the rate that it finds" in reasons and "decides the rate of an optimizer too" in reasons


def test_what_a_multiplier_takes_on_is_left_alone_too(rewrite):
    body = """
        main = LambdaLR(optimizer, lambda k: max(0.0, 1 - k / total))
        warm = Ramp(optimizer, 10)
        return [main, warm]
    """
    result = rewrite(_script("", body))
    assert not result.changed
    assert any("`Ramp` at line" in left.reason and "together" in left.reason for left in result.left)
