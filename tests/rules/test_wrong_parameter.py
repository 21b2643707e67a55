"""The wrong variable, and variables that only look wrong."""

from __future__ import annotations

import pytest
from asking import reported


def found(source: str) -> list[str]:
    return [f.code for f in reported("LR211", source)]


WRAPPER = """
    class NoamOptimizer:
        def __init__(self, optimizer, d_model, warmup_steps):
            self.optimizer = optimizer
            self.scale = d_model ** -0.5
            self.warmup_steps = warmup_steps
            self.n_steps = 0

        def step(self):
            self.{counter} += 1
            rate = self.scale * min(self.n_steps ** -0.5, self.n_steps * self.warmup_steps ** -1.5)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.optimizer.step()
            {after}
    """


@pytest.mark.parametrize(
    ("counter", "after", "reported"),
    [
        ("n_current_steps", "pass", True),
        ("n_steps", "pass", False),
        ("n_current_steps", "self.n_current_steps = 0", False),
    ],
)
def test_a_counter_that_nothing_sets(counter, after, reported):
    assert found(WRAPPER.format(counter=counter, after=after)) == (["LR211"] if reported else [])


TEXTS = """
    from torch.optim.lr_scheduler import LRScheduler

    class Warmup(LRScheduler):
        def __init__(self, optimizer, warmup_factor={default}, warmup_steps=50):
            self.warmup_factor = warmup_factor
            self.warmup_steps = warmup_steps
            super().__init__(optimizer)

        def get_lr(self):
            if self.last_epoch < self.warmup_steps and self.warmup_factor == "linear":
                return [base * (self.last_epoch + 1) / self.warmup_steps for base in self.base_lrs]
            return list(self.base_lrs)
    """


@pytest.mark.parametrize(
    ("default", "reported"), [("1.0 / 3", True), ("0.1", True), ("'linear'", False), ("None", False)]
)
def test_a_number_is_no_text(default, reported):
    assert found(TEXTS.format(default=default)) == (["LR211"] if reported else [])


LAST_PHASE = """
    def rate_at(step, total_steps, decay_steps, lr, min_lr):
        decay_start = total_steps - decay_steps
        if step < decay_start:
            return lr
        if step < total_steps:
            return lr - (lr - min_lr) * (step - decay_start) / {length}
        return min_lr

    def adjust(optimizer, step, args):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, args.total_steps, args.decay_steps, args.lr, args.min_lr)
    """


@pytest.mark.parametrize(("length", "reported"), [("total_steps", True), ("decay_steps", False)])
def test_a_last_phase_measured_by_the_whole_stops_short_of_its_floor(length, reported):
    assert set(found(LAST_PHASE.format(length=length))) == ({"LR211"} if reported else set())


@pytest.mark.parametrize(("imports", "reported"), [("import math", True), ("from constants import *", False)])
def test_a_name_that_only_an_attribute_has(imports, reported):
    source = f"""
        {imports}
        from torch.optim.lr_scheduler import LRScheduler

        class Linear(LRScheduler):
            def __init__(self, optimizer, total_steps):
                self.total_steps = total_steps
                super().__init__(optimizer)

            def get_lr(self):
                return [base * max(0.0, 1 - self.last_epoch / total_steps) for base in self.base_lrs]
        """
    assert found(source) == (["LR211"] if reported else [])


SUBCLASS = """
    from torch.optim.lr_scheduler import LRScheduler
    {more}

    class InverseSqrt(LRScheduler):
        def __init__(self, optimizer, warmup_steps):
            self.warmup_steps = warmup_steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            step = max(1, self.last_epoch)
            return [base * min(step ** -0.5, step * self.warmup_steps ** -1.5) for base in self.base_lrs]
    """


@pytest.mark.parametrize(
    ("more", "reported"),
    [
        ("", True),
        ("last_epoch = -1", False),
        ("from settings import *", False),
        ("from settings import last_epoch", False),
    ],
)
def test_a_name_that_the_whole_file_defines_nowhere_ends_every_run(more, reported):
    assert found(SUBCLASS.format(more=more)) == (["LR211"] if reported else [])


