"""The family of a whole site, as ``lrfix sites`` tells it: several schedules, wrong ones, ones that go on elsewhere."""

from __future__ import annotations

from textwrap import dedent

import pytest

from lrfix.analysis import SiteAnalysis, analyse
from lrfix.source import parse_source

HEAD = """\
import math
import torch
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

"""


def site(code: str, name: str | None = None) -> SiteAnalysis:
    found = analyse(parse_source((HEAD + dedent(code)).encode(), "train.py"))
    chosen = [each for each in found if name is None or each.name == name]
    assert chosen, [each.name for each in found]
    return chosen[-1]


def family(code: str, name: str | None = None) -> set[str]:
    return set(site(code, name).family.split("+"))


BASE = """
class Warmed(LRScheduler):
    def __init__(self, optimizer, warmup_steps=10, warmup="linear", last_epoch=-1):
        self.warmup_steps = warmup_steps
        self.warmup = warmup
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        k = self.last_epoch
        if k < self.warmup_steps:
            share = (k + 1) / self.warmup_steps
            if self.warmup == "linear":
                factor = share
            elif self.warmup == "exp":
                factor = 0.01 ** (1 - share)
        else:
            factor = self.main(k - self.warmup_steps)
        return [base * factor for base in self.base_lrs]
"""


def test_switches_of_a_base_class_are_the_subclass_s_own() -> None:
    code = BASE + dedent("""
        class WarmedPoly(Warmed):
            def __init__(self, optimizer, max_steps, power=0.9, warmup_steps=10, warmup="linear"):
                self.max_steps = max_steps
                self.power = power
                super().__init__(optimizer, warmup_steps, warmup)

            def main(self, k):
                return max(0.0, 1 - k / (self.max_steps - self.warmup_steps)) ** self.power
    """)
    found = site(code, "WarmedPoly")
    assert set(found.family.split("+")) == {"linear-warmup", "exp-warmup", "poly"}
    assert {each.settings["warmup"]: each.family for each in found.schedules}["'linear'"] == "linear-warmup+poly"


def test_the_else_of_a_single_comparison_is_a_schedule_too() -> None:
    assert family("""
        def adjust(optimizer, step, total_steps, kind="cos", base=0.1):
            if kind == "cos":
                lr = base * 0.5 * (1 + math.cos(math.pi * min(1, step / total_steps)))
            else:
                lr = base * 0.5 ** (step // 20)
            for group in optimizer.param_groups:
                group["lr"] = lr
    """) == {"cosine", "step"}  # fmt: skip


def test_an_inner_schedule_is_other() -> None:
    assert family("""
        class GradualWarmup(LRScheduler):
            def __init__(self, optimizer, total_epoch, after_scheduler=None):
                self.total_epoch = total_epoch
                self.after_scheduler = after_scheduler
                super().__init__(optimizer)

            def get_lr(self):
                if self.last_epoch > self.total_epoch:
                    if self.after_scheduler:
                        return self.after_scheduler.get_last_lr()
                    return self.base_lrs
                return [base * self.last_epoch / self.total_epoch for base in self.base_lrs]
    """) == {"linear-warmup", "other"}  # fmt: skip


def test_what_others_write_after_the_warmup_is_no_phase_of_it() -> None:
    assert family("""
        def train(model, optimizer, loader, args):
            step = 0
            for epoch in range(args.epochs):
                for batch in loader:
                    if step < args.warmup_steps:
                        for group in optimizer.param_groups:
                            group["lr"] = args.lr * (step + 1) / args.warmup_steps
                    model(batch).backward()
                    optimizer.step()
                    step += 1
    """) == {"linear-warmup"}  # fmt: skip


def test_a_rate_driven_by_a_measurement_is_other() -> None:
    assert family("""
        class Plateau:
            def __init__(self, optimizer, factor=0.5, patience=3):
                self.optimizer, self.factor, self.patience = optimizer, factor, patience
                self.best, self.bad = float("inf"), 0

            def step(self, val_loss):
                self.bad = 0 if val_loss < self.best else self.bad + 1
                self.best = min(self.best, val_loss)
                if self.bad > self.patience:
                    self.bad = 0
                    for group in self.optimizer.param_groups:
                        group["lr"] *= self.factor
    """) == {"other"}  # fmt: skip


