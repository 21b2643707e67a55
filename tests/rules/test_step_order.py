"""LR301: how much a step that comes early matters."""

from __future__ import annotations

import pytest

EACH_EPOCH = """
import argparse
import torch
from torch.optim.lr_scheduler import *

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default={epochs})
args = parser.parse_args()


def main(model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = {scheduler}
    for epoch in range(args.epochs):
        {early}
        for x, y in loader:
            {first}
            optimizer.zero_grad()
            model(x, y).backward()
            optimizer.step()
"""


def script(scheduler, epochs=90, batch=False):
    early, first = ("pass", "scheduler.step()") if batch else ("scheduler.step()", "pass")
    return EACH_EPOCH.format(scheduler=scheduler, epochs=epochs, early=early, first=first)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (script("StepLR(optimizer, 30)"), False),
        (script("StepLR(optimizer, 30)", epochs=5000), False),  # the drop comes at 29 of 30 epochs
        (script("ExponentialLR(optimizer, 0.95)"), False),
        (script("CosineAnnealingLR(optimizer, args.epochs)"), False),
        (script("CosineAnnealingLR(optimizer, args.epochs)", epochs=5000), True),
        (script("ExponentialLR(optimizer, 0.9995)", epochs=5000), True),
        (script("StepLR(optimizer, 100000)", batch=True), True),
        (script("StepLR(optimizer, 20)", batch=True), False),
        (script("LambdaLR(optimizer, lambda step: 0.9999**step)", batch=True), True),
    ],
)
def test_one_step_of_thousands_is_advice(text, advice, asked):
    (found,) = asked("LR301", text)
    assert found.advice is advice
