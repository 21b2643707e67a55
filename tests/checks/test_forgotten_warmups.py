"""LR106: a factory's branch that takes the warmup off and does not warm up."""

from __future__ import annotations

import pytest

FACTORY = """
    from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LinearLR, SequentialLR

    def build(optimizer, kind, warmup_steps, total_steps):
        if kind == "linear":
            def factor(step):
                if step < {warmup}:
                    return step / {warmup}
                return max(0.0, 1 - (step - {warmup}) / max(1, total_steps - {warmup}))

            return LambdaLR(optimizer, factor)
        {cosine}
"""
COSINE = """if kind == "cosine":
            return CosineAnnealingLR(optimizer, T_max={length})"""


def lines(check, **parts: str) -> list[int]:
    return [
        f.span.start.line for f in check(FACTORY.format(**{"warmup": "warmup_steps", **parts})) if f.code == "LR106"
    ]


def test_the_branch_beside_one_that_warms_up(check):
    assert lines(check, cosine=COSINE.format(length="total_steps - warmup_steps")) == [13]


@pytest.mark.parametrize(
    "cosine",
    [
        COSINE.format(length="total_steps"),
        'if kind == "cosine":\n            warmup = LinearLR(optimizer, 0.01, 1.0, warmup_steps)\n'
        "            cosine = CosineAnnealingLR(optimizer, total_steps - warmup_steps)\n"
        "            return SequentialLR(optimizer, [warmup, cosine], [warmup_steps])",
        COSINE.format(length="total_steps - warmup_steps") + "\n\ndef whole(a):\n    return with_warmup(build(*a))",
    ],
)
def test_a_warmup_that_is_not_taken_off_or_that_somebody_adds(check, cosine):
    assert (
        lines(check, cosine=cosine.replace("\n\ndef", "\n\n    def").replace("\n    return w", "\n        return w"))
        == []
    )


def test_no_branch_warms_up(check):
    assert lines(check, warmup="5", cosine=COSINE.format(length="total_steps - warmup_steps")) == []
