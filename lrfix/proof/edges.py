"""Promise 7: no warning, no rate outside the range, errors that name the argument, groups that come late."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch

from lrfix import schedules
from lrfix.proof.cases import FAMILIES, WARMUP, Tally, build, optimizer_on, refuses, walk
from lrfix.proof.sweep import LARGEST_HORIZON


def no_surprises(tally: Tally, device: torch.device) -> str:
    """Edges of every function, late groups for every class, nonsense for the constructor; warnings are errors here."""
    for name, (function, arguments) in FAMILIES.items():
        _edges(tally, function, arguments)
        optimizer = optimizer_on(device)
        scheduler = build(name, optimizer)
        walk(optimizer, scheduler, 3)
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1, device=device))], "lr": 0.7})
        late = walk(optimizer, scheduler, 5)[-1][2]
        expected = getattr(schedules, function)(8, warmup_steps=WARMUP, peak=0.7, **arguments)
        tally.check(late == expected, f"{name}: a group added later has {late!r} instead of {expected!r}")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"total_steps": -1}, "total_steps=-1; legal"),
        ({"warmup_steps": -1}, "warmup_steps=-1; legal"),
        ({"eta_min": math.nan}, "eta_min=nan; legal"),
        ({"eta_min_ratio": -0.5}, "eta_min_ratio=-0.5; legal"),
        ({"warmup_progress": "k"}, "warmup_progress='k'; legal"),
        ({"warmup_mode": "exponential"}, "warmup_start=0.0 with warmup_mode='exponential'"),
    ]
    for change, words in wrong:
        refused = refuses(partial(build, "WarmupCosineLR", optimizer_on(device), **change), words)
        tally.check(refused, f"{change} was not refused with {words!r}")
    return "no warning, NaN, negative rate or unscheduled group"


def _edges(tally: Tally, function: str, arguments: dict[str, Any]) -> None:
    end = arguments.get("total_steps", math.inf)
    for warmup in (0, 1, 23, 24, 25):
        for k in (*range(40), 10**6, LARGEST_HORIZON, 10**300):
            rate = getattr(schedules, function)(k, warmup_steps=warmup, peak=0.1, **arguments)
            fine = type(rate) is float and 0.0 <= rate <= 0.1
            if k >= max(end, warmup):
                fine = fine and rate == 0.0
            tally.check(fine, f"{function}: {rate!r} at step {k} with warmup_steps={warmup}")
