#!/usr/bin/env bash
# transformers 5.24.0 with torch 2.13.0: get_polynomial_decay_schedule_with_warmup remembers optimizer.defaults["lr"] as the rate to divide by. With a
# tensor rate that object is the running rate itself, so each factor is divided by the rate of the step before. The curve sags above its
# line towards the end, and past the last step, where the documentation has it rest at lr_end, it swings between two rates for ever.
# The same call with the same number as a float is exact. (Documented: the decay goes "from the initial lr set in the optimizer to end lr".)
# Seen, lr 1e-4 to lr_end 1e-5 in 10 steps, from the last of them on: float 1.9e-5, then 1e-5 for good; tensor 3.35e-5, 2.98e-5, 3.35e-5, 2.98e-5, 3.35e-5.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" "transformers==5.24.0"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
import transformers


def rates(lr) -> list[str]:
    weight = torch.nn.Parameter(torch.zeros(1))
    weight.grad = torch.ones(1)
    optimizer = torch.optim.AdamW([weight], lr=lr, fused=True)
    scheduler = transformers.get_polynomial_decay_schedule_with_warmup(optimizer, 0, 10, lr_end=1e-5)
    found = []
    for _ in range(14):
        found.append(f"{float(optimizer.param_groups[0]['lr']):.3g}")
        optimizer.step()
        scheduler.step()
    return found


print("transformers", transformers.__version__, "torch", torch.__version__)
seen = {"float": rates(1e-4), "tensor": rates(torch.tensor(1e-4))}
for kind, found in seen.items():
    print(f"lr as a {kind}: {' '.join(found)}")
assert seen["float"][9:] == ["1.9e-05"] + ["1e-05"] * 4, seen
assert seen["tensor"][9:] == ["3.35e-05", "2.98e-05", "3.35e-05", "2.98e-05", "3.35e-05"], seen
PYTHON
