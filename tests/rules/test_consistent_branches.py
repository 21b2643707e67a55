"""LR306 and its kin where one setting chooses the scheduler and how it is stepped."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.config import Settings
from lrfix.discovery import Target
from lrfix.engine import check_paths

SCRIPT = """
    import argparse
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR, CosineAnnealingWarmRestarts, ReduceLROnPlateau, StepLR

    parser = argparse.ArgumentParser()
    parser.add_argument("--sched", {default})
    args = parser.parse_args()

    def build(optimizer):
        scheduler = None
        if args.sched == "step":
            scheduler = StepLR(optimizer, 30)
        elif args.sched == "cosine":
            scheduler = CosineAnnealingLR(optimizer, 100)
        elif args.sched == "restarts":
            scheduler = CosineAnnealingWarmRestarts(optimizer, 10)
        elif args.sched == "plateau":
            scheduler = ReduceLROnPlateau(optimizer)
        return scheduler

    def train(model, loader, optimizer, scheduler, name):
        for epoch in range(100):
            total_loss = 0
            for i, batch in enumerate(loader):
                optimizer.zero_grad()
                loss = model(batch)
                loss.backward()
                optimizer.step()
                total_loss += loss.item()
                if {each_batch}:
                    scheduler.step(epoch + i / len(loader))
            if scheduler is not None:
                if {each_epoch}:
                    scheduler.step()
                elif {watching}:
                    scheduler.step(total_loss)

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    train(model, loader, optimizer, build(optimizer), args.sched)
    """


def script(each_batch, each_epoch, watching, default='type=str, default="step"'):
    return SCRIPT.format(default=default, each_batch=each_batch, each_epoch=each_epoch, watching=watching)


@pytest.mark.parametrize(
    "default", ["required=True", 'default="step"', 'default="plateau"', 'default="restarts"', "default=None"]
)
@pytest.mark.parametrize(
    ("each_batch", "each_epoch", "watching"),
    [
        ('args.sched in ["restarts"]', 'args.sched in ["step", "cosine"]', 'args.sched in ["plateau"]'),
        ('name == "restarts"', 'name in ("step", "cosine")', 'name == "plateau"'),
        ('args.sched == "restarts"', 'name != "plateau" and name != "restarts"', 'args.sched == "plateau"'),
        ('"restarts" == name', 'name == "step" or name == "cosine"', 'name not in ("step", "cosine", "restarts")'),
        (
            "isinstance(scheduler, CosineAnnealingWarmRestarts)",
            "not isinstance(scheduler, (ReduceLROnPlateau, CosineAnnealingWarmRestarts))",
            "isinstance(scheduler, ReduceLROnPlateau)",
        ),
        ('name.lower() == "restarts"', 'name.lower() in ("step", "cosine")', 'name.lower() == "plateau"'),
    ],
)
def test_the_setting_that_chooses_the_scheduler_chooses_how_it_is_stepped(
    default, each_batch, each_epoch, watching, codes
):
    assert codes(script(each_batch, each_epoch, watching, default)) == []


@pytest.mark.parametrize(
    ("each_batch", "each_epoch", "watching"),
    [
        # A plateau among those that get nothing.
        ('args.sched in ["restarts"]', 'args.sched in ["step", "cosine", "plateau"]', "False"),
        ('name == "restarts"', 'name != "restarts"', "False"),
        # A cosine among those that get the loss.
        ('name == "restarts"', 'name == "step"', 'name in ("cosine", "plateau")'),
        # One option chooses the scheduler, another one how it is stepped.
        ('args.how == "restarts"', 'args.how == "step"', 'args.how == "plateau"'),
    ],
)
def test_a_setting_that_steps_another_scheduler_is_told(each_batch, each_epoch, watching, codes):
    assert "LR306" in codes(script(each_batch, each_epoch, watching))


def test_a_setting_handed_to_another_file_is_the_same_setting(tmp_path):
    (tmp_path / "pyproject.toml").write_text("")
    head, loop = textwrap.dedent(script("False", 'name in ["step", "cosine"]', 'name == "plateau"')).split("def train")
    loop, main = loop.split("optimizer = torch.optim")
    (tmp_path / "loop.py").write_text("def train" + loop)
    (tmp_path / "main.py").write_text(head + "from loop import train\n\noptimizer = torch.optim" + main)
    targets = [Target(str(tmp_path / name)) for name in ("main.py", "loop.py")]
    results = check_paths(targets, Settings(selected=frozenset({"LR306"})), jobs=1)
    assert [f for result in results for f in result.findings] == []


WARMUP = """
import torch
from torch.optim.lr_scheduler import LRScheduler


class Warmup(LRScheduler):
    def __init__(self, optimizer, config):
        self.optimizer = optimizer
        self.warmup = config["warmup"]
        self.after = self.chosen(config)
        super().__init__(optimizer)

    def chosen(self, config):
        name = config["name"]
        if name == "ExponentialLR":
            return torch.optim.lr_scheduler.ExponentialLR(self.optimizer, 0.9)
        return getattr(torch.optim.lr_scheduler, name)(self.optimizer, **config["arguments"])

    def get_lr(self):
        if self.last_epoch >= self.warmup - 1:
            return self.after.get_last_lr()
        return [base * (self.last_epoch + 1) / self.warmup for base in self.base_lrs]

    def step_plateau(self, metrics):
        self.last_epoch += 1
        if self.last_epoch > self.warmup:
            self.after.step(metrics)

    def step(self, metrics=None):
        if {test}:
            self.step_plateau(metrics)
        elif self.last_epoch > self.warmup:
            self.after.step()
        else:
            super().step()
"""


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("type(self.after) == torch.optim.lr_scheduler.ReduceLROnPlateau", False),
        ("isinstance(self.after, torch.optim.lr_scheduler.ReduceLROnPlateau)", False),
        ("self.after.__class__.__name__ == 'ReduceLROnPlateau'", False),
        ("self.warmup", True),
    ],
)
def test_a_method_that_is_called_for_one_class_alone_is_not_run_with_another(test, told, codes):
    assert ("LR306" in codes(WARMUP.replace("{test}", test))) == told
