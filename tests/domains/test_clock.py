"""Names that stand for where training is: read anew at every step, and kept as they were when an object stores them."""

from __future__ import annotations

import ast
import textwrap

import pytest

from lrfix.analysis import analyse
from lrfix.domains.clock import Tick, parameter_ticks, tick_of, told_epochs_alone
from lrfix.source import parse_source


@pytest.mark.parametrize(
    ("path", "tick"),
    [
        ("args.consumed_train_tokens", Tick.STEP),
        ("self.samples_seen", Tick.STEP),
        ("num_tokens_processed", Tick.STEP),
        ("args.train_tokens", None),
        ("args.decay_samples", None),
    ],
)
def test_what_has_been_consumed_is_where_training_stands(path, tick):
    assert tick_of(path) is tick


def test_an_object_keeps_the_moment_at_which_it_was_stored():
    source = """
        from options import get_args

        class Annealing:
            def __init__(self, optimizer, max_lr, warmup_steps):
                self.optimizer, self.max_lr, self.warmup_steps = optimizer, max_lr, warmup_steps
                self.steps = self.start = 0
                self.decay_tokens = get_args().lr_decay_tokens
                self.step(0)

            def step(self, increment):
                self.steps += increment
                self.tokens = get_args().consumed_train_tokens
                if self.steps <= self.warmup_steps:
                    self.start = self.tokens
                    rate = self.max_lr * self.steps / self.warmup_steps
                else:
                    share = (self.tokens - self.start) / (self.decay_tokens - self.start)
                    rate = self.max_lr * (1 - min(1.0, share))
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
        """
    (site,) = analyse(parse_source(textwrap.dedent(source).encode(), "train.py"))
    assert site.family == "linear-warmup+linear"


@pytest.mark.parametrize(
    ("function", "alone"),
    [
        ("def adjust(optimizer, epoch): return args.lr * (1 - epoch / args.epochs)", True),
        ("def adjust(optimizer, epoch, batch): return args.lr * (1 - epoch / args.epochs)", True),
        ("def adjust(optimizer, epoch, i): return args.lr * (1 - epoch / args.epochs)", False),
        ("def adjust(optimizer, epoch): return 1 - epoch / (args.epochs * len(loader))", False),
        ("def adjust(optimizer, step): return 1 - step / args.epochs", False),
    ],
)
def test_what_is_told_the_epoch_alone_moves_on_once_an_epoch(function, alone):
    node = ast.parse(function).body[0]
    assert told_epochs_alone([a.arg for a in node.args.args], node) is alone


@pytest.mark.parametrize(
    ("parameters", "in_epochs", "tick"),
    [
        (("cur_epoch", "cur_step"), True, Tick.BATCH),
        (("epoch", "step"), True, Tick.BATCH),
        (("cur_epoch", "cur_step"), False, Tick.STEP),
        (("epoch", "global_step"), True, Tick.STEP),
    ],
)
def test_the_present_step_beside_epochs_that_are_counted_by_their_batches_is_one_of_the_epoch(
    parameters, in_epochs, tick
):
    assert parameter_ticks(parameters, in_epochs=in_epochs)[parameters[1]] is tick
