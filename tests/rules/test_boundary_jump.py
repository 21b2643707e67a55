"""Where two phases meet and where they do not, in every form, told by what is reported and what is left alone."""

from __future__ import annotations

import asking
import pytest

from lrfix.findings import Severity


def torn(source):
    """Whether a jump is reported as a fault."""
    return asking.faults(source, "LR202") != []


def advised(source):
    """The jumps that are told of without being called faults."""
    return [found for found in asking.reported("LR202", source) if found.severity is Severity.INFO]


def test_a_long_warmup_is_not_tried_where_the_decay_has_a_length_of_its_own(codes):
    assert (
        codes(
            """
            from torch.optim.lr_scheduler import LambdaLR

            def warmup_stable_decay(optimizer, num_warmup_steps, num_training_steps, num_decay_steps):
                decay_start = num_training_steps - num_decay_steps

                def factor(step):
                    if step < num_warmup_steps:
                        return step / max(1, num_warmup_steps)
                    if step < decay_start:
                        return 1.0
                    return max(0.0, (num_training_steps - step) / max(1, num_decay_steps))

                return LambdaLR(optimizer, factor)
            """
        )
        == []
    )


THREE_PHASES = """
    import math

    def adjust(optimizer, step, warmup_steps, cooldown_steps, total_steps, lr):
        start = total_steps - cooldown_steps
        if step < warmup_steps:
            rate = lr * step / warmup_steps
        elif step < start:
            rate = lr * math.exp(-0.03 * (step - warmup_steps))
        else:
            rate = lr * math.exp(-0.03 * {reached}) * (1 - (step - start) / cooldown_steps)
        for group in optimizer.param_groups:
            group["lr"] = max(rate, 0.0)
    """


def test_later_phases_have_to_meet_as_well():
    assert not torn(THREE_PHASES.format(reached="(start - warmup_steps)"))
    assert torn(THREE_PHASES.format(reached="start"))


STRETCHED = """
    class LinearWarmupLR:
        def __init__(self, warmup_steps, total_steps, scale_warmup=False):
            self.warmup_steps, self.total_steps, self.scale_warmup = warmup_steps, total_steps, scale_warmup

        def __call__(self, step, stretch=1.0):
            end = self.total_steps * stretch
            ramp = self.warmup_steps * (stretch if self.scale_warmup else 1.0)
            if step < {handed_over}:
                return (step + 1) / (ramp + 1)
            return max(0.0, 1.0 - (step - ramp) / (end - ramp))
    """


def test_two_settings_that_tear_the_phases_apart_together_are_told_of():
    source = STRETCHED.format(handed_over="self.warmup_steps")
    assert not torn(source)
    told = advised(source)
    assert len(told) == 1
    assert "`scale_warmup` = True" in told[0].message


def test_two_settings_that_keep_the_phases_together_are_not():
    assert advised(STRETCHED.format(handed_over="ramp")) == []


def test_a_setting_that_is_a_jump_by_itself_is_meant_as_one():
    source = STRETCHED.format(handed_over="ramp").replace("return max(0.0, ", "return (1.0 / stretch) * max(0.0, ")
    assert advised(source) == []


BUILDER = """
    import math
    from functools import partial

    from torch.optim.lr_scheduler import LambdaLR


    def build(optimizer, args, total_steps):
        if args.decay_starting_step is None:
            if args.warmup_steps is not None:
                decay_starting_step = args.warmup_steps
            else:
                decay_starting_step = 0
        else:
            decay_starting_step = args.decay_starting_step

        def rate(step, initial_lr):
            if step <= args.warmup_steps:
                return initial_lr * step / args.warmup_steps
            done = min(1.0, (step - {start}) / args.decay_steps)
            return args.min_decay_lr + (initial_lr - args.min_decay_lr) * (1 + math.cos(math.pi * done)) / 2

        return [partial(rate, initial_lr=group["lr"]) for group in optimizer.param_groups]
    """


def test_a_decay_that_is_told_where_it_begins_is_not_judged_by_a_guess():
    assert not torn(BUILDER.format(start="decay_starting_step"))
    assert advised(BUILDER.format(start="0")) != []


@pytest.mark.parametrize("floor", ["eta_ratio", "end_ratio", "leftover_share"])
def test_a_share_is_no_step_at_which_a_decay_may_begin(floor):
    assert torn(f"""
        import math
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, max_iter, warmup_iter=500, {floor}=0):
            def factor(step):
                if step < warmup_iter:
                    return 0.001 ** (1 - step / warmup_iter)
                done = step / (max_iter - warmup_iter)
                return {floor} + (1 - {floor}) * (1 + math.cos(math.pi * done)) / 2
            return LambdaLR(optimizer, factor)
    """)


TWO_RATES = """
    import math


    def adjust(optimizer, step, warmup_steps, total_steps, {parameters}):
        if step < warmup_steps:
            lr = {warm} * step / warmup_steps
        else:
            lr = {base} * 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / (total_steps - warmup_steps)))
        for group in optimizer.param_groups:
            group["lr"] = lr
    """


