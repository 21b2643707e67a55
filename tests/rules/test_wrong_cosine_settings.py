"""Cosines behind settings: cut off before they end, behind a mode among the options."""

from __future__ import annotations

import pytest
from asking import reported


def found(source: str) -> list[str]:
    return [f.code for f in reported("LR206", source)]


@pytest.mark.parametrize(("half", "expected"), [("", ["LR206"]), (" * 0.5", [])])
def test_a_cosine_that_is_cut_off_starts_at_twice_the_rate_where_it_is_not_halved(half, expected):
    source = f"""
        import math
        from torch.optim.lr_scheduler import LRScheduler

        class Restarts(LRScheduler):
            def __init__(self, optimizer, total_steps, eta_min=0.0, last_epoch=-1):
                self.total_steps, self.eta_min = total_steps, eta_min
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                swing = 1 + math.cos(math.pi * (self.last_epoch % 20) / (self.total_steps // 3))
                return [self.eta_min + (base - self.eta_min){half} * swing for base in self.base_lrs]
        """
    assert found(source) == expected


@pytest.mark.parametrize(("sign", "expected"), [("-", ["LR206"]), ("+", [])])
def test_a_mode_among_the_options_that_a_constructor_keeps_chooses_the_cosine(sign, expected):
    source = f"""
        import math
        from torch.optim.lr_scheduler import LRScheduler

        class Schedule(LRScheduler):
            def __init__(self, optimizer, args, last_epoch=-1):
                self.mode, self.total, self.end_lr = args.mode, args.total_steps, args.end_lr
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                done = min(1.0, self.last_epoch / self.total)
                if self.mode == "cosine":
                    share = 0.5 * (1 {sign} math.cos(math.pi * done))
                elif self.mode == "linear":
                    share = 1 - done
                else:
                    raise NotImplementedError
                return [self.end_lr + (base - self.end_lr) * share for base in self.base_lrs]
        """
    assert found(source) == expected
