"""Cosines: the half period and everything that is written in its place."""

from __future__ import annotations

import pytest
from asking import reported
from hypothesis import given, settings
from hypothesis import strategies as st

ANNEALING = """
import math
from torch.optim.lr_scheduler import LRScheduler

class Cosine(LRScheduler):
    def __init__(self, optimizer, total_steps, eta_min=0.0, last_epoch=-1):
        self.total_steps = total_steps
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        p = min(1.0, self.last_epoch / self.total_steps)
        return [{formula} for base in self.base_lrs]
"""


def told(source: str) -> list[tuple[str, str]]:
    return [(f.code, f.severity.value) for f in reported("LR206", source)]


def found(source: str) -> list[str]:
    return [code for code, _ in told(source)]


@pytest.mark.parametrize(
    "formula",
    [
        "self.eta_min + 0.5 * (base - self.eta_min) * (1 + math.cos(p))",
        "self.eta_min + 0.5 * (base - self.eta_min) * (1 + math.cos(180 * p))",
        "self.eta_min + 0.5 * (base - self.eta_min) * (1 + math.cos(2 * math.pi * p))",
        "self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * p))",
    ],
)
def test_every_part_left_out_is_named(formula):
    assert told(ANNEALING.format(formula=formula)) == [("LR206", "error")]


def test_a_quarter_of_a_period_may_be_a_recipe():
    formula = "self.eta_min + (base - self.eta_min) * math.cos(math.pi / 2 * p)"
    assert told(ANNEALING.format(formula=formula)) == [("LR206", "info")]


RISES = """
import math
from torch.optim.lr_scheduler import LRScheduler

class {name}(LRScheduler):
    def __init__(self, optimizer, warmup_steps, total_steps, last_epoch=-1):
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        k = self.last_epoch
        if {warms} and k < self.warmup_steps:
            return [base * (k + 1) / self.warmup_steps for base in self.base_lrs]
        p = min(1.0, (k - {start}) / (self.total_steps - {start}))
        return [base * 0.5 * (1 - math.cos(math.pi * p)) for base in self.base_lrs]
"""


def test_behind_a_warmup_a_cosine_that_climbs_has_the_wrong_sign():
    assert found(RISES.format(name="Annealing", warms="True", start="self.warmup_steps")) == ["LR206"]


@pytest.mark.parametrize("name", ["Rise", "CosineWarmup"])
def test_a_class_that_only_climbs_may_be_a_warmup_under_any_name(name):
    assert found(RISES.format(name=name, warms="False", start="0")) == []


LOST = [
    ("p = position / {length}", "0.5 * (1 + math.cos(p))"),
    ("p = min(position / {length}, 1.0)", "0.5 * (1 + math.cos(p))"),
    ("p = min(position, {length}) / {length}", "0.5 * (1 + math.cos(180 * p))"),
    ("p = max(0.0, min(1.0, position / {length}))", "1 + math.cos(math.pi * p)"),
    ("p = 2 * math.pi * min(1.0, position / {length})", "0.5 * (1 + math.cos(p))"),
]
PLACES = {
    "lambda": """
        import math
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, {length}):
            def factor(position):
                {progress}
                return {formula}
            return LambdaLR(optimizer, factor)
        """,
    "setter": """
        import math

        def adjust(optimizer, position, {length}, base_lr):
            {progress}
            rate = base_lr * ({formula})
            for group in optimizer.param_groups:
                group["lr"] = rate

        def train(optimizer, loader, args):
            for step, batch in enumerate(loader):
                adjust(optimizer, step, args.{length}, args.lr)
                optimizer.step()
        """,
    "wrapper": """
        import math

        class Annealing:
            def __init__(self, optimizer, {length}, peak_lr):
                self.optimizer, self.{length}, self.peak_lr, self.done = optimizer, {length}, peak_lr, 0
                self.write()

            def write(self):
                {length}, position = self.{length}, self.done
                {progress}
                for group in self.optimizer.param_groups:
                    group["lr"] = self.peak_lr * ({formula})

            def step(self):
                self.done += 1
                self.write()
        """,
}


@pytest.mark.parametrize("form", sorted(PLACES))
@pytest.mark.parametrize(("progress", "formula"), LOST)
def test_the_form_is_no_matter(form, progress, formula):
    source = PLACES[form].format(length="total_steps", progress=progress.format(length="total_steps"), formula=formula)
    assert set(told(source)) == {("LR206", "error")}


@pytest.mark.parametrize(("progress", "formula"), LOST[:3])
def test_neither_is_the_name_of_the_length(progress, formula):
    lengths = {"length": "bananas", "progress": progress.format(length="bananas"), "formula": formula}
    assert set(told(PLACES["lambda"].format(**lengths))) == {("LR206", "error")}


