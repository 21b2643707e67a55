"""Accelerate's prepared scheduler moves as often as the table says."""

from __future__ import annotations

from typing import Any

import pytest

from lrfix.clocks import take_over
from lrfix.clocks.model import Unit, Who

torch = pytest.importorskip("torch", reason="torch is what is trained")
accelerate = pytest.importorskip("accelerate", reason="accelerate is what is asked")

BATCHES = 6
TAKEN = take_over("accelerate.Accelerator.prepare")


def prepared(**settings: Any) -> tuple[Any, ...]:
    accelerate.state.AcceleratorState._reset_state(reset_partial_state=True)
    accelerator = accelerate.Accelerator(cpu=True, **settings)
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1000)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(BATCHES, 2)))
    return accelerator, scheduler, accelerator.prepare(model, optimizer, data, scheduler)


def moves(monkeypatch: pytest.MonkeyPatch, processes: int = 1, **settings: Any) -> int:
    accelerator, inner, (model, optimizer, data, scheduler) = prepared(**settings)
    monkeypatch.setattr(accelerate.state.AcceleratorState, "num_processes", processes, raising=False)
    monkeypatch.setattr("accelerate.scheduler.AcceleratorState", lambda: type("S", (), {"num_processes": processes}))
    before = inner.last_epoch
    for (batch,) in data:
        with accelerator.accumulate(model):
            accelerator.backward(model(batch).mean())
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
    return inner.last_epoch - before


def test_what_is_prepared_comes_back_in_its_order():
    _, inner, (model, optimizer, data, scheduler) = prepared()
    assert TAKEN.gives == "same" and TAKEN.everything
    assert scheduler.scheduler is inner
    assert len(data) == BATCHES and hasattr(optimizer, "step_was_skipped") and model is not None


def test_the_caller_steps_and_only_real_updates_count(monkeypatch):
    assert (TAKEN.stepping.who, TAKEN.stepping.unit) == (Who.CALLER, Unit.UPDATE)
    assert moves(monkeypatch) == BATCHES
    assert moves(monkeypatch, gradient_accumulation_steps=2) == BATCHES // 2


def test_an_update_is_as_many_steps_as_there_are_processes(monkeypatch):
    assert TAKEN.stepping.factor == "num_processes"
    assert moves(monkeypatch, processes=3) == 3 * BATCHES


def test_the_factor_is_gone_where_the_scheduler_is_not_tied_to_the_optimizer(monkeypatch):
    assert "step_scheduler_with_optimizer=False" in TAKEN.stepping.unless
    assert moves(monkeypatch, processes=3, step_scheduler_with_optimizer=False) == BATCHES


def test_the_factor_is_gone_where_batches_are_split(monkeypatch):
    assert "split_batches=True" in TAKEN.stepping.unless
    settings = {"dataloader_config": accelerate.utils.DataLoaderConfiguration(split_batches=True)}
    assert moves(monkeypatch, processes=3, **settings) == BATCHES
