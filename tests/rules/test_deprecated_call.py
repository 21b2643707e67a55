"""LR305: what is said of a call depends on where its answer goes and on what it is given."""

from __future__ import annotations

import pytest

LOOP = """
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR


def main(args, model, loader, writer):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = CosineAnnealingLR(optimizer, 100)
    for epoch in range(100):
        for i, (x, y) in enumerate(loader):
            optimizer.zero_grad()
            model(x, y).backward()
            optimizer.step()
            {batch}
        {epoch}
"""


@pytest.mark.parametrize(
    ("read", "logged"),
    [
        ("print(epoch, scheduler.get_lr())", True),
        ('writer.add_scalar("lr", scheduler.get_lr()[0], epoch)', True),
        ('lr = scheduler.get_lr()[0]; print(f"{epoch}: {lr}")', True),
        ("lr = scheduler.get_lr()[0]; momentum = 0.1 * lr; print(momentum)", False),
        ("for group in optimizer.param_groups: group['lr'] = scheduler.get_lr()[0]", False),
    ],
)
def test_a_rate_that_only_goes_into_a_log_is_said_to_be_wrong_there_alone(read, logged, asked):
    (found,) = asked("LR305", LOOP.format(batch="pass", epoch=f"scheduler.step()\n        {read}"))
    assert "one more decay" in found.message
    assert ("Only what is logged is wrong, not the training." in found.message) is logged
    assert not found.advice


def test_the_old_name_is_asked_where_there_is_no_other(asked):
    read = 'print(scheduler.get_last_lr() if hasattr(scheduler, "get_last_lr") else scheduler.get_lr())'
    assert asked("LR305", LOOP.format(batch="pass", epoch=f"scheduler.step()\n        {read}")) == []


def test_a_count_of_ones_own_is_no_epoch_that_has_been_trained(asked):
    often = "if stuck(epoch):\n                    drops += 1\n                    scheduler.step(drops)"
    found = asked("LR305", LOOP.format(batch="pass", epoch=often))
    assert not any("just been trained" in each.message for each in found)


def test_an_epoch_that_has_been_trained_is_told_late(asked):
    (found,) = asked("LR305", LOOP.format(batch="pass", epoch="scheduler.step(epoch)"))
    assert "trains at the rate of the one before" in found.message
    assert not found.advice


@pytest.mark.parametrize(
    ("start", "loop", "late"),
    [("0", "first, 101", True), ("1", "first, 101", False), ("1", "1, 101", False), ("1", "100", True)],
)
def test_an_epoch_that_is_counted_from_1_is_that_of_the_next(start, loop, late, asked):
    resumed = (
        f"first = {start}\n    if args.resume:\n        first = torch.load(args.resume)['epoch'] + 1\n    for epoch in"
    )
    source = LOOP.format(batch="pass", epoch="scheduler.step(epoch)").replace("for epoch in", resumed)
    (found,) = asked("LR305", source.replace("range(100)", f"range({loop})"))
    assert ("just been trained" in found.message) is late and found.advice is not late


def test_a_position_within_the_epoch_is_not_the_epoch_that_has_been_trained(asked):
    (found,) = asked("LR305", LOOP.format(batch="scheduler.step(epoch + i / len(loader))", epoch="pass"))
    assert "trains at the rate of the one before" not in found.message
    assert found.advice


CHOSEN = """
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, {other}


def main(args, model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    if args.kind == "cosine":
        scheduler = CosineAnnealingLR(optimizer, 100)
    else:
        scheduler = {other}(optimizer, 0.7)
    for epoch in range(100):
        for x, y in loader:
            optimizer.zero_grad()
            model(x, y).backward()
            optimizer.step()
        scheduler.step()
        print(scheduler.get_lr())
"""


@pytest.mark.parametrize(("other", "advice"), [("ExponentialLR", False), ("CosineAnnealingWarmRestarts", True)])
def test_where_a_setting_may_choose_a_scheduler_that_answers_with_the_rate_it_is_advice(other, advice, asked):
    (found,) = asked("LR305", CHOSEN.format(other=other))
    assert found.advice is advice


@pytest.mark.parametrize(("given", "told"), [("loss, epoch", True), ("loss", False), ("loss, None", False)])
def test_the_epoch_beside_a_metric(given, told, asked):
    source = f"""
import torch


def main(model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    for epoch in range(10):
        for x, y in loader:
            loss = model(x, y)
            loss.backward()
            optimizer.step()
        scheduler.step({given})
"""
    assert [each.advice for each in asked("LR305", source)] == [True] * told


@pytest.mark.parametrize(
    ("step", "read", "told"),
    [
        ("self.scheduler.step()", "self.scheduler.get_lr()", True),
        ("self.scheduler.step()", "self.scheduler.get_last_lr()", False),
        ("pass", "self.scheduler.get_lr()", False),  # an object that is asked for its rate and nothing else
        ("self.scheduler.step()", "self.scheduler.get_lr(epoch)", False),
    ],
)
def test_the_rate_of_a_scheduler_of_which_only_its_use_is_in_sight(step, read, told, asked):
    source = f"""
class Trainer:
    def __init__(self, **kwargs):
        self.optimizer = kwargs["optimizer"]
        self.scheduler = kwargs["scheduler"]

    def train(self, model, loader):
        for epoch in range(10):
            for x, y in loader:
                model(x, y).backward()
                self.optimizer.step()
            print({read})
            {step}
"""
    assert [each.advice for each in asked("LR305", source)] == [True] * told
