"""LR109: what a resumed run does that an uninterrupted one does not."""

from __future__ import annotations

import textwrap

import pytest


def lossy(found):
    return [f for f in found if f.code == "LR109"]


COUNTED = """
class Warmup:
    def __init__(self, optimizer, base_lr=0.1, warmup_steps=10):
        self.optimizer = optimizer
        self.base_lr = base_lr
        self.warmup_steps = warmup_steps
        self.count = 0

    def step(self):
        self.count += 1
        for group in self.optimizer.param_groups:
            group["lr"] = self.base_lr * min(1.0, self.count / self.warmup_steps)
"""


SAVED = "\n\ndef save(scheduler, path):\n    torch.save(scheduler.state_dict(), path)\n"


def test_a_state_that_leaves_the_count_out(check):
    source = COUNTED + (
        "\n    def state_dict(self):\n        return {'base_lr': self.base_lr}\n"
        "\n    def load_state_dict(self, state):\n        self.base_lr = state['base_lr']\n"
    )
    [finding] = lossy(check(source + SAVED))
    assert "stopped at step 6" in finding.message
    assert finding.evidence is not None
    assert 6 in finding.evidence.steps


def test_a_class_derived_from_torchs_is_asked_for_its_state_like_any_other(asked):
    source = """
from torch.optim.lr_scheduler import LRScheduler


class Linear(LRScheduler):
    def __init__(self, optimizer, total, last_epoch=-1):
        self.total = total
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * max(0.0, 1 - self.last_epoch / self.total) for base in self.base_lrs]

    def state_dict(self):
        return {name: value for name, value in self.__dict__.items() if name not in ("optimizer", "last_epoch")}
"""
    assert [found.advice for found in asked("LR109", source)] == [False]


def test_a_state_that_holds_the_count(check):
    source = COUNTED + (
        "\n    def state_dict(self):\n        return {'count': self.count}\n"
        "\n    def load_state_dict(self, state):\n        self.count = state['count']\n"
    )
    assert lossy(check(source)) == []


def test_a_state_that_is_saved_and_has_no_way_back(check):
    source = COUNTED + "\n    def state_dict(self):\n        return {'count': self.count}\n"
    [finding] = lossy(check(source + SAVED))
    assert "`load_state_dict`" in finding.message


@pytest.mark.parametrize(
    ("used", "advice"),
    [
        ("", True),  # what it counts may be kept by other means
        (SAVED, False),
        (SAVED.replace("scheduler.", "model."), True),
        (SAVED.replace("scheduler", "optimizer"), False),  # as which a class that wraps one goes
    ],
)
def test_a_state_that_nobody_asks_for_is_advice(used, advice, asked):
    source = COUNTED + "\n    def state_dict(self):\n        return {'count': self.count}\n"
    assert [found.advice for found in asked("LR109", source + used)] == [advice]


def test_a_class_that_counts_and_saves_nothing_is_left_to_its_owner(check):
    assert lossy(check(COUNTED)) == []


@pytest.mark.parametrize(
    ("body", "lost"),
    [
        ("self.lr = self.base_lr * min(1.0, (step + 1) / self.warmup_steps)", False),
        ("self.lr = min(self.base_lr, self.lr + self.base_lr / self.warmup_steps)", True),
        (
            "self.lr = self.base_lr if step > self.warmup_steps else self.base_lr * (step + 1) / self.warmup_steps",
            False,
        ),
    ],
)
def test_a_class_that_is_told_the_step_needs_no_memory_of_its_own(check, body, lost):
    source = f"""
class Warmup:
    def __init__(self, optimizer, base_lr=0.1, warmup_steps=10):
        self.optimizer = optimizer
        self.base_lr = base_lr
        self.warmup_steps = warmup_steps
        self.lr = 0.0

    def step(self, step):
        {body}
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr
"""
    assert bool(lossy(check(source))) is lost


def test_torch_s_own_state_dict_holds_an_inner_scheduler_as_an_object():
    torch = pytest.importorskip("torch")
    from torch.optim.lr_scheduler import LRScheduler, StepLR

    class Outer(LRScheduler):
        def __init__(self, optimizer, inner):
            self.inner = inner
            super().__init__(optimizer)

        def get_lr(self):
            return [group["lr"] for group in self.optimizer.param_groups]

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    inner = StepLR(optimizer, 1)
    assert Outer(optimizer, inner).state_dict()["inner"] is inner


