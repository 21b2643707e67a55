"""Engines that call handlers at events: the two loops that the file does not write are run all the same."""

from __future__ import annotations

import ast

import pytest

from lrfix.tracing.entries import traces_of
from lrfix.tracing.events import Kind

IGNITE = """
import functools

import torch
from ignite.engine import Engine, Events, create_supervised_trainer
from torch.optim.lr_scheduler import StepLR


def main(model, loader, epochs, loss_fn):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = StepLR(optimizer, 30)

    def update(engine, batch):
        optimizer.zero_grad()
        loss_fn(model(batch)).backward()
        optimizer.step()

    trainer = {trainer}

    {attached}

    trainer.run(loader, max_epochs=epochs)
"""
OWN, SUPPLIED = "Engine(update)", "create_supervised_trainer(model, optimizer, loss_fn)"


def decorated(event):
    return f"@trainer.on(Events.{event})\n    def move(engine):\n        scheduler.step()"


def given(event):
    return f"trainer.add_event_handler(Events.{event}, lambda engine: scheduler.step())"


def steps(source):
    """What steps in the first trace of `main`, with the number of loops around it."""
    trace = next(trace for trace in traces_of(ast.parse(source)) if trace.entry == "main")
    assert trace.ended is None
    return [(type(e.thing).__name__, len(e.turns)) for e in trace.events if e.kind is Kind.STEP]


EPOCH = [("Optimizer", 2), ("Optimizer", 2)]


@pytest.mark.parametrize("trainer", [OWN, SUPPLIED])
@pytest.mark.parametrize("attached", [decorated, given])
@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("STARTED", [("Scheduler", 0), *EPOCH, *EPOCH]),
        ("EPOCH_STARTED", [("Scheduler", 1), *EPOCH, ("Scheduler", 1), *EPOCH]),
        ("ITERATION_STARTED", [("Scheduler", 2), ("Optimizer", 2)] * 4),
        ("ITERATION_COMPLETED", [("Optimizer", 2), ("Scheduler", 2)] * 4),
        ("EPOCH_COMPLETED", [*EPOCH, ("Scheduler", 1), *EPOCH, ("Scheduler", 1)]),
        ("COMPLETED", [*EPOCH, *EPOCH, ("Scheduler", 0)]),
    ],
)
def test_handlers_are_called_at_their_events(trainer, attached, event, expected):
    assert steps(IGNITE.format(trainer=trainer, attached=attached(event))) == expected


@pytest.mark.parametrize("trainer", [OWN, SUPPLIED])
@pytest.mark.parametrize(
    ("attached", "found"),
    [
        (decorated("EPOCH_STARTED"), ["LR301"]),
        (given("EPOCH_STARTED"), ["LR301"]),
        (decorated("EPOCH_COMPLETED"), []),
        (given("ITERATION_COMPLETED"), []),
        # Nobody can say which epochs these are: nothing is said of the scheduler.
        (decorated("EPOCH_COMPLETED(every=2)"), []),
        (given("EPOCH_STARTED(once=3)"), []),
        ("trainer.add_event_handler(Events.EPOCH_COMPLETED, functools.partial(scheduler.step))", []),
        # A handler out of sight has the optimizer in hand when it is called, not when it is attached.
        (
            'trainer.add_event_handler(Events.EPOCH_COMPLETED, Checkpoint("."), {"optimizer": optimizer})\n    '
            + decorated("EPOCH_STARTED"),
            ["LR301"],
        ),
        ('trainer.add_event_handler(Events.STARTED, Resume("."), optimizer)\n    ' + decorated("EPOCH_STARTED"), []),
    ],
)
def test_a_schedule_is_judged_by_when_its_handler_is_called(trainer, attached, found, codes):
    assert codes(IGNITE.format(trainer=trainer, attached=attached)) == found


def test_an_engine_that_runs_elsewhere_says_nothing(codes):
    source = IGNITE.format(trainer=OWN, attached=decorated("EPOCH_STARTED"))
    assert codes(source.replace("trainer.run(loader, max_epochs=epochs)", "return trainer")) == []