def test_a_period_beyond_the_simulation_is_shortened() -> None:
    found = site("""
        class Shrinking(LRScheduler):
            def __init__(self, optimizer, warmup_steps, shrink_period=25000, gamma=0.5):
                self.warmup_steps, self.shrink_period, self.gamma = warmup_steps, shrink_period, gamma
                super().__init__(optimizer)

            def get_lr(self):
                k = self.last_epoch
                factor = min(1.0, (k + 1) / self.warmup_steps) * self.gamma ** (k // self.shrink_period)
                return [base * factor for base in self.base_lrs]
    """)  # fmt: skip
    assert set(found.family.split("+")) == {"linear-warmup", "step"}
    assert found.recognition is not None and found.recognition.spec is not None
    assert found.recognition.spec.arguments["step_size"] == "shrink_period"


def test_a_constructor_in_the_wrong_order_still_means_its_schedule() -> None:
    found = site("""
        class Late(LRScheduler):
            def __init__(self, optimizer, max_steps, power=0.9):
                super().__init__(optimizer)
                self.max_steps = max_steps
                self.power = power

            def get_lr(self):
                share = max(0.0, 1 - self.last_epoch / self.max_steps)
                return [base * share**self.power for base in self.base_lrs]
    """)
    assert found.family == "poly"
    assert found.status.value != "equivalent"


def test_lists_are_given_where_the_code_wants_lists() -> None:
    assert family("""
        class Table(LRScheduler):
            def __init__(self, optimizer, anneal_steps, gamma=0.5):
                self.anneal_steps, self.gamma = anneal_steps, gamma
                super().__init__(optimizer)

            def get_lr(self):
                passed = [step for step in self.anneal_steps if self.last_epoch >= step]
                return [base * self.gamma ** len(passed) for base in self.base_lrs]
    """) == {"multistep"}  # fmt: skip


def test_a_name_that_keys_the_groups_is_the_rate_s() -> None:
    assert family("""
        class Param:
            def __init__(self, optimizer, param_name, gamma, step_size):
                self.optimizer, self.param_name = optimizer, param_name
                self.gamma, self.step_size, self.last_step = gamma, step_size, 0
                self.base = [group[param_name] for group in optimizer.param_groups]

            def step(self):
                self.last_step += 1
                for base, group in zip(self.base, self.optimizer.param_groups):
                    group[self.param_name] = base * self.gamma ** (self.last_step // self.step_size)
                    group["lr"] = group[self.param_name]
    """) == {"step"}  # fmt: skip


def test_batches_counted_inside_epochs_are_one_clock() -> None:
    assert family("""
        class Poly:
            def __init__(self, base_lr, num_epochs, iters_per_epoch, warmup_epochs=2):
                self.lr, self.iters_per_epoch = base_lr, iters_per_epoch
                self.total = num_epochs * iters_per_epoch
                self.warmup = warmup_epochs * iters_per_epoch

            def __call__(self, optimizer, i, epoch):
                step = epoch * self.iters_per_epoch + i
                lr = self.lr * max(0.0, 1 - step / self.total) ** 0.9
                if step < self.warmup:
                    lr = lr * step / self.warmup
                optimizer.param_groups[0]["lr"] = lr
                for group in optimizer.param_groups[1:]:
                    group["lr"] = lr * 10
    """) == {"linear-warmup", "poly"}  # fmt: skip


@pytest.mark.parametrize(
    ("formula", "wanted"),
    [
        ("0.5 * (1 + math.cos(math.pi * k / args.total_steps))", "cosine"),
        ("(1 - k / args.total_steps) ** 0.9", "poly"),
        ("(1 - k / args.total_steps)", "linear"),
        ("(k + 1) ** -0.5", "inverse-sqrt"),
        ("0.97 ** k", "exponential"),
        ("0.1 ** (k // 30)", "step"),
        ("0.1 ** sum(k >= m for m in (30, 55, 95))", "multistep"),
        ("min((k + 1) / args.warmup, 1.0)", "linear-warmup+constant"),
        ("1.0 - max(0, k - args.total_steps // 2) / (args.total_steps - args.total_steps // 2)", "constant+linear"),
        ("(1 + 0.1 * k) ** -0.75", "other"),
    ],
)
def test_a_lambda_of_each_family(formula: str, wanted: str) -> None:
    found = site(f"""
        def build(optimizer, args):
            return LambdaLR(optimizer, lambda k: {formula})
    """)
    assert found.family == wanted
