"""What is run of each version, with torch: the curve, a resume in the middle, a short training. For the worker only."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from lrfix.verification.sandbox import guarded, program_builtins

TRAINING_STEPS = 50
WIDTH = 4

Build = Callable[[Any, dict[str, Any]], Any]


class ProgramError(Exception):
    """The program raised; the message names the exception and the line in the program's text."""


def load(source: str, label: str) -> Build:
    """Run the program's module text and return its ``build``."""
    namespace: dict[str, Any] = {"__name__": "schedule", "__builtins__": program_builtins()}
    try:
        exec(compile(guarded(source), f"<{label}>", "exec"), namespace)
        build: Build = namespace["build"]
    except BaseException as error:
        raise ProgramError(describe(error, label)) from error
    return build


def describe(error: BaseException, label: str) -> str:
    """The exception in one line, with the last line of the program that took part."""
    try:
        text = str(error)
    except Exception:
        text = ""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == f"<{label}>":
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f" (line {line} of the {label} version)" if line is not None else ""
    return f"{type(error).__name__}: {text[:300]}{where}"


class Rig:
    """An optimizer over a tiny model, one weight matrix a parameter group, and the schedule built on it."""

    def __init__(
        self,
        build: Build,
        scenario: Mapping[str, Any],
        device: str = "cpu",
        tensor_rates: bool = False,
    ) -> None:
        bases = scenario["base_lrs"]
        self.weights = [
            torch.nn.Parameter(_fixed_numbers(WIDTH, WIDTH, seed=17 + 5 * index, scale=0.6).to(device))
            for index in range(len(bases))
        ]
        groups: list[dict[str, Any]] = []
        for weight, base in zip(self.weights, bases, strict=True):
            rate = torch.tensor(base, dtype=torch.float64, device=device) if tensor_rates else base
            groups.append({"params": [weight], "lr": rate})
        self.optimizer = torch.optim.SGD(groups, lr=groups[0]["lr"], momentum=0.9)
        # On the instance, so that the class is torch's own, and bound, as the schedulers wrap it.
        vars(self.optimizer)["step"] = types.MethodType(_step_where_needed, self.optimizer)
        self.inputs = _fixed_numbers(8, WIDTH, seed=3, scale=1.0).to(device)
        self.scheduler = build(self.optimizer, copy.deepcopy(scenario["values"]))

    def rates(self) -> list[float]:
        rates = []
        for group in self.optimizer.param_groups:
            rate = group["lr"]
            value = rate.item() if hasattr(rate, "item") else rate
            if isinstance(value, complex):
                raise ValueError(f"the rate is complex: {value}")
            rates.append(float(value))
        return rates

    def advance(self) -> None:
        """One optimizer step without gradients, one scheduler step."""
        self.optimizer.step()
        self.scheduler.step()

    def train(self, steps: int) -> tuple[str, list[float]]:
        """Train ``steps`` steps; the digest of all weights' bits, and the weights."""
        for _ in range(steps):
            self.optimizer.zero_grad()
            value = self.inputs
            for weight in self.weights:
                value = torch.tanh(value @ weight)
            loss = (value - 0.25).square().mean()
            torch.autograd.backward(loss)
            self.advance()
        digest = hashlib.sha256()
        weights: list[float] = []
        for weight in self.weights:
            digest.update(repr(weight.detach().cpu().view(torch.int32).flatten().tolist()).encode())
            weights += weight.detach().cpu().flatten().tolist()
        return digest.hexdigest(), weights


def _step_where_needed(optimizer: torch.optim.Optimizer, closure: Callable[[], float] | None = None) -> float | None:
    """``optimizer.step()``, spared where there is neither a gradient nor a hook: nine tenths of the time of a curve."""
    hooks = optimizer._optimizer_step_pre_hooks or optimizer._optimizer_step_post_hooks
    weights = (weight for group in optimizer.param_groups for weight in group["params"])
    if closure is None and not hooks and all(weight.grad is None for weight in weights):
        return None
    step: Callable[..., float | None] = type(optimizer).step
    return step(optimizer, closure)


def _fixed_numbers(rows: int, columns: int, seed: int, scale: float) -> torch.Tensor:
    """Numbers in (-scale, scale) by integer arithmetic: the same on every machine and in every version of torch."""
    values = [((index * 7919 + seed * 104729) % 1009 - 504) / 504 * scale for index in range(rows * columns)]
    return torch.tensor(values, dtype=torch.float32).reshape(rows, columns)


