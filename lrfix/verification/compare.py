"""Verify that an old and a new version of a schedule agree, or show how they differ.

Two rates agree where they differ by at most 1e-12 of the larger of the two, or by at most 1e-15 of the group's peak in
the old curve: a cosine computed as (1 + cos) / 2 ends on such crumbs where the exact value is zero.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from lrfix.verification.process import Answer, run_requests
from lrfix.verification.slice import RefusedSlice, check_program
from lrfix.verification.tables import Curve, relative_difference, telling_steps
from lrfix.verification.values import (
    Difference,
    ResumeOutcome,
    Row,
    Scenario,
    ScenarioOutcome,
    Verdict,
    Verification,
    VerificationRequest,
)

RELATIVE_TOLERANCE = 1e-12
"""Largest relative difference of two rates that still count as the same."""


def verify(request: VerificationRequest, *, timeout: float = 120.0) -> Verification:
    """Run both versions in a separate process, under every scenario, and compare. Never raises for what the programs
    or the process do: that becomes the verdict ``failed`` and its reason. ``timeout`` is in seconds."""
    return verify_many((request,), timeout=timeout)[0]


def verify_many(requests: Sequence[VerificationRequest], *, timeout: float = 120.0) -> tuple[Verification, ...]:
    """As ``verify`` for each request, in order, in one process start; ``timeout`` counts for each request alone."""
    refusals = [_refusal(request) for request in requests]
    runnable = [request for request, refusal in zip(requests, refusals, strict=True) if refusal is None]
    answers = iter(run_requests([_job(request) for request in runnable], timeout))
    verifications = []
    for request, refusal in zip(requests, refusals, strict=True):
        if refusal is not None:
            verifications.append(Verification("failed", refusal))
        else:
            verifications.append(_judge(request, next(answers)))
    return tuple(verifications)


def _refusal(request: VerificationRequest) -> str | None:
    if not request.scenarios:
        return "there is no scenario to run"
    if request.steps < 1:
        return f"the horizon must be at least one step, not {request.steps}"
    try:
        json.dumps([dict(scenario.values) for scenario in request.scenarios])
    except (TypeError, ValueError) as error:
        return f"a scenario holds a value that is not plain data: {error}"
    for label, source in (("old", request.old), ("new", request.new)):
        try:
            check_program(source)
        except RefusedSlice as refused:
            return f"the {label} version was not run: {refused}"
    return None


def _job(request: VerificationRequest) -> dict[str, Any]:
    return {
        "old": request.old,
        "new": request.new,
        "scenarios": [{"values": dict(s.values), "base_lrs": list(s.base_lrs)} for s in request.scenarios],
        "steps": request.steps,
        "count": request.steps + 1 + _steps_beyond(request.steps),
        "expect": request.expect,
        "device": request.device,
    }


def _steps_beyond(steps: int) -> int:
    return min(max(10, steps // 4), 1000)


def _judge(request: VerificationRequest, answer: Answer) -> Verification:
    if answer.result is None:
        return Verification("failed", answer.failure, torch_version=answer.torch_version)
    result = answer.result
    seconds = float(result["seconds"])
    if "failed" in result:
        return Verification("failed", result["failed"], torch_version=answer.torch_version, seconds=seconds)
    outcomes = []
    failures: list[str] = []
    differences: list[str] = []
    devices = tuple(result["devices"])
    for scenario, raw in zip(request.scenarios, result["scenarios"], strict=True):
        outcome = _outcome(request, scenario, raw, devices)
        outcomes.append(outcome)
        failures.extend(_failures(request, outcome, raw))
        differences.extend(_differences(outcome))
    largest = max((o.largest for o in outcomes if o.largest is not None), key=lambda d: d.relative, default=None)
    reasons = failures or differences
    verdict: Verdict = "failed" if failures else "different" if differences else "equivalent"
    return Verification(
        verdict,
        reasons[0] if reasons else None,
        tuple(outcomes),
        largest,
        devices,
        answer.torch_version,
        seconds,
    )


def _outcome(
    request: VerificationRequest, scenario: Scenario, raw: Mapping[str, Any], devices: tuple[str, ...]
) -> ScenarioOutcome:
    old, new = _curve(raw["old"]), _curve(raw["new"])
    rows = tuple(
        Row(step, old[step] if step < len(old) else None, new[step] if step < len(new) else None)
        for step in telling_steps(old, new, request.steps)
    )
    tensor = raw["new"].get("tensor")
    return ScenarioOutcome(
        scenario=scenario,
        rows=rows,
        old_curve=old,
        new_curve=new,
        largest=_largest_difference(old, new),
        old_error=_error(raw["old"]),
        new_error=_error(raw["new"]),
        old_resume=ResumeOutcome(**raw["old"]["resume"]),
        new_resume=ResumeOutcome(**raw["new"]["resume"]),
        weights_equal=_weights_equal(raw),
        tensor_rates=None if tensor is None else tensor["equal"],
        devices=devices,
    )


def _curve(version: Mapping[str, Any]) -> Curve:
    return tuple(tuple(rates) for rates in version["curve"])


def _error(version: Mapping[str, Any]) -> str | None:
    error = version["error"]
    return None if error is None else f"step {error['step']}: {error['message']}"


def _weights_equal(raw: Mapping[str, Any]) -> bool | None:
    old, new = raw["old"]["training"], raw["new"]["training"]
    if not old or any(run["error"] for run in [*old.values(), *new.values()]):
        return None
    return all(old[device]["digest"] == new[device]["digest"] for device in old)


def _largest_difference(old: Curve, new: Curve) -> Difference | None:
    largest: Difference | None = None
    peaks = [
        max((abs(rate) for rate in column if math.isfinite(rate)), default=0.0) for column in zip(*old, strict=False)
    ]
    for step, (before, after) in enumerate(zip(old, new, strict=False)):  # where one ended early is told apart
        for group, (left, right) in enumerate(zip(before, after, strict=True)):
            relative = relative_difference(left, right, peaks[group])
            if largest is None or relative > largest.relative:
                largest = Difference(relative, step, group)
    return largest


def _failures(request: VerificationRequest, outcome: ScenarioOutcome, raw: Mapping[str, Any]) -> list[str]:
    """Why nothing is proved: a version that raises where it must not, or a new one that is unsound in itself."""
    found = []
    where = f" (scenario {dict(outcome.scenario.values)!r})" if outcome.scenario.values else ""
    if outcome.new_error is not None:
        found.append(f"the new version raises at {outcome.new_error}{where}")
    if outcome.old_error is not None and request.expect == "equivalent":
        found.append(f"the old version raises at {outcome.old_error}{where}")
    for step, rates in enumerate(outcome.new_curve):
        if not all(math.isfinite(rate) for rate in rates):
            found.append(f"the new version gives {rates} at step {step}{where}")
            break
    for label in ("new", "old"):
        for device, run in raw[label]["training"].items():
            if run["error"] is not None:
                found.append(f"the {label} version raises while training on {device}: {run['error']}{where}")
    resume = outcome.new_resume
    if resume.exact is False and outcome.new_error is None:
        what = resume.note or f"wrong from step {resume.wrong_from} on"
        found.append(f"the new version, stopped at step {resume.stopped_at}, does not go on as it was: {what}{where}")
    elif resume.exact is None and request.steps > 1 and outcome.new_error is None:
        found.append(f"the new version cannot be resumed: {resume.note}{where}")
    tensor = raw["new"].get("tensor")
    if tensor is not None and not tensor["equal"]:
        found.append(f"the new version fails with tensors as rates: {tensor['error']}{where}")
    return found


def _differences(outcome: ScenarioOutcome) -> list[str]:
    found = []
    where = f" (scenario {dict(outcome.scenario.values)!r})" if outcome.scenario.values else ""
    if outcome.old_error is not None:
        found.append(f"the old version raises at {outcome.old_error}, the new one does not{where}")
    largest = outcome.largest
    if largest is not None and largest.relative > RELATIVE_TOLERANCE:
        old = outcome.old_curve[largest.step][largest.group]
        new = outcome.new_curve[largest.step][largest.group]
        found.append(
            f"the rates differ: at step {largest.step}, group {largest.group}, {old!r} before and {new!r} after "
            f"(relative {largest.relative:.3g}){where}"
        )
    elif outcome.weights_equal is False:
        found.append(f"the rates agree, but the weights after a short training differ in some bit{where}")
    return found


__all__ = ["RELATIVE_TOLERANCE", "verify", "verify_many"]
