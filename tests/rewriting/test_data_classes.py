"""A dataclass that holds the run's options is taken into the proof as the class that it is."""

from __future__ import annotations

import pytest

OPTIONS = """
from dataclasses import dataclass
from torch.optim.lr_scheduler import LambdaLR


@dataclass
class Options:
    total_steps: int = 400
    cooldown_steps: int = 100
    decay: str = "linear"


args = Options()


def factor(step):
    if step < args.total_steps - args.cooldown_steps:
        return 1.0
    if args.decay != "linear":
        raise ValueError(args.decay)
    return max(0.0, (args.total_steps - step) / args.cooldown_steps)


def build(optimizer):
    return LambdaLR(optimizer, factor)
"""


def test_its_values_are_those_of_the_fields(rewrite):
    pytest.importorskip("torch")
    result = rewrite(OPTIONS, verify=True)
    (site,) = result.sites
    assert site.kind == "limited"  # a run of one step, which nobody is seen to choose, begins inside the cooldown
    assert "WarmupStableDecayLR(" in result.after
    assert "def __init__(self, total_steps=400, cooldown_steps=100, decay='linear')" in site.proofs[0].request.old


def test_one_that_is_made_by_calls_is_left(rewrite):
    result = rewrite(OPTIONS.replace('= "linear"', '= str("linear")'))
    assert not result.sites and "made by calls" in result.left[0].reason
