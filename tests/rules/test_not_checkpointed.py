"""LR308 where a class holds optimizer and scheduler and saves and restores its own checkpoints."""

from __future__ import annotations

import asking
import pytest

from lrfix.config import Settings
from lrfix.discovery import Target
from lrfix.engine import check_paths

TRAINER = """
import torch
from torch.optim.lr_scheduler import StepLR
from base import Base


class Trainer{bases}:
    def __init__(self, model, args):
        self.model, self.args, self.epoch = model, args, 0
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        self.scheduler = StepLR(self.optimizer, 30)

    def fit(self, loader):
        for epoch in range(self.epoch, self.args.epochs):
            for x, y in loader:
                self.optimizer.zero_grad()
                self.model(x, y).backward()
                self.optimizer.step()
            self.scheduler.step()
            {epoch}

    def save(self, path):
        torch.save({{"optimizer": self.optimizer.state_dict(){saved}}}, path)

    def load(self, path):
        state = torch.load(path)
        self.optimizer.load_state_dict(state["optimizer"])
        {loaded}
"""
SAVED, LOADED = ', "scheduler": self.scheduler.state_dict()', 'self.scheduler.load_state_dict(state["scheduler"])'


def trainer(saved: str = "", loaded: str = "pass", bases: str = "", epoch: str = "pass") -> str:
    return TRAINER.format(bases=bases, saved=saved, loaded=loaded, epoch=epoch)


@pytest.mark.parametrize(
    ("saved", "loaded", "told"),
    [
        ("", "pass", "neither saved nor restored"),
        (SAVED, "pass", "saved and never restored"),
        ("", LOADED, "restored and never saved"),
        (SAVED, LOADED, None),
    ],
)
def test_a_class_that_keeps_its_optimizers_state_keeps_its_schedulers(saved, loaded, told, asked):
    messages = [violation.message for violation in asked("LR308", trainer(saved, loaded))]
    assert [told in message for message in messages] == [True] if told else messages == []


@pytest.mark.parametrize(
    ("rate", "anew"),
    [("0.1", True), ("self.args.lr", True), ('self.args["lr"]', True), ('state["lr"]', False), ("self.rate()", False)],
)
def test_what_gets_a_rate_of_the_settings_after_it_was_restored_begins_its_schedule_anew(rate, anew, asked):
    loaded = f'for group in self.optimizer.param_groups:\n            group["lr"] = {rate}'
    assert len(asked("LR308", trainer(loaded=loaded))) == (not anew)


def test_the_branches_that_build_one_scheduler_are_told_of_once(asked):
    either = "StepLR(self.optimizer, 30) if args.steps else ExponentialLR(self.optimizer, 0.9)"
    source = trainer().replace("import StepLR", "import ExponentialLR, StepLR")
    (violation,) = asked("LR308", source.replace("StepLR(self.optimizer, 30)", either))
    assert "neither saved nor restored" in violation.message


@pytest.mark.parametrize(
    "changes",
    [
        {"bases": "(Base)", "epoch": "self.save_checkpoint(epoch)"},  # the base may save it beside
        {"epoch": "self.args.checkpoints.save(self.scheduler)"},
    ],
)
def test_others_may_keep_the_state_of_what_a_class_holds(changes, asked):
    assert asked("LR308", trainer(**changes)) == []


def test_a_class_that_keeps_no_state_leaves_it_to_who_holds_it(asked):
    source = trainer()
    assert asked("LR308", source[: source.index("    def save")]) == []


SCRIPT = """
import torch
from engine import Runner
from torch.optim.lr_scheduler import StepLR


def load_checkpoints(args, model, optimizer, scheduler):
    state = torch.load(args.resume)
    optimizer.load_state_dict(state["optimizer"])
    {loaded}


def main(args, model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = StepLR(optimizer, 30)
    if args.resume:
        load_checkpoints(args, model, optimizer, scheduler)
    {trains}
        scheduler.step()
        torch.save({{"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}}, "last.pt")
"""
IN_SIGHT = """for epoch in range(args.epochs):
        for x, y in loader:
            optimizer.zero_grad()
            model(x, y).backward()
            optimizer.step()"""
BY_A_RUNNER = """runner = Runner(model, optimizer)
    for epoch in range(args.epochs):
        runner.train(loader)"""


@pytest.mark.parametrize("trains", [IN_SIGHT, BY_A_RUNNER])
def test_a_function_that_restores_is_a_resume_and_a_trainer_that_has_the_optimizer_trains(trains, asked):
    (found,) = asked("LR308", SCRIPT.format(loaded="pass", trains=trains))
    assert "saved and never restored" in found.message
    whole = SCRIPT.format(loaded='scheduler.load_state_dict(state["scheduler"])', trains=trains)
    assert asked("LR308", whole) == []


