"""What a version of a schedule gave: taken out of its answer, checked, and judged outside of its process.

Whatever ran together with a program may have been changed by it. So an answer holds measurements of that one program
and no judgement, it counts only with the nonce that the program never saw, and everything in it is checked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 64 << 20
"""The longest answer that is read, in bytes."""


class BadAnswer(Exception):
    """An answer that is none: cut off, forged, or of another shape than was asked for."""


@dataclass(frozen=True)
class Version:
    """One version under every scenario or setting of its request, as ``compare`` and ``answers`` read them."""

    kind: str
    outcomes: tuple[dict[str, Any], ...]
    devices: list[str]
    seconds: float


def stopping_points(steps: int) -> list[int]:
    """A few steps at which to stop and go on; one alone where each costs a long way to the end."""
    if steps > 5000:
        return [steps // 2]
    return sorted({step for step in (1, steps // 3, steps // 2, steps - 1) if 0 < step < steps})


def opened(payload: bytes, nonce: str, label: str) -> dict[str, Any]:
    """The message of an answer that begins with its nonce and holds nothing else."""
    junk = BadAnswer(f"what came back from the {label} version is no answer")
    mark = nonce.encode()
    if not payload.startswith(mark):
        raise junk
    try:
        message = json.loads(payload[len(mark) :])
    except (ValueError, RecursionError):
        raise junk from None
    if not isinstance(message, dict):
        raise junk
    for key in ("refused", "failed"):
        if key in message:
            return {key: printable(message[key])}
    return message


def version_of(
    message: Mapping[str, Any], request: Mapping[str, Any], label: str, devices: list[str], seconds: float
) -> Version:
    """The measurements of a version. Raises BadAnswer where one is missing or is not what it has to be."""
    try:
        if request["kind"] == "calls":
            asked, checked = request["settings"], [_setting(one, label) for one in message["settings"]]
            if any(
                len(one["answers"]) != len(s["positions"])
                for one, s in zip(checked, asked, strict=False)
                if not one["error"]
            ):
                raise BadAnswer(f"the {label} version answered other positions than it was asked")
        else:
            asked, raw = request["scenarios"], message["scenarios"]
            checked = [_scenario(one, given, request, label, devices) for one, given in zip(raw, asked, strict=False)]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise BadAnswer(f"the answer of the {label} version is not made as one") from None
    if len(checked) != len(asked):
        raise BadAnswer(f"the {label} version answered other scenarios than it was asked")
    return Version(request["kind"], tuple(checked), devices, seconds)


def together(old: Version, new: Version) -> dict[str, Any]:
    """Both versions, scenario by scenario."""
    pairs = [{"old": before, "new": after} for before, after in zip(old.outcomes, new.outcomes, strict=True)]
    key = "settings" if new.kind == "calls" else "scenarios"
    return {key: pairs, "devices": new.devices, "seconds": old.seconds + new.seconds}


def printable(text: object, most: int = 400) -> str:
    """A text from a program in one line, without characters that a terminal or a log would obey."""
    if not isinstance(text, str):
        return "?"
    return "".join(letter if letter.isprintable() else " " for letter in text[:most])


def _setting(raw: Mapping[str, Any], label: str) -> dict[str, Any]:
    """The answers of a function of the position."""
    error = None if raw["error"] is None else printable(raw["error"])
    answers: list[dict[str, Any]] = []
    for answer in raw["answers"]:
        if "error" in answer:
            answers.append({"error": printable(answer["error"])})
            continue
        rates = [_plain(rate, label) for rate in answer["rates"]]
        value = _plain(answer["value"], label)
        answers.append({"value": value, "kind": printable(answer["kind"]), "rates": rates})
    return {"answers": answers, "rest": printable(raw["rest"], 1 << 16), "error": error}


def _plain(value: object, label: str) -> Any:
    if value is None or type(value) in (bool, float):
        return value
    if type(value) is str:
        return printable(value, 500)
    if type(value) is list:
        return [_plain(part, label) for part in value]
    raise BadAnswer(f"the {label} version gave values that are not plain")


def _scenario(
    raw: Mapping[str, Any],
    scenario: Mapping[str, Any],
    request: Mapping[str, Any],
    label: str,
    devices: Sequence[str],
) -> dict[str, Any]:
    groups = len(scenario["base_lrs"])
    curve = _curve(raw["curve"], groups, request["count"], label)
    error = raw["error"]
    if error is not None:
        error = {"step": _whole(error["step"]), "message": printable(error["message"])}
    elif len(curve) != request["count"]:
        raise BadAnswer(f"the {label} version gave {len(curve)} steps of {request['count']}")
    found: dict[str, Any] = {
        "curve": curve,
        "total": None if raw["total"] is None else _whole(raw["total"]),
        "error": error,
        "note": None if raw["note"] is None else printable(raw["note"]),
        "resume": _resume(raw, curve, request, groups, label),
        "training": {},
    }
    if request["expect"] == "equivalent" and not request["curves_only"]:
        for device in devices:
            run = raw["training"][device]
            weights, error = run["weights"], run["error"]
            if any(type(weight) is not float for weight in weights) or (error is None and not weights):
                raise BadAnswer(f"the {label} version gave weights that are no numbers")
            found["training"][device] = {
                "digest": None if run["digest"] is None else printable(run["digest"]),
                "weights": list(weights),
                "error": None if error is None else printable(error),
            }
    if label == "new":
        found["handover"] = [_handed_over(run, groups, request["steps"]) for run in raw.get("handover", ())[:1]]
    if label == "new" and "cuda" in devices:
        found["tensor"] = _tensor_rates(raw["tensor"], curve, groups, label)
    return found


def _handed_over(run: Mapping[str, Any], groups: int, most: int) -> dict[str, Any]:
    """The rates that the new version gave from a checkpoint of the old one on, and what it raised."""
    error = None if run["error"] is None else printable(run["error"])
    return {"stop": _whole(run["stop"]), "curve": _curve(run["curve"], groups, most, "new"), "error": error}


def _curve(raw: Sequence[Sequence[float]], groups: int, most: int, label: str) -> list[list[float]]:
    if len(raw) > most:
        raise BadAnswer(f"the {label} version gave {len(raw)} steps of {most}")
    for rates in raw:
        if type(rates) is not list or any(type(rate) is not float for rate in rates):
            raise BadAnswer(f"the {label} version gave rates that are no numbers")
        if len(rates) != groups:
            raise BadAnswer(f"the {label} version changed the number of parameter groups")
    return [list(rates) for rates in raw]


def _whole(number: object) -> int:
    if type(number) is not int:
        raise BadAnswer("a step is no whole number")
    return number


def _resume(
    raw: Mapping[str, Any], curve: list[list[float]], request: Mapping[str, Any], groups: int, label: str
) -> dict[str, Any]:
    """Whether each run that was stopped, saved, built again and loaded went on as the one that never stopped."""
    if raw["note"] is not None:
        return _resumed(None, note=printable(raw["note"]))
    if request["curves_only"]:
        return _resumed(None)
    resumed = raw["resumed"]
    if [run["stop"] for run in resumed] != [stop for stop in stopping_points(request["steps"]) if stop < len(curve)]:
        raise BadAnswer(f"the {label} version was stopped at other steps than it was told")
    if not resumed:
        return _resumed(None, note="the run is too short to be stopped")
    for run in resumed:
        stop = _whole(run["stop"])
        rates = _curve(run["curve"], groups, len(curve), label)
        for offset, (left, right) in enumerate(zip(rates, curve[stop:], strict=False)):
            if not _same(left, right):
                return _resumed(False, stop, wrong_from=stop + offset)
        if run["error"] is not None:
            return _resumed(False, stop, note=printable(run["error"]))
        if len(rates) != len(curve) - stop:
            raise BadAnswer(f"the {label} version did not go on to the end after it was resumed")
    return _resumed(True)


def _resumed(
    exact: bool | None, stopped_at: int | None = None, wrong_from: int | None = None, note: str | None = None
) -> dict[str, Any]:
    return {"exact": exact, "stopped_at": stopped_at, "wrong_from": wrong_from, "note": note}


def _same(left: Sequence[float], right: Sequence[float]) -> bool:
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(left, right, strict=True))


def _tensor_rates(raw: Mapping[str, Any], curve: list[list[float]], groups: int, label: str) -> dict[str, Any]:
    """Whether float64 tensors as rates follow the same curve (relative 1e-9)."""
    rates = _curve(raw["curve"], groups, len(curve), label)
    peak = max((abs(rate) for row in curve for rate in row), default=0.0)
    for step, (row, expected) in enumerate(zip(rates, curve, strict=False)):
        for rate, wanted in zip(row, expected, strict=True):
            if not abs(rate - wanted) <= 1e-9 * abs(wanted) + 1e-15 * peak:
                return {"equal": False, "error": f"step {step}: {rate!r} as a tensor, {wanted!r} as a number"}
    if raw["error"] is not None:
        return {"equal": False, "error": printable(raw["error"])}
    if len(rates) != len(curve):
        raise BadAnswer(f"the {label} version did not go on to the end with tensors as rates")
    return {"equal": True, "error": None}
