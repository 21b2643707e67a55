"""Drops of a staircase that lie inside the warmup: no draw has them there, and the two schedules part in them alone."""

from __future__ import annotations

import pytest

AT_ONCE = """
from bisect import bisect_right


def rate(step, milestones, gamma=0.1, warm=5, start=0.01):
    factor = gamma ** bisect_right(milestones, step)
    if step < warm:
        factor = factor * (start + (1 - start) * step / warm)
    return factor
"""
FROM_ITS_END = """
from bisect import bisect_right


def rate(step, milestones, gamma=0.1, warm=5, start=0.01):
    if step < warm:
        return start + (1 - start) * step / warm
    return gamma ** bisect_right(milestones, step)
"""
EVERY = """
def set_rate(optimizer, epoch, base, warm=5):
    lr = base * 0.1 ** (epoch // 30)
    if epoch < warm:
        lr = lr * (epoch + 1) / warm
    for group in optimizer.param_groups:
        group["lr"] = lr
"""


@pytest.mark.parametrize("text", [AT_ONCE, EVERY], ids=["milestones", "every so many steps"])
def test_drops_that_scale_the_warmup_at_once_are_kept(rewrite, text):
    assert 'count_from="start-in-warmup"' in rewrite(text).after


def test_drops_that_wait_for_the_end_of_the_warmup_are_kept(rewrite):
    result = rewrite(FROM_ITS_END)
    assert result.sites and "count_from" not in result.after


def test_the_proof_has_a_warmup_behind_the_drops(rewrite):
    (site,) = rewrite(FROM_ITS_END).sites
    settings = [setting.values for proof in site.proofs for setting in proof.request.settings]
    assert any(values["milestones"] and values["warm"] > max(values["milestones"]) for values in settings)
