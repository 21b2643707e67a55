#!/usr/bin/env bash
# torch 2.13.0: SWALR(anneal_epochs=0) takes effect when it is built, not when it is first stepped. The documentation builds SWALR beside
# the main scheduler, long before the first averaged epoch, and says of anneal_epochs only that it is the length of the annealing phase.
# With 10 nothing happens until then; with 0 the constructor writes swa_lr into the optimizer, and a main scheduler that goes on from the
# current rate (CosineAnnealingLR, StepLR) runs the whole phase before the averaging from swa_lr. The SWALR there is never stepped at all.
# Seen: cosine from 0.1 -> 0.1, 0.0976, 0.0905, 0.0794 with anneal_epochs=10 and 0.05, 0.0488, 0.0452, 0.0397 with anneal_epochs=0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" numpy
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, StepLR
from torch.optim.swa_utils import SWALR


def rates_before_averaging(build, anneal_epochs: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = build(optimizer)
    SWALR(optimizer, swa_lr=0.05, anneal_epochs=anneal_epochs)
    rates = []
    for _ in range(4):
        rates.append(round(optimizer.param_groups[0]["lr"], 4))
        optimizer.step()
        scheduler.step()
    return rates


print("torch", torch.__version__)
builds = {"CosineAnnealingLR": lambda o: CosineAnnealingLR(o, T_max=10), "StepLR": lambda o: StepLR(o, step_size=3)}
seen = {(name, length): rates_before_averaging(build, length) for name, build in builds.items() for length in (10, 1, 0)}
for (name, length), rates in seen.items():
    print(f"{name} with SWALR(swa_lr=0.05, anneal_epochs={length}) built and not stepped: {rates}")
for length in (10, 1):
    assert seen["CosineAnnealingLR", length] == [0.1, 0.0976, 0.0905, 0.0794], seen
    assert seen["StepLR", length] == [0.1, 0.1, 0.1, 0.01], seen
assert seen["CosineAnnealingLR", 0] == [0.05, 0.0488, 0.0452, 0.0397], seen
assert seen["StepLR", 0] == [0.05, 0.05, 0.05, 0.005], seen
PYTHON
