#!/usr/bin/env bash
# torch 2.13.0: OneCycleLR stores max_lr, its first and its last rate in the optimizer's parameter groups and reads them from there at every step.
# Optimizer.load_state_dict replaces the groups, so a second stage that keeps the moments of the first (new OneCycleLR, then the old
# optimizer state, in the order that the documentation of load_state_dict demands) runs the first stage's cycle again: the new max_lr is gone,
# although the scheduler itself was never loaded. State of an optimizer that had no OneCycleLR takes the keys away: KeyError at the next step.
# The documentation of OneCycleLR does not say where the numbers live; CyclicLR, the other scheduler with a max_lr, keeps them in itself.
# Seen: OneCycleLR(max_lr=0.01) peaks at 1.0 after loading the state of a max_lr=1.0 run, CyclicLR(max_lr=0.01) at 0.01; then KeyError 'initial_lr'.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" numpy
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from torch.optim.lr_scheduler import CyclicLR, OneCycleLR


def build(kind: type | None, max_lr: float):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.001, momentum=0.9)
    if kind is OneCycleLR:
        return optimizer, OneCycleLR(optimizer, max_lr=max_lr, total_steps=10)
    return optimizer, CyclicLR(optimizer, base_lr=0.001, max_lr=max_lr, step_size_up=3) if kind else None


def peak_of_second_stage(kind: type, before: type | None) -> float | str:
    first, _ = build(before, 1.0)
    second, scheduler = build(kind, 0.01)
    second.load_state_dict(first.state_dict())
    rates = []
    try:
        for _ in range(9):
            second.step()
            scheduler.step()
            rates.append(round(second.param_groups[0]["lr"], 4))
    except KeyError as error:
        return repr(error)
    return max(rates)


print("torch", torch.__version__)
seen = [peak_of_second_stage(OneCycleLR, OneCycleLR), peak_of_second_stage(CyclicLR, CyclicLR), peak_of_second_stage(OneCycleLR, None)]
print("max_lr=0.01 after the optimizer state of a max_lr=1.0 run: OneCycleLR peaks at", seen[0], "and CyclicLR at", seen[1])
print("OneCycleLR after the state of an optimizer without it:", seen[2])
assert seen == [1.0, 0.01, "KeyError('initial_lr')"], seen
PYTHON
