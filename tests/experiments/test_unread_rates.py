"""Schedules on an optimizer that reads its rate once: named where nothing else is driven by them, and never praised."""

from __future__ import annotations

import asking
import pytest

SCRIPT = """
    import torch
    from torch.optim import SGD, Rprop
    from torch.optim.lr_scheduler import LambdaLR, StepLR

    def decay(epoch):
        return 0.95 ** epoch

    def main(model, loader, args):
        {optimizer}
        {scheduler}
        for epoch in range(args.epochs):
            {before}
            for batch in loader:
                optimizer.zero_grad()
                model(batch).backward()
                optimizer.step()
            {step}
    """
RPROP = "optimizer = Rprop(model.parameters(), lr=0.01)"
SGD = "optimizer = SGD(model.parameters(), lr=0.01)"
CHOSEN = (
    "if args.optimizer == 'rprop': optimizer = Rprop(model.parameters())\n"
    "        else: optimizer = SGD(model.parameters(), lr=0.01)"
)
WRITE = "optimizer.param_groups[0]['lr'] = 0.01 * 0.5 ** (epoch // 10)"


def script(optimizer=RPROP, scheduler="scheduler = StepLR(optimizer, 30)", before="pass", step="scheduler.step()"):
    return SCRIPT.format(optimizer=optimizer, scheduler=scheduler, before=before, step=step)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"scheduler": "scheduler = LambdaLR(optimizer, decay)"},
        {"optimizer": "optimizer = torch.optim.Rprop([{'params': model.parameters(), 'lr': 0.1}])"},
        {"scheduler": "pass", "before": WRITE, "step": "pass"},
    ],
)
def test_a_schedule_on_an_optimizer_that_reads_its_first_rate_only(given):
    (found,) = asking.reported("LR105", script(**given))
    assert found.message.startswith("Rprop (line ")


@pytest.mark.parametrize(
    "given",
    [
        {"optimizer": SGD},
        {"optimizer": CHOSEN},  # what else is chosen follows the schedule
        {"scheduler": "optimizer.param_groups[0]['lr'] = 0.1", "step": "pass"},  # in time for the first update
        {"step": "pass"},  # LR303
    ],
)
def test_a_rate_that_some_update_reads_is_left_alone(given):
    assert not asking.reported("LR105", script(**given))


@pytest.mark.parametrize(("optimizer", "praised"), [(SGD, True), (RPROP, False)])
def test_a_sound_formula_that_nobody_trains_by_is_not_praised(optimizer, praised):
    source = script(optimizer=optimizer, scheduler="scheduler = LambdaLR(optimizer, decay)")
    said = [*asking.reported("LR401", source), *asking.reported("LR402", source)]
    assert bool(said) == praised