def test_two_names_of_one_base_rate_are_not_two_rates():
    one = {"parameters": "base_lr, learning_rate", "warm": "learning_rate", "base": "base_lr"}
    assert not torn(TWO_RATES.format(**one))
    two = {"parameters": "base_lr, peak_lr", "warm": "peak_lr", "base": "base_lr"}
    assert advised(TWO_RATES.format(**two)) != []


IN_A_ROW = """
    from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR


    def build(optimizer, args):
        milestones = [args.warmup_steps]
        schedulers = [LinearLR(optimizer, start_factor=0.1, end_factor=1.0, total_iters=args.warmup_steps)]
        decay_steps = args.t_max - args.warmup_steps
        schedulers.append(CosineAnnealingLR(optimizer, decay_steps, eta_min=1e-5))
        if args.max_steps:
            milestones.append(args.t_max)
            schedulers.append({last})
        return SequentialLR(optimizer, schedulers, milestones)
    """


def test_schedulers_in_a_row_go_on_where_the_one_before_ended():
    last = "LinearLR(optimizer, start_factor={}, end_factor=0.001, total_iters=args.max_steps - args.t_max)"
    assert torn(IN_A_ROW.format(last=last.format("1.0")))
    assert not torn(IN_A_ROW.format(last=last.format("0.001")))


def test_a_restart_is_no_phase_that_fails_to_meet():
    again = "CosineAnnealingLR(optimizer, args.max_steps - args.t_max, eta_min=1e-5)"
    assert not torn(IN_A_ROW.format(last=again))


TIMM = """
    from timm.scheduler.{module} import {base}

    class Stepped({base}):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.steps = -1
            self.advance()

        def advance(self):
            self.steps += 1
            super().step_update(num_updates=self.steps)
{formula}
"""
JUMPS = """
        def _get_lr(self, t):
            if t < 20:
                return [base * t / 20 for base in self.base_values]
            return [base * max(0.0, 0.5 - t / 200) for base in self.base_values]
"""


@pytest.mark.parametrize(
    ("module", "base", "formula", "codes"),
    [
        ("cosine_lr", "CosineLRScheduler", "", []),
        ("scheduler", "Scheduler", JUMPS, ["LR202"]),
    ],
)
def test_a_jump_in_a_formula_of_timm_is_not_that_of_a_class_which_counts_for_it(check, module, base, formula, codes):
    assert [f.code for f in check(TIMM.format(module=module, base=base, formula=formula)) if f.code == "LR202"] == codes


STAGES = """
    def adjust_learning_rate(optimizer, epoch, num_gpus):
        if epoch < 20:
            lr = 1e-4 * (epoch + 1) / 2
        elif epoch < 80:
            lr = {plateau}
        else:
            lr = 1e-5{times}
        for group in optimizer.param_groups:
            group["lr"] = lr
    """


@pytest.mark.parametrize(
    ("plateau", "times", "faults", "told"),
    [
        ("1e-3", "", [], []),
        ("1e-3 * num_gpus", " * num_gpus", [], ["LR202"]),
        ("5e-3 * num_gpus", " * num_gpus", ["LR202"], []),
    ],
)
def test_a_jump_that_only_several_devices_make_is_advice(plateau, times, faults, told):
    source = STAGES.format(plateau=plateau, times=times)
    assert asking.faults(source, "LR202") == faults
    assert [f.code for f in advised(source)] == told


DECAYS = {
    "cosine": "0.5 * (1 + math.cos(math.pi * {progress}))",
    "line": "1 - {progress}",
    "power": "(1 - {progress}) ** 2",
}
COUNTED = {"from the beginning": ("step / whole", True), "from the warmup": ("(step - ramp) / (whole - ramp)", False)}
FORMS = {
    "lambda": """
        import math
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, warmup_steps, total_steps):
            ramp, whole = warmup_steps, total_steps

            def factor(step):
                if step < ramp:
                    return (step + 1) / ramp
                return {decay}

            return LambdaLR(optimizer, factor)
        """,
    "subclass": """
        import math
        from torch.optim.lr_scheduler import LRScheduler

        class Annealing(LRScheduler):
            def __init__(self, optimizer, warmup_steps, total_steps, last_epoch=-1):
                self.warmup_steps, self.total_steps = warmup_steps, total_steps
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                step, ramp, whole = min(self.last_epoch, self.total_steps), self.warmup_steps, self.total_steps
                scale = (step + 1) / ramp if step < ramp else {decay}
                return [base * scale for base in self.base_lrs]
        """,
    "setter by epochs": """
        import math

        def adjust(optimizer, epoch, args):
            step, ramp, whole = epoch, args.warmup_epochs, args.epochs
            rate = args.lr * (step + 1) / ramp if step < ramp else args.lr * ({decay})
            for group in optimizer.param_groups:
                group["lr"] = rate * group.get("lr_scale", 1.0)
        """,
    "wrapper": """
        import math

        class Warm:
            def __init__(self, optimizer, warmup_steps, total_steps):
                self.optimizer, self.ramp, self.whole, self.count = optimizer, warmup_steps, total_steps, 0
                self.rates = [group["lr"] for group in optimizer.param_groups]
                self.write()

            def write(self):
                step, ramp, whole = min(self.count, self.whole), self.ramp, self.whole
                scale = (step + 1) / ramp if step < ramp else {decay}
                for group, rate in zip(self.optimizer.param_groups, self.rates):
                    group["lr"] = rate * scale

            def step(self):
                self.count += 1
                self.write()
        """,
    "function": """
        import math

        def get_lr(step, warmup_iters, lr_decay_iters, learning_rate, min_lr):
            ramp, whole = warmup_iters, lr_decay_iters
            if step < ramp:
                return learning_rate * (step + 1) / ramp
            if step > whole:
                return min_lr
            return min_lr + (learning_rate - min_lr) * ({decay})
        """,
    "table": """
        import math
        import numpy as np

        def lr_schedule(base_value, warmup_steps, total_steps):
            ramp, whole = warmup_steps, total_steps
            warm = [base_value * (step + 1) / ramp for step in range(ramp)]
            rest = [base_value * ({decay}) for step in range(ramp, whole)]
            return np.array(warm + rest)
        """,
}


