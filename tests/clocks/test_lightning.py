"""Lightning's trainer steps a scheduler as often as the table says."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import pytest

from lrfix.clocks import hooks, take_over
from lrfix.clocks.model import Unit, Who

torch = pytest.importorskip("torch", reason="torch is what is trained")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pl = pytest.importorskip("pytorch_lightning", reason="pytorch-lightning is what is asked")

BATCHES, EPOCHS = 6, 3
(HOOK,) = hooks("pytorch_lightning.LightningModule")


class Counted(torch.optim.lr_scheduler.LambdaLR):
    """Counts the steps that others make with it."""

    calls = 0

    def step(self, *arguments: Any) -> None:
        self.calls += 1
        super().step(*arguments)


class Module(pl.LightningModule):
    def __init__(self, returned: Any, automatic: bool = True) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
        self.returned = returned
        self.automatic_optimization = automatic

    def training_step(self, batch: Any, index: int) -> Any:
        return self.layer(batch[0]).mean() if self.automatic_optimization else None

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        self.scheduler = Counted(optimizer, lambda step: 1.0)
        self.scheduler.calls = 0
        return self.returned(optimizer, self.scheduler)


def steps(returned: Any, automatic: bool = True, module: type[Module] = Module, **trainer: Any) -> int:
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(BATCHES, 2)))
    made = module(returned, automatic)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        fit = pl.Trainer(max_epochs=EPOCHS, accelerator="cpu", enable_model_summary=False, **quiet, **trainer)
        fit.fit(made, data)
    return made.scheduler.calls


def in_dict(**keys: Any) -> Any:
    return lambda optimizer, scheduler: {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, **keys}}


def test_the_trainer_steps_once_an_epoch_where_nothing_is_said():
    assert (HOOK.stepping.who, HOOK.stepping.chosen_by.unit) == (Who.LIBRARY, Unit.EPOCH)
    assert steps(in_dict()) == EPOCHS
    assert steps(lambda optimizer, scheduler: ([optimizer], [scheduler])) == EPOCHS


def test_an_interval_of_steps_counts_updates():
    assert HOOK.stepping.chosen_by.units["step"] is Unit.UPDATE
    assert steps(in_dict(interval="step")) == EPOCHS * BATCHES
    assert steps(in_dict(interval="step"), accumulate_grad_batches=2) == EPOCHS * BATCHES // 2


def test_a_frequency_counts_micro_batches_anew_every_epoch():
    assert steps(in_dict(interval="step", frequency=4)) == EPOCHS * (BATCHES // 4)
    assert steps(in_dict(interval="step", frequency=2), accumulate_grad_batches=2) == EPOCHS * BATCHES // 2


def test_the_keys_of_the_table_are_the_ones_that_are_read():
    assert HOOK.keys["scheduler"] == "lr_scheduler" and HOOK.keys["scheduler_in_its_dict"] == "scheduler"


def test_manual_optimization_leaves_the_stepping_to_the_caller():
    assert HOOK.off_by == ("automatic_optimization", False)
    assert steps(in_dict(interval="step"), automatic=False) == 0


def test_a_hook_of_the_module_steps_in_the_trainers_place():
    class Own(Module):
        def lr_scheduler_step(self, *arguments: Any) -> None:
            return None

    assert HOOK.replaced_by == ("lr_scheduler_step",)
    assert steps(in_dict(interval="step"), module=Own) == 0


def test_fabric_leaves_the_stepping_to_the_caller():
    fabrics = pytest.importorskip("lightning_fabric", reason="lightning-fabric is what is asked")
    taken = take_over("lightning_fabric.Fabric.setup")
    if not taken.versions.hold(pl.__version__):
        # An older Fabric takes no scheduler: there is nothing that the table and the library could agree on.
        pytest.skip(f"Fabric.setup takes a scheduler from {taken.versions.since} on, and {pl.__version__} is installed")
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1000)
    fabric = fabrics.Fabric(accelerator="cpu", devices=1)
    wrapped, stepping, given = fabric.setup(model, optimizer, scheduler=scheduler)
    fabric.backward(wrapped(torch.ones(1, 2)).mean())
    stepping.step()
    assert taken.gives == "same" and taken.stepping.who is Who.CALLER
    assert given is scheduler and scheduler.last_epoch == 0
