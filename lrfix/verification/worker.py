"""The server: loads torch, forks a process for each version of a schedule, guards it, and hands on what it gave.

It reads one job, a line of JSON, from standard input, and writes messages: a line of JSON each, followed by as many
bytes as its ``size`` says. First ``{"ready": ...}`` once torch is loaded, or ``{"fatal": reason, "kind": ...}`` where
nothing can be run; then one message a version, in order. After a version without an answer the other one of its
request is left out, and that is said. The server runs nothing of a program and understands nothing of an answer. It
has one thread and touches no GPU, so that it can be forked; where the system cannot fork, it runs one version in
itself.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NoReturn

from lrfix.verification import child, kernel, sandbox
from lrfix.verification.received import MOST_BYTES

END_SECONDS = 5.0
"""How long a process that was killed may take to be gone, in seconds."""


def main() -> None:
    """Serve one job and end the process without running anyone's exit handlers."""
    channel = os.dup(sys.stdout.fileno())
    lifeline = os.dup(sys.stdin.fileno())
    job = json.loads(sys.stdin.buffer.readline())
    _silence_standard_streams()
    for path in job["library_paths"]:
        if path not in sys.path:
            sys.path.append(path)
    try:
        _serve(job, channel, lifeline)
    except ImportError as error:
        kind = "torch" if (error.name or "").startswith("torch") else "import"
        _send(channel, {"fatal": str(error), "kind": kind})
    except Exception as error:
        _send(channel, {"fatal": f"{type(error).__name__}: {error}", "kind": "start"})
    os._exit(0)


def _send(channel: int, message: Mapping[str, Any], payload: bytes = b"") -> None:
    whole = json.dumps({**message, "size": len(payload)}).encode() + b"\n" + payload
    _write(channel, whole)


def _write(channel: int, whole: bytes) -> None:
    view = memoryview(whole)
    while view:
        view = view[os.write(channel, view) :]


def _silence_standard_streams() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _serve(job: Mapping[str, Any], channel: int, lifeline: int) -> None:
    import torch

    from lrfix.verification import calls, experiments

    del calls  # loaded before anything is forked
    torch.set_num_threads(1)
    sandbox.silence_warnings()
    sandbox.import_allowed_modules()
    experiments.warm_up(["cpu"])
    libraries = kernel.library_directories()
    missing = kernel.missing_fences(libraries)
    if missing and job["fenced"]:
        _send(channel, {"fatal": ", ".join(missing), "kind": "unfenced"})
        return
    asks = any(task["device"] != "cpu" for task in job["tasks"])
    devices = ["cpu", "cuda"] if asks and _sees_cuda(job["fork"]) else ["cpu"]
    _send(channel, {"ready": {"torch": torch.__version__, "missing": missing}})
    gc.collect()
    gc.freeze()
    unanswered: set[int] = set()
    for task in job["tasks"]:
        if task["index"] in unanswered:
            _send(channel, {"state": "left out"})
            continue
        started = time.perf_counter()
        wanted = {"auto": devices, "cpu": ["cpu"], "cuda": ["cpu", "cuda"]}[task["device"]]
        payload = b""
        setting = child.Setting(tuple(wanted), job["timeout"], libraries, channel, job["fenced"])
        header: dict[str, Any] = {"devices": wanted}
        if not set(wanted) <= set(devices):
            header["state"] = "no device"
        elif job["fork"]:
            header["state"], header["status"], payload = _forked(task, setting, lifeline)
        else:
            _run_here(task, setting, lifeline)
        if header["state"] == "abandoned":
            os._exit(0)
        if header["state"] != "answered":
            unanswered.add(task["index"])
        _send(channel, {**header, "seconds": time.perf_counter() - started}, payload)


def _sees_cuda(fork: bool) -> bool:
    """Whether torch finds a GPU; asked in a process that ends with the question, because CUDA outlives no fork."""
    import torch

    if torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
        return False
    if not fork:
        return torch.cuda.is_available()
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if torch.cuda.is_available() else 1)
        finally:
            os._exit(2)
    return _gone(pid, 60.0) == 0


def _run_here(task: Mapping[str, Any], setting: child.Setting, lifeline: int) -> NoReturn:
    started = time.perf_counter()

    def send(payload: bytes) -> None:
        header = {"state": "answered", "devices": setting.devices, "seconds": time.perf_counter() - started}
        _send(setting.channel, header, payload)

    with contextlib.suppress(OSError):
        os.close(lifeline)
    child.answer(task, setting, send)


def _forked(task: Mapping[str, Any], setting: child.Setting, lifeline: int) -> tuple[str, int | None, bytes]:
    """Run a version in a child: what became of it, its exit status where it died, and what it sent."""
    reader, writer = os.pipe()
    server = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            with contextlib.suppress(OSError):
                os.setsid()
            kernel.end_with_parent(server)
            child.leave_only((0, 1, 2, writer))
            child.answer(task, replace(setting, channel=writer), _writing(writer))
        finally:
            os._exit(71)
    os.close(writer)
    try:
        state, payload = _read(reader, lifeline, time.monotonic() + setting.seconds)
    finally:
        os.close(reader)
    # It has closed its end: all that it still has to do is to be gone.
    status = _gone(pid, END_SECONDS) if state == "answered" else None
    if status is None:
        _kill(pid)
        return ("timeout" if state == "answered" else state), None, b""
    return ("answered", 0, payload) if status == 0 else ("died", status, b"")


def _writing(channel: int) -> Callable[[bytes], None]:
    return lambda payload: _write(channel, payload)


def _read(reader: int, lifeline: int, deadline: float) -> tuple[str, bytes]:
    """All that comes until the other end is closed, or why that was not waited for."""
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    poll.register(lifeline, select.POLLIN)
    parts: list[bytes] = []
    size = 0
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return "timeout", b""
        for descriptor, _ in poll.poll(left * 1000 + 1):
            if descriptor == lifeline:
                return "abandoned", b""
            part = os.read(reader, 1 << 20)
            if not part:
                return "answered", b"".join(parts)
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                return "flooded", b""


def _gone(pid: int, seconds: float) -> int | None:
    """How a child ended (negative: by that signal), with all that it may have left running; None where it did not."""
    deadline = time.monotonic() + seconds
    pause = 0.0005
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() > deadline:
            return None
        time.sleep(pause)
        pause = min(2 * pause, 0.02)
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _kill(pid: int) -> None:
    """Kill first, then wait; and not without a limit."""
    for end in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            end(pid, signal.SIGKILL)
    _gone(pid, END_SECONDS)
