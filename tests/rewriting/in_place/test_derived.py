"""What a constructor works out of its settings is told in the settings, where nothing else changes either."""

from __future__ import annotations

import pytest

PER_GROUP = """
from timm.scheduler.scheduler import Scheduler


class Ramp(Scheduler):
    def __init__(self, optimizer, total_steps: int, min_ratio: float, warmup=0, warmup_lr=0.0):
        super().__init__(optimizer)
        self.total_steps = total_steps
        self.min_ratio = min_ratio
        self.warmup = warmup
        self.warmup_lr = warmup_lr
        if self.warmup:
            self.paces = [(base - warmup_lr) / self.warmup for base in self.base_values]
            super().update(self.warmup_lr)
        else:
            self.paces = [1 for _ in self.base_values]

    def _get_lr(self, step):
        if step < self.warmup:
            found = [self.warmup_lr + step * pace for pace in self.paces]
        else:
            step = step - self.warmup
            length = self.total_steps - self.warmup
            found = [base - (base - base * self.min_ratio) * (step / length) for base in self.base_values]
        return found

    def get_epoch_values(self, epoch):
        return self._get_lr(epoch)
"""
ONE_RATE = """
class Stairs:
    def __init__(self, peak, start, warmup: int, period: int, gamma):
        super().__init__()
        self.peak = peak
        self.low = start
        self.warmup = warmup
        self.period = period
        self.gamma = gamma
        self.pace = (peak - start) / self.warmup

    def rate(self, step: int):
        if step < self.warmup:
            lr = self.low + step * self.pace
        else:
            lr = self.peak * self.gamma ** ((step - self.warmup) // self.period)
        return lr
"""
CHANGED = {
    "another method sets it": ("", "    def slower(self):\n        self.pace = self.pace / 2\n"),
    "another method sets what it is made of": ("", "    def shorter(self, warmup):\n        self.warmup = warmup\n"),
    "somebody sets what it is made of": ("", "\ndef shorten(schedule, warmup):\n    schedule.warmup = warmup\n"),
    "the parameter is another by then": ("        peak = peak * 2\n", ""),
    "it is set twice": ("        self.pace = 0.0\n", ""),
    "a derived class sets it": ("", "\nclass Other(Stairs):\n    def more(self):\n        self.peak = 2.0\n"),
}


def test_a_list_worked_out_of_another_is_that_list(rewrite) -> None:
    pytest.importorskip("torch")
    result = rewrite(PER_GROUP, verify=True)
    (site,) = result.sites
    assert site.kind == "equivalent", site.reason
    text = " ".join(result.after.split())
    assert "warmup_start=self.warmup_lr, peak=base, eta_min=base * self.min_ratio, )" in text
    assert "for base in self.base_values ]" in text


def test_a_number_worked_out_of_others_is_told_in_them(rewrite) -> None:
    pytest.importorskip("torch")
    result = rewrite(ONE_RATE, verify=True)
    assert [site.kind for site in result.sites] == ["limited"]  # but not with a period of 0
    assert "warmup_start=self.low, peak=self.peak" in " ".join(result.after.split())


@pytest.mark.parametrize(("before", "behind"), CHANGED.values(), ids=CHANGED)
def test_what_is_changed_after_it_was_made_is_not(rewrite, before: str, behind: str) -> None:
    source = ONE_RATE.replace("        super().__init__()\n", before) + behind
    assert not rewrite(source).sites


def test_a_list_that_grows_is_no_longer_that_list(rewrite) -> None:
    assert not rewrite(PER_GROUP + "\n    def add(self, base):\n        self.base_values.append(base)\n").sites
