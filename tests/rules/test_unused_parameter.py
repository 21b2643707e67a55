"""LR106: settings that are accepted and decide nothing."""

from __future__ import annotations

import textwrap

import pytest

CLASS = """
import math
from torch.optim.lr_scheduler import LRScheduler


class Cosine(LRScheduler):
    def __init__(self, optimizer, total_steps, eta_min=0.001, last_epoch=-1):
        self.total_steps = total_steps
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        share = 0.5 * (1 + math.cos(math.pi * min(1.0, self.last_epoch / max(1, self.total_steps))))
        return [{rate} for base in self.base_lrs]
"""


def unused(found):
    return [f for f in found if f.code == "LR106"]


@pytest.mark.parametrize(
    ("rate", "lost"),
    [
        ("base * share", True),
        ("self.eta_min + (base - self.eta_min) * share", False),
        ("max(self.eta_min, base * share)", False),
        ("base * share + self.eta_min * 0", True),
    ],
)
def test_a_floor_that_the_rate_falls_through(findings, rate, lost):
    found = unused(findings(CLASS.format(rate=rate)))
    assert bool(found) is lost
    assert all("`eta_min`" in f.message and "the same at every step" in f.message for f in found)


@pytest.mark.parametrize(
    "more",
    [
        "class Longer(Cosine):\n    def get_lr(self):\n"
        "        return [max(self.eta_min, lr) for lr in super().get_lr()]",
        "def floor_of(scheduler):\n    return scheduler.eta_min",
    ],
)
def test_a_setting_that_another_part_of_the_file_reads(check, more):
    assert unused(check(CLASS.format(rate="base * share") + "\n\n" + more)) == []


@pytest.mark.parametrize(
    "more",
    [
        "class Other:\n    def __init__(self):\n        self.eta_min = 1.0\n\n    def show(self):\n"
        "        return self.eta_min",
        "def build(optimizer, cfg):\n    return Cosine(optimizer, cfg.total, eta_min=cfg.eta_min)",
    ],
)
def test_a_namesake_is_no_reader(check, more):
    assert len(unused(check(CLASS.format(rate="base * share") + "\n\n" + more))) == 1


def test_saving_and_printing_is_no_use(findings):
    source = """
    class Stages:
        def __init__(self, lr, warmup_steps, total_steps):
            self.lr = lr
            self.warmup_steps = max(1, warmup_steps)
            self.total_steps = total_steps

        def __call__(self, optimizer, num_updates):
            lr = self.lr * min(1.0, (num_updates + 1) / self.warmup_steps)
            for group in optimizer.param_groups:
                group["lr"] = lr

        def state_dict(self):
            return {"total_steps": self.total_steps}

        def load_state_dict(self, state):
            self.total_steps = state["total_steps"]
    """
    [finding] = unused(findings(source))
    assert "`total_steps`" in finding.message


def test_a_base_class_out_of_sight_may_read_it(check):
    source = """
    from framework import Schedule

    class Warmup(Schedule):
        def __init__(self, optimizer, lr, warmup_steps, total_steps):
            self.optimizer = optimizer
            self.lr = lr
            self.warmup_steps = max(1, warmup_steps)
            self.total_steps = total_steps

        def step(self, step):
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr * min(1.0, (step + 1) / self.warmup_steps)
    """
    assert unused(check(source)) == []


SETTER = """
def adjust(optimizer, epoch, base_lr, step_size=30, gamma=0.2):
    for group in optimizer.param_groups:
        group["lr"] = base_lr * {factor} ** (epoch // step_size)
"""


@pytest.mark.parametrize(("factor", "lost"), [("0.1", True), ("gamma", False)])
def test_a_function_s_own_parameter(check, factor, lost):
    assert bool(unused(check(SETTER.format(factor=factor)))) is lost


@pytest.mark.parametrize(
    "more", ["POLICIES = {'step': adjust}", "def other(optimizer, gamma):\n    return gamma", "register(adjust)"]
)
def test_parameters_that_somebody_else_prescribes(check, more):
    assert unused(check(SETTER.format(factor="0.1") + "\n\n" + more)) == []


