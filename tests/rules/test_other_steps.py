"""Schedulers that somebody steps by another name: what moves the rate counts, not what `step` is for."""

from __future__ import annotations

import pytest

BATCHES = """
    import torch

    class Noam(torch.optim.lr_scheduler.LRScheduler):
        def __init__(self, optimizer, model_size, warmup_steps, last_epoch=-1):
            self.model_size = model_size
            self.warmup_steps = warmup_steps
            super().__init__(optimizer, last_epoch=last_epoch)

        def step(self, epoch=None):
            pass

        def {name}(self, {parameters}):
            if batch is None:
                batch = self.last_epoch + 1
            self.last_epoch = batch
            for group, rate in zip(self.optimizer.param_groups, self.get_lr()):
                group["lr"] = rate

        def get_lr(self):
            step = max(self.last_epoch, 1)
            scale = self.model_size**-0.5 * min(step**-0.5, step * max(1, self.warmup_steps) ** -1.5)
            return [scale for _ in self.base_lrs]
    """


@pytest.mark.parametrize(("name", "parameters"), [("step_batch", "batch=None"), ("update", "batch")])
def test_a_step_that_does_nothing_beside_a_method_that_writes_the_rate_bypasses_nothing(codes, name, parameters):
    assert not {"LR104", "LR105"} & set(codes(BATCHES.format(name=name, parameters=parameters)))


def test_a_step_that_does_nothing_beside_nothing_bypasses_the_schedule(codes):
    source = BATCHES.format(name="step_batch", parameters="batch=None").replace('group["lr"] = rate', "print(rate)")
    assert "LR104" in codes(source)