def test_a_cosine_in_a_branch_that_is_off_is_judged_with_the_branch_on():
    source = """
        import math
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, total_steps, anneal=False):
            def factor(step):
                if anneal:
                    return 0.5 * (1 + math.cos(min(1.0, step / total_steps)))
                return max(0.0, 1 - step / total_steps)
            return LambdaLR(optimizer, factor)
        """
    assert told(source) == [("LR206", "error")]


def test_a_wave_of_a_stated_period_is_no_annealing():
    source = """
        import math
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer):
            return LambdaLR(optimizer, lambda step: 1 + 0.5 * math.cos(step / 100))
        """
    assert told(source) == []


def test_a_whole_wave_before_the_decay_begins_is_no_annealing_of_the_run():
    source = """
        import math

        def adjust(optimizer, epoch, args):
            if epoch < 2 * args.warmup:
                rate = 0.5 * args.lr * (1 + math.cos(math.pi * epoch / args.warmup))
            else:
                rate = args.lr * (1 - (epoch - 2 * args.warmup) / (args.epochs - 2 * args.warmup))
            for group in optimizer.param_groups:
                group["lr"] = rate
        """
    assert ("LR206", "error") not in told(source)


def test_a_table_is_judged_as_a_whole():
    source = """
        import numpy as np

        def cosine_table(base_value, final_value, epochs, niter_per_ep, warmup_epochs=0):
            warm = np.linspace(0, base_value, warmup_epochs * niter_per_ep)
            iters = np.arange(epochs * niter_per_ep - len(warm))
            rest = final_value + 0.5 * (base_value - final_value) * (1 + np.cos({pi}iters / len(iters)))
            return np.concatenate((warm, rest))
        """
    assert set(told(source.format(pi=""))) == {("LR206", "error")}
    assert told(source.format(pi="np.pi * ")) == []


@settings(max_examples=8, deadline=None)
@given(power=st.sampled_from([1, 2, 3]), share=st.sampled_from([0.9, 0.8, 1.0]))
def test_a_half_period_is_sound_whatever_is_made_of_it(power, share):
    formula = (
        f"self.eta_min + (base - self.eta_min) * (0.5 * (1 + math.cos(math.pi * min(1.0, p / {share})))) ** {power}"
    )
    assert found(ANNEALING.format(formula=formula)) == []


def test_a_cosine_that_climbs_in_a_warmup_is_no_decay_upside_down():
    assert (
        found(
            """
            import math
            from torch.optim.lr_scheduler import LambdaLR

            def build(optimizer, warmup_steps):
                return LambdaLR(optimizer, lambda k: 0.5 * (1 - math.cos(math.pi * min(1.0, k / warmup_steps))))
            """
        )
        == []
    )


@pytest.mark.parametrize(("angle", "reported"), [("0.5 * np.pi", True), ("np.pi", False)])
def test_functions_of_step_and_length_are_judged_too(angle, reported):
    source = f"""
        import numpy as np

        def cosine_decay_lr(step, steps):
            return {"" if reported else "0.5 + 0.5 * "}np.cos({angle} * step / (steps - 1))

        def set_rate(optimizer, step, steps, lr):
            for group in optimizer.param_groups:
                group["lr"] = lr * cosine_decay_lr(step, steps)
        """
    assert set(found(source)) == ({"LR206"} if reported else set())


TWO_PHASES = """
import math

def adjust(optimizer, step, args, loader):
    total = args.epochs * len(loader)
    warmup = 10 * len(loader)
    peak = args.base_lr * args.batch_size / 256
    if step < warmup:
        lr = peak * step / warmup
    else:
        step -= warmup
        total -= warmup
        share = 0.5 * ({wave})
        lr = peak * share + peak * 0.001 * (1 - share)
    for group in optimizer.param_groups:
        group["lr"] = lr
"""


class TestBehindAWarmupOfAStatedLength:
    """The warmup's length is no setting, and nothing keeps the angle from going on past the end."""

    def test_half_a_period_is_sound(self):
        assert not found(TWO_PHASES.format(wave="1 + math.cos(math.pi * step / total)"))

    def test_the_wrong_sign(self):
        assert found(TWO_PHASES.format(wave="1 - math.cos(math.pi * step / total)"))

    def test_the_whole_period(self):
        assert found(TWO_PHASES.format(wave="1 + math.cos(2 * math.pi * step / total)"))


FLOORED = """
import math

class Annealing:
    def __init__(self, optimizer, total_steps, min_lr, max_lr):
        self.optimizer, self.total_steps, self.min_lr, self.max_lr = optimizer, total_steps, min_lr, max_lr
        self.count = 0

    def step(self):
        done = min(1.0, self.count / self.total_steps)
        lr = {formula}
        self.count += 1
        for group in self.optimizer.param_groups:
            group["lr"] = lr
"""