@pytest.mark.parametrize("counted", sorted(COUNTED))
@pytest.mark.parametrize("decay", sorted(DECAYS))
@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_decay_is_counted_from_where_the_warmup_ends(form, decay, counted):
    progress, fault = COUNTED[counted]
    source = FORMS[form].format(decay=DECAYS[decay].format(progress=progress))
    assert (torn(source) or advised(source) != []) is fault


@pytest.mark.parametrize(
    ("progress", "ramp", "advice"),
    [
        # A cosine counted from step 0 has lost little where the warmup is as short as most are.
        ("step / total_steps", "warmup_steps", [(True, True)]),
        # As long as what the warmup leaves, it ends early as well.
        ("step / (total_steps - warmup_steps)", "warmup_steps", [(False, False)]),
        # Half a ramp is a jump behind every warmup.
        ("(step - warmup_steps) / (total_steps - warmup_steps)", "warmup_steps // 2", [(False, False)]),
        ("(step - warmup_steps) / (total_steps - warmup_steps)", "warmup_steps", []),
    ],
)
def test_a_jump_that_only_a_warmup_of_nobody_s_length_makes_is_advice_with_a_repair(asked, progress, ramp, advice):
    found = asked(
        "LR202",
        f"""
        import math
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, warmup_steps, total_steps):
            def factor(step):
                if step < {ramp}:
                    return step / warmup_steps
                return 0.5 * (1 + math.cos(math.pi * min(1.0, {progress})))

            return LambdaLR(optimizer, factor)
        """,
    )
    assert [(violation.advice, violation.mendable) for violation in found] == advice


def test_rates_of_single_precision_are_judged_as_others_are():
    source = """
        import torch

        def set_rate(optimizer, step, warmup_steps, total_steps, lr):
            if step < warmup_steps:
                rate = lr * (step + 1) / warmup_steps
            else:
                rate = lr * max(0.0, 1 - (step{offset}) / (total_steps - warmup_steps))
            for group in optimizer.param_groups:
                group["lr"] = torch.tensor(rate)
        """
    assert torn(source.format(offset=""))
    assert not torn(source.format(offset=" - warmup_steps"))


CALLED = """
    from torch.optim.lr_scheduler import LRScheduler


    class Square(LRScheduler):
        def __init__(self, optimizer, total_steps, warmup_steps=0, last_epoch=-1):
            self.total_steps, self.warmup_steps = total_steps, warmup_steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            k = self.last_epoch
            if k < self.warmup_steps:
                return [base * (k + 1) / self.warmup_steps for base in self.base_lrs]
            left = max(0, self.total_steps - k) / (self.total_steps{less})
            return [base * left ** 4 for base in self.base_lrs]


    def short_run(optimizer, total_steps):
        return Square(optimizer, total_steps)
    """


def test_one_caller_without_a_warmup_does_not_acquit_the_class():
    assert torn(CALLED.format(less=""))
    assert not torn(CALLED.format(less=" - self.warmup_steps"))


HELD = """
    from torch.optim.lr_scheduler import LRScheduler


    class WarmHoldLinear(LRScheduler):
        def __init__(self, optimizer, total_steps, warmup_steps=None, hold_steps=None, last_epoch=-1):
            self.total_steps = total_steps
            self.warm = warmup_steps if warmup_steps is not None else 0
            self.held = {held}
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            k = self.last_epoch
            if k < self.warm:
                return [base * (k + 1) / self.warm for base in self.base_lrs]
            if k < self.held:
                return list(self.base_lrs)
            gone = min(1.0, (k - self.held) / (self.total_steps - self.held))
            return [base * (1 - gone) ** 4 for base in self.base_lrs]
    """


def test_a_part_that_is_left_out_by_default_leaves_no_hole():
    assert torn(HELD.format(held="self.warm + hold_steps if hold_steps is not None else 0"))
    assert not torn(HELD.format(held="self.warm + (hold_steps if hold_steps is not None else 0)"))


