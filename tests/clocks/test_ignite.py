"""A handler of ignite moves with the event that it is attached to."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from lrfix.clocks import event_loop, take_over
from lrfix.clocks.model import Moment, Unit

torch = pytest.importorskip("torch", reason="torch is what is trained")
EPOCHS, BATCHES = 3, 5


def optimizer(lr: float = 1.0) -> Any:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def test_a_handler_moves_with_the_event_it_is_attached_to():
    engine_module = pytest.importorskip("ignite.engine", reason="ignite.engine is what is asked")
    handlers = pytest.importorskip("ignite.handlers", reason="ignite.handlers is what is asked")
    events = engine_module.Events
    taken = take_over("ignite.engine.Engine.add_event_handler")
    expected = {Unit.BATCH: EPOCHS * BATCHES, Unit.EPOCH: EPOCHS}
    for name in ("ITERATION_COMPLETED", "EPOCH_COMPLETED", "ITERATION_STARTED", "EPOCH_STARTED"):
        sgd = optimizer()
        inner = torch.optim.lr_scheduler.StepLR(sgd, 1000)
        handler = handlers.LRScheduler(inner)
        engine = engine_module.Engine(lambda engine, batch, sgd=sgd: sgd.step())
        engine.add_event_handler(getattr(events, name), handler)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            engine.run(range(BATCHES), max_epochs=EPOCHS)
        # On a *_STARTED event the first call is the first rate, and no step.
        assert handler.event_index in (expected[taken.stepping.chosen_by.units[name]], inner.last_epoch + 1)
        assert inner.last_epoch == pytest.approx(expected[taken.stepping.chosen_by.units[name]], abs=1)


def test_handlers_are_called_when_the_table_says():
    engine_module = pytest.importorskip("ignite.engine", reason="ignite.engine is what is asked")
    loop = event_loop("ignite.engine.Engine")
    seen: list[object] = []
    engine = engine_module.Engine(lambda engine, batch: seen.append("batch"))
    for name, moment in loop.events.items():
        getattr(engine, loop.attach)(getattr(engine_module.Events, name), lambda m: seen.append(m), moment)
    getattr(engine, loop.run)(range(2), max_epochs=2)
    batch = [Moment.BATCH_START] * 3 + ["batch", Moment.BATCH_END]
    epoch = [Moment.EPOCH_START, *batch, *batch, Moment.EPOCH_END]
    assert seen == [Moment.START, *epoch, *epoch, Moment.END]
