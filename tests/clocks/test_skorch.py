"""The callback of skorch steps once an epoch or once a batch."""

from __future__ import annotations

import pytest

from lrfix.clocks import take_over
from lrfix.clocks.model import Unit, Who

torch = pytest.importorskip("torch", reason="torch is what is trained")
EPOCHS, BATCHES = 3, 5


@pytest.mark.parametrize("every", ["epoch", "batch"])
def test_the_callback_steps_as_it_is_told(every):
    skorch = pytest.importorskip("skorch", reason="skorch is what is asked")
    callbacks = pytest.importorskip("skorch.callbacks", reason="skorch.callbacks is what is asked")
    taken = take_over("skorch.callbacks.LRScheduler")
    assert taken.stepping.chosen_by.unit is Unit.EPOCH and taken.stepping.who is Who.LIBRARY
    callback = callbacks.LRScheduler(policy="StepLR", step_size=1000, step_every=every)
    net = skorch.NeuralNetRegressor(
        torch.nn.Linear(2, 1), max_epochs=EPOCHS, batch_size=2, train_split=None, verbose=0, callbacks=[callback]
    )
    net.fit(torch.ones(2 * BATCHES, 2).numpy(), torch.ones(2 * BATCHES, 1).numpy())
    (made,) = [c.lr_scheduler_ for _, c in net.callbacks_ if hasattr(c, "lr_scheduler_")]
    units = {Unit.EPOCH: EPOCHS, Unit.BATCH: EPOCHS * BATCHES}
    # Its first step is made before training (it starts with the rate of the epoch that begins).
    assert made.last_epoch == pytest.approx(units[taken.stepping.chosen_by.units[every]], abs=1)