STABLE = """
    from torch.optim.lr_scheduler import LambdaLR


    def build(optimizer, stable_steps, total_steps, min_ratio=0.0):
        def factor(step):
            if step < stable_steps:
                return 1.0
            if step >= total_steps:
                return min_ratio
            return {decay}

        return LambdaLR(optimizer, factor)
    """


@pytest.mark.parametrize(
    ("decay", "fault"),
    [
        ("1 - (1 - min_ratio) * step / total_steps", True),
        ("1 - (1 - min_ratio) * (step - stable_steps) / (total_steps - stable_steps)", False),
        ("1 - (1 - min_ratio) * (step - stable_steps) / total_steps", True),
        ("0.5 - 0.5 * (1 - min_ratio) * (step - stable_steps) / (total_steps - stable_steps)", False),
    ],
)
def test_a_jump_that_grows_with_the_phase_before_it_is_not_meant(decay, fault):
    assert (torn(STABLE.format(decay=decay))) is fault


def test_a_step_of_a_staircase_inside_the_warmup_is_not_its_end():
    assert not torn(
        """
        from bisect import bisect
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, drops, warmup_iters=400):
            return LambdaLR(optimizer, lambda k: min(1.0, (k + 1) / warmup_iters) * 0.3 ** bisect(drops, k))

        def train(optimizer, loader, args):
            scheduler = build(optimizer, [len(loader) * epoch for epoch in (8, 11)])
        """
    )


def test_every_group_has_to_meet():
    source = """
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, warmup_steps, total_steps):
            def body(step):
                return 1 - step / total_steps

            def head(step):
                if step < warmup_steps:
                    return (step + 1) / warmup_steps
                return (1 - {progress}) ** 4

            return LambdaLR(optimizer, [body, head])
        """
    assert torn(source.format(progress="step / total_steps"))
    assert not torn(source.format(progress="(step - warmup_steps) / (total_steps - warmup_steps)"))


def test_two_decays_whose_levels_have_nothing_to_do_with_each_other_are_a_choice():
    source = """
    from torch.optim.lr_scheduler import LambdaLR

    class Frozen(LambdaLR):
        def __init__(self, optimizer, freeze_steps, total_steps, hidden_size=768, last_epoch=-1):
            self.freeze_steps, self.total_steps, self.width = freeze_steps, total_steps, hidden_size
            super().__init__(optimizer, self.factor, last_epoch)

        def factor(self, step):
            if step <= self.freeze_steps:
                return self.width ** -0.5 * (step + 1) ** -0.5
            return 1e-5 * max(0.0, (self.total_steps - step) / self.total_steps)
    """
    assert not torn(source)


STATED_OFF = """
import torch
from dataclasses import dataclass

@dataclass
class Hyperparameters:
    num_iterations: int = 510
    warmup_iters: int = 0
    cooldown_iters: int = 180

args = Hyperparameters()

def get_lr(it):
    if it < {ramp}:
        return (it + 1) / args.warmup_iters
    if it < args.num_iterations - args.cooldown_iters:
        return 1.0
    return max(0.0, (args.num_iterations - it) / args.cooldown_iters)

scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, get_lr)
"""


@pytest.mark.parametrize(("ramp", "reported"), [("args.warmup_iters", False), ("args.warmup_iters // 2", True)])
def test_a_warmup_that_is_stated_as_none_is_tried_with_one(ramp, reported):
    assert (torn(STATED_OFF.format(ramp=ramp))) is reported


CHECKED = """
import math

def adjust_learning_rate(optimizer, it, args):
    if it < {ramp}:
        lr = args.lr * it / args.warmup_iters
    elif it > args.lr_decay_iters:
        lr = args.min_lr
    else:
        ratio = ({gone}) / (args.lr_decay_iters - args.warmup_iters)
        assert 0 <= ratio <= 1
        lr = args.min_lr + (args.lr - args.min_lr) * 0.5 * (1.0 + math.cos(math.pi * ratio))
    for group in optimizer.param_groups:
        group["lr"] = lr
"""


@pytest.mark.parametrize(
    ("ramp", "gone", "reported"),
    [
        ("args.warmup_iters", "it - args.warmup_iters", False),
        ("args.warmup_iters // 2", "it - args.warmup_iters", True),
        ("args.warmup_iters", "it", True),
    ],
)
def test_an_assertion_of_its_own_that_fails_on_the_way(ramp, gone, reported):
    assert (torn(CHECKED.format(ramp=ramp, gone=gone))) is reported


CUT_OFF = """
class Annealing:
    def __init__(self, optimizer, max_lr, min_lr, warmup_steps, total_steps):
        self.optimizer, self.max_lr, self.min_lr = optimizer, max_lr, min_lr
        self.warmup_steps, self.total_steps, self.count = warmup_steps, total_steps, 0

    def step(self):
        self.count += 1
        if self.count <= self.warmup_steps:
            rate = self.max_lr * self.count / self.warmup_steps
        elif self.count > self.total_steps:
            rate = self.min_lr
        else:
            rate = {decay}
        for group in self.optimizer.param_groups:
            group["lr"] = rate
"""


