"""LR107 where a class and its bases do not fit together."""

from __future__ import annotations

import pytest


def faults(found, code="LR107"):
    return [f for f in found if f.code == code]


SUPER = """
from torch.optim.lr_scheduler import LRScheduler


class First(LRScheduler):
    def __init__(self, optimizer, warmup, last_epoch=-1):
        self.warmup = max(1, warmup)
        super({first}, self).__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * min(1.0, (self.last_epoch + 1) / self.warmup) for base in self.base_lrs]


class Second({base}):
    def __init__(self, optimizer, warmup, last_epoch=-1):
        self.warmup = max(2, warmup)
        super({second}, self).__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * min(1.0, (self.last_epoch + 2) / (self.warmup + 1)) for base in self.base_lrs]
"""


@pytest.mark.parametrize(
    ("base", "second", "wrong"),
    [
        ("LRScheduler", "First", True),
        ("LRScheduler", "Second", False),
        ("First", "Second", False),
        ("Unseen", "First", False),
    ],
)
def test_super_of_a_class_that_this_one_does_not_derive_from(check, base, second, wrong):
    found = faults(check(SUPER.format(first="First", base=base, second=second)))
    assert [("is no `First`" in f.message) for f in found] == ([True] if wrong else [])


def test_an_attribute_of_the_base_read_before_its_constructor_ran(check):
    source = """
    class Base:
        def __init__(self, optimizer, end=100):
            self.optimizer = optimizer
            self.end = end

        def step(self, step):
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate(step)

    class Ramp(Base):
        def __init__(self, optimizer, warmup):
            self.total = self.end - warmup
            super().__init__(optimizer)

        def rate(self, step):
            return min(1.0, step / self.total)

        def step(self, step):
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate(step)
    """
    [finding] = faults(check(source))
    assert "`self.end` is read before the base class's constructor creates it" in finding.message


EARLY = """
from torch.optim.lr_scheduler import LRScheduler


class Base(LRScheduler):
    def __init__(self, optimizer, end=100, last_epoch=-1):
        self.end = end
        super().__init__(optimizer, last_epoch)


class Ramp(Base):
    def __init__(self, optimizer, total=None):
        {first}
        if total is None:
            self.total = {total}
        else:
            self.total = total
        super().__init__(optimizer)

    def get_lr(self):
        return [base * min(1.0, (self.last_epoch + 1) / max(1, self.total)) for base in self.base_lrs]
"""


@pytest.mark.parametrize(
    ("first", "total", "wrong"),
    [
        ("pass", "self.end", True),
        ("pass", "100", False),
        ("self.end = 50", "self.end", False),
        ("self.later = lambda: self.end", "100", False),
    ],
)
def test_a_branch_that_reads_what_the_base_has_not_created_yet(check, first, total, wrong):
    found = faults(check(EARLY.format(first=first, total=total)))
    assert ["`self.end` is read before" in f.message for f in found] == ([True] if wrong else [])


@pytest.mark.parametrize(
    ("more", "asked", "severity"),
    [
        ("", "", "info"),
        ("", "print(schedule.get_last_lr())", "error"),
        ("def progress(self):\n                return self.last_epoch / self.total", "", "error"),
    ],
)
def test_a_class_that_moves_the_rates_itself_may_do_without_torch_s_constructor(more, asked, severity, findings):
    source = f"""
        from torch.optim.lr_scheduler import _LRScheduler


        class Own(_LRScheduler):
            def __init__(self, optimizer, peak, total):
                self.optimizer, self.peak, self.total, self.count = optimizer, peak, total, 0

            def get_lr(self, count):
                return self.peak * (1 - count / self.total)

            def step(self):
                self.count += 1
                for group in self.optimizer.param_groups:
                    group["lr"] = self.get_lr(min(self.count, self.total))

            {more}


        def main(optimizer, loader):
            schedule = Own(optimizer, 0.1, 100)
            for _ in loader:
                optimizer.step()
                schedule.step()
                {asked}
    """
    found = [each.severity for each in findings(source) if "super().__init__()" in each.message]
    assert found == [severity]


@pytest.mark.parametrize(
    ("parameters", "passed", "told"),
    [
        ("warmup, *args, **kwargs", "*args, **kwargs", False),
        ("warmup, **kwargs", "**kwargs", False),
        ("optimizer, warmup", "optimizer", True),
    ],
)
def test_what_a_constructor_passes_on_its_caller_gives(parameters, passed, told, asked):
    source = f"""
from torch.optim.lr_scheduler import StepLR


class Warm(StepLR):
    def __init__(self, {parameters}):
        self.warmup = warmup
        super().__init__({passed})

    def get_lr(self):
        return [base * min(1.0, (self.last_epoch + 1) / self.warmup) for base in self.base_lrs]
"""
    assert bool(asked("LR107", source)) is told