def test_a_field_that_the_classes_beside_it_read_and_this_one_forgets(check):
    source = """
    from dataclasses import dataclass

    @dataclass
    class Schedule:
        peak: float

    @dataclass
    class Linear(Schedule):
        floor: float = 0.1

        def get_lr(self, step):
            return max(self.floor, self.peak * max(0.0, 1.0 - step / 80))

    @dataclass
    class Envelope(Schedule):
        floor: float = 0.1

        def get_lr(self, step):
            return self.peak * max(0.0, 1.0 - step / 90)

    def adjust(optimizer, schedule, step):
        for group in optimizer.param_groups:
            group["lr"] = schedule.get_lr(step)
    """
    assert {f.span.start.line for f in unused(check(source))} == {17}


BESIDE = """
class Constant:
    def __init__(self, {length}, lr):
        self.{length} = {length}
        self.lr = lr

    def __call__(self, step):
        return self.lr


class Linear:
    def __init__(self, {length}, lr_start, lr_end):
        self.{length} = {length}
        self.lr_start = lr_start
        self.lr_end = lr_end

    def __call__(self, step):
        return self.lr_start + (self.lr_end - self.lr_start) * min(1.0, step / max(1, self.{length}))
"""


def test_a_constant_schedule_takes_the_length_that_the_schedules_beside_it_need(check):
    assert unused(check(BESIDE.format(length="steps"))) == []


@pytest.mark.parametrize(("rate", "loud"), [("base * share", True), ("base * share + self.eta_min * 0", False)])
def test_what_is_read_without_an_effect_may_have_one_under_other_values(asked, rate, loud):
    assert [not violation.advice for violation in asked("LR106", CLASS.format(rate=rate))] == [loud]


@pytest.mark.parametrize(("length", "loud"), [("steps_per_epoch", False), ("decay_every", True)])
def test_a_length_that_every_schedule_is_handed_may_go_unread(asked, length, loud):
    source = f"""
    def adjust_learning_rate(optimizer, epoch, base_lr, {length}, step_size=30):
        lr = base_lr * 0.1 ** (epoch // step_size)
        for group in optimizer.param_groups:
            group["lr"] = lr
    """
    assert [not violation.advice for violation in asked("LR106", source)] == ([True] if loud else [])


