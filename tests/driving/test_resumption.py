"""The resume experiment agrees with torch: what its schedulers save is all that decides their rates."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrfix.driving.laboratory import Laboratory
from lrfix.driving.resumption import resume
from lrfix.sites import find_sites
from lrfix.source import parse_source

TOLD = """
class Schedule:
    def __init__(self, optimizer, base_lr=0.1):
        self.optimizer = optimizer
        self.base_lr = base_lr
        self.lr = 0.0

    def step(self, step):
        {body}
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr
"""
SUBCLASS = """
from torch.optim.lr_scheduler import LRScheduler

class Decay(LRScheduler):
    def __init__(self, optimizer, last_epoch=-1):
        self.seen = 0
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        self.seen += 1
        return [base * 0.9 ** self.seen for base in self.base_lrs]
"""


def trial(source: str, at: int, saved: bool):
    names, [site] = find_sites(parse_source(source.encode(), "train.py"))
    return resume(Laboratory(names, site), 0, overrides={}, construction=None, at=at, steps=10, saved=saved)


@given(at=st.integers(1, 40))
@settings(max_examples=15, deadline=None)
def test_a_rate_worked_out_from_the_step_survives_any_stop(at):
    shown = trial(TOLD.format(body="self.lr = self.base_lr / (1 + step)"), at, saved=False)
    assert shown.told
    assert shown.lost is None
    assert len(shown.walked) == len(shown.resumed) == 10


@given(at=st.integers(2, 40))
@settings(max_examples=15, deadline=None)
def test_a_rate_carried_along_is_lost_at_the_first_step_after_any_stop(at):
    shown = trial(TOLD.format(body="self.lr += self.base_lr"), at, saved=False)
    assert shown.lost == at
    assert shown.resumed[0] == pytest.approx(shown.walked[0] / (at + 1))


@pytest.mark.parametrize(("saved", "lost"), [(True, None), (False, 5)])
def test_torch_s_state_dict_saves_the_attributes_of_a_subclass(saved, lost):
    assert trial(SUBCLASS, 5, saved).lost == lost


def test_a_site_that_cannot_be_run_gives_no_answer():
    source = TOLD.format(body="self.lr = self.base_lr * mystery(step)")
    assert trial(source, 5, saved=False) is None


def test_a_checkpoint_of_counted_milestones_counts_them_as_before():
    source = SUBCLASS.replace("self.seen = 0", "self.milestones = Counter([8, 8, 12])").replace(
        "        self.seen += 1\n", ""
    )
    source = "from collections import Counter\n" + source.replace(
        "self.seen for", "self.milestones[self.last_epoch] for"
    )
    shown = trial(source, 5, True)
    assert shown.lost is None
    assert shown.walked[3] == pytest.approx(shown.walked[0] * 0.81)


FROM_OPTIONS = """
class Warm:
    def __init__(self, optimizer, total_steps, warmup_steps=0):
        self.optimizer = optimizer
        self.total_steps = int(total_steps)
        self.warmup_steps = max(int(warmup_steps), 0)
        self.base_lrs = [float(group["lr"]) for group in optimizer.param_groups]
        self.count = -1

    def step(self):
        self.count += 1
        self.write()

    def write(self):
        warm = (self.count + 1) / self.warmup_steps if self.count < self.warmup_steps else 1.0
        left = max(0.0, 1 - max(self.count - self.warmup_steps, 0) / max(self.total_steps - self.warmup_steps, 1))
        for group, base in zip(self.optimizer.param_groups, self.base_lrs):
            group["lr"] = base * warm * left

    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state):
        self.count = int(state.get("count", -1))
        if self.count >= 0:
            self.write()


def option(options, name, default):
    if isinstance(options, dict):
        return options.get(name, default)
    if hasattr(options, name):
        value = getattr(options, name)
        return default if value is None else value
    return default


def build(args, optimizer):
    total_steps = option(args, "total_steps", None)
    if total_steps is not None:
        total_steps = max(int(total_steps), 1)
    else:
        total_steps = 100
    warmup_steps = option(args, "warmup_steps", None)
    warmup_steps = int(warmup_steps) if warmup_steps is not None else 3
    return Warm(optimizer, total_steps=total_steps, warmup_steps=warmup_steps)
"""


def test_a_second_process_is_built_with_the_options_of_the_first():
    names, [site] = find_sites(parse_source(FROM_OPTIONS.encode(), "train.py"))
    [use] = site.constructions
    shown = resume(Laboratory(names, site), 0, overrides={}, construction=use, at=6, steps=10, saved=True)
    assert shown is not None
    assert shown.lost is None
