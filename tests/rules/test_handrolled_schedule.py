"""LR401 names the call that is the same schedule, and promises of a rewrite only what the rewrite does."""

from __future__ import annotations

FACTOR = """
import math

from torch.optim.lr_scheduler import LambdaLR


def build(optimizer, warmup_steps, total_steps):
    def factor(step):
        if step < warmup_steps:
            return step / warmup_steps
        progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

    return LambdaLR(optimizer, factor)
"""
RATE = """
import math


def get_lr(step, learning_rate, warmup_steps, total_steps):
    if step < warmup_steps:
        return learning_rate * step / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return 0.5 * learning_rate * (1 + math.cos(math.pi * min(1.0, progress)))


def train(optimizer, loader, args):
    for step, batch in enumerate(loader):
        for group in optimizer.param_groups:
            group["lr"] = get_lr(step, args.lr, args.warmup_steps, args.total_steps)
"""


def test_a_form_that_rewrite_replaces_is_promised_a_proof_or_a_reason(handrolled) -> None:
    (message,) = handrolled(FACTOR)
    assert "`WarmupCosineLR(optimizer, total_steps, warmup_steps=warmup_steps)`" in message
    assert "`lrfix rewrite` shows the change and its proof" in message


def test_a_form_that_rewrite_leaves_alone_is_promised_nothing(handrolled) -> None:
    messages = handrolled(RATE)
    assert messages
    assert all("step for step: the change is one to make by hand" in message for message in messages)


def test_a_floor_that_no_scenario_reaches_is_a_part_of_the_schedule(handrolled) -> None:
    source = """
    from torch.optim.lr_scheduler import LambdaLR

    def build(optimizer, config):
        return LambdaLR(optimizer, lambda k: {factor})
    """
    decay = "config.gamma ** (k / config.decay_step)"
    assert handrolled(source.format(factor=decay))
    assert handrolled(source.format(factor=f"max({decay}, config.lowest_decay)")) == []


def test_a_setting_that_a_formula_rounds_away_is_a_part_of_it(handrolled) -> None:
    source = """
    import math

    def adjust_learning_rate(initial_lr, optimizer, epoch, {setting}):
        lr = initial_lr * 0.1 ** (epoch // {size})
        for group in optimizer.param_groups:
            group["lr"] = lr
    """
    assert handrolled(source.format(setting="n_repeats", size="30"))
    assert handrolled(source.format(setting="n_repeats", size="int(math.ceil(30.0 / n_repeats))")) == []


def test_what_has_no_effect_stands_in_no_schedule_s_way(handrolled) -> None:
    assert handrolled("""
    from torch.optim.lr_scheduler import LRScheduler

    class Noam(LRScheduler):
        def __init__(self, optimizer, model_size, warm_step, unused=7.0, last_epoch=-1):
            self.model_size, self.warm_step, self.unused = model_size, warm_step, unused
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            k = self.last_epoch + 1
            rate = self.model_size**-0.5 * min(k**-0.5, k * self.warm_step**-1.5)
            return [rate for _ in self.base_lrs]
    """)