INEFFECTIVE = {
    "a count of no vocabulary": """
    class Ramp:
        def __init__(self, optimizer, low_lr, high_lr, size, plateaus=2):
            self.optimizer, self.low_lr, self.high_lr, self.size = optimizer, low_lr, high_lr, size
            self.plateaus = plateaus
            self.done = 0

        def step(self):
            self.done += 1
            share = min(1.0, self.done / self.size)
            for group in self.optimizer.param_groups:
                group["lr"] = self.low_lr + (self.high_lr - self.low_lr) * share
    """,
    "replaced by a constant": """
    from torch.optim.lr_scheduler import LRScheduler

    class Poly(LRScheduler):
        def __init__(self, optimizer, total, power=0.9, last_epoch=-1):
            self.total, self.power = total, power
            self.power = 1.0
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            return [base * (1 - min(self.last_epoch, self.total) / self.total) ** self.power for base in self.base_lrs]
    """,
    "cancelled by a weight of one": """
    from torch.optim.lr_scheduler import LRScheduler

    class Floored(LRScheduler):
        def __init__(self, optimizer, total, min_lr=1e-4, last_epoch=-1):
            self.total, self.min_lr, self.weight = total, min_lr, 1.0
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            left = 1 - min(self.last_epoch, self.total) / self.total
            return [self.min_lr * (1 - self.weight) + base * left for base in self.base_lrs]
    """,
    "a factory's floor, written as a number": """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, warmup_steps, total_steps, min_ratio=0.2):
        def factor(step):
            if step < warmup_steps:
                return (step + 1) / warmup_steps
            left = max(0.0, (total_steps - step) / (total_steps - warmup_steps))
            return 0.1 + 0.9 * left

        return LambdaLR(optimizer, factor)
    """,
    "a clamp whose result is dropped": """
    def lr_at(step, base_lr, min_lr, total_steps):
        lr = base_lr * (1 - min(step, total_steps) / total_steps)
        max(lr, min_lr)
        return lr
    """,
    "a branch of the loop's settings": """
    def adjust(optimizer, epoch, args):
        if epoch < args.warmup_epochs:
            lr = args.lr * (epoch + 1) / args.warmup_epochs
        lr = args.lr * (1 - epoch / args.epochs) ** 0.9
        for group in optimizer.param_groups:
            group["lr"] = lr
    """,
    "a branch of numbers": """
    def adjust(optimizer, epoch, args):
        if epoch < 5:
            lr = args.lr * (epoch + 1) / 5
        lr = args.lr * 0.1 ** (epoch // 30)
        for group in optimizer.param_groups:
            group["lr"] = lr
    """,
}
EFFECTIVE = {
    "read by the class of torch's that it is stored for": """
    from torch.optim.lr_scheduler import ExponentialLR

    class Slow(ExponentialLR):
        def __init__(self, optimizer, gamma=0.97):
            super().__init__(optimizer, 0.9)
            self.gamma = gamma
    """,
    "read by a method that carries, and that a run calls": """
    from torch.optim.lr_scheduler import LRScheduler

    class Table(LRScheduler):
        def __init__(self, optimizer, total, gamma=0.97, last_epoch=-1):
            self.total, self.gamma = total, gamma
            super().__init__(optimizer, last_epoch)

        def __getitem__(self, step):
            return self.gamma**step * (1 - min(step, self.total) / self.total)

        def get_lr(self):
            return [base * self[self.last_epoch] for base in self.base_lrs]
    """,
    "read in another mode": """
    from torch.optim.lr_scheduler import LRScheduler

    class Either(LRScheduler):
        def __init__(self, optimizer, total, gamma=0.99, mode="linear", last_epoch=-1):
            self.total, self.gamma, self.mode = total, gamma, mode
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            if self.mode == "exp":
                return [base * self.gamma**self.last_epoch for base in self.base_lrs]
            return [base * (1 - min(self.last_epoch, self.total) / self.total) for base in self.base_lrs]
    """,
    "a momentum": """
    class Triangle:
        def __init__(self, optimizer, low_lr, high_lr, size, base_momentum=0.8):
            self.optimizer, self.low_lr, self.high_lr, self.size = optimizer, low_lr, high_lr, size
            self.base_momentum = base_momentum
            self.done = 0

        def step(self):
            share = abs((self.done % (2 * self.size)) / self.size - 1)
            self.done += 1
            for group in self.optimizer.param_groups:
                group["lr"] = self.low_lr + (self.high_lr - self.low_lr) * (1 - share)
                group["momentum"] = self.base_momentum + 0.1 * share
    """,
    "stairs longer than any simulation": """
    from torch.optim.lr_scheduler import LRScheduler

    class Stairs(LRScheduler):
        def __init__(self, optimizer, step_size=200000, gamma=0.5, warmup=20, last_epoch=-1):
            self.step_size, self.gamma, self.warmup = step_size, gamma, warmup
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            if self.last_epoch < self.warmup:
                return [base * (self.last_epoch + 1) / self.warmup for base in self.base_lrs]
            return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]
    """,
    "built by one call with its siblings": """
    class Linear:
        def __init__(self, optimizer, lr, total_steps, end_lr=0.0, **others):
            self.optimizer, self.lr, self.total_steps, self.end_lr, self.done = optimizer, lr, total_steps, end_lr, 0

        def step(self):
            self.done += 1
            for group in self.optimizer.param_groups:
                group["lr"] = max(self.end_lr, self.lr * (1 - self.done / self.total_steps))

    class Root:
        def __init__(self, optimizer, lr, warmup, end_lr=0.0, **others):
            self.optimizer, self.lr, self.warmup, self.end_lr, self.done = optimizer, lr, warmup, end_lr, 0

        def step(self):
            self.done += 1
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr * min(self.done / self.warmup, (self.warmup / self.done) ** 0.5)

    def build(kind, optimizer, options):
        return {"linear": Linear, "root": Root}[kind](optimizer, end_lr=options.end_lr, **options.more)
    """,
}


