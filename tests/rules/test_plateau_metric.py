"""LR306 in a LightningModule that steps its schedulers by a hook of its own."""

from __future__ import annotations

import pytest


def module(hook: str, scheduler: str = "ReduceLROnPlateau(optimizer)") -> str:
    return f"""
import lightning as L
import torch
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau, StepLR


class Model(L.LightningModule):
    def training_step(self, batch, index):
        return self.net(batch).mean()

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=1e-3)
        if self.hparams.schedule == "step":
            return [optimizer], [StepLR(optimizer, 30)]
        scheduler = {scheduler}
        return {{"optimizer": optimizer, "lr_scheduler": {{"scheduler": scheduler, "monitor": "val_loss"}}}}

    def lr_scheduler_step(self, scheduler, metric):
        {hook}
"""


@pytest.mark.parametrize(
    ("hook", "told"),
    [
        ("scheduler.step()", True),
        ("if isinstance(scheduler, OneCycleLR): scheduler.step()\n        else: scheduler.step()", True),
        ("scheduler.step(metric)", False),
        ("scheduler.step() if metric is None else scheduler.step(metric)", False),
        ("if isinstance(scheduler, StepLR):\n            scheduler.step()", False),
    ],
)
def test_a_hook_that_leaves_out_the_metric_of_a_plateau(hook, told, asked):
    assert bool(asked("LR306", module(hook))) is told
    assert asked("LR306", module(hook, "OneCycleLR(optimizer, 1e-3, total_steps=100)")) == []


def test_a_hook_for_schedulers_that_are_configured_out_of_sight(asked):
    source = module("scheduler.step()").replace(
        "        optimizer = torch.optim.AdamW",
        "        return configured(self)\n        optimizer = torch.optim.AdamW",
    )
    assert [found.advice for found in asked("LR306", "from project import configured\n" + source)] == [True]


BY_CLASS = """
from torch.optim.lr_scheduler import ReduceLROnPlateau


def step_all(schedulers, val_loss, epoch):
    for scheduler in schedulers:
        if {test}:
            scheduler.step({first})
        else:
            scheduler.step({second})
"""


@pytest.mark.parametrize(
    ("test", "first", "second", "lines"),
    [
        ("isinstance(scheduler, ReduceLROnPlateau)", "val_loss", "", []),
        ("isinstance(scheduler, ReduceLROnPlateau)", "", "", [8]),
        ("isinstance(scheduler, ReduceLROnPlateau)", "val_loss", "val_loss", [10]),
        ("not isinstance(scheduler, ReduceLROnPlateau)", "val_loss", "val_loss", [8]),
        ("type(scheduler) != ReduceLROnPlateau", "epoch", "val_loss", []),
        ("type(scheduler) == ReduceLROnPlateau", "val_loss", "", []),
        ("isinstance(scheduler, ReduceLROnPlateau) and epoch", "", "", []),
    ],
)
def test_each_side_of_a_test_of_the_class_steps_its_own(test, first, second, lines, asked):
    found = asked("LR306", BY_CLASS.format(test=test, first=first, second=second))
    assert [each.span.start.line for each in found if not each.advice] == lines


HOLDER = """
import torch


class Schedules:
    def __init__(self, schedulers):
        self.schedulers = schedulers

    def step(self, epoch, val_loss=None):
        for scheduler in self.schedulers.values():
            scheduler.step({given})
"""


@pytest.mark.parametrize(("given", "told"), [("epoch", True), ("epoch, val_loss", False)])
def test_a_metric_that_is_taken_is_handed_on(given, told, asked):
    assert [each.advice for each in asked("LR306", HOLDER.format(given=given))] == [True] * told