HEAD = """
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

"""
WRONG = {
    "a name misspelt behind the warmup": """
def build(optimizer, warmup_steps, total_steps):
    def factor(step):
        if step < warmup_steps:
            return step / warmup_steps
        return max(0.0, (totl_steps - step) / (total_steps - warmup_steps))

    return LambdaLR(optimizer, factor)
""",
    "a counter misspelt in a setter": """
def adjust(optimizer, epoch, args):
    lr = args.lr * 0.1 ** (epoch // 30)
    if epoch < args.warmup:
        lr = args.lr * epcoh / args.warmup
    for group in optimizer.param_groups:
        group["lr"] = lr
""",
    "an attribute that only the decay reads": """
class Decay(LRScheduler):
    def __init__(self, optimizer, warmup_steps, total_steps, last_epoch=-1):
        self.warmup_steps, self.total_steps = warmup_steps, total_steps
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch < self.warmup_steps:
            return [base * self.last_epoch / self.warmup_steps for base in self.base_lrs]
        return [base * max(0.0, 1 - self.last_epoch / self.horizon) for base in self.base_lrs]
""",
}
RIGHT = {
    "one of two ways to say the length": """
class Either(LRScheduler):
    def __init__(self, optimizer, total_steps=None, epochs=None, steps_per_epoch=None, last_epoch=-1):
        self.total = total_steps if total_steps is not None else epochs * steps_per_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * (1 - min(self.last_epoch, self.total) / self.total) for base in self.base_lrs]
""",
    "a mode that no scenario knows": """
def adjust(optimizer, step, args):
    if args.mode == "root":
        lr = args.lr / (step + 1) ** 0.5
    elif args.mode == "linear":
        lr = args.lr * (1 - step / args.total)
    for group in optimizer.param_groups:
        group["lr"] = lr
""",
    "an attribute that those derived from it bring": """
class Base:
    def __init__(self, optimizer, total_steps):
        self.optimizer, self.total_steps, self.count = optimizer, total_steps, 0

    def step(self):
        self.count += 1
        for group in self.optimizer.param_groups:
            group["lr"] = self.scale * (1 - self.count / self.total_steps)


class Tenth(Base):
    scale = 0.1
""",
    "a global of the script": """
def adjust(optimizer, epoch):
    for group in optimizer.param_groups:
        group["lr"] = args.lr * 0.1 ** (epoch // 30)


if __name__ == "__main__":
    args = parse()
""",
}


@pytest.mark.parametrize("form", WRONG)
def test_what_ends_or_would_end_a_run(form):
    assert found(HEAD + WRONG[form]) == ["LR211"]


@pytest.mark.parametrize("form", RIGHT)
def test_what_has_its_value_from_elsewhere(form):
    assert found(HEAD + RIGHT[form]) == []


@pytest.mark.parametrize(
    ("given", "codes"),
    [("epoch, args.epochs", []), ("epoch, args.num_epochs", []), ("args.epochs, epoch", ["LR211"])],
)
def test_the_position_and_the_number_of_epochs_are_told_apart(given, codes):
    source = f"""
        import math

        def adjust(optimizer, epoch, total, lr):
            for group in optimizer.param_groups:
                group["lr"] = lr * (0.5 * (1 + math.cos(math.pi * epoch / total)))

        def train(optimizer, loader, args):
            for epoch in range(50):
                adjust(optimizer, {given}, args.lr)
                for batch in loader:
                    optimizer.step()
        """
    assert found(source) == codes


def test_what_torch_keeps_to_itself_may_be_used_by_its_heirs():
    source = """
        from torch.optim.lr_scheduler import {base}

        class Held({base}):
            def get_lr(self):
                return [self._annealing_linear(base, 0.0, 0.5) for base in self.base_lrs]
        """
    assert found(source.format(base="OneCycleLR")) == []
    assert found(source.format(base="LRScheduler")) == ["LR211"]


@pytest.mark.parametrize(("length", "wrong"), [("warmup_steps", True), ("(total_steps - warmup_steps)", False)])
def test_a_decay_that_takes_as_long_as_the_warmup_and_climbs_again(asked, length, wrong):
    found = asked(
        "LR211",
        f"""
        import math

        def get_lr(step, warmup_steps, total_steps, base_lr):
            if step < warmup_steps:
                return base_lr * (step + 1) / warmup_steps
            if step >= total_steps:
                return 0.0
            return base_lr * 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / {length}))
        """,
    )
    assert [("`warmup_steps`" in violation.message, violation.advice) for violation in found] == [(True, False)] * wrong


def test_a_cycle_that_climbs_and_falls_in_as_many_steps_begins_anew(asked):
    found = asked(
        "LR211",
        """
        import math

        def get_lr(step, warmup_steps, base_lr):
            phase = step % (2 * warmup_steps)
            if phase < warmup_steps:
                return base_lr * phase / warmup_steps
            return base_lr * 0.5 * (1 + math.cos(math.pi * (phase - warmup_steps) / warmup_steps))
        """,
    )
    assert list(found) == []


@pytest.mark.parametrize(
    ("rate", "advice"),
    [
        ("args.lr", [False]),
        ("args.min_lr", [False]),
        ("args.lr_final", [True]),
        ("args.final_lr", [True]),
        ("args.lrf", []),
    ],
)
def test_the_last_rate_may_be_told_as_a_part_of_the_first(rate, advice, asked):
    source = f"""
import torch


def build(args, model):
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr0)
    return torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor={rate}, total_iters=args.epochs)
"""
    assert [found.advice for found in asked("LR211", source)] == advice


@pytest.mark.parametrize(
    ("kept", "value", "told"),
    [
        ("lr_schedule", "args.lr", True),
        ("teacher_temp_schedule", "args.temp", False),
        ("schedule", "args.momentum", False),
        ("schedule", "args.lr", True),
    ],
)
def test_a_schedule_of_something_else_may_be_a_warmup_alone(kept, value, told, asked):
    source = f"""
from schedules import CosineScheduler


def build(args, optimizer, steps):
    {kept} = CosineScheduler(
        base_value={value}, final_value={value}, total_iters=args.warmup_epochs * steps,
        warmup_iters=args.warmup_epochs * steps, start_warmup_value=0.0,
    )
    return {kept}
"""
    assert bool(asked("LR211", source)) is told
