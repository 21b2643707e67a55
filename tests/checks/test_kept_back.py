"""LR106 and LR211: what a constructor takes and does not hand on, or reads where its stand-in is meant."""

from __future__ import annotations

import pytest

INNER = """
    from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler

    {base}

    class CosineAfterWarmup(WarmupScheduler):
        def __init__(self, optimizer, total_steps, warmup_steps=0, last_epoch=-1):
            inner = CosineAnnealingLR(optimizer, total_steps - warmup_steps, last_epoch=last_epoch)
            super().__init__({arguments})
    """
ELSEWHERE = "from delays import WarmupScheduler"
HERE = """
    class WarmupScheduler(LRScheduler):
        def __init__(self, optimizer, warmup_steps, inner, {start}):
            self.warmup_steps, self.inner = warmup_steps, inner
            super().__init__(optimizer, last_epoch)
    """


@pytest.mark.parametrize(
    ("base", "arguments", "reported"),
    [
        (ELSEWHERE, "optimizer, warmup_steps, inner", True),
        (ELSEWHERE, "optimizer, warmup_steps, inner, last_epoch=last_epoch", False),
        (ELSEWHERE, "optimizer, warmup_steps, inner, last_epoch", False),
        (ELSEWHERE, "optimizer, *[warmup_steps, inner]", False),
        (HERE.format(start="last_epoch=-1"), "optimizer, warmup_steps, inner", True),
        (
            HERE.format(start="start=-1").replace("optimizer, last_epoch)", "optimizer, start)"),
            "optimizer, warmup_steps, inner",
            False,
        ),
    ],
)
def test_the_start_goes_to_the_scheduler_inside_and_to_the_base(check, base, arguments, reported):
    found = [f for f in check(INNER.format(base=base, arguments=arguments)) if "the scheduler inside" in f.message]
    assert [f.code for f in found] == (["LR106"] if reported else [])


STAND_IN = """
    import math

    from torch.optim.lr_scheduler import LambdaLR

    class InverseRoot:
        def __init__(self, optimizer, warmup_updates, gamma=-1):
            self.gamma = gamma
            if {test}:
                self.gamma = warmup_updates
            {use}
            self.scheduler = LambdaLR(optimizer, self.factor)

        def factor(self, step):
            return self.peak / math.sqrt(max(1, self.gamma + step))
    """


@pytest.mark.parametrize(
    ("test", "use", "reported"),
    [
        ("gamma <= 0", "self.peak = math.sqrt(max(1, gamma))", True),
        ("gamma is None", "self.peak = gamma ** 0.5", True),
        ("gamma <= 0", "self.peak = math.sqrt(max(1, self.gamma))", False),
        ("gamma <= 0", "self.peak = math.sqrt(gamma) if gamma > 0 else 1.0", False),
        ("gamma > 100", "self.peak = math.sqrt(max(1, gamma))", False),
    ],
)
def test_a_parameter_that_was_not_given_is_calculated_with(check, test, use, reported):
    found = [f for f in check(STAND_IN.format(test=test, use=use)) if "as it was given" in f.message]
    assert [f.code for f in found] == (["LR211"] if reported else [])
