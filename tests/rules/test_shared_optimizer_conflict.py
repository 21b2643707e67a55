"""LR110: when two writers of one rate do and do not get in each other's way."""

from __future__ import annotations

import pytest

HEAD = """
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, OneCycleLR, SequentialLR, StepLR

def train(optimizer, other, loader, epochs, base_lr, total):
"""


def body(*lines: str) -> str:
    return HEAD + "".join(f"    {line}\n" for line in lines)


WARMUP = "warmup = LambdaLR(optimizer, lambda k: min(1.0, (k + 1) / 1000))"
DECAY = "decay = StepLR(optimizer, 30)"
PER_BATCH = ["for epoch in range(epochs):", "    for batch in loader:", "        optimizer.step()"]


@pytest.fixture
def check(asked):
    """What LR110 says of a source text."""
    return lambda source: asked("LR110", source)


def conflicts(found):
    return [violation for violation in found if not violation.advice]


@pytest.mark.parametrize(
    ("lines", "erased"),
    [
        ([WARMUP, DECAY, *PER_BATCH, "        warmup.step()", "    decay.step()"], "decay"),
        ([WARMUP, DECAY, *PER_BATCH, "        decay.step()", "        warmup.step()"], "decay"),
        (
            [
                WARMUP,
                "decay = OneCycleLR(optimizer, 0.1, 99)",
                *PER_BATCH,
                "        warmup.step()",
                "        decay.step()",
            ],
            "warmup",
        ),
        (
            [
                "cycle = OneCycleLR(optimizer, 0.1, 99)",
                DECAY,
                *PER_BATCH,
                "        cycle.step()",
                "    decay.step()",
            ],
            "decay",
        ),
    ],
)
def test_a_scheduler_that_starts_from_the_base_rate_erases_the_other(check, lines, erased):
    [finding] = conflicts(check(body(*lines)))
    assert f"`{erased}` has no lasting effect" in finding.message


def test_two_schedulers_of_torch_that_go_on_from_the_present_rate_combine(check):
    cosine = "cosine = CosineAnnealingLR(optimizer, 99)"
    lines = [cosine, DECAY, *PER_BATCH, "        cosine.step()", "    decay.step()"]
    assert conflicts(check(body(*lines))) == []


def test_lightning_steps_every_scheduler_that_it_is_given(check):
    source = """
    from torch.optim.lr_scheduler import LambdaLR, StepLR

    class Model:
        def configure_optimizers(self):
            optimizer = make(self.parameters())
            warmup = LambdaLR(optimizer, lambda k: min(1.0, (k + 1) / 1000))
            decay = StepLR(optimizer, 30)
            return [optimizer], [{"scheduler": warmup, "interval": "step"}, decay]
    """
    assert len(conflicts(check(source))) == 1


@pytest.mark.parametrize(
    "lines",
    [
        [WARMUP, DECAY, *PER_BATCH, "        if epoch < 5:", "            warmup.step()", "    decay.step()"],
        [WARMUP, DECAY, "both = SequentialLR(optimizer, [warmup, decay], [9])", *PER_BATCH, "        both.step()"],
        [WARMUP, "decay = StepLR(other, 30)", *PER_BATCH, "        warmup.step()", "    decay.step()"],
        [WARMUP, DECAY, *PER_BATCH, "        warmup.step()"],
        [WARMUP, DECAY, "for batch in loader:", "    warmup.step()", "for batch in loader:", "    decay.step()"],
        [
            WARMUP,
            DECAY,
            "for batch in loader:",
            "    if not batch:",
            "        continue",
            "    warmup.step()",
            "    decay.step()",
        ],
    ],
)
def test_a_hand_over_is_no_conflict(check, lines):
    assert conflicts(check(body(*lines))) == []


WRITE = ["    for group in optimizer.param_groups:", "        group['lr'] = base_lr * (1 - epoch / epochs)"]


def test_a_rate_written_in_every_turn_leaves_the_scheduler_without_effect(check):
    lines = ["decay = CosineAnnealingLR(optimizer, epochs)", "for epoch in range(epochs):", *WRITE, "    decay.step()"]
    [finding] = conflicts(check(body(*lines)))
    assert "`decay` (CosineAnnealingLR) has no effect" in finding.message


@pytest.mark.parametrize(
    "lines",
    [
        [DECAY, "for epoch in range(epochs):", "    if epoch < 5:", *(f"    {w}" for w in WRITE), "    decay.step()"],
        ["decay = StepLR(other, 30)", "for epoch in range(epochs):", *WRITE, "    decay.step()"],
        [DECAY, "for epoch in range(epochs):", *WRITE, "for epoch in range(epochs):", "    decay.step()"],
    ],
)
def test_a_rate_written_for_a_while_or_elsewhere_is_no_conflict(check, lines):
    assert conflicts(check(body(*lines))) == []


def test_torch_itself_forgets_the_decay():
    torch = pytest.importorskip("torch")
    from torch.optim.lr_scheduler import LambdaLR, StepLR

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    warmup, decay = LambdaLR(optimizer, lambda k: 1.0), StepLR(optimizer, 2)
    rates = []
    for _ in range(4):
        optimizer.step()
        decay.step()
        warmup.step()  # lrfix: ignore[LR110]
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [1.0] * 4


ONCE = """
from torch.optim.lr_scheduler import LambdaLR, StepLR

def train(model, loader, optimizer, epochs, pivot):
    schedule = {scheduler}
    for epoch in range(epochs):
        if {test}:
            {write}
        for batch in loader:
            model(batch).backward()
            optimizer.step()
            {inner}
        {outer}
"""
ZERO = 'optimizer.param_groups[1]["lr"] = 0.0'
#: Not in one word with its scheduler: `rewrite` looks at other files as text, and this is one, to the fixtures.
BASES = "base_lrs"
LAMBDA = "LambdaLR(optimizer, lambda step: 1.0 / (1 + step))"


