"""One step too many or too few, and the ways of counting that are sound."""

from __future__ import annotations

import textwrap

import pytest

from lrfix.config import Settings
from lrfix.engine import check_source


def found(source: str) -> list[str]:
    selected = Settings(selected=frozenset({"LR209"}))
    return [f.code for f in check_source(textwrap.dedent(source).encode(), "train.py", selected).findings]


@pytest.mark.parametrize(
    ("test", "count", "reported"),
    [("<=", "step + 1", True), ("<", "step + 1", False), ("<", "step", False), ("<=", "step", False)],
)
def test_a_ramp_past_its_peak(test, count, reported):
    source = f"""
        from torch.optim.lr_scheduler import LambdaLR

        def build(optimizer, warmup_steps):
            return LambdaLR(optimizer, lambda step: ({count}) / warmup_steps if step {test} warmup_steps else 1.0)
        """
    assert found(source) == (["LR209"] if reported else [])


WARMUP_ALONE = """
    def warm_up(optimizer, step, args):
        if step {test} args.warmup_steps:
            for group in optimizer.param_groups:
                group["lr"] = args.lr * step / args.warmup_steps
    {more}
    """


@pytest.mark.parametrize(
    ("test", "more", "reported"),
    [
        ("<", "", True),
        ("<=", "", False),
        ("<", "def reset(optimizer, args): optimizer.param_groups[0]['lr'] = args.lr", False),
    ],
)
def test_a_warmup_that_nothing_completes(test, more, reported):
    assert set(found(WARMUP_ALONE.format(test=test, more=more))) == ({"LR209"} if reported else set())


STAIRS = """
    def adjust(optimizer, epoch):
        if {test}:
            for group in optimizer.param_groups:
                group["lr"] *= 0.1
    """


@pytest.mark.parametrize(
    ("test", "reported"), [("epoch > 0 and epoch % 30 == 0", False), ("(epoch + 1) % 30 == 0", False)]
)
def test_stairs_that_begin_after_a_whole_interval_are_sound(test, reported):
    assert found(STAIRS.format(test=test)) == (["LR209"] if reported else [])
