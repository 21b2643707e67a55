"""The answers of two versions of a function of the position, compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lrfix.verification.tables import TOLERANCE, share_of_peak
from lrfix.verification.values import (
    BETWEEN,
    FEW_STEPS,
    CallRequest,
    CallSetting,
    Difference,
    ResumeOutcome,
    Row,
    Scenario,
    ScenarioOutcome,
    Verification,
)

_SHOWN = 8
_SAME_KINDS = frozenset({"float", "int", "float64"})
_NO_RESUME = ResumeOutcome(None, note="nothing is kept between calls")


def job_of(request: CallRequest) -> dict[str, Any]:
    """What the worker is sent."""
    settings = [setting.plain for setting in request.settings]
    return {"kind": "calls", "old": request.old, "new": request.new, "settings": settings, "device": "cpu"}


def judged(
    request: CallRequest, result: Mapping[str, Any], torch_version: str | None, missing_fences: tuple[str, ...] = ()
) -> Verification:
    """The verdict: ``failed`` where only the new version raises, ``different`` where the two differ."""
    outcomes = []
    failures: list[str] = []
    differences: list[str] = []
    raising: list[str] = []
    beyond: list[str] = []
    kinds: set[str] = set()
    legal: dict[int, tuple[str, str]] = {}
    parted: str | None = None
    for index, (setting, raw) in enumerate(zip(request.settings, result["settings"], strict=True)):
        old, new = raw["old"], raw["new"]
        where = f" (with {_values(setting)})"
        if old["error"] or new["error"]:
            failures.append(f"the two versions cannot be built: {old['error'] or new['error']}{where}")
            continue
        known = len(failures), len(differences)
        if old["rest"] != new["rest"]:
            differences.append(f"what else the groups hold differs: {old['rest']} before, {new['rest']} after{where}")
        peaks = _peaks(old["answers"])
        between: list[str] = []
        steps: set[int] = set()
        apart = Difference(0.0, 0, 0)
        past = False
        for position, before, after in zip(setting.positions, old["answers"], new["answers"], strict=True):
            at = f"at {_number(position)}"
            if "error" in after:
                if "error" not in before:
                    failures.append(f"{at} the new version raises {after['error']}{where}")
                continue
            if "error" in before:
                raising.append(f"{at} it raises {before['error']}{where}")
                continue
            if _is_no_rate(before):
                raising.append(f"{at} it gives {before['value']}{where}")
                continue
            kinds.add(before["kind"])
            told, gap = _difference(before, after, peaks)
            if told is None:
                apart = max(apart, Difference(gap, int(position), 0), key=lambda d: d.relative)
            elif setting.end is not None and position > setting.end:
                if not past:
                    beyond.append(f"{at}, {told}{where}")
                past = True
            else:
                steps.add(int(position))
                whole = position == int(position) or not setting.between
                (differences if whole else between).append(f"{at}, {told}{where}")
        found = (*failures[known[0] :], *differences[known[1] :], *between)
        # One version that raises is loud, and a step or two beside the end of a phase are no other curve.
        if setting.legal and found and len(steps) <= FEW_STEPS:
            legal[index] = setting.legal, found[0].removesuffix(where)
            del failures[known[0] :], differences[known[1] :]
            continue
        if len(steps) > FEW_STEPS:
            differences += between
        elif between:
            parted = parted or between[0]
        outcomes.append(_outcome(setting, old["answers"], new["answers"], apart))
    reasons = failures or differences
    largest = max((o.largest for o in outcomes if o.largest is not None), key=lambda d: d.relative, default=None)
    notes = []
    if raising:
        notes.append(f"the old version has no rate where the new one has: {raising[0]}")
    if beyond:
        notes.append(f"past the end, where nothing in sight goes, the two differ: {beyond[0]}")
    if parted is not None:
        legal[-1] = BETWEEN, parted
    if "float64" in kinds:
        notes.append("a plain float takes the place of a numpy float64")
    return Verification(
        "failed" if failures else "different" if differences else "equivalent",
        reasons[0] if reasons else None,
        tuple(outcomes),
        largest,
        tuple(result["devices"]),
        torch_version,
        tuple(notes),
        float(result["seconds"]),
        missing_fences,
        legal,
    )


def _is_no_rate(answer: Mapping[str, Any]) -> bool:
    """A complex number, or none at all: the root of what has become negative past the end."""
    value = answer["value"]
    return answer["kind"] == "complex" or (isinstance(value, float) and math.isnan(value))


def _peaks(answers: Sequence[Mapping[str, Any]]) -> list[float]:
    """The largest of each number of the answers: those of the value, then the rate of each group."""
    peaks: list[float] = []
    for answer in answers:
        for index, value in enumerate(_parts(answer)):
            peaks += [0.0] * (index + 1 - len(peaks))
            if isinstance(value, float) and math.isfinite(value):
                peaks[index] = max(peaks[index], abs(value))
        if isinstance(answer.get("value"), list):
            # The entries of a table are rates of one curve.
            groups = len(answer["rates"])
            peaks[groups:] = [max(peaks[groups:], default=0.0)] * len(peaks[groups:])
    return peaks


def _parts(answer: Mapping[str, Any]) -> list[Any]:
    if "error" in answer:
        return []
    value = answer["value"]
    return [*answer["rates"], *(value if isinstance(value, list) else [value])]


def _difference(
    before: Mapping[str, Any], after: Mapping[str, Any], peaks: Sequence[float]
) -> tuple[str | None, float]:
    """What is told of two answers that differ, and how far apart they are, as a share of the peak."""
    if (before["kind"] in _SAME_KINDS) != (after["kind"] in _SAME_KINDS) or (
        before["kind"] not in _SAME_KINDS and before["kind"] != after["kind"]
    ):
        return f"it returned a {before['kind']} and returns a {after['kind']}", math.inf
    left, right = _parts(before), _parts(after)
    if len(left) != len(right):
        return f"it returned {before['value']!r} and returns {after['value']!r}", math.inf
    groups = len(before["rates"])
    widest = 0.0
    for index, (old, new) in enumerate(zip(left, right, strict=True)):
        if isinstance(old, float) and isinstance(new, float):
            gap = share_of_peak(old, new, peaks[index] if index < len(peaks) else 0.0)
            if gap <= TOLERANCE:
                widest = max(widest, gap)
                continue
        elif old == new:
            continue
        what = f"the rate of group {index} is" if index < groups else "the value is"
        return f"{what} {old!r} before and {new!r} after", math.inf
    return None, widest


def _outcome(
    setting: CallSetting, old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]], apart: Difference
) -> ScenarioOutcome:
    if len(old) == 1 and isinstance(old[0].get("value"), list) and isinstance(new[0].get("value"), list):
        # A table: its entries are the positions.
        old, new = ([{"value": v, "rates": []} for v in a[0]["value"]] for a in (old, new))
        setting = replace(setting, positions=tuple(range(min(len(old), len(new)))))
    whole = [i for i, position in enumerate(setting.positions) if position == int(position)]
    picked = sorted({whole[round(k * (len(whole) - 1) / (_SHOWN - 1))] for k in range(_SHOWN)}) if whole else []
    rows = tuple(Row(setting.positions[i], _rates(old[i]), _rates(new[i])) for i in picked)
    raised = next((a["error"] for a in old if "error" in a), None)
    return ScenarioOutcome(
        scenario=Scenario(setting.values, setting.base_lrs),
        rows=rows,
        old_curve=tuple(_rates(a) or () for a in old),
        new_curve=tuple(_rates(a) or () for a in new),
        largest=apart,
        beyond=None,
        old_error=raised,
        new_error=next((a["error"] for a in new if "error" in a), None),
        old_resume=_NO_RESUME,
        new_resume=_NO_RESUME,
        weights_equal=None,
        weights_apart=None,
        tensor_rates=None,
        devices=("cpu",),
    )


def _rates(answer: Mapping[str, Any]) -> tuple[float, ...] | None:
    if "error" in answer:
        return None
    value = answer["value"]
    if isinstance(value, float):
        return (value,)
    return tuple(rate for rate in answer["rates"] if isinstance(rate, float))


def _values(setting: CallSetting) -> str:
    return ", ".join(f"{name}={_number(value)}" for name, value in setting.values.items())


def _number(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, float) else repr(value)


__all__ = ["job_of", "judged"]