@pytest.mark.parametrize(
    ("formula", "reported"),
    [
        ("self.min_lr + 0.5 * (self.max_lr - self.min_lr) * (1 + math.cos(math.pi * done))", False),
        ("self.min_lr + 0.5 * (self.max_lr - self.min_lr) * (1 - math.cos(math.pi * done))", True),
        ("self.max_lr + 0.5 * (self.min_lr - self.max_lr) * (1 + math.cos(math.pi * done))", True),
    ],
)
def test_annealing_that_begins_at_its_stated_floor_and_ends_at_its_peak(formula, reported):
    assert bool(found(FLOORED.format(formula=formula))) is reported
    # By another name it may be a warmup that is a cosine by design.
    for name in ("CosineWarmup", "AnnealingWarmUp"):
        assert not found(FLOORED.format(formula=formula).replace("Annealing", name))


TABLE = """
import numpy as np

def cosine_scheduler(base_value, final_value, epochs, niter_per_ep, warmup_epochs=0, start_warmup_value=0):
    warmup_schedule = np.array([])
    warmup_iters = warmup_epochs * niter_per_ep
    if warmup_epochs > 0:
        warmup_schedule = np.linspace(start_warmup_value, base_value, warmup_iters)
    iters = np.arange(epochs * niter_per_ep - warmup_iters)
    schedule = final_value + 0.5 * (base_value - final_value) * (1 {sign} np.cos(np.pi * iters / len(iters)))
    return np.concatenate((warmup_schedule, schedule))
"""


@pytest.mark.parametrize(("sign", "reported"), [("+", False), ("-", True)])
def test_the_wrong_sign_in_a_table_behind_a_warmup(sign, reported):
    assert bool(found(TABLE.format(sign=sign))) is reported


def test_what_a_recursion_does_past_its_end_is_not_how_it_was_meant():
    assert not found("""
        import math
        from torch.optim.lr_scheduler import LRScheduler

        class LinearWarmupCosineAnnealing(LRScheduler):
            def __init__(self, optimizer, warmup_epochs, max_epochs, eta_min=0.0, last_epoch=-1):
                self.warmup_epochs, self.max_epochs, self.eta_min = warmup_epochs, max_epochs, eta_min
                super().__init__(optimizer, last_epoch)

            def wave(self, epoch):
                return 1 + math.cos(math.pi * (epoch - self.warmup_epochs) / (self.max_epochs - self.warmup_epochs))

            def get_lr(self):
                if self.last_epoch == self.warmup_epochs:
                    return self.base_lrs
                if self.last_epoch == 0:
                    return [0.0] * len(self.base_lrs)
                groups = self.optimizer.param_groups
                if self.last_epoch < self.warmup_epochs:
                    return [g["lr"] + b / self.warmup_epochs for b, g in zip(self.base_lrs, groups)]
                half = self.max_epochs - self.warmup_epochs
                if (self.last_epoch - 1 - self.max_epochs) % (2 * half) == 0:
                    rise = (1 - math.cos(math.pi / half)) / 2
                    return [g["lr"] + (b - self.eta_min) * rise for b, g in zip(self.base_lrs, groups)]
                share = self.wave(self.last_epoch) / self.wave(self.last_epoch - 1)
                return [share * (g["lr"] - self.eta_min) + self.eta_min for g in groups]
    """)


def test_stated_numbers_that_are_twice_another_by_chance_are_no_missing_half():
    assert not found("""
        import argparse
        import math

        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", default=0.05, type=float)
        parser.add_argument("--batch-size", default=512, type=int)
        parser.add_argument("--epochs", default=100, type=int)
        args = parser.parse_args()

        def adjust(optimizer, init_lr, epoch, args):
            rate = init_lr * 0.5 * (1.0 + math.cos(math.pi * epoch / args.epochs))
            for group in optimizer.param_groups:
                group["lr"] = rate

        init_lr = args.lr * args.batch_size / 256
        for epoch in range(args.epochs):
            adjust(optimizer, init_lr, epoch, args)
    """)


@pytest.mark.parametrize(
    ("angle", "wrong"), [("torch.pi * t", False), ("2 * torch.pi * t", True), ("t", True), ("180 * t", True)]
)
def test_angles_of_single_precision_are_judged_as_others_are(angle, wrong):
    source = f"""
        import torch
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, args):
            def factor(epoch):
                if epoch < args.warmup_epochs:
                    return (epoch + 1) / args.warmup_epochs
                t = (epoch - args.warmup_epochs) / (args.epochs - args.warmup_epochs)
                return 0.5 * (1.0 + torch.cos(torch.tensor({angle}))).item() if t < 1 else 0.0

            return LambdaLR(optimizer, factor)
        """
    assert (reported("LR206", source) != []) is wrong


