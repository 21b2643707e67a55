"""Parts of a schedule in methods and functions of their own, and checks that raise, are parts of the formula."""

from __future__ import annotations

import re

import pytest

WRAPPER = """
import math


class Schedule:
    def __init__(self, peak, floor, warmup_steps: int, total_steps: int):
        self.peak = peak
        self.floor = floor
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps

    def climb(self, step):
        return self.peak * (step / self.warmup_steps)

    def fall(self, step):
        done = (step - self.warmup_steps) / (self.total_steps - self.warmup_steps)
        if done < 0.0 or done > 1.0:
            raise RuntimeError("past the end")
        return self.floor + 0.5 * (1 + math.cos(math.pi * done)) * (self.peak - self.floor)

    def rate(self, step: int):
        if step < self.warmup_steps:
            lr = self.climb(step)
            return lr
        return self.fall(step)
"""
ADJUSTER = """
import math


def set_rate(optimizer, rate):
    for group in optimizer.param_groups:
        group["lr"] = rate


def climb(base, length, step):
    return base * (step + 1) / length


def cosine(optimizer, base_lr, warmup_steps: int, total_steps: int):
    def adjust(step: int):
        if step < warmup_steps:
            lr = climb(base_lr, warmup_steps, step)
        else:
            done = (step - warmup_steps) / (total_steps - warmup_steps)
            lr = 0.5 * (1 + math.cos(math.pi * done)) * base_lr
        set_rate(optimizer, lr)
        return lr
    return adjust
"""


def test_methods_of_the_object_are_taken_along(rewrite):
    pytest.importorskip("torch")
    result = rewrite(WRAPPER, verify=True)
    (site,) = result.sites
    assert site.kind == "equivalent"
    assert "return warmup_cosine(" in result.after and "eta_min=self.floor" in result.after


OTHERS = {
    "a derived class has its own": "class Other(Schedule):\n    def climb(self, step):\n        return self.peak\n",
    "a derived class assigns it": "class Other(Schedule):\n    climb = max\n",
    "an object is given one": "def bend(schedule):\n    schedule.climb = lambda step: step\n",
}


def test_the_number_of_a_parameter_group_is_no_position_in_training(rewrite):
    text = "def spread(optimizer, lr, decay=0.75):\n    for i, group in enumerate(optimizer.param_groups):\n"
    text += '        group["lr"] = lr * decay**i\n'
    assert not rewrite(text).sites


@pytest.mark.parametrize("more", OTHERS.values(), ids=OTHERS)
def test_a_method_that_may_be_another_one_is_not_taken_along(rewrite, more):
    result = rewrite(WRAPPER + "\n\n" + more)
    assert "return warmup_cosine(" not in result.after


def test_a_method_that_another_file_may_replace_is_not_taken_along(rewrite):
    def external(pattern):
        return re.search(pattern, "class Other(Schedule):\n    def climb(self, step): ...") is not None

    result = rewrite(WRAPPER, external=external)
    assert not result.sites
    assert "another file of the project derives a class from `Schedule`" in result.left[0].reason


def test_a_check_that_goes_with_the_formula_is_told_of(rewrite):
    (site,) = rewrite(WRAPPER).sites
    assert any("goes with the formula" in note for note in site.notes)


def test_a_function_that_one_branch_asks_is_a_part_of_the_schedule(rewrite):
    result = rewrite(ADJUSTER)
    (site,) = result.sites
    assert site.scheduler == "warmup_cosine"
    assert 'warmup_progress="(k+1)/W"' in result.after and "set_rate(optimizer, lr)" in result.after


def test_a_function_that_every_path_asks_is_the_schedule_itself(rewrite):
    text = "def rate(step, lr, gamma, every):\n    return lr * gamma ** (step // every)\n\n\n"
    text += "def adjust(optimizer, step, args):\n    lr = rate(step, args.lr, args.gamma, args.every)\n"
    text += '    for group in optimizer.param_groups:\n        group["lr"] = lr\n'
    result = rewrite(text)
    assert "lr = rate(step, args.lr, args.gamma, args.every)" in result.after
    assert "return warmup_step(" in result.after


OF_A_FRAMEWORK = """
from elsewhere import ParamScheduler


class Decay(ParamScheduler):
    def __init__(self, optimizer, decay):
        self.optimizer = optimizer
        self.decay = decay

    def step(self):
        for group in self.optimizer.param_groups:
            group["lr"] = group["lr"] * self.decay
"""


def test_a_class_of_another_protocol_is_left_and_the_base_is_named(rewrite):
    result = rewrite(OF_A_FRAMEWORK)
    assert not result.sites
    assert "the protocol of its base `ParamScheduler`" in result.left[0].reason


OPTIONAL = """
import math


class Cosine:
    def __init__(self, warmup_steps: int, start_lr=None):
        self.warmup_steps = warmup_steps
        self.start_lr = start_lr

    def climb(self, peak_lr, step: int):
        start = self.start_lr if self.start_lr is not None else peak_lr * 0.1
        return start + (peak_lr - start) * min(step, self.warmup_steps) / self.warmup_steps

    def get_lr(self, peak_lr, step: int, max_steps: int):
        if step < self.warmup_steps:
            return self.climb(peak_lr, step)
        elif step >= max_steps:
            return 0.0
        share = (step - self.warmup_steps) / (max_steps - self.warmup_steps)
        return peak_lr * (1 + math.cos(math.pi * share)) / 2
"""


def test_a_value_that_may_be_none_chooses_an_argument(rewrite):
    pytest.importorskip("torch")
    result = rewrite(OPTIONAL, verify=True)
    site = result.sites[0]
    assert (site.kind, site.scheduler) == ("equivalent", "warmup_cosine")
    assert "warmup_start=self.start_lr if self.start_lr is not None else peak_lr * 0.1" in result.after
    tried = {s.values["self.start_lr"] for s in site.proofs[0].request.settings}
    assert None in tried and len(tried) > 2


FORGETFUL = """
class Flat:
    def __init__(self, warmup_steps: int):
        self.warmup_steps = warmup_steps

    def rate(self, peak_lr, step: int, max_steps: int):
        if step < self.warmup_steps:
            return peak_lr * step / self.warmup_steps
        del max_steps
        return peak_lr
"""


def test_a_name_that_the_formula_deletes_is_no_obstacle(rewrite):
    result = rewrite(FORGETFUL, verify=True)
    (site,) = result.sites
    assert (site.kind, site.scheduler) == ("equivalent", "warmup_constant")
    assert "del max_steps" not in result.after


TWO_AT_ONCE = """
class Noam:
    def __init__(self, optimizer, width: int, warmup: int):
        self.optimizer = optimizer
        self.width = width
        self.warmup = warmup
        self.steps = 0

    def __call__(self):
        self.steps += 1
        lr = self.scale()
        for group in self.optimizer.param_groups:
            group["lr"] = lr

    def scale(self):
        steps, warmup = self.steps, self.warmup
        return self.width ** -0.5 * min(steps ** -0.5, steps * warmup ** -1.5)
"""


def test_two_names_that_are_set_at_once_are_part_of_the_formula(rewrite):
    (site,) = rewrite(TWO_AT_ONCE, verify=True).sites
    assert (site.kind, site.scheduler) == ("equivalent", "warmup_inverse_sqrt")
