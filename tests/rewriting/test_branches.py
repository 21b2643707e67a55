"""A setting that chooses between sides of one kind becomes an argument: a mode, or a value for each side."""

from __future__ import annotations

import pytest

from lrfix.rewriting.model import FileRewrite

STAIRS = """
from bisect import bisect_right
from torch.optim.lr_scheduler import LRScheduler


class WarmupStairs(LRScheduler):
    def __init__(self, optimizer, milestones, gamma=0.1, factor=0.01, warmup_iters=5, method="linear", last_epoch=-1):
        if method not in ("constant", "linear"):
            raise ValueError(method)
        self.milestones = milestones
        self.gamma = gamma
        self.factor = factor
        self.warmup_iters = warmup_iters
        self.method = method
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        warmup = 1
        if self.last_epoch < self.warmup_iters:
            if self.method == "constant":
                warmup = self.factor
            elif self.method == "linear":
                alpha = self.last_epoch / self.warmup_iters
                warmup = self.factor * (1 - alpha) + alpha
        return [base * warmup * self.gamma ** bisect_right(self.milestones, self.last_epoch) for base in self.base_lrs]
"""
FLAG = """
import math
from torch.optim.lr_scheduler import LRScheduler


class Cosine(LRScheduler):
    def __init__(self, optimizer, total_steps, warmup_steps, from_one=False, last_epoch=-1):
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps
        self.from_one = from_one
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        k = self.last_epoch
        if k < self.warmup_steps:
            share = min(1.0, (k + 1) / self.warmup_steps) if self.from_one else k / self.warmup_steps
        else:
            done = (k - self.warmup_steps) / max(1, self.total_steps - self.warmup_steps)
            share = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        return [base * share for base in self.base_lrs]
"""


def equivalent(result: FileRewrite) -> str:
    assert not result.left, [left.reason for left in result.left]
    assert [site.kind for site in result.sites] == ["equivalent"]
    return " ".join(result.after.split())


def test_a_text_that_names_the_warmup_is_handed_on_as_its_mode(rewrite):
    pytest.importorskip("torch")
    after = equivalent(rewrite(STAIRS, verify=True))
    assert "warmup_mode=method" in after
    assert 'count_from="start-in-warmup"' in after


def test_words_of_the_authors_own_choose_between_the_modes(rewrite):
    after = equivalent(rewrite(STAIRS.replace('"constant"', '"flat"')))
    assert 'warmup_mode="linear" if method == "linear" else "constant"' in after


def test_a_flag_chooses_between_two_values(rewrite):
    result = rewrite(FLAG)
    # `max(1, ...)` makes another curve of a decay that is shorter than a step.
    assert [(site.kind, site.limits) for site in result.sites] == [("limited", ("for decays of a step or more",))]
    assert 'warmup_progress="(k+1)/W" if from_one else "k/W"' in " ".join(result.after.split())


def test_sides_of_two_kinds_are_left_alone(rewrite):
    other = STAIRS.replace(
        "warmup = self.factor\n", "return [base * 0.999**self.last_epoch for base in self.base_lrs]\n"
    ).replace("self.last_epoch < self.warmup_iters", 'self.method == "constant" or self.last_epoch < self.warmup_iters')
    result = rewrite(other)
    assert not result.sites
    assert "`method` = 'constant'" in result.left[0].reason


def test_every_schedule_is_named_by_the_line_that_it_has_in_the_file(rewrite):
    second = STAIRS.partition("class ")[2].replace("WarmupStairs", "OtherStairs")
    text = STAIRS + "\n\nclass " + second
    lines = [site.span.start.line for site in rewrite(text).sites]
    assert lines == [k for k, line in enumerate(text.splitlines(), 1) if line.startswith("class ")]


def test_a_side_that_only_the_check_of_the_setting_names_is_one(rewrite) -> None:
    other = '            elif self.method == "linear":\n'
    turned = STAIRS.replace(other, "            else:\n").replace('== "constant"', '!= "linear"')
    assert "warmup_mode=method" in equivalent(rewrite(turned))
