#!/usr/bin/env bash
# torch 2.13.0: Rprop reads its group's rate once, at the first step, as the size of the first step of each weight; from there on the sizes grow and
# shrink by the signs of the gradients. Every scheduler can be built on it, writes its rates and logs them, and trains the same weights to the
# last bit. The documentation calls the argument "learning rate", as everywhere else.
# Seen: 40 steps on a quadratic, no scheduler, ExponentialLR(0.5) and a LambdaLR that is 0 from step 1 on: bit for bit the same weights.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" numpy
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from torch.optim.lr_scheduler import ExponentialLR, LambdaLR


def trained(optimizer_class, build) -> tuple[list[float], float]:
    weights = torch.nn.Parameter(torch.tensor([5.0, -3.0, 0.7]))
    optimizer = optimizer_class([weights], lr=0.01)
    scheduler = build(optimizer) if build is not None else None
    for _ in range(40):
        optimizer.zero_grad()
        ((weights - 1.0) ** 2).sum().backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return weights.tolist(), optimizer.param_groups[0]["lr"]


print("torch", torch.__version__)
builds = {
    "no scheduler": None,
    "ExponentialLR(0.5)": lambda optimizer: ExponentialLR(optimizer, 0.5),
    "LambdaLR, 0 from step 1": lambda optimizer: LambdaLR(optimizer, lambda step: 0.0 if step else 1.0),
}
distinct = {}
for optimizer_class in (torch.optim.Rprop, torch.optim.SGD):
    runs = {name: trained(optimizer_class, build) for name, build in builds.items()}
    distinct[optimizer_class.__name__] = len({tuple(weights) for weights, _ in runs.values()})
    for name, (weights, rate) in runs.items():
        print(f"{optimizer_class.__name__:6} {name:24} rate shown {rate:.3g}, weights {weights}")
print("different weights:", distinct)
assert distinct == {"Rprop": 1, "SGD": 3}, distinct
PYTHON
