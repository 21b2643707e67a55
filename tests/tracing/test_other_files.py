"""What a file imports from its project is followed where it builds, trains, or is given what a trace is about."""

from __future__ import annotations

import ast

import pytest

from lrfix.names import Names
from lrfix.neighbours import Neighbourhood
from lrfix.tracing.entries import traces_of
from lrfix.tracing.events import Kind

BUILD = """
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

def build_optimizer(model, lr):
    return torch.optim.SGD(model.parameters(), lr=lr)

def build_scheduler(optimizer, total):
    return CosineAnnealingLR(optimizer, T_max=total)
"""
ENGINE = """
def train_one_epoch(model, loader, optimizer):
    for x, y in loader:
        model(x, y).backward()
        optimizer.step()
        optimizer.zero_grad()
"""
MAIN = """
import helpers
from engine import train_one_epoch
from helpers import build_optimizer

def main(args, model, loader):
    optimizer = build_optimizer(model, args.lr)
    scheduler = helpers.build_scheduler(optimizer, args.epochs{factor})
    for epoch in range(args.epochs):
        train_one_epoch(model, loader, optimizer)
        scheduler.step()
"""


def project(folder, factor=""):
    (folder / "pyproject.toml").write_text("")
    (folder / "helpers.py").write_text(BUILD)
    (folder / "engine.py").write_text(ENGINE)
    main = folder / "main.py"
    main.write_text(MAIN.format(factor=factor))
    return main


def test_builders_and_loops_of_other_files_are_run(tmp_path):
    main = project(tmp_path)
    names = Names(ast.parse(main.read_text()))
    Neighbourhood(str(main), names)
    (trace,) = traces_of(names.tree, names)
    optimizer, scheduler = (event.thing for event in trace.of(Kind.BUILD))
    assert (optimizer.cls, scheduler.cls) == ("SGD", "CosineAnnealingLR")
    assert scheduler.optimizer is optimizer
    assert scheduler.foreign
    update = trace.of(Kind.STEP, optimizer)[0]
    assert update.foreign
    assert [str(turn.trip) for turn in update.turns] == ["args.epochs", "len(loader)"]
    assert not trace.of(Kind.ESCAPE)


def test_alone_the_same_file_lets_them_out_of_sight(tmp_path):
    names = Names(ast.parse(project(tmp_path).read_text()))
    (trace,) = traces_of(names.tree, names)
    assert [event.detail for event in trace.of(Kind.ESCAPE)] == ["train_one_epoch"] * 2


OPTIONS = """
import torch
from options import args

def step(scheduler, loss):
    if args.sched == "step":
        scheduler.step()
    elif args.sched == "plateau":
        scheduler.step(loss)

def main(model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    if args.sched == "step":
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 30)
    else:
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    for epoch in range(args.epochs):
        for batch in loader:
            optimizer.step()
        step(scheduler, 1.0)
"""


@pytest.mark.parametrize("there", [True, False])
def test_an_option_of_another_file_is_the_same_wherever_it_is_asked_for(there, tmp_path):
    (tmp_path / "pyproject.toml").write_text("")
    if there:
        (tmp_path / "options.py").write_text("import argparse\nargs = argparse.ArgumentParser().parse_args()\n")
    main = tmp_path / "main.py"
    main.write_text(OPTIONS)
    names = Names(ast.parse(OPTIONS))
    Neighbourhood(str(main), names)
    steps = {
        (event.thing.cls, len(event.arguments))
        for trace in traces_of(names.tree, names)
        if trace.entry == "main"
        for event in trace.of(Kind.STEP)
        if event.thing.cls != "SGD"
    }
    assert ("StepLR", 0) in steps
    assert ("StepLR", 1) not in steps
    assert ("ReduceLROnPlateau", 0) not in steps


LOADING = """
from torch.utils.data import DataLoader

class Options:
    epochs = 2
    accumulation = 8

def loaders(data, args):
    size = 128 // args.accumulation
    train = DataLoader(data["train"], size)
    test = DataLoader(data["test"], size)
    names = sorted(data)
    print(names)
    print(size)
    args.total_steps = len(train) * args.epochs
    return train, test
"""
TRAINER = """
class Trainer:
    @classmethod
    def run(cls, args, model, loader, optimizer, scheduler):
        for epoch in range(args.epochs):
            cls.epoch(model, loader, optimizer)
            scheduler.step()

    @staticmethod
    def epoch(model, loader, optimizer):
        for x in loader:
            model(x).backward()
            optimizer.step()
"""
WHOLE = """
import torch
from loading import Options, loaders
from trainer import Trainer

def main(model, data):
    args = Options()
    loader, test = loaders(data, args)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.total_steps)
    Trainer.run(args, model, loader, optimizer, scheduler)
"""


def test_methods_called_on_a_class_and_functions_that_set_up_options_are_run(tmp_path):
    (tmp_path / "pyproject.toml").write_text("")
    for name, text in (("loading", LOADING), ("trainer", TRAINER), ("main", WHOLE)):
        (tmp_path / f"{name}.py").write_text(text)
    names = Names(ast.parse(WHOLE))
    Neighbourhood(str(tmp_path / "main.py"), names)
    trace = next(trace for trace in traces_of(names.tree, names) if trace.entry == "main")
    optimizer, scheduler = (event.thing for event in trace.of(Kind.BUILD))
    update = trace.of(Kind.STEP, optimizer)[-1]
    assert [str(turn.trip) for turn in update.turns] == ["args.epochs", "len(train)"]
    length = scheduler.arguments["T_max"]
    assert length.units == {unit for turn in update.turns for unit in turn.trip.units}
    assert len(trace.of(Kind.STEP, scheduler)[-1].turns) == 1
    assert not trace.of(Kind.ESCAPE)
