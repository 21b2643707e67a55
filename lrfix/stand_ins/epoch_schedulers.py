"""Schedulers that follow one formula in the epoch, step by step."""

from __future__ import annotations

import math
from typing import Any

from lrfix.stand_ins.scheduler_base import (
    LRScheduler,
    current_rates,
    need_equal_lengths,
    saved_callable,
    scaled_rates,
    write_rates,
)


class _OneFunctionPerGroup(LRScheduler):
    """Functions are never saved; of another callable its attributes are, and loading writes them into the new one."""

    def __init__(self, optimizer: Any, lr_lambda: Any, last_epoch: int = -1, verbose: Any = False) -> None:
        self.optimizer = optimizer
        count = len(optimizer.param_groups)
        if isinstance(lr_lambda, (list, tuple)):
            if len(lr_lambda) != count:
                raise ValueError(f"Expected {count} lr_lambdas, but got {len(lr_lambda)}")
            self.lr_lambdas = list(lr_lambda)
        else:
            self.lr_lambdas = [lr_lambda] * count
        self._check_functions()
        super().__init__(optimizer, last_epoch)

    def _check_functions(self) -> None:
        pass

    def state_dict(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name not in ("optimizer", "lr_lambdas")}
        state["lr_lambdas"] = [saved_callable(function) for function in self.lr_lambdas]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.__dict__.update({name: value for name, value in state_dict.items() if name != "lr_lambdas"})
        saved = state_dict["lr_lambdas"]
        for index in range(len(saved)):
            if saved[index] is not None:
                self.lr_lambdas[index].__dict__.update(saved[index])


class LambdaLR(_OneFunctionPerGroup):
    def get_lr(self) -> Any:
        rates = []
        for index in range(min(len(self.lr_lambdas), len(self.base_lrs))):
            rates.append(self.base_lrs[index] * self.lr_lambdas[index](self.last_epoch))
        need_equal_lengths(len(self.base_lrs), len(self.lr_lambdas))
        return rates


class MultiplicativeLR(_OneFunctionPerGroup):
    def _check_functions(self) -> None:
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"lr_lambda should be a function, but got {type(function).__name__}")

    def get_lr(self) -> Any:
        if self._is_initial:
            return current_rates(self.optimizer)
        groups = self.optimizer.param_groups
        rates = []
        for index in range(min(len(self.lr_lambdas), len(groups))):
            rates.append(groups[index]["lr"] * self.lr_lambdas[index](self.last_epoch))
        need_equal_lengths(len(groups), len(self.lr_lambdas))
        return rates


