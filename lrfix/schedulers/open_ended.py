"""Schedulers without a horizon: exponential, inverse square root, step, multistep, cosine with restarts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch.optim import Optimizer

from lrfix.schedulers.arguments import PerGroup, choice, length, number, sorted_steps, whole_number
from lrfix.schedulers.base import Phase, WarmupScheduler
from lrfix.schedules.exact import cosine_weight, locate_cycle
from lrfix.schedules.open_ended import COUNT_FROM, WARMUP_CYCLES, exponential_factor, inverse_sqrt_factor
from lrfix.schedules.phases import DECAY_PROGRESS, decay_span, warmup_weight


class WarmupExponentialLR(WarmupScheduler):
    """Warmup, then ``gamma`` per step, not below the floor. See :func:`lrfix.schedules.warmup_exponential`."""

    _floor_bounds = True

    def __init__(
        self,
        optimizer: Optimizer,
        gamma: float,
        *,
        warmup_steps: float = 0,
        warmup_start_factor: PerGroup = 0.0,
        warmup_start_lr: PerGroup | None = None,
        warmup_mode: str = "linear",
        warmup_progress: str = "k/W",
        eta_max: PerGroup | None = None,
        peak_factor: PerGroup = 1.0,
        eta_min: PerGroup = 0.0,
        eta_min_ratio: PerGroup | None = None,
        eta_min_factor: PerGroup | None = None,
        last_epoch: int = -1,
        on_mismatch: str = "error",
    ) -> None:
        parameters = {
            "gamma": gamma,
            "warmup_steps": warmup_steps,
            "warmup_start_factor": warmup_start_factor,
            "warmup_start_lr": warmup_start_lr,
            "warmup_mode": warmup_mode,
            "warmup_progress": warmup_progress,
            "eta_max": eta_max,
            "peak_factor": peak_factor,
            "eta_min": eta_min,
            "eta_min_ratio": eta_min_ratio,
            "eta_min_factor": eta_min_factor,
        }
        super().__init__(optimizer, parameters, last_epoch, on_mismatch)

    def _checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {"gamma": number("gamma", parameters["gamma"], "a finite number >= 0")}

    def _prepare(self) -> None:
        self._gamma: float = self.parameters["gamma"]

    def _factor(self, k: int, one: int) -> float:
        return exponential_factor(self._gamma, k, one * self._unit)


class WarmupInverseSqrtLR(WarmupScheduler):
    """Warmup, then the inverse square root of the step. See :func:`lrfix.schedules.warmup_inverse_sqrt`."""

    _floor_bounds = True
    _own_defaults: ClassVar[dict[str, Any]] = {"timescale": None, "decay_progress": "k/D"}

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        timescale: float | None = None,
        decay_progress: str = "k/D",
        warmup_steps: float,
        warmup_start_factor: PerGroup = 0.0,
        warmup_start_lr: PerGroup | None = None,
        warmup_mode: str = "linear",
        warmup_progress: str = "k/W",
        eta_max: PerGroup | None = None,
        peak_factor: PerGroup = 1.0,
        eta_min: PerGroup = 0.0,
        eta_min_ratio: PerGroup | None = None,
        eta_min_factor: PerGroup | None = None,
        last_epoch: int = -1,
        on_mismatch: str = "error",
    ) -> None:
        parameters = {
            "timescale": timescale,
            "decay_progress": decay_progress,
            "warmup_steps": warmup_steps,
            "warmup_start_factor": warmup_start_factor,
            "warmup_start_lr": warmup_start_lr,
            "warmup_mode": warmup_mode,
            "warmup_progress": warmup_progress,
            "eta_max": eta_max,
            "peak_factor": peak_factor,
            "eta_min": eta_min,
            "eta_min_ratio": eta_min_ratio,
            "eta_min_factor": eta_min_factor,
        }
        super().__init__(optimizer, parameters, last_epoch, on_mismatch)

    def _checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        timescale = parameters["timescale"]
        return {
            "timescale": None if timescale is None else length("timescale", timescale, positive=True),
            "decay_progress": choice("decay_progress", parameters["decay_progress"], ("k/D", "(k+1)/D")),
        }

    def _prepare(self) -> None:
        self._timescale = self._in_units(self.parameters["timescale"] or 0) or self._warmup_steps or self._unit
        self._convention: str = self.parameters["decay_progress"]

    def _factor(self, k: int, one: int) -> float:
        return inverse_sqrt_factor(k, 0, one * self._unit, self._timescale * one, self._convention)


class WarmupStepLR(WarmupScheduler):
    """Warmup, then ``gamma`` every ``step_size`` steps. See :func:`lrfix.schedules.warmup_step`."""

    _floor_bounds = True
    _own_defaults: ClassVar[dict[str, Any]] = {"gamma": 0.1, "count_from": "warmup"}

    def __init__(
        self,
        optimizer: Optimizer,
        step_size: float,
        gamma: float = 0.1,
        *,
        count_from: str = "warmup",
        warmup_steps: float = 0,
        warmup_start_factor: PerGroup = 0.0,
        warmup_start_lr: PerGroup | None = None,
        warmup_mode: str = "linear",
        warmup_progress: str = "k/W",
        eta_max: PerGroup | None = None,
        peak_factor: PerGroup = 1.0,
        eta_min: PerGroup = 0.0,
        eta_min_ratio: PerGroup | None = None,
        eta_min_factor: PerGroup | None = None,
        last_epoch: int = -1,
        on_mismatch: str = "error",
    ) -> None:
        parameters = {
            "step_size": step_size,
            "gamma": gamma,
            "count_from": count_from,
            "warmup_steps": warmup_steps,
            "warmup_start_factor": warmup_start_factor,
            "warmup_start_lr": warmup_start_lr,
            "warmup_mode": warmup_mode,
            "warmup_progress": warmup_progress,
            "eta_max": eta_max,
            "peak_factor": peak_factor,
            "eta_min": eta_min,
            "eta_min_ratio": eta_min_ratio,
            "eta_min_factor": eta_min_factor,
        }
        super().__init__(optimizer, parameters, last_epoch, on_mismatch)

    def _checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "step_size": length("step_size", parameters["step_size"], positive=True),
            "gamma": number("gamma", parameters["gamma"], "a finite number >= 0"),
            "count_from": choice("count_from", parameters["count_from"], COUNT_FROM),
        }

    def _prepare(self) -> None:
        self._step_size = self._in_units(self.parameters["step_size"])
        self._gamma: float = self.parameters["gamma"]
        self._ahead = 0 if self.parameters["count_from"] == "warmup" else self._warmup_steps
        self._drops_in_warmup = self.parameters["count_from"] == "start-in-warmup"

    def _factor(self, k: int, one: int) -> float:
        factor: float = self._gamma ** ((k + self._ahead * one) // (self._step_size * one))
        return factor

    def _in_warmup(self, k: int, one: int) -> float:
        factor: float = self._gamma ** (k // (self._step_size * one))
        return factor


class WarmupMultiStepLR(WarmupScheduler):
    """Warmup, then ``gamma`` at every milestone. See :func:`lrfix.schedules.warmup_multistep`.

    ``milestones`` count from step 0, warmup included, as torch's do; ``count_from="warmup"`` counts from its end, and
    with ``"start-in-warmup"`` a milestone inside the warmup scales that too.
    """

    _floor_bounds = True
    _own_defaults: ClassVar[dict[str, Any]] = {"gamma": 0.1, "count_from": "start"}

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Sequence[float],
        gamma: float = 0.1,
        *,
        count_from: str = "start",
        warmup_steps: float = 0,
        warmup_start_factor: PerGroup = 0.0,
        warmup_start_lr: PerGroup | None = None,
        warmup_mode: str = "linear",
        warmup_progress: str = "k/W",
        eta_max: PerGroup | None = None,
        peak_factor: PerGroup = 1.0,
        eta_min: PerGroup = 0.0,
        eta_min_ratio: PerGroup | None = None,
        eta_min_factor: PerGroup | None = None,
        last_epoch: int = -1,
        on_mismatch: str = "error",
    ) -> None:
        parameters = {
            "milestones": milestones,
            "gamma": gamma,
            "count_from": count_from,
            "warmup_steps": warmup_steps,
            "warmup_start_factor": warmup_start_factor,
            "warmup_start_lr": warmup_start_lr,
            "warmup_mode": warmup_mode,
            "warmup_progress": warmup_progress,
            "eta_max": eta_max,
            "peak_factor": peak_factor,
            "eta_min": eta_min,
            "eta_min_ratio": eta_min_ratio,
            "eta_min_factor": eta_min_factor,
        }
        super().__init__(optimizer, parameters, last_epoch, on_mismatch)

    def _checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        milestones = sorted_steps("milestones", parameters["milestones"])
        return {
            "milestones": milestones,
            "gamma": number("gamma", parameters["gamma"], "a finite number >= 0"),
            "count_from": choice("count_from", parameters["count_from"], COUNT_FROM),
        }

    def _prepare(self) -> None:
        self._milestones = [self._in_units(steps) for steps in self.parameters["milestones"]]
        self._gamma: float = self.parameters["gamma"]
        self._ahead = 0 if self.parameters["count_from"] == "warmup" else self._warmup_steps
        self._drops_in_warmup = self.parameters["count_from"] == "start-in-warmup"

    def _factor(self, k: int, one: int) -> float:
        factor: float = self._gamma ** bisect_right(self._milestones, k // one + self._ahead)
        return factor

    def _in_warmup(self, k: int, one: int) -> float:
        factor: float = self._gamma ** bisect_right(self._milestones, k // one)
        return factor


class WarmupCosineRestartsLR(WarmupScheduler):
    """Cosine annealing with warm restarts. See :func:`lrfix.schedules.warmup_cosine_restarts`.

    Cycles of ``T_0 * T_mult ** n`` steps; cycle ``n`` starts from the peak times ``cycle_decay ** n``.
    ``warmup_cycles="every"`` begins each cycle with the warmup, which then counts as part of the cycle.
    """

    _own_defaults: ClassVar[dict[str, Any]] = {
        "T_mult": 1,
        "cycle_decay": 1.0,
        "warmup_cycles": "first",
        "decay_progress": "k/D",
    }

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: float,
        T_mult: int = 1,
        *,
        cycle_decay: float = 1.0,
        warmup_cycles: str = "first",
        decay_progress: str = "k/D",
        warmup_steps: float = 0,
        warmup_start_factor: PerGroup = 0.0,
        warmup_start_lr: PerGroup | None = None,
        warmup_mode: str = "linear",
        warmup_progress: str = "k/W",
        eta_max: PerGroup | None = None,
        peak_factor: PerGroup = 1.0,
        eta_min: PerGroup = 0.0,
        eta_min_ratio: PerGroup | None = None,
        eta_min_factor: PerGroup | None = None,
        last_epoch: int = -1,
        on_mismatch: str = "error",
    ) -> None:
        parameters = {
            "T_0": T_0,
            "T_mult": T_mult,
            "cycle_decay": cycle_decay,
            "warmup_cycles": warmup_cycles,
            "decay_progress": decay_progress,
            "warmup_steps": warmup_steps,
            "warmup_start_factor": warmup_start_factor,
            "warmup_start_lr": warmup_start_lr,
            "warmup_mode": warmup_mode,
            "warmup_progress": warmup_progress,
            "eta_max": eta_max,
            "peak_factor": peak_factor,
            "eta_min": eta_min,
            "eta_min_ratio": eta_min_ratio,
            "eta_min_factor": eta_min_factor,
        }
        super().__init__(optimizer, parameters, last_epoch, on_mismatch)

    def _checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "T_0": length("T_0", parameters["T_0"], positive=True),
            "T_mult": whole_number("T_mult", parameters["T_mult"], 1),
            "cycle_decay": number(
                "cycle_decay", parameters["cycle_decay"], "0 < cycle_decay <= 1", above=0.0, most=1.0
            ),
            "warmup_cycles": choice("warmup_cycles", parameters["warmup_cycles"], WARMUP_CYCLES),
            "decay_progress": choice("decay_progress", parameters["decay_progress"], DECAY_PROGRESS),
        }

    def _prepare(self) -> None:
        self._first = self._in_units(self.parameters["T_0"])
        self._multiplier: int = self.parameters["T_mult"]
        self._cycle_decay: float = self.parameters["cycle_decay"]
        self._every = 0
        if self.parameters["warmup_cycles"] == "every":
            self._every, self._warmup_steps = self._warmup_steps, 0
        self._convention: str = self.parameters["decay_progress"]
        # The cycle last asked for, as :meth:`_locate` gives it: saves the search at most steps.
        self._cycle = self._locate(0)

    def _locate(self, step: int) -> tuple[int, int, int, int, int, float]:
        """Of the cycle of a step: its first step, the next one's, where its decay begins, what is added to the steps
        of the decay, their number, and the factor on the peak.
        """
        cycle, offset, length = locate_cycle(step, self._first, self._multiplier)
        begin = step - offset
        ahead, decay_steps = decay_span(length - self._every, self._unit, self._convention)
        return begin, begin + length, begin + self._every, ahead, decay_steps, self._cycle_decay**cycle

    def _decay(self, k: int, one: int) -> Phase:
        begin, end, decay_begin, ahead, length, scale = self._cycle
        if not begin * one <= k < end * one:
            begin, end, decay_begin, ahead, length, scale = self._cycle = self._locate(k // one)
        done = k - decay_begin * one
        if done < 0:
            return (
                True,
                *warmup_weight(k - begin * one, self._every * one, one * self._unit, self._warmup_progress),
                scale,
            )
        done += ahead * one
        length *= one
        if done >= length:
            return False, 0, 1, scale
        numerator, denominator = cosine_weight(done, length)
        return False, numerator, denominator, scale
