"""Cosines: the half period and everything that is written in its place."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrfix.config import Settings
from lrfix.engine import check_source

ANNEALING = """
import math
from torch.optim.lr_scheduler import LRScheduler

class Cosine(LRScheduler):
    def __init__(self, optimizer, total_steps, eta_min=0.0, last_epoch=-1):
        self.total_steps = total_steps
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        p = min(1.0, self.last_epoch / self.total_steps)
        return [{formula} for base in self.base_lrs]
"""


def found(source: str) -> list[str]:
    selected = Settings(selected=frozenset({"LR206"}))
    return [f.code for f in check_source(textwrap.dedent(source).encode(), "train.py", selected).findings]


@pytest.mark.parametrize(
    "formula",
    [
        "self.eta_min + 0.5 * (base - self.eta_min) * (1 + math.cos(p))",
        "self.eta_min + 0.5 * (base - self.eta_min) * (1 + math.cos(180 * p))",
        "self.eta_min + 0.5 * (base - self.eta_min) * (1 + math.cos(2 * math.pi * p))",
        "self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * p))",
        "self.eta_min + 0.5 * (base - self.eta_min) * (1 - math.cos(math.pi * p))",
        "self.eta_min + (base - self.eta_min) * math.cos(math.pi / 2 * p)",
    ],
)
def test_every_part_left_out_is_named(formula):
    assert found(ANNEALING.format(formula=formula)) == ["LR206"]


@settings(max_examples=8, deadline=None)
@given(power=st.sampled_from([1, 2, 3]), share=st.sampled_from([0.9, 0.8, 1.0]))
def test_a_half_period_is_sound_whatever_is_made_of_it(power, share):
    formula = (
        f"self.eta_min + (base - self.eta_min) * (0.5 * (1 + math.cos(math.pi * min(1.0, p / {share})))) ** {power}"
    )
    assert found(ANNEALING.format(formula=formula)) == []


def test_a_cosine_that_climbs_in_a_warmup_is_no_decay_upside_down():
    assert (
        found(
            """
            import math
            from torch.optim.lr_scheduler import LambdaLR

            def build(optimizer, warmup_steps):
                return LambdaLR(optimizer, lambda k: 0.5 * (1 - math.cos(math.pi * min(1.0, k / warmup_steps))))
            """
        )
        == []
    )


@pytest.mark.parametrize(("angle", "reported"), [("0.5 * np.pi", True), ("np.pi", False)])
def test_functions_of_step_and_length_are_judged_too(angle, reported):
    source = f"""
        import numpy as np

        def cosine_decay_lr(step, steps):
            return {"" if reported else "0.5 + 0.5 * "}np.cos({angle} * step / (steps - 1))

        def set_rate(optimizer, step, steps, lr):
            for group in optimizer.param_groups:
                group["lr"] = lr * cosine_decay_lr(step, steps)
        """
    assert set(found(source)) == ({"LR206"} if reported else set())
