"""What a file says about the values that it leaves open: defaults, absent ones, sequences, increments."""

from __future__ import annotations

import itertools
import textwrap

import pytest

from lrfix.analysis import analyse
from lrfix.domains.facts import Defaults
from lrfix.names import Names
from lrfix.source import parse_source


def curve_of(text: str) -> list[float]:
    (analysis,) = analyse(parse_source(textwrap.dedent(text).encode(), "train.py"))
    return list(analysis.curve)


SCRIPT = """
    import argparse
    import torch

    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--shape", {default})
    args = parser.parse_args()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
    for epoch in range(100):
        for group in optimizer.param_groups:
            group["lr"] = 0.5 if args.shape is None else 0.5 / (1 + epoch)
"""


@pytest.mark.parametrize("default", ["type=float", "default=None, type=float"])
def test_an_option_without_a_default_is_none_where_the_code_asks(default):
    assert curve_of(SCRIPT.format(default=default))[:3] == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("default", ["type=float, required=True", "type=float, default=3.0", "action='store_true'"])
def test_an_option_that_has_a_value_is_not_none(default):
    assert curve_of(SCRIPT.format(default=default))[:2] == [0.5, 0.25]


def test_parameters_that_the_code_walks_through_hold_several_values():
    curve = curve_of("""
        class Schedule:
            def __init__(self, optimizer, lr, decay_steps, decay_rates):
                self.optimizer, self.lr, self.k = optimizer, lr, 0
                self.decay_steps, self.decay_rates = decay_steps, decay_rates

            def step(self):
                self.k += 1
                rate = self.lr
                for i in range(len(self.decay_steps)):
                    if self.k > self.decay_steps[i]:
                        rate *= self.decay_rates[i]
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
    """)
    levels = list(dict.fromkeys(curve))
    assert len(levels) == 3
    assert levels == sorted(levels, reverse=True)


def test_an_increment_is_one_step():
    curve = curve_of("""
        class Schedule:
            def __init__(self, optimizer, max_lr, warmup_steps):
                self.optimizer, self.max_lr, self.warmup_steps = optimizer, max_lr, warmup_steps
                self.num_steps = 0
                self.step(0)

            def step(self, increment):
                self.num_steps += increment
                for group in self.optimizer.param_groups:
                    group["lr"] = self.max_lr * min(1.0, self.num_steps / self.warmup_steps)
    """)
    assert curve[1] - curve[0] == pytest.approx(curve[2] - curve[1])
    assert 0 < curve[1] < curve[5] < max(curve)


def test_tokens_counted_from_a_mask_grow_by_one_a_step():
    curve = curve_of("""
        import torch
        from settings import config

        tokens = 0
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for step, (x, y) in enumerate(loader):
            tokens += (y >= 0).sum()
            lr = 0.1 * max(0.1, 1 - tokens / config.final_tokens)
            for group in optimizer.param_groups:
                group["lr"] = lr
    """)
    steps = {round(a - b, 12) for a, b in itertools.pairwise(curve[:20])}
    assert len(steps) == 1
    assert steps != {0.0}


LENGTH = """
    import torch
    from data import dataset, loader, tokens
    from settings import args

    {length}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(num_steps):
        for group in optimizer.param_groups:
            group["lr"] = 0.1 * max(0.0, 1 - step / num_steps)
"""


@pytest.mark.parametrize(
    "length",
    [
        "num_steps = len(dataset) // args.batch_size * args.epochs",
        "num_steps = args.max_tokens // args.tokens_per_step",
        "per_step = args.micro * args.accumulated\n    num_steps = tokens // per_step",
    ],
)
def test_a_length_that_no_arithmetic_on_invented_numbers_gives_is_drawn_whole(length):
    curve = curve_of(LENGTH.format(length=length))
    assert 50 < curve.index(0.0) < 200


def test_a_length_of_known_parts_is_worked_out():
    curve = curve_of(LENGTH.format(length="num_steps = len(loader) * 7"))
    assert curve.index(0.0) == 21


def test_a_step_size_in_epochs_is_shorter_than_the_run():
    curve = curve_of("""
        def step_learning_rate(base_lr, epoch, step_epoch, multiplier=0.1):
            return base_lr * multiplier ** (epoch // step_epoch)
    """)
    assert curve[0] > curve[30]


OPTIONS = """
    cfg = EasyDict()
    cfg.solver = EasyDict()
    cfg.{where}epochs = 60
    {again}
    """


@pytest.mark.parametrize("where", ["", "solver."])
def test_options_that_a_module_sets_one_by_one_are_stated(where):
    def stated(again: str) -> object:
        source = textwrap.dedent(OPTIONS.format(where=where, again=again)).encode()
        return Defaults(Names(parse_source(source, "config.py").tree)).get("config.epochs")

    assert stated("") == 60
    # Two values for one word are none.
    assert stated("cfg.test = EasyDict(); cfg.test.epochs = 70") is None


LOOKED_UP = """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, cfg, total_steps):
        held = {held}
        return LambdaLR(optimizer, lambda step: 1.0 if step < held * total_steps else 0.1)
    """


@pytest.mark.parametrize(
    "held",
    [
        'cfg.get("held", 0.6)',
        'cfg.pop("held", 0.6)',
        'float(cfg.get("held", 0.6))',
        'getattr(cfg, "held", 0.6)',
        'float(getattr(cfg.optim, "held", 0.6))',
    ],
)
def test_what_a_lookup_gives_where_nothing_is_found_is_stated(held):
    curve = curve_of(LOOKED_UP.format(held=held))
    assert sum(rate == curve[0] for rate in curve) == pytest.approx(0.6 * 97, abs=1)


def test_a_lookup_that_falls_back_on_something_open_states_nothing():
    source = textwrap.dedent(LOOKED_UP.format(held='cfg.get("held", cfg.other)'))
    (analysis,) = analyse(parse_source(source.encode(), "train.py"))
    assert "held" not in analysis.study.defaults
