"""Ways through a schedule that come out without a rate, whatever form it has."""

from __future__ import annotations

import textwrap

import pytest
from asking import reported
from hypothesis import given
from hypothesis import strategies as st

from lrfix.findings import Severity

HEAD = "from torch.optim.lr_scheduler import LambdaLR, LRScheduler\n"


def schedule(body: str) -> str:
    return (
        HEAD
        + "def build(optimizer, warmup_steps, total_steps):\n    def factor(step):\n"
        + textwrap.indent(textwrap.dedent(body).strip(), " " * 8)
        + "\n    return LambdaLR(optimizer, factor)\n"
    )


def test_a_step_that_no_branch_takes_is_reported_with_the_run_that_shows_it(check):
    source = schedule(
        """
        if step < warmup_steps:
            return step / warmup_steps
        elif step > warmup_steps:
            return 1.0 / step
        """
    )
    [finding] = [f for f in check(source) if f.code == "LR210"]
    assert "NoneType" in finding.message and "at step" in finding.message
    assert finding.span.start.line == 6


def test_a_chain_that_ends_where_training_ends_is_told_as_advice(check, advice):
    source = schedule(
        """
        if step < warmup_steps:
            return step / warmup_steps
        elif step <= total_steps:
            return max(0.0, (total_steps - step) / (total_steps - warmup_steps))
        """
    )
    assert [f.code for f in check(source)] == []
    assert "LR210" in [f.code for f in advice(source)]


@pytest.mark.parametrize(
    ("condition", "reached"),
    [("self.last_epoch not in self.milestones", True), ("self.last_epoch < max(self.milestones)", False)],
)
def test_training_comes_to_its_milestones_and_may_end_at_the_last(check, advice, condition, reached):
    source = HEAD + textwrap.dedent(
        f"""
        class Stairs(LRScheduler):
            def __init__(self, optimizer, milestones, gamma=0.1, last_epoch=-1):
                self.milestones, self.gamma = milestones, gamma
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                if {condition}:
                    return [group["lr"] for group in self.optimizer.param_groups]
        """
    )
    found = check if reached else advice
    assert [f.code for f in found(source) if f.code == "LR210"] == ["LR210"]


def test_a_value_that_is_computed_and_dropped_is_reported_as_it_stands(check):
    source = schedule(
        """
        if step < warmup_steps:
            return step / warmup_steps
        else:
            (total_steps - step) / total_steps
        """
    )
    assert [(f.code, f.span.start.line) for f in check(source)] == [("LR210", 7)]


def test_a_call_made_for_its_effect_is_none(codes):
    source = """
    if step < warmup_steps:
        return step / warmup_steps
    if step == warmup_steps:
        print("warm")
    return 1.0
    """
    assert "LR210" not in codes(schedule(source))


