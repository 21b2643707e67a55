"""Stand-ins for ``torch.optim.lr_scheduler``: what each scheduler does to ``param_groups``, step by step."""

from __future__ import annotations

from lrfix.stand_ins.composite_schedulers import (
    ChainedScheduler,
    ReduceLROnPlateau,
    SequentialLR,
)
from lrfix.stand_ins.epoch_schedulers import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from lrfix.stand_ins.momentum_schedulers import (
    CyclicLR,
    OneCycleLR,
)
from lrfix.stand_ins.scheduler_base import (
    LRScheduler,
    _LRScheduler,
)

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "_LRScheduler",
]
