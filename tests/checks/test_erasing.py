"""LR110: rates erased or multiplied behind a scheduler's back."""

from __future__ import annotations

import pytest

DAMPENED = """
    import {package} as warmup
    from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR

    def train(optimizer, loader):
        scheduler = {scheduler}
        ramp = warmup.UntunedLinearWarmup(optimizer)
        for batch in loader:
            update(optimizer, batch)
            {stepping}
"""
TWO = "scheduler.step(); ramp.dampen()"
BLOCKS = """
    class BlockOptimizer:
        def __init__(self, optimizer):
            self._optimizer = optimizer
            self.initial_state = self._optimizer.state_dict()

        def set_lr(self, lr):
            self._optimizer.set_lr(lr)

        def load_state_dict(self, state):
            self._optimizer.load_state_dict(state)
            {refreshed}

        def {method}(self):
            self._optimizer.load_state_dict({loaded})
"""


@pytest.fixture
def lines(check):
    return lambda source: [f.span.start.line for f in check(source) if f.code == "LR110"]


def dampened(**parts: str) -> str:
    usual = {"package": "pytorch_warmup", "scheduler": "CosineAnnealingLR(optimizer, 100)", "stepping": TWO}
    return DAMPENED.format(**{**usual, **parts})


def test_a_warmup_that_dampens_the_rate_from_which_the_scheduler_goes_on(lines):
    assert lines(dampened()) == [10]


@pytest.mark.parametrize(
    "parts",
    [
        {"scheduler": "LambdaLR(optimizer, lambda k: 0.99 ** k)"},
        {"stepping": "with ramp.dampening(): scheduler.step()"},
        {"package": "ramps"},
    ],
)
def test_factors_that_do_not_pile_up(lines, parts):
    assert lines(dampened(**parts)) == []


def blocks(method="warmup_sync", loaded="self.initial_state", refreshed="pass") -> str:
    return BLOCKS.format(method=method, loaded=loaded, refreshed=refreshed)


def test_the_state_at_construction_loaded_over_what_was_restored(lines):
    assert lines(blocks()) == [11]


@pytest.mark.parametrize(
    "parts",
    [
        {"refreshed": "self.initial_state = self._optimizer.state_dict()"},
        {"method": "reset"},
        {"loaded": "torch.load(self.path)"},
    ],
)
def test_states_that_are_kept_up_to_date_or_meant_to_come_back(lines, parts):
    assert lines(blocks(**parts)) == []
