"""Lengths taken as shares of the whole, and lists of milestones: told by what is done with them."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.analysis import analyse
from lrfix.domains.inferred import inferred
from lrfix.names import Names
from lrfix.source import parse_source

CLASS = """
    from torch.optim.lr_scheduler import LRScheduler

    class Warm(LRScheduler):
        def __init__(self, optimizer, warmup, total_steps):
            self.warmup, self.total_steps = warmup, total_steps
            super().__init__(optimizer)

        def get_lr(self):
            done = self.last_epoch / {whole}
            if done < self.warmup:
                return [base * done / self.warmup for base in self.base_lrs]
            return [base * max(0.0, (done - 1) / (self.warmup - 1)) for base in self.base_lrs]
    """
CALLED = """
    def warmup_linear(x, warmup):
        return x / warmup if x < warmup else max(0.0, (x - 1) / (warmup - 1))

    def train(args, optimizer, t_total):
        for global_step in range(t_total):
            lr_this_step = args.lr * warmup_linear({position}, args.warmup)
            for group in optimizer.param_groups:
                group["lr"] = lr_this_step
            optimizer.step()
    """
PRODUCT = """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, args, total_steps):
        length = int({warmup} * {whole})
        def factor(step):
            return min(1.0, step / max(1, length)) if step < length else max(0.0, 1 - step / total_steps)
        return LambdaLR(optimizer, factor)
    """


def of(source: str) -> frozenset[str]:
    return inferred(Names(parse_source(textwrap.dedent(source).encode(), "train.py").tree)).shares


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (CLASS.format(whole="self.total_steps"), {"warmup"}),
        (CLASS.format(whole="10"), set()),
        (CLASS.replace("{whole}", "self.total_steps").replace("warmup", "warmup_steps"), set()),
        (CALLED.format(position="global_step / t_total"), {"warmup"}),
        (CALLED.format(position="global_step"), set()),
        (PRODUCT.format(warmup="args.warmup", whole="total_steps"), {"warmup"}),
        (PRODUCT.format(warmup="args.warmup_epochs", whole="steps_per_epoch"), set()),
    ],
)
def test_what_the_position_over_the_whole_is_compared_with(source, found):
    assert of(source) == found


def test_a_share_is_simulated_as_one():
    (site,) = analyse(parse_source(textwrap.dedent(CLASS.format(whole="self.total_steps")).encode(), "train.py"))
    assert site.scenarios[0].values["warmup"] == 0.11
    assert site.family == "linear-warmup+linear"


def test_a_stated_length_is_believed():
    source = PRODUCT.format(warmup="args.warmup", whole="total_steps")
    source = f'    parser.add_argument("--warmup", type=int, default=5)\n{source}'
    (site,) = analyse(parse_source(textwrap.dedent(source).encode(), "train.py"))
    assert isinstance(site.scenarios[0].values["args.warmup"], int)


LISTED = """
    def adjust_learning_rate(optimizer, epoch, args):
        lr = args.lr
        for {name} in args.schedule:
            lr *= 0.1 if epoch >= {name} else 1.0
        for group in optimizer.param_groups:
            group["lr"] = lr
    """
LOOKED_UP = """
    def adjust_learning_rate(optimizer, {name}, args):
        if {name} in args.schedule:
            for group in optimizer.param_groups:
                group["lr"] *= args.gamma
    """
COUNTED = """
    import numpy as np

    def adjust_learning_rate(optimizer, epoch, args):
        lr = args.lr * 0.1 ** np.sum(np.array(args.{name}) <= epoch)
        for group in optimizer.param_groups:
            group["lr"] = lr
    """


@pytest.mark.parametrize(
    ("source", "family"),
    [
        (LISTED.format(name="milestone"), "multistep"),
        (LISTED.format(name="value"), "multistep"),
        (LOOKED_UP.format(name="epoch"), "multistep"),
        (COUNTED.format(name="schedule"), "multistep"),
        (COUNTED.format(name="step_lr"), "multistep"),  # whatever the name says
    ],
)
def test_a_list_is_one_of_milestones_by_what_is_done_with_it(source, family):
    (site,) = analyse(parse_source(textwrap.dedent(source).encode(), "train.py"))
    assert site.family == family


def flags(source: str) -> frozenset[str]:
    return inferred(Names(parse_source(textwrap.dedent(source).encode(), "train.py").tree)).flags


@pytest.mark.parametrize("test", ["if cfg.COSINE_AFTER_WARMUP:", "if not cfg.COSINE_AFTER_WARMUP and step > 3:"])
def test_a_length_by_name_that_is_only_tested_for_truth_is_a_flag(test):
    assert flags(f"def rate(cfg, step):\n    {test}\n        return 1.0\n    return 0.1\n") == {"cosine_after_warmup"}


def test_what_is_worked_with_as_well_is_none():
    code = "def rate(warmup, step):\n    if warmup:\n        return min(1.0, step / warmup)\n    return 1.0\n"
    assert not flags(code)


@pytest.mark.parametrize(
    "options",
    [
        '"--warmup_lr", action="store_true"',
        '"--warmup-lr", "-w", action="store_true"',
        '"-w", action="store_false", dest="warmup_lr"',
    ],
)
def test_an_option_that_is_off_or_on_is_a_flag_whatever_its_name_speaks_of(options):
    code = f"parser.add_argument({options})\ndef rate(args, k):\n    return given(args.warmup_lr)\n"
    assert flags(code) == {"warmup_lr"}


def test_a_flag_is_up_where_nothing_says_otherwise(advice):
    source = """
    def adjust_learning_rate(args, epoch, optimizer):
        if args.warm and epoch < args.warmup_epochs:
            rate = args.lr / epoch
            for group in optimizer.param_groups:
                group["lr"] = rate
    """
    assert "LR205" in [found.code for found in advice(textwrap.dedent(source))]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("rest = total_steps * (1 - held)", {"held"}),
        ("begin = int(held * total_steps)", {"held"}),
        ("begin = start_ratio * cfg.max_iter", {"start_ratio"}),
        ("seen = workers * total_steps", set()),  # a count of processes is multiplied too
        ("left = 1 - progress", set()),
        ("left = 2 - held", set()),
    ],
)
def test_numbers_that_a_whole_is_multiplied_by_are_parts_of_it(text, parts):
    assert inferred(Names(parse_source(text.encode(), "train.py").tree)).parts == parts


@pytest.mark.parametrize(("told", "bounds"), [("step, global_steps", {"global_steps"}), ("global_steps", set())])
def test_a_number_of_steps_beside_the_step_is_how_many_there_are(told, bounds):
    code = f"def factor({told}, warmup=100):\n    return 1 - warmup / (global_steps - warmup)\n"
    assert inferred(Names(parse_source(code.encode(), "train.py").tree)).bounds == bounds
