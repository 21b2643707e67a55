"""The rates of torch's own schedulers with the numbers that a file gives them, from their stand-ins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lrfix.stand_ins import lr_scheduler
from lrfix.stand_ins.optimizer import SGD

#: A longer schedule is run with all of its lengths shortened in proportion.
_MOST = 2000
#: What each counts in steps.
_LENGTHS: Mapping[str, tuple[str, ...]] = {
    "StepLR": ("step_size",),
    "MultiStepLR": ("milestones",),
    "ConstantLR": ("total_iters",),
    "LinearLR": ("total_iters",),
    "ExponentialLR": (),
    "PolynomialLR": ("total_iters",),
    "CosineAnnealingLR": ("T_max",),
    "CosineAnnealingWarmRestarts": ("T_0",),
    "CyclicLR": ("step_size_up", "step_size_down"),
    "OneCycleLR": ("total_steps", "epochs"),
}
#: What torch takes where nothing is given.
_DEFAULTS = {"ConstantLR": 5, "LinearLR": 5, "PolynomialLR": 5, "CyclicLR": 2000}
#: So many times its length is looked at where a schedule goes on in the same way, and so many steps without a length.
_TIMES = {"StepLR": 3.0, "MultiStepLR": 1.5}
_ENDLESS = 200


def stock_curve(scheduler: str, base: float, arguments: Mapping[str, Any]) -> tuple[list[float], float] | None:
    """The rates up to the end of a schedule, and by how much its lengths were shortened; None where it does not run."""
    if scheduler not in _LENGTHS:
        return None
    try:
        lengths = {n: value for n, value in arguments.items() if n in _LENGTHS[scheduler] and value is not None}
        longest = max((n for value in lengths.values() for n in _numbers(value)), default=_DEFAULTS.get(scheduler, 0))
        total = longest * arguments.get("steps_per_epoch", 1) if "epochs" in lengths else longest
        shortened = max(1.0, total / _MOST)
        given = dict(arguments) | {name: _shortened(value, shortened) for name, value in lengths.items()}
        steps = total * _TIMES.get(scheduler, 1.0) or _ENDLESS
        optimizer = SGD([0.0], lr=base)
        running = getattr(lr_scheduler, scheduler)(optimizer, **given)
        return list(_rates(optimizer, running, int(steps / shortened))), shortened
    except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError):
        return None


def _rates(optimizer: Any, scheduler: Any, steps: int) -> Iterator[float]:
    yield float(optimizer.param_groups[0]["lr"])
    for _ in range(steps):
        scheduler.step()
        yield float(optimizer.param_groups[0]["lr"])


def _numbers(value: Any) -> list[float]:
    return [n for n in (value if isinstance(value, list | tuple) else [value]) if isinstance(n, int | float)]


def _shortened(value: Any, by: float) -> Any:
    if by == 1:
        return value
    if isinstance(value, list | tuple):
        return [max(1, round(n / by)) for n in value]
    return max(1, round(value / by))


__all__ = ["stock_curve"]
