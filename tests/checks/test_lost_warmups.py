"""LR106: settings under which a warmup that is asked for does nothing."""

from __future__ import annotations

import pytest

START = """
    class Schedule:
        @staticmethod
        def add_args(parser):
            parser.add_argument("--warmup-updates", default=4000, type=int)
            parser.add_argument("--warmup-init-lr", default={default}, type=float)

        def __init__(self, args, optimizer):
            self.args = args
            self.optimizer = optimizer
            self.peak = args.lr[0]
            if args.warmup_init_lr < 0:
                args.warmup_init_lr = {replaced}
            self.increment = (self.peak - args.warmup_init_lr) / args.warmup_updates

        def step_update(self, num_updates):
            if num_updates < self.args.warmup_updates:
                lr = self.args.warmup_init_lr + num_updates * self.increment
            else:
                lr = self.peak * (self.args.warmup_updates / num_updates) ** 0.5
            for group in self.optimizer.param_groups:
                group["lr"] = lr
            return lr
"""
ENDS = """
    def update_lr(optimizer, step, args):
        if args.lr_final == args.lr_init:
            lr = args.lr_init
            {constant}
        else:
            progress = min(1.0, step / args.total_steps)
            lr = args.lr_init + (args.lr_final - args.lr_init) * progress
            if step < args.warmup_steps:
                lr = lr * (0.2 + 0.8 * step / args.warmup_steps)
        for group in optimizer.param_groups:
            group["lr"] = lr
"""


def lines(check, source: str) -> list[int]:
    return [f.span.start.line for f in check(source) if f.code == "LR106"]


@pytest.mark.parametrize(
    ("default", "replaced", "lost"),
    [
        ("-1", "self.peak", True),
        ("-1", "0.0 if args.warmup_updates > 0 else self.peak", False),
        ("0.0", "self.peak", False),
    ],
)
def test_a_default_start_that_is_the_end_of_the_ramp(check, default, replaced, lost):
    assert lines(check, START.format(default=default, replaced=replaced)) == ([13] if lost else [])


def test_a_branch_for_equal_ends_that_forgets_the_warmup(check):
    assert lines(check, ENDS.format(constant="pass")) == [3]


def test_a_branch_for_equal_ends_with_a_warmup_of_its_own(check):
    ramp = "lr = lr * min(1.0, 0.2 + 0.8 * step / args.warmup_steps)"
    assert lines(check, ENDS.format(constant=ramp)) == []
