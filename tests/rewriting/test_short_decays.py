"""A decay of less than one step is where a guarded formula and the bundled schedule part: the report says so."""

from __future__ import annotations

import pytest

LINEAR = """
from torch.optim.lr_scheduler import LambdaLR

def build(optimizer, warmup, total):
    def factor(step):
        if step < warmup:
            return step / max(1, warmup)
        return max(0.0, (total - step) / max(1, total - warmup))
    return LambdaLR(optimizer, factor)
"""
FUNCTION = """
def rate(step, warmup_steps, total_steps, lr):
    if step < warmup_steps:
        return lr * step / max(1, warmup_steps)
    return lr * max(0.0, (total_steps - step) / max(1, total_steps - warmup_steps))
"""


@pytest.mark.parametrize("text", [LINEAR, FUNCTION], ids=["scheduler", "in place"])
def test_fractional_lengths_may_leave_less_than_a_step(rewrite, text):
    (site,) = rewrite(text).sites
    assert any("is less than one step" in note for note in site.notes)


@pytest.mark.parametrize("text", [LINEAR, FUNCTION], ids=["scheduler", "in place"])
def test_what_such_lengths_make_another_is_equivalent_for_longer_decays_only(rewrite, text):
    (site,) = rewrite(text).sites
    assert site.standing == "equivalent for decays of a step or more"


def test_a_length_that_is_worked_out_first_is_the_same_length(rewrite):
    guarded = "        return max(0.0, (total - step) / max(1, total - warmup))"
    text = LINEAR.replace(
        guarded, "        left = total - warmup\n        return max(0.0, (total - step) / max(1, left))"
    )
    assert text != LINEAR
    (site,) = rewrite(text).sites
    assert site.standing == "equivalent for decays of a step or more"


def test_whole_lengths_never_do(rewrite):
    text = LINEAR.replace("warmup, total)", "warmup: int, total: int)")
    (site,) = rewrite(text).sites
    assert not any("less than one step" in note for note in site.notes)
    assert site.standing == "equivalent"


def test_a_length_made_of_whole_numbers_is_whole(rewrite):
    text = LINEAR.replace("warmup, total)", "epochs: int, loader)").replace(
        "    def factor", "    warmup = 2 * len(loader)\n    total = epochs * len(loader)\n    def factor"
    )
    (site,) = rewrite(text).sites
    assert site.standing == "equivalent"
