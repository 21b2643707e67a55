"""Where training stands, and how long it lasts, asked of the objects that trainers hand to hooks and callbacks."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.analysis import SiteAnalysis, analyse
from lrfix.source import parse_source

HOOK = """
    from trainers import Callback

    class LRWarmup(Callback):
        def before_step(self, {owner}, optimizer):
            now, last = {now}, {last}
            if now < self.warmup_steps:
                scale = now / self.warmup_steps
            else:
                scale = max(0.0, 1 - (now - self.warmup_steps) / (last - self.warmup_steps))
            for group in optimizer.param_groups:
                group["lr"] = scale * self.base_lr
"""


def analysed(text: str) -> SiteAnalysis:
    (found,) = analyse(parse_source(textwrap.dedent(text).encode(), "hooks.py"))
    return found


@pytest.mark.parametrize(
    ("owner", "now", "last"),
    [
        ("state", "state.global_step", "state.max_steps"),
        ("trainer", "trainer.global_step", "trainer.estimated_stepping_batches"),
        ("engine", "engine.state.iteration", "engine.state.max_iters"),
        ("runner", "runner.iter", "runner.max_iters"),
        ("runner", "runner.global_batch_step", "runner.total_steps"),
        ("state", "state.timestamp.batch", "state.max_duration"),
    ],
)
def test_every_trainer_s_words_for_the_present_step_are_understood(owner, now, last):
    found = analysed(HOOK.format(owner=owner, now=now, last=last))
    assert found.family == "linear-warmup+linear", found.reason
    assert found.scenarios[0].values[last] > 80


@pytest.mark.parametrize("left", ["progress_remaining", "current_progress_remaining", "remaining_progress"])
def test_what_is_left_of_the_run_shrinks_from_1_to_0(left):
    found = analysed(f"""
        def linear_schedule(initial_lr):
            def rate({left}: float) -> float:
                return {left} * initial_lr
            return rate
        """)
    assert found.family == "linear"
    assert found.curve[0] == pytest.approx(found.scenarios[0].values["initial_lr"])
    assert found.curve[-1] == 0


def test_a_closure_that_an_optimizer_s_step_is_given_is_no_optimizer():
    found = analysed("""
        class Model:
            def optimizer_step(self, epoch, batch_idx, optimizer, optimizer_closure):
                if self.trainer.global_step < 500:
                    scale = min(1.0, (self.trainer.global_step + 1) / 500)
                    for group in optimizer.param_groups:
                        group["lr"] = scale * self.learning_rate
                optimizer.step(closure=optimizer_closure)
        """)
    assert found.curve[:2] == pytest.approx([0.1 / 500, 0.2 / 500])
