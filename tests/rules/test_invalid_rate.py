"""LR212: at every step that training reaches, the rate of every group is a number that an optimizer can use."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrfix.domains.scenarios import Scenario
from lrfix.driving.laboratory import Failure, Run
from lrfix.experiments.validity import first_invalid

LAMBDA = """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, epochs):
        return LambdaLR(optimizer, lambda epoch: {formula})
    """
SUBCLASS = """
    from torch.optim.lr_scheduler import LRScheduler

    class Line(LRScheduler):
        def __init__(self, optimizer, epochs, last_epoch=-1):
            self.epochs = epochs
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            epochs, epoch = self.epochs, self.last_epoch
            return [base * ({formula}) for base in self.base_lrs]
    """
SETTER = """
    def adjust(optimizer, epoch, epochs, lr):
        rate = lr * ({formula})
        for group in optimizer.param_groups:
            group["lr"] = rate
    """
INLINE = """
    def train(optimizer, args, loader):
        epochs = args.epochs
        for epoch in range(epochs):
            rate = args.lr * ({formula})
            for group in optimizer.param_groups:
                group["lr"] = rate
            for batch in loader:
                optimizer.step()
    """
WRAPPER = """
    class Line:
        def __init__(self, optimizer, epochs, lr):
            self.optimizer, self.epochs, self.lr = optimizer, epochs, lr
            self.count = 0

        def step(self):
            epoch, epochs = self.count, self.epochs
            self.count += 1
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr * ({formula})
    """
FORMS = (LAMBDA, SUBCLASS, SETTER, INLINE, WRAPPER)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("formula", "invalid"),
    [
        ("1 - epoch / (epochs // 2)", True),
        ("(1 - 2 * epoch / epochs) ** 0.9", True),
        ("1 - epoch / epochs", False),
        ("(1 - epoch / epochs) ** 0.9", False),
        ("max(0.0, 1 - epoch / (epochs // 2))", False),
    ],
)
def test_no_form_may_leave_the_rates_inside_the_run(asked, form, formula, invalid):
    found = asked("LR212", form.format(formula=formula))
    assert bool(found) == invalid
    # The lengths of a function are its callers' to choose.
    assert all(violation.advice is (form in (SETTER, INLINE)) for violation in found)


def test_every_group_is_asked(codes):
    source = """
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, epochs):
            body = lambda epoch: 1 - epoch / epochs
            head = lambda epoch: 1 - 3 * epoch / epochs
            return LambdaLR(optimizer, [body, head])
        """
    assert "LR212" in codes(source)


@pytest.mark.parametrize(("given", "invalid"), [("args.decay_steps", False), ("args.max_steps // 2", True)])
def test_lengths_that_may_be_one_and_the_same_are_not_held_apart(asked, given, invalid):
    source = f"""
        def rate(step, decay_steps, lr):
            return lr * (1 - step / decay_steps)

        def train(args, optimizer):
            for step in range(args.max_steps):
                lr = rate(step, {given}, args.lr)
                for group in optimizer.param_groups:
                    group["lr"] = lr
        """
    assert bool(asked("LR212", source)) == invalid


def test_the_defaults_are_tried_as_they_stand(codes):
    source = """
        from torch.optim.lr_scheduler import LRScheduler

        class Drop(LRScheduler):
            def __init__(self, optimizer, epochs=100, slope={slope}, last_epoch=-1):
                self.epochs, self.slope = epochs, slope
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                return [base * (1 - self.slope * self.last_epoch) for base in self.base_lrs]
        """
    assert "LR212" in codes(source.replace("{slope}", "0.02"))
    assert "LR212" not in codes(source.replace("{slope}", "0.01"))


def test_a_function_that_nobody_is_seen_to_ask_may_be_counted_from_one(codes):
    source = """
        import math

        def get_lr(step, warmup_steps, lr):
            return lr * min(math.exp(-0.5 * math.log(step)), step * warmup_steps ** -1.5)
        """
    assert codes(source) == []


LEFT_OUT = """
    from torch.optim.lr_scheduler import LRScheduler

    class Held(LRScheduler):
        def __init__(self, optimizer, total_steps, hold_steps=None, hold_ratio=0.1, last_epoch=-1):
            self.hold = hold_steps if {test} else int(hold_ratio * total_steps)
            self.scale = {used} + 1
            self.total = total_steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            if self.last_epoch < self.hold:
                return list(self.base_lrs)
            return [base * self.scale / (self.scale + self.last_epoch) for base in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("test", "used", "told"),
    [
        ("hold_steps is not None", "hold_steps", ["LR212"]),
        ("hold_steps is not None", "self.hold", []),
        ("total_steps > 5", "hold_steps", []),
    ],
)
def test_a_parameter_that_may_be_left_out_is_not_calculated_with(codes, advice, test, used, told):
    source = LEFT_OUT.format(test=test, used=used)
    assert "LR212" not in codes(source)
    assert [f.code for f in advice(source) if f.code == "LR212"] == told


