"""What is run of a function of the position: its value, and the groups of a real optimizer after each call.

For the worker only.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch

from lrfix.verification.experiments import Build, describe
from lrfix.verification.limits import Clock, NoEnd


def asked(build: Build, label: str, setting: Mapping[str, Any], clock: Clock) -> dict[str, Any]:
    """The answers under a setting, one a position; where the clock has rung, the later ones are what it said."""
    optimizer = _optimizer(setting)
    answers: list[dict[str, Any]] = []
    try:
        with clock:
            try:
                ask = build(optimizer, copy.deepcopy(setting["values"]))
            except NoEnd:
                raise
            except BaseException as error:
                return {"answers": [], "rest": "", "error": describe(error, label)}
            for position in setting["positions"]:
                try:
                    value = ask(position)
                except NoEnd:
                    raise
                except BaseException as error:
                    answers.append({"error": describe(error, label)})
                    continue
                answers.append({"value": _plain(value), "kind": _kind(value), "rates": _rates(optimizer)})
    except NoEnd as error:
        rest = {"error": describe(error, label)}
        answers += [rest] * (len(setting["positions"]) - len(answers))
    return {"answers": answers, "rest": _rest(optimizer), "error": None}


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{name} of {value.dtype}" if name == "ndarray" else name


def _optimizer(setting: Mapping[str, Any]) -> Any:
    extras = setting["extras"] or [{}] * len(setting["base_lrs"])
    groups = [
        {"params": [torch.nn.Parameter(torch.ones(2))], "lr": base, **copy.deepcopy(extra)}
        for base, extra in zip(setting["base_lrs"], extras, strict=True)
    ]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def _plain(value: Any) -> Any:
    """Numbers as numbers, lists as lists, anything else by its text."""
    if value is None or isinstance(value, bool | str):
        return value
    if type(value).__name__ == "ndarray" and value.ndim == 1:
        value = value.tolist()
    if isinstance(value, list | tuple) and len(value) <= 20_000:
        return [_plain(part) for part in value]
    if isinstance(value, int | float):
        return float(value)
    return repr(value)[:500]


def _rates(optimizer: Any) -> list[Any]:
    return [_plain(group["lr"]) for group in optimizer.param_groups]


def _rest(optimizer: Any) -> str:
    """Everything in the groups but the rates and the parameters."""
    return repr([{k: v for k, v in group.items() if k not in ("lr", "params")} for group in optimizer.param_groups])
