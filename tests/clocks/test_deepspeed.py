"""DeepSpeed's warmups begin at 0, and its decays end where their length says."""

from __future__ import annotations

from typing import Any

import pytest

from lrfix.clocks import builders

torch = pytest.importorskip("torch", reason="torch is what is trained")


def optimizer(lr: float = 1.0) -> Any:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


@pytest.mark.parametrize("name", ["WarmupLR", "WarmupDecayLR", "WarmupCosineLR"])
def test_a_warmup_begins_at_zero(name):
    schedules = pytest.importorskip("deepspeed.runtime.lr_schedules", reason="deepspeed is what is asked")
    (builder,) = builders(f"deepspeed.runtime.lr_schedules.{name}")
    lengths = {argument.name: 20 for argument in builder.horizon}
    sgd = optimizer()
    scheduler = getattr(schedules, name)(sgd, warmup_num_steps=5, **lengths)
    rates = []
    for _ in range(30):
        rates.append(sgd.param_groups[0]["lr"])
        scheduler.step()
    assert builder.starts_at_zero and rates[1] == 0.0  # the second update too; the first before any step
    if builder.horizon:
        assert len({round(rate, 12) for rate in rates[22:]}) == 1
