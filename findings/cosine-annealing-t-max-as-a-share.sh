#!/usr/bin/env bash
# torch 2.13.0: CosineAnnealingLR takes a T_max that is a share of the run, and one step past its end the rounding of that
# share decides between a rebound and a ZeroDivisionError. 0.06 * 500 is 30.0 exactly: the rate rises again. 0.07 * 100 is
# 7.000000000000001: the recursion divides by 1 + cos(pi * 7 / T_max), which is 0.0 in double precision, since the test that
# catches the turning point compares with T_max exactly. The same code with another epoch count trains on.
# Seen: T_max = 30.0 -> rates go on; T_max = 7.000000000000001 and 56.99999999999999 -> ZeroDivisionError at the second step past the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" numpy
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR


def past_the_end(t_max: float) -> str:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = CosineAnnealingLR(optimizer, T_max=t_max)
    try:
        for _ in range(round(t_max) + 3):
            optimizer.step()
            scheduler.step()
    except ZeroDivisionError:
        return "ZeroDivisionError"
    return f"{optimizer.param_groups[0]['lr']:.6f}"


print("torch", torch.__version__)
seen = {f"{share} * {epochs}": past_the_end(share * epochs) for share, epochs in ((0.06, 500), (0.07, 100), (0.57, 100))}
for expression, outcome in seen.items():
    print(f"T_max = {expression}: three steps past the end -> {outcome}")
expected = {"0.06 * 500": "0.002447", "0.07 * 100": "ZeroDivisionError", "0.57 * 100": "ZeroDivisionError"}
assert seen == expected, seen
PYTHON