FORMS = {
    "function": """
        warmup_iters = 700
        max_iters = 19000

        def get_lr(it):
            if it < warmup_iters:
                return 6e-4 * (it + 1) / warmup_iters
            if it > max_iters:
                return 6e-5
            ratio = (it - warmup_iters) / (max_iters - warmup_iters)
            {end}
        """,
    "method of a subclass": """
        class Ramp(LRScheduler):
            def __init__(self, optimizer, warmup, total, last_epoch=-1):
                self.warmup, self.total = warmup, total
                super().__init__(optimizer, last_epoch)

            def factor(self, k):
                if k < self.warmup:
                    return k / self.warmup
                ratio = max(0.0, self.total - k) / (self.total - self.warmup)
                {end}

            def get_lr(self):
                return [base * self.factor(self.last_epoch) for base in self.base_lrs]
        """,
    "wrapper": """
        class Ramp:
            def __init__(self, optimizer, warmup, total):
                self.optimizer, self.warmup, self.total, self.count = optimizer, warmup, total, 0
                self.base = optimizer.param_groups[0]["lr"]

            def rate(self):
                if self.count < self.warmup:
                    return self.base * self.count / self.warmup
                ratio = self.base * max(0, self.total - self.count) / (self.total - self.warmup)
                {end}

            def step(self):
                self.count += 1
                rate = self.rate()
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
        """,
    "setter": """
        def adjust(optimizer, epoch, args):
            def rate():
                if epoch < args.warmup_epochs:
                    return args.lr * (epoch + 1) / args.warmup_epochs
                ratio = args.lr * 0.9 ** (epoch - args.warmup_epochs)
                {end}

            for group in optimizer.param_groups:
                group["lr"] = rate()
        """,
    "object that is asked": """
        class Rate:
            def __init__(self, peak, warmup_steps, total_steps):
                self.peak, self.warmup_steps, self.total_steps = peak, warmup_steps, total_steps

            def get_lr(self, step):
                if step < self.warmup_steps:
                    return self.peak * step / self.warmup_steps
                ratio = self.peak * max(0, self.total_steps - step) / (self.total_steps - self.warmup_steps)
                {end}
        """,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_lost_return_is_found_in_every_form(form, check):
    source = HEAD + textwrap.dedent(FORMS[form])
    lost = [f for f in check(source.format(end="")) if f.code == "LR210"]
    assert len(lost) == 1
    assert "returns None" in lost[0].message
    assert not [f for f in check(source.format(end="return ratio")) if f.code == "LR210"]


@given(st.integers(1, 12), st.integers(1, 12))
def test_a_gap_is_reported_exactly_where_two_branches_leave_one(first, second):
    source = f"""
    def adjust(optimizer, epoch):
        def rate():
            if epoch < {first}:
                return 0.1
            elif epoch >= {second}:
                return 0.01
        for group in optimizer.param_groups:
            group["lr"] = rate()
    """
    said = reported("LR210", source)
    grave = [f for f in said if f.severity is Severity.ERROR]
    assert not grave if first >= second else len(grave) <= 1
    assert bool(said) == (first < second)


def test_a_variable_that_no_way_has_assigned_is_reported(check):
    source = """
    def adjust(optimizer, epoch, warmup_epochs, peak):
        if epoch < warmup_epochs:
            rate = peak * (epoch + 1) / warmup_epochs
        elif epoch > warmup_epochs:
            rate = peak * 0.9 ** epoch
        for group in optimizer.param_groups:
            group["lr"] = rate
    """
    [finding] = [f for f in check(source) if f.code == "LR210"]
    assert "UnboundLocalError" in finding.message and finding.span.start.line == 8


SPARED = """
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--warmup_epochs", type=int, default={default})
    args = parser.parse_args()

    def adjust(optimizer, epoch):
        if epoch < args.warmup_epochs:
            ramp = args.lr * (epoch + 1) / args.warmup_epochs
        else:
            rate = args.lr * 0.1 ** (epoch // 30)
        for group in optimizer.param_groups:
            group["lr"] = rate

    def factor(epoch):
        if epoch < args.warmup_epochs:
            ramp = (epoch + 1) / args.warmup_epochs
        else:
            return 0.1 ** (epoch // 30)

    def write(optimizer, epoch):
        for group in optimizer.param_groups:
            group["lr"] = args.lr * factor(epoch)

    def train(model, loader, optimizer):
        for epoch in range(90):
            {write}(optimizer, epoch)
            for batch in loader:
                model(batch).backward()
                optimizer.step()
    """


@pytest.mark.parametrize("write", ["adjust", "write"])
@pytest.mark.parametrize(("default", "spared"), [(0, True), (5, False), (40, False)])
def test_a_gap_that_a_default_leads_past_is_told_with_that_default(default, spared, write):
    found = reported("LR210", SPARED.format(default=default, write=write))
    told = [f for f in found if (f.span.start.line > 17) is (write == "write")]
    assert told
    assert all((f.severity is Severity.INFO) is spared for f in told)
    assert all(("unless `args.warmup_epochs` is 0, its default" in f.message) is spared for f in told)


def test_a_variable_under_a_switch_that_nobody_states_is_left_alone(codes):
    source = """
    def adjust(optimizer, epoch, args):
        if args.schedule == "cosine":
            rate = args.lr * 0.5 ** epoch
        elif args.schedule == "step":
            rate = args.lr * 0.1 ** (epoch // 30)
        for group in optimizer.param_groups:
            group["lr"] = rate
    """
    assert "LR210" not in codes(source)


WRAPPER = """
class Ramp:
    def __init__(self, optimizer, peak, warmup_steps):
        self.optimizer, self.peak, self.warmup_steps, self.count = optimizer, peak, warmup_steps, 0
        self.lr = self.step()

    def step(self):
        self.count += 1
        rate = self.peak * min(1.0, self.count / self.warmup_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
{end}
"""


def test_a_rate_kept_from_a_call_that_has_none_is_reported(check):
    found = check(WRAPPER.format(end=""))
    assert [f.span.start.line for f in found if f.code == "LR210"] == [5]


def test_a_rate_that_the_call_returns_is_fine(codes):
    assert "LR210" not in codes(WRAPPER.format(end="        return rate\n"))


def test_a_function_that_says_it_may_have_nothing_to_give_is_believed(check):
    source = """
class Cosine:
    def __init__(self, optimizer, total_steps, by_epoch=True):
        self.optimizer, self.total_steps, self.by_epoch = optimizer, total_steps, by_epoch
        self.base = [group["lr"] for group in optimizer.param_groups]

    def values(self, t, epoch):
        return [base * (1 - t / self.total_steps) for base in self.base] if epoch == self.by_epoch else None

    def of_updates(self, t):
        return self.values(t, False)

    def step_update(self, t):
        self.write(self.of_updates(t))

    def write(self, values):
        for group, value in zip(self.optimizer.param_groups, values):
            group["lr"] = value * 1.0
"""
    assert "LR210" not in {finding.code for finding in check(source)}


CALLBACK = """
import numpy as np


class Recorder:
    def __init__(self, layer_opt):
        self.layer_opt, self.init_lrs, self.iteration = layer_opt, np.array(layer_opt.lrs), 0

    def on_batch_end(self, loss):
        self.iteration += 1


class Updater(Recorder):
    def on_batch_end(self, loss):
        told = super().on_batch_end(loss)
        self.update_lr()
        return told

    def update_lr(self):
        self.layer_opt.set_lrs(self.calc_lr(self.init_lrs))


class CosineAnneal(Updater):
    def __init__(self, layer_opt, total):
        self.total = total
        super().__init__(layer_opt)

    def calc_lr(self, init_lrs):
        return init_lrs / 2 * (np.cos(np.pi * self.iteration / self.total) + 1)
"""


def test_a_callback_that_hands_on_the_nothing_of_its_base_lacks_no_return():
    assert reported("LR210", CALLBACK) == []


@pytest.mark.parametrize("mode", ["args.ramp", "mode"])
def test_a_text_that_no_branch_knows_is_not_drawn_for_what_the_call_gives_the_switch(mode):
    source = f"""
def ramped(epoch, first, last, length, mode):
    if mode == "constant":
        lr = first if epoch < length - 1 else last
    elif mode == "gradual":
        lr = first + (last - first) / (length - 1) * epoch if epoch < length - 1 else last
    return lr

def train(optimizer, args, mode):
    for epoch in range(args.epochs):
        lr = ramped(epoch, args.lr, args.max_lr, args.warmup_steps, {mode})
        for group in optimizer.param_groups:
            group["lr"] = lr
"""
    assert reported("LR210", source) == reported("LR211", source) == []


@pytest.mark.parametrize("test", ["<", "<="])
def test_what_comes_right_after_a_warmup_is_trained_with_however_the_warmup_ends(test):
    source = schedule(f"if step {test} warmup_steps:\n    return step / max(1, warmup_steps)")
    assert [f.severity for f in reported("LR210", source)] == [Severity.ERROR]


def test_a_rate_that_no_branch_sets_after_the_warmup_is_told_once():
    source = """
        def adjust(optimizer, step, base_lr, warmup):
            if step < warmup:
                lr = base_lr * (step + 1) / warmup
            for group in optimizer.param_groups:
                group["lr"] = lr
        """
    (found,) = reported("LR210", source)
    assert "`lr` is read here" in found.message and found.severity is Severity.ERROR
    assert reported("LR211", source) == []
