"""What a scheduler of torch does that is built anew in a resumed run, on an optimizer whose state is restored.

The stand-ins are asked: one run goes on, another is stopped, its optimizer's state loaded beside a new scheduler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any

from lrfix.stand_ins import lr_scheduler
from lrfix.stand_ins.optimizer import SGD

_BASE = 0.1
#: The runs stop between two changes of everything that changes in steps.
_STOP, _STEPS = 13, 30
_SAME = 1e-9
#: One of each kind, with lengths that are longer than the run where the rate is not to stand still at its end.
_MADE: Mapping[str, Callable[[Any], Any]] = {
    "LambdaLR": lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step)),
    "MultiplicativeLR": lambda optimizer: lr_scheduler.MultiplicativeLR(optimizer, lambda step: step / (1 + step)),
    "StepLR": lambda optimizer: lr_scheduler.StepLR(optimizer, 5),
    "MultiStepLR": lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [4, 9, 17]),
    "ConstantLR": lambda optimizer: lr_scheduler.ConstantLR(optimizer, total_iters=20),
    "LinearLR": lambda optimizer: lr_scheduler.LinearLR(optimizer, total_iters=50),
    "ExponentialLR": lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.9),
    "PolynomialLR": lambda optimizer: lr_scheduler.PolynomialLR(optimizer, total_iters=50),
    "CosineAnnealingLR": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 50),
    "CosineAnnealingWarmRestarts": lambda optimizer: lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 20),
    "CyclicLR": lambda optimizer: lr_scheduler.CyclicLR(optimizer, 0.01, 0.1, 7, cycle_momentum=False),
    "OneCycleLR": lambda optimizer: lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=60, cycle_momentum=False),
}


class Fate(Enum):
    """What the rates of a resumed run are from its first step on."""

    KEPT = "those of the run that never stopped"
    RECOUNTED = "the restored rate, changed from then on as if training had just begun"
    ANEW = "those of a new run"


@cache
def fate(scheduler: str, built_first: bool = True) -> Fate | None:
    """By the name of torch's class; ``built_first``: before the optimizer's state is loaded. None: not known."""
    if scheduler not in _MADE:
        return None
    make = _MADE[scheduler]
    optimizer = SGD([0.0], lr=_BASE)
    running = make(optimizer)
    _rates(optimizer, running, _STOP)
    saved = optimizer.state_dict()
    walked = _rates(optimizer, running, _STEPS)
    resumed = SGD([0.0], lr=_BASE)
    begun = make(resumed) if built_first else None
    resumed.load_state_dict(saved)
    found = _rates(resumed, make(resumed) if begun is None else begun, _STEPS)
    new = SGD([0.0], lr=_BASE)
    if _agree(found, walked):
        return Fate.KEPT
    return Fate.ANEW if _agree(found, _rates(new, make(new), _STEPS)) else Fate.RECOUNTED


def _rates(optimizer: Any, scheduler: Any, steps: int) -> list[float]:
    """The rates behind each of so many steps."""
    rates = []
    for _ in range(steps):
        scheduler.step()
        rates.append(float(optimizer.param_groups[0]["lr"]))
    return rates


def _agree(some: list[float], others: list[float]) -> bool:
    return all(abs(a - b) <= _SAME * max(abs(a), abs(b)) for a, b in zip(some, others, strict=True))


__all__ = ["Fate", "fate"]
