"""Wrong variables: names that nothing sets, lengths in each other's place, starts that depend on the length."""

from __future__ import annotations

import textwrap

import pytest
from asking import reported
from hypothesis import given, settings
from hypothesis import strategies as st


def found(source: str) -> list[int]:
    """The lines at which LR211 is reported."""
    return [finding.span.start.line for finding in reported("LR211", source)]


WRAPPER = """
    {head}
    class Warmup({base}):
        def __init__(self, optimizer, lr, warmup_steps):
            self.optimizer, self.lr, self.warmup_steps = optimizer, lr, warmup_steps
            self.count = 0

        def step(self):
            self.{counter} += 1
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr * min(1.0, {count} / max(1, self.warmup_steps))
    {tail}
"""


def wrapper(counter="count", count="self.count", base="object", head="", tail="") -> str:
    return textwrap.dedent(WRAPPER).format(counter=counter, count=count, base=base, head=head, tail=tail)


class TestNames:
    def test_an_attribute_that_nothing_sets_is_reported_where_it_is_read(self):
        assert found(wrapper(counter="counts")) == [9]

    def test_a_bare_name_that_the_object_keeps_is_reported(self):
        assert found(wrapper(count="count")) == [11]

    def test_the_right_name_is_not(self):
        assert found(wrapper()) == []

    def test_a_base_in_another_file_may_set_anything(self):
        assert found(wrapper(counter="counts", base="Base", head="from elsewhere import Base")) == []

    def test_an_attribute_set_from_outside_is_one(self):
        assert found(wrapper(counter="counts", tail="Warmup.counts = 0")) == []

    def test_a_base_in_this_file_that_sets_it(self):
        assert found(wrapper(counter="counts", base="Base", head="class Base:\n    counts = 0\n")) == []

    def test_what_an_abstract_class_leaves_to_those_derived_from_it(self):
        heir = "class Linear(Warmup):\n    def done(self):\n        return 1.0\n"
        assert found(wrapper(count="self.done()", tail=heir)) == []


BUILT = """
    from torch.optim.lr_scheduler import LambdaLR

    def linear(optimizer, num_warmup_steps, num_training_steps):
        def factor(step):
            if step < num_warmup_steps:
                return step / max(1, num_warmup_steps)
            return max(0.0, (num_training_steps - step) / max(1, num_training_steps - num_warmup_steps))

        return LambdaLR(optimizer, factor)

    def build(optimizer, args, num_train_steps):
        return linear(optimizer, num_warmup_steps={warmup}, num_training_steps={whole})
"""


class TestExchangedLengths:
    @pytest.mark.parametrize("whole", ["args.warmup_proportion * num_train_steps", "args.warmup_steps"])
    def test_warmup_and_whole_in_each_other_s_place(self, whole):
        assert found(BUILT.format(warmup="num_train_steps", whole=whole)) == [13]

    @pytest.mark.parametrize(
        "warmup", ["args.warmup_steps", "int(args.warmup_proportion * num_train_steps)", "0", "100"]
    )
    def test_each_in_its_own_place(self, warmup):
        assert found(BUILT.format(warmup=warmup, whole="num_train_steps")) == []

    def test_a_run_that_is_all_warmup_is_somebody_s_choice(self):
        assert found(BUILT.format(warmup="num_train_steps", whole="num_train_steps")) == []

    @pytest.mark.parametrize(
        ("length", "wrong"), [("args.warmup_steps", True), ("args.max_steps - args.warmup_steps", False)]
    )
    def test_a_cosine_that_is_as_long_as_the_warmup(self, length, wrong):
        lines = found(f"""
            from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

            def build(optimizer, args):
                warmup = LinearLR(optimizer, 0.01, total_iters=args.warmup_steps)
                cosine = CosineAnnealingLR(optimizer, T_max={length})
                return SequentialLR(optimizer, [warmup, cosine], milestones=[args.warmup_steps])
        """)
        assert lines == ([6] if wrong else [])


