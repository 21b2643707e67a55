"""LR402 names a class of torch's own where that is the schedule exactly, and leaves the rest to LR401."""

from __future__ import annotations

import pytest

TRAINING = """
import math

import torch
from torch.optim.lr_scheduler import LambdaLR


def train(model, loader, epochs: int, every: int):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = LambdaLR(optimizer, FUNCTION)
    for epoch in range(epochs):
        for batch in loader:
            model(batch).backward()
            optimizer.step()
            optimizer.zero_grad()
        scheduler.step()
"""
STAIRS = "lambda epoch: 0.1 ** (epoch // 30)"


def _advice(findings, text: str) -> list[tuple[str, str]]:
    return [(f.code, f.message) for f in findings(text) if f.code in ("LR401", "LR402")]


@pytest.mark.parametrize(
    ("function", "call"),
    [
        ("lambda epoch: 0.95**epoch", "ExponentialLR(optimizer, gamma=0.95)"),
        (STAIRS, "StepLR(optimizer, step_size=30)"),
        ("lambda epoch: 0.1 ** (epoch // every)", "StepLR(optimizer, step_size=every)"),
        ("lambda epoch: max(0.0, 1 - epoch / epochs)", "LinearLR(optimizer, start_factor=1.0, end_factor=0.0, "),
        ("lambda epoch: 0.5 * (1 + math.cos(math.pi * epoch / epochs))", "CosineAnnealingLR(optimizer, T_max=epochs)"),
    ],
    ids=["exponential", "step", "step of an argument", "linear", "cosine"],
)
def test_the_class_is_named_with_its_arguments(findings, function, call):
    ((code, message),) = _advice(findings, TRAINING.replace("FUNCTION", function))
    assert code == "LR402"
    assert f"`{call}" in message and "step for step" in message and "`lrfix rewrite --prefer torch`" in message


def test_a_class_of_the_users_own_is_one_too(findings):
    text = TRAINING.replace("FUNCTION)", "20)").replace("LambdaLR(", "Halved(").replace("LambdaLR", "LRScheduler")
    text += """

class Halved(LRScheduler):
    def __init__(self, optimizer, every: int, last_epoch=-1):
        self.every = every
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * 0.5 ** (self.last_epoch // self.every) for base in self.base_lrs]
"""
    ((code, message),) = _advice(findings, text)
    assert code == "LR402" and "`StepLR(optimizer, step_size=every, gamma=0.5)`" in message


@pytest.mark.parametrize(
    "function",
    [
        "lambda epoch: (epoch + 1) / 5 if epoch < 5 else 0.95 ** (epoch - 5)",
        "lambda epoch: 0.5 * (1 + math.cos(math.pi * min(1.0, epoch / epochs)))",
    ],
    ids=["a warmup before a decay", "a cosine that stays at its floor"],
)
def test_what_torch_has_no_class_for_is_left_to_the_bundled_ones(findings, function):
    ((code, message),) = _advice(findings, TRAINING.replace("FUNCTION", function))
    assert code == "LR401" and "torch's own" not in message


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("every: int", "every").replace("30)", "every)"),
        lambda text: text.replace("def train(model, ", "def train(model, optimizer, ").replace(
            "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n", ""
        ),
        lambda text: text.replace("// 30))", "// 30), last_epoch=every)"),
        lambda text: text + "    scheduler.load_state_dict(torch.load('last.pt')['scheduler'])\n",
    ],
    ids=["a length of fractions", "an optimizer out of sight", "begun in the middle", "restored without rates"],
)
def test_where_torchs_class_might_be_another_schedule_it_is_not_named(findings, change):
    assert [code for code, _ in _advice(findings, change(TRAINING.replace("FUNCTION", STAIRS)))] in ([], ["LR401"])
