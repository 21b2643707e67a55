"""Who else is on the optimizer: schedulers that one call of a function builds together, and those it chooses from."""

from __future__ import annotations

import textwrap

import pytest

MULTIPLIES = """
from torch.optim.lr_scheduler import LRScheduler, LinearLR

class Ramp(LRScheduler):
    def __init__(self, optimizer, warmup_steps, last_epoch=-1):
        self.warmup_steps = warmup_steps
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        share = min(1.0, (self.last_epoch + 1) / self.warmup_steps)
        return [group["lr"] * share for group in self.optimizer.param_groups]
"""

CHOSEN = {
    "in two branches": """
        def build(optimizer, cfg):
            if cfg.ramp:
                return Ramp(optimizer, cfg.warmup_steps)
            else:
                return LinearLR(optimizer)
    """,
    "behind a branch that returns": """
        def build(optimizer, cfg):
            if cfg.linear:
                return LinearLR(optimizer)
            return Ramp(optimizer, cfg.warmup_steps)
    """,
    "in a chain": """
        def build(optimizer, cfg):
            if cfg.name == "linear":
                scheduler = LinearLR(optimizer)
            elif cfg.name == "ramp":
                scheduler = Ramp(optimizer, cfg.warmup_steps)
            return scheduler
    """,
}
TOGETHER = {
    "one after the other": """
        def build(optimizer, cfg):
            before = LinearLR(optimizer)
            return before, Ramp(optimizer, cfg.warmup_steps)
    """,
    "before a branch that returns": """
        def build(optimizer, cfg):
            before = LinearLR(optimizer)
            if cfg.ramp:
                return before, Ramp(optimizer, cfg.warmup_steps)
            return before, None
    """,
}


def piles_up(check, build: str) -> bool:
    return "LR207" in [found.code for found in check(MULTIPLIES + textwrap.dedent(build))]


@pytest.mark.parametrize("build", CHOSEN.values(), ids=CHOSEN.keys())
def test_a_scheduler_that_is_chosen_instead_is_no_company(check, build):
    assert piles_up(check, build)


@pytest.mark.parametrize("build", TOGETHER.values(), ids=TOGETHER.keys())
def test_one_that_is_built_as_well_may_set_what_this_one_finds(check, build):
    assert not piles_up(check, build)
