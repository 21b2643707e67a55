#!/usr/bin/env bash
# accelerate 1.15.0 with torch 2.13.0: a prepared scheduler takes num_processes steps for each call, so that a schedule counts samples. For
# ReduceLROnPlateau a step is a verdict: the first of the four takes the new loss for the best so far, the other three see no improvement
# over it. With a patience below num_processes - 1 the rate falls after every evaluation of a run whose loss falls at every evaluation.
# The documentation says that schedulers step once for each process and has no exception for this one; issue 3797 asks whether a
# single call can cut the rate several times, not about runs that improve.
# Seen: losses 1, 1/2, 1/3, 1/4, factor 0.5, patience 2: rates 1.0 throughout in one process; 0.5, 0.25, 0.125, 0.0625 in four.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" "accelerate==1.15.0"
cat >"$folder/train.py" <<'PYTHON'
import torch
from accelerate import Accelerator
from torch.optim.lr_scheduler import ReduceLROnPlateau

accelerator = Accelerator(cpu=True)
model = torch.nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
model, optimizer, scheduler = accelerator.prepare(model, optimizer, ReduceLROnPlateau(optimizer, factor=0.5, patience=2))
rates = []
for loss in (1.0, 1 / 2, 1 / 3, 1 / 4):
    model(torch.ones(1, 1)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    scheduler.step(loss)
    rates.append(optimizer.param_groups[0]["lr"])
if accelerator.is_main_process:
    print("processes:", accelerator.num_processes, "rates:", *rates)
PYTHON
for processes in 1 4; do
    "$folder/venv/bin/python" -W ignore -m torch.distributed.run --standalone --nproc-per-node "$processes" "$folder/train.py"         2>"$folder/log" | tee -a "$folder/seen" || { tail -20 "$folder/log"; exit 1; }
done
"$folder/venv/bin/pip" list 2>/dev/null | grep -E "^(torch|accelerate) "
grep -qx "processes: 1 rates: 1.0 1.0 1.0 1.0" "$folder/seen"
grep -qx "processes: 4 rates: 0.5 0.25 0.125 0.0625" "$folder/seen"
