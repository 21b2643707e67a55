"""Where a trace begins, and what has to be there before a method runs."""

from __future__ import annotations

import pytest

TRAINER = """
import torch
from torch.optim.lr_scheduler import StepLR


class Trainer:
    def __init__(self, model):
        self.model = model
        {built_first}

    def init_scheduler(self):
        self.scheduler = StepLR(self.optimizer, 30)

    def init_optimizer(self):
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)

    def train_epoch(self, loader):
        for batch in loader:
            {early}
            self.model(batch).backward()
            self.optimizer.step()
            {late}
"""


def trainer(built_first: str = "pass", early: str = "pass", late: str = "pass") -> str:
    return TRAINER.format(built_first=built_first, early=early, late=late)


@pytest.mark.parametrize("built_first", ["pass", "self.init_optimizer()\n        self.init_scheduler()"])
def test_what_a_method_reads_off_its_object_another_method_has_built(built_first, asked):
    (found,) = asked("LR301", trainer(built_first, early="self.scheduler.step()"))
    assert "`self.scheduler` is stepped before the optimizer" in found.message
    assert asked("LR301", trainer(built_first, late="self.scheduler.step()")) == []


def test_of_two_methods_that_may_have_built_it_neither_is_taken(asked):
    other = "\n    def restart(self):\n        self.scheduler = CosineAnnealingLR(self.optimizer, 30)\n"
    (found,) = asked("LR301", trainer(early="self.scheduler.step()") + other)
    assert found.advice  # a scheduler of unknown make


def test_a_method_that_trains_builds_nothing_beforehand(asked):
    source = trainer(early="self.scheduler.step()").replace(
        "    def init_scheduler(self):", "    def init_scheduler(self):\n        self.optimizer.step()"
    )
    (found,) = asked("LR301", source)
    assert found.advice  # a scheduler of unknown make