@pytest.mark.parametrize(
    ("decay", "reported"),
    [
        ("self.max_lr * (self.warmup_steps / self.count) ** 0.5", False),
        # A line to the floor that begins a warmup late, and is cut off as much too high.
        (
            "self.min_lr + (self.max_lr - self.min_lr) * (1 - (self.count - self.warmup_steps) / self.total_steps)",
            True,
        ),
    ],
)
def test_a_decay_that_never_aimed_at_its_end_may_be_cut_off_there(decay, reported):
    assert (torn(CUT_OFF.format(decay=decay))) is reported


def test_a_drop_that_the_draw_alone_puts_inside_the_warmup():
    source = """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, args, steps_per_epoch):
        warmup = steps_per_epoch * args.warmup_epochs

        def factor(step):
            if step < warmup:
                return step / max(1, warmup)
            return 1.0 if step < args.lr_drop * steps_per_epoch else 0.1

        return LambdaLR(optimizer, factor)
    """
    assert not torn(source)


def test_the_end_of_a_warmup_and_the_beginning_of_the_decay_are_two_settings_of_one_caller():
    source = """
    import math
    from torch.optim.lr_scheduler import LambdaLR

    class Cosine(LambdaLR):
        def __init__(
            self, optimizer, warmup_epochs, max_epochs, start_value=1.0, end_value=0.001, warmup_end_value=None
        ):
            self.warmup_epochs, self.max_epochs = warmup_epochs, max_epochs
            self.start_value, self.end_value = start_value, end_value
            self.warmup_end_value = start_value if warmup_end_value is None else warmup_end_value
            super().__init__(optimizer, self.factor)

        def factor(self, epoch):
            if epoch < self.warmup_epochs:
                return self.warmup_end_value * (epoch + 1) / self.warmup_epochs
            done = (epoch - self.warmup_epochs) / (self.max_epochs - self.warmup_epochs)
            return self.end_value + (self.start_value - self.end_value) * (1 + math.cos(math.pi * min(1.0, done))) / 2
    """
    assert not torn(source)


@pytest.mark.parametrize("length", ["len_epoch", "epoch_len", "nb"])
def test_a_ramp_over_the_batches_of_some_epochs_meets_the_steps_behind_it(codes, length):
    assert (
        codes(
            f"""
            def adjust_learning_rate(optimizer, epoch, step, {length}, args):
                lr = args.lr * 0.1 ** (epoch // 30)
                if epoch < 5:
                    lr = lr * float(1 + step + epoch * {length}) / (5. * {length})
                for group in optimizer.param_groups:
                    group["lr"] = lr
            """
        )
        == []
    )


@pytest.mark.parametrize(("start", "expected"), [("self.base_lr", []), ("1.0", ["LR202"])])
def test_a_warmup_that_a_trainer_works_out_of_its_whole_length(start, expected):
    source = f"""
        class Trainer:
            def __init__(self, loader, args):
                self.total_steps = args.epochs * len(loader)
                self.warmup_steps = int(0.1 * self.total_steps)
                self.base_lr = args.lr

            def get_lr(self, step):
                if step < self.warmup_steps:
                    return {start} * (step + 1) / self.warmup_steps
                done = (step - self.warmup_steps) / (self.total_steps - self.warmup_steps)
                return self.base_lr * max(0.0, 1 - done)
        """
    assert asking.faults(source, "LR202") == expected


def test_a_turn_of_so_many_epochs_is_not_the_end_of_the_warmup(check):
    source = """
    class Cycling:
        def __init__(self, factor, warmup, optimizer):
            self.optimizer, self.factor, self.warmup = optimizer, factor, warmup
            self.count = 0

        def step(self, epoch):
            self.count += 1
            if epoch % 50 == 0 and epoch > 0:
                self.count = self.warmup - 1
            rate = self.factor * min(1.0, self.count / self.warmup) / max(self.count, self.warmup)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.optimizer.step()

    def train(optimizer, loader):
        schedule = Cycling(300, 15000, optimizer)
        for epoch in range(200):
            for batch in loader:
                schedule.step(epoch)
    """
    assert [f for f in check(source) if f.code == "LR202"] == []


@pytest.mark.parametrize(
    ("first", "jumps"),
    [("1.0", False), ("0.1", True)],
    ids=["a milestone that only the draw puts into the warmup", "a decay that begins at a tenth of the warmup's end"],
)
def test_milestones_within_the_warmup_are_the_callers_choice(first, jumps):
    source = f"""
    from bisect import bisect_right
    from torch.optim.lr_scheduler import _LRScheduler

    class RampedSteps(_LRScheduler):
        def __init__(self, optimizer, milestones, ramp_up=60, last_epoch=-1):
            self.milestones, self.ramp_up = milestones, ramp_up
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            if self.last_epoch < self.ramp_up:
                return [base * (self.last_epoch + 1) / self.ramp_up for base in self.base_lrs]
            return [base * {first} * 0.1 ** bisect_right(self.milestones, self.last_epoch) for base in self.base_lrs]
    """
    assert torn(source) is jumps