@pytest.mark.parametrize("form", INEFFECTIVE)
def test_a_setting_whose_every_value_gives_the_same_rates(findings, form):
    assert len(unused(findings(INEFFECTIVE[form]))) == 1


@pytest.mark.parametrize("form", EFFECTIVE)
def test_a_setting_that_matters_somewhere(check, advice, form):
    assert unused(check(EFFECTIVE[form])) == unused(advice(EFFECTIVE[form])) == []


TRAINER = """
    import pytorch_warmup as warmup
    from torch.optim.lr_scheduler import CosineAnnealingLR

    class Trainer:
        def __init__(self, optimizer, warmup_steps, total_steps):
            self.scheduler = CosineAnnealingLR(optimizer, T_max=total_steps)
            self.warmup = None
            if warmup_steps:
                {statement}
    """
BUILT = "warmup.LinearWarmup(optimizer, warmup_period=warmup_steps)"


@pytest.mark.parametrize(
    ("statement", "reported"),
    [
        (BUILT, True),
        ("CosineAnnealingLR(optimizer, T_max=warmup_steps)", True),
        (f"self.warmup = {BUILT}", False),
        ("self.add(warmup.LinearWarmup(optimizer, warmup_period=warmup_steps))", False),
        ("prepare(optimizer, warmup_steps)", False),
        ("self.scheduler.step()", False),
    ],
)
def test_built_as_a_statement_of_its_own(check, statement, reported):
    found = [f for f in check(TRAINER.format(statement=statement)) if f.code == "LR106"]
    assert [f.span.start.line for f in found] == ([10] if reported else [])


@pytest.mark.parametrize(
    "source",
    [
        """
        import pytest
        from torch.optim.lr_scheduler import StepLR

        def test_refuses(optimizer):
            StepLR(optimizer, step_size=0)
        """,
        """
        from torch.optim.lr_scheduler import StepLR

        def accepts(optimizer, size):
            try:
                StepLR(optimizer, step_size=size)
            except ValueError:
                return False
            return True
        """,
    ],
)
def test_built_to_see_whether_it_fails(codes, source):
    assert "LR106" not in codes(source)


def test_a_share_that_nobody_knows_may_decide_whether_another_number_matters(check):
    source = """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, num_warmup_steps, total_steps, llrd):
        def factor(step):
            warm = num_warmup_steps - int(num_warmup_steps * min(llrd, 1.0))
            if step < warm:
                return llrd * step / warm
            return llrd * max(0.0, (total_steps - step) / (total_steps - warm))
        return LambdaLR(optimizer, factor)
    """
    assert "LR106" not in [found.code for found in check(textwrap.dedent(source))]


@pytest.mark.parametrize(("kept", "reported"), [("restart_weights", False), ("[1, 1]", True)])
def test_a_list_of_numbers_is_a_setting_too(check, kept, reported):
    source = f"""
    import math
    from torch.optim.lr_scheduler import LRScheduler

    class Restarts(LRScheduler):
        def __init__(self, optimizer, period=20, restart_weights=[1, 1], last_epoch=-1):
            self.period = period
            self.restart_weights = {kept}
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            turn = min(self.last_epoch // self.period, len(self.restart_weights) - 1)
            share = 0.5 * (1 + math.cos(math.pi * (self.last_epoch % self.period) / self.period))
            return [base * self.restart_weights[turn] * share for base in self.base_lrs]
    """
    assert ("LR106" in [found.code for found in check(textwrap.dedent(source))]) is reported


