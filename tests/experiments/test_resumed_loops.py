"""LR308 where no state of the optimizer is kept: a loop that goes on from its checkpoint's epoch, and the scheduler."""

from __future__ import annotations

import pytest
from asking import reported

SCRIPT = """
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, ReduceLROnPlateau

def main(args, model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    start = 0
    if args.resume:
        checkpoint = torch.load(args.resume)
        model.load_state_dict(checkpoint["model"])
        start = {restored}
    scheduler = {built}
    for epoch in {turns}:
        for images, labels in loader:
            model(images, labels).backward()
            optimizer.step()
        {when}scheduler.step({told})
        torch.save({{"model": model.state_dict(), {saved}}}, args.path)
"""
SOUND = {
    "restored": 'checkpoint["epoch"]',
    "built": "CosineAnnealingLR(optimizer, args.epochs)",
    "turns": "range(start, args.epochs)",
    "told": "",
    "when": "",
    "saved": '"epoch": epoch',
}


def messages(**changed: str) -> list[str]:
    return [finding.message for finding in reported("LR308", SCRIPT.format(**{**SOUND, **changed}))]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"restored": 'checkpoint.get("epoch", 0) + 1'},
        {"turns": "range(start + 1, args.epochs)"},
        {"turns": "tqdm(range(start, args.epochs))"},
    ],
)
def test_a_loop_that_goes_on_where_its_checkpoint_ended_has_a_schedule_that_begins_again(changed):
    (message,) = messages(**changed)
    assert "goes on at `start` of its checkpoint (line 11)" in message and "`scheduler` begins" in message


@pytest.mark.parametrize(
    "changed",
    [
        {"turns": "range(start, start + args.epochs)"},
        {"turns": "range(args.epochs)"},
        {"restored": "args.start"},
        {"saved": '"accuracy": 1.0'},
        {"built": "CosineAnnealingLR(optimizer, args.epochs - start)"},
        {"built": "CosineAnnealingLR(optimizer, args.epochs, last_epoch=start - 1)"},
        {"built": "LambdaLR(optimizer, lambda epoch: 0.9 ** (epoch + start))"},
        {"built": "ReduceLROnPlateau(optimizer)", "told": "args.loss"},
        {"told": "epoch"},
        {"when": "if epoch < args.warmup: "},
        {"saved": '"epoch": epoch, "scheduler": scheduler.state_dict()', "restored": 'checkpoint["epoch"]'},
    ],
)
def test_a_schedule_that_is_told_where_it_is_or_that_may_begin_anew_is_left_alone(changed):
    assert not any("goes on" in message for message in messages(**changed))
