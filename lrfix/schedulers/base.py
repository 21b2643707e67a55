"""What all bundled schedulers share: the rates from step and base rates alone, written to the groups in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from lrfix.schedulers.arguments import choice, excluded, length, per_group, whole_number
from lrfix.schedulers.state import FORMAT_VERSION, SavedState, is_rate, read_state
from lrfix.schedules.exact import geometric, in_common_unit, interpolate, line, step_ratio
from lrfix.schedules.phases import (
    WARMUP_MODES,
    WARMUP_PROGRESS,
    check_exponential_warmup,
    warmup_weight,
)

ON_MISMATCH = ("error", "saved", "constructor")

COMMON_DEFAULTS: dict[str, Any] = {
    "warmup_steps": 0,
    "warmup_start_factor": 0.0,
    "warmup_start_lr": None,
    "warmup_mode": "linear",
    "warmup_progress": "k/W",
    "eta_max": None,
    "peak_factor": 1.0,
    "eta_min": 0.0,
    "eta_min_ratio": None,
    "eta_min_factor": None,
}

LENGTHS = ("warmup_steps", "total_steps", "decay_steps", "step_size", "milestones", "timescale", "T_0")

# (whether in warmup, numerator and denominator of the weight, factor on the peak)
Phase = tuple[bool, int, int, float]


class Lines:
    """The straight lines from one rate to another, one a group, over a common denominator: read off in one go."""

    def __init__(self, ends: list[tuple[float, float]]) -> None:
        lines = [line(start, end) for start, end in ends]
        self._unit = max((unit for _, _, unit in lines), default=1)
        # Units are powers of two, so each divides the largest.
        self._spans = [span * (self._unit // unit) for _, span, unit in lines]
        self._origins = [origin * (self._unit // unit) for origin, _, unit in lines]
        self._from_zero = not any(self._origins)
        self.only = (self._origins[0], self._spans[0], self._unit) if len(lines) == 1 else None

    def at(self, numerator: int, denominator: int) -> list[float]:
        """The rates at ``numerator / denominator`` of the way, each rounded once."""
        whole = self._unit * denominator
        spans = self._spans
        if self._from_zero:
            return [span * numerator / whole for span in spans]
        origins = self._origins
        return [(origins[i] * denominator + span * numerator) / whole for i, span in enumerate(spans)]


class WarmupScheduler(LRScheduler):
    """Base of the bundled schedulers. The rate of a group is a pure function of ``last_epoch`` and the group's base
    rate.

    The base rate is the group's ``initial_lr`` (set from ``lr`` where missing), read once. A group that is added later
    is scheduled from the next step on, from its own rate; where an argument was a list, it gets that argument's
    default. It never stops the run: a floor above its peak is lowered to the peak, and where no exponential warmup
    leads to its peak it begins there.

    Tensor learning rates are filled in place with a Python number, once a group and step; :meth:`get_last_lr` gives
    Python floats for them too. ``step(k)`` moves to step ``k`` and equals ``k`` calls of ``step()``; ``k`` may be
    fractional.

    torch's check that ``optimizer.step()`` comes first is kept; like torch's own schedulers it warns falsely where a
    GradScaler skips the very first optimizer step.

    As in torch, ``last_epoch=j`` builds the scheduler as it stands after step ``j + 1``: pass the last step that was
    done, which is one less than the ``last_epoch`` of the saved scheduler.
    """

    # torch declares int, and stores a fraction there after `step(epoch + i / batches)`, as these do. What is written
    # may not be declared wider than in the base class, so mypy has to be told; int would be untrue.
    last_epoch: float  # type: ignore[assignment]
    _last_lr: list[Any]  # rates alone here, tensors too in torch, and lists are invariant
    # The floor bounds the curve, a factor on the peak, from below instead of being what the curve is drawn to.
    _floor_bounds: ClassVar[bool] = False
    _own_defaults: ClassVar[dict[str, Any]] = {}
    # Whether :meth:`_in_warmup` scales the warmup.
    _drops_in_warmup = False

    def __init__(self, optimizer: Optimizer, parameters: dict[str, Any], last_epoch: int, on_mismatch: str) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"optimizer is {type(optimizer).__name__}; legal: a torch.optim.Optimizer")
        self.optimizer = optimizer
        self.on_mismatch = choice("on_mismatch", on_mismatch, ON_MISMATCH)
        last_epoch = whole_number("last_epoch", last_epoch, -1)
        self._configure(parameters)
        if last_epoch == -1:
            # A Python float: torch would keep the tensor, which older versions then alias with the group's rate.
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", float(group["lr"]))
        self._groups_at_construction = len(optimizer.param_groups)
        super().__init__(optimizer, last_epoch)

    def _configure(self, parameters: Mapping[str, Any]) -> None:
        """Checks the parameters and takes them over; on an error nothing has changed."""
        groups = getattr(self, "_groups_at_construction", len(self.optimizer.param_groups))
        checked = self._checked_common(parameters, groups)
        checked.update(self._checked(parameters))
        self.parameters: dict[str, Any] = {name: checked[name] for name in parameters}
        # Lengths may be fractional: all are kept as integers, in a unit of which a step has `_unit`.
        lengths = [checked[name] for name in LENGTHS if checked.get(name) is not None]
        flat = [steps for given in lengths for steps in (given if isinstance(given, list) else [given])]
        self._unit: int = in_common_unit(*flat)[0]
        # The steps before the decay; a family that warms up in every cycle sets it to 0.
        self._warmup_steps = self._in_units(checked["warmup_steps"])
        self._warmup_progress: str = checked["warmup_progress"]
        self._exponential_warmup = checked["warmup_mode"] == "exponential"
        self._constant_warmup = checked["warmup_mode"] == "constant"
        self._clamped = checked.get("eta_min_mode") == "clamp"
        self._prepare()
        self._forget_plan()

    def _in_units(self, steps: float) -> int:
        """A length as a whole number of the scheduler's unit."""
        numerator, denominator = step_ratio(steps)
        return numerator * (self._unit // denominator)

    @staticmethod
    def _checked_common(parameters: Mapping[str, Any], groups: int) -> dict[str, Any]:
        given = {**COMMON_DEFAULTS, **{name: value for name, value in parameters.items() if name in COMMON_DEFAULTS}}
        excluded(
            "warmup_start_lr",
            given["warmup_start_lr"] is not None,
            "warmup_start_factor",
            given["warmup_start_factor"] != 0.0,
        )
        for name, other in (
            ("eta_min_ratio", "eta_min"),
            ("eta_min_factor", "eta_min"),
            ("eta_min_factor", "eta_min_ratio"),
        ):
            excluded(name, given[name] is not None, other, given[other] != COMMON_DEFAULTS[other])
        excluded("eta_max", given["eta_max"] is not None, "peak_factor", given["peak_factor"] != 1.0)
        given["warmup_steps"] = length("warmup_steps", given["warmup_steps"])
        given["warmup_mode"] = choice("warmup_mode", given["warmup_mode"], WARMUP_MODES)
        given["warmup_progress"] = choice("warmup_progress", given["warmup_progress"], WARMUP_PROGRESS)
        for name in ("warmup_start_factor", "peak_factor"):
            given[name] = per_group(name, given[name], "a finite number >= 0", groups)
        for name in ("warmup_start_lr", "eta_max", "eta_min"):
            if given[name] is not None:
                given[name] = per_group(name, given[name], "a finite rate >= 0", groups)
        for name in ("eta_min_ratio", "eta_min_factor"):
            if given[name] is not None:
                given[name] = per_group(name, given[name], "a finite number >= 0", groups)
        return given

    def _checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The family's own parameters, checked."""
        raise NotImplementedError

    def _prepare(self) -> None:
        """Keeps what :meth:`_decay` reads at every step in attributes."""

    def _decay(self, k: int, one: int) -> Phase:
        """The phase at ``k >= 0`` after the warmup, in units of which a step has ``one * _unit`` and lengths have
        ``one`` for each of theirs.
        """
        raise NotImplementedError

    def _factor(self, k: int, one: int) -> float:
        """In place of :meth:`_decay` where ``_floor_bounds``: the factor on the peak."""
        raise NotImplementedError

    def _in_warmup(self, k: int, one: int) -> float:
        """The factor on the warmup at ``k < warmup_steps``, in the units of :meth:`_factor`."""
        raise NotImplementedError

    def _forget_plan(self) -> None:
        # Index of each group's levels, so that groups with the same rates are computed once.
        self._planned = -1
        self._which: list[int] = []
        self._levels: list[tuple[float, float, float]] = []
        self._scale = -1.0

    def _value(self, name: str, group: int) -> Any:
        value = self.parameters.get(name, COMMON_DEFAULTS[name])
        if isinstance(value, list):
            return value[group] if group < self._groups_at_construction else COMMON_DEFAULTS[name]
        return value

    def _group_levels(self, group: int, base: float) -> tuple[float, float, float]:
        """``(start of the warmup, peak, floor)`` of a group, as rates."""
        eta_max = self._value("eta_max", group)
        peak = base * self._value("peak_factor", group) if eta_max is None else eta_max
        start = self._value("warmup_start_lr", group)
        if start is None:
            start = self._value("warmup_start_factor", group) * peak
        ratio, factor = self._value("eta_min_ratio", group), self._value("eta_min_factor", group)
        floor = self._value("eta_min", group)
        if ratio is not None or factor is not None:
            floor = ratio * peak if factor is None else factor * base
        # A group added in the middle of a run must not stop it, whatever its rate.
        is_late = group >= self._groups_at_construction
        if is_late and floor > peak:
            floor = peak
        if self._exponential_warmup and self.parameters["warmup_steps"]:
            try:
                check_exponential_warmup(peak, start)
            except ValueError:
                if not is_late:
                    raise
                start = peak
        return start, peak, floor

    def _plan(self) -> None:
        """Fits the levels to the optimizer's present groups."""
        groups = self.optimizer.param_groups
        bases = [float(base) for base in self.base_lrs[: len(groups)]]
        for group in groups[len(bases) :]:
            bases.append(float(group.setdefault("initial_lr", float(group["lr"]))))
        for i, base in enumerate(bases):
            if not is_rate(base):
                raise ValueError(f"parameter group {i} has the base rate {base!r}; legal: a finite rate >= 0")
        levels = [self._group_levels(i, base) for i, base in enumerate(bases)]
        distinct = {level: i for i, level in enumerate(dict.fromkeys(levels))}
        self.base_lrs = [*bases]
        self._levels = list(distinct)
        self._which = [distinct[level] for level in levels]
        self._planned = len(levels)
        self._repeated = len(self._levels) < len(levels)
        self._scale = -1.0

    def _rescale(self, scale: float) -> None:
        """Draws the lines of warmup and decay for a peak decayed by ``scale``."""
        self._scale = scale
        self._scaled_levels = [
            (start, peak if scale == 1.0 or peak <= floor else max(peak * scale, floor), floor)
            for start, peak, floor in self._levels
        ]
        self._warmup_lines = Lines([(start, peak) for start, peak, _ in self._scaled_levels])
        self._decay_lines = Lines([(floor, peak) for _, peak, floor in self._scaled_levels])

    def get_lr(self) -> list[float | Tensor]:
        """The rates at ``last_epoch``, one a group, as Python floats. May be called at any time."""
        return [*self._rates(self.last_epoch)]

    def _rates(self, step: float) -> list[float]:
        if self._planned != len(self.optimizer.param_groups):
            self._plan()
        k, one = (step, 1) if type(step) is int else step_ratio(step)
        if self._unit != 1:
            k *= self._unit
        warmup = self._warmup_steps * one
        dropped = 1.0
        if k >= warmup:
            if self._floor_bounds:
                factor = self._factor(k - warmup, one)
                rates = [max(peak * factor, floor) for _, peak, floor in self._levels]
                return rates if not self._repeated else [rates[i] for i in self._which]
            warming, numerator, denominator, scale = self._decay(k - warmup, one)
            if self._clamped:
                rates = [max(interpolate(0.0, peak, numerator, denominator), floor) for _, peak, floor in self._levels]
                return rates if not self._repeated else [rates[i] for i in self._which]
        else:
            numerator, denominator = warmup_weight(k, warmup, one * self._unit, self._warmup_progress)
            warming, scale = True, 1.0
            if self._drops_in_warmup:
                dropped = self._in_warmup(k, one)
        if scale != self._scale:
            self._rescale(scale)
        if numerator > denominator:
            numerator = denominator
        if warming:
            if self._exponential_warmup:
                rates = [geometric(start, peak, numerator, denominator) for start, peak, _ in self._scaled_levels]
                return [rates[i] * dropped for i in self._which]
            if self._constant_warmup:
                numerator = 0
            lines = self._warmup_lines
        else:
            lines = self._decay_lines
        only = lines.only
        if only is not None:
            # One rate for all groups, which is the common case: without a call.
            rates = [(only[0] * denominator + only[1] * numerator) / (only[2] * denominator)]
        else:
            rates = lines.at(numerator, denominator)
        if dropped != 1.0:
            rates = [rate * dropped for rate in rates]
        if not self._repeated:
            return rates
        return rates * len(self._which) if len(rates) == 1 else [rates[i] for i in self._which]

    def step(self, epoch: float | None = None) -> None:
        """Moves on by one step, or to step ``epoch`` (from 0, fractions allowed)."""
        if epoch is not None:
            self._step_count += 1
            self._update_lr(epoch)
        elif self._step_count == 1:
            # torch's own check that optimizer.step() came first.
            super().step()
            self._last_lr = self.get_lr()
        else:
            # What _update_lr does, without the call: this is the path of every step of a run.
            self._step_count += 1
            self.last_epoch = step = self.last_epoch + 1
            self._write(self._rates(step))

    def _update_lr(self, epoch: float | None = None) -> None:
        if epoch is None:
            self.last_epoch = step = self.last_epoch + 1
        else:
            numerator, denominator = step_ratio(epoch)
            if numerator < 0:
                raise ValueError(f"epoch={epoch!r}; legal: a step >= 0")
            self.last_epoch = step = numerator if denominator == 1 else float(epoch)
        self._write(self._rates(step))

    def _write(self, rates: list[float]) -> None:
        groups = self.optimizer.param_groups
        for i, rate in enumerate(rates):
            group = groups[i]
            lr = group["lr"]
            # The common case first: an isinstance check against Tensor is slow.
            if type(lr) is not float and isinstance(lr, Tensor):
                lr.fill_(rate)
            else:
                group["lr"] = rate
        self._last_lr = rates

    def state_dict(self) -> dict[str, Any]:
        """The state as plain data: numbers, strings, lists and None.

        ``in_charge`` says whether the groups still hold the rates that this scheduler wrote last: not so for a
        scheduler inside ``SequentialLR`` whose turn is over, or where something else has changed the rates since.
        """
        return {
            "format_version": FORMAT_VERSION,
            "schedule": type(self).__name__,
            "parameters": {name: list(v) if isinstance(v, list) else v for name, v in self.parameters.items()},
            "last_epoch": self.last_epoch,
            "_step_count": self._step_count,
            "base_lrs": [float(base) for base in self.base_lrs],
            "_last_lr": [float(rate) for rate in self._last_lr],
            "in_charge": self._in_charge(),
        }

    def _in_charge(self) -> bool:
        groups = self.optimizer.param_groups
        for group, rate in zip(groups, self._last_lr, strict=False):
            lr = group["lr"]
            written = float(lr.new_tensor(float(rate))) if isinstance(lr, Tensor) else rate
            if float(lr) != written:
                return False
        return True

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over a saved state and writes its rates to the optimizer's groups, so that the order of loading is
        free.

        Parameters that differ from the constructor's raise ValueError unless the scheduler was built with
        ``on_mismatch="saved"`` (the run goes on as it was saved) or ``"constructor"`` (the step is taken over, the
        schedule and the base rates are the new ones). A state of one of torch's schedulers is accepted as well, so that
        a run can change over in the middle: step and base rates are taken, and parameters of the same name compared. On
        any error nothing has changed.
        """
        defaults = {**COMMON_DEFAULTS, **self._own_defaults}
        saved: SavedState = read_state(state_dict, type(self).__name__, self.parameters, defaults, self.on_mismatch)
        groups = self.optimizer.param_groups
        if len(saved.base_lrs) > len(groups):
            raise ValueError(
                f"the state has base rates for {len(saved.base_lrs)} parameter groups, the optimizer has {len(groups)}"
            )
        before = dict(self.__dict__)
        try:
            if self.on_mismatch == "saved" and saved.parameters != self.parameters:
                self._configure(saved.parameters)
            if self.on_mismatch != "constructor":
                self.base_lrs = list(saved.base_lrs)
            self._forget_plan()
            self.last_epoch = saved.last_epoch
            self._step_count = saved.step_count
            # Inside a SequentialLR, before its turn, a scheduler stands at -1: the rates are another's.
            rates = self._rates(saved.last_epoch) if saved.last_epoch >= 0 else None
        except ValueError:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        for group, base in zip(groups, self.base_lrs, strict=False):
            group["initial_lr"] = base
        if rates is not None and saved.in_charge:
            self._write(rates)
        elif rates is not None:
            self._last_lr = rates

    def __repr__(self) -> str:
        defaults = {**COMMON_DEFAULTS, **self._own_defaults}
        shown = [f"{n}={v!r}" for n, v in self.parameters.items() if n not in defaults or v != defaults[n]]
        return f"{type(self).__name__}({', '.join(shown)})"
