"""What one curve leaves open another settles: a second parameter group, what comes past the end."""

from __future__ import annotations

SHARE = """
import math
import torch
from torch.optim.lr_scheduler import LambdaLR


def anneal(step, total_steps, high, low):
    return low + (high - low) * 0.5 * (1 + math.cos(math.pi * min(step, total_steps) / total_steps))


def train(model, args, total_steps: int):
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
    scheduler = LambdaLR(optimizer, lambda step: anneal(step, total_steps, 1, 1e-6 / args.lr))
    return optimizer, scheduler
"""
FALLS_ON = """
from torch.optim.lr_scheduler import LRScheduler


class Ramp(LRScheduler):
    def __init__(self, optimizer, final_lr, total_steps: int, warmup_steps: int = 5, last_epoch=-1):
        self.final_lr = final_lr
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        k = self.last_epoch
        if k < self.warmup_steps:
            return [base * k / self.warmup_steps for base in self.base_lrs]
        share = (k - self.warmup_steps) / (self.total_steps - self.warmup_steps)
        return [base - (base - self.final_lr) * share for base in self.base_lrs]
"""


def test_a_floor_that_is_a_share_of_each_groups_rate(rewrite):
    (site,) = [site for site in rewrite(SHARE).sites if site.scheduler == "WarmupCosineLR"]
    assert "eta_min_ratio=1e-6 / args.lr" in site.after


def test_a_line_that_goes_on_past_its_end_ends_where_the_floor_is(rewrite):
    (site,) = rewrite(FALLS_ON).sites
    assert site.standing == "equivalent up to its end at `total_steps`"
    assert "eta_min=final_lr" in site.after