@pytest.mark.parametrize(("test", "lost"), [("epoch >= self.decay_at", False), ("epoch * self.decay_at < 0", True)])
def test_a_setting_that_only_decides_once_another_is_off(check, test, lost):
    source = f"""
    class Stepper:
        def __init__(self, optimizer, lr, shrink, decay_at):
            self.optimizer, self.lr, self.shrink = optimizer, lr, shrink
            self.decay_at, self.falling = decay_at, False

        def update(self, epoch):
            if {test}:
                self.falling = True
            if self.falling:
                self.lr = self.lr * self.shrink
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr
    """
    found = [f for f in unused(check(source)) if "decay_at" in f.message]
    assert found == [] or lost


@pytest.mark.parametrize("default", [-1, 0])
def test_a_setting_that_another_overrides_unless_that_is_off_as_by_default(asked, default):
    source = f"""
    import numpy as np

    def cosine_scheduler(base, final, epochs, batches, warmup_epochs=0, start=0, warmup_steps={default}):
        warmup = np.array([])
        warmup_iters = warmup_epochs * batches
        if warmup_steps > 0:
            warmup_iters = warmup_steps
        if warmup_epochs > 0:
            warmup = np.linspace(start, base, warmup_iters)
        iters = np.arange(epochs * batches - warmup_iters)
        rates = final + 0.5 * (base - final) * (1 + np.cos(np.pi * iters / len(iters)))
        return np.concatenate((warmup, rates))
    """
    assert asked("LR106", textwrap.dedent(source)) == []


@pytest.mark.parametrize("more", ["", ", verbose=False"])
def test_what_a_run_that_fails_early_does_not_show(check, more):
    source = f"""
    from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

    class Fading(CosineAnnealingWarmRestarts):
        def __init__(self, optimizer, T_0, T_mult=1, fade=0.9):
            super().__init__(optimizer, T_0, T_mult=T_mult{more})
            self.fade = fade

        def step(self, epoch=None):
            if self.T_cur + 1 == self.T_i:
                self.base_lrs = [base * self.fade for base in self.base_lrs]
                if self.verbose:
                    print(self.base_lrs)
            super().step(epoch)
    """
    assert unused(check(source)) == []


def test_a_number_of_steps_that_sounds_like_a_rate(check):
    source = """
    def rate(config, iteration):
        lr = config.lr
        if iteration >= config.lr_min_iter:
            lr = lr * config.drop_factor
        return lr

    def train(config, optimizer, loader):
        for iteration, batch in enumerate(loader):
            for group in optimizer.param_groups:
                group["lr"] = rate(config, iteration)
            optimizer.step()
    """
    assert unused(check(source)) == []


LEFT_OUT = """
    import math
    from torch.optim.lr_scheduler import LRScheduler

    class Cosine(LRScheduler):
        def __init__(self, optimizer, T_max, warmup_epochs, warmup_lr=None, last_epoch=-1):
            self.T_max, self.warmup_epochs, self.warmup_lr = T_max, warmup_epochs, warmup_lr
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            if self.warmup_lr is None:
                return [base * (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2 for base in self.base_lrs]
            if self.last_epoch <= self.warmup_epochs:
                return [base + (self.warmup_lr - base) * self.last_epoch / self.warmup_epochs for base in self.base_lrs]
            done = (self.last_epoch - self.warmup_epochs) / (self.T_max - self.warmup_epochs)
            return [self.warmup_lr * (1 + math.cos(math.pi * done)) / 2 for base in self.base_lrs]

    def build(optimizer, config):
        each = config["steps_per_epoch"]
        return Cosine(optimizer, config["epochs"] * each, config["warmup_epochs"] * each, warmup_lr=config["warmup_lr"])
    """


def test_what_a_caller_makes_use_of_is_not_judged_by_the_definition_alone(codes):
    assert "LR106" not in codes(LEFT_OUT)


