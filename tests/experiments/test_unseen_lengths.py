"""Lengths of schedulers whose class, or whose steps, are out of sight, and what two counts in sight say."""

from __future__ import annotations

import pytest

CONFIGURED = """
    from project import make

    def main(cfg, model, optimizer, loader):
        scheduler = make(cfg.schedule, optimizer, {length})
        for epoch in range(cfg.epochs):
            for batch in loader:
                for _ in range(cfg.rounds):
                    model(batch).backward()
                    optimizer.step()
                    {inner}
                {outer}
    """


@pytest.mark.parametrize(
    ("length", "inner", "outer", "told"),
    [
        ("num_training_steps=cfg.epochs * len(loader)", "scheduler.step()", "pass", True),
        ("num_training_steps=cfg.epochs * len(loader)", "pass", "scheduler.step()", False),
        ("num_training_steps=cfg.epochs * len(loader) * cfg.rounds", "scheduler.step()", "pass", False),
        ("warmup=cfg.epochs * len(loader)", "scheduler.step()", "pass", False),
        ("max_steps=cfg.max_steps", "scheduler.step()", "pass", False),
    ],
)
def test_a_scheduler_that_is_stepped_some_turns_too_often(length, inner, outer, told, asked):
    found = asked("LR310", CONFIGURED.format(length=length, inner=inner, outer=outer))
    assert [each.advice for each in found] == [True] * told


PER_EPOCH = """
    import torch

    def main(model, args, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, {length})
        for epoch in range(args.epochs):
            for batch in {batches}:
                model(batch).backward()
                optimizer.step()
                scheduler.step()
    """


@pytest.mark.parametrize(
    ("length", "batches", "told"),
    [
        ("args.epochs * 1500", "loader", True),
        ("args.epochs * len(loader)", "loader", False),
        ("args.epochs * 1500", "range(1500)", False),
        ("100000", "loader", False),
    ],
)
def test_a_length_that_takes_an_epoch_for_so_many_batches(length, batches, told, asked):
    found = asked("LR310", PER_EPOCH.format(length=length, batches=batches))
    assert [each.advice for each in found] == [True] * told


HANDED = """
    import argparse
    import torch
    from project import Learner

    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default={epochs})

    def main(model, train_loader):
        args = parser.parse_args()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max={length})
        Learner(model, optimizer=optimizer, scheduler=scheduler, args=args).train(train_loader)

    main()
    """


@pytest.mark.parametrize(
    ("length", "epochs", "told"),
    [
        ("len(train_loader)", 200, True),
        ("len(train_loader)", 1, False),
        ("len(train_loader) * args.epochs", 200, False),
        ("args.epochs", 200, False),
    ],
)
def test_a_length_of_one_epoch_for_a_trainer_out_of_sight(length, epochs, told, asked):
    found = asked("LR302", HANDED.format(length=length, epochs=epochs))
    assert [each.advice for each in found] == [True] * told


BY_DEFAULT = """
    import torch

    class Trainer:
        def __init__(self, model, steps{default}):
            {before}
            self.optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=steps)

        def fit(self, loader):
            for batch in loader:
                self.model(batch).backward()
                self.optimizer.step()
                self.scheduler.step()
    """


@pytest.mark.parametrize(
    ("default", "before", "told"),
    [
        ("=None", "self.model = model", True),
        ("", "self.model = model", False),
        ("=1000", "self.model = model", False),
        ("=None", "assert steps is not None", False),
        ("=None", "steps = steps or 1000", False),
    ],
)
def test_a_length_that_may_be_left_out(default, before, told, asked):
    found = asked("LR310", BY_DEFAULT.format(default=default, before=before))
    assert [each.advice for each in found] == [True] * told


def test_a_step_that_is_told_the_index_moves_on_by_one(asked):
    source = """
    import torch

    def main(model, loader):
        epochs = 15
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, int(1e10))
        for epoch in range(epochs):
            scheduler.step({told})
            for x, y in loader:
                model(x, y).backward()
                optimizer.step()
    """
    assert len(asked("LR310", source.format(told="epoch"))) == len(asked("LR310", source.format(told=""))) == 1
    assert asked("LR310", source.format(told="epoch * 1000000")) == []
