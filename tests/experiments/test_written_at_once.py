"""SWALR without a way to its rate is there when it is built: too early beside a schedule that trains first."""

from __future__ import annotations

import asking
import pytest

SCRIPT = """
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR
    from torch.optim.swa_utils import SWALR

    def main(model, loader, start):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        {scheduler}
        {early}
        for epoch in range(90):
            for batch in loader:
                model(batch).backward()
                optimizer.step()
                optimizer.zero_grad()
            {step}
        {late}
        for epoch in range(10):
            for batch in loader:
                model(batch).backward()
                optimizer.step()
                optimizer.zero_grad()
            averaging.step()
    """
AT_ONCE = "averaging = SWALR(optimizer, swa_lr=0.01, anneal_epochs=0)"
COSINE = "scheduler = CosineAnnealingLR(optimizer, T_max=90)"


def told(scheduler=COSINE, early=AT_ONCE, late="pass", step="scheduler.step()"):
    source = SCRIPT.format(scheduler=scheduler, early=early, late=late, step=step)
    return [found.message for found in asking.reported("LR110", source)]


def test_what_is_built_before_training_moves_the_rate_that_training_starts_from():
    (message,) = told()
    assert "and its steps go on from there" in message
    (message,) = told(scheduler="scheduler = LambdaLR(optimizer, lambda epoch: 0.95**epoch)")
    assert "until its first step" in message


@pytest.mark.parametrize(
    "given",
    [
        {"early": "averaging = SWALR(optimizer, swa_lr=0.01, anneal_epochs=5)"},
        {"early": "averaging = SWALR(optimizer, swa_lr=0.01)"},
        {"early": "pass", "late": AT_ONCE},
        {"scheduler": "pass", "step": "pass"},  # its own rate is all that there is
    ],
)
def test_what_is_built_in_time_or_goes_there_step_by_step_is_left_alone(given):
    assert told(**given) == []


@pytest.mark.parametrize(("steps", "first"), [(0, 0.01), (1, 0.1), (5, 0.1)])
def test_torch_does_so(steps, first):
    torch = pytest.importorskip("torch", reason="torch is what is asked")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
    torch.optim.swa_utils.SWALR(optimizer, swa_lr=0.01, anneal_epochs=steps)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(first)
