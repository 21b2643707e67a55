"""Learning-rate schedules as pure functions of the step. Standard library only, no state.

Words: ``step`` is ``k``, counted from 0; a rate is in the optimizer's units; ``peak`` is the rate that the warmup leads
to and ``eta_min`` the floor that the decay ends at; the horizon ``total_steps`` includes the warmup.

Progress of the warmup at ``k < W`` (``warmup_progress``): ``"k/W"`` starts at ``warmup_start`` and reaches the peak at
``k = W``; ``"(k+1)/W"`` leaves out the start and reaches the peak on the last warmup step; ``"k/(W-1)"`` holds both
ends; ``"(k+1)/(W+1)"`` leaves out both; ``"max(k,1)/W"`` is ``"k/W"`` with a first step like the second. Progress of
the decay, ``k`` counted from the end of the warmup (``decay_progress``): ``"k/D"`` starts at the peak and reaches the
floor at the horizon itself, one step after the last; ``"(k+1)/D"`` leaves out the peak and reaches the floor on the
last step; ``"k/(D-1)"`` holds both.

Accuracy: cosine, linear, constant and integer-power curves are the exact real value correctly rounded; the others are
within 5 ulp. Curves are monotone where the exact curve is.
"""

from __future__ import annotations

from lrfix.schedules.decaying import (
    DECAYS,
    ETA_MIN_MODES,
    warmup_cosine,
    warmup_linear,
    warmup_polynomial,
    warmup_stable_decay,
)
from lrfix.schedules.open_ended import (
    COUNT_FROM,
    WARMUP_CYCLES,
    restart_steps,
    warmup_constant,
    warmup_cosine_restarts,
    warmup_exponential,
    warmup_inverse_sqrt,
    warmup_multistep,
    warmup_step,
)
from lrfix.schedules.phases import DECAY_PROGRESS, WARMUP_MODES, WARMUP_PROGRESS

__all__ = [
    "COUNT_FROM",
    "DECAYS",
    "DECAY_PROGRESS",
    "ETA_MIN_MODES",
    "WARMUP_CYCLES",
    "WARMUP_MODES",
    "WARMUP_PROGRESS",
    "restart_steps",
    "warmup_constant",
    "warmup_cosine",
    "warmup_cosine_restarts",
    "warmup_exponential",
    "warmup_inverse_sqrt",
    "warmup_linear",
    "warmup_multistep",
    "warmup_polynomial",
    "warmup_stable_decay",
    "warmup_step",
]
