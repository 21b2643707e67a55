"""LR106: a rate set by a branch and set anew behind it."""

from __future__ import annotations

import pytest

SETTER = """
    import math

    def adjust(optimizer, epoch, args, warmup_epochs=5):
        if epoch < warmup_epochs:
            lr = args.lr * (epoch + 1) / warmup_epochs
            {end}
        {then}
        for group in optimizer.param_groups:
            group["lr"] = lr
"""
COSINE = "lr = args.lr * 0.5 * (1 + math.cos(math.pi * epoch / args.epochs))"


@pytest.mark.parametrize(
    ("end", "then", "lost"),
    [
        ("pass", COSINE, True),
        ("pass", f"else:\n            {COSINE}", False),
        ("return", COSINE, False),
        ("pass", f"if epoch >= warmup_epochs:\n            {COSINE}", False),
        ("pass", "lr = lr * 0.5 * (1 + math.cos(math.pi * epoch / args.epochs))", False),
        ("pass", "lr = args.schedule(epoch)", False),
        ("print(lr)", COSINE, False),
    ],
)
def test_what_a_branch_works_out_is_never_used(check, end, then, lost):
    found = [f for f in check(SETTER.format(end=end, then=then)) if f.code == "LR106"]
    assert [f.span.start.line for f in found] == ([6] if lost else [])
    assert all("line 8" in f.message for f in found)
