"""LR214: a length of nothing must not leave the run where the schedule was to begin, or to end."""

from __future__ import annotations

import pytest

from lrfix.findings import Severity

CLASS = """
    import math
    from torch.optim.lr_scheduler import LRScheduler

    class Root(LRScheduler):
        def __init__(self, optimizer, warmup{default}, last_epoch=-1):
            self.warmup = {length}
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            scale = min((self.last_epoch + 1) ** -0.5, (self.last_epoch + 1) / max(1, self.warmup) ** 1.5)
            return [base * scale * self.warmup ** 0.5 for base in self.base_lrs]
    """
WRAPPER = """
    class Ramp:
        def __init__(self, optimizer, lr, warmup{default}):
            self.optimizer, self.lr, self.warmup = optimizer, lr, {length}
            self.count = 0
            self.write()

        def write(self):
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr * min(self.count, self.warmup) / (self.count + 1)

        def step(self):
            self.count += 1
            self.write()
    """
SETTER = """
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("--warmup", type=int{option})
    args = parser.parse_args()

    def adjust(optimizer, step, lr):
        warmup = {length}
        rate = lr * min(step + 1, warmup) / (step + 1)
        for group in optimizer.param_groups:
            group["lr"] = rate
    """


@pytest.mark.parametrize("form", [CLASS, WRAPPER])
@pytest.mark.parametrize(
    ("default", "length", "told"),
    [
        ("=0", "warmup", Severity.WARNING),
        ("=40", "warmup", Severity.INFO),
        ("", "warmup", Severity.INFO),
        ("=0", "max(1, warmup)", None),
    ],
)
def test_a_class_that_stays_down_without_its_warmup(findings, form, default, length, told):
    found = [f.severity for f in findings(form.format(default=default, length=length)) if f.code == "LR214"]
    assert found == ([told] if told is not None else [])


@pytest.mark.parametrize(
    ("option", "length", "told"),
    [
        (", default=0", "args.warmup", [Severity.WARNING]),
        (", default=10", "args.warmup", [Severity.INFO]),
        (", default=0", "args.warmup or 1", []),
    ],
)
def test_an_option_that_is_nothing_by_default(findings, option, length, told):
    found = findings(SETTER.format(option=option, length=length))
    assert [f.severity for f in found if f.code == "LR214"] == told


CHAINED = """
    import argparse
    from torch.optim.lr_scheduler import {schedule}, ExponentialLR, LinearLR

    parser = argparse.ArgumentParser()
    parser.add_argument("--warmup", type=int, default={default})
    args = parser.parse_args()

    def build(optimizer):
        ramp = LinearLR(optimizer, start_factor=0.05, total_iters={length})
        decay = ExponentialLR(optimizer, gamma=0.98)
        return {schedule}({given})
    """


@pytest.mark.parametrize(
    ("default", "length", "told"), [("0", "args.warmup", True), ("5", "args.warmup", False), ("0", "5", False)]
)
def test_a_ramp_that_never_ends_holds_down_what_it_is_chained_with(codes, default, length, told):
    source = CHAINED.format(schedule="ChainedScheduler", given="[ramp, decay]", default=default, length=length)
    assert ("LR214" in codes(source)) == told


def test_a_run_of_one_epoch_is_not_held_against_its_warmup(findings):
    source = """
        def adjust(optimizer, epoch, epochs, warmup_epochs, lr):
            factor = min(1.0, epoch / max(1, warmup_epochs)) * (1 - epoch / epochs)
            for group in optimizer.param_groups:
                group["lr"] = lr * factor
        """
    assert [f for f in findings(source) if f.code == "LR214"] == []


def test_a_run_of_one_epoch_at_its_floor_is_told_of(findings):
    source = """
        import math

        def adjust(optimizer, epoch, epochs, lr):
            rate = lr * 0.5 * (1 + math.cos(math.pi * (epoch + 1) / epochs))
            for group in optimizer.param_groups:
                group["lr"] = rate
        """
    assert [f.severity for f in findings(source) if f.code == "LR214"] == [Severity.INFO]


STOCK = """
    import argparse
    import torch
    from torch.optim import lr_scheduler

    parser = argparse.ArgumentParser()
    parser.add_argument("--warmup", type=int, default=0)
    args = parser.parse_args()

    def build(optimizer):
        return {made}
    """


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("lr_scheduler.LinearLR(optimizer, start_factor=0.2, total_iters=0)", True),
        ("lr_scheduler.LinearLR(optimizer, 0.2, 1.0, args.warmup)", True),
        ("lr_scheduler.LinearLR(optimizer, 0.2, 1.0, args.warmup or 5)", False),
        ("lr_scheduler.LinearLR(optimizer, total_iters=20)", False),
        ("lr_scheduler.PolynomialLR(optimizer, total_iters=0)", False),
        ("lr_scheduler.ConstantLR(optimizer)", True),
        ("lr_scheduler.ConstantLR(optimizer, factor=1.0)", False),
        ("lr_scheduler.ConstantLR(optimizer, 0.5, 10)", False),
        ("lr_scheduler.StepLR(optimizer, 30)", False),
        (
            "lr_scheduler.SequentialLR(optimizer, [lr_scheduler.ConstantLR(optimizer), "
            "lr_scheduler.StepLR(optimizer, 30)], milestones=[5])",
            False,
        ),
        ("lr_scheduler.LinearLR(optimizer, 0.2, 1.0, args.warmup) if args.warmup else None", False),
    ],
)
def test_a_scheduler_of_torch_is_judged_by_the_numbers_that_it_is_built_with(codes, made, told):
    assert ("LR214" in codes(STOCK.format(made=made))) == told


def test_a_position_that_begins_at_0_is_no_setting(check):
    source = """
    class Policy:
        def __init__(self, lr, warmup_epochs, batches):
            self.lr, self.batches = lr, batches
            self.warmup_steps = warmup_epochs * batches
            self.warmup_epochs = warmup_epochs

        def rate(self, epoch, step_in_epoch=0):
            if epoch < self.warmup_epochs:
                return self.lr * (epoch * self.batches + step_in_epoch) / self.warmup_steps
            return self.lr

    def train(policy, optimizer, loader, epochs):
        for epoch in range(epochs):
            for i, batch in enumerate(loader):
                for group in optimizer.param_groups:
                    group["lr"] = policy.rate(epoch, i)
                optimizer.step()
    """
    assert [f for f in check(source) if f.code == "LR214"] == []


RAMP = """
    def ramp(epoch, lr_init, lr_target, warmup_steps):
        if epoch < warmup_steps:
            return lr_init + (lr_target - lr_init) / warmup_steps * epoch
        return lr_target

    def train(optimizer, args):
        for epoch in range(args.total_steps):
            for group in optimizer.param_groups:
                group["lr"] = ramp(epoch, args.lr, args.lr_target, args.warmup_steps)
    """


def test_without_its_only_phase_a_schedule_is_at_the_rate_that_comes_after(asked):
    assert asked("LR214", RAMP) == []
