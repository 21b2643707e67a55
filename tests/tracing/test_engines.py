"""Libraries that take optimizers and schedulers over: what their clocks say happens, happens in the trace."""

from __future__ import annotations

import pytest

DEEPSPEED = """
import deepspeed
import torch
from torch.optim.lr_scheduler import LambdaLR


def main(model, data, config, total):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = LambdaLR(optimizer, lambda step: max(0.0, 1 - step / total))
    engine, optimizer, loader, scheduler = deepspeed.initialize(
        model=model, optimizer=optimizer, lr_scheduler=scheduler, config=config, training_data=data
    )
    for inputs in loader:
        {before}
        loss = engine(inputs)
        engine.backward(loss)
        engine.{step}()
        {after}
"""
TRAINER = """
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR
from transformers import Trainer, TrainingArguments


class Own(Trainer):
    def compute_loss(self, model, inputs):
        return model(inputs).sum()

    {method}


def main(model, data, epochs, updates, n):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = CosineAnnealingLR(optimizer, T_max={length})
    settings = TrainingArguments("out", {settings})
    trainer = {trainer}(model=model, args=settings, train_dataset=data, optimizers=(optimizer, scheduler))
    trainer.train()
"""


def deepspeed(before: str = "pass", after: str = "pass", step: str = "step") -> str:
    return DEEPSPEED.format(before=before, after=after, step=step)


def trainer(length: str, settings: str = "num_train_epochs=epochs", cls: str = "Trainer", method: str = "x = 1") -> str:
    return TRAINER.format(length=length, settings=settings, trainer=cls, method=method)


def loop_codes(check, source: str) -> list[tuple[str, int]]:
    return [(f.code, f.span.start.line) for f in check(source) if f.code.startswith("LR3")]


@pytest.mark.parametrize("step", ["step", "train_batch"])
def test_an_engine_steps_its_scheduler_and_nobody_else_should(check, step):
    assert loop_codes(check, deepspeed(step=step)) == []
    assert loop_codes(check, deepspeed(after="scheduler.step()", step=step)) == [("LR304", 18)]
    assert loop_codes(check, deepspeed(before="scheduler.step()", step=step)) == [("LR304", 14)]


def test_a_scheduler_of_the_engines_own_configuration_is_the_engines(check):
    source = deepspeed(after="scheduler.step()").replace("lr_scheduler=scheduler, ", "")
    assert ("LR304", 18) in loop_codes(check, source)


def test_a_method_of_the_engine_that_moves_nothing_is_none(check):
    assert loop_codes(check, deepspeed(after="scheduler.step()", step="eval")) == []


@pytest.mark.parametrize("cls", ["Trainer", "Own"])
def test_a_trainer_steps_with_every_update_so_a_length_in_epochs_is_over_at_once(check, cls):
    assert loop_codes(check, trainer("epochs", cls=cls)) == [("LR302", 16)]
    assert loop_codes(check, trainer("epochs * updates", cls=cls)) == []
    assert loop_codes(check, trainer("n", cls=cls)) == []


def test_a_trainer_that_something_else_ends_says_nothing_of_epochs(check):
    assert loop_codes(check, trainer("epochs", settings="num_train_epochs=epochs, max_steps=n")) == []
    assert loop_codes(check, trainer("epochs", settings="**epochs")) == []


@pytest.mark.parametrize("name", ["train", "create_scheduler", "_inner_training_loop"])
def test_a_trainer_that_goes_its_own_way_is_not_followed(check, name):
    method = f"def {name}(self, *arguments):\n        return None"
    assert loop_codes(check, trainer("epochs", cls="Own", method=method)) == []
