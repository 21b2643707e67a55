"""Promise 6: the state is plain data, survives every format, and is never mixed up silently."""

from __future__ import annotations

import io
import json
import pickle
from typing import Any

import torch

from lrfix import schedulers
from lrfix.proof.cases import FAMILIES, Tally, build, optimizer_on, rates, refuses, walk


def is_plain(value: Any) -> bool:
    """Numbers, strings, lists, mappings with names, None; nothing that has to be imported."""
    if isinstance(value, dict):
        return all(type(key) is str and is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(is_plain(item) for item in value)
    return value is None or type(value) in (int, float, str, bool)


def state_is_plain(tally: Tally, device: torch.device) -> str:
    """Every class through torch.save, JSON and pickle; then what happens when the parameters differ."""
    for name in FAMILIES:
        for tensor in (False, True):
            optimizer = optimizer_on(device, tensor)
            scheduler = build(name, optimizer)
            walk(optimizer, scheduler, 13)
            state = scheduler.state_dict()
            tally.check(is_plain(state), f"{name}: the state is not plain data")
            missing = [part for part in FAMILIES[name][1] if state["parameters"].get(part) != FAMILIES[name][1][part]]
            tally.check(not missing, f"{name}: the state lacks {', '.join(missing)}")
            file = io.BytesIO()
            torch.save(state, file)
            file.seek(0)
            copies = {
                "torch.load(weights_only=True)": torch.load(file, weights_only=True),
                "JSON": json.loads(json.dumps(state)),
                "pickle": pickle.loads(pickle.dumps(state)),
            }
            for form, loaded in copies.items():
                new = optimizer_on(device, tensor)
                build(name, new).load_state_dict(loaded)
                tally.check(rates(new) == rates(optimizer), f"{name}: not the same after {form}")
    _another_horizon(tally, device)
    return "torch.load(weights_only=True), JSON and pickle; another horizon is refused unless you say which counts"


def _another_horizon(tally: Tally, device: torch.device) -> None:
    old = schedulers.WarmupCosineLR(optimizer_on(device), 100)
    old.step(10)
    saved = old.state_dict()
    other = schedulers.WarmupCosineLR(optimizer_on(device), 200)
    tally.check(refuses(lambda: other.load_state_dict(saved), "total_steps"), "another horizon was taken silently")
    for policy, horizon in (("saved", 100), ("constructor", 200)):
        scheduler = schedulers.WarmupCosineLR(optimizer_on(device), 200, on_mismatch=policy)
        scheduler.load_state_dict(saved)
        expected = schedulers.WarmupCosineLR(optimizer_on(device), horizon)
        expected.step(10)
        same = scheduler.get_last_lr() == expected.get_last_lr()
        tally.check(same, f"on_mismatch={policy!r} does not give the curve of {horizon} steps")
    future = {**saved, "format_version": 99}
    tally.check(refuses(lambda: old.load_state_dict(future), "format_version=99"), "an unknown format was read")