class TestStartsThatDependOnTheLength:
    @settings(max_examples=6, deadline=None)
    @given(power=st.sampled_from([0.3, 0.5, 0.9, 1.5, 2.0]))
    def test_a_power_of_the_divisor_alone_and_of_the_whole_ratio(self, power):
        script = """
            from torch.optim.lr_scheduler import LambdaLR

            def build(optimizer, num_steps):
                return LambdaLR(optimizer, lambda step: {formula})
        """
        assert found(script.format(formula=f"num_steps / (step + num_steps) ** {power}"))
        assert not found(script.format(formula=f"(num_steps / (step + num_steps)) ** {power}"))

    def test_a_loud_start_that_no_length_changes_is_somebody_s_choice(self):
        assert not found("""
            from torch.optim.lr_scheduler import LambdaLR

            def build(optimizer, num_steps):
                return LambdaLR(optimizer, lambda step: 8 * max(0.0, 1 - step / num_steps))
        """)

    def test_a_plateau_before_a_decay_that_a_longer_decay_eats_up(self):
        assert not found("""
            from torch.optim.lr_scheduler import LambdaLR

            class Settings:
                num_iterations = 306
                cooldown_iters = 120

            args = Settings()

            def factor(step):
                if step < args.num_iterations - args.cooldown_iters:
                    return 1.0
                return (args.num_iterations - step) / args.cooldown_iters

            schedulers = [LambdaLR(optimizer, factor) for optimizer in optimizers]
        """)


DECLARED = """
from abc import ABCMeta
from dataclasses import dataclass

@dataclass
class Schedule(metaclass=ABCMeta):
    warmup_min_lr: float

@dataclass
class Linear(Schedule):
    warmup_steps: int
    t_max: int

    def get_lr(self, initial_lr, step, max_steps):
        if step < self.warmup_steps:
            return initial_lr * (step + 1) / self.warmup_steps
        return initial_lr * max(0.0, 1 - (step - self.warmup_steps) / (self.{read} - self.warmup_steps))
"""


@pytest.mark.parametrize(("read", "reported"), [("t_max", False), ("t_maxs", True), ("horizon", True)])
def test_a_dataclass_has_the_fields_that_it_declares(read, reported):
    assert bool(found(DECLARED.format(read=read))) is reported


