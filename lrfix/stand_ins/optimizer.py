"""What a schedule can see of a torch optimizer: its parameter groups, defaults and state dict. No training happens."""

from __future__ import annotations

from typing import Any


class Optimizer:
    """Keeps ``param_groups`` as torch does: one dict a group, missing options filled in from ``defaults``.

    ``params`` is a sequence of parameters or of dicts, one a group. ``step()`` only notes that it was called.
    """

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.defaults: dict[str, Any] = defaults
        self.state: dict[Any, Any] = {}
        self.param_groups: list[dict[str, Any]] = []
        self._opt_called = False
        if isinstance(params, (list, tuple)):
            if len(params) == 0:
                raise ValueError("optimizer got an empty parameter list")
            if isinstance(params[0], dict):
                for group in params:
                    self.add_param_group(group)
                return
        self.add_param_group({"params": params})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Append a group; options that it lacks come from ``defaults``."""
        if not isinstance(param_group, dict):
            raise TypeError("param_group must be a dict")
        params = param_group["params"]
        param_group["params"] = list(params) if isinstance(params, (list, tuple)) else params
        for name, value in self.defaults.items():
            param_group.setdefault(name, value)
        self.param_groups.append(param_group)

    def state_dict(self) -> dict[str, Any]:
        """Copies of the groups' options, parameters replaced by running numbers."""
        packed = []
        first = 0
        for group in self.param_groups:
            options = {name: value for name, value in group.items() if name != "params"}
            count = len(group["params"]) if isinstance(group["params"], list) else 1
            options["params"] = list(range(first, first + count))
            first += count
            packed.append(options)
        return {"state": self.state, "param_groups": packed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Replace the groups by new dicts holding the saved options; the parameters stay."""
        saved_groups = state_dict["param_groups"]
        if len(saved_groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        groups = []
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            merged = {name: value for name, value in saved.items() if name != "params"}
            merged["params"] = group["params"]
            groups.append(merged)
        self.param_groups = groups
        self.state = state_dict["state"]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """There are no gradients."""

    def step(self, closure: Any = None) -> Any:
        """Note the call and return the closure's loss, if there is a closure."""
        self._opt_called = True
        return None if closure is None else closure()


def _checked_rate(lr: Any) -> Any:
    if lr < 0.0:
        raise ValueError(f"Invalid learning rate: {lr}")
    return lr


class SGD(Optimizer):
    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        **flags: Any,
    ) -> None:
        defaults = {
            "lr": _checked_rate(lr),
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
        }
        defaults.update(flags)
        super().__init__(params, defaults)


class Adam(Optimizer):
    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        **flags: Any,
    ) -> None:
        defaults = {
            "lr": _checked_rate(lr),
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
        }
        defaults.update(flags)
        super().__init__(params, defaults)


class AdamW(Adam):
    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        **flags: Any,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, **flags)


class NAdam(Optimizer):
    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        **flags: Any,
    ) -> None:
        defaults = {
            "lr": _checked_rate(lr),
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
        }
        defaults.update(flags)
        super().__init__(params, defaults)


class RAdam(Optimizer):
    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        **flags: Any,
    ) -> None:
        defaults = {"lr": _checked_rate(lr), "betas": betas, "eps": eps, "weight_decay": weight_decay}
        defaults.update(flags)
        super().__init__(params, defaults)


class Adamax(Optimizer):
    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        **flags: Any,
    ) -> None:
        defaults = {"lr": _checked_rate(lr), "betas": betas, "eps": eps, "weight_decay": weight_decay}
        defaults.update(flags)
        super().__init__(params, defaults)


class RMSprop(Optimizer):
    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        **flags: Any,
    ) -> None:
        defaults = {
            "lr": _checked_rate(lr),
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
        }
        defaults.update(flags)
        super().__init__(params, defaults)


class Adagrad(Optimizer):
    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        **flags: Any,
    ) -> None:
        defaults = {
            "lr": _checked_rate(lr),
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
        }
        defaults.update(flags)
        super().__init__(params, defaults)


class Adadelta(Optimizer):
    def __init__(
        self, params: Any, lr: Any = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0, **flags: Any
    ) -> None:
        defaults = {"lr": _checked_rate(lr), "rho": rho, "eps": eps, "weight_decay": weight_decay}
        defaults.update(flags)
        super().__init__(params, defaults)
