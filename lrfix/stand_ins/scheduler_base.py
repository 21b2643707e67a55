"""What all schedulers share: the base class, and the lists of rates it reads and writes.

``verbose``, which torch took until 2.6, is accepted and ignored. A list of rates of the wrong length is a
``ValueError``, as from torch 2.10 on.
"""

from __future__ import annotations

from typing import Any

_FUNCTION = type(lambda: None)


def current_rates(optimizer: Any) -> list[Any]:
    return [group["lr"] for group in optimizer.param_groups]


def scaled_rates(optimizer: Any, factor: Any) -> list[Any]:
    return [group["lr"] * factor for group in optimizer.param_groups]


def write_rates(optimizer: Any, values: Any) -> None:
    rates = list(values)
    groups = optimizer.param_groups
    for index in range(min(len(groups), len(rates))):
        groups[index]["lr"] = rates[index]
    need_equal_lengths(len(groups), len(rates))


def need_equal_lengths(groups: int, values: int) -> None:
    if groups != values:
        raise ValueError(f"the optimizer has {groups} parameter groups, but the scheduler has {values} values for them")


def per_group(name: str, optimizer: Any, value: Any) -> list[Any]:
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. "
            f"{name} has {len(value)} values, param_groups has {count}."
        )
    return list(value)


def position_after(values: Any, wanted: Any) -> int:
    low = 0
    high = len(values)
    while low < high:
        middle = (low + high) // 2
        if wanted < values[middle]:
            high = middle
        else:
            low = middle + 1
    return low


def saved_callable(function: Any) -> Any:
    return None if isinstance(function, _FUNCTION) else dict(function.__dict__)


def need_optimizer(optimizer: Any) -> None:
    if not hasattr(optimizer, "param_groups"):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


class LRScheduler:
    def __init__(self, optimizer: Any, last_epoch: int = -1, verbose: Any = False) -> None:
        need_optimizer(optimizer)
        self.optimizer = optimizer
        groups = optimizer.param_groups
        if last_epoch == -1:
            for group in groups:
                group.setdefault("initial_lr", group["lr"])
        else:
            for index in range(len(groups)):
                if "initial_lr" not in groups[index]:
                    raise KeyError(
                        f"param 'initial_lr' is not specified in param_groups[{index}] "
                        "when resuming scheduler with last_epoch >= 0"
                    )
        self.base_lrs = [group["initial_lr"] for group in groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Any]:
        return self._last_lr

    def get_lr(self) -> Any:
        raise NotImplementedError

    def step(self, epoch: Any = None) -> None:
        self._step_count += 1
        self._update_lr(epoch)

    def _update_lr(self, epoch: Any = None) -> None:
        self._get_lr_called_within_step = True
        if epoch is None:
            self.last_epoch += 1
            values = self.get_lr()
        else:
            self.last_epoch = epoch
            values = self._get_closed_form_lr() if hasattr(self, "_get_closed_form_lr") else self.get_lr()
        self._get_lr_called_within_step = False
        write_rates(self.optimizer, values)
        self._last_lr = current_rates(self.optimizer)


class _LRScheduler(LRScheduler):
    """The name of the base class before torch 2.0."""
