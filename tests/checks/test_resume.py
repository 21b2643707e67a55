"""LR109: what a resumed run does that an uninterrupted one does not."""

from __future__ import annotations

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


def test_a_state_that_leaves_the_count_out(check):
    source = COUNTED + (
        "\n    def state_dict(self):\n        return {'base_lr': self.base_lr}\n"
        "\n    def load_state_dict(self, state):\n        self.base_lr = state['base_lr']\n"
    )
    [finding] = lossy(check(source))
    assert "stopped and resumed at step 6" in finding.message
    assert finding.evidence is not None
    assert 6 in finding.evidence.steps


def test_a_state_that_holds_the_count(check):
    source = COUNTED + (
        "\n    def state_dict(self):\n        return {'count': self.count}\n"
        "\n    def load_state_dict(self, state):\n        self.count = state['count']\n"
    )
    assert lossy(check(source)) == []


def test_a_state_that_is_saved_and_has_no_way_back(check):
    source = COUNTED + "\n    def state_dict(self):\n        return {'count': self.count}\n"
    [finding] = lossy(check(source))
    assert "`load_state_dict`" in finding.message


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


HOOKED = """
import torch


@register
class First:
    def __init__(self, warmup_steps):
        self.warmup_steps = warmup_steps
        self.n = 0

    def __call__(self, optimizer):
        self.n += 1
        for group in optimizer.param_groups:
            group["lr"] = 1.0 / max(self.n, self.warmup_steps)

    @mark_as_saver
    def save(self, path):
        torch.save(self.n, path)

    @mark_as_loader
    def load(self, path):
        self.n = torch.load(path)
"""


def test_hooks_that_one_class_of_three_does_not_register(check):
    source = HOOKED + HOOKED.replace("First", "Second") + HOOKED.replace("First", "Third").replace("@register\n", "")
    [finding] = lossy(check(source))
    assert "`Third`" in finding.message
    assert "@register" in finding.message


def test_a_hook_that_saves_without_one_that_loads(check):
    source = HOOKED[: HOOKED.index("    @mark_as_loader")]
    [finding] = lossy(check(source))
    assert "how it is loaded" in finding.message


def test_hooks_in_pairs_are_left_alone(check):
    assert lossy(check(HOOKED)) == []


PLATEAU = """
from torch.optim.lr_scheduler import ReduceLROnPlateau


class Plateau:
    def __init__(self, optimizer, patience=3, warmup_updates=10, lr=0.1):
        self.optimizer = optimizer
        self.warmup_updates = warmup_updates
        self.lr = lr
        self.inner = ReduceLROnPlateau(optimizer, {arguments})

    def state_dict(self):
        return {{{saved}}}

    def load_state_dict(self, state):
        self.inner.best = state["best"]

    def step_update(self, num_updates):
        if num_updates < self.warmup_updates:
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr * (num_updates + 1) / self.warmup_updates

    def step(self, loss):
        self.inner.step(loss)
"""


@pytest.mark.parametrize(
    ("arguments", "saved", "missing"),
    [
        ("patience=patience", "'best': self.inner.best, 'last_epoch': self.inner.last_epoch", "num_bad_epochs"),
        ("patience=0", "'best': self.inner.best", "last_epoch"),
        ("patience=0", "'best': self.inner.best, 'last_epoch': self.inner.last_epoch", None),
        ("patience=patience", "'inner': self.inner.state_dict()", None),
    ],
)
def test_a_chosen_few_of_the_plateau_s_fields(check, arguments, saved, missing):
    found = lossy(check(PLATEAU.format(arguments=arguments, saved=saved)))
    assert [f"`{missing}`" in f.message for f in found] == ([True] if missing else [])


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


PARTS = """
from torch.optim.lr_scheduler import LRScheduler

class Delayed(LRScheduler):
    def __init__(self, optimizer, delay, after, last_epoch=-1):
        self.delay, self.after = delay, after
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return self.after.get_last_lr() if self.last_epoch >= self.delay else self.base_lrs

    def step(self, epoch=None):
        if self.last_epoch >= self.delay:
            self.after.step()
        super().step(epoch)

    def state_dict(self):
        saved = {k: v for k, v in self.__dict__.items() if k not in ("optimizer", "after")}
        saved["after_state"] = self.after.state_dict()
        return saved
"""
LOADED = """
    def load_state_dict(self, saved):
        self.after.load_state_dict(saved.pop("after_state"))
        super().load_state_dict(saved)
"""


@pytest.mark.parametrize(("rest", "reported"), [("", True), (LOADED, False)])
def test_the_state_of_a_part_that_is_saved_under_a_key_nobody_reads(check, rest, reported):
    found = [f for f in lossy(check(PARTS + rest)) if "after_state" in f.message]
    assert bool(found) is reported
