"""Half periods behind ramps, and names that something around them binds: what two rules must stay silent about."""

from __future__ import annotations

import pytest
from asking import reported


def codes(source: str, rule: str) -> list[str]:
    return [finding.code for finding in reported(rule, source)]


@pytest.mark.parametrize("warmup", [1, 2, 3, 5])
@pytest.mark.parametrize("begin", ["epoch / args.warmup_epochs", "(epoch + 1) / args.warmup_epochs"])
def test_a_short_ramp_in_front_of_a_half_period_is_no_peak(warmup, begin):
    assert codes(f"""
        import argparse, math
        from torch.optim.lr_scheduler import LambdaLR
        parser = argparse.ArgumentParser()
        parser.add_argument("--epochs", type=int, default=12)
        parser.add_argument("--warmup-epochs", type=int, default={warmup})
        args = parser.parse_args()

        def factor(epoch):
            if epoch < args.warmup_epochs:
                return {begin}
            return 0.5 * (1 + math.cos(math.pi * (epoch - args.warmup_epochs) / (args.epochs - args.warmup_epochs)))

        def build(optimizer):
            return LambdaLR(optimizer, factor)
    """, "LR206") == []  # fmt: skip


@pytest.mark.parametrize(
    "listed",
    [
        "[int(args.total * drop / args.epochs) for drop in args.drops]",
        "sorted({drop * 2 for drop in args.drops})",
        "list(map(lambda drop: drop * 2, args.drops))",
    ],
)
def test_what_a_comprehension_binds_is_defined(listed):
    assert codes(f"""
        from functools import partial

        class Rates:
            def update(self, epoch):
                return self.rate(epoch)

            def choose(self, args, drops):
                if args.kind == "steps":
                    places = {listed}
                    return partial(multistep_lr, args.lr, places)
                raise ValueError(args.kind)

        def multistep_lr(lr, drops, epoch):
            for drop in drops:
                lr *= 0.1 if epoch >= drop else 1.0
            return lr
    """, "LR211") == []  # fmt: skip
