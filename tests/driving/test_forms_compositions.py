"""Schedulers put together from others: what is known of each part, and what is not."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.analysis import analyse
from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.registry import load_rules
from lrfix.source import parse_source

BUILT = """
    from torch.optim.lr_scheduler import ChainedScheduler, CosineAnnealingLR, LinearLR, SequentialLR


    def build(optimizer, config, warmup, total):
        options = {{key: value for key, value in config.items() if key != "name"}}
        falling = CosineAnnealingLR(optimizer, T_max=total - warmup, {given})
        rising = LinearLR(optimizer, start_factor=1e-6, total_iters=warmup)
        return {whole}
"""
WHOLES = [
    "SequentialLR(optimizer, [rising, falling], milestones=[warmup])",
    "ChainedScheduler([SequentialLR(optimizer, [rising, falling], milestones=[warmup])])",
    "ChainedScheduler([rising, falling])",
]


@pytest.mark.parametrize("whole", WHOLES)
@pytest.mark.parametrize(("given", "known"), [("**options", False), ("eta_min=config['floor']", True)])
def test_a_part_that_cannot_be_built_leaves_the_rate_unknown(whole, given, known):
    code = textwrap.dedent(BUILT.format(whole=whole, given=given)).encode()
    analyses = analyse(parse_source(code, "train.py"))
    assert [(found.status.judged, "`falling`" in (found.reason or "")) for found in analyses] == [(known, not known)]
    result = check_source(code, "train.py", Settings(selected=frozenset(load_rules())))
    assert known or result.findings == ()
