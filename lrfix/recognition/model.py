"""The values recognition takes and gives: sampled curves in, family and parameters out."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sample:
    """One simulated run of a schedule.

    ``lr`` is the rate of one parameter group at steps 0, 1, ..., running past the horizon where the old
    code allows. ``base_lr`` is that group's base rate. ``names`` maps the user's expressions valid where
    the scheduler is built to their value in this run, those the schedule uses directly first. ``written`` are the
    numbers that stand in the schedule's code, where they are known: of two readings in numbers, that in these is meant.
    """

    lr: tuple[float, ...]
    base_lr: float
    names: Mapping[str, object]
    written: frozenset[float] = frozenset()


POSITIONAL = {
    "WarmupCosineLR": ("total_steps",),
    "WarmupCosineRestartsLR": ("T_0", "T_mult"),
    "WarmupLinearLR": ("total_steps",),
    "WarmupPolynomialLR": ("total_steps", "power"),
    "WarmupExponentialLR": ("gamma",),
    "WarmupStepLR": ("step_size", "gamma"),
    "WarmupMultiStepLR": ("milestones", "gamma"),
    "WarmupStableDecayLR": ("total_steps", "decay_steps"),
}
"""Arguments of the bundled schedulers that are commonly given by position, after ``optimizer``."""
_NUMBERS_BY_DEFAULT = {
    "warmup_steps": 0,
    "warmup_start_factor": 0,
    "warmup_start_lr": 0,
    "peak_factor": 1,
    "eta_min": 0,
    "eta_min_ratio": 0,
    "eta_min_factor": 0,
    "cycle_decay": 1,
    "num_cycles": 0.5,
}


@dataclass(frozen=True)
class ScheduleSpec:
    """A construction of a bundled scheduler: its class, then argument texts to emit after ``optimizer``."""

    scheduler: str
    positional: tuple[str, ...]
    keywords: Mapping[str, str]

    @property
    def arguments(self) -> dict[str, str]:
        """All argument texts by the names of the bundled scheduler."""
        return {**dict(zip(POSITIONAL.get(self.scheduler, ()), self.positional, strict=False)), **self.keywords}


def construction(scheduler: str, arguments: Mapping[str, str]) -> ScheduleSpec:
    """The spec of a call: arguments in the order of the signature, positional ones up to the first that is left out."""
    rest = dict(arguments)
    positional: list[str] = []
    for name in POSITIONAL.get(scheduler, ()):
        if name not in rest:
            break
        if name in ("T_mult", "power", "gamma", "decay_steps") and positional:
            break
        positional.append(rest.pop(name))
    return ScheduleSpec(scheduler, tuple(positional), rest)


def says_nothing(name: str, text: str) -> bool:
    """Whether an argument is a number that the bundled scheduler takes by default."""
    default = _NUMBERS_BY_DEFAULT.get(name)
    node = ast.parse(text, mode="eval").body
    return default is not None and isinstance(node, ast.Constant) and node.value == default


#: How the reason begins where a decay does not know of the warmup before it.
FROM_ZERO = "the decay is counted from step 0, not from the end of the warmup"


@dataclass(frozen=True)
class Recognition:
    """What a schedule is.

    ``parameters`` are expression texts by the bundled scheduler's argument names. ``spec`` is set only when
    the bundled scheduler gives the same curve in every sample, past the horizon included; otherwise ``reason``
    says in plain words why not. ``until_end``: only up to the horizon, which nothing is seen to go beyond.
    """

    family: str
    parameters: Mapping[str, str]
    spec: ScheduleSpec | None
    reason: str | None
    until_end: bool = False

    @property
    def counted_from_zero(self) -> bool:
        """Whether the decay is counted from step 0, as if there were no warmup before it."""
        return self.reason is not None and self.reason.startswith(FROM_ZERO)


@dataclass(frozen=True)
class Quantity:
    """A number read off one curve. ``unit`` is "steps", "rate" or "number"; it decides how it may be expressed."""

    parameter: str
    value: float
    unit: str


@dataclass(frozen=True)
class Hypothesis:
    """One reading of one curve: a family, the conventions it implies and the numbers measured.

    ``complaint`` says what the bundled scheduler has no way to express; a hypothesis with one never becomes a spec.
    """

    family: str
    scheduler: str | None
    conventions: Mapping[str, str] = field(default_factory=dict)
    quantities: tuple[Quantity, ...] = ()
    complaint: str | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for readings of different curves that describe the same schedule."""
        return (
            self.family,
            self.scheduler,
            tuple(sorted(self.conventions.items())),
            tuple(quantity.parameter for quantity in self.quantities),
        )

    def value(self, parameter: str) -> float | None:
        for quantity in self.quantities:
            if quantity.parameter == parameter:
                return quantity.value
        return None
