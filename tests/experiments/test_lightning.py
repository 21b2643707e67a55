"""LR302 for LightningModules: the trainer steps once an epoch unless the configuration says otherwise."""

from __future__ import annotations

import pytest

MODULE = """
    import pytorch_lightning as pl
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR
    from transformers import get_cosine_schedule_with_warmup

    class Model(pl.LightningModule):
        def __init__(self, max_epochs, total_steps):
            super().__init__()
            {manual}
            self.save_hyperparameters()

        def configure_optimizers(self):
            optimizer = torch.optim.AdamW(self.parameters(), lr=1e-3)
            scheduler = {scheduler}
            return {returned}
    """
ALONE = '{"optimizer": optimizer, "lr_scheduler": scheduler}'
PER_STEP = '{"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}'
PER_EPOCH = '[optimizer], [{"scheduler": scheduler, "interval": "epoch"}]'
IN_STEPS = "OneCycleLR(optimizer, 0.1, total_steps=self.trainer.estimated_stepping_batches)"
WARMED = "get_cosine_schedule_with_warmup(optimizer, 100, self.hparams.total_steps)"
IN_EPOCHS = "CosineAnnealingLR(optimizer, T_max=self.trainer.max_epochs)"
PRODUCT = "CosineAnnealingLR(optimizer, T_max=self.hparams.max_epochs * len(self.train_dataloader()))"


@pytest.mark.parametrize(
    ("scheduler", "returned", "expected"),
    [
        (IN_STEPS, ALONE, True),
        (IN_STEPS, PER_EPOCH, True),
        (IN_STEPS, "[optimizer], [scheduler]", True),
        (IN_STEPS, PER_STEP, False),
        (WARMED, ALONE, True),
        (WARMED, PER_STEP, False),
        (IN_EPOCHS, ALONE, False),
        (IN_EPOCHS, PER_STEP, True),
        (PRODUCT, ALONE, True),
        (PRODUCT, PER_STEP, False),
        ("CosineAnnealingLR(optimizer, T_max=self.hparams.t_max)", ALONE, False),
        ("CosineAnnealingLR(optimizer, T_max=10)", ALONE, False),
        (IN_STEPS, '{"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": self.unit}}', False),
    ],
)
def test_the_length_and_the_interval_are_in_one_unit(scheduler, returned, expected, codes):
    source = MODULE.format(scheduler=scheduler, returned=returned, manual="pass")
    assert ("LR302" in codes(source)) is expected


def test_a_module_that_steps_for_itself_is_left_alone(codes):
    manual = MODULE.format(scheduler=IN_STEPS, returned=ALONE, manual="self.automatic_optimization = False")
    hooked = MODULE.format(scheduler=IN_STEPS, returned=ALONE, manual="pass") + (
        "    def lr_scheduler_step(self, scheduler, metric):\n            scheduler.step()\n"
    )
    assert "LR302" not in codes(manual)
    assert "LR302" not in codes(hooked)


FITTED = """
    import pytorch_lightning as pl
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR

    class Model(pl.LightningModule):
        def __init__(self, n):
            super().__init__()
            self.n = n

        def training_step(self, batch, index):
            return self(batch)

        def configure_optimizers(self):
            optimizer = torch.optim.AdamW(self.parameters(), lr=1e-3)
            scheduler = CosineAnnealingLR(optimizer, T_max=self.n)
            return {{"optimizer": optimizer, "lr_scheduler": {{"scheduler": scheduler, "interval": "{interval}"}}}}

    def main(args, data):
        model = Model({given})
        trainer = pl.Trainer({told}=args.a, devices=1)
        trainer.fit(model, data)
    """


@pytest.mark.parametrize(
    ("interval", "given", "told", "expected"),
    [
        ("step", "args.a", "max_epochs", True),
        ("epoch", "args.a", "max_epochs", False),
        ("step", "args.b", "max_epochs", False),
        ("epoch", "args.a", "max_steps", True),
        ("step", "args.a", "max_steps", False),
    ],
)
def test_a_length_that_the_trainer_is_given_in_another_unit(interval, given, told, expected, asked):
    assert bool(asked("LR302", FITTED.format(interval=interval, given=given, told=told))) is expected