CONVENTION = """
    import math
    from torch.optim.lr_scheduler import LRScheduler

    class Cosine(LRScheduler):
        def __init__(self, optimizer, warmup_steps, total_steps{prefix}, last_epoch=-1):
            self.warmup_steps, self.total_steps, self.prefix = warmup_steps, total_steps, prefix
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            step = self.last_epoch
            if step < self.warmup_steps:
                return [base * step / self.warmup_steps for base in self.base_lrs]
            done = step / self.total_steps
            if {joined}:
                done = (step - self.warmup_steps) / (self.total_steps - self.warmup_steps)
            return [base * (1 + math.cos(math.pi * min(1, done))) / 2 for base in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("prefix", "joined", "mendable"),
    [
        # The default joins the phases, and nobody is seen to choose the other side.
        (", prefix=True", "self.prefix", [False]),
        (", prefix=False", "self.prefix", []),
        (", prefix=True", "not self.prefix and step < 0", [True]),
    ],
)
def test_a_flag_that_nobody_turns_is_no_run_that_is_seen(asked, prefix, joined, mendable):
    found = asked("LR202", CONVENTION.format(prefix=prefix, joined=joined))
    assert [(violation.advice, violation.mendable) for violation in found] == [(True, each) for each in mendable]


@pytest.mark.parametrize(("epochs", "mendable"), [("default=100", [False]), ("required=True", [True])])
def test_where_the_code_states_every_length_a_longer_warmup_asks_for_no_repair(asked, epochs, mendable):
    found = asked(
        "LR202",
        f"""
        import argparse, math, torch

        parser = argparse.ArgumentParser()
        parser.add_argument("--warmup-epochs", type=int, default=3)
        parser.add_argument("--epochs", type=int, {epochs})
        args = parser.parse_args()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        def factor(epoch):
            if epoch < args.warmup_epochs:
                return (epoch + 1) / args.warmup_epochs
            return 0.5 * (1 + math.cos(math.pi * epoch / args.epochs))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        """,
    )
    assert [(violation.advice, violation.mendable) for violation in found] == [(True, each) for each in mendable]


ONE_PEAK = """
    import math, torch

    class Warm(torch.optim.lr_scheduler.LRScheduler):
        def __init__(self, optimizer, warmup_steps, total_steps, max_lr, last_epoch=-1):
            self.warmup_steps, self.total_steps, self.max_lr = warmup_steps, total_steps, max_lr
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            if self.last_epoch < self.warmup_steps:
                return [base * (self.last_epoch + 1) / self.warmup_steps for base in self.base_lrs]
            done = (self.last_epoch - {start}) / (self.total_steps - self.warmup_steps)
            return [self.max_lr * 0.5 * (1 + math.cos(math.pi * done)) for _ in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("peak", "start", "advice"),
    [
        ("max_lr", "self.warmup_steps", [True]),
        ("target_lr", "self.warmup_steps", [True]),
        ("max_lr", "0", [False]),
        # By its name the rate may be as low as an end is, and nothing is left to fall.
        ("target_lr", "0", [True]),
    ],
)
def test_a_peak_that_may_be_the_rate_of_the_optimizer_tears_nothing_for_certain(asked, peak, start, advice):
    source = ONE_PEAK.format(start=start).replace("max_lr", peak)
    assert [violation.advice for violation in asked("LR202", source)] == advice


def test_a_floor_as_high_as_the_peak_joins_no_phases_and_a_caller_without_a_warmup_acquits_no_class(asked):
    (found,) = asked(
        "LR202",
        """
        from torch.optim.lr_scheduler import LRScheduler

        class Linear(LRScheduler):
            def __init__(self, optimizer, max_steps, warmup_steps=0, min_lr=0.0, last_epoch=-1):
                self.max_steps, self.warmup_steps, self.min_lr = max_steps, warmup_steps, min_lr
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                step = self.last_epoch
                if step < self.warmup_steps:
                    return [b * (step + 1) / self.warmup_steps for b in self.base_lrs]
                return [max(self.min_lr, b * (1 - step / self.max_steps) ** 3) for b in self.base_lrs]

        def quick(optimizer, max_steps):
            return Linear(optimizer, max_steps)
        """,
    )
    assert not found.advice


def test_a_rate_that_moves_once_an_epoch_is_told_where_it_moves(asked):
    (found,) = asked(
        "LR202",
        """
        def adjust(optimizer, epoch, iteration, args):
            if epoch < args.warmup_epochs:
                lr = args.lr * (epoch + 1) / args.warmup_epochs
            else:
                lr = args.lr * 0.97 ** (epoch / 2.4)
            for group in optimizer.param_groups:
                group["lr"] = lr
        """,
    )
    assert found.evidence is not None
    before, after = found.evidence.lr[1:3]
    assert before > 1.02 * after


