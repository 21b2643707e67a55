"""torch's own schedulers put together: one bundled scheduler in their place, where all of them go."""

from __future__ import annotations

import pytest

_HEAD = """
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR


def train(model, loader, warmup: int, total: int):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
"""
_PARTS = """\
    # up, then down
    warm = LinearLR(optimizer, start_factor=0.01, total_iters=warmup)
    main = CosineAnnealingLR(optimizer, T_max=total - warmup, eta_min=1e-6)
    scheduler = SequentialLR(optimizer, [warm, main], milestones=[warmup])
"""
_LOOP = """\
    for step in range(total):
        model(next(loader)).backward()
        optimizer.step()
        scheduler.step()
"""


def test_a_warmup_before_a_cosine_becomes_one_scheduler(rewrite):
    result = rewrite(_HEAD + _PARTS + _LOOP, verify=True)
    assert [site.kind for site in result.sites] == ["equivalent"]
    assert result.after == _HEAD.replace(
        "from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR",
        "from lrfix.schedulers import WarmupCosineLR",
    ) + (
        "    # up, then down\n"
        "    scheduler = WarmupCosineLR(\n"
        "        optimizer,\n"
        "        total,\n"
        "        warmup_steps=warmup,\n"
        "        eta_min=1e-6,\n"
        "        warmup_start_factor=0.01,\n"
        "    )\n" + _LOOP
    )


def test_lengths_that_may_be_fractions_are_told_apart(rewrite):
    (site,) = rewrite((_HEAD + _PARTS + _LOOP).replace(": int", "")).sites
    assert site.standing == "equivalent up to its end at `total`, for whole numbers of steps"


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        ("    print(warm.get_last_lr())\n", "the LinearLR of line 9 would be left, with nothing to do"),
        (
            "    print(scheduler._schedulers)\n",
            "line 16 reads `_schedulers`, which the bundled scheduler does not have",
        ),
        (
            "    print(isinstance(scheduler, SequentialLR))\n",
            "line 16 tests whether a scheduler is a SequentialLR",
        ),
        (
            "    LinearLR(optimizer)\n",
            "it goes on from the rate that it finds, and line 16 decides the rate of an optimizer too",
        ),
    ],
)
def test_what_more_is_done_with_it_keeps_it(rewrite, after, reason):
    result = rewrite(_HEAD + _PARTS + _LOOP + after)
    assert not result.changed
    assert result.left[0].reason == reason


def test_a_scheduler_of_the_other_branch_is_no_company(rewrite):
    indented = "".join(f"    {line}\n" for line in _PARTS.splitlines())
    other = "    else:\n        scheduler = CosineAnnealingLR(optimizer, T_max=total)\n"
    result = rewrite(_HEAD + "    if warmup > 0:\n" + indented + other + _LOOP)
    assert "scheduler = WarmupCosineLR(" in result.after


def test_parts_under_one_name_in_every_branch_go_with_their_own(rewrite):
    text = """
import torch
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR


def build(model, down, warmup: int, total: int):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    if down == "cosine":
        from torch.optim.lr_scheduler import SequentialLR

        part = CosineAnnealingLR(optimizer, T_max=total - warmup)
        return SequentialLR(optimizer, [LinearLR(optimizer, 0.01, total_iters=warmup), part], [warmup])
    part = ConstantLR(optimizer, factor=0.5, total_iters=total)
    print("part")
    return part
"""
    result = rewrite(text)
    assert "part = CosineAnnealingLR" not in result.after
    assert "SequentialLR" not in result.after
    assert "part = ConstantLR(optimizer, factor=0.5, total_iters=total)" in result.after
    assert "return WarmupCosineLR(optimizer, total, warmup_steps=warmup, warmup_start_factor=0.01)" in result.after
