"""Schedules that only the settings of transformers' trainer state."""

from __future__ import annotations

import asking
import pytest

SCRIPT = """
    from transformers import SchedulerType, Trainer, TrainingArguments, get_scheduler
    from trl import SFTConfig

    def main(model, data, args, optimizer):
        arguments = {call}
        Trainer(model=model, args=arguments, train_dataset=data{more}).train()
    """


def told(call, more=""):
    return asking.faults(SCRIPT.format(call=call, more=more), "LR106", "LR310")


@pytest.mark.parametrize(
    ("call", "codes"),
    [
        ("TrainingArguments('out', lr_scheduler_type='constant', warmup_ratio=0.03)", ["LR106"]),
        ("TrainingArguments('out', lr_scheduler_type=SchedulerType.CONSTANT, warmup_steps=100)", ["LR106"]),
        ("SFTConfig('out', lr_scheduler_type='constant', warmup_ratio=0.03)", ["LR106"]),
        ("get_scheduler('constant', optimizer, num_warmup_steps=100)", ["LR106"]),
        ("get_scheduler('constant', optimizer, 100)", ["LR106"]),
        ("TrainingArguments('out', lr_scheduler_type='constant')", []),
        ("TrainingArguments('out', lr_scheduler_type='constant', warmup_steps=0)", []),
        ("TrainingArguments('out', lr_scheduler_type='constant_with_warmup', warmup_ratio=0.03)", []),
        ("TrainingArguments('out', lr_scheduler_type=args.schedule, warmup_ratio=0.03)", []),
        ("TrainingArguments('out', lr_scheduler_type='constant', warmup_steps=args.warmup)", []),  # may be 0
        ("get_scheduler('constant', optimizer, num_warmup_steps=0)", []),
    ],
)
def test_a_warmup_beside_a_constant(call, codes):
    assert told(call) == codes


@pytest.mark.parametrize(
    ("call", "codes"),
    [
        ("TrainingArguments('out', max_steps=500, warmup_steps=1000)", ["LR310"]),
        ("TrainingArguments('out', max_steps=500, warmup_steps=500, lr_scheduler_type='cosine')", ["LR310"]),
        ("TrainingArguments('out', max_steps=500, warmup_steps=100)", []),
        ("TrainingArguments('out', max_steps=500, warmup_steps=0.1)", []),  # a share, since version 5
        ("TrainingArguments('out', max_steps=-1, warmup_steps=100)", []),
        ("TrainingArguments('out', max_steps=2, warmup_steps=5)", []),  # a trial
        ("TrainingArguments('out', num_train_epochs=3, warmup_steps=1000)", []),
    ],
)
def test_a_warmup_that_outlasts_the_run(call, codes):
    assert told(call) == codes


def test_a_trainer_that_is_given_its_schedule_builds_none():
    arguments = "TrainingArguments('out', max_steps=500, warmup_steps=1000)"
    assert told(arguments, more=", optimizers=(optimizer, args.scheduler)") == []