RATES = st.lists(st.floats(1e-6, 1), min_size=1, max_size=30)


@given(RATES, st.integers(0, 29), st.floats(-1, -1e-3))
@settings(max_examples=60)
def test_the_first_negative_rate_of_any_group_is_found(rates, at, bad):
    step = at % len(rates)
    broken = [*rates[:step], bad, *rates[step + 1 :]]
    run = Run(Scenario(0), (1.0, 1.0), lr=[rates, broken])
    found = first_invalid(run)
    assert found is not None and (found.step, found.group) == (step, 1)
    assert first_invalid(run, 0, step) is None


@given(RATES)
@settings(max_examples=30)
def test_rounding_below_zero_is_no_rate_of_its_own(rates):
    run = Run(Scenario(0), (1.0,), lr=[[*rates, -1e-19]])
    assert first_invalid(run) is None


@pytest.mark.parametrize(
    ("kind", "message", "told"),
    [
        ("ComplexRate", "the rate is (1+2j)", True),
        ("InvalidRate", "the rate is inf", True),
        ("InvalidRate", "the rate is None", False),
        ("ValueError", "math domain error", True),
        ("ValueError", "total_steps must be positive", False),
        ("OverflowError", "math range error", True),
        ("KeyError", "'lr'", False),
    ],
)
def test_which_ends_of_a_run_are_rates_gone_wrong(kind, message, told):
    run = Run(Scenario(0), (1.0,), lr=[[1.0, 1.0]], failure=Failure(kind, message, 2, None))
    assert (first_invalid(run) is not None) == told
    assert first_invalid(run, 0, 2) is None


RESUMED = """
    from torch.optim import AdamW

    def main(args, model):
        start = 0
        if args.checkpoint:
            start = int(args.checkpoint.split("model")[-1].split(".")[0])
        optimizer = AdamW(model.parameters(), lr=args.lr)
        for step in range(args.iterations - start):
            if args.anneal:
                anneal(optimizer, args.lr, (step + start) / args.iterations)
            optimizer.step()

    def anneal(optimizer, rate, done):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - done)
    """


def test_a_loop_over_what_is_left_of_the_run_ends_with_it_whatever_switch_the_schedule_stands_under(codes):
    assert "LR212" not in codes(RESUMED)


@pytest.mark.parametrize(("guard", "reported"), [("iteration <= max_iterations", False), ("True", True)])
def test_a_caller_that_asks_for_no_rate_behind_the_end(check, guard, reported):
    source = f"""
    def decay(optimizer, lr, iteration, max_iterations):
        rate = lr * (1 - iteration / max_iterations) ** 0.9
        optimizer.param_groups[0]["lr"] = rate
        return rate

    def train(optimizer, loader, lr, epoch, max_iterations):
        iteration = epoch * len(loader)
        for batch in loader:
            iteration += 1
            if {guard}:
                decay(optimizer, lr, iteration, max_iterations)
            optimizer.step()
    """
    found = [f for f in check(source) if f.code == "LR212"]
    assert found == [] or reported


@pytest.mark.parametrize(("start", "codes"), [("epoch * epoch_iters", 0), ("2 * epoch * epoch_iters", 1)])
def test_a_batch_and_an_epoch_are_two_counters_where_a_local_name_stands_for_one_of_them(asked, start, codes):
    source = f"""
        def adjust(optimizer, base_lr, max_iters, cur_iters):
            for group in optimizer.param_groups:
                group["lr"] = base_lr * (1 - float(cur_iters) / max_iters) ** 0.9

        def train(epoch, epoch_iters, base_lr, num_iters, loader, optimizer):
            cur_iters = {start}
            for i_iter, batch in enumerate(loader, 0):
                optimizer.step()
                adjust(optimizer, base_lr, num_iters, i_iter + cur_iters)
        """
    assert len(asked("LR212", source)) == codes


def test_a_call_that_builds_a_scheduler_works_out_no_rate(codes):
    source = """
    from torch import optim

    class WarmUp:
        def __init__(self, args, optimizer):
            self.args, self.optimizer = args, optimizer

        def __call__(self, warmup_mode, main_mode):
            main = optim.lr_scheduler.CosineAnnealingLR(self.optimizer, self.args.epochs - self.args.warmup_epochs)
            if warmup_mode == "linear":
                warmup = optim.lr_scheduler.LinearLR(self.optimizer, 0.1, total_iters=self.args.warmup_epochs)
                return optim.lr_scheduler.SequentialLR(self.optimizer, [warmup, main], [self.args.warmup_epochs])
            return main
    """
    assert codes(source) == []