HELD = """
from torch.optim.lr_scheduler import LRScheduler

class Outer(LRScheduler):
    def __init__(self, optimizer, inner_scheduler):
        self.inner_scheduler = inner_scheduler
        super().__init__(optimizer)

    def get_lr(self):
        self.inner_scheduler.step()
        return self.inner_scheduler.get_last_lr()
"""


@pytest.mark.parametrize(
    ("more", "severity", "words"),
    [
        ("", "info", "a `state_dict` of this class holds it"),
        ("def save(model): return {'model': model.state_dict()}", "info", "a `state_dict` of this class holds it"),
        ("def save(scheduler): return {'lr': scheduler.state_dict()}", "warning", "the state saved here holds it"),
    ],
)
def test_a_scheduler_held_as_an_object_is_latent_until_the_state_of_one_is_saved(findings, more, severity, words):
    found = [f for f in findings(HELD + more) if f.code == "LR109"]
    assert [f.severity.value for f in found] == [severity] and words in found[0].message


LOOP = """
import torch

def adjust(optimizer, step, base_lr, total):
    for group in optimizer.param_groups:
        group["lr"] = base_lr * max(0.0, 1 - step / max(1, total))

def train(model, optimizer, loader, args):
    start_epoch = 0
    {start}
    if args.resume:
        checkpoint = torch.load(args.resume)
        {restore}
    for epoch in range(start_epoch, args.epochs):
        for batch in loader:
            adjust(optimizer, {step}, args.lr, args.epochs * len(loader))
            optimizer.step()
            step += 1
"""
WHOLE = "optimizer.load_state_dict(checkpoint['optimizer']); start_epoch = checkpoint['epoch']"


@pytest.mark.parametrize(
    ("start", "restore", "step", "lost"),
    [
        ("step = 0", WHOLE, "step", True),
        ("step = 0", WHOLE + "; step = checkpoint['step']", "step", False),
        ("step = 0", "model.load_state_dict(checkpoint['model'])", "step", False),
        ("step = 0", WHOLE, "epoch", False),
        ("step = args.start", WHOLE, "step", False),
    ],
)
def test_a_counter_that_starts_anew_where_the_epoch_is_restored(check, start, restore, step, lost):
    found = lossy(check(LOOP.format(start=start, restore=restore, step=step)))
    assert ["`step` decides the rate" in f.message for f in found] == ([True] if lost else [])


def test_rates_by_epoch_are_the_same_list_in_the_second_process_and_are_asked_for_again(check):
    source = """
    class Fixed:
        def __init__(self, args, optimizer):
            self.args, self.optimizer = args, optimizer
            self.lr = args.lr[0]
            self.share = 1.0 / args.warmup_updates

        def state_dict(self):
            return {"lr": self.lr}

        def load_state_dict(self, state):
            self.lr = state["lr"]

        def _set(self, rate):
            for group in self.optimizer.param_groups:
                group["lr"] = rate

        def step_begin_epoch(self, epoch):
            rates = self.args.lr
            self.lr = rates[min(epoch - 1, len(rates) - 1)]
            self._set(self.share * self.lr)

        def step_update(self, num_updates):
            if num_updates < self.args.warmup_updates:
                self.share = (num_updates + 1) / self.args.warmup_updates
                self._set(self.share * self.lr)
            else:
                self._set(self.lr)
    """
    assert not lossy(check(textwrap.dedent(source)))


@pytest.mark.parametrize(("until", "told"), [("self.total", False), ("0.2 * self.total", True)])
def test_what_is_kept_of_a_schedule_that_is_over_is_not_missed(until, told, asked):
    source = f"""
class PolyScheduler:
    def __init__(self, optimizer, base_lr, total, power=2.0):
        self.optimizer, self.base_lr, self.total, self.power = optimizer, base_lr, total, power
        self.lr = base_lr

    def step(self, step):
        if step < {until}:
            self.lr = self.base_lr * (1 - step / self.total) ** self.power
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr
"""
    assert bool(asked("LR109", source)) is told
