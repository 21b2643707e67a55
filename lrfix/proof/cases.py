"""What all promises are tried on: one setting of every class, optimizers on a device, and a tally of what held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from lrfix import schedulers

# Class -> its function, and arguments under which every phase is seen within STEPS steps.
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "WarmupConstantLR": ("warmup_constant", {}),
    "WarmupCosineLR": ("warmup_cosine", {"total_steps": 24}),
    "WarmupLinearLR": ("warmup_linear", {"total_steps": 24}),
    "WarmupPolynomialLR": ("warmup_polynomial", {"total_steps": 24, "power": 2.5}),
    "WarmupStableDecayLR": ("warmup_stable_decay", {"total_steps": 24, "decay_steps": 9, "decay": "1-sqrt"}),
    "WarmupExponentialLR": ("warmup_exponential", {"gamma": 0.9}),
    "WarmupInverseSqrtLR": ("warmup_inverse_sqrt", {}),
    "WarmupStepLR": ("warmup_step", {"step_size": 7}),
    "WarmupMultiStepLR": ("warmup_multistep", {"milestones": [9, 9, 21]}),
    "WarmupCosineRestartsLR": ("warmup_cosine_restarts", {"T_0": 6, "T_mult": 2, "cycle_decay": 0.7}),
}
WARMUP = 5
BASES = (0.1, 0.03)
STEPS = 30


@dataclass
class Tally:
    """How many cases were tried, and in words the first that did not hold."""

    cases: int = 0
    failure: str = ""

    def check(self, holds: bool, what: str) -> None:
        """Counts a case; ``what`` says what is wrong where it does not hold."""
        self.cases += 1
        if not holds and not self.failure:
            self.failure = what


def optimizer_on(
    device: torch.device, tensor: bool = False, bases: tuple[float, ...] = BASES, capturable: bool = False
) -> torch.optim.Optimizer:
    """One parameter group a base rate, as floats or as tensors on the device; Adam where it must be capturable."""
    groups = [
        {
            "params": [torch.nn.Parameter(torch.ones(2, device=device))],
            "lr": torch.tensor(base, device=device) if tensor else base,
        }
        for base in bases
    ]
    return torch.optim.Adam(groups, capturable=True) if capturable else torch.optim.SGD(groups, lr=0.5)


def build(name: str, optimizer: torch.optim.Optimizer, **more: Any) -> schedulers.WarmupScheduler:
    """A scheduler of one class with its setting."""
    scheduler = getattr(schedulers, name)(optimizer, **{"warmup_steps": WARMUP, **FAMILIES[name][1], **more})
    assert isinstance(scheduler, schedulers.WarmupScheduler)
    return scheduler


def rates(optimizer: torch.optim.Optimizer) -> list[float]:
    """The rates that the next step of the optimizer would be made with."""
    return [float(group["lr"]) for group in optimizer.param_groups]


def walk(optimizer: torch.optim.Optimizer, scheduler: Any, count: int) -> list[list[float]]:
    """The rates now and after each of ``count`` steps."""
    seen = [rates(optimizer)]
    for _ in range(count):
        optimizer.step()
        scheduler.step()
        seen.append(rates(optimizer))
    return seen


def refuses(call: Callable[[], Any], words: str) -> bool:
    """Whether a call raises ValueError with the given words."""
    try:
        call()
    except ValueError as error:
        return words in str(error)
    return False