class StepLR(LRScheduler):
    def __init__(
        self, optimizer: Any, step_size: int, gamma: float = 0.1, last_epoch: int = -1, verbose: Any = False
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Any:
        at_boundary = self.last_epoch != 0 and self.last_epoch % self.step_size == 0
        return scaled_rates(self.optimizer, self.gamma) if at_boundary else current_rates(self.optimizer)

    def _get_closed_form_lr(self) -> Any:
        factor = self.gamma ** (self.last_epoch // self.step_size)
        return [base_lr * factor for base_lr in self.base_lrs]


class MultiStepLR(LRScheduler):
    """``milestones`` maps each milestone to how often it was given."""

    def __init__(
        self, optimizer: Any, milestones: Any, gamma: float = 0.1, last_epoch: int = -1, verbose: Any = False
    ) -> None:
        counts: dict[Any, int] = {}
        for milestone in milestones:
            counts[milestone] = counts.get(milestone, 0) + 1
        self.milestones = counts
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Any:
        times = self.milestones.get(self.last_epoch, 0)
        return scaled_rates(self.optimizer, self.gamma**times) if times else current_rates(self.optimizer)

    def _get_closed_form_lr(self) -> Any:
        passed = sum([times for milestone, times in self.milestones.items() if milestone <= self.last_epoch])
        return [base_lr * self.gamma**passed for base_lr in self.base_lrs]


class ConstantLR(LRScheduler):
    def __init__(
        self,
        optimizer: Any,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
        verbose: Any = False,
    ) -> None:
        if factor > 1.0 or factor < 0:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Any:
        if self.last_epoch == 0:
            return scaled_rates(self.optimizer, self.factor)
        if self.last_epoch == self.total_iters:
            return scaled_rates(self.optimizer, 1.0 / self.factor)
        return current_rates(self.optimizer)

    def _get_closed_form_lr(self) -> Any:
        over = 1 if self.last_epoch >= self.total_iters else 0
        factor = self.factor + over * (1 - self.factor)
        return [base_lr * factor for base_lr in self.base_lrs]


class LinearLR(LRScheduler):
    def __init__(
        self,
        optimizer: Any,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
        verbose: Any = False,
    ) -> None:
        if start_factor > 1.0 or start_factor <= 0:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if end_factor > 1.0 or end_factor < 0:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Any:
        if self.last_epoch == 0:
            return scaled_rates(self.optimizer, self.start_factor)
        if self._is_initial or self.last_epoch > self.total_iters:
            return current_rates(self.optimizer)
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return scaled_rates(self.optimizer, 1.0 + rise / before)

    def _get_closed_form_lr(self) -> Any:
        rise = self.end_factor - self.start_factor
        factor = self.start_factor + rise * min(self.total_iters, self.last_epoch) / self.total_iters
        return [base_lr * factor for base_lr in self.base_lrs]


class ExponentialLR(LRScheduler):
    def __init__(self, optimizer: Any, gamma: float, last_epoch: int = -1, verbose: Any = False) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Any:
        return current_rates(self.optimizer) if self._is_initial else scaled_rates(self.optimizer, self.gamma)

    def _get_closed_form_lr(self) -> Any:
        return [base_lr * self.gamma**self.last_epoch for base_lr in self.base_lrs]


class PolynomialLR(LRScheduler):
    def __init__(
        self, optimizer: Any, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1, verbose: Any = False
    ) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Any:
        if self._is_initial or self.last_epoch > self.total_iters:
            return current_rates(self.optimizer)
        left = 1.0 - self.last_epoch / self.total_iters
        left_before = 1.0 - (self.last_epoch - 1) / self.total_iters
        return scaled_rates(self.optimizer, (left / left_before) ** self.power)

    def _get_closed_form_lr(self) -> Any:
        factor = (1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power
        return [base_lr * factor for base_lr in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    def __init__(
        self, optimizer: Any, T_max: int, eta_min: float = 0.0, last_epoch: int = -1, verbose: Any = False
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Any:
        if self._is_initial:
            return current_rates(self.optimizer)
        epoch = self.last_epoch
        if self._step_count == 1 and epoch > 0:
            cosine = math.cos(epoch * math.pi / self.T_max)
            return [self._between(base_lr, cosine) for base_lr in self.base_lrs]
        groups = self.optimizer.param_groups
        if (epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            need_equal_lengths(len(groups), len(self.base_lrs))
            rise = 1 - math.cos(math.pi / self.T_max)
            return [
                groups[index]["lr"] + (self.base_lrs[index] - self.eta_min) * rise / 2 for index in range(len(groups))
            ]
        ratio = (1 + math.cos(math.pi * epoch / self.T_max)) / (1 + math.cos(math.pi * (epoch - 1) / self.T_max))
        return [ratio * (group["lr"] - self.eta_min) + self.eta_min for group in groups]

    def _between(self, base_lr: Any, cosine: float) -> Any:
        return self.eta_min + (base_lr - self.eta_min) * (1 + cosine) / 2

    def _get_closed_form_lr(self) -> Any:
        cosine = math.cos(math.pi * self.last_epoch / self.T_max)
        return [self._between(base_lr, cosine) for base_lr in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    def __init__(
        self,
        optimizer: Any,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
        verbose: Any = False,
    ) -> None:
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Any:
        cosine = math.cos(math.pi * self.T_cur / self.T_i)
        return [self.eta_min + (base_lr - self.eta_min) * (1 + cosine) / 2 for base_lr in self.base_lrs]

    def step(self, epoch: Any = None) -> None:
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur = self.T_cur + 1
            if self.T_cur >= self.T_i:
                self.T_cur = self.T_cur % self.T_i
                self.T_i = self.T_i * self.T_mult
        elif epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        else:
            self._jump(epoch)
        self.last_epoch = math.floor(epoch)
        self._get_lr_called_within_step = True
        values = self.get_lr()
        self._get_lr_called_within_step = False
        write_rates(self.optimizer, values)
        self._last_lr = current_rates(self.optimizer)

    def _jump(self, epoch: Any) -> None:
        if epoch < self.T_0:
            self.T_i = self.T_0
            self.T_cur = epoch
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            # torch counts the cycles with a logarithm, and with it misses some restarts; so must this.
            cycle = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**cycle - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**cycle
