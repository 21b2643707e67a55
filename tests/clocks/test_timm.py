"""A scheduler of timm moves with the call of its unit, and is told where training stands."""

from __future__ import annotations

from typing import Any

import pytest

from lrfix.clocks import builders, methods
from lrfix.clocks.model import Unit

torch = pytest.importorskip("torch", reason="torch is what is trained")


def optimizer(lr: float = 1.0) -> Any:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def test_a_scaler_called_with_the_optimizer_updates():
    utils = pytest.importorskip("timm.utils", reason="timm is what is asked")
    (call,) = methods("timm.utils.NativeScaler", "__call__")
    sgd = optimizer()
    parameter = sgd.param_groups[0]["params"][0]
    utils.NativeScaler(device="cpu")((parameter * 2.0).sum(), **{call.optimizer.name: sgd}, need_update=False)
    assert parameter.item() == 0.0
    utils.NativeScaler(device="cpu")((parameter * 2.0).sum(), sgd)
    assert parameter.item() != 0.0


def test_only_the_call_of_its_own_unit_moves_a_scheduler():
    timm = pytest.importorskip("timm.scheduler", reason="timm.scheduler is what is asked")
    (builder,) = builders("timm.scheduler.CosineLRScheduler")
    for in_epochs, unit in builder.chosen_by.units.items():
        sgd = optimizer()
        scheduler = timm.CosineLRScheduler(sgd, t_initial=10, t_in_epochs=in_epochs)
        scheduler.step(5)
        by_epoch = sgd.param_groups[0]["lr"] < 1.0
        scheduler.step_update(5)
        by_update = sgd.param_groups[0]["lr"] < 1.0 and not by_epoch
        assert (by_epoch, by_update) == (unit is Unit.EPOCH, unit is Unit.UPDATE)
    assert builder.chosen_by.unit is Unit.EPOCH


def test_the_caller_says_where_training_stands():
    timm = pytest.importorskip("timm.scheduler", reason="timm.scheduler is what is asked")
    sgd = optimizer()
    scheduler = timm.CosineLRScheduler(sgd, t_initial=10)
    (step,) = methods("timm.scheduler.CosineLRScheduler", "step")
    with pytest.raises(TypeError, match=step.position.name):
        scheduler.step()
    scheduler.step(10)
    there = sgd.param_groups[0]["lr"]
    scheduler.step(20)
    assert sgd.param_groups[0]["lr"] == there == 0.0  # past its end the floor holds