def run_curve(
    build: Build, label: str, scenario: Mapping[str, Any], count: int, snapshots: Sequence[int]
) -> tuple[dict[str, Any], dict[int, Any]]:
    """The rates of ``count`` steps from step 0, ended early by an exception, and the saved states on the way."""
    curve: list[list[float]] = []
    saved: dict[int, Any] = {}
    note = None
    error = None
    total = None
    try:
        rig = Rig(build, scenario)
        total = _total_of(rig.scheduler)
        for step in range(count):
            if step:
                rig.advance()
            curve.append(rig.rates())
            if step in snapshots and note is None:
                try:
                    saved[step] = _saved_state(rig)
                except BaseException as failure:
                    note = f"its state cannot be saved: {describe(failure, label)}"
    except BaseException as failure:
        error = {"step": len(curve), "message": describe(failure, label)}
    return {"curve": curve, "error": error, "note": note, "total": total}, saved


def _total_of(scheduler: Any) -> int | None:
    """How many steps a bundled scheduler was told that training takes."""
    parameters = getattr(scheduler, "parameters", None)
    total = parameters.get("total_steps") if isinstance(parameters, dict) else None
    return math.ceil(total) if isinstance(total, int | float) and math.isfinite(total) else None


def _saved_state(rig: Rig) -> tuple[Any, Any]:
    return copy.deepcopy(rig.optimizer.state_dict()), _plain_copy(rig.scheduler.state_dict())


def _plain_copy(state: Any) -> Any:
    """Through JSON where that keeps the state as it is, as a checkpoint file would; else a deep copy."""
    try:
        plain = json.loads(json.dumps(state))
    except (TypeError, ValueError):
        return copy.deepcopy(state)
    return plain if plain == state else copy.deepcopy(state)


def run_resume(
    build: Build, label: str, scenario: Mapping[str, Any], count: int, saved: Mapping[int, Any]
) -> list[dict[str, Any]]:
    """For each saved state: rebuild, load, go on. The rates from there on, and what raised on the way."""
    runs = []
    for stop, (optimizer_state, scheduler_state) in saved.items():
        curve: list[list[float]] = []
        error = None
        try:
            rig = Rig(build, scenario)
            rig.optimizer.load_state_dict(copy.deepcopy(optimizer_state))
            rig.scheduler.load_state_dict(copy.deepcopy(scheduler_state))
            for step in range(stop, count):
                if step > stop:
                    rig.advance()
                curve.append(rig.rates())
        except BaseException as failure:
            error = describe(failure, label)
        runs.append({"stop": stop, "curve": curve, "error": error})
    return runs


def run_training(build: Build, label: str, scenario: Mapping[str, Any], steps: int, device: str) -> dict[str, Any]:
    """The weights after a short training on ``device``, and their digest."""
    try:
        digest, weights = Rig(build, scenario, device).train(min(steps, TRAINING_STEPS))
        return {"digest": digest, "weights": weights, "error": None}
    except BaseException as failure:
        return {"digest": None, "weights": [], "error": describe(failure, label)}


def run_tensor_rates(build: Build, label: str, scenario: Mapping[str, Any], count: int, device: str) -> dict[str, Any]:
    """The curve with float64 tensors as rates, on ``device``."""
    curve: list[list[float]] = []
    error = None
    try:
        rig = Rig(build, scenario, device, tensor_rates=True)
        for step in range(count):
            if step:
                rig.advance()
            curve.append(rig.rates())
    except BaseException as failure:
        error = describe(failure, label)
    return {"curve": curve, "error": error}


def warm_up(devices: Sequence[str]) -> None:
    """Make torch load whatever optimizers and schedulers load late, before the fence closes."""
    schedulers = torch.optim.lr_scheduler
    for device in devices:
        for tensor_rates in (False, device == "cuda"):
            rig = Rig(
                lambda optimizer, p: schedulers.LambdaLR(optimizer, lambda step: 1.0),
                {"values": {}, "base_lrs": [0.1, 0.01]},
                device,
                tensor_rates,
            )
            rig.train(3)
            rig.rates()
            rig.optimizer.load_state_dict(_saved_state(rig)[0])
            rig.train(1)
    for kind in (torch.optim.AdamW, torch.optim.Adam, torch.optim.SGD):
        weight = torch.nn.Parameter(torch.ones(2))
        optimizer = kind([weight], lr=0.1)
        torch.autograd.backward(weight.sum())
        optimizer.step()
