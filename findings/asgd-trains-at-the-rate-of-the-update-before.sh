#!/usr/bin/env bash
# torch 2.13.0: ASGD works the rate of an update out at the end of the update before, and keeps it in its state. A rate that a scheduler writes is
# used one update late, and what a log shows at a milestone, `param_groups[0]["lr"]`, is not what this update trains with.
# Seen: rates 0.1 0.1 0.2 0.2 0.4 0.4 written before six updates on a gradient of 1 (lambd=0): ASGD moves by 0.1 0.1 0.1 0.2 0.2 0.4, SGD by the rates.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" numpy
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch

RATES = [0.1, 0.1, 0.2, 0.2, 0.4, 0.4]


def moved(build) -> list[float]:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = build([weight])
    found, before = [], 0.0
    for rate in RATES:
        optimizer.param_groups[0]["lr"] = rate
        weight.grad = torch.ones(1)
        optimizer.step()
        found.append(round(before - weight.item(), 5))
        before = weight.item()
    return found


print("torch", torch.__version__)
seen = {
    "SGD": moved(lambda weights: torch.optim.SGD(weights, lr=RATES[0])),
    "ASGD": moved(lambda weights: torch.optim.ASGD(weights, lr=RATES[0], lambd=0.0)),
}
print("rates written:", RATES)
print("weight moved by:", seen)
assert seen == {"SGD": RATES, "ASGD": [0.1, 0.1, 0.1, 0.2, 0.2, 0.4]}, seen
PYTHON
