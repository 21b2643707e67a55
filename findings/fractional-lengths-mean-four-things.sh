#!/usr/bin/env bash
# torch 2.13.0: a length that is no whole number (a warmup of 0.05 * 90 epochs, a milestone at 0.5 * 9) is accepted by every scheduler
# and means something else in each. LinearLR stops one step early and keeps that rate for the rest of the run: a warmup that never
# arrives. PolynomialLR never reaches 0. MultiStepLR never fires. StepLR drops half as often as asked. SequentialLR rounds up.
# Seen: LinearLR(0.1, total_iters=4.5) ends at 0.9 of the base rate for ever; PolynomialLR(total_iters=4.5) at 0.1111; MultiStepLR([4.5])
# at 1.0; StepLR(4.5) drops first at step 9; SequentialLR(milestones=[4.5]) changes at step 5.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" numpy
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from torch.optim.lr_scheduler import ConstantLR, LinearLR, MultiStepLR, PolynomialLR, SequentialLR, StepLR


def rates(build, steps=10):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = build(optimizer)
    found = []
    for _ in range(steps):
        found.append(round(optimizer.param_groups[0]["lr"], 4))
        optimizer.step()
        scheduler.step()
    return found


length = 0.05 * 90
print("torch", torch.__version__, "length", length)
seen = {
    "LinearLR": rates(lambda o: LinearLR(o, start_factor=0.1, total_iters=length)),
    "PolynomialLR": rates(lambda o: PolynomialLR(o, total_iters=length)),
    "MultiStepLR": rates(lambda o: MultiStepLR(o, milestones=[length])),
    "StepLR": rates(lambda o: StepLR(o, step_size=length)),
    "SequentialLR": rates(
        lambda o: SequentialLR(o, [ConstantLR(o, 1.0, 99), ConstantLR(o, 0.5, 99)], milestones=[length])
    ),
}
for name, found in seen.items():
    print(f"{name:<13}{found}")
assert seen["LinearLR"][5:] == [0.9] * 5, seen
assert seen["PolynomialLR"][5:] == [0.1111] * 5, seen
assert seen["MultiStepLR"] == [1.0] * 10, seen
assert seen["StepLR"] == [1.0] * 9 + [0.1], seen
assert seen["SequentialLR"] == [1.0] * 5 + [0.5] * 5, seen
PYTHON
