"""LR109: a rate that is scaled in a variable of the program's own, which no checkpoint brings back."""

from __future__ import annotations

import textwrap

import pytest

SETTER = """
    import torch

    state = {start}
    {more}
    def decay(optimizer, epoch, milestones):
        if epoch in milestones:
            state["lr"] {change}
            for group in optimizer.param_groups:
                group["lr"] = state["lr"]

    def main(model, optimizer, loader, args):
        start_epoch = 0
        if args.resume:
            checkpoint = torch.load(args.resume)
            {load}
            {brought}
        for epoch in range(start_epoch, 90):
            decay(optimizer, epoch, [30, 60])
            for batch in loader:
                model(batch).backward()
                optimizer.step()
            {save}
"""
LOAD = 'start_epoch = checkpoint["epoch"]; optimizer.load_state_dict(checkpoint["optimizer"])'

INLINE = """
    import torch

    def main(model, optimizer, loader, args):
        start_epoch = 0
        lr = args.lr
        if args.resume:
            checkpoint = torch.load(args.resume)
            start_epoch = checkpoint["epoch"]
            optimizer.load_state_dict(checkpoint["optimizer"])
            {brought}
        for epoch in range(start_epoch, 90):
            if epoch in (30, 60):
                lr *= 0.1
                for group in optimizer.param_groups:
                    group["lr"] = lr
            for batch in loader:
                model(batch).backward()
                optimizer.step()
"""


def setter(start='{"lr": 0.1}', more="", change="*= 0.1", load=LOAD, brought="pass", save="pass"):
    text = textwrap.dedent(SETTER)
    return text.format(start=start, more=more, change=change, load=load, brought=brought, save=save)


@pytest.fixture
def forgets(check):
    return lambda source: [f.message.split("`")[1] for f in check(source) if f.code == "LR109"]


@pytest.mark.parametrize("change", ["*= 0.1", "/= 10"])
def test_an_entry_of_a_table_that_is_scaled_at_milestones(forgets, change):
    assert forgets(setter(change=change)) == ['state["lr"]'.replace('"', "'")]


def test_a_variable_of_the_function_that_trains(forgets):
    assert forgets(textwrap.dedent(INLINE).format(brought="pass")) == ["lr"]


@pytest.mark.parametrize(
    "parts",
    [
        {"brought": 'state["lr"] = checkpoint["lr"]'},
        {"brought": 'state.update(checkpoint["state"])'},
        {"brought": "bring_back(state, checkpoint)"},
        {"brought": 'state["lr"] = optimizer.param_groups[0]["lr"]'},
        {"save": "torch.save(state, args.path)"},
        {"load": 'start_epoch = checkpoint["epoch"]'},
        {"load": 'optimizer.load_state_dict(checkpoint["optimizer"])'},
        {"start": 'torch.load("state.pt")'},
        {"more": 'state = torch.load("state.pt")\n'},
        {"change": "= 0.1 * 0.5 ** epoch"},
    ],
)
def test_tables_that_come_back_or_are_never_needed(forgets, parts):
    assert forgets(setter(**parts)) == []


def test_a_variable_that_is_read_from_the_restored_optimizer(forgets):
    brought = 'lr = optimizer.param_groups[0]["lr"]'
    assert forgets(textwrap.dedent(INLINE).format(brought=brought)) == []


def test_milestones_that_are_passed_again_on_the_way_to_the_epoch(forgets):
    again = "[decay(optimizer, past, [30, 60]) for past in range(start_epoch)]"
    assert forgets(setter(brought=again)) == []


def test_a_rate_that_a_function_works_out_at_every_call_is_carried_nowhere(codes):
    source = """
    import torch

    def main(args, model, loader):
        optimizer = torch.optim.SGD(model.parameters(), args.lr)
        if args.resume:
            checkpoint = torch.load(args.resume)
            args.start_epoch = checkpoint["epoch"]
            optimizer.load_state_dict(checkpoint["optimizer"])
        for epoch in range(args.start_epoch, args.epochs):
            adjust(optimizer, epoch, args)
            for x in loader:
                model(x).backward()
                optimizer.step()
            torch.save({"epoch": epoch + 1, "optimizer": optimizer.state_dict()}, "last.pt")

    def adjust(optimizer, epoch, args):
        lr = args.lr
        for milestone in args.schedule:
            lr *= 0.1 if epoch >= milestone else 1.0
        for group in optimizer.param_groups:
            group["lr"] = lr
    """
    assert "LR109" not in codes(source)


def test_a_rate_that_is_worked_out_before_the_training_begins_is_carried_nowhere(codes):
    source = """
    import torch

    def restore(model, path, optimizer=None, lr=None, milestones=None, decay=None):
        checkpoint = torch.load(path)
        if optimizer is not None:
            if "optimizer" in checkpoint:
                optimizer.load_state_dict(checkpoint["optimizer"])
                start_epoch = checkpoint["epoch"]
                rate = lr
                for milestone in milestones:
                    if start_epoch >= milestone:
                        rate *= decay
                for group in optimizer.param_groups:
                    group["lr"] = rate
                print("rate", rate)
            else:
                print("none")
            return model, optimizer, start_epoch
        else:
            return model
    """
    assert "LR109" not in codes(source)


COUNTED = """
    import argparse
    import torch

    def adjust(optimizer, base, index):
        rate = base * 0.1 ** index
        for group in optimizer.param_groups:
            group["lr"] = rate

    def main(model, optimizer, loader, args):
        index = 0
        {before}
        for iteration in range({start}, 120000):
            if {moment}:
                index += 1
                adjust(optimizer, args.lr, index)
            model(next(loader)).backward()
            optimizer.step()
"""
AT_ONE = "iteration in (80000, 100000)"
CAUGHT_UP = "for milestone in (80000, 100000):\n            index += milestone < args.start_iter"


@pytest.mark.parametrize(
    ("start", "moment", "before", "told"),
    [
        ("args.start_iter", AT_ONE, "pass", 1),
        ("args.resume_iter", "iteration == 80000", "pass", 1),
        ("0", AT_ONE, "pass", 0),
        ("args.start_iter", "index < 2 and iteration >= (80000, 100000)[index]", "pass", 0),
        ("args.start_iter", AT_ONE, CAUGHT_UP, 0),
        ("args.start_iter", AT_ONE, "index = args.start_index", 0),
    ],
)
def test_milestones_that_a_resumed_loop_begins_behind_are_counted_first(start, moment, before, told, asked):
    found = asked("LR109", textwrap.dedent(COUNTED).format(start=start, moment=moment, before=before))
    assert len(found) == told and all("has not counted the milestones" in each.message for each in found)
