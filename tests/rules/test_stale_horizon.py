"""LR313: a run that is resumed goes further than the schedule that its state brings back."""

from __future__ import annotations

import pytest

SCRIPT = """
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LinearLR, PolynomialLR, SequentialLR, StepLR

    def main(args, model, loader):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        first = 0
        scheduler = {scheduler}
        if args.resume:
            checkpoint = torch.load(args.resume)
            first = checkpoint["epoch"] + 1
            optimizer.load_state_dict(checkpoint["optimizer"])
            scheduler.load_state_dict(checkpoint["scheduler"])
            {resumed}
        for epoch in {epochs}:
            for batch in loader:
                model(batch).backward()
                optimizer.step()
            scheduler.step()
            state = {{"epoch": epoch, "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}}
            torch.save(state, args.path)
    """
COSINE = "CosineAnnealingLR(optimizer, T_max=args.epochs)"
ON = "range(first, args.epochs)"


@pytest.mark.parametrize(
    ("resumed", "epochs", "found"),
    [
        ("pass", ON, False),
        ("args.epochs += 10", ON, True),
        ("args.epochs = args.epochs + args.more", ON, True),
        ("args.epochs *= 2", ON, True),
        # Every resumed run trains for the whole number of epochs once more.
        ("pass", "range(first, first + args.epochs)", True),
        ("args.epochs -= 10", ON, False),
        ("args.epochs = checkpoint['args'].epochs", ON, False),
        ("args.epochs += 10; scheduler.T_max = args.epochs", ON, False),
    ],
)
def test_a_resumed_run_that_is_prolonged(resumed, epochs, found, codes):
    assert ("LR313" in codes(SCRIPT.format(scheduler=COSINE, resumed=resumed, epochs=epochs))) is found


@pytest.mark.parametrize(
    ("scheduler", "found"),
    [
        ("LinearLR(optimizer, 1.0, 0.01, args.epochs)", True),
        ("PolynomialLR(optimizer, total_iters=args.epochs)", True),
        ("SequentialLR(optimizer, [StepLR(optimizer, 1), CosineAnnealingLR(optimizer, args.epochs - 5)], [5])", False),
        ("SequentialLR(optimizer, [LinearLR(optimizer), CosineAnnealingLR(optimizer, args.epochs - 5)], [5])", True),
        # Their length is none, another's, or no part of the state.
        ("StepLR(optimizer, 30)", False),
        ("CosineAnnealingLR(optimizer, T_max=100)", False),
        ("CosineAnnealingLR(optimizer, T_max=args.period)", False),
        ("LambdaLR(optimizer, lambda epoch: 1 - epoch / args.epochs)", False),
    ],
)
def test_the_length_has_to_be_part_of_the_state(scheduler, found, codes):
    source = SCRIPT.format(scheduler=scheduler, resumed="args.epochs += 10", epochs=ON)
    assert ("LR313" in codes(source)) is found


def test_a_run_that_is_short_by_another_option_is_no_resumed_one(codes):
    source = SCRIPT.format(scheduler=COSINE, resumed="pass", epochs=ON)
    quick = source.replace("first = 0\n", "first = 0\n        args.epochs = 2 if args.quick else args.epochs\n")
    assert "LR313" not in codes(quick)
