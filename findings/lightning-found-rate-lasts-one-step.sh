#!/usr/bin/env bash
# lightning 2.6.6 with torch 2.13.0: the LearningRateFinder callback searches when the optimizer and its scheduler already stand, and then writes the
# rate it found into the parameter groups (pull request 21068 made it survive that far). A scheduler that computes from the base rate it
# noted when it was built (LambdaLR, CosineAnnealingWarmRestarts) writes the old rate back at its first step: the found rate trains for one
# step. CosineAnnealingLR and StepLR, which go on from the current rate, keep it. model.lr names the found rate in every case.
# The documentation of the callback does not mention schedulers.
# Seen: configured 0.5; steps 1 to 4 run at (found, 0.5, 0.5, 0.5) under LambdaLR(lambda step: 1.0), and at the found rate four times under StepLR.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" "lightning==2.6.6"
cd "$folder"
"$folder/venv/bin/python" -W ignore - 2>"$folder/log" <<'PYTHON' || { tail -20 "$folder/log"; exit 1; }
import lightning
import torch
from lightning.pytorch.callbacks import Callback, LearningRateFinder
from torch.optim.lr_scheduler import LambdaLR, StepLR

torch.manual_seed(0)
inputs = torch.randn(2400, 4)
data = torch.utils.data.TensorDataset(inputs, inputs @ torch.ones(4, 1))


class Model(lightning.LightningModule):
    def __init__(self, build):
        super().__init__()
        self.layer, self.lr, self.build = torch.nn.Linear(4, 1), 0.5, build

    def training_step(self, batch, index):
        return torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=self.lr)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": self.build(optimizer), "interval": "step"}}


class Rates(Callback):
    def on_train_start(self, trainer, module):
        self.seen = []

    def on_train_batch_start(self, trainer, module, batch, index):
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        self.seen.append("found" if rate == module.lr else "configured" if rate == 0.5 else rate)


def first_rates(build) -> list:
    model, rates = Model(build), Rates()
    quiet = dict(logger=False, enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False)
    trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", callbacks=[LearningRateFinder(), rates], **quiet)
    trainer.fit(model, torch.utils.data.DataLoader(data, batch_size=16))
    assert model.lr != 0.5
    return rates.seen[:4]


seen = {"LambdaLR": first_rates(lambda o: LambdaLR(o, lambda step: 1.0)), "StepLR": first_rates(lambda o: StepLR(o, 100))}
print("lightning", lightning.__version__, "torch", torch.__version__, seen)
assert seen == {"LambdaLR": ["found"] + ["configured"] * 3, "StepLR": ["found"] * 4}, seen
PYTHON
