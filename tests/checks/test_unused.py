"""LR106: settings that are accepted and decide nothing."""

from __future__ import annotations

import pytest

CLASS = """
import math
from torch.optim.lr_scheduler import LRScheduler


class Cosine(LRScheduler):
    def __init__(self, optimizer, total_steps, eta_min=0.001, last_epoch=-1):
        self.total_steps = total_steps
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        share = 0.5 * (1 + math.cos(math.pi * min(1.0, self.last_epoch / max(1, self.total_steps))))
        return [{rate} for base in self.base_lrs]
"""


def unused(found):
    return [f for f in found if f.code == "LR106"]


@pytest.mark.parametrize(
    ("rate", "lost"),
    [
        ("base * share", True),
        ("self.eta_min + (base - self.eta_min) * share", False),
        ("max(self.eta_min, base * share)", False),
        ("base * share + self.eta_min * 0", True),
    ],
)
def test_a_floor_that_the_rate_falls_through(check, rate, lost):
    found = unused(check(CLASS.format(rate=rate)))
    assert bool(found) is lost
    assert all("`eta_min`" in f.message and "the same at every step" in f.message for f in found)


@pytest.mark.parametrize(
    "more",
    [
        "class Longer(Cosine):\n    def get_lr(self):\n"
        "        return [max(self.eta_min, lr) for lr in super().get_lr()]",
        "def floor_of(scheduler):\n    return scheduler.eta_min",
    ],
)
def test_a_setting_that_another_part_of_the_file_reads(check, more):
    assert unused(check(CLASS.format(rate="base * share") + "\n\n" + more)) == []


@pytest.mark.parametrize(
    "more",
    [
        "class Other:\n    def __init__(self):\n        self.eta_min = 1.0\n\n    def show(self):\n"
        "        return self.eta_min",
        "def build(optimizer, cfg):\n    return Cosine(optimizer, cfg.total, eta_min=cfg.eta_min)",
    ],
)
def test_a_namesake_is_no_reader(check, more):
    assert len(unused(check(CLASS.format(rate="base * share") + "\n\n" + more))) == 1


def test_saving_and_printing_is_no_use(check):
    source = """
    class Stages:
        def __init__(self, lr, warmup_steps, total_steps):
            self.lr = lr
            self.warmup_steps = max(1, warmup_steps)
            self.total_steps = total_steps

        def __call__(self, optimizer, num_updates):
            lr = self.lr * min(1.0, (num_updates + 1) / self.warmup_steps)
            for group in optimizer.param_groups:
                group["lr"] = lr

        def state_dict(self):
            return {"total_steps": self.total_steps}

        def load_state_dict(self, state):
            self.total_steps = state["total_steps"]
    """
    [finding] = unused(check(source))
    assert "`total_steps`" in finding.message


def test_a_base_class_out_of_sight_may_read_it(check):
    source = """
    from framework import Schedule

    class Warmup(Schedule):
        def __init__(self, optimizer, lr, warmup_steps, total_steps):
            self.optimizer = optimizer
            self.lr = lr
            self.warmup_steps = max(1, warmup_steps)
            self.total_steps = total_steps

        def step(self, step):
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr * min(1.0, (step + 1) / self.warmup_steps)
    """
    assert unused(check(source)) == []


SETTER = """
def adjust(optimizer, epoch, base_lr, step_size=30, gamma=0.2):
    for group in optimizer.param_groups:
        group["lr"] = base_lr * {factor} ** (epoch // step_size)
"""


@pytest.mark.parametrize(("factor", "lost"), [("0.1", True), ("gamma", False)])
def test_a_function_s_own_parameter(check, factor, lost):
    assert bool(unused(check(SETTER.format(factor=factor)))) is lost


@pytest.mark.parametrize(
    "more", ["POLICIES = {'step': adjust}", "def other(optimizer, gamma):\n    return gamma", "register(adjust)"]
)
def test_parameters_that_somebody_else_prescribes(check, more):
    assert unused(check(SETTER.format(factor="0.1") + "\n\n" + more)) == []


def test_a_field_that_the_classes_beside_it_read_and_this_one_forgets(check):
    source = """
    from dataclasses import dataclass

    @dataclass
    class Schedule:
        peak: float

    @dataclass
    class Linear(Schedule):
        total_steps: int = 100

        def get_lr(self, step):
            return self.peak * max(0.0, 1.0 - step / max(1, self.total_steps))

    @dataclass
    class Envelope(Schedule):
        total_steps: int = 100

        def get_lr(self, step):
            return self.peak * max(0.0, 1.0 - step / 90)

    def adjust(optimizer, schedule, step):
        for group in optimizer.param_groups:
            group["lr"] = schedule.get_lr(step)
    """
    assert {f.span.start.line for f in unused(check(source))} == {17}


BESIDE = """
class Constant:
    def __init__(self, {length}, lr):
        self.{length} = {length}
        self.lr = lr

    def __call__(self, step):
        return self.lr


class Linear:
    def __init__(self, {length}, lr_start, lr_end):
        self.{length} = {length}
        self.lr_start = lr_start
        self.lr_end = lr_end

    def __call__(self, step):
        return self.lr_start + (self.lr_end - self.lr_start) * min(1.0, step / max(1, self.{length}))
"""


def test_a_constant_schedule_takes_the_length_that_the_schedules_beside_it_need(check):
    assert unused(check(BESIDE.format(length="steps"))) == []
