"""Where old and new part in settings alone that are legal and that nobody is seen to choose, the rewrite is limited."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

# With 11.5 steps of warmup the old line overshoots: 12/11.5.
RAMP = """
from torch.optim.lr_scheduler import LambdaLR

def build(optimizer, warmup):
    return LambdaLR(optimizer, lambda step: (step + 1) / warmup if step < warmup else 1.0)
"""
RATE = """
def rate(step, warmup_steps, lr):
    if step < warmup_steps:
        return lr * (step + 1) / warmup_steps
    return lr
"""
CALLED = """
def train(model, total):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = build(optimizer, 0.06 * total)
    for _ in range(total):
        optimizer.step()
        scheduler.step()
"""


@pytest.mark.parametrize("text", [RAMP, RATE], ids=["scheduler", "in place"])
def test_the_report_says_in_which(rewrite, text):
    (site,) = rewrite(text, verify=True).sites
    assert site.kind == "limited"
    assert site.standing.startswith("equivalent but not ")
    assert any("nobody is seen to choose" in note for note in site.notes)


@pytest.mark.parametrize("text", [RAMP, RATE], ids=["scheduler", "in place"])
def test_whoever_wants_equivalent_ones_only_does_not_get_it(rewrite, text):
    result = rewrite(text, verify=True, only_equivalent=True)
    assert not result.sites
    assert result.left[0].reason.endswith("left out by --only equivalent")


@pytest.mark.parametrize("text", ["import torch" + RAMP + CALLED, RATE + "\nrate(3, 0.06 * 800, 0.1)\n"])
def test_what_somebody_is_seen_to_pass_is_not_merely_legal(rewrite, text):
    assert not rewrite(text, verify=True).sites


def test_whole_numbers_by_declaration_are_equivalent(rewrite):
    (site,) = rewrite(RATE.replace("step, warmup_steps,", "step: int, warmup_steps: int,"), verify=True).sites
    assert (site.kind, site.limits) == ("equivalent", ())