CLOSED_FORM = """
    from torch.optim.lr_scheduler import {base}

    class Warm({base}):
        def __init__(self, optimizer, warmup_epochs, last_epoch=-1):
            self.warmup_epochs = warmup_epochs
            super().__init__(optimizer, last_epoch=last_epoch)

        def get_lr(self):
            return [base * min(1.0, (self.last_epoch + 1) / self.warmup_epochs) for base in self.base_lrs]

        def _get_closed_form_lr(self):
            return [base * min(1.0, (self.last_epoch + 1) / self.{read}) for base in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("base", "read", "lines"),
    [
        ("LRScheduler", "warmup_epoch", [13]),
        ("LRScheduler", "warmup_epochs", []),
        # What torch's own schedulers with parameters keep is theirs to say.
        ("StepLR", "warmup_epoch", []),
    ],
)
def test_a_method_that_no_run_asks_reads_what_nothing_sets(base, read, lines):
    assert found(CLOSED_FORM.format(base=base, read=read)) == lines


def test_what_is_asked_for_by_its_name_may_be_there():
    asked_first = CLOSED_FORM.format(base="LRScheduler", read="warmup_epoch").replace(
        "            return [base * min(1.0, (self.last_epoch + 1) / self.warmup_epoch) for",
        '            assert hasattr(self, "warmup_epoch")\n'
        "            return [base * min(1.0, (self.last_epoch + 1) / self.warmup_epoch) for",
    )
    assert "hasattr" in asked_first and found(asked_first) == []


@pytest.mark.parametrize(("base", "lines"), [("object", [7]), ("Trainer", [])])
def test_a_method_that_sets_the_rate_reads_what_its_class_does_not_keep(base, lines):
    source = """
        class Runner({base}):
            def __init__(self, num_epochs, lr):
                self.num_epochs, self.lr = num_epochs, lr

            def adjust(self, optimizer, epoch):
                rate = self.lr * (1 - epoch / self.num_epoch) if self.lr else 0.0
                for group in optimizer.param_groups:
                    group["lr"] = rate
        """
    head = "from elsewhere import Trainer\n"
    assert [line - 1 for line in found(head + textwrap.dedent(source.format(base=base)))] == lines


MIXIN = """
    class RateMixin:
        def adjust_learning_rate(self, step):
            self.warm_step = 10
            rate = {rate} * min(1, (step + 1) / self.warm_steps)
            for group in {optimizer}.param_groups:
                group["lr"] = rate
    """


def test_a_class_that_reads_more_than_it_keeps_is_given_it_by_others():
    assert found(MIXIN.format(rate="0.1", optimizer="optimizer")) == [6]
    assert found(MIXIN.format(rate="self.base_lr", optimizer="self.optimizer")) == []


BRANCH = """
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--warmup_epochs", type=int{default})
    args = parser.parse_args()

    def adjust(optimizer, epoch, batch):
        if epoch < args.warmup_epochs:
            factor = (epoch + batch / len(train_batches)) / args.warmup_epochs
        else:
            factor = 0.1 ** (epoch // 30)
        for group in optimizer.param_groups:
            group["lr"] = args.lr * factor

    def train(model, optimizer, batches):
        for epoch in range(90):
            for batch, images in enumerate(batches):
                adjust(optimizer, epoch, batch)
                model(images).backward()
                optimizer.step()
"""


@pytest.mark.parametrize(
    ("default", "severity", "said"),
    [
        (", default=0", "info", "a run fails with a NameError here, at step 0, unless `args.warmup_epochs` is 0"),
        (", default=5", "error", "every run fails with a NameError here, at step 0."),
        (", default=40", "error", "every run fails with a NameError here, at step 0."),
        (", required=True", "error", "every run fails with a NameError here, at step 0."),
    ],
)
def test_a_name_that_only_a_setting_comes_to_is_told_with_the_default_that_leads_past_it(default, severity, said):
    (told,) = reported("LR211", BRANCH.format(default=default))
    assert told.severity.value == severity
    assert said in told.message


def test_a_default_with_which_the_name_comes_later_leads_nowhere():
    source = """
    warmup_iters = 700
    max_iters = 19000

    def get_lr(it):
        if it < warmup_iters:
            return 6e-4 * (it + 1) / warmup_iters
        return 6e-4 * (1 - (it - warmup_iters) / (length - warmup_iters))

    for it in range(max_iters):
        for group in optimizer.param_groups:
            group["lr"] = get_lr(it)
        optimizer.step()
    """
    (told,) = reported("LR211", source)
    assert told.severity.value == "error" and "every run fails" in told.message


@pytest.mark.parametrize(("default", "severity"), [("0", "info"), ("10", "error")])
def test_an_attribute_that_only_a_setting_comes_to(default, severity):
    source = f"""
    class Warmup:
        def __init__(self, optimizer, lr, total_steps, warmup_steps={default}):
            self.optimizer, self.lr, self.total_steps, self.warmup_steps = optimizer, lr, total_steps, warmup_steps

        def step(self, k):
            if k < self.warmup_steps:
                factor = k / self.ramp
            else:
                factor = 1 - k / self.total_steps
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr * factor
    """
    (told,) = reported("LR211", source)
    assert told.severity.value == severity


@pytest.mark.parametrize(
    ("read", "elsewhere", "expected"), [("warmup_step", "pass", True), ("warmup_step", "self.warmup_steps", False)]
)
def test_beside_a_base_that_is_not_seen_what_is_kept_and_never_read_tells_what_is_meant(read, elsewhere, expected):
    source = f"""
    from schedules import Base

    class Warmup(Base):
        def __init__(self, optimizer, lr, warmup_steps):
            super().__init__(optimizer)
            self.optimizer, self.lr, self.warmup_steps, self.count = optimizer, lr, warmup_steps, 0

        def step(self):
            self.count += 1
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr * min(1.0, self.count / self.{read})

        def length(self):
            {elsewhere}
    """
    assert bool(found(source)) is expected


@pytest.mark.parametrize("floor", ["0.0", "0.1"])
def test_a_cosine_over_the_warmup_is_told_whatever_it_is_kept_above(floor):
    source = f"""
    import math
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, args, loader):
        warmup_steps = len(loader) * args.warmup_epochs

        def factor(step):
            if step < warmup_steps:
                return (step + 1) / (warmup_steps + 1)
            return max({floor}, 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / warmup_steps)))

        return LambdaLR(optimizer, factor)
    """
    assert found(source)