@pytest.mark.parametrize(("name", "advice"), [("gamma", False), ("weight_decay", True), ("index_split", True)])
def test_a_number_that_is_no_part_of_a_schedule_is_advice_in_a_function(asked, name, advice):
    (found,) = asked(
        "LR106",
        f"""
        def poly(optimizer, base_lr, step, max_steps, power=0.9, {name}=4):
            lr = base_lr * (1 - step / max_steps) ** power
            for group in optimizer.param_groups:
                group["lr"] = lr
        """,
    )
    assert found.advice is advice


GUARDED = """
class Decay:
    def __init__(self, optimizer, lr, factor=0.5, start=None):
        self.optimizer = optimizer
        self.lr = lr
        self.factor = factor
        self.start = start
        self.decaying = False
        self.last = None

    def update(self, loss, epoch):
        if self.start is not None and epoch >= self.start:
            self.decaying = True
        if self.last is not None and loss > self.last:
            self.decaying = True
        if self.decaying:
            self.lr = self.lr * self.factor
        self.last = loss
        self.optimizer.param_groups[0]["lr"] = self.lr
"""


def test_a_loss_that_rises_hides_no_setting_that_acts_where_it_falls(check):
    assert unused(check(GUARDED)) == []


@pytest.mark.parametrize(
    ("default", "call", "severity"),
    [
        ("None", "", "info"),
        ("None", ", gamma=0.5", "warning"),
        ("None", ", 0.5", "warning"),
        ("0.5", "", "warning"),
    ],
)
def test_what_is_nothing_by_default_and_never_given_may_be_left_over(default, call, severity, findings):
    source = f"""
    from torch.optim.lr_scheduler import LRScheduler

    class Decay(LRScheduler):
        def __init__(self, optimizer, total, gamma={default}, last_epoch=-1):
            self.total = total
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            return [base * max(0.0, 1 - self.last_epoch / self.total) for base in self.base_lrs]

    def build(optimizer, total):
        return Decay(optimizer, total{call})
    """
    assert [f.severity for f in findings(source) if f.code == "LR106"] == [severity]


WARMED = """
def update_lr(args, global_step, warmup_iters, optimizer, other):
    if global_step < warmup_iters:
        lr = args.learning_rate * global_step / warmup_iters
        {between}
    lr = {anew}
    for group in other.param_groups:
        group["lr"] = lr
"""


@pytest.mark.parametrize(
    ("between", "anew", "told"),
    [
        ("pass", "args.learning_rate * 0.99**global_step", True),
        ("print(lr)", "args.learning_rate * 0.99**global_step", True),
        ('optimizer.param_groups[0]["lr"] = lr', "args.learning_rate * 0.99**global_step", False),
        ("scaled = 2 * lr", "args.learning_rate * 0.99**global_step", False),
        ("pass", "args.learning_rate if args.flat else lr", False),
    ],
)
def test_a_rate_that_is_read_before_its_name_is_set_anew_has_an_effect(between, anew, told, asked):
    found = asked("LR106", WARMED.format(between=between, anew=anew))
    assert any("is set anew" in each.message for each in found) is told


def test_a_rate_that_is_given_back_and_not_written_is_not_set_anew(asked):
    """The loop over the groups stands in the last branch: nothing follows the others, and no `else` is missing."""
    source = """
    class LinearDecay:
        def __init__(self, optimizer, start_lr, end_lr, decay_start_step, decay_end_step):
            self.optimizer = optimizer
            self.delta = (start_lr - end_lr) / (decay_end_step - decay_start_step)
            self.decay_start_step, self.decay_end_step = decay_start_step, decay_end_step
            self.start_lr, self.end_lr = start_lr, end_lr

        def step(self, current_step):
            if current_step <= self.decay_start_step:
                lr = self.start_lr
            elif current_step >= self.decay_end_step:
                lr = self.end_lr
            else:
                lr = self.start_lr - self.delta * (current_step - self.decay_start_step)
                for param_group in self.optimizer.param_groups:
                    param_group["lr"] = lr
            return lr
    """
    assert not [each for each in asked("LR106", source) if "is set anew" in each.message]
