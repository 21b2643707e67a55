"""Verify that an old and a new version of a schedule agree, or show how they differ.

Two rates agree where they differ by at most 1e-12 of the group's peak in the old curve: so far apart two ways to write
one formula may round. Where the rates are the same bit for bit, so must the weights of a short training be; else they
may differ by what such rates explain.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lrfix.verification.answers import job_of, judged
from lrfix.verification.process import Answer, run_requests
from lrfix.verification.slice import NoProgram, RefusedSlice, check_program
from lrfix.verification.tables import TOLERANCE, Curve, share_of_peak, telling_steps
from lrfix.verification.values import (
    FEW_STEPS,
    CallRequest,
    CallSetting,
    Difference,
    ResumeOutcome,
    Row,
    Scenario,
    ScenarioOutcome,
    Verdict,
    Verification,
    VerificationRequest,
)

WEIGHTS_TOLERANCE = 1e-4
"""Largest relative difference of weights in single precision after a short training whose rates agree."""


def verify(request: VerificationRequest, *, timeout: float = 120.0, unfenced: bool = False) -> Verification:
    """Run both versions, each in a process of its own, under every scenario, and compare. Never raises for what the
    programs or their processes do: that becomes the verdict ``failed`` or ``refused`` and its reason. ``timeout`` is in
    seconds, for each version. ``unfenced``: run them even where the kernel cannot fence them off and ``CI`` is set."""
    return verify_many((request,), timeout=timeout, unfenced=unfenced)[0]


Request = VerificationRequest | CallRequest


def verify_many(
    requests: Sequence[Request], *, timeout: float = 120.0, unfenced: bool = False
) -> tuple[Verification, ...]:
    """As ``verify`` for each request, in order, with one start of torch."""
    unfit = [_unfit(request) for request in requests]
    runnable = [request for request, verdict in zip(requests, unfit, strict=True) if verdict is None]
    answers = iter(run_requests([_job(request) for request in runnable], timeout, in_ci() and not unfenced))
    verifications = []
    for request, verdict in zip(requests, unfit, strict=True):
        verifications.append(verdict if verdict is not None else _judge(request, next(answers)))
    return tuple(verifications)


def in_ci() -> bool:
    """Whether this is continuous integration, where a schedule may be a stranger's."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def _unfit(request: Request) -> Verification | None:
    """The verdict on a request that is not run: it is none, or a version wants what no schedule may have."""
    scenarios: Sequence[Scenario | CallSetting] = (
        request.settings if isinstance(request, CallRequest) else request.scenarios
    )
    if not scenarios:
        return Verification("failed", "there is no scenario to run")
    if request.steps < 1:
        return Verification("failed", f"the horizon must be at least one step, not {request.steps}")
    try:
        json.dumps([dict(scenario.values) for scenario in scenarios])
    except (TypeError, ValueError) as error:
        return Verification("failed", f"a scenario holds a value that is not plain data: {error}")
    for label, source in (("old", request.old), ("new", request.new)):
        try:
            check_program(source)
        except RefusedSlice as refused:
            return Verification("refused", f"the {label} version was not run: {refused}")
        except NoProgram as error:
            return Verification("failed", f"the {label} version is no program: {error}")
    return None


def _job(request: Request) -> dict[str, Any]:
    if isinstance(request, CallRequest):
        return job_of(request)
    return {
        "kind": "schedule",
        "old": request.old,
        "new": request.new,
        "scenarios": [
            {"values": dict(s.values), "base_lrs": list(s.base_lrs), "end": s.end} for s in request.scenarios
        ],
        "steps": request.steps,
        "count": request.steps + 1 + _steps_beyond(request.steps),
        "expect": request.expect,
        "device": request.device,
        "curves_only": request.curves_only,
    }


