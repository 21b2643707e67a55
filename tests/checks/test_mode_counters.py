"""LR102: a counter that advances in one mode of training alone."""

from __future__ import annotations

import pytest

TRAINER = """
    class Trainer:
        def fit_batch(self, batch):
            if {test}:
                self.extra_optimizer.step()
                {inner}
            {outer}
            self.lr_annealing(self.optimizer, self.optimizer_step)
"""
COUNT = "self.optimizer_step += 1"


def lines(check, test="self.mode == Mode.LATENT", inner=COUNT, outer="pass") -> list[int]:
    source = TRAINER.format(test=test, inner=inner, outer=outer)
    return [f.span.start.line for f in check(source) if f.code == "LR102"]


@pytest.mark.parametrize("test", ["self.mode == Mode.LATENT", "self.mode == 'latent' and loss is not None"])
def test_a_schedule_that_is_asked_in_every_mode(check, test):
    assert lines(check, test=test) == [6]


@pytest.mark.parametrize(
    "parts",
    [
        {"inner": "pass", "outer": COUNT},
        {"outer": COUNT},
        {"test": "should_step"},
        {"test": "self.step % self.accumulation == 0"},
        {"test": "self.mode == self.other"},
    ],
)
def test_counters_that_advance_with_the_optimizer(check, parts):
    assert lines(check, **parts) == []