def test_a_number_without_a_name_that_may_be_a_share_makes_no_jump_as_a_count():
    source = """
        import math

        class CosineSchedule:
            def __init__(self, optimizer, max_lr, alpha, warmup_steps, total_steps, hold_steps=0):
                self.optimizer, self.max_lr, self.alpha, self.warmup_steps = optimizer, max_lr, alpha, warmup_steps
                self.start = warmup_steps + hold_steps
                self.length, self.count = total_steps - self.start, 0

            def rate(self):
                if self.count < self.warmup_steps:
                    return self.max_lr * self.count / self.warmup_steps
                if self.start <= self.count < self.start + self.length:
                    done = (self.count - self.start) / self.length
                    falling = 0.5 * (1 + math.cos(math.pi * done))
                    return self.max_lr * (self.alpha + (1 - self.alpha) * falling)
                return self.max_lr

            def step(self):
                self.count += 1
                for group in self.optimizer.param_groups:
                    group["lr"] = self.rate()
        """
    assert not torn(source)


def test_a_run_is_longer_than_the_warmup_that_its_call_states(asked):
    source = """
        import numpy as np
        from torch.optim.lr_scheduler import LRScheduler

        class Table(LRScheduler):
            def __init__(self, optimizer, peak, final, total_iters, warmup_iters=0):
                ramp = np.linspace(0, peak, warmup_iters)
                at = np.arange(total_iters - warmup_iters)
                decay = final + 0.5 * (peak - final) * (1 + np.cos(np.pi * at / len(at)))
                self.table, self.final, self.total_iters = np.concatenate((ramp, decay)), final, total_iters
                super().__init__(optimizer)

            def get_lr(self):
                past = self.last_epoch >= self.total_iters
                return [self.final if past else self.table[self.last_epoch] for _ in self.base_lrs]

        def train(optimizer, args, loader):
            return Table(optimizer, 1e-3, 1e-4, args.epochs * len(loader))

        def train_longer(optimizer, args, loader):
            return Table(optimizer, 1e-3, 1e-4, args.epochs * len(loader), warmup_iters=100)
        """
    assert asked("LR202", source) == []


SHARES = """
    from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

    def build(optimizer, warmup_steps, total_steps, start_factor=0.01, end_factor={end}):
        warmup = LinearLR(optimizer, start_factor=start_factor, end_factor=end_factor, total_iters=warmup_steps)
        cosine = CosineAnnealingLR(optimizer, total_steps - warmup_steps)
        return SequentialLR(optimizer, [warmup, cosine], milestones=[warmup_steps])
    """


@pytest.mark.parametrize(("end", "found"), [("1.0", []), ("0.2", ["error"])])
def test_a_share_that_has_a_default_is_judged_by_it(end, found):
    assert [f.severity.value for f in asking.reported("LR202", SHARES.format(end=end))] == found


ONE_NUMBER = """
    import numpy as np
    from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

    def build(args, n_samples, optimizer):
        steps_per_epoch = np.ceil(n_samples / (args.n_nodes[0] * args.batch_size[0]))
        warmup_steps = max(steps_per_epoch * args.warmup_epochs, 1)
        warmup = LinearLR(optimizer, start_factor=0.01, end_factor=1, total_iters=warmup_steps)
        cosine = CosineAnnealingLR(optimizer, steps_per_epoch * args.epochs - warmup_steps)
        return SequentialLR(optimizer, [warmup, cosine], milestones=[{milestone}])
    """


@pytest.mark.parametrize(("milestone", "found"), [("warmup_steps", False), ("warmup_steps // 2", True)])
def test_a_length_that_is_worked_out_with_numbers_of_nobody_s_is_one_at_every_place(milestone, found):
    assert bool(asking.reported("LR202", ONE_NUMBER.format(milestone=milestone))) is found


OVER_THE_WHOLE = """
    def adjust(optimizer, init_lr, epoch, warmup_epoch, max_epoch):
        if epoch <= warmup_epoch and warmup_epoch != 0:
            lr = {top} * (epoch + 1) / (warmup_epoch + 1)
        else:
            lr = init_lr * (1 - epoch / max_epoch) ** {power}
        for group in optimizer.param_groups:
            group["lr"] = lr
    """


@pytest.mark.parametrize(
    ("top", "power", "advice", "why"),
    [
        # A decay over the whole run with a short warmup laid over its start has lost little by then.
        ("init_lr", 0.9, True, "because the decay is counted from step 0"),
        ("init_lr", 6, False, "because the decay is counted from step 0"),
        # Two peaks that differ are not joined by counting from another step.
        ("0.9 * init_lr", 0.9, None, ""),
        ("7.0", 0.9, False, ""),
    ],
)
def test_a_small_loss_behind_a_warmup_is_advice_and_another_peak_has_another_reason(asked, top, power, advice, why):
    found = asked("LR202", OVER_THE_WHOLE.format(top=top, power=power))
    assert [violation.advice for violation in found] == ([] if advice is None else [advice])
    assert all(("because" in violation.message) is bool(why) and why in violation.message for violation in found)


def test_lengths_that_the_code_fixes_name_the_formula_too(asked):
    source = """
        import math
        from torch.optim.lr_scheduler import LambdaLR

        EPOCHS, WARMUP = 20, 5


        def build(optimizer):
            def factor(epoch):
                if epoch < WARMUP:
                    return (epoch + 1) / WARMUP
                return 0.5 * (1 + math.cos(math.pi * min(1.0, epoch / EPOCHS)))

            return LambdaLR(optimizer, factor)
        """
    (found,) = asked("LR202", source)
    assert "where warmup ends, because the decay is counted from step 0:" in found.message
    assert found.message.endswith("Use `(step - WARMUP) / (EPOCHS - WARMUP)`.")


