"""A number that the file states for a setting is the author's knob: the new call reads it, or nothing is rewritten."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lrfix.names import Names
from lrfix.recognition import ScheduleSpec
from lrfix.rewriting.emission import arguments_of
from lrfix.rewriting.grid import Tried, settings
from lrfix.rewriting.seen import Seen
from lrfix.source import parse_source

_LINEAR = """
from dataclasses import dataclass
from torch.optim.lr_scheduler import LambdaLR

{settings}

def build(optimizer):
    def factor(step):
        if step < {warmup}:
            return step / {warmup}
        return max(0.0, 1 - (step - {warmup}) / ({total} - {warmup})) ** {power}

    return LambdaLR(optimizer, factor)
"""
_CLASS = """
@dataclass
class Config:
    total: int = 100
    warmup: int = 0
    power: float = 1.0


cfg = Config()
"""


@pytest.fixture
def settings_of() -> Callable[[dict[str, object]], list[Tried]]:
    seen = Seen(Names(parse_source(b"", "train.py").tree))
    return lambda values: list(settings(values, (0.1, 0.03), {}, (), frozenset(values), seen))


def test_options_of_a_dataclass_that_stand_at_nothing_are_read_by_the_new_call(rewrite):
    text = _LINEAR.format(settings=_CLASS, warmup="cfg.warmup", total="cfg.total", power="cfg.power")
    result = rewrite(text)
    assert "cfg.total,\n        warmup_steps=cfg.warmup,\n        power=cfg.power,\n" in result.after


def test_the_inventory_tells_the_same_as_the_new_call(analyses):
    text = _LINEAR.format(settings=_CLASS, warmup="cfg.warmup", total="cfg.total", power="cfg.power")
    source, _, _ = analyses.sites(parse_source(text.encode(), "train.py"))
    analysis = analyses.of(source, 0)
    assert analysis.family == "linear-warmup+poly"
    assert analysis.parameters == {"total_steps": "cfg.total", "warmup_steps": "cfg.warmup", "power": "cfg.power"}


def test_so_are_names_of_the_module(rewrite):
    settings = "start = 0\npower = 1.0\ntotal = 100\n"
    text = _LINEAR.format(settings=settings, warmup="start", total="total", power="power")
    result = rewrite(text, verify=True)
    assert [site.kind for site in result.sites] == ["equivalent"]
    assert "return WarmupPolynomialLR(optimizer, total, warmup_steps=start, power=power)" in result.after
    assert len(result.verifications[result.sites[0].identity]) > 1


def test_a_number_that_no_bundled_schedule_has_a_part_for_is_named(rewrite):
    result = rewrite(
        """
from torch.optim.lr_scheduler import LambdaLR

least = 0.0


def build(optimizer, total):
    return LambdaLR(optimizer, lambda step: max(0.0, 1 - step / total + least * (step % 2)))
"""
    )
    assert not result.changed
    assert result.left[0].reason == (
        "`least` is 0 in this file, and with other numbers no bundled scheduler was recognised"
    )


def test_a_parameter_whose_name_says_nothing_is_told_by_the_curve_it_makes(rewrite):
    result = rewrite(
        """
import math
from torch.optim.lr_scheduler import LRScheduler


class Cosine(LRScheduler):
    def __init__(self, optimizer, total, low=0.0, last_epoch=-1):
        self.total = total
        self.low = low
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        k = min(self.last_epoch, self.total)
        return [self.low + (b - self.low) * (1 + math.cos(math.pi * k / self.total)) / 2 for b in self.base_lrs]
"""
    )
    assert "super().__init__(optimizer, total, eta_min=low, last_epoch=last_epoch)" in result.after


def test_a_run_shorter_than_its_last_phase_is_merely_legal(settings_of):
    tried = {tried.words: tried for tried in settings_of({"total": 97, "cooldown_iters": 71})}
    assert tried["with `total` = 36"].legal and tried["with `total` = 36"].cut_short
    assert not tried["with `cooldown_iters` = 26"].legal


def test_a_decay_that_a_short_run_has_no_room_for_limits_the_rewrite(rewrite):
    result = rewrite(
        """
from torch.optim.lr_scheduler import LambdaLR


def build(optimizer, total: int, cooldown_iters: int):
    def factor(step):
        if step < total - cooldown_iters:
            return 1.0
        return max(0.0, (total - step) / cooldown_iters)

    return LambdaLR(optimizer, factor)
""",
        verify=True,
    )
    (site,) = result.sites
    assert site.kind == "limited"
    assert site.limits[0].startswith("but not with `total` = ")


def test_a_number_that_the_bundled_scheduler_takes_by_default_is_not_said():
    spec = ScheduleSpec("WarmupCosineLR", ("total",), {"warmup_steps": "warmup", "num_cycles": "0.5"})
    assert arguments_of(spec) == ["total", "warmup_steps=warmup"]


RENAMED = """
import argparse

import torch
from torch.optim.lr_scheduler import LambdaLR


def train(model, opt):
    epochs = opt.epochs
    optimizer = torch.optim.SGD(model.parameters(), lr=opt.lr0)
    lrf = 0.01

    def lf(x):
        return (1 - x / epochs) * (1 - lrf) + lrf

    scheduler = LambdaLR(optimizer, lr_lambda=lf)
    for epoch in range(epochs):
        optimizer.step()
        scheduler.step()


parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--lr0", type=float, default=0.001)
"""


def test_a_length_by_another_name_ends_where_the_stated_one_does(rewrite):
    (site,) = rewrite(RENAMED, verify=True).sites
    assert (site.kind, site.limits) == ("equivalent", ("up to its end at `epochs`",))
