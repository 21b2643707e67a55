"""Schedulers that decay to a floor within a horizon, and the constant one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch.optim import Optimizer

from lrfix.schedulers.arguments import PerGroup, choice, length, number
from lrfix.schedulers.base import Phase, WarmupScheduler
from lrfix.schedules.decaying import DECAYS, ETA_MIN_MODES, decay_weight
from lrfix.schedules.exact import cosine_weight, power_weight, wave_weight
from lrfix.schedules.phases import DECAY_PROGRESS, decay_span


class WarmupConstantLR(WarmupScheduler):
    """Warmup, then the peak for ever. See :func:`lrfix.schedules.warmup_constant`."""

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        warmup_steps: float = 0,
        warmup_start_factor: PerGroup = 0.0,
        warmup_start_lr: PerGroup | None = None,
        warmup_mode: str = "linear",
        warmup_progress: str = "k/W",
        eta_max: PerGroup | None = None,
        peak_factor: PerGroup = 1.0,
        last_epoch: int = -1,
        on_mismatch: str = "error",
    ) -> None:
        parameters = {
            "warmup_steps": warmup_steps,
            "warmup_start_factor": warmup_start_factor,
            "warmup_start_lr": warmup_start_lr,
            "warmup_mode": warmup_mode,
            "warmup_progress": warmup_progress,
            "eta_max": eta_max,
            "peak_factor": peak_factor,
        }
        super().__init__(optimizer, parameters, last_epoch, on_mismatch)

    def _checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def _decay(self, k: int, one: int) -> Phase:
        return False, 1, 1, 1.0


class WarmupCosineLR(WarmupScheduler):
    """Warmup, then half a cosine to the floor at ``total_steps``. See :func:`lrfix.schedules.warmup_cosine`.

    ``total_steps`` counts calls of ``step()``, warmup included.
    """

    _own_defaults: ClassVar[dict[str, Any]] = {"decay_progress": "k/D", "eta_min_mode": "end", "num_cycles": 0.5}

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: float,
        *,
        decay_progress: str = "k/D",
        num_cycles: float = 0.5,
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
        eta_min_mode: str = "end",
        last_epoch: int = -1,
        on_mismatch: str = "error",
    ) -> None:
        parameters = {
            "total_steps": total_steps,
            "decay_progress": decay_progress,
            "num_cycles": num_cycles,
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
            "eta_min_mode": eta_min_mode,
        }
        super().__init__(optimizer, parameters, last_epoch, on_mismatch)

    def _checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "total_steps": length("total_steps", parameters["total_steps"]),
            "decay_progress": choice("decay_progress", parameters["decay_progress"], DECAY_PROGRESS),
            "eta_min_mode": choice("eta_min_mode", parameters["eta_min_mode"], ETA_MIN_MODES),
            "num_cycles": number("num_cycles", parameters["num_cycles"], "0 <= num_cycles < 1e9", most=1e9),
        }

    def _prepare(self) -> None:
        decay = self._in_units(self.parameters["total_steps"]) - self._warmup_steps
        self._ahead, self._length = decay_span(decay, self._unit, self.parameters["decay_progress"])
        self._waves: float = self.parameters["num_cycles"]
        self._last = wave_weight(1, 1, self._waves)

    def _decay(self, k: int, one: int) -> Phase:
        done, length = k + self._ahead * one, self._length * one
        if done >= length:
            return False, *self._last, 1.0
        numerator, denominator = (
            cosine_weight(done, length) if self._waves == 0.5 else wave_weight(done, length, self._waves)
        )
        return False, numerator, denominator, 1.0


class WarmupLinearLR(WarmupScheduler):
    """Warmup, then a straight line to the floor at ``total_steps``. See :func:`lrfix.schedules.warmup_linear`."""

    _own_defaults: ClassVar[dict[str, Any]] = {"decay_progress": "k/D", "eta_min_mode": "end"}

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: float,
        *,
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
        eta_min_mode: str = "end",
        last_epoch: int = -1,
        on_mismatch: str = "error",
    ) -> None:
        parameters = {
            "total_steps": total_steps,
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
            "eta_min_mode": eta_min_mode,
        }
        super().__init__(optimizer, parameters, last_epoch, on_mismatch)

    def _checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "total_steps": length("total_steps", parameters["total_steps"]),
            "decay_progress": choice("decay_progress", parameters["decay_progress"], DECAY_PROGRESS),
            "eta_min_mode": choice("eta_min_mode", parameters["eta_min_mode"], ETA_MIN_MODES),
        }

    def _prepare(self) -> None:
        decay = self._in_units(self.parameters["total_steps"]) - self._warmup_steps
        self._ahead, self._length = decay_span(decay, self._unit, self.parameters["decay_progress"])

    def _decay(self, k: int, one: int) -> Phase:
        done, length = k + self._ahead * one, self._length * one
        if done >= length:
            return False, 0, 1, 1.0
        return False, length - done, length, 1.0


class WarmupPolynomialLR(WarmupScheduler):
    """Warmup, then ``(1 - progress) ** power`` to the floor. See :func:`lrfix.schedules.warmup_polynomial`."""

    _own_defaults: ClassVar[dict[str, Any]] = {"power": 1.0, "decay_progress": "k/D", "eta_min_mode": "end"}

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: float,
        power: float = 1.0,
        *,
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
        eta_min_mode: str = "end",
        last_epoch: int = -1,
        on_mismatch: str = "error",
    ) -> None:
        parameters = {
            "total_steps": total_steps,
            "power": power,
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
            "eta_min_mode": eta_min_mode,
        }
        super().__init__(optimizer, parameters, last_epoch, on_mismatch)

    def _checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "total_steps": length("total_steps", parameters["total_steps"]),
            "power": number("power", parameters["power"], "0 <= power < 1e9", most=1e9),
            "decay_progress": choice("decay_progress", parameters["decay_progress"], DECAY_PROGRESS),
            "eta_min_mode": choice("eta_min_mode", parameters["eta_min_mode"], ETA_MIN_MODES),
        }

    def _prepare(self) -> None:
        decay = self._in_units(self.parameters["total_steps"]) - self._warmup_steps
        self._ahead, self._length = decay_span(decay, self._unit, self.parameters["decay_progress"])
        self._power: float = self.parameters["power"]

    def _decay(self, k: int, one: int) -> Phase:
        done, length = k + self._ahead * one, self._length * one
        if done >= length:
            return False, *power_weight(0, 1, self._power), 1.0
        return False, *power_weight(length - done, length, self._power), 1.0


class WarmupStableDecayLR(WarmupScheduler):
    """Warmup, peak, then a decay in the last ``decay_steps`` steps. See :func:`lrfix.schedules.warmup_stable_decay`."""

    _own_defaults: ClassVar[dict[str, Any]] = {"decay": "cosine", "decay_progress": "k/D"}

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: float,
        decay_steps: float,
        decay: str = "cosine",
        *,
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
            "total_steps": total_steps,
            "decay_steps": decay_steps,
            "decay": decay,
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
            "total_steps": length("total_steps", parameters["total_steps"]),
            "decay_steps": length("decay_steps", parameters["decay_steps"]),
            "decay": choice("decay", parameters["decay"], DECAYS),
            "decay_progress": choice("decay_progress", parameters["decay_progress"], DECAY_PROGRESS),
        }

    def _prepare(self) -> None:
        room = max(self._in_units(self.parameters["total_steps"]) - self._warmup_steps, 0)
        decay = min(self._in_units(self.parameters["decay_steps"]), room)
        self._plateau = room - decay
        self._decay_kind: str = self.parameters["decay"]
        self._ahead, self._length = decay_span(decay, self._unit, self.parameters["decay_progress"])

    def _decay(self, k: int, one: int) -> Phase:
        k -= self._plateau * one
        if k < 0:
            return False, 1, 1, 1.0
        done, length = k + self._ahead * one, self._length * one
        if done >= length:
            return False, 0, 1, 1.0
        return False, *decay_weight(done, length, self._decay_kind), 1.0
