"""What a proof that is kept runs: copied as text into every test that ``rewrite --proof`` writes, never imported."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

Build = Callable[[Any, dict[str, Any]], Any]
Setting = dict[str, Any]


class Missing:
    """In place of an answer: the old code raises, or gives no real number, and has no rate to keep to."""


def an_optimizer(base_lrs: Sequence[float], extras: Sequence[dict[str, Any]] = ()) -> Any:
    """SGD with a group for each base rate; ``extras`` are further keys of the groups."""
    groups: list[dict[str, Any]] = [{"params": [torch.nn.Parameter(torch.ones(2))], "lr": lr} for lr in base_lrs]
    for group, extra in zip(groups, extras, strict=False):
        group.update(copy.deepcopy(extra))
    return torch.optim.SGD(groups, lr=base_lrs[0])


def rates(optimizer: Any) -> list[float]:
    return [float(group["lr"]) for group in optimizer.param_groups]


def curve(build: Build, setting: Setting, steps: int) -> tuple[list[list[float]], Exception | None]:
    """The rates of all groups at every step, up to where the schedule raises; and what it raised."""
    optimizer = an_optimizer(setting["base_lrs"])
    found: list[list[float]] = []
    try:
        scheduler = build(optimizer, copy.deepcopy(setting["values"]))
        for _ in range(steps):
            found.append(rates(optimizer))
            optimizer.step()
            scheduler.step()
    except Exception as error:
        return found, error
    return found, None


def check_schedule(old: Build, new: Build, setting: Setting) -> None:
    """The new schedule has the old one's rates while training lasts, within 1e-12 of each group's peak."""
    end = setting["end"]
    steps = setting["steps"] if end is None else min(setting["steps"], end)
    before, raised = curve(old, setting, steps)
    after, error = curve(new, setting, steps)
    assert raised is None or setting["may_raise"], raised
    if raised is None:
        assert error is None, error
    peaks = [max(abs(rate) for rate in column) for column in zip(*before, strict=True)]
    for step, (left, right) in enumerate(zip(before, after, strict=False)):
        for group, peak in enumerate(peaks):
            assert abs(left[group] - right[group]) <= 1e-12 * peak, (step, group, left, right)


def check_meant(new: Build, setting: Setting) -> None:
    """The new schedule has the rates that a repair means, as numbers, for the first group."""
    found, error = curve(new, setting, len(setting["expected"]))
    assert error is None, error
    for step, (rate, meant) in enumerate(zip(found, setting["expected"], strict=True)):
        assert abs(rate[0] - meant) <= 1e-12 * max(abs(rate[0]), abs(meant)), (step, rate[0], meant)


def check_resume(new: Build, setting: Setting) -> None:
    """Stopped, saved, built anew, loaded: the new schedule goes on as if it had never stopped, bit for bit."""
    whole, error = curve(new, setting, setting["steps"])
    assert error is None, error
    for stop in sorted({1, setting["steps"] // 3, setting["steps"] // 2}):
        optimizer = an_optimizer(setting["base_lrs"])
        scheduler = new(optimizer, copy.deepcopy(setting["values"]))
        for _ in range(stop):
            optimizer.step()
            scheduler.step()
        saved = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
        optimizer = an_optimizer(setting["base_lrs"])
        scheduler = new(optimizer, copy.deepcopy(setting["values"]))
        optimizer.load_state_dict(saved[0])
        scheduler.load_state_dict(saved[1])
        for step in range(stop, setting["steps"]):
            assert rates(optimizer) == whole[step], (stop, step)
            optimizer.step()
            scheduler.step()


def answers(build: Build, setting: Setting) -> list[Any]:
    """What the function says at each position, and the rates that it leaves in the groups."""
    optimizer = an_optimizer(setting["base_lrs"], setting["extras"])
    ask = build(optimizer, copy.deepcopy(setting["values"]))
    found: list[Any] = []
    for position in setting["positions"]:
        try:
            value = ask(position)
        except Exception as error:
            found.append(error)
            continue
        value = value.tolist() if hasattr(value, "tolist") else value
        found.append(Missing() if has_no_rate(value) else (value, rates(optimizer)))
    return found


def has_no_rate(value: Any) -> bool:
    return isinstance(value, complex) or (isinstance(value, float) and math.isnan(value))


def numbers(answer: Any) -> list[float | None]:
    """All numbers of an answer, in order; None for what is no number."""
    if isinstance(answer, (list, tuple)):
        return [number for part in answer for number in numbers(part)]
    return [float(answer) if isinstance(answer, (int, float)) and not isinstance(answer, bool) else None]


def check_function(old: Build, new: Build, setting: Setting) -> None:
    """The new code answers, and sets, what the old code does at every position that training gets to."""
    before, after = answers(old, setting), answers(new, setting)
    known = [numbers(answer) for answer in before if isinstance(answer, tuple)]
    peak = max((abs(n) for answer in known for n in answer if n is not None and math.isfinite(n)), default=0.0)
    for position, left, right in zip(setting["positions"], before, after, strict=True):
        if not isinstance(left, tuple) or (setting["end"] is not None and position > setting["end"]):
            continue
        assert isinstance(right, tuple), (position, right)
        one, other = numbers(left), numbers(right)
        assert len(one) == len(other), (position, left, right)
        for a, b in zip(one, other, strict=True):
            close = a is not None and b is not None and (abs(a - b) <= 1e-12 * peak or (a != a and b != b))
            assert a == b or close, (position, left, right)