def test_a_search_that_puts_the_optimizer_back_keeps_no_checkpoint(asked):
    """Its scheduler lives as long as one search, which the object does not hold."""
    source = """
import torch
from torch.optim.lr_scheduler import ExponentialLR


class Finder:
    def __init__(self, model):
        self.model = model
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        self.kept = self.optimizer.state_dict()

    def search(self, loader, gamma):
        scheduler = ExponentialLR(self.optimizer, gamma)
        for x, y in loader:
            self.model(x, y).backward()
            self.optimizer.step()
            scheduler.step()

    def store(self, path):
        torch.save(self.optimizer.state_dict(), path)

    def reset(self, path):
        self.optimizer.load_state_dict(torch.load(path))
"""
    assert asked("LR308", source) == []


HANDED = """
import torch


class Trainer:
    def fit(self, model, optimizer, scheduler, loader, epochs):
        for epoch in range(epochs):
            for x, y in loader:
                optimizer.zero_grad()
                model(x, y).backward()
                {update}
            scheduler.step()
            self.save(optimizer, scheduler)

    def save(self, optimizer, scheduler):
        torch.save({{"optimizer": optimizer.state_dict(){saved}}}, "last.pt")

    def restore(self, optimizer, scheduler):
        state = torch.load("last.pt")
        optimizer.load_state_dict(state["optimizer"])
        {loaded}

    def run(self, model, optimizer, scheduler, loader, epochs):
        if self.resume:
            self.restore(optimizer, scheduler)
        self.fit(model, optimizer, scheduler, loader, epochs)
"""


def test_a_scheduler_that_is_handed_over_moves_the_only_optimizer_beside_it(asked):
    assert asked("LR308", HANDED.format(update="optimizer.step()", saved="", loaded="pass"))
    whole = {"saved": ', "s": scheduler.state_dict()', "loaded": 'scheduler.load_state_dict(state["s"])'}
    assert asked("LR308", HANDED.format(update="optimizer.step()", **whole)) == []
    two = "optimizer.step(); self.other_optimizer.step()"
    assert asked("LR308", HANDED.format(update=two, saved="", loaded="pass")) == []


def test_an_object_that_was_made_without_an_optimizer_may_keep_a_rate_of_its_own(asked):
    source = SCRIPT.format(loaded="pass", trains=IN_SIGHT).replace("StepLR(optimizer, 30)", "Rates(epochs=30)")
    assert asked("LR308", source) == []
    assert asked("LR303", source.replace("scheduler.step()", "rate = scheduler.get_lr(epoch)")) == []


@pytest.mark.parametrize(("loaded", "told"), [("pass", True), ('scheduler.load_state_dict(state["scheduler"])', False)])
def test_an_optimizer_and_a_scheduler_of_one_call_have_a_state_each(loaded, told, asked):
    source = f"""
import torch
from elsewhere import build


def main(args, model, loader):
    optimizer, scheduler = build(args, model)
    start = 0
    if args.resume:
        state = torch.load(args.resume)
        optimizer.load_state_dict(state["optimizer"])
        {loaded}
        start = state["epoch"]
    for epoch in range(start, args.epochs):
        for x, y in loader:
            model(x, y).backward()
            optimizer.step()
        scheduler.step()
        kept = {{"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(), "epoch": epoch + 1}}
        torch.save(kept, "last.pt")
"""
    assert bool(asked("LR308", source)) is told


@pytest.mark.parametrize(
    ("built", "told"),
    [
        ("LambdaLR(self.optimizer, lambda epoch: 0.95**epoch)", "a resumed run begins the schedule again"),
        ("StepLR(self.optimizer, 30)", "goes on from the restored rate and counts the steps of the schedule from 0"),
        ("ExponentialLR(self.optimizer, 0.95)", None),  # every rate is made of the one before, which is restored
    ],
)
def test_what_is_lost_is_what_the_optimizer_does_not_bring_back(built, told, asked):
    source = trainer().replace("import StepLR", "import *").replace("StepLR(self.optimizer, 30)", built)
    found = asked("LR308", source)
    assert [(told in f.message, f.advice) for f in found] == ([(True, False)] if told else [])


def test_a_plateau_keeps_its_rate_and_loses_its_patience(asked):
    source = trainer().replace("StepLR", "ReduceLROnPlateau").replace("self.optimizer, 30", "self.optimizer")
    (found,) = asked("LR308", source.replace("scheduler.step()", "scheduler.step(loss)"))
    assert "keeps its rate, but forgets the best value" in found.message
    assert found.advice


OWN = """

class Own(torch.optim.lr_scheduler.LRScheduler):
    def get_lr(self):
        return [{rate} for {each}]
"""


