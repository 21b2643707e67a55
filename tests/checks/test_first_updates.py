"""Where in the loop a warmup is set: before the update that needs it, or after."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.config import Settings
from lrfix.engine import check_source

LOOP = """
    def train(model, loader, optimizer, args):
        {head}
        step = 0
        for batch in loader:
            loss = model(batch)
            loss.backward()
            {before}
            if step < args.warmup_steps:
                lr = args.lr * (step + 1) / args.warmup_steps
            else:
                lr = args.lr
            for group in optimizer.param_groups:
                group["lr"] = lr
            {after}
            step += 1
    """


@pytest.mark.parametrize(
    ("head", "before", "after", "reported"),
    [
        ("pass", "optimizer.step()", "pass", True),
        ("pass", "pass", "optimizer.step()", False),
        ("optimizer.param_groups[0]['lr'] = 0.0", "optimizer.step()", "pass", False),
    ],
)
def test_the_first_update_of_a_warmup_set_too_late_runs_at_the_full_rate(head, before, after, reported):
    source = textwrap.dedent(LOOP.format(head=head, before=before, after=after))
    result = check_source(source.encode(), "train.py", Settings(selected=frozenset({"LR203"})))
    assert [f.code for f in result.findings] == (["LR203"] if reported else [])
