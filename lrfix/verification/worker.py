"""The separate process: reads one job as JSON from standard input, answers one JSON line a request.

Messages: ``{"ready": {...}}`` after torch is loaded and the fence closed, ``{"index": i, "result": {...}}`` for each
request in order, ``{"fatal": reason, "kind": ...}`` where nothing can be run.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import IO, Any

from lrfix.verification import sandbox


def main() -> None:
    """Serve one job and end the process without running anyone's exit handlers."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    job = json.load(sys.stdin)
    _silence_standard_streams()
    for path in job["library_paths"]:
        if path not in sys.path:
            sys.path.append(path)
    try:
        _serve(job, answers)
    except ImportError as error:
        _send(answers, {"fatal": str(error), "kind": "torch" if (error.name or "").startswith("torch") else "import"})
    except Exception as error:
        _send(answers, {"fatal": f"{type(error).__name__}: {error}", "kind": "start"})
    answers.flush()
    os._exit(0)


def _send(answers: IO[str], message: Mapping[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def _silence_standard_streams() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _serve(job: Mapping[str, Any], answers: IO[str]) -> None:
    import torch

    from lrfix.verification import calls, experiments

    del calls  # loaded before the fence closes
    torch.set_num_threads(1)
    cuda = torch.cuda.is_available() and any(request["device"] != "cpu" for request in job["requests"])
    devices = ["cpu", "cuda"] if cuda else ["cpu"]
    sandbox.silence_warnings()
    sandbox.import_allowed_modules()
    experiments.warm_up(devices)
    fence = sandbox.Fence()
    sandbox.limit_process(cuda)
    fence.close()
    _send(answers, {"ready": {"torch": torch.__version__, "devices": devices}})
    for index, request in enumerate(job["requests"]):
        sandbox.limit_cpu_seconds(job["timeout"])
        started = time.perf_counter()
        result = _run_request(request, devices, fence)
        result["seconds"] = time.perf_counter() - started
        _send(answers, {"index": index, "result": result})


def _run_request(request: Mapping[str, Any], available: list[str], fence: sandbox.Fence) -> dict[str, Any]:
    wanted = {"auto": available, "cpu": ["cpu"], "cuda": ["cpu", "cuda"]}[request["device"]]
    if not set(wanted) <= set(available):
        return {"failed": "no CUDA device can be used here: ask for the device cpu or auto"}
    from lrfix.verification.experiments import ProgramError, load

    builds = {}
    for label in ("old", "new"):
        fence.forget()
        try:
            builds[label] = load(request[label], label)
        except ProgramError as error:
            return {"failed": f"the {label} version cannot be loaded: {error}"}
        if fence.refused:
            return {"failed": _refused(label, fence)}
    if request["kind"] == "calls":
        from lrfix.verification.calls import run_calls

        fence.forget()
        asked = run_calls(builds, request["settings"])
        return {"failed": _refused("old or new", fence)} if fence.refused else {"settings": asked, "devices": ["cpu"]}
    outcomes = []
    for scenario in request["scenarios"]:
        outcome: dict[str, Any] = {}
        for label, build in builds.items():
            fence.forget()
            outcome[label] = _run_version(build, label, scenario, request, wanted)
            if fence.refused:
                return {"failed": _refused(label, fence)}
        outcomes.append(outcome)
    return {"scenarios": outcomes, "devices": wanted}


def _refused(label: str, fence: sandbox.Fence) -> str:
    return f"the {label} version tried to reach outside its process and was refused: {fence.refused[0]}"


def _run_version(
    build: Any, label: str, scenario: Mapping[str, Any], request: Mapping[str, Any], devices: list[str]
) -> dict[str, Any]:
    from lrfix.verification import experiments

    steps = request["steps"]
    stops = [] if request["curves_only"] else _stopping_points(steps)
    outcome, saved = experiments.run_curve(build, label, scenario, request["count"], stops)
    if outcome["note"] is not None or not stops:
        resume = {"exact": None, "stopped_at": None, "wrong_from": None, "note": outcome["note"]}
    else:
        resume = experiments.run_resume(build, label, scenario, outcome["curve"], saved)
    outcome["resume"] = resume
    outcome["training"] = {}
    if request["expect"] == "equivalent" and not request["curves_only"]:
        trained = steps if scenario["end"] is None else min(steps, scenario["end"])
        for device in devices:
            outcome["training"][device] = experiments.run_training(build, label, scenario, trained, device)
    if label == "new" and "cuda" in devices:
        outcome["tensor"] = experiments.run_tensor_rates(build, label, scenario, outcome["curve"], "cuda")
    return outcome


def _stopping_points(steps: int) -> list[int]:
    """A few steps at which to stop; one alone where each costs a long way to the end."""
    if steps > 5000:
        return [steps // 2]
    return sorted({step for step in (1, steps // 3, steps // 2, steps - 1) if 0 < step < steps})
