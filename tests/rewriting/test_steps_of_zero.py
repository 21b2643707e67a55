"""A formula that divides by the step counts its first step as 1, so that the first two rates are one."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

NOAM = """
import torch
from torch.optim.lr_scheduler import LambdaLR


def rate(step, width: int, warmup: int):
    step = max(step, 1)
    return width ** -0.5 * min(step ** -0.5, step * warmup ** -1.5)


def build(model, width: int, warmup: int):
    optimizer = torch.optim.Adam(model.parameters(), lr=1.0)
    return LambdaLR(optimizer, lambda step: rate(step, width, warmup))
"""


def test_the_first_step_like_the_second_is_a_way_to_count(rewrite):
    result = rewrite(NOAM, verify=True)
    assert {site.kind for site in result.sites} == {"equivalent"}
    assert 'warmup_progress="max(k,1)/W"' in result.after
    assert "rate(step, width, warmup)" not in result.after
