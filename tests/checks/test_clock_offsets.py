"""LR109: a schedule without the resumed steps that the rest of the file counts."""

from __future__ import annotations

import pytest

LOOP = """
    class TrainLoop:
        def __init__(self, optimizer, lr, anneal_steps, resume_step):
            self.optimizer = optimizer
            self.lr = lr
            self.anneal_steps = anneal_steps
            self.step = 0
            self.resume_step = resume_step

        def anneal_lr(self):
            done = {done}
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr * (1 - done)

        def save(self):
            write(f"model{{{saved}}}.pt")
"""


def lines(check, done: str, saved: str = "self.step + self.resume_step") -> list[int]:
    return [f.span.start.line for f in check(LOOP.format(done=done, saved=saved)) if f.code == "LR109"]


def test_the_count_of_this_process_alone(check):
    assert lines(check, "min(1.0, self.step / self.anneal_steps)") == [11]


@pytest.mark.parametrize(
    "done",
    [
        "min(1.0, (self.step + self.resume_step) / self.anneal_steps)",
        "min(1.0, (self.step - start_step) / self.anneal_steps)",
    ],
)
def test_a_count_with_a_start_of_its_own(check, done):
    assert lines(check, done) == []


def test_a_file_that_never_adds_anything_to_the_count(check):
    assert lines(check, "min(1.0, self.step / self.anneal_steps)", saved="self.step") == []
