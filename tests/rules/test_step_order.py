"""LR301 is loud where a schedule that comes one step early trains at other rates, and advice where nobody sees it."""

from __future__ import annotations

import textwrap

import asking
import pytest

from lrfix.config import Settings
from lrfix.discovery import Target
from lrfix.engine import check_paths
from lrfix.findings import Severity

HEAD = """
    import argparse
    import math
    import torch
    from torch.optim.lr_scheduler import (
        CosineAnnealingLR, ExponentialLR, LambdaLR, LinearLR, LRScheduler, MultiStepLR, OneCycleLR, PolynomialLR,
        StepLR,
    )

    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=90)
    parser.add_argument("--long", type=int, default=5000)
    parser.add_argument("--unsaid", type=int, required=True)
    args = parser.parse_args()

    class FromNothing(LRScheduler):
        def __init__(self, optimizer, warmup, total, last_epoch=-1):
            self.warmup, self.total = warmup, total
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            if self.last_epoch < self.warmup:
                return [base * self.last_epoch / self.warmup for base in self.base_lrs]
            done = (self.last_epoch - self.warmup) / (self.total - self.warmup)
            return [base * 0.5 * (1 + math.cos(math.pi * done)) for base in self.base_lrs]

    class FromTheStart(LRScheduler):
        def get_lr(self):
            return [base * 0.9**self.last_epoch for base in self.base_lrs]
    """
EPOCHS = """
    def main(model, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = {scheduler}
        for epoch in range(args.epochs):
            scheduler.step()
            for x, y in loader:
                optimizer.zero_grad()
                model(x, y).backward()
                optimizer.step()
    """
BATCHES = """
    def main(model, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = {scheduler}
        for epoch in range(args.epochs):
            for x, y in loader:
                scheduler.step()
                optimizer.zero_grad()
                model(x, y).backward()
                optimizer.step()
    """
LOUD, ADVICE = Severity.ERROR, Severity.INFO


def severity(loop, scheduler, findings):
    found = findings(HEAD + loop.format(scheduler=scheduler))
    return [finding.severity for finding in found if finding.code == "LR301"]


@pytest.mark.parametrize(
    ("trained", "advice"),
    [("model(x, y).backward()", False), ('print(optimizer.param_groups[0]["lr"])', True)],
)
def test_a_script_that_shows_a_schedule_and_trains_nothing_is_advised(trained, advice, asked):
    source = HEAD + EPOCHS.format(scheduler="MultiStepLR(optimizer, [30, 60])").replace(
        "model(x, y).backward()", trained
    )
    assert [found.advice for found in asked("LR301", source)] == [advice]


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        ("StepLR(optimizer, 30)", LOUD),
        ("MultiStepLR(optimizer, [30, 60, 80])", LOUD),
        ("CosineAnnealingLR(optimizer, T_max=args.epochs)", LOUD),
        ("CosineAnnealingLR(optimizer, args.unsaid)", LOUD),
        ("CosineAnnealingLR(optimizer, 90, eta_min=args.floor)", LOUD),
        ("ExponentialLR(optimizer, 0.95)", LOUD),
        ("LinearLR(optimizer)", LOUD),
        ("LambdaLR(optimizer, lambda epoch: 0.95**epoch)", LOUD),
        ("FromTheStart(optimizer)", LOUD),
        # So long that neighbouring rates are the same to the eye.
        ("CosineAnnealingLR(optimizer, T_max=args.long)", ADVICE),
        ("StepLR(optimizer, step_size=100000, gamma=0.5)", ADVICE),
        ("MultiStepLR(optimizer, milestones=[30000, 60000])", ADVICE),
        ("ExponentialLR(optimizer, 0.9999)", ADVICE),
        ("PolynomialLR(optimizer, total_iters=10000, power=0.9)", ADVICE),
        # A rate of 0 that is left out.
        ("LambdaLR(optimizer, lambda epoch: min(1, epoch / 5))", ADVICE),
        ("FromNothing(optimizer, 5, args.epochs)", ADVICE),
    ],
)
def test_once_an_epoch_the_curve_decides(scheduler, expected, findings):
    assert severity(EPOCHS, scheduler, findings) == [expected]


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        ("StepLR(optimizer, 30)", LOUD),
        ("CosineAnnealingLR(optimizer, 100)", LOUD),
        ("StepLR(optimizer, step_size=100000, gamma=0.5)", ADVICE),
        ("CosineAnnealingLR(optimizer, len(loader) * args.epochs)", ADVICE),
        ("OneCycleLR(optimizer, 0.1, epochs=90, steps_per_epoch=len(loader))", ADVICE),
        ("OneCycleLR(optimizer, 0.1, epochs=90, steps_per_epoch=500)", ADVICE),
        ("FromTheStart(optimizer)", ADVICE),
        ("LambdaLR(optimizer, lambda step: 0.9999**step)", ADVICE),
        ("StepLR(optimizer, 20)", LOUD),
    ],
)
def test_once_a_batch_a_step_is_little(scheduler, expected, findings):
    assert severity(BATCHES, scheduler, findings) == [expected]


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        ("StepLR(optimizer, 30)", LOUD),  # the drop comes at 29 of 30 epochs, however many there are
        ("CosineAnnealingLR(optimizer, args.long)", ADVICE),
        ("ExponentialLR(optimizer, 0.9995)", ADVICE),
        ("FromTheStart(optimizer)", ADVICE),
    ],
)
def test_of_thousands_of_epochs_one_is_little(scheduler, expected, findings):
    assert severity(EPOCHS.replace("args.epochs", "args.long"), scheduler, findings) == [expected]


