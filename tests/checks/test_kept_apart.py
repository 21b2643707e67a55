"""LR109: schedulers that Lightning does not know of."""

from __future__ import annotations

import pytest

MODULE = """
    from torch.optim.lr_scheduler import StepLR

    class Task(LightningModule):
        def configure_optimizers(self):
            optimizer = build_optimizer(self.parameters())
            self.lr_scheduler = {built}
            return {returned}

        def {hook}:
            {body}

        def training_epoch_end(self, outputs):
            {step}
"""


@pytest.fixture
def lines(check):
    def found(**parts):
        given = {
            "built": "StepLR(optimizer, 30)",
            "returned": "optimizer",
            "hook": "forward(self, x)",
            "body": "return x",
            "step": "self.lr_scheduler.step()",
        }
        return [f.span.start.line for f in check(MODULE.format(**{**given, **parts})) if f.code == "LR109"]

    return found


@pytest.mark.parametrize("built", ["StepLR(optimizer, 30)", "build_scheduler(optimizer=optimizer, **self.cfg)"])
def test_a_scheduler_stepped_by_hand_and_not_returned(lines, built):
    assert lines(built=built) == [7]


@pytest.mark.parametrize(
    "parts",
    [
        {"returned": "[optimizer], [self.lr_scheduler]"},
        {"returned": "{'optimizer': optimizer, 'lr_scheduler': self.lr_scheduler}"},
        {"hook": "on_save_checkpoint(self, c)", "body": "c['scheduler'] = self.lr_scheduler.state_dict()"},
        {"hook": "on_train_start(self)", "body": "self.lr_scheduler.last_epoch = self.current_epoch - 1"},
        {"hook": "on_train_start(self)", "body": "catch_up(self.lr_scheduler, self.current_epoch)"},
        {"step": "pass"},
        {"built": "build_model(optimizer)"},
    ],
)
def test_schedulers_that_are_returned_saved_or_moved(lines, parts):
    assert lines(**parts) == []
