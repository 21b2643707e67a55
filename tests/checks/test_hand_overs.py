"""LR202: a warmup in the loop, and a scheduler of torch that counts it as part of its decay."""

from __future__ import annotations

import pytest

LOOP = """
    from torch.optim.lr_scheduler import CosineAnnealingLR

    def train(optimizer, loader, args):
        global train_step
        for batch in loader:
            optimizer.step()
            train_step += 1
            if train_step < args.warmup_step:
                optimizer.param_groups[0]["lr"] = args.lr * train_step / args.warmup_step
            else:
                scheduler.step({step})

    def main(args, model, loader):
        global scheduler
        optimizer = build(model)
        scheduler = CosineAnnealingLR(optimizer, {length}, eta_min=args.eta_min)
        train(optimizer, loader, args)
    """


@pytest.mark.parametrize(
    ("length", "step", "told"),
    [
        ("args.max_step", "train_step", True),
        ("args.max_step - args.warmup_step", "train_step - args.warmup_step", False),
        ("args.max_step - args.warmup_step", "train_step", False),
        ("args.max_step", "train_step - args.warmup_step", False),
        ("args.max_step", "", False),
    ],
)
def test_the_count_of_the_whole_run_given_to_a_decay_after_the_warmup(advice, codes, length, step, told):
    source = LOOP.format(length=length, step=step)
    assert [f.code for f in advice(source) if f.code == "LR202"] == (["LR202"] if told else [])
    assert "LR202" not in codes(source)
