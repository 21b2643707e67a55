"""Starts the server that runs the programs, takes its answers as they come, and outlives whatever happens to it.

Every version of every request runs in a process of its own. Where the system can fork, the server loads torch once and
forks one for each; elsewhere each version gets a server to itself (``worker``).
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lrfix.verification.received import BadAnswer, Version, opened, together, version_of

START_SECONDS = 180.0
"""How long importing torch may take, in seconds, before the first version runs."""
GRACE_SECONDS = 20.0
"""How much longer than its own limit a version may keep the server busy: it is killed, awaited and told of."""
FORKS = sys.platform == "linux"
"""Whether versions are forked from one server. macOS has ``fork``, and system libraries that do not bear it."""

# -I keeps the environment, the user's site and the working directory out of sys.path: only lrfix itself is named here.
BOOTSTRAP = (
    "import sys; sys.dont_write_bytecode = True; "
    "sys.path.insert(0, {root!r}); import lrfix; sys.path.remove({root!r}); "
    "from lrfix.verification.worker import main; main()"
)
MISSING_TORCH = "torch cannot be imported by {python}: install it (pip install 'lrfix[torch]') and run again"

UNFENCED = "CI is set, and this system has no {missing}: with --unfenced it is run all the same"

_MOST_HEADER = 1 << 16
_KEPT_VARIABLES = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX",
)  # fmt: skip
_KEPT_PREFIXES = ("CUDA_", "NVIDIA_", "HIP_", "ROCR_", "ROCM_")


@dataclass(frozen=True)
class Answer:
    """What came back for one request: what both versions did, why nothing did, or why they may not be run."""

    result: Mapping[str, Any] | None
    failure: str | None
    torch_version: str | None
    refusal: str | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Task:
    """One version of one request, and the secret that its answer begins with."""

    index: int
    label: str
    request: Mapping[str, Any]
    nonce: str

    def message(self) -> dict[str, Any]:
        shared = {key: value for key, value in self.request.items() if key not in ("old", "new")}
        own = {"index": self.index, "label": self.label, "nonce": self.nonce, "source": self.request[self.label]}
        if self.label == "new" and not self.request.get("curves_only", True):
            own["before"] = self.request["old"]  # whose checkpoints the new version has to go on from
        return {**shared, **own}


@dataclass(frozen=True)
class _Failed:
    """Why a version has no answer; ``refused``: because it reached for what no schedule may have."""

    reason: str
    refused: bool = False


def run_requests(requests: Sequence[Mapping[str, Any]], timeout: float, fenced: bool) -> list[Answer]:
    """Run both versions of every request, ``timeout`` seconds each. What one of them does hits its own request alone.

    Where the server itself dies, it is started again for what is left. ``fenced``: nothing is run where the kernel
    cannot do its part; without it the answers say what is missing.
    """
    tasks = [
        _Task(index, label, request, secrets.token_hex(16))
        for index, request in enumerate(requests)
        for label in ("old", "new")
    ]
    versions: dict[tuple[int, str], Version] = {}
    failures: dict[int, _Failed] = {}
    torch_version: str | None = None
    missing: tuple[str, ...] = ()
    while tasks:
        batch = tasks if FORKS else tasks[:1]
        run = _Run(batch, timeout, fenced)
        try:
            done, failure, whole = run.collect()
        finally:
            run.end()
        torch_version = run.torch_version or torch_version
        missing = run.missing or missing
        for task, outcome in zip(batch, done, strict=False):
            if isinstance(outcome, _Failed):
                failures.setdefault(task.index, outcome)
            else:
                versions[task.index, task.label] = outcome
        if failure is not None:
            hit = tasks[len(done) :] if whole else tasks[len(done) : len(done) + 1]
            for task in hit:
                failures.setdefault(task.index, failure)
        tasks = [
            task
            for task in tasks[len(done) :]
            if task.index not in failures and (task.index, task.label) not in versions
        ]
    answers = []
    for index in range(len(requests)):
        failed = failures.get(index)
        if failed is None:
            result = together(versions[index, "old"], versions[index, "new"])
            answers.append(Answer(result, None, torch_version, missing=missing))
        elif failed.refused:
            answers.append(Answer(None, None, torch_version, failed.reason, missing))
        else:
            answers.append(Answer(None, failed.reason, torch_version, missing=missing))
    return answers


class _Run:
    """One server and its conversation."""

    def __init__(self, tasks: Sequence[_Task], timeout: float, fenced: bool) -> None:
        self.torch_version: str | None = None
        self.missing: tuple[str, ...] = ()
        self._tasks = tasks
        self._timeout = timeout
        self._messages: queue.Queue[tuple[dict[str, Any], bytes] | None] = queue.Queue()
        self._process: subprocess.Popen[bytes] | None = None
        self._start_failure: _Failed | None = None
        root = str(Path(__file__).resolve().parents[2])
        command = [sys.executable, "-I", "-X", "utf8", "-c", BOOTSTRAP.format(root=root)]
        job = {
            "tasks": [task.message() for task in tasks],
            "timeout": timeout,
            "fork": FORKS,
            "fenced": fenced,
            "library_paths": _library_paths(),
        }
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                cwd=tempfile.gettempdir(),
            )
        except OSError as error:
            self._start_failure = _Failed(f"the verifying process could not be started: {error}")
            return
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        text = json.dumps(job).encode() + b"\n"
        threading.Thread(target=_write, args=(process.stdin, text), daemon=True).start()
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()

    def _read(self, stream: IO[bytes]) -> None:
        try:
            while header := stream.readline(_MOST_HEADER):
                message = json.loads(header)
                self._messages.put((message, stream.read(int(message.get("size", 0)))))
        except (ValueError, OSError, AttributeError):
            pass
        finally:
            self._messages.put(None)

    def collect(self) -> tuple[list[Version | _Failed], _Failed | None, bool]:
        """What became of the first versions; the failure that ended the server, if one did; whether it hits all."""
        done: list[Version | _Failed] = []
        if self._start_failure is not None:
            return done, self._start_failure, True
        started = False
        deadline = time.monotonic() + START_SECONDS
        while len(done) < len(self._tasks):
            task = self._tasks[len(done)]
            try:
                message = self._messages.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                if started:
                    return done, _Failed(_still_running(task.label, self._timeout)), False
                return done, _Failed(f"torch was still being imported after {START_SECONDS:g} seconds"), True
            if message is None:
                return done, _Failed(self._death()), not started
            header, payload = message
            if "fatal" in header:
                return done, _fatal(header), True
            if "ready" in header:
                started = True
                self.torch_version = header["ready"]["torch"]
                self.missing = tuple(header["ready"]["missing"])
            else:
                done.append(self._outcome(task, header, payload))
            deadline = time.monotonic() + self._timeout + GRACE_SECONDS
        return done, None, False

    def _outcome(self, task: _Task, header: Mapping[str, Any], payload: bytes) -> Version | _Failed:
        label = task.label
        state = header["state"]
        if state == "left out":
            return _Failed("its other version has no answer")
        if state == "timeout":
            return _Failed(_still_running(label, self._timeout))
        if state == "died":
            return self._died(label, int(header["status"]))
        if state == "flooded":
            return _Failed(f"the {label} version gave more numbers than any schedule has")
        if state == "no device":
            return _Failed("no CUDA device can be used here: ask for the device cpu or auto")
        try:
            answer = opened(payload, task.nonce, label)
            if "refused" in answer:
                return _Failed(f"the {label} version {answer['refused']}", refused=True)
            if "failed" in answer:
                return _Failed(answer["failed"])
            return version_of(answer, task.request, label, list(header["devices"]), float(header["seconds"]))
        except BadAnswer as error:
            return _Failed(str(error))

    def _died(self, label: str, code: int) -> _Failed:
        if code >= 0:
            return _Failed(f"the {label} version ended its process, with exit status {code}")
        name = _signal_name(code)
        if name == "SIGSYS":
            return _Failed(
                f"the {label} version asked the system for something that no schedule may have, and was ended", True
            )
        return _Failed(f"the process of the {label} version was ended by {name}{self._hint(name)}")

    def _hint(self, name: str) -> str:
        return {
            "SIGKILL": ", as it is when the machine runs out of memory",
            "SIGXCPU": f": it used more than {self._timeout:g} seconds of processor time",
            "SIGABRT": ", as it is when no more memory can be had",
        }.get(name, "")

    def _death(self) -> str:
        code = self._ended()
        if code is None:
            return "the verifying process closed its answers and did not end"
        if code >= 0:
            return f"the verifying process ended early with exit status {code}"
        name = _signal_name(code)
        return f"the verifying process was ended by {name}{self._hint(name)}"

    def _ended(self) -> int | None:
        assert self._process is not None
        try:
            return self._process.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """Kill first, then wait; and not without a limit."""
        if self._process is not None:
            self._process.kill()
            self._ended()


def _signal_name(code: int) -> str:
    return signal.Signals(-code).name if -code in {item.value for item in signal.Signals} else f"signal {-code}"


def _still_running(label: str, timeout: float) -> str:
    return f"the {label} version was still running after {timeout:g} seconds"


def _fatal(message: Mapping[str, Any]) -> _Failed:
    if message["kind"] == "torch":
        return _Failed(MISSING_TORCH.format(python=sys.executable))
    if message["kind"] == "unfenced":
        return _Failed(UNFENCED.format(missing=message["fatal"]), refused=True)
    return _Failed(f"the verifying process could not load what it needs: {message['fatal']}")


def _write(stream: IO[bytes], text: bytes) -> None:
    """The stream stays open: the server takes its end for ours."""
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        pass  # the process is gone; its answers, or their absence, say so


def _library_paths() -> list[str]:
    """Where this interpreter finds installed packages (a user site, say), never the user's own source tree."""
    return [path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")]


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT_VARIABLES or name.upper() in _KEPT_VARIABLES or name.startswith(_KEPT_PREFIXES)
    }
    # One thread each: only then can the server be forked.
    return {**kept, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
