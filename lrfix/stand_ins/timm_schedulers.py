"""timm's schedulers with their documented contract: the caller counts, and tells each call where it stands.

``step`` is told the epoch, ``step_update`` the number of updates; only the one that ``t_in_epochs`` asks for moves the
rate. Subclasses say the values in ``_get_lr(t)``, those written for older versions in ``get_epoch_values`` and
``get_update_values``. Noise is left out: it has the mean that the schedule has without it.
"""

from __future__ import annotations

import math
from typing import Any


class Scheduler:
    def __init__(
        self,
        optimizer: Any,
        param_group_field: str = "lr",
        t_in_epochs: bool = True,
        noise_range_t: Any = None,
        noise_type: str = "normal",
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: Any = None,
        initialize: bool = True,
    ) -> None:
        self.optimizer = optimizer
        self.param_group_field = param_group_field
        self._initial_param_group_field = "initial_" + param_group_field
        for group in optimizer.param_groups:
            if initialize:
                group.setdefault(self._initial_param_group_field, group[param_group_field])
        self.base_values = [group[self._initial_param_group_field] for group in optimizer.param_groups]
        self.metric = None
        self.t_in_epochs = t_in_epochs
        self.noise_range_t = noise_range_t
        self.noise_type = noise_type
        self.noise_pct = noise_pct
        self.noise_std = noise_std
        self.noise_seed = 42 if noise_seed is None else noise_seed
        self.update_groups(self.base_values)

    def state_dict(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.__dict__.update(state_dict)

    def _get_lr(self, t: Any) -> Any:
        raise NotImplementedError

    def _get_values(self, t: Any, on_epoch: bool = True) -> Any:
        return self._get_lr(t) if on_epoch == self.t_in_epochs else None

    def get_epoch_values(self, epoch: Any) -> Any:
        return self._get_values(epoch, True)

    def get_update_values(self, num_updates: Any) -> Any:
        return self._get_values(num_updates, False)

    def step(self, epoch: Any, metric: Any = None) -> None:
        self.metric = metric
        values = self.get_epoch_values(epoch)
        if values is not None:
            self.update_groups(values)

    def step_update(self, num_updates: Any, metric: Any = None) -> None:
        self.metric = metric
        values = self.get_update_values(num_updates)
        if values is not None:
            self.update_groups(values)

    def update_groups(self, values: Any) -> None:
        groups = self.optimizer.param_groups
        if not isinstance(values, (list, tuple)):
            values = [values] * len(groups)
        # As timm does: what is too much is left.
        for group, value in zip(groups, values, strict=False):
            group[self.param_group_field] = value * group.get("lr_scale", 1.0)


class _Warmed(Scheduler):
    """What the concrete schedulers share: a straight warmup to the base values, counted in or out of the length."""

    def _begin(self, warmup_t: Any, warmup_lr_init: Any, warmup_prefix: bool) -> None:
        self.warmup_t = warmup_t
        self.warmup_lr_init = warmup_lr_init
        self.warmup_prefix = warmup_prefix
        self.warmup_steps = [1 for _ in self.base_values]
        if warmup_t:
            self.warmup_steps = [(base - warmup_lr_init) / warmup_t for base in self.base_values]
            self.update_groups(warmup_lr_init)

    def _get_lr(self, t: Any) -> Any:
        if t < self.warmup_t:
            return [self.warmup_lr_init + t * rise for rise in self.warmup_steps]
        return self._after(t - self.warmup_t if self.warmup_prefix else t)

    def _after(self, t: Any) -> Any:
        raise NotImplementedError


class _Cyclic(_Warmed):
    """Cycles of ``t_initial``, each ``cycle_mul`` times as long as the last, with ``cycle_decay`` times its peak."""

    t_initial: Any
    lr_min: Any
    cycle_mul: Any
    cycle_decay: Any
    cycle_limit: Any
    k_decay: Any

    def _cycle(self, t: Any) -> tuple[Any, Any, Any]:
        """The number of the cycle at ``t``, its length, and the place in it."""
        if self.cycle_mul == 1:
            number = t // self.t_initial
            return number, self.t_initial, t - number * self.t_initial
        number = math.floor(math.log(1 - t / self.t_initial * (1 - self.cycle_mul), self.cycle_mul))
        before = (1 - self.cycle_mul**number) / (1 - self.cycle_mul) * self.t_initial
        return number, self.t_initial * self.cycle_mul**number, t - before

    def _after(self, t: Any) -> Any:
        number, length, place = self._cycle(t)
        if number >= self.cycle_limit:
            return [self.lr_min for _ in self.base_values]
        left = self._left(place**self.k_decay / length**self.k_decay)
        peaks = [base * self.cycle_decay**number for base in self.base_values]
        return [self.lr_min + (peak - self.lr_min) * left for peak in peaks]

    def get_cycle_length(self, cycles: int = 0) -> Any:
        cycles = max(1, cycles or self.cycle_limit)
        if self.cycle_mul == 1:
            length = self.t_initial * cycles
        else:
            length = math.floor(-self.t_initial * (self.cycle_mul**cycles - 1) / (1 - self.cycle_mul))
        return length + self.warmup_t if self.warmup_prefix else length

    def _left(self, share: Any) -> Any:
        """What is left of the way from the peak to the floor, once ``share`` of the cycle has passed."""
        raise NotImplementedError


class CosineLRScheduler(_Cyclic):
    def __init__(
        self,
        optimizer: Any,
        t_initial: int,
        lr_min: float = 0.0,
        cycle_mul: float = 1.0,
        cycle_decay: float = 1.0,
        cycle_limit: int = 1,
        warmup_t: int = 0,
        warmup_lr_init: float = 0,
        warmup_prefix: bool = False,
        t_in_epochs: bool = True,
        noise_range_t: Any = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        k_decay: float = 1.0,
        initialize: bool = True,
    ) -> None:
        super().__init__(optimizer, "lr", t_in_epochs=t_in_epochs, initialize=initialize)
        self.t_initial = t_initial
        self.lr_min = lr_min
        self.cycle_mul = cycle_mul
        self.cycle_decay = cycle_decay
        self.cycle_limit = cycle_limit
        self.k_decay = k_decay
        self._begin(warmup_t, warmup_lr_init, warmup_prefix)

    def _left(self, share: Any) -> Any:
        return 0.5 * (1 + math.cos(math.pi * share))


class PolyLRScheduler(_Cyclic):
    def __init__(
        self,
        optimizer: Any,
        t_initial: int,
        power: float = 0.5,
        lr_min: float = 0.0,
        cycle_mul: float = 1.0,
        cycle_decay: float = 1.0,
        cycle_limit: int = 1,
        warmup_t: int = 0,
        warmup_lr_init: float = 0,
        warmup_prefix: bool = False,
        t_in_epochs: bool = True,
        noise_range_t: Any = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        k_decay: float = 1.0,
        initialize: bool = True,
    ) -> None:
        super().__init__(optimizer, "lr", t_in_epochs=t_in_epochs, initialize=initialize)
        self.t_initial = t_initial
        self.power = power
        self.lr_min = lr_min
        self.cycle_mul = cycle_mul
        self.cycle_decay = cycle_decay
        self.cycle_limit = cycle_limit
        self.k_decay = k_decay
        self._begin(warmup_t, warmup_lr_init, warmup_prefix)

    def _left(self, share: Any) -> Any:
        return (1 - share) ** self.power


class StepLRScheduler(_Warmed):
    def __init__(
        self,
        optimizer: Any,
        decay_t: float,
        decay_rate: float = 1.0,
        warmup_t: int = 0,
        warmup_lr_init: float = 0,
        warmup_prefix: bool = True,
        t_in_epochs: bool = True,
        noise_range_t: Any = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        initialize: bool = True,
    ) -> None:
        super().__init__(optimizer, "lr", t_in_epochs=t_in_epochs, initialize=initialize)
        self.decay_t = decay_t
        self.decay_rate = decay_rate
        self._begin(warmup_t, warmup_lr_init, warmup_prefix)

    def _after(self, t: Any) -> Any:
        return [base * self.decay_rate ** (t // self.decay_t) for base in self.base_values]


class MultiStepLRScheduler(_Warmed):
    """Counts its milestones from 1: the drop comes at the epoch before each."""

    def __init__(
        self,
        optimizer: Any,
        decay_t: Any,
        decay_rate: float = 1.0,
        warmup_t: int = 0,
        warmup_lr_init: float = 0,
        warmup_prefix: bool = True,
        t_in_epochs: bool = True,
        noise_range_t: Any = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        initialize: bool = True,
    ) -> None:
        super().__init__(optimizer, "lr", t_in_epochs=t_in_epochs, initialize=initialize)
        self.decay_t = decay_t
        self.decay_rate = decay_rate
        self._begin(warmup_t, warmup_lr_init, warmup_prefix)

    def get_curr_decay_steps(self, t: Any) -> int:
        return len([milestone for milestone in self.decay_t if milestone <= t + 1])

    def _after(self, t: Any) -> Any:
        return [base * self.decay_rate ** self.get_curr_decay_steps(t) for base in self.base_values]
