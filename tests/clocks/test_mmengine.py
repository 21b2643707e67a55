"""mmengine's runner steps a scheduler once an epoch or once a batch."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from lrfix.clocks import take_over
from lrfix.clocks.model import Unit

torch = pytest.importorskip("torch", reason="torch is what is trained")
runners = pytest.importorskip("mmengine.runner", reason="mmengine is what is asked")
EPOCHS, BATCHES = 3, 5


@pytest.fixture
def calls(monkeypatch):
    """Every step that a scheduler makes."""
    from mmengine.optim.scheduler.param_scheduler import _ParamScheduler

    made: list[Any] = []
    step = _ParamScheduler.step

    def counted(self):
        made.append(self)
        step(self)

    monkeypatch.setattr(_ParamScheduler, "step", counted)
    return made


def model() -> Any:
    from mmengine.model import BaseModel

    class Tiny(BaseModel):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        def forward(self, x: Any, mode: str = "loss") -> Any:
            return {"loss": self.layer(x).mean()}

    return Tiny()


@pytest.mark.parametrize("by_epoch", [True, False])
@pytest.mark.parametrize("accumulated", [1, 2])
def test_the_runner_steps_by_epoch_or_by_batch(by_epoch, accumulated, tmp_path, calls):
    logging.disable(logging.CRITICAL)
    try:
        runner = runners.Runner(
            model=model(),
            work_dir=str(tmp_path),
            train_dataloader=torch.utils.data.DataLoader([{"x": torch.ones(2)} for _ in range(BATCHES)]),
            train_cfg={"by_epoch": True, "max_epochs": EPOCHS},
            optim_wrapper={"optimizer": {"type": "SGD", "lr": 1.0}, "accumulative_counts": accumulated},
            param_scheduler={"type": "StepLR", "step_size": 1000, "by_epoch": by_epoch},
            experiment_name=f"{by_epoch}{accumulated}{tmp_path.name}",
            default_hooks={"checkpoint": None, "logger": None},
        )
        runner.train()
    finally:
        logging.disable(logging.NOTSET)
    taken = take_over("mmengine.runner.Runner")
    built = 1  # the constructor makes a step
    units = {Unit.EPOCH: EPOCHS, Unit.BATCH: EPOCHS * BATCHES}
    assert len(calls) - built == units[taken.stepping.chosen_by.units[by_epoch]]
    assert taken.stepping.chosen_by.unit is Unit.EPOCH