def _steps_beyond(steps: int) -> int:
    return min(max(10, steps // 4), 1000)


def _judge(request: Request, answer: Answer) -> Verification:
    if answer.result is None:
        verdict: Verdict = "failed" if answer.refusal is None else "refused"
        reason = answer.failure if answer.refusal is None else answer.refusal
        return Verification(verdict, reason, torch_version=answer.torch_version, missing_fences=answer.missing)
    result = answer.result
    seconds = float(result["seconds"])
    if isinstance(request, CallRequest):
        return judged(request, result, answer.torch_version, answer.missing)
    outcomes = []
    failures: list[str] = []
    differences: list[str] = []
    devices = tuple(result["devices"])
    legal: dict[int, tuple[str, str]] = {}
    for index, (scenario, raw) in enumerate(zip(request.scenarios, result["scenarios"], strict=True)):
        outcome = _outcome(request, scenario, raw, devices)
        failed, differing = _failures(request, outcome, raw), _differences(request, outcome, raw)
        few = scenario.cut_short or _apart_at(outcome) <= FEW_STEPS or outcome.new_error is not None
        if scenario.legal and (failed or differing) and few:
            legal[index] = scenario.words, (failed or differing)[0].removesuffix(_where(scenario))
            continue
        outcomes.append(outcome)
        failures.extend(failed)
        differences.extend(differing)
    largest = max((o.largest for o in outcomes if o.largest is not None), key=lambda d: d.relative, default=None)
    reasons = failures or differences
    verdict = "failed" if failures else "different" if differences else "equivalent"
    return Verification(
        verdict,
        reasons[0] if reasons else None,
        tuple(outcomes),
        largest,
        devices,
        answer.torch_version,
        seconds=seconds,
        missing_fences=answer.missing,
        apart=legal,
    )


def _outcome(
    request: VerificationRequest, scenario: Scenario, raw: Mapping[str, Any], devices: tuple[str, ...]
) -> ScenarioOutcome:
    trained_on = request.ends_itself and scenario.end is None
    if trained_on:
        # Known only now: the short training went past it, if it lies so near.
        scenario = replace(scenario, end=raw["new"]["total"])
        trained_on = scenario.end is not None and scenario.end <= request.steps
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
        largest=_largest_difference(old, new, 0, scenario.end),
        beyond=_first_difference(old, new, scenario.end) if scenario.end is not None else None,
        old_error=_error(raw["old"]),
        new_error=_error(raw["new"]),
        old_resume=ResumeOutcome(**raw["old"]["resume"]),
        new_resume=ResumeOutcome(**raw["new"]["resume"]),
        weights_equal=None if trained_on else _weights_equal(raw),
        weights_apart=None if trained_on else _weights_apart(raw),
        tensor_rates=None if tensor is None else tensor["equal"],
        devices=devices,
        handover=_handover(raw["new"].get("handover", ()), old, scenario.end),
    )


def _handover(runs: Sequence[Mapping[str, Any]], old: Curve, end: int | None) -> str | None:
    """What becomes of a checkpoint of the old version; "" where the new one goes on with the rates of the old one."""
    if not runs or len(old) <= runs[0]["stop"]:
        return None
    (run,) = runs
    if run["error"] is not None:
        return f"does not load: {run['error']}"
    peaks = _peaks(old)
    for step, rates in enumerate(run["curve"], run["stop"]):
        if step >= len(old) or (end is not None and step >= end):
            break
        if any(share_of_peak(a, b, peak) > TOLERANCE for a, b, peak in zip(old[step], rates, peaks, strict=True)):
            return f"goes on with {rates[0]!r} at step {step}, where the old code has {old[step][0]!r}"
    return ""


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


def _weights_apart(raw: Mapping[str, Any]) -> float | None:
    old, new = raw["old"]["training"], raw["new"]["training"]
    if not old or any(run["error"] for run in [*old.values(), *new.values()]):
        return None
    pairs = [pair for device in old for pair in zip(old[device]["weights"], new[device]["weights"], strict=True)]
    largest = max((max(abs(a), abs(b)) for a, b in pairs), default=0.0)
    return max((share_of_peak(a, b, largest) for a, b in pairs), default=0.0)


def _peaks(old: Curve) -> list[float]:
    return [
        max((abs(rate) for rate in column if math.isfinite(rate)), default=0.0) for column in zip(*old, strict=False)
    ]


def _apart(old: Curve, new: Curve, first: int, end: int | None) -> Iterator[Difference]:
    """How far apart the two are in every group at each step that both have, from ``first`` on, before ``end``."""
    peaks = _peaks(old)
    for step, (before, after) in enumerate(zip(old, new, strict=False)):  # where one ended early is told apart
        if step < first or (end is not None and step >= end):
            continue
        for group, (left, right) in enumerate(zip(before, after, strict=True)):
            yield Difference(share_of_peak(left, right, peaks[group]), step, group)


def _largest_difference(old: Curve, new: Curve, first: int, end: int | None) -> Difference | None:
    return max(_apart(old, new, first, end), key=lambda difference: difference.relative, default=None)


def _apart_at(outcome: ScenarioOutcome) -> int:
    """At how many steps of training old and new differ."""
    end = outcome.scenario.end
    found = _apart(outcome.old_curve, outcome.new_curve, 0, end)
    return len({each.step for each in found if each.relative > TOLERANCE})


def _first_difference(old: Curve, new: Curve, first: int) -> Difference | None:
    return next((each for each in _apart(old, new, first, None) if each.relative > TOLERANCE), None)


def _where(scenario: Scenario) -> str:
    if scenario.words:
        return f", {scenario.words}"
    return f" (scenario {dict(scenario.values)!r})" if scenario.values else ""


def _failures(request: VerificationRequest, outcome: ScenarioOutcome, raw: Mapping[str, Any]) -> list[str]:
    """Why nothing is proved: a version that raises where it must not, or a new one that is unsound in itself."""
    found = []
    where = _where(outcome.scenario)
    # A version that raises late, past the end of training say, does not excuse one that never gets there.
    old, new = raw["old"]["error"], raw["new"]["error"]
    both_raise = request.old_may_raise and old is not None and new is not None and old["step"] <= new["step"]
    if new is not None and not both_raise:
        found.append(f"the new version raises at {outcome.new_error}{where}")
    if _raises(outcome, raw["old"]) and request.expect == "equivalent" and not request.old_may_raise:
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
    elif resume.exact is None and request.steps > 1 and outcome.new_error is None and not request.curves_only:
        found.append(f"the new version cannot be resumed: {resume.note}{where}")
    tensor = raw["new"].get("tensor")
    if tensor is not None and not tensor["equal"]:
        found.append(f"the new version fails with tensors as rates: {tensor['error']}{where}")
    return found


def _raises(outcome: ScenarioOutcome, version: Mapping[str, Any]) -> bool:
    """Whether a version raises while training lasts."""
    end = outcome.scenario.end
    return version["error"] is not None and (end is None or version["error"]["step"] < end)


def _differences(request: VerificationRequest, outcome: ScenarioOutcome, raw: Mapping[str, Any]) -> list[str]:
    found = []
    where = _where(outcome.scenario)
    if _raises(outcome, raw["old"]) and not request.old_may_raise:
        found.append(f"the old version raises at {outcome.old_error}, the new one does not{where}")
    largest = outcome.largest
    if largest is not None and largest.relative > TOLERANCE:
        old = outcome.old_curve[largest.step][largest.group]
        new = outcome.new_curve[largest.step][largest.group]
        found.append(
            f"the rates differ: at step {largest.step}, group {largest.group}, {old!r} before and {new!r} after "
            f"({largest.relative:.3g} of the peak){where}"
        )
    elif outcome.weights_equal is False and (
        not (largest is not None and largest.relative) or (outcome.weights_apart or 0.0) > WEIGHTS_TOLERANCE
    ):
        found.append(f"the rates agree, but the weights after a short training differ{where}")
    return found


__all__ = ["TOLERANCE", "verify", "verify_many"]
