"""A position that is a share of the run, from 0 to 1, and one that is counted from another number."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

ANNEALED = """
def set_annealed_lr(optimizer, base_lr, frac_done):
    lr = base_lr * (1 - frac_done)
    for group in optimizer.param_groups:
        group["lr"] = lr
"""
FACTOR = """
from composer import ComposerScheduler


class PolynomialScheduler(ComposerScheduler):
    def __init__(self, t_max, power: float, lowest: float = 0.0):
        self.t_max = t_max
        self.power = power
        self.lowest = lowest

    def __call__(self, state, ssr: float = 1.0):
        current_time = state.timestamp.get(self.t_max.unit)
        frac_of_total = min(1.0, (current_time / self.t_max).value)
        lr_left = (1 - frac_of_total) ** self.power
        return self.lowest + lr_left * (1.0 - self.lowest)
"""
STEPPED = """
import math


class Steps:
    def __init__(self, initial_lr, factor: float, every: int):
        self.initial_lr = initial_lr
        self.factor = factor
        self.every = every

    def get_lr(self, epoch: int):
        return self.initial_lr * math.pow(self.factor, math.floor((1 + epoch) / self.every))


def train(optimizer, epochs: int, steps: Steps):
    for epoch in range(epochs):
        lr = steps.get_lr(epoch)
        for group in optimizer.param_groups:
            group["lr"] = lr
"""
MOMENT = """
from composer import ComposerScheduler


class MultiStepScheduler(ComposerScheduler):
    def __init__(self, milestones, gamma: float = 0.1):
        self.milestones = milestones
        self.gamma = gamma

    def __call__(self, state, ssr: float = 1.0):
        lr_factor = 1.0
        for milestone in self.milestones:
            if state.timestamp >= milestone:
                lr_factor *= self.gamma
        return lr_factor
"""


def test_a_share_of_the_run_ends_at_1(rewrite):
    result = rewrite(ANNEALED, verify=True)
    (site,) = result.sites
    assert (site.kind, site.limits) == ("equivalent", ("up to its end at `1`",))
    assert "lr = warmup_linear(frac_done, total_steps=1, peak=base_lr)" in result.after


def test_a_share_that_is_asked_for_on_the_spot(rewrite):
    result = rewrite(FACTOR, verify=True)
    (site,) = result.sites
    assert (site.kind, site.limits) == ("equivalent", ("up to its end at `1`",))
    assert "warmup_polynomial( frac_of_total, total_steps=1, power=self.power," in " ".join(result.after.split())


def test_a_share_that_may_be_negative_is_left_alone(rewrite):
    result = rewrite(FACTOR.replace("(current_time / self.t_max)", "((current_time - 1) / self.t_max)"), verify=True)
    assert not result.changed
    assert "`frac_of_total` may be negative" in result.left[0].reason


@pytest.mark.parametrize(
    "curve",
    ["base_lr * (1 - frac_done) * (1 - frac_done / 3)", "base_lr * (1 - 0.5 * frac_done)"],
    ids=["bent", "half"],
)
def test_another_curve_over_the_share_is_left_alone(rewrite, curve):
    result = rewrite(ANNEALED.replace("base_lr * (1 - frac_done)", curve), verify=True)
    assert all("total_steps=1," not in result.after or site.kind == "equivalent" for site in result.sites)


def test_a_staircase_that_counts_from_one(rewrite):
    result = rewrite(STEPPED, verify=True)
    assert result.after.count("warmup_step(") == 1
    assert "1 + epoch, step_size=self.every" in " ".join(result.after.split())


def test_the_timestamp_of_a_trainer_is_no_number(rewrite):
    result = rewrite(MOMENT, verify=True)
    assert not result.changed
    assert "`state.timestamp` is an object of the trainer's, and no number" in result.left[0].reason


def test_a_staircase_whose_steps_are_told_by_a_division_that_rounds_is_limited_to_whole_ones(rewrite):
    result = rewrite(STEPPED.replace("every: int", "every"), verify=True)
    assert [(site.kind, site.limits) for site in result.sites] == [("limited", ("but not with `self.every` = 2.2",))]
