"""The bundled schedulers for torch, on the pure functions of :mod:`lrfix.schedules`.

Arguments that all of them share (keyword only; those marked * also take a list with one value for each parameter
group):

``warmup_steps``, ``warmup_mode``, ``warmup_progress``: see :mod:`lrfix.schedules`.
``warmup_start_factor``*: where the warmup starts, as a factor on the peak; or ``warmup_start_lr``*, as a rate.
``peak_factor``*: the peak as a factor on the group's base rate; or ``eta_max``*, as a rate.
``eta_min``*: the floor as a rate; or ``eta_min_ratio``*, as a share of the peak, or ``eta_min_factor``*, as a factor on
    the base rate.
``last_epoch``: the last step that was done, -1 at the start.
``on_mismatch``: what :meth:`load_state_dict` does when the saved parameters differ from the constructor's: "error"
(default), "saved" (they win), "constructor" (only the step is taken over).
"""

from __future__ import annotations

from lrfix.schedulers.base import ON_MISMATCH, WarmupScheduler
from lrfix.schedulers.decaying import (
    WarmupConstantLR,
    WarmupCosineLR,
    WarmupLinearLR,
    WarmupPolynomialLR,
    WarmupStableDecayLR,
)
from lrfix.schedulers.open_ended import (
    WarmupCosineRestartsLR,
    WarmupExponentialLR,
    WarmupInverseSqrtLR,
    WarmupMultiStepLR,
    WarmupStepLR,
)

__all__ = [
    "ON_MISMATCH",
    "WarmupConstantLR",
    "WarmupCosineLR",
    "WarmupCosineRestartsLR",
    "WarmupExponentialLR",
    "WarmupInverseSqrtLR",
    "WarmupLinearLR",
    "WarmupMultiStepLR",
    "WarmupPolynomialLR",
    "WarmupScheduler",
    "WarmupStableDecayLR",
    "WarmupStepLR",
]
