"""Lengths that have no unit in common with the loop, told in the numbers that the file states for both."""

from __future__ import annotations

import asking
import pytest

from lrfix.findings import Severity

SCRIPT = """
    import argparse
    import sys
    import torch
    from torch.optim.lr_scheduler import (
        CosineAnnealingLR, ConstantLR, LinearLR, OneCycleLR, PolynomialLR, SequentialLR
    )
    from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup
    from transformers import get_polynomial_decay_schedule_with_warmup

    def main(model, loader):
        parser = argparse.ArgumentParser()
        parser.add_argument("--epochs", type=int, default=200)
        parser.add_argument("--decay-epochs", type=int, default=50)
        parser.add_argument("--batches", type=int, default=30)
        parser.add_argument("--length", type=int)
        args = parser.parse_args()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = {scheduler}
        for epoch in {epochs}:
            for batch in loader:
                {body}
            {epoch}
    """
BODY = "model(batch).backward(); optimizer.step()"


def said(scheduler, epochs="range(args.epochs)", body=BODY, epoch="scheduler.step()"):
    source = SCRIPT.format(scheduler=scheduler, epochs=epochs, body=body, epoch=epoch)
    found = [f.message for f in asking.reported("LR310", source) if f.severity is not Severity.INFO]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("scheduler", "what"),
    [
        ("PolynomialLR(optimizer, args.decay_epochs)", "the rate is 0"),
        ("PolynomialLR(optimizer)", "the rate is 0"),
        ("LinearLR(optimizer, 1.0, 0.0, args.decay_epochs)", "the rate is 0"),
        ("get_linear_schedule_with_warmup(optimizer, 5, args.decay_epochs)", "the rate is 0"),
        ("get_cosine_schedule_with_warmup(optimizer, 5, args.decay_epochs)", "climbs again"),
        ("get_polynomial_decay_schedule_with_warmup(optimizer, 5, args.decay_epochs)", "the rate is 1e-7"),
        ("OneCycleLR(optimizer, 0.1, args.decay_epochs)", "the next step raises"),
        ("OneCycleLR(optimizer, 0.1, 199)", "the next step raises"),
        (
            "SequentialLR(optimizer, [LinearLR(optimizer, 0.1), PolynomialLR(optimizer, args.decay_epochs)], [5])",
            "the rate is 0",
        ),
    ],
)
def test_a_schedule_that_is_over_long_before_the_stated_end_of_training(scheduler, what):
    message = said(scheduler)
    assert what in message
    assert "stepped `args.epochs` (200) times" in message


@pytest.mark.parametrize(
    "scheduler",
    [
        "PolynomialLR(optimizer, args.epochs)",
        "PolynomialLR(optimizer, 190)",  # the rate is 0 for a last moment
        "PolynomialLR(optimizer, args.length)",  # nothing says how long
        "LinearLR(optimizer, 1.0, 0.1, args.decay_epochs)",  # and stays at a tenth
        "CosineAnnealingLR(optimizer, args.decay_epochs)",  # up and down on purpose
        "get_polynomial_decay_schedule_with_warmup(optimizer, 5, args.decay_epochs, lr_end=1e-3)",
        "get_cosine_schedule_with_warmup(optimizer, 5, args.decay_epochs, num_cycles=0.25)",
        "get_linear_schedule_with_warmup(optimizer, 5, 1000)",  # never down to 0: a longer run may be meant
    ],
)
def test_an_end_that_may_be_meant_is_left_alone(scheduler):
    assert said(scheduler) is None


@pytest.mark.parametrize(
    "scheduler",
    [
        "get_linear_schedule_with_warmup(optimizer, 500, 1000)",
        "get_cosine_schedule_with_warmup(optimizer, args.epochs, 1000)",
        "SequentialLR(optimizer, [LinearLR(optimizer, 0.1, total_iters=500), ConstantLR(optimizer, 1.0)], [500])",
    ],
)
def test_a_warmup_that_outlasts_the_stated_end_of_training(scheduler):
    assert "training ends before the warmup" in said(scheduler)


@pytest.mark.parametrize(("length", "told"), [("1000000000", True), ("200000", True), ("10000", False)])
def test_a_length_of_a_thousand_runs_and_more(length, told):
    message = said(f"CosineAnnealingLR(optimizer, T_max={length}, eta_min=1e-5)")
    assert (message is not None and "the rate stays as it is" in message) == told