@pytest.mark.parametrize("lookup", ['getattr(args, "warmup_lr", args.lr)', 'args.get("warmup_lr", args.lr)'])
@pytest.mark.parametrize("kept", ["warmup_lr", "args.warmup_lr"])
@pytest.mark.parametrize(("after", "grave"), [("1.0", False), ("0.5", True)])
def test_a_rate_that_is_another_one_unless_it_is_given_is_that_one(lookup, kept, after, grave):
    """The warmup ends at `warmup_lr / lr`, which is 1 where nobody gives the one."""
    source = f"""
import math
from torch.optim.lr_scheduler import LambdaLR


def build(args, optimizer):
    {kept} = {lookup}

    def factor(epoch):
        if epoch < args.warmup_epochs:
            return (epoch + 1) / args.warmup_epochs * ({kept} / args.lr)
        coef = (epoch - args.warmup_epochs) / (args.epochs - args.warmup_epochs)
        return {after} * 0.5 * (1 + math.cos(coef * math.pi))

    return LambdaLR(optimizer, factor)
"""
    assert [found.severity is Severity.ERROR for found in asking.reported("LR202", source)] == [grave]


@pytest.mark.parametrize(
    ("decay", "told"),
    [
        ("(step - warmup + 1) ** -0.5", False),
        ("1 / (step - warmup + 1)", False),
        ("0.4 * (step - warmup + 1) ** -0.5", True),
        ("0.5 * 0.9 ** (step - warmup)", True),
    ],
)
def test_the_first_step_of_a_power_is_its_steepest(decay, told):
    source = f"""
from torch.optim.lr_scheduler import LambdaLR


def build(optimizer, warmup):
    return LambdaLR(optimizer, lambda step: step / warmup if step <= warmup else {decay})
"""
    assert bool(asking.asked("LR202", source)) is told


@pytest.mark.parametrize("steps", ["config.steps", "config.schedule.lr_step", "args.milestones", "config.decay_steps"])
def test_entries_of_a_list_are_milestones_one_after_the_other(steps, codes):
    source = f"""
    def adjust_learning_rate(optimizer, epoch, args, config):
        epoch = epoch + 1
        if epoch <= 5:
            lr = args.lr * epoch / 5
        elif epoch > {steps}[1]:
            lr = args.lr * 0.01
        elif epoch > {steps}[0]:
            lr = args.lr * 0.1
        else:
            lr = args.lr
        for group in optimizer.param_groups:
            group["lr"] = lr
    """
    assert "LR202" not in codes(source)


@pytest.mark.parametrize(
    ("kept", "severities"),
    [
        ("0.97 ** (epoch / 2.4)", ["info"]),  # EfficientNet's decay goes on under the warmup
        ("0.9 ** epoch", ["error"]),
    ],
)
def test_a_decay_without_an_end_may_go_on_under_the_warmup(kept, severities):
    source = f"""
def rate(lr, warmup_epochs, epoch):
    if epoch < warmup_epochs:
        return lr * (epoch + 1) / warmup_epochs
    return lr * {kept}
"""
    assert [f.severity.value for f in asking.reported("LR202", source)] == severities


def test_a_decay_that_the_file_ends_is_counted_from_the_warmup():
    source = """
import math

warmup, epochs = 5, 20


def get_lr(lr, epoch):
    if epoch < warmup:
        return lr * (epoch + 1) / warmup
    return lr * 0.5 * (1 + math.cos(math.pi * epoch / epochs))
"""
    assert [f.severity.value for f in asking.reported("LR202", source)] == ["error"]


def test_what_rises_where_warmup_ends_is_not_told_to_count_the_decay_anew():
    source = """
def adjust_learning_rate(optimizer, base_lr, max_iters, cur_iters, warmup_iters):
    if cur_iters < warmup_iters:
        lr = cur_iters * base_lr / (warmup_iters * 2)
    else:
        lr = base_lr * (1 - cur_iters / max_iters) ** 0.9
    for group in optimizer.param_groups:
        group["lr"] = lr
"""
    (found,) = asking.reported("LR202", source)
    assert "rises by 98 %" in found.message
    assert "counted from step 0" not in found.message


@pytest.mark.parametrize(("level", "jumps"), [("base", True), ("(base - 40.0)", False)])
def test_where_the_rate_is_negative_its_jump_is_not_the_fault(level, jumps):
    source = f"""
    from torch.optim.lr_scheduler import LRScheduler

    class Ramped(LRScheduler):
        def __init__(self, optimizer, total_steps, warmup_steps=20, last_epoch=-1):
            self.total_steps, self.warmup_steps = total_steps, warmup_steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            if self.last_epoch < self.warmup_steps:
                return [{level} * (self.last_epoch + 1) / self.warmup_steps for base in self.base_lrs]
            return [{level} * 0.3 * (1 - self.last_epoch / self.total_steps) for base in self.base_lrs]
    """
    assert torn(source) is jumps
