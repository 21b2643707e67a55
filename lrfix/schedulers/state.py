"""Saved states: what is in them, which are accepted, and what happens when they contradict the constructor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FORMAT_VERSION = 1


@dataclass(frozen=True)
class SavedState:
    """A state that has been checked."""

    last_epoch: float
    step_count: int
    base_lrs: list[float]
    parameters: dict[str, Any]
    in_charge: bool


def is_rate(value: float) -> bool:
    """Whether a number may be a rate."""
    return 0.0 <= value < math.inf


def read_state(
    state: Mapping[str, Any], schedule: str, own: Mapping[str, Any], defaults: Mapping[str, Any], on_mismatch: str
) -> SavedState:
    """The checked state, or ValueError that says what is wrong with it and what to do.

    A parameter that the state does not know, because it was saved before there was one, had its default.
    """
    if not isinstance(state, Mapping) or not ("last_epoch" in state or "format_version" in state):
        raise ValueError(
            f"not the state of a scheduler: {_shape(state)}; legal: what state_dict() of a {schedule} returned"
        )
    version = state.get("format_version")
    if version is None:
        return _read_torch_state(state, own, on_mismatch)
    if version != FORMAT_VERSION:
        raise ValueError(
            f"the state has format_version={version!r}, this lrfix reads {FORMAT_VERSION}; upgrade lrfix, or build the"
            " scheduler with last_epoch="
        )
    missing = [key for key in ("schedule", "parameters", "last_epoch", "_step_count", "base_lrs") if key not in state]
    if missing:
        raise ValueError(f"the state of the {schedule} lacks {', '.join(missing)}")
    if state["schedule"] != schedule:
        raise ValueError(
            f"the state was saved by a {state['schedule']}, this is a {schedule}; build the scheduler that was saved"
        )
    parameters = {name: defaults[name] for name in own if name in defaults}
    parameters.update(state["parameters"])
    differences = [name for name in {**own, **parameters} if _plain(parameters.get(name)) != _plain(own.get(name))]
    _refuse(schedule, differences, parameters, own, on_mismatch)
    return SavedState(
        last_epoch=_step(state["last_epoch"]),
        step_count=int(state["_step_count"]),
        base_lrs=_rates(state["base_lrs"]),
        parameters={name: parameters.get(name, default) for name, default in own.items()},
        in_charge=bool(state.get("in_charge", True)),
    )


def _read_torch_state(state: Mapping[str, Any], own: Mapping[str, Any], on_mismatch: str) -> SavedState:
    """A state of torch's schedulers, or of a subclass of one's own that kept torch's state_dict."""
    bases = state.get("base_lrs")
    if bases is None and state.get("_schedulers"):
        bases = state["_schedulers"][0].get("base_lrs")
    if bases is None:
        raise ValueError("the state has no base_lrs; legal: the state of a scheduler of lrfix or of torch")
    common = [name for name in own if name in state and isinstance(state[name], (int, float, str, list))]
    differences = [name for name in common if _plain(state[name]) != _plain(own[name])]
    _refuse("torch scheduler", differences, state, own, on_mismatch)
    return SavedState(
        last_epoch=_step(state["last_epoch"]),
        step_count=int(state.get("_step_count", state["last_epoch"] + 1)),
        base_lrs=_rates(bases),
        parameters={**own, **{name: _plain(state[name]) for name in common}},
        in_charge=True,
    )


def _refuse(
    schedule: str, names: list[str], saved: Mapping[str, Any], own: Mapping[str, Any], on_mismatch: str
) -> None:
    if names and on_mismatch == "error":
        listed = ", ".join(f"{name} (saved {saved.get(name)!r}, constructor {own.get(name)!r})" for name in names)
        raise ValueError(
            f"the saved {schedule} differs from the one built here: {listed}. Build it with the saved values, or say"
            ' which counts: on_mismatch="saved" goes on as it was saved, on_mismatch="constructor" takes only the step'
        )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value


def _step(value: Any) -> float:
    if isinstance(value, (int, float)) and math.isfinite(value) and value >= -1:
        return value
    raise ValueError(f"the state has last_epoch={value!r}; legal: a step >= 0, or -1 before the first")


def _rates(values: Any) -> list[float]:
    rates = [float(value) for value in values]
    for rate in rates:
        if not is_rate(rate):
            raise ValueError(f"the state has the base rate {rate!r}; legal: a finite rate >= 0")
    return rates


def _shape(state: Any) -> str:
    return f"a mapping with the keys {sorted(map(str, state))}" if isinstance(state, Mapping) else type(state).__name__
