"""What is said of resumed runs where no run can be resumed: the checkpoint lacks what the program asks it for."""

from __future__ import annotations

import textwrap

import pytest
from asking import reported

SETTER = """
    import torch

    state = {{"lr": 0.1}}

    def decay(optimizer, epoch):
        if epoch in (30, 60):
            state["lr"] *= 0.1
            for group in optimizer.param_groups:
                group["lr"] = state["lr"]

    {helper}

    def main(model, optimizer, loader, args):
        start_epoch = 0
        if args.resume:
            checkpoint = torch.load(args.resume)
            start_epoch = checkpoint["epoch"]
            {load}
        for epoch in range(start_epoch, 90):
            decay(optimizer, epoch)
            for batch in loader:
                model(batch).backward()
                optimizer.step()
            {save}
"""
LOADS = 'optimizer.load_state_dict(checkpoint["optimizer"])'
GUARDED = 'if "optimizer" in checkpoint: ' + LOADS
SAVES = 'torch.save({"epoch": epoch, "optim": optimizer.state_dict()}, args.path)'
GOOD = 'torch.save({"epoch": epoch, "optimizer": optimizer.state_dict()}, args.path)'
HELPER = "def save_checkpoint(state, path):\n        torch.save(state, path)"
HELPED = 'save_checkpoint({"epoch": epoch, "optim": optimizer.state_dict()}, args.path)'
NAMED = 'kept = {"epoch": epoch, "optim": optimizer.state_dict()}; torch.save(kept, args.path)'
ADDED = 'kept = {"epoch": epoch, "net": net.state_dict()}; kept["optimizer"] = optimizer.state_dict(); torch.save(kept)'


def messages(load: str, save: str, helper: str = "pass") -> list[str]:
    source = textwrap.dedent(SETTER.format(load=load, save=save, helper=helper))
    return [finding.message for finding in reported("LR109", source)]


@pytest.mark.parametrize(("save", "helper"), [(SAVES, "pass"), (HELPED, HELPER), (NAMED, "pass")])
def test_a_resume_that_asks_for_what_is_never_saved_is_told_and_no_resumed_run(save, helper):
    (message,) = messages(LOADS, save, helper)
    assert message == (
        "A run that is resumed from a checkpoint of this file's own ends here with a KeyError: "
        "`checkpoint['optimizer']` is read, and what is saved holds `epoch`, `optim`."
    )


@pytest.mark.parametrize(
    ("load", "save"),
    [
        (LOADS, GOOD),
        (GUARDED, SAVES),  # what is not there is not restored
        (LOADS, ADDED),
        (LOADS, "torch.save(make_state(epoch, optimizer), args.path)"),  # it may hold anything
        (LOADS, "pass"),  # another program makes the checkpoints
    ],
)
def test_a_resume_that_may_find_what_it_asks_for(load, save):
    (message,) = messages(load, save)
    assert message.startswith("`state['lr']` starts anew in every process")


SCHEDULER = """
    import torch

    def main(model, loader, args):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        {before}
        start_epoch = 0
        if args.resume:
            checkpoint = torch.load(args.resume)
            start_epoch = checkpoint["epoch"]
            optimizer.load_state_dict(checkpoint["{key}"])
            {restored}
        {behind}
        for epoch in range(start_epoch, args.epochs):
            for images, labels in loader:
                optimizer.zero_grad()
                model(images, labels).backward()
                optimizer.step()
            scheduler.step()
            torch.save({{"epoch": epoch + 1, "optimizer": optimizer.state_dict(){saved}}}, args.path)
"""
COSINE = "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)"
LINEAR = "scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=30)"
LATE = 'if args.resume:\n            scheduler.load_state_dict(checkpoint["scheduler"])'


@pytest.mark.parametrize(("key", "found"), [("optimizer", 1), ("optim", 0)])
def test_a_scheduler_without_its_state_in_a_run_that_is_never_resumed(key, found):
    source = SCHEDULER.format(before=COSINE, key=key, restored="pass", behind="pass", saved="")
    assert len(reported("LR308", textwrap.dedent(source))) == found


def test_what_a_scheduler_is_to_be_restored_from_is_told_all_the_same():
    restored = 'scheduler.load_state_dict(checkpoint["scheduler"])'
    source = SCHEDULER.format(before=COSINE, key="optimizer", restored=restored, behind="pass", saved="")
    (finding,) = reported("LR308", textwrap.dedent(source))
    assert "is restored and never saved" in finding.message


@pytest.mark.parametrize(("key", "found"), [("optimizer", 1), ("optim", 0)])
def test_an_order_of_restoring_that_no_run_comes_to(key, found):
    saved = ', "scheduler": scheduler.state_dict()'
    source = SCHEDULER.format(before="pass", key=key, restored="pass", behind=LINEAR + "\n        " + LATE, saved=saved)
    assert len(reported("LR311", textwrap.dedent(source))) == found