@pytest.mark.parametrize(
    ("share", "times", "expected"),
    [("1", "/ 2", []), ("1", "", ["LR206"]), ("2", "/ 2", ["LR206"]), ("0.5", "/ 2", ["LR206"])],
)
def test_an_epoch_of_two_batches_is_half_as_long_as_its_steps(share, times, expected):
    source = f"""
        def cos_lr(base_lr, epoch, iteration, num_iter, num_epoch, warmup=False):
            from math import cos, pi

            warmup_epoch = 5 if warmup else 0
            warmup_iter = warmup_epoch * num_iter
            current_iter, max_iter = iteration + epoch * num_iter, num_epoch * num_iter
            lr = base_lr * (1 + cos({share} * pi * (current_iter - warmup_iter) / (max_iter - warmup_iter))) {times}
            if epoch < warmup_epoch:
                lr = base_lr * current_iter / warmup_iter
            return lr
        """
    assert [finding.code for finding in reported("LR206", source)] == expected


SWITCHED = """
import math


def {name}(args, optimizer, epoch):
    lr = args.learning_rate
    if args.cosine:
        {floor} = lr * (args.lr_decay_rate ** 3)
        lr = {floor} + (lr - {floor}) * (1 {sign} math.cos(math.pi * epoch / args.epochs)) / 2
    for group in optimizer.param_groups:
        group["lr"] = lr
"""


@pytest.mark.parametrize(
    ("name", "floor", "sign", "told"),
    [
        ("adjust_learning_rate", "eta_min", "-", True),
        ("adjust_learning_rate", "min_lr", "-", True),
        ("adjust_learning_rate", "eta_min", "+", False),
        ("adjust_learning_rate", "part", "-", False),  # nothing says that it is where the schedule ends
        ("warmup_learning_rate", "eta_min", "-", False),
    ],
)
def test_a_floor_that_the_schedule_works_out_itself_is_where_it_ends(name, floor, sign, told, asked):
    found = asked("LR206", SWITCHED.format(name=name, floor=floor, sign=sign))
    assert any("sign is wrong" in each.message and not each.advice for each in found) is told


CYCLES = (
    ANNEALING.replace("min(1.0, self.last_epoch / self.total_steps)", "{progress}")
    .replace("class Cosine(", "class Restarts(")
    .replace("total_steps", "T_0")
)


@pytest.mark.parametrize(
    ("formula", "faulty"),
    [
        ("self.eta_min + 0.5 * (base - self.eta_min) * (1 + math.cos(math.pi * p))", False),
        ("self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * p))", True),
        ("base + 0.5 * (self.eta_min - base) * (1 + math.cos(math.pi * p))", True),
        ("self.eta_min + 0.5 * (base - self.eta_min) * (1 - math.cos(math.pi * p))", True),
    ],
)
def test_half_a_period_that_begins_again_is_half_a_period(formula, faulty):
    source = CYCLES.format(progress="self.last_epoch % self.T_0 / self.T_0", formula=formula)
    assert told(source) == ([("LR206", "error")] if faulty else [])


@pytest.mark.parametrize("sign", ["+", "-"])
def test_a_cosine_that_turns_may_be_a_cycle(sign):
    formula = f"self.eta_min + 0.5 * (base - self.eta_min) * (1 {sign} math.cos(math.pi * p))"
    assert told(CYCLES.format(progress="self.last_epoch / self.T_0", formula=formula)) == []


LAID_OVER = """
import math
from torch.optim.lr_scheduler import LRScheduler

class WarmupCosineLR(LRScheduler):
    def __init__(self, optimizer, max_iters, {warmup}last_epoch=-1):
        self.max_iters = max_iters
        self.ramp = {ramp}
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        factor = {factor}
        angle = {angle} * self.last_epoch / self.max_iters
        return [base * factor * {formula} for base in self.base_lrs]
"""
RAMP = "min(1.0, (self.last_epoch + 1) / self.ramp)"
WARM = {"warmup": "warmup_iters=1000, ", "ramp": "warmup_iters", "factor": RAMP}
COLD = {"warmup": "", "ramp": "1", "factor": "1.0"}


@pytest.mark.parametrize(
    ("formula", "angle", "around", "faulty"),
    [
        ("0.5 * (1 + math.cos(angle))", "math.pi", WARM, False),
        ("0.5 * (1 - math.cos(angle))", "math.pi", WARM, True),
        ("0.5 * (1 - math.cos(angle))", "math.pi", COLD, False),
        ("0.5 * (1 + math.cos(angle))", "2 * math.pi", WARM, True),
        ("(1 + math.cos(angle))", "math.pi", WARM, True),
    ],
)
def test_a_warmup_laid_over_the_beginning_hides_no_cosine(formula, angle, around, faulty):
    source = LAID_OVER.format(formula=formula, angle=angle, **around)
    assert told(source) == ([("LR206", "error")] if faulty else [])
