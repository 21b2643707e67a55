"""The proof of a reading: the bundled schedule, with the user's expressions as arguments, against the sampled curve.

Two computations of one schedule differ by rounding. The bundled one is within 5 ulp; old code carries the error of
``(1 + cos(x)) / 2``, which near the end is a difference of almost equal numbers: up to a few 1e-16 of the peak
whatever the exact rate is. So rates count as equal within 1e-12 relative, plus 1e-15 of the peak absolute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from lrfix import schedules
from lrfix.recognition.evaluation import NotArithmetic, evaluate
from lrfix.recognition.model import Sample

_FUNCTIONS: dict[str, Callable[..., float]] = {
    "WarmupConstantLR": schedules.warmup_constant,
    "WarmupCosineLR": schedules.warmup_cosine,
    "WarmupCosineRestartsLR": schedules.warmup_cosine_restarts,
    "WarmupLinearLR": schedules.warmup_linear,
    "WarmupPolynomialLR": schedules.warmup_polynomial,
    "WarmupExponentialLR": schedules.warmup_exponential,
    "WarmupInverseSqrtLR": schedules.warmup_inverse_sqrt,
    "WarmupStepLR": schedules.warmup_step,
    "WarmupMultiStepLR": schedules.warmup_multistep,
    "WarmupStableDecayLR": schedules.warmup_stable_decay,
}

_KNOWN: dict[object, tuple[int, float, float] | None] = {}
_MOST_KNOWN = 128
_WHOLE = {"warmup_steps", "total_steps", "decay_steps", "T_0", "T_mult", "step_size", "milestones", "timescale"}


def _numbers(value: object) -> list[float]:
    return cast("list[float]", value if isinstance(value, list) else [value])


def equal_rates(old: float, new: float, peak: float) -> bool:
    return abs(old - new) <= 1e-12 * max(abs(old), abs(new)) + 1e-15 * abs(peak)


def bundled_curve(scheduler: str, arguments: Mapping[str, str], sample: Sample) -> Callable[[int], float]:
    """The bundled scheduler's rate as a function of the step, its arguments evaluated in one sample.

    Raises ``NotArithmetic`` or ``ArithmeticError`` where an argument cannot be evaluated.
    """
    return _curve(scheduler, evaluated(arguments, sample), sample.base_lr)


def evaluated(arguments: Mapping[str, str], sample: Sample) -> dict[str, object]:
    """The values of argument texts in one sample."""
    return {name: evaluate(text, sample.names) for name, text in arguments.items()}


def _curve(scheduler: str, given: dict[str, object], base_lr: float) -> Callable[[int], float]:
    """The same of arguments that were evaluated; takes them out of ``given``."""

    def rate(name: str) -> float | None:
        value = given.pop(name, None)
        return None if value is None else float(cast(float, value))

    for name, value in given.items():
        if name in _WHOLE and not all(number == int(number) for number in _numbers(value)):
            raise NotArithmetic(f"{name} is {value}; steps are whole")
    peak_factor, top = rate("peak_factor"), rate("eta_max")
    peak = top if top is not None else base_lr * (1.0 if peak_factor is None else peak_factor)
    for absolute, share, whole, target in (
        ("warmup_start_lr", "warmup_start_factor", peak, "warmup_start"),
        ("eta_min", "eta_min_ratio", peak, "eta_min"),
        ("eta_min", "eta_min_factor", base_lr, "eta_min"),
    ):
        level, part = rate(absolute), rate(share)
        if level is None and part is not None:
            level = part * whole
        if level is not None:
            given[target] = level
    function = _FUNCTIONS[scheduler]
    return lambda step: function(step, peak=peak, **given)


def first_difference(scheduler: str, arguments: Mapping[str, str], sample: Sample) -> tuple[int, float, float] | None:
    """First step at which old and new rate differ, with both rates; None when the curves are the same.

    Arguments that the bundled schedule refuses count as a difference at step 0 (the new rate is then NaN).
    """
    nothing = (0, sample.lr[0], float("nan"))
    try:
        given = evaluated(arguments, sample)
    except (NotArithmetic, ArithmeticError, ValueError, TypeError):
        return nothing
    # The same reading is held against the same curves again, with others beside them.
    key = (scheduler, repr(given), sample.base_lr, sample.lr)
    if key not in _KNOWN:
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        try:
            _KNOWN[key] = _apart(_curve(scheduler, given, sample.base_lr), sample.lr)
        except (NotArithmetic, ArithmeticError, ValueError, TypeError):
            _KNOWN[key] = nothing
    return _KNOWN[key]


def _apart(curve: Callable[[int], float], rates: tuple[float, ...]) -> tuple[int, float, float] | None:
    peak = max(abs(rate) for rate in rates)
    for step, old in enumerate(rates):
        new = curve(step)
        if not equal_rates(old, new, peak):
            return step, old, new
    return None
