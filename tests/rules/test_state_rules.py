"""LR308, LR311, LR312 and LR314: what a checkpoint forgets, the order of a resume, compositions, the metric's way."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.config import Settings
from lrfix.discovery import Target
from lrfix.engine import check_paths

SCRIPT = """
    import os
    import torch
    from torch.optim.lr_scheduler import (
        CosineAnnealingLR, LambdaLR, LinearLR, ReduceLROnPlateau, SequentialLR, StepLR
    )

    def main(args, model, loader, saver):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        {first}
        start = 0
        if args.resume:
            if os.path.isfile(args.resume):
                checkpoint = torch.load(args.resume)
                optimizer.load_state_dict(checkpoint["optimizer"])
                start = checkpoint["epoch"]
                {load}
        {then}
        for epoch in range(start, args.epochs):
            for x, y in loader:
                model(x, y).backward()
                optimizer.step()
            scheduler.step({given})
            state = {{"optimizer": optimizer.state_dict(), "epoch": epoch}}
            {save}
            torch.save(state, "last.pt")
    """
STEP_LR = "scheduler = StepLR(optimizer, 30)"
LOADED = 'scheduler.load_state_dict(checkpoint["scheduler"])'
SAVED = 'state["scheduler"] = scheduler.state_dict()'


def script(first=STEP_LR, load="pass", then="pass", given="", save="pass"):
    return SCRIPT.format(first=first, load=load, then=then, given=given, save=save)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, True),
        ({"load": LOADED, "save": SAVED}, False),
        ({"load": LOADED}, True),
        ({"save": SAVED}, True),
        # It is told, or taken to, where the run stands.
        ({"given": "epoch"}, False),
        ({"then": "for _ in range(start): scheduler.step()"}, False),
        ({"then": "scheduler.last_epoch = start - 1"}, False),
        ({"then": "if args.resume != 'None': scheduler.last_epoch = start - 1; scheduler.step()"}, False),
        ({"first": "scheduler = StepLR(optimizer, 30, last_epoch=args.start - 1)"}, False),
        # Somebody else may save it.
        ({"first": STEP_LR + "; saver.scheduler = scheduler"}, False),
        ({"save": "save_checkpoint(state, scheduler)"}, False),
        ({"first": "scheduler = StepLR(optimizer, 30); attach(scheduler)"}, False),
    ],
)
def test_the_schedule_goes_into_the_checkpoint_with_the_optimizer(parts, expected, codes):
    assert ("LR308" in codes(script(**parts))) is expected


WRITTEN = 'for group in optimizer.param_groups: group["lr"] = {}'


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        # The rate that the checkpoint brought is replaced by the first one: the schedule begins again on purpose.
        ({"then": WRITTEN.format("args.lr")}, False),
        ({"load": WRITTEN.format("0.01")}, False),
        # Only when asked for; a rate out of the checkpoint; a rate that follows from the epoch.
        ({"then": "if args.fresh:\n            " + WRITTEN.format("args.lr")}, True),
        ({"load": WRITTEN.format('checkpoint["lr"]')}, True),
        ({"then": WRITTEN.format("0.1 * 0.5 ** start")}, True),
        ({}, True),
    ],
)
def test_a_rate_that_is_set_after_loading_starts_the_schedule_over(parts, expected, codes):
    assert ("LR308" in codes(script(**parts))) is expected


def test_a_state_that_the_run_has_just_given_is_no_earlier_one(codes):
    source = """
    import copy
    import torch

    def main(model, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 30)
        for x in loader:
            optimizer.step()
            scheduler.step()
            optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    """
    assert "LR308" not in codes(source)


def test_a_restore_that_nobody_is_seen_to_call_may_be_called(codes):
    restore = """
    def restore(policy, checkpoint):
        policy.load_state_dict(checkpoint["policy"])
    """
    source = script(save='state["policy"] = scheduler.state_dict()').replace("scheduler.", "policy.")
    source = source.replace("scheduler = StepLR", "policy = StepLR")
    assert "LR308" in codes(source)
    assert "LR308" not in codes(source + restore)


def test_a_run_that_restores_nothing_forgets_nothing(codes):
    source = script().replace('optimizer.load_state_dict(checkpoint["optimizer"])', "pass")
    assert "LR308" not in codes(source)


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        ("LinearLR(optimizer, 0.1)", True),
        ("SequentialLR(optimizer, [LinearLR(optimizer, 0.1), StepLR(optimizer, 9)], [5])", True),
        ("LambdaLR(optimizer, lambda k: 0.9 ** k)", True),
        ("StepLR(optimizer, 30)", False),
        ("CosineAnnealingLR(optimizer, args.epochs)", False),
    ],
)
def test_the_scheduler_is_built_before_the_optimizer_is_restored(scheduler, expected, codes):
    late = f"scheduler = {scheduler}\n        if args.resume: {LOADED}"
    assert ("LR311" in codes(script(first="pass", then=late, save=SAVED))) is expected
    early = script(first=f"scheduler = {scheduler}", load=LOADED, save=SAVED)
    assert "LR311" not in codes(early)


@pytest.mark.parametrize(
    ("parts", "milestones", "expected"),
    [
        ("LinearLR(optimizer, 0.1), StepLR(optimizer, 9)", "[5]", False),
        ("LinearLR(optimizer, 0.1), StepLR(optimizer, 9), StepLR(optimizer, 9)", "[5, 30]", False),
        ("LinearLR(optimizer, 0.1), StepLR(optimizer, 9), StepLR(optimizer, 9)", "[30, 5]", True),
        ("LinearLR(optimizer, 0.1), StepLR(optimizer, 9)", "[5, 10]", True),
        ("LinearLR(optimizer, 0.1), ReduceLROnPlateau(optimizer)", "[5]", True),
        ("StepLR(optimizer, 9), LinearLR(optimizer, 0.1, total_iters=5)", "[5]", True),
        ("LinearLR(optimizer, 0.1), build(optimizer)", "[5]", False),
        ("LinearLR(optimizer, 0.1), StepLR(optimizer, 9)", "args.milestones", False),
    ],
)
def test_the_parts_of_a_sequence_fit(parts, milestones, expected, codes):
    source = script(first=f"scheduler = SequentialLR(optimizer, [{parts}], {milestones})")
    assert ("LR312" in codes(source)) is expected


@pytest.mark.parametrize(
    ("mode", "given", "expected"),
    [
        ("", "val_loss", False),
        ("", "val_acc", True),
        ("", "1 - val_acc", False),
        ("", "-val_acc", False),
        ("", 'metrics["accuracy"]', True),
        ("", "score", False),
        ("", "mIoU", True),
        ("", "val_f1", True),
        ("", "f1", False),
        ('"max"', "val_acc", False),
        ('"max"', "val_loss", True),
        ('"max"', "dice_loss", True),
        ("args.mode", "val_acc", False),
    ],
)
def test_a_plateau_watches_the_way_that_its_metric_goes(mode, given, expected, codes):
    comma = ", " if mode else ""
    source = script(first=f"scheduler = ReduceLROnPlateau(optimizer{comma}{mode})", given=given)
    assert ("LR314" in codes(source)) is expected


PHASES = """
    import torch
    from torch.optim.lr_scheduler import StepLR

    def made(args, model):
        {made}

    def epoch(model, loader, optimizer, scheduler):
        for x in loader:
            model(x).backward()
            optimizer.step()
            scheduler.step()

    def main(args, model, loader):
        optimizer = made(args, model)
        warmup_scheduler = StepLR(optimizer, 10)
        epoch(model, loader, optimizer, warmup_scheduler)
        optimizer = made(args, model)
        scheduler = StepLR(optimizer, 30)
        if args.resume:
            checkpoint = torch.load(args.resume)
            optimizer.load_state_dict(checkpoint["optimizer"])
            {load}
        for _ in range(args.epochs):
            epoch(model, loader, optimizer, scheduler)
            torch.save({{"optimizer": optimizer.state_dict(), {save}}}, "last.pt")
    """


@pytest.mark.parametrize("made", ["return torch.optim.SGD(model.parameters(), args.lr)", "return args.make(model)"])
@pytest.mark.parametrize(
    ("save", "load", "expected"), [('"scheduler": scheduler.state_dict()', LOADED, False), ("", "pass", True)]
)
def test_the_schedule_of_an_optimizer_that_is_done_with_goes_into_no_checkpoint(made, save, load, expected, codes):
    assert ("LR308" in codes(PHASES.format(made=made, save=save, load=load))) is expected


BRANCHES = """
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR, StepLR

    def main(args, model, loader):
        optimizer = torch.optim.SGD(model.parameters(), args.lr)
        {built}
        start = 0
        if args.resume and not args.only_model:
            checkpoint = torch.load(args.resume)
            optimizer.load_state_dict(checkpoint["optimizer"])
            {restored}
            start = checkpoint["epoch"]
        for epoch in range(start, args.epochs):
            for x in loader:
                model(x).backward()
                optimizer.step()
            scheduler.step()
            torch.save({{"optimizer": optimizer.state_dict(), "epoch": epoch + 1{kept}}}, "last.pt")
    """
ONE_NAME = """
        if args.schedule == "cosine":
            scheduler = CosineAnnealingLR(optimizer, args.epochs)
        elif args.schedule == "step":
            scheduler = StepLR(optimizer, 30)
        else:
            raise NotImplementedError
    """
TWO_NAMES = """
        if args.cosine:
            main_scheduler = CosineAnnealingLR(optimizer, args.epochs)
        else:
            main_scheduler = StepLR(optimizer, 30)
        if args.warmup > 0:
            warmup = LinearLR(optimizer, 0.1, total_iters=args.warmup)
            scheduler = SequentialLR(optimizer, [warmup, main_scheduler], milestones=[args.warmup])
        else:
            scheduler = main_scheduler
    """
KEPT = ', "scheduler": scheduler.state_dict()'
REPLAYED = "for _ in range(checkpoint['epoch']):\n                scheduler.step()"


@pytest.mark.parametrize(
    ("built", "restored", "kept", "expected"),
    [
        (ONE_NAME, LOADED, KEPT, False),
        (ONE_NAME, "pass", KEPT, True),
        (TWO_NAMES, LOADED, KEPT, False),
        (TWO_NAMES, REPLAYED, "", False),
        (TWO_NAMES, "pass", "", True),
        (TWO_NAMES, "pass", KEPT, True),
    ],
)
def test_what_is_done_to_a_name_is_done_to_whatever_a_branch_binds_it_to(built, restored, kept, expected, codes):
    assert ("LR308" in codes(BRANCHES.format(built=built.strip(), restored=restored, kept=kept))) is expected


KEPT_ELSEWHERE = """
    import torch

    def save(path, optimizers, schedulers):
        if path.local:
            return
        for i in range(len(optimizers)):
            torch.save({{"optimizer": optimizers[i].state_dict(){kept}}}, path)
    """
HANDED = """
    import torch
    from torch.optim.lr_scheduler import StepLR
    from keeping import save

    def main(args, model, loader):
        optimizer = torch.optim.SGD(model.parameters(), args.lr)
        scheduler = StepLR(optimizer, 30)
        if args.resume:
            checkpoint = torch.load(args.resume)
            optimizer.load_state_dict(checkpoint["optimizer"])
            scheduler.load_state_dict(checkpoint["scheduler"])
        for epoch in range(args.epochs):
            for x in loader:
                model(x).backward()
                optimizer.step()
            scheduler.step()
            torch.save(optimizer.state_dict(), "optimizer.pt")
        if args.keep:
            save(args, [optimizer], scheduler)
    """


@pytest.mark.parametrize(("kept", "expected"), [(", 'scheduler': schedulers[i].state_dict()", False), ("", True)])
def test_a_function_of_another_file_that_is_handed_the_scheduler_may_save_it(kept, expected, tmp_path):
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "keeping.py").write_text(textwrap.dedent(KEPT_ELSEWHERE.format(kept=kept)))
    (tmp_path / "main.py").write_text(textwrap.dedent(HANDED))
    targets = [Target(str(tmp_path / name)) for name in ("main.py", "keeping.py")]
    results = check_paths(targets, Settings(selected=frozenset({"LR308"})), jobs=1)
    assert bool([f for result in results for f in result.findings]) is expected


GROWN = """
    from torch.optim.lr_scheduler import LinearLR, SequentialLR

    def main(args, optimizer, loader, factors):
        ends = [args.steps * phase for phase in {phases}]
        parts = [LinearLR(optimizer, 0.1, total_iters=args.warmup)]
        for i in range(len(ends)):
            parts.append(LinearLR(optimizer, factors[i], factors[i + 1], args.steps))
        scheduler = SequentialLR(optimizer, parts, milestones=ends)
        for x in loader:
            optimizer.step()
            scheduler.step()
    """


@pytest.mark.parametrize("phases", ["[30]", "[30, 60]", "[30, 60, 90]", "[30, 60, 90, 120, 150, 180, 210, 240]"])
def test_parts_that_a_loop_collects_are_as_many_as_its_turns(phases, codes):
    assert "LR312" not in codes(GROWN.format(phases=phases))