@pytest.mark.parametrize(
    ("first", "given", "expected"),
    [
        ("0.0", "", ADVICE),
        ("0.1 * base", "", LOUD),
        ("self.first", "", ADVICE),
        ("self.first", ", first=0.01", LOUD),
    ],
)
def test_a_class_of_another_file_is_run_as_well(tmp_path, first, given, expected):
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "warm.py").write_text(
        textwrap.dedent(f"""
            from torch.optim.lr_scheduler import LRScheduler

            class WarmupLR(LRScheduler):
                def __init__(self, optimizer, warmup_epochs, first=0.0, last_epoch=-1):
                    self.warmup_epochs, self.first = warmup_epochs, first
                    super().__init__(optimizer, last_epoch)

                def get_lr(self):
                    share = min(1, self.last_epoch / self.warmup_epochs)
                    return [{first} + (base - {first}) * share for base in self.base_lrs]
            """)
    )
    main = textwrap.dedent(HEAD + EPOCHS.format(scheduler=f"WarmupLR(optimizer, 5{given})"))
    (tmp_path / "main.py").write_text("from warm import WarmupLR\n" + main)
    targets = [Target(str(tmp_path / name)) for name in ("main.py", "warm.py")]
    results = check_paths(targets, Settings(selected=frozenset({"LR301"})), jobs=1)
    assert [f.severity for result in results for f in result.findings] == [expected]


HANDED_OVER = """
    import torch
    {imports}

    def train(model, loader, optimizer, {parameter}args):
        {scheduler}
        for epoch in range(args.epochs):
            for x, y in loader:
                {before}
                optimizer.zero_grad()
                model(x, y).backward()
                optimizer.step()
                {after}
    """


@pytest.mark.parametrize(
    ("given", "severities"),
    [
        ({"parameter": "scheduler, "}, [Severity.INFO]),
        ({"imports": "from project import PolyLR", "scheduler": "scheduler = PolyLR(optimizer)"}, [Severity.INFO]),
        ({"scheduler": "scheduler = build_scheduler(optimizer)"}, [Severity.INFO]),
        ({"parameter": "scheduler, ", "before": "pass", "after": "scheduler.step()"}, []),
        ({"parameter": "scheduler, ", "before": "scheduler.step(epoch)"}, []),  # sets the rate of this epoch
        ({"parameter": "scheduler, ", "before": "scheduler.step_update(epoch)"}, []),
        ({"parameter": "scheduler, ", "before": "if epoch: scheduler.step()"}, []),
    ],
)
def test_an_early_step_of_a_scheduler_that_is_not_in_sight_is_advice(given, severities):
    parts = {"imports": "", "parameter": "", "scheduler": "pass", "before": "scheduler.step()", "after": "pass"}
    found = asking.reported("LR301", HANDED_OVER.format(**{**parts, **given}))
    assert [each.severity for each in found] == severities
    assert all("not in sight" in each.message for each in found)


HELD_BY_THE_MODEL = """
    def main(model, loader, data, one_epoch):
        scheduler = StepLR(model.optimizer, 30)
        for epoch in range(args.epochs):
            for x, y in loader:
                {observe}
            scheduler.step()
            {then}
    """


@pytest.mark.parametrize(
    ("observe", "then", "found"),
    [
        ("model.observe(x, y)", "data.evaluate(model, loader)", []),
        ("pass", "one_epoch(model.optimizer)", [Severity.ERROR]),
    ],
)
def test_what_is_handed_the_model_that_holds_the_optimizer_need_not_step_it(observe, then, found):
    source = textwrap.dedent(HEAD) + textwrap.dedent(HELD_BY_THE_MODEL.format(observe=observe, then=then))
    assert [f.severity for f in asking.reported("LR301", source)] == found