@pytest.mark.parametrize(
    ("rate", "each", "advice"),
    [
        ('group["lr"] * 0.97', "group in self.optimizer.param_groups", True),  # may go on as if nothing had happened
        ("base / (1 + self.last_epoch)", "base in self.base_lrs", False),
    ],
)
def test_a_class_of_ones_own_that_goes_on_from_the_rate_is_advice(rate, each, advice, asked):
    source = trainer().replace("StepLR(self.optimizer, 30)", "Own(self.optimizer)")
    source = source.replace("\n\nclass Trainer", OWN.format(rate=rate, each=each) + "\n\nclass Trainer")
    assert [found.advice for found in asked("LR308", source)] == [advice]


def test_of_a_scheduler_that_another_file_builds_the_checkpoint_is_what_has_to_change():
    source = (
        trainer()
        .replace("self, model, args)", "self, model, args, scheduler)")
        .replace("self.scheduler = StepLR(self.optimizer, 30)", "self.scheduler = scheduler")
    )
    (found,) = asking.reported("LR308", source)
    assert "torch.save(" in source.splitlines()[found.span.start.line - 1]


BASE_TRAINER = """
import torch


class BaseTrainer:
    def __init__(self, args, model, optimizer, warmup):
        self.args, self.model, self.epoch = args, model, 0
        self.optimizer, self.warmup = optimizer, warmup

    def save(self):
        warmup = self.warmup.state_dict() if self.warmup else None
        torch.save({{"epoch": self.epoch, "optimizer": self.optimizer.state_dict(), "warmup": warmup}}, "last.pt")

    def load(self):
        state = torch.load("last.pt")
        self.epoch = state["epoch"]
        self.optimizer.load_state_dict(state["optimizer"])
        {loaded}

    def run(self, loader):
        if self.args.resume:
            self.load()
        for epoch in range(self.epoch, self.args.epochs):
            for x, y in loader:
                self.optimizer.zero_grad()
                self.model(x, y).backward()
                self.optimizer.step()
                if self.warmup:
                    self.warmup.step()
            self.save()


class Trainer(BaseTrainer):
    pass
"""

CHOOSING = """
import argparse
import torch
from torch.optim.lr_scheduler import LinearLR
from data import loader, model
from trainer import Trainer

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=90)
parser.add_argument("--warmup", type=int, default=None)
parser.add_argument("--resume", default=None)
args = parser.parse_args()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
warmup = LinearLR(optimizer, 0.1, total_iters=args.warmup) if args.warmup else None
Trainer(args, model, optimizer, warmup).run(loader)
"""


@pytest.mark.parametrize(
    ("loaded", "told"),
    [
        ('if self.warmup:\n            self.warmup.load_state_dict(state["warmup"])', []),
        ("pass", ["LR308"]),
    ],
)
def test_a_scheduler_that_a_setting_leaves_out_is_restored_by_the_base_of_its_trainer(tmp_path, loaded, told):
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "trainer.py").write_text(BASE_TRAINER.format(loaded=loaded))
    (tmp_path / "main.py").write_text(CHOOSING)
    targets = [Target(str(tmp_path / name)) for name in ("main.py", "trainer.py")]
    results = check_paths(targets, Settings(selected=frozenset({"LR308"})), jobs=1)
    assert [f.code for result in results for f in result.findings] == told


@pytest.mark.parametrize(("goes_on", "told"), [("pass", 1), ('self.args["scheduler"]["last_epoch"] = 30', 0)])
def test_a_scheduler_whose_position_is_an_option_goes_on(goes_on, told, asked):
    source = trainer().replace("StepLR(self.optimizer, 30)", 'StepLR(self.optimizer, 30, **self.args["scheduler"])')
    source = source.replace("state = torch.load(path)", f"state = torch.load(path)\n        {goes_on}")
    assert len(asked("LR308", source)) == told


REBUILT = """
import torch
from torch.optim.lr_scheduler import PolynomialLR
from schedules import Poly


def main(args, model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    {once}
    start_epoch = 0
    if args.resume:
        state = torch.load(args.resume)
        start_epoch = state["epoch"]
        optimizer.load_state_dict(state["optimizer"])
    for epoch in range(start_epoch, args.epochs):
        for i, (x, y) in enumerate(loader):
            {anew}
            scheduler.step()
            optimizer.zero_grad()
            model(x, y).backward()
            optimizer.step()
        torch.save({{"epoch": epoch + 1, "optimizer": optimizer.state_dict()}}, "last.pt")
"""


@pytest.mark.parametrize(
    ("once", "anew", "told"),
    [
        ("pass", "scheduler = Poly(optimizer, args.steps, epoch * len(loader) + i)", 0),
        ("scheduler = PolynomialLR(optimizer, args.steps)", "pass", 1),
    ],
)
def test_a_scheduler_that_is_built_anew_for_each_step_has_no_state_to_keep(once, anew, told, asked):
    assert len(asked("LR308", REBUILT.format(once=once, anew=anew))) == told
