"""LR302 of schedules that are asked once an epoch, with a warmup that the code states in steps."""

from __future__ import annotations

import textwrap

import pytest
from asking import asked

HEAD = """
    import argparse
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default={epochs})
    parser.add_argument("--warmup_steps", type=int, default={warmup})
    parser.add_argument("--width", type=int, default=512)
    args = parser.parse_args()

    def one_epoch(model, loader, optimizer):
        for batch in loader:
            optimizer.zero_grad()
            model(batch).backward()
            optimizer.step()
"""

SETTER = """
    def set_rate(optimizer, n):
        n += 1
        rate = args.width ** -0.5 * min(n ** -0.5, n * args.warmup_steps ** -1.5)
        for group in optimizer.param_groups:
            group["lr"] = rate

    def train(model, loader, optimizer):
        for epoch in range(args.epochs):
            set_rate(optimizer, epoch)
            one_epoch(model, loader, optimizer)
"""

CLOSURE = """
    def train(model, loader, optimizer, opt):
        def set_rate(n):
            n += 1
            rate = opt.width ** -0.5 * min(n ** -0.5, n * opt.warmup_steps ** -1.5)
            for group in optimizer.param_groups:
                group["lr"] = rate

        for epoch in range(opt.epochs):
            set_rate(epoch)
            one_epoch(model, loader, optimizer)
"""

FACTOR = """
    import torch

    def train(model, loader):
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: min(1.0, (n + 1) / args.warmup_steps))
        for epoch in range(args.epochs):
            one_epoch(model, loader, optimizer)
            scheduler.step()
"""


def told(body: str, epochs: int, warmup: int) -> list[str]:
    source = textwrap.dedent(HEAD.format(epochs=epochs, warmup=warmup)) + textwrap.dedent(body)
    return [violation.message for violation in asked("LR302", source)]


@pytest.mark.parametrize("body", [SETTER, CLOSURE], ids=["setter", "closure"])
def test_a_warmup_of_thousands_of_steps_asked_once_an_epoch_outlasts_the_training(body):
    (message,) = told(body, epochs=10, warmup=4000)
    assert "warmup_steps` = 4000" in message and "10 epochs" in message and "0.2%" in message


@pytest.mark.parametrize("body", [SETTER, CLOSURE, FACTOR], ids=["setter", "closure", "factor"])
@pytest.mark.parametrize(("epochs", "warmup"), [(100, 10), (100, 150)])
def test_a_warmup_that_training_gets_through_or_nearly_is_a_choice(body, epochs, warmup):
    assert told(body, epochs, warmup) == []


def test_a_setter_asked_with_every_batch_is_meant_so():
    body = SETTER.replace("set_rate(optimizer, epoch)\n", "pass\n").replace(
        "one_epoch(model, loader, optimizer)\n",
        "for batch in loader:\n                set_rate(optimizer, epoch)\n                optimizer.step()\n",
    )
    assert told(body, epochs=10, warmup=4000) == []
