"""Hyperparameters that change when a rate is asked for, whatever the form and whoever writes them."""

from __future__ import annotations

import textwrap

import pytest
from asking import reported
from hypothesis import given
from hypothesis import strategies as st

from lrfix.findings import Severity

FORMS = {
    "get_lr of a subclass": """
        class Linear(LRScheduler):
            def __init__(self, optimizer, warmup, total, last_epoch=-1):
                self.warmup, self.total = warmup, total
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                {write} # here
                return [base * min(1.0, (self.last_epoch + 1) / self.warmup) for base in self.base_lrs]
        """,
    "a helper that get_lr calls": """
        class Linear(LRScheduler):
            def __init__(self, optimizer, warmup, total, last_epoch=-1):
                self.warmup, self.total = warmup, total
                super().__init__(optimizer, last_epoch)

            def prepare(self):
                {write} # here

            def get_lr(self):
                self.prepare()
                return [base * min(1.0, (self.last_epoch + 1) / self.warmup) for base in self.base_lrs]
        """,
    "a helper of a wrapper": """
        class Noam:
            def __init__(self, optimizer, peak, warmup):
                self.optimizer, self.peak, self.warmup, self.count = optimizer, peak, warmup, 0

            def scale(self):
                {write} # here
                return min((self.count + 1) / self.warmup, (self.warmup / (self.count + 1)) ** 0.5)

            def step(self):
                self.count += 1
                for group in self.optimizer.param_groups:
                    group["lr"] = self.peak * self.scale()
        """,
    "an object that is asked": """
        class Rate:
            def __init__(self, peak, warmup, total):
                self.peak, self.warmup, self.total = peak, warmup, total

            def get_lr(self, step):
                {write} # here
                return self.peak * min(1.0, (step + 1) / self.warmup)
        """,
}


def source(form: str, write: str) -> str:
    return "from torch.optim.lr_scheduler import LambdaLR, LRScheduler\n" + textwrap.dedent(
        FORMS[form].replace("{write}", write)
    )


def place(text: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if "# here" in line)


@pytest.mark.parametrize("write", ["self.warmup += 1", "self.warmup = self.warmup * 1.01"])
@pytest.mark.parametrize("form", FORMS)
def test_a_length_that_grows_whenever_a_rate_is_asked_for_is_reported(form, write, check):
    text = source(form, write)
    assert [f.span.start.line for f in check(text) if f.code == "LR101"] == [place(text)]


@pytest.mark.parametrize("form", FORMS)
def test_a_length_that_is_only_made_sane_is_left_alone(form, check):
    assert not [f for f in check(source(form, "self.warmup = max(1, self.warmup)")) if f.code == "LR101"]


@given(st.integers(0, 3))
def test_what_each_question_adds_is_reported_exactly_where_it_is_not_nothing(added):
    text = source("get_lr of a subclass", f"self.warmup += {added}")
    found = reported("LR101", text)
    assert bool(found) == (added > 0)


def test_a_factory_s_parameter_that_its_function_changes_is_reported(codes):
    text = """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, warmup_steps):
        def factor(step):
            nonlocal warmup_steps
            warmup_steps *= 1.02
            return min(1.0, (step + 1) / warmup_steps)

        return LambdaLR(optimizer, factor)
    """
    assert codes(text) == ["LR101"]


def test_a_step_that_lengthens_its_cycle_by_design_is_left_alone(codes):
    text = """
    class Restarts:
        def __init__(self, optimizer, base_lr, cycle_len, cycle_mult=2):
            self.optimizer, self.base_lr = optimizer, base_lr
            self.cycle_len, self.cycle_mult, self.position = cycle_len, cycle_mult, 0

        def advance(self):
            self.position += 1
            if self.position >= self.cycle_len:
                self.position = 0
                self.cycle_len *= self.cycle_mult
            return self.base_lr * (1 - self.position / self.cycle_len)

        def step(self):
            rate = self.advance()
            for group in self.optimizer.param_groups:
                group["lr"] = rate
    """
    assert "LR101" not in codes(text)


RESET = """
    from torch.optim.lr_scheduler import LRScheduler

    class Anneal(LRScheduler):
        def __init__(self, optimizer, max_steps, last_epoch=-1):
            self.max_steps = max_steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            reset = self.optimizer.param_groups[0].get("reset")
            if reset and reset["pending"]:
                self.max_steps -= reset["steps"]
                {after}
            share = max(0.0, 1 - self.last_epoch / self.max_steps)
            return [base * share for base in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("after", "told"),
    [("pass", ["error"]), ('self.optimizer.param_groups[0]["reset"]["pending"] = False', [])],
)
def test_a_hyperparameter_moved_once_under_a_flag_that_is_taken_back_is_no_hidden_state(after, told):
    assert [found.severity for found in reported("LR101", textwrap.dedent(RESET.format(after=after)))] == told


COUNTED = """
    class Cyclic:
        def __init__(self, lr, cycle, milestones):
            self.lr, self.m, self.milestones = lr, cycle, milestones
            self.warm_up_interval = 1
            self.count_cycles = 0
            self.counter = 0

        def {name}(self, epoch):
            if epoch in self.milestones:
                self.count_cycles = 0
            current_lr = self.lr
            if self.count_cycles < self.warm_up_interval:
                self.count_cycles += 1
                if self.count_cycles == self.warm_up_interval:
                    self.warm_up_interval = 0
            else:
                if self.counter >= self.m:
                    self.counter = 0
                current_lr = round(self.lr * self.m - self.counter * self.lr, 5)
                self.counter += 1
                self.count_cycles += 1
            return current_lr
    """


@pytest.mark.parametrize(("name", "told"), [("step", set()), ("get_lr", {Severity.INFO})])
def test_what_a_class_starts_at_a_number_of_its_own_is_where_it_stands(name, told):
    found = reported("LR101", textwrap.dedent(COUNTED.format(name=name)))
    assert {finding.severity for finding in found} == told


RESTARTS = """
import math
from torch.optim.lr_scheduler import LRScheduler


class Restarts(LRScheduler):
    def __init__(self, optimizer, T_max, T_mult=2, last_epoch=-1):
        self.T_max, self.T_mult = T_max, T_mult
        self.{length} = T_max
        self.begun = 0
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch - self.begun >= self.{length}:
            self.{length} *= self.T_mult
            self.begun = self.last_epoch
        done = (self.last_epoch - self.begun) / self.{length}
        return [base * (1 + math.cos(math.pi * done)) / 2 for base in self.base_lrs]
"""


@pytest.mark.parametrize(("length", "grave"), [("T_max", True), ("length", False)])
def test_where_a_class_stands_under_a_name_of_its_own_comes_back_with_its_state(length, grave):
    assert [found.severity == "error" for found in reported("LR101", RESTARTS.format(length=length))] == [grave]


UNREACHED = """
from torch.optim.lr_scheduler import LRScheduler


class Cycles(LRScheduler):
    def __init__(self, optimizer, T_0, last_epoch=-1):
        self.T_0 = self.length = T_0
        self.turns = 0
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.turns >= self.T_0:
            self.{name} = self.{name} * 2
        return [base * 0.5 ** (self.last_epoch / self.T_0) for base in self.base_lrs]
"""


@pytest.mark.parametrize(("name", "severity"), [("T_0", "error"), ("length", "info")])
def test_a_parameter_is_not_to_be_changed_in_lines_that_no_run_reaches_either(name, severity):
    assert [found.severity for found in reported("LR101", UNREACHED.format(name=name))] == [severity]
