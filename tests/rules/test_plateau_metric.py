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


@pytest.mark.parametrize(
    ("epoch", "told"),
    [
        ("scheduler.step(loss) if isinstance(scheduler, ReduceLROnPlateau) else scheduler.step()", False),
        ("scheduler.step()", True),
    ],
)
def test_a_setting_may_keep_the_step_of_each_batch_to_schedulers_that_need_no_metric(epoch, told, asked):
    source = f"""
import torch
from config import CFG
from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau


def main(model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    plateau = CFG.scheduler == "plateau"
    scheduler = ReduceLROnPlateau(optimizer) if plateau else CosineAnnealingLR(optimizer, CFG.epochs)
    for epoch in range(CFG.epochs):
        for batch in loader:
            loss = model(batch)
            loss.backward()
            optimizer.step()
            if CFG.each_batch:
                scheduler.step()
        if not CFG.each_batch:
            {epoch}
"""
    assert bool(asked("LR306", source)) is told


@pytest.mark.parametrize(
    ("test", "told"), [('self.kind == "plateau"', False), ("epoch > self.warmup", True), ("loss is not None", True)]
)
def test_a_setting_that_gives_a_plateau_its_metric_keeps_it_from_the_other_step(test, told, asked):
    source = f"""
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau


class Trainer:
    def __init__(self, model, options):
        self.kind, self.warmup, self.epochs = options["schedule"]["kind"], options["warmup"], options["epochs"]
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        self.scheduler = self.build(options["schedule"])

    def build(self, options):
        if options["kind"] == "cosine":
            return CosineAnnealingLR(self.optimizer, options["length"])
        return ReduceLROnPlateau(self.optimizer)

    def train(self, model, loader):
        for epoch in range(self.epochs):
            for batch in loader:
                loss = model(batch)
                loss.backward()
                self.optimizer.step()
            if {test}:
                self.scheduler.step(loss)
            else:
                self.scheduler.step()
"""
    assert bool(asked("LR306", source)) is told
