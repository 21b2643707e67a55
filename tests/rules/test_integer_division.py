"""Divisions that cut: where they make two levels of a ramp, and where stairs are meant."""

from __future__ import annotations

import pytest
from asking import reported

FUNCTION = """
import math

def adjust(optimizer, epoch, epochs, lr, decay_every=30, lr_epochs=30, warmup_epochs=3, steps_per_epoch=3):
    rate = lr * ({factor})
    for group in optimizer.param_groups:
        group["lr"] = rate
"""


def found(source: str) -> list[str]:
    return [f.code for f in reported("LR208", source)]


@pytest.mark.parametrize(
    ("factor", "reported"),
    [
        ("1 - epoch // epochs", True),
        ("1 - int(epoch / epochs)", True),
        ("1 - int(epoch * steps_per_epoch / (epochs * steps_per_epoch))", True),
        ("0.5 * (1 + math.cos(math.pi * (epoch // (epochs - 1))))", True),
        ("(epochs - epoch) // epochs", True),
        ("int((epochs - epoch) / epochs)", True),
        ("1 - epoch / epochs", False),
        ("0.1 ** (epoch // epochs)", True),
        ("0.1 ** (max(0, epoch - warmup_epochs) // (epochs - warmup_epochs))", True),
        ("0.1 ** (epoch // decay_every)", False),
        ("0.1 ** (epoch // lr_epochs)", False),
        ("0.1 ** (epoch // (epochs // 3))", False),
        ("1 - 0.3 * (epoch // (epochs / 4))", False),
        ("1 - int(epoch / 2) / epochs", False),
    ],
)
def test_a_share_of_the_run_is_not_to_be_cut(factor, reported):
    assert found(FUNCTION.format(factor=factor)) == (["LR208"] if reported else [])


def test_the_code_is_as_before_after_the_experiment():
    source = FUNCTION.format(factor="1 - epoch // epochs")
    assert found(source) == found(source) == ["LR208"]


HEAD = """
import math

from torch.optim.lr_scheduler import LambdaLR, LRScheduler

"""
FORMS = {
    "a lambda's warmup": """
def build(optimizer, args):
    decay = args.total_steps - args.warmup_steps
    return LambdaLR(
        optimizer,
        lambda k: k // args.warmup_steps if k < args.warmup_steps else max(0.0, (args.total_steps - k) / decay),
    )
""",
    "the second group alone": """
def build(optimizer, total_steps):
    smooth = lambda k: 1 - min(k, total_steps) / total_steps
    return LambdaLR(optimizer, [smooth, lambda k: 1 - min(k, total_steps) // total_steps])
""",
    "one factor of two": """
class Envelope(LRScheduler):
    def __init__(self, optimizer, total, last_epoch=-1):
        self.total = total
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        k = min(self.last_epoch, self.total)
        envelope = 1 - (k // self.total)
        return [base * envelope * 0.5 * (1 + math.cos(math.pi * k / self.total)) for base in self.base_lrs]
""",
    "a helper": """
def done(step, total):
    return math.floor(min(step, total) / total)


def build(optimizer, total_steps):
    return LambdaLR(optimizer, lambda k: (1 - done(k, total_steps)) ** 2)
""",
    "an augmented assignment": """
def adjust(optimizer, step, base_lr, max_steps):
    share = min(step, max_steps)
    share //= max_steps
    for group in optimizer.param_groups:
        group["lr"] = base_lr * (1 - share)
""",
    "a wrapper's decay": """
class Decay:
    def __init__(self, optimizer, base_lr, n_warm, n_total):
        self.optimizer, self.base_lr, self.n_warm, self.n_total = optimizer, base_lr, n_warm, n_total
        self.n = 0

    def step(self):
        self.n += 1
        if self.n < self.n_warm:
            rate = self.base_lr * self.n / self.n_warm
        else:
            rate = self.base_lr * max(0.0, 1 - int((self.n - self.n_warm) / (self.n_total - self.n_warm)))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
""",
}
STAIRS = {
    "the stairs have a name": """
def adjust(optimizer, epoch, args):
    drops = epoch // args.lr_step
    decay = args.gamma ** drops
    for group in optimizer.param_groups:
        group["lr"] = args.lr * decay
""",
    "an inverse": """
def build(optimizer, decay_every):
    return LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch // decay_every))
""",
    "one drop in a short loop": """
def train(model, loader, optimizer, args):
    for epoch in range(args.epochs):
        rate = args.lr * (0.2 if epoch // args.decay_every else 1)
        for group in optimizer.param_groups:
            group["lr"] = rate
""",
    "the place in a cycle": """
def rate_at(step, base_lr, period):
    place = step - (step // period) * period
    return base_lr * 0.5 * (1 + math.cos(math.pi * place / period))
""",
    "stairs longer than any simulation": """
def adjust(optimizer, it, lr):
    drops = it // 150000
    for group in optimizer.param_groups:
        group["lr"] = lr * 0.5**drops
""",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_and_group_is_asked(form):
    assert found(HEAD + FORMS[form]) == ["LR208"]


@pytest.mark.parametrize("form", STAIRS)
def test_stairs_are_left_alone(form):
    assert found(HEAD + STAIRS[form]) == []
