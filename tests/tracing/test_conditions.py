"""What a traced run decides on conditions that nobody states."""

from __future__ import annotations

import ast
import textwrap

import pytest

from lrfix.tracing.entries import traces_of
from lrfix.tracing.events import Basis, Kind


def traces(source: str):
    return traces_of(ast.parse(textwrap.dedent(source)))


@pytest.mark.parametrize(
    ("setting", "sides"),
    [
        ("config.RESUME is not None", {True, False}),
        ("config.RESUME", {True, False}),
        ("not config.FRESH", {True, False}),
        ("config.MODE == 'resume'", {True, False}),
    ],
)
def test_an_attribute_of_what_is_imported_is_a_setting_and_open(setting, sides):
    found = traces(
        f"""
        import torch
        import config

        def main(model, loader):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            if {setting}:
                optimizer.load_state_dict(torch.load("last.pt"))
            for batch in loader:
                model(batch).backward()
                optimizer.step()
        """
    )
    assert {bool(trace.of(Kind.LOAD)) for trace in found} == sides
    bases = {guard.basis for trace in found for event in trace.of(Kind.LOAD) for guard in event.guards}
    assert bases == {Basis.DECIDED}


def test_one_setting_that_is_imported_goes_the_same_way_each_time():
    found = traces(
        """
        import torch
        from config import cfg

        def main(model, loader):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            if cfg.SCHED == "step":
                scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 30)
            else:
                scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
            for batch in loader:
                optimizer.step()
                if cfg.SCHED == "step":
                    scheduler.step()
        """
    )
    stepped = {(t.of(Kind.BUILD)[1].thing.cls, len(t.of(Kind.STEP))) for t in found}
    assert stepped == {("StepLR", 4), ("ReduceLROnPlateau", 2)}


@pytest.mark.parametrize(
    ("condition", "saves"),
    [
        ("rank == 0", True),
        ("args.local_rank in (-1, 0)", True),
        ("not rank", True),
        ("accelerator.is_main_process", True),
        ("is_master()", True),
        ("is_rank_zero()", True),
        ("rank != 0", False),
        ("args.verbose", False),  # as any condition of code that is no part of training
    ],
)
def test_the_run_that_is_traced_is_that_of_the_process_which_saves(condition, saves):
    found = traces(
        f"""
        import torch

        def main(model, loader, args, rank, accelerator):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            if {condition}:
                bar = print("begin")
            for i, batch in enumerate(loader):
                optimizer.step()
                if i % args.every == 0 and i > args.first and {condition}:
                    torch.save(optimizer.state_dict(), "last.pt")
        """
    )
    assert any(trace.of(Kind.STATE) for trace in found) is saves


CHAIN = """
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau, StepLR

    def main(model, loader, args):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        if args.kind == "cosine":
            scheduler = CosineAnnealingLR(optimizer, args.epochs)
        elif args.kind == "step":
            scheduler = StepLR(optimizer, 30)
        elif args.kind == "plateau":
            scheduler = ReduceLROnPlateau(optimizer)
        if {refused}:
            raise ValueError(args.kind)
        for epoch in range(args.epochs):
            for batch in loader:
                optimizer.step()
            loss = model.loss()
            if args.kind in {alike}:
                scheduler.step()
            elif args.kind in ["plateau"]:
                scheduler.step(loss)
    """


@pytest.mark.parametrize(
    ("alike", "wrong"), [("['step', 'cosine']", 0), ("('cosine', 'step', 'plateau')", 1), ("['step']", 0)]
)
def test_what_is_taken_for_an_option_holds_where_it_is_asked_to_be_one_of_several(alike, wrong, asked):
    assert len(asked("LR306", CHAIN.format(alike=alike, refused="args.broken"))) == wrong


def test_a_value_that_lrfix_took_for_an_option_ends_no_run_that_asks_for_another():
    found = traces(CHAIN.format(alike="['step']", refused="args.kind != 'step'"))
    assert {trace.ended for trace in found} == {None}
    assert {trace.of(Kind.BUILD)[1].thing.cls for trace in found} >= {"CosineAnnealingLR", "StepLR"}
