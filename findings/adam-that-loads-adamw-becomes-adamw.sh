#!/usr/bin/env bash
# torch 2.13.0: which weight decay an Adam does is a key of its parameter groups, and keys come back from a checkpoint. An Adam that loads the state
# of an AdamW does AdamW's decay from there on, whatever its class and its constructor say; an AdamW that loads the state of an Adam stays AdamW,
# since its class puts the key right after each load. The documentation names decoupled_weight_decay as a constructor argument
# of Adam (default False) and says nothing of either load.
# Seen: one step on a zero gradient from weight 1.0 (lr 0.1, weight_decay 0.5): Adam 0.9, Adam after AdamW's state 0.95, AdamW after Adam's state 0.95.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" numpy
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from torch.optim import Adam, AdamW


def weight_after_a_step(kind: type, loaded: type | None) -> float:
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = kind([weight], lr=0.1, weight_decay=0.5)
    if loaded is not None:
        optimizer.load_state_dict(loaded([torch.nn.Parameter(torch.ones(1))], lr=0.1, weight_decay=0.5).state_dict())
    weight.grad = torch.zeros(1)
    optimizer.step()
    return round(weight.item(), 4)


print("torch", torch.__version__)
cases = {"Adam": (Adam, None), "Adam after AdamW": (Adam, AdamW), "AdamW": (AdamW, None), "AdamW after Adam": (AdamW, Adam)}
seen = {name: weight_after_a_step(*case) for name, case in cases.items()}
print("weight after a step on a zero gradient:", seen)
assert seen == {"Adam": 0.9, "Adam after AdamW": 0.95, "AdamW": 0.95, "AdamW after Adam": 0.95}, seen
PYTHON
