"""LR209: decays that end later than the run, by the warmup."""

from __future__ import annotations

import pytest

FACTOR = """
    import math
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, {warmup}, {whole}):
        def factor(step):
            if step < {warmup}:
                return (step + 1) / {warmup}
            done = (step - {warmup}) / {length}
            return {decay}
        return LambdaLR(optimizer, factor)
"""
COSINE = "0.5 * (1 + math.cos(math.pi * min(1.0, done)))"


@pytest.mark.parametrize(
    ("whole", "length", "decay", "told"),
    [
        ("total_steps", "total_steps", COSINE, True),
        ("total_steps", "total_steps", "0.5 * (1 + math.cos(math.pi * done))", True),
        ("total_steps", "total_steps", "0.1 + 0.9 * max(0.0, 1 - done)", True),
        ("total_steps", "total_steps", "1 - done", True),
        ("total_steps", "(total_steps - warmup_steps)", COSINE, False),
        ("decay_steps", "decay_steps", COSINE, False),
        ("T_max", "T_max", COSINE, False),
        ("total_steps", "total_steps", "0.1 ** done", False),
    ],
)
def test_a_decay_of_the_whole_length_after_a_warmup_is_advice(advice, whole, length, decay, told):
    source = FACTOR.format(warmup="warmup_steps", whole=whole, length=length, decay=decay)
    found = [f for f in advice(source) if f.code == "LR209"]
    assert [f.code for f in found] == (["LR209"] if told else [])
    assert all("ends at step 108" in f.message and "(97)" in f.message for f in found)


def test_epochs_go_with_epochs(advice):
    source = FACTOR.format(warmup="warmup_epochs", whole="num_epochs", length="num_epochs", decay=COSINE)
    assert [f.code for f in advice(source) if f.code == "LR209"] == ["LR209"]


def test_who_hands_over_what_is_left_after_the_warmup_means_it(advice):
    source = FACTOR.format(warmup="warmup_steps", whole="total_steps", length="total_steps", decay=COSINE)
    source += """
    def train(optimizer, args):
        return build(optimizer, args.warmup_steps, args.total_steps - args.warmup_steps)
    """
    assert [f.code for f in advice(source) if f.code == "LR209"] == []


def test_of_several_formulas_the_one_that_ran_is_shown(advice):
    source = """
    import math

    class Schedule:
        def __init__(self, optimizer, lr, warmup_steps, total_steps, style="linear"):
            self.optimizer, self.lr, self.style = optimizer, lr, style
            self.warmup_steps, self.total_steps, self.count = warmup_steps, total_steps, 0

        def get_lr(self):
            if self.count < self.warmup_steps:
                return self.lr * (self.count + 1) / self.warmup_steps
            done = (self.count - self.warmup_steps) / self.total_steps
            if self.style == "linear":
                lr = self.lr * (1 - done)
            else:
                lr = self.lr * 0.5 * (1 + math.cos(math.pi * done))
            return max(lr, 0.0)

        def step(self):
            for group in self.optimizer.param_groups:
                group["lr"] = self.get_lr()
            self.count += 1
    """
    assert [(f.code, f.span.start.line) for f in advice(source) if f.code == "LR209"] == [("LR209", 14)]


WITH_A_FLOOR = """
    import math

    def adjust(optimizer, epoch, args):
        if epoch < args.warmup_epochs:
            lr = args.lr * (epoch + 1) / args.warmup_epochs
        else:
            share = (epoch - args.warmup_epochs) / (args.epochs - args.warmup_epochs)
            half = 0.5 * (1 + math.cos(math.pi * share))
            lr = {decay}
        for group in optimizer.param_groups:
            group["lr"] = lr
"""


@pytest.mark.parametrize(
    ("decay", "told"),
    [
        ("(args.lr - args.min_lr) * half", True),
        ("args.min_lr + (args.lr - args.min_lr) * half", False),
        ("max(args.min_lr, (args.lr - args.min_lr) * half)", False),
        ("args.lr * half", False),
    ],
)
def test_a_floor_that_is_taken_off_the_peak_and_never_added(asked, decay, told):
    found = [f for f in asked("LR209", WITH_A_FLOOR.format(decay=decay)) if "takes" in f.message]
    assert [f.advice for f in found] == [False] * told
