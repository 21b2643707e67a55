#!/usr/bin/env bash
# torch 2.13.0: a tensor rate (the way to keep a compiled or fused optimizer from recompiling) is stored by reference. Groups that do not name a rate
# of their own all hold the very tensor that was passed, as do optimizer.defaults and the caller, and schedulers write into it in place.
# A LambdaLR with one function a group then writes every group's rate into the same number and the last group wins; a float does what was asked.
# The documentation of the optimizers allows a tensor with fused=True and says nothing of sharing; that of LambdaLR promises a function per group.
# Seen: factors 1.0 and 0.1 give rates 0.1 and 0.01 with lr=0.1, but 0.01 and 0.01 with lr=torch.tensor(0.1); the caller's tensor reads 0.01 too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" numpy
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from torch.optim.lr_scheduler import LambdaLR


def rates(lr) -> list[float]:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(2)]
    optimizer = torch.optim.AdamW(groups, lr=lr, fused=True)
    scheduler = LambdaLR(optimizer, [lambda step: 1.0, lambda step: 0.1])
    for group in optimizer.param_groups:
        group["params"][0].grad = torch.ones(1)
    optimizer.step()
    scheduler.step()
    return [round(float(group["lr"]), 4) for group in optimizer.param_groups]


print("torch", torch.__version__)
tensor = torch.tensor(0.1)
seen = {"float": rates(0.1), "tensor": rates(tensor)}
print("rates of the two groups:", seen, "and the tensor that was passed now reads", round(float(tensor), 4))
assert seen == {"float": [0.1, 0.01], "tensor": [0.01, 0.01]}, seen
assert round(float(tensor), 4) == 0.01, tensor
PYTHON
