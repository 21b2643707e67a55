"""LR209: a decay under a test that holds at step 0."""

from __future__ import annotations

import textwrap

import pytest

LOOP = """
    from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, StepLR

    def train(optimizer, loader, interval, start_epoch=0):
        scheduler = {scheduler}
        step = {start}
        for {loop}:
            {before}
            update(optimizer)
            if {test}:
                scheduler.step()
            {after}
"""


@pytest.fixture
def lines(check):
    def found(test="step % interval == 0", **parts):
        given = {
            "scheduler": "ExponentialLR(optimizer, 0.9)",
            "start": "0",
            "loop": "batch in loader",
            "before": "pass",
            "after": "step += 1",
        }
        source = textwrap.dedent(LOOP).format(test=test, **{**given, **parts})
        return [f.span.start.line for f in check(source) if f.code == "LR209"]

    return found


@pytest.mark.parametrize("scheduler", ["ExponentialLR(optimizer, 0.9)", "StepLR(optimizer, 1, 0.5)"])
@pytest.mark.parametrize("interval", ["interval", "1000", "args.every"])
def test_zero_is_a_multiple_of_every_interval(lines, scheduler, interval):
    assert lines(test=f"step % {interval} == 0", scheduler=scheduler) == [10]


@pytest.mark.parametrize("loop", ["step in range(100)", "step, batch in enumerate(loader)", "step in tqdm(range(100))"])
def test_loops_that_number_their_turns_from_zero(lines, loop):
    assert lines(loop=loop, after="pass") == [10]


@pytest.mark.parametrize(
    "test", ["step > 0 and step % interval == 0", "(step + 1) % interval == 0", "step % interval == 1", "step % 1 == 0"]
)
def test_tests_that_leave_zero_out(lines, test):
    assert lines(test=test) == []


@pytest.mark.parametrize(
    "parts",
    [
        {"start": "1"},
        {"start": "start_epoch"},
        {"before": "step += 1", "after": "pass"},
        {"loop": "step in range(1, 100)", "after": "pass"},
        {"loop": "step in range(start_epoch, 100)", "after": "pass"},
        {"loop": "step, batch in enumerate(loader, 1)", "after": "pass"},
    ],
)
def test_counters_that_are_not_zero_at_the_first_test(lines, parts):
    assert lines(**parts) == []


def test_a_step_that_need_not_be_a_decay(lines):
    assert lines(scheduler="CosineAnnealingLR(optimizer, 100)") == []
    assert lines(scheduler="StepLR(optimizer, 30)") == []