COUNTED_TWICE = """
    from torch.optim.lr_scheduler import LRScheduler

    class Poly(LRScheduler):
        def __init__(self, optimizer, num_epochs, iters_per_epoch):
            self.iters_per_epoch, self.iteration = iters_per_epoch, 0
            self.total = num_epochs * iters_per_epoch
            super().__init__(optimizer)

        def get_lr(self):
            done = self.last_epoch * {each} + self.iteration
            self.iteration = (self.iteration + 1) % self.iters_per_epoch
            return [base * {rate} for base in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("each", "rate", "found"),
    [
        ("self.iters_per_epoch", "(1 - done / self.total) ** 0.9", False),
        ("self.iters_per_epoch", "(0.5 - done / self.total) ** 0.9", True),  # half of the epochs are left then
    ],
)
def test_a_count_that_is_multiplied_by_the_length_of_an_epoch_is_one_of_epochs(codes, each, rate, found):
    assert ("LR212" in codes(COUNTED_TWICE.format(each=each, rate=rate))) is found


@pytest.mark.parametrize(
    ("done", "found"), [("(epoch - 1) * len(loader) + iter", False), ("2 * epoch * len(loader)", True)]
)
def test_a_count_beside_whole_epochs_goes_on_within_one(asked, done, found):
    source = f"""
        def adjust_learning_rate(optimizer, loader, epoch, iter, args):
            total = args.epochs * len(loader)
            lr = args.lr * (1 - float({done}) / total) ** 0.9
            for group in optimizer.param_groups:
                group["lr"] = lr
        """
    assert bool(asked("LR212", source)) is found


TOKENS = """
    import argparse

    def main(model, loader, optimizer, total_tokens):
        parser = argparse.ArgumentParser()
        parser.add_argument("--batch-size", type=int, default=8)
        parser.add_argument("--seq-len", type=int, default=1024)
        parser.add_argument("--warmdown-ratio", type=float, default=0.5)
        args = parser.parse_args()
        num_steps = max(1, int(total_tokens / (args.batch_size * args.seq_len)))

        def multiplier(progress):
            if progress <= 1.0 - args.warmdown_ratio:
                return {first}
            return 1.0 - (progress - (1.0 - args.warmdown_ratio)) / args.warmdown_ratio

        for step in range(num_steps):
            lrm = multiplier(step / max(num_steps, 1))
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * lrm
            model(next(loader)).backward()
            optimizer.step()
    """


@pytest.mark.parametrize(("first", "found"), [("1.0", False), ("-1.0", True)])
def test_a_run_of_so_many_tokens_is_longer_than_a_step_of_them(asked, first, found):
    assert bool(asked("LR212", TOKENS.format(first=first))) is found


def test_a_run_is_longer_than_the_steps_that_its_formula_counts_itself(codes):
    source = """
        import numpy as np
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, cfg):
            def factor(epoch):
                if epoch < cfg.warmup:
                    return epoch / 100
                return np.power(1 - (np.float32(epoch) - 100) / (cfg.num_epochs - 100), 0.9)
            return LambdaLR(optimizer, factor)
        """
    assert "LR212" not in codes(source)


def test_a_step_that_may_be_told_the_position_is_not_told_where_the_constructor_begins(asked):
    source = """
    import math
    import torch

    class Warmup:
        def __init__(self, optimizer, total_steps, kind="log", warmup_steps=1000, last_batch_iteration=-1):
            self.optimizer, self.kind, self.warmup_steps = optimizer, kind, max(2, warmup_steps)
            self.last_batch_iteration = last_batch_iteration
            self.base_lrs = [group["lr"] for group in optimizer.param_groups]

        def factor(self):
            if self.last_batch_iteration >= self.warmup_steps:
                return 1.0
            if self.kind == "log":
                return math.log(self.last_batch_iteration + 1) / math.log(self.warmup_steps)
            return self.last_batch_iteration / self.warmup_steps

        def step(self, last_batch_iteration=None):
            if last_batch_iteration is None:
                last_batch_iteration = self.last_batch_iteration + 1
            self.last_batch_iteration = last_batch_iteration
            for group, base in zip(self.optimizer.param_groups, self.base_lrs):
                group["lr"] = base * self.factor()
    """
    assert asked("LR212", source) == []