@pytest.mark.parametrize(
    "other",
    [
        {"epochs": "range(8)"},  # a trial run
        {"body": f"{BODY}\n            if stop(model): break"},
        {"body": f"{BODY}\n            if stop(model): sys.exit()"},
        {"epoch": "if epoch < 50: scheduler.step()"},
        {"body": "pass"},
    ],
)
def test_a_run_that_does_not_train_to_its_stated_end_is_left_alone(other):
    assert said("PolynomialLR(optimizer, 5)", **other) is None


def test_what_ends_the_batches_of_an_epoch_ends_no_training():
    assert said("PolynomialLR(optimizer, 5)", body=f"{BODY}\n                if done(batch): break") is not None


@pytest.mark.parametrize(("batches", "told"), [("range(args.batches)", ["LR302"]), ("range(30)", ["LR310"])])
def test_a_length_that_is_off_by_a_unit_is_told_in_units_and_not_in_numbers(batches, told):
    source = SCRIPT.replace("for batch in loader", f"for batch in {batches}").format(
        scheduler="PolynomialLR(optimizer, args.epochs)",
        epochs="range(args.epochs)",
        body=f"{BODY}; scheduler.step()",
        epoch="pass",
    )
    assert asking.faults(source, "LR302", "LR310") == told


OWN = """
    import argparse
    import torch
    from torch.optim.lr_scheduler import LRScheduler

    class Warmed(LRScheduler):
        def __init__(self, optimizer, {parameters}):
            {kept}
            super().__init__(optimizer)

        def get_lr(self):
            return [base * min(1.0, (self.last_epoch + 1) / self.warmup) for base in self.base_lrs]

    def main(model, loader):
        parser = argparse.ArgumentParser()
        parser.add_argument("--epochs", type=int, default=38)
        parser.add_argument("--warmup", type=int, default={warmup})
        args = parser.parse_args()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = Warmed(optimizer, {given})
        for epoch in range(args.epochs):
            for batch in loader:
                model(batch).backward()
                optimizer.step()
            scheduler.step()
    """
PLAIN, KEPT = "warmup_epochs", "self.warmup = warmup_epochs"


@pytest.mark.parametrize(
    ("parameters", "kept", "given", "warmup", "told"),
    [
        (PLAIN, KEPT, "args.warmup", 50, True),
        (PLAIN, KEPT, "4000", 5, True),
        (PLAIN, KEPT, "args.warmup", 5, False),
        (
            "warmup_steps, steps_per_epoch",
            "self.warmup = warmup_steps / steps_per_epoch",
            "4000, len(loader)",
            5,
            False,
        ),
        ("length", "self.warmup = length", "args.warmup", 50, False),
    ],
)
def test_a_class_of_the_project_that_is_told_a_warmup_longer_than_the_run(parameters, kept, given, warmup, told):
    source = OWN.format(parameters=parameters, kept=kept, given=given, warmup=warmup)
    assert any("training ends before the warmup" in each.message for each in asking.reported("LR310", source)) is told


@pytest.mark.parametrize(
    ("made", "told"),
    [("from yacs.config import CfgNode as Tree", False), ("from types import SimpleNamespace as Tree", True)],
    ids=["files are merged into it", "what stands there is meant"],
)
def test_a_tree_of_settings_that_files_replace_states_no_length(made, told, asked):
    source = f"""
import torch
from torch.optim.lr_scheduler import LRScheduler
{made}

config = Tree()
config.SOLVER = Tree()
config.SOLVER.EPOCHS = 100
config.SOLVER.WARMUP = 500


class Warmup(LRScheduler):
    def __init__(self, optimizer, warmup_iters, last_epoch=-1):
        self.warmup_iters = warmup_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * min(1.0, (self.last_epoch + 1) / self.warmup_iters) for base in self.base_lrs]


def main(model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = Warmup(optimizer, config.SOLVER.WARMUP)
    for epoch in range(config.SOLVER.EPOCHS):
        for x, y in loader:
            optimizer.zero_grad()
            model(x, y).backward()
            optimizer.step()
        scheduler.step()
"""
    assert bool(asked("LR310", source)) is told