def once(**parts: str) -> str:
    usual = {"scheduler": LAMBDA, "test": "epoch == pivot", "write": ZERO, "inner": "schedule.step()", "outer": "pass"}
    return ONCE.format(**{**usual, **parts})


@pytest.mark.parametrize(
    ("parts", "reported"),
    [
        ({}, True),
        ({"test": "epoch >= pivot"}, True),
        ({"write": 'for group in optimizer.param_groups: group["lr"] *= 0.1'}, True),
        ({"inner": "pass", "outer": "schedule.step()"}, True),
        # a hand-written warmup, made anew before every update
        ({"test": "epoch < pivot", "inner": "pass", "outer": "schedule.step()"}, False),
        ({"scheduler": "StepLR(optimizer, 30)"}, False),
        ({"write": ZERO.replace("optimizer", "other")}, False),
        ({"write": f"{ZERO}; schedule.{BASES}[1] = 0.0"}, False),
        ({"write": f"{ZERO}; break"}, False),
    ],
)
def test_a_rate_written_once_is_written_over(check, parts, reported):
    found = conflicts(check(once(**parts)))
    assert ["lasts until the next `schedule.step()`" in f.message for f in found] == ([True] if reported else [])


OWN = """
from torch.optim.lr_scheduler import LRScheduler, StepLR

class Ramp(LRScheduler):
    def __init__(self, optimizer, warmup_steps, last_epoch=-1):
        self.warmup_steps = max(1, warmup_steps)
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        share = min(1.0, (self.last_epoch + 1) / self.warmup_steps)
        return [{rate} for base, group in zip(self.base_lrs, self.optimizer.param_groups)]

def train(optimizer, loader, epochs):
    ramp = Ramp(optimizer, 1000)
    decay = StepLR(optimizer, 30)
    for epoch in range(epochs):
        for batch in loader:
            optimizer.step()
            ramp.step()
        decay.step()
"""


@pytest.mark.parametrize(("rate", "reported"), [("base * share", True), ('group["lr"]', False)])
def test_whether_a_class_of_the_project_starts_anew_is_tried_out(check, rate, reported):
    assert bool(conflicts(check(OWN.format(rate=rate)))) is reported


BY_HAND = """
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

def main(args, model, loader, rate):
    optimizer = torch.optim.AdamW({groups}, lr=1e-3)
    scheduler = CosineAnnealingLR(optimizer, args.epochs)
    for epoch in range(args.epochs):
        for batch in loader:
            model(batch).backward()
            optimizer.step()
        {write}
        scheduler.step()
"""
FIRST, EACH = 'optimizer.param_groups[0]["lr"] = ', 'for group in optimizer.param_groups: group["lr"] = '


@pytest.mark.parametrize(
    ("groups", "write", "found"),
    [
        ("model.parameters()", FIRST + "1e-4", True),
        ("model.parameters()", FIRST + "args.lr", True),
        ("model.parameters()", EACH + "args.lr", True),
        ("model.parameters()", FIRST + "rate", False),  # it may come from the schedule
        ("model.parameters()", 'if epoch < 5: optimizer.param_groups[0]["lr"] = args.lr', False),
        ("model.parameters()", 'optimizer.param_groups[0]["lr"] *= 0.5', False),
        ("[{'params': model.a}, {'params': model.b}]", FIRST + "args.lr", False),  # the other group keeps its schedule
        ("groups_of(model)", FIRST + "args.lr", False),
    ],
)
def test_one_rate_written_in_every_turn_leaves_a_schedule_without_effect(groups, write, found, check):
    assert bool(check(BY_HAND.format(groups=groups, write=write))) is found


@pytest.mark.parametrize(
    ("built", "guard", "expected"),
    [
        ("if epochs > 1:", "if warmup is not None:", 1),
        ("if epochs > 1:", "if epochs > 1:", 1),
        ("if True:", "if total > 1:", 1),
    ],
)
def test_two_schedulers_under_the_same_conditions_are_in_each_others_way(check, built, guard, expected):
    pair = [f"    {WARMUP}", f"    {DECAY}"]
    steps = [f"        {guard}", "            warmup.step()", "            decay.step()"]
    assert len(conflicts(check(body("warmup = None", built, *pair, *PER_BATCH, *steps)))) == expected


STEP = "            decay.step()"


@pytest.mark.parametrize(
    "lines",
    [
        ["if epochs > 1:", f"    {WARMUP}", "else:", f"    {DECAY}", *PER_BATCH, "        warmup.step()"],
        [WARMUP, DECAY, *PER_BATCH, "        if total:", "            warmup.step()", "        if not total:", STEP],
        [WARMUP, DECAY, *PER_BATCH, "        if total:", "            warmup.step()", "    decay.step()"],
    ],
)
def test_schedulers_that_take_turns_are_not(check, lines):
    assert conflicts(check(body(*lines))) == []


@pytest.mark.parametrize(("changed", "expected"), [("self.other = 1", 1), ("self.rate = 1", 0)])
def test_a_rate_that_only_the_constructor_sets_is_written_over_what_a_scheduler_has_set(check, changed, expected):
    source = f"""
from torch.optim.lr_scheduler import StepLR

class Trainer:
    def __init__(self, rate):
        self.rate = rate

    def other(self):
        {changed}

    def train(self, optimizer, loader):
        scheduler = StepLR(optimizer, 30)
        for batch in loader:
            optimizer.step()
            scheduler.step()
            for group in optimizer.param_groups:
                group["lr"] = self.rate
"""
    assert len(conflicts(check(source))) == expected
