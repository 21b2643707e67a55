"""One version of one schedule in a process of its own: shut in, run, measured, ended."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from lrfix.verification import attributes, kernel, limits, sandbox
from lrfix.verification.received import stopping_points
from lrfix.verification.slice import own_private_names

SCENARIO_SECONDS = 5.0
"""How much processor time a curve may take, or the answers of a function under one setting. What runs into it has
raised there: under an edge of its values (a cycle of no length, say) a loop may have no end, and that is no reason to
give up what it does under all others."""
MOST_ENDLESS = 3
"""Under how many settings a version may have no end. One that has none under more has no proof: nobody waits for it."""


@dataclass(frozen=True)
class Setting:
    """What a version is run with: the devices, its time in seconds, the libraries that it may read, the open file that
    its answer goes to. ``fenced``: nothing is run where the kernel cannot do its part."""

    devices: tuple[str, ...]
    seconds: float
    libraries: tuple[str, ...]
    channel: int
    fenced: bool


def answer(task: Mapping[str, Any], setting: Setting, send: Callable[[bytes], None]) -> NoReturn:
    """Run the version and ``send`` what was measured, behind the task's nonce. The process ends here, without running
    anyone's exit handlers."""
    nonce = str(task["nonce"]).encode()
    try:
        try:
            message = _measured(task, setting)
        except Exception as error:
            message = {"failed": f"the {task['label']} version could not be measured: {type(error).__name__}: {error}"}
        send(nonce + json.dumps(message).encode())
    except BaseException:
        os._exit(70)
    os._exit(0)


def leave_only(descriptors: Sequence[int]) -> None:
    """Close every other open file."""
    start = 0
    for kept in (*sorted(descriptors), _most_open()):
        if start < kept:  # Python takes an empty range for one without an end
            os.closerange(start, kept)
        start = kept + 1


def _most_open() -> int:
    with contextlib.suppress(ImportError, OSError):
        import resource

        return min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 16)
    return 1 << 12


def _measured(task: Mapping[str, Any], setting: Setting) -> dict[str, Any]:
    from lrfix.verification import calls, experiments

    label = task["label"]
    cuda = "cuda" in setting.devices
    if not cuda:  # how much memory it holds stands in a file
        limits.limit_process(setting.seconds, cuda)
    missing = kernel.confine_files(setting.libraries, cuda)
    if cuda:
        experiments.warm_up(["cuda"])
        limits.limit_process(setting.seconds, cuda)
    missing += kernel.confine_calls((0, 1, 2, setting.channel), cuda)
    if missing and setting.fenced:
        return {"refused": f"was not run: the kernel does not fence it off: it has no {missing[0]}"}
    sources = [task["source"], *([task["before"]] if "before" in task else [])]
    name = next((n for source in sources if (n := attributes.clashing(own_private_names(source))) is not None), None)
    if name is not None:
        return {"refused": f"was not run: it has a {name} of its own, as what torch and numpy are made of has"}
    refused = sandbox.close_fence(setting.libraries)
    try:
        build = experiments.load(task["source"], label)
    except experiments.ProgramError as error:
        return _refusal(refused()) or {"failed": f"the {label} version cannot be loaded: {error}"}
    key = "settings" if task["kind"] == "calls" else "scenarios"
    outcomes: list[dict[str, Any]] = []
    endless = 0
    for values in task[key]:
        clock = limits.Clock(SCENARIO_SECONDS)
        if key == "settings":
            outcomes.append(calls.asked(build, label, values, clock))
        else:
            outcomes.append(_under(build, label, values, task, setting.devices, clock))
        endless += clock.rung
        if refused():
            break
        if endless > MOST_ENDLESS:
            return {"failed": f"the {label} version had not come to an end under {endless} of its settings"}
    if "before" in task and outcomes and not refused():
        # Last, so that nothing of the other version comes before what is measured of this one.
        outcomes[0]["handover"] = _handed_over(build, task["before"], task[key][0], task["steps"])
    return _refusal(refused()) or {key: outcomes}


def _refusal(refused: Sequence[str]) -> dict[str, Any] | None:
    if not refused:
        return None
    return {"refused": f"tried to reach outside its process and was refused: {refused[0]}"}


def _handed_over(build: Any, source: str, scenario: Mapping[str, Any], steps: int) -> list[dict[str, Any]]:
    """The new version, gone on from a checkpoint that the old one, of text ``source``, has saved in the middle."""
    from lrfix.verification import experiments

    try:
        before = experiments.load(source, "old")
    except experiments.ProgramError:
        return []
    stop = steps // 2
    with limits.Clock(SCENARIO_SECONDS):
        _, saved = experiments.run_curve(before, "old", scenario, stop + 1, [stop])
        return experiments.run_resume(build, "new", scenario, steps, saved)


def _under(
    build: Any,
    label: str,
    scenario: Mapping[str, Any],
    task: Mapping[str, Any],
    devices: Sequence[str],
    clock: limits.Clock,
) -> dict[str, Any]:
    from lrfix.verification import experiments

    steps = task["steps"]
    stops = [] if task["curves_only"] else stopping_points(steps)
    with clock:
        outcome, saved = experiments.run_curve(build, label, scenario, task["count"], stops)
    count = len(outcome["curve"])
    if outcome["note"] is None:
        outcome["resumed"] = experiments.run_resume(build, label, scenario, count, saved)
    outcome["training"] = {}
    if task["expect"] == "equivalent" and not task["curves_only"]:
        # The step after the last update sets a rate that none is trained at.
        trained = steps if scenario["end"] is None else max(min(steps, scenario["end"] - 1), 0)
        for device in devices:
            outcome["training"][device] = experiments.run_training(build, label, scenario, trained, device)
    if label == "new" and "cuda" in devices:
        outcome["tensor"] = experiments.run_tensor_rates(build, label, scenario, count, "cuda")
    return outcome
