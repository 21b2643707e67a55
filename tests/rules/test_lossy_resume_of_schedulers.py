"""LR109: a scheduler built after the optimizer's state was restored."""

from __future__ import annotations

import textwrap

import pytest

TRAIN = """
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, ReduceLROnPlateau, StepLR
    {before}
    def train(model, optimizer, loader, path, epochs):
        start_epoch = 0
        {early}
        if path:
            checkpoint = torch.load(path)
            optimizer.load_state_dict(checkpoint["optimizer"])
            start_epoch = checkpoint["epoch"] + 1
        {late}
        for epoch in range(start_epoch, epochs):
            for batch in loader:
                model(batch).backward()
                optimizer.step()
            {step}
"""


def script(late: str = "", early: str = "", step: str = "scheduler.step()", before: str = "") -> str:
    return textwrap.dedent(TRAIN).format(late=late, early=early, step=step, before=before)


@pytest.fixture
def lines(check):
    return lambda **parts: [f.span.start.line for f in check(script(**parts)) if f.code == "LR109"]


@pytest.mark.parametrize(
    "built",
    ["StepLR(optimizer, 30)", "CosineAnnealingLR(optimizer, epochs)", "LambdaLR(optimizer, lambda e: 0.9 ** e)"],
)
def test_a_schedule_that_begins_again_in_every_resumed_run(lines, built):
    assert lines(late=f"scheduler = {built}") == [12]


def test_the_first_rate_is_written_over_the_restored_one_though_the_count_is_moved(lines):
    late = "scheduler = {}; scheduler.last_epoch = start_epoch - 1"
    assert lines(late=late.format("LambdaLR(optimizer, lambda e: 0.9 ** e)")) == [12]
    assert lines(late=late.format("StepLR(optimizer, 30)")) == []
    assert (
        lines(late=late.format("LambdaLR(optimizer, lambda e: 0.9 ** e)"), step="    scheduler.step()\n        pass")
        == []
    )


@pytest.mark.parametrize(
    "late",
    [
        "scheduler = StepLR(optimizer, 30); scheduler.load_state_dict(checkpoint['scheduler'])",
        "scheduler = StepLR(optimizer, 30, last_epoch=start_epoch - 1)",
        "scheduler = CosineAnnealingLR(optimizer, epochs - start_epoch)",
        "scheduler = ReduceLROnPlateau(optimizer)",
        "scheduler = StepLR(optimizer, 30); catch_up(scheduler, start_epoch)",
        "scheduler = StepLR(optimizer, 30)\n    for _ in range(start_epoch): scheduler.step()",
    ],
)
def test_a_count_that_is_restored_in_any_way(lines, late):
    assert lines(late=late) == []


def test_a_scheduler_built_before_its_optimizer_is_loaded_is_another_matter(lines):
    assert lines(early="scheduler = StepLR(optimizer, 30)") == []


def test_a_step_with_the_epoch_needs_no_count(lines):
    assert lines(late="scheduler = StepLR(optimizer, 30)", step="scheduler.step(epoch)") == []


def test_weights_alone_are_no_resumed_run(check):
    source = script(late="scheduler = StepLR(optimizer, 30)").replace(
        'start_epoch = checkpoint["epoch"] + 1', "print(path)"
    )
    assert [f.code for f in check(source) if f.code == "LR109"] == []


def test_one_cause_is_told_once(codes):
    source = """
    import torch

    def main(args, model, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        first = 0
        if args.resume:
            checkpoint = torch.load(args.resume)
            first = checkpoint["epoch"] + 1
            optimizer.load_state_dict(checkpoint["optimizer"])
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
        for epoch in range(first, args.epochs):
            for batch in loader:
                model(batch).backward()
                optimizer.step()
            scheduler.step()
            torch.save({"epoch": epoch, "optimizer": optimizer.state_dict()}, args.path)
    """
    assert codes(source) == ["LR109"]
    # Built before, its state is lost all the same; only the trace tells.
    scheduler = "        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)\n"
    early = source.replace(scheduler, "").replace("        first = 0\n", f"{scheduler}        first = 0\n")
    assert codes(early) == ["LR308"]
    # A loop that only steps it brings it to where training goes on, though a new run does not turn it.
    training = "        for epoch in range(first"
    caught_up = "        for _ in range(0, first):\n            scheduler.step()\n"
    assert "LR308" not in codes(early.replace(training, caught_up + training))


def test_what_training_goes_on_at_comes_from_the_checkpoint(check):
    late = "scheduler = LambdaLR(optimizer, lambda e: 0.9 ** e)"
    (found,) = [f for f in check(script(late=late, early='steps = config["train"]["steps"]')) if f.code == "LR109"]
    assert "training goes on at `start_epoch`" in found.message
