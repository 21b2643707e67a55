#!/usr/bin/env bash
# torch 2.13.0: MultiStepLR keeps its milestones as a Counter, and that is part of its state. A state that has been through JSON (a checkpoint's
# sidecar file, a database, a service) has the milestones as texts: load_state_dict takes it, no step is ever found among them, and the rate never
# falls again. The state of StepLR goes through JSON and back without a loss, and torch.save keeps both.
# Seen: milestones 3 and 6, gamma 0.1, a resume after 2 steps, 8 steps more: 0.01 from a state as it is, 1.0 from the same state through JSON.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" numpy
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import json

import torch
from torch.optim.lr_scheduler import MultiStepLR, StepLR


def rate_after_a_resume(build, carried) -> float:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    scheduler = build(optimizer)
    for _ in range(2):
        optimizer.step()
        scheduler.step()
    weights, state = optimizer.state_dict(), carried(scheduler.state_dict())
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    scheduler = build(optimizer)
    optimizer.load_state_dict(weights)
    scheduler.load_state_dict(state)
    for _ in range(8):
        optimizer.step()
        scheduler.step()
    return round(optimizer.param_groups[0]["lr"], 6)


print("torch", torch.__version__)
builds = {
    "MultiStepLR": lambda optimizer: MultiStepLR(optimizer, milestones=[3, 6], gamma=0.1),
    "StepLR": lambda optimizer: StepLR(optimizer, step_size=3, gamma=0.1),
}
ways = {"as it is": lambda state: state, "through JSON": lambda state: json.loads(json.dumps(state))}
seen = {f"{name} {way}": rate_after_a_resume(build, carried) for name, build in builds.items() for way, carried in ways.items()}
print("the rate 8 steps after the resume:", seen)
assert seen == {
    "MultiStepLR as it is": 0.01,
    "MultiStepLR through JSON": 1.0,
    "StepLR as it is": 0.001,
    "StepLR through JSON": 0.001,
}, seen
PYTHON
