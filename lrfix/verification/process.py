"""Starts the worker, hands it the job, takes the answers as they come, and outlives whatever happens to it."""

from __future__ import annotations

import json
import os
import queue
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

START_SECONDS = 180.0
"""How long importing torch may take, in seconds, before the first request runs."""

# -I keeps the environment, the user's site and the working directory out of sys.path: only lrfix itself is named here.
BOOTSTRAP = (
    "import sys; sys.path.insert(0, {root!r}); import lrfix; sys.path.remove({root!r}); "
    "from lrfix.verification.worker import main; main()"
)
MISSING_TORCH = "torch cannot be imported by {python}: install it (pip install 'lrfix[torch]') and run again"

_KEPT_VARIABLES = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX",
)  # fmt: skip
_KEPT_PREFIXES = ("CUDA_", "NVIDIA_", "HIP_", "ROCR_", "ROCM_")


@dataclass(frozen=True)
class Answer:
    """What came back for one request: the worker's result, or why there is none."""

    result: Mapping[str, Any] | None
    failure: str | None
    torch_version: str | None


def run_requests(requests: Sequence[Mapping[str, Any]], timeout: float) -> list[Answer]:
    """Run every request, ``timeout`` seconds each. A request that hangs or kills the process fails alone: the process
    is started again for those behind it."""
    answers: list[Answer] = []
    while len(answers) < len(requests):
        left = requests[len(answers) :]
        run = _Run(left, timeout)
        try:
            done, failure, whole = run.collect()
        finally:
            run.end()
        answers.extend(Answer(result, None, run.torch_version) for result in done)
        if failure is not None:
            hit = len(left) - len(done) if whole else 1
            answers.extend([Answer(None, failure, run.torch_version)] * hit)
    return answers


class _Run:
    """One process and its conversation."""

    def __init__(self, requests: Sequence[Mapping[str, Any]], timeout: float) -> None:
        self.torch_version: str | None = None
        self._expected = len(requests)
        self._timeout = timeout
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._process: subprocess.Popen[str] | None = None
        self._start_failure: str | None = None
        root = str(Path(__file__).resolve().parents[2])
        command = [sys.executable, "-I", "-X", "utf8", "-c", BOOTSTRAP.format(root=root)]
        job = {"requests": list(requests), "timeout": timeout, "library_paths": _library_paths()}
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                env=_environment(),
                cwd=tempfile.gettempdir(),
            )
        except OSError as error:
            self._start_failure = f"the verifying process could not be started: {error}"
            return
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        threading.Thread(target=_write, args=(process.stdin, json.dumps(job)), daemon=True).start()
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()

    def _read(self, stream: IO[str]) -> None:
        try:
            for line in stream:
                self._messages.put(json.loads(line))
        except ValueError:
            pass
        finally:
            self._messages.put(None)

    def collect(self) -> tuple[list[Mapping[str, Any]], str | None, bool]:
        """Results in order; the failure that ended them, if one did; whether it hits all requests left or one."""
        done: list[Mapping[str, Any]] = []
        if self._start_failure is not None:
            return done, self._start_failure, True
        started = False
        deadline = time.monotonic() + START_SECONDS
        while len(done) < self._expected:
            try:
                message = self._messages.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                if started:
                    return done, f"the two versions were still running after {self._timeout:g} seconds", False
                return done, f"torch was still being imported after {START_SECONDS:g} seconds", True
            if message is None:
                return done, self._death(), not started
            if "fatal" in message:
                return done, _fatal(message), True
            if "ready" in message:
                started = True
                self.torch_version = message["ready"]["torch"]
            else:
                done.append(message["result"])
            deadline = time.monotonic() + self._timeout
        return done, None, False

    def _death(self) -> str:
        assert self._process is not None
        code = self._process.wait()
        if code >= 0:
            return f"the verifying process ended early with exit status {code}"
        name = signal.Signals(-code).name if -code in {item.value for item in signal.Signals} else str(-code)
        hint = {
            "SIGKILL": ", as it is when the machine runs out of memory",
            "SIGXCPU": f": it used more than {self._timeout:g} seconds of processor time",
            "SIGABRT": ", as it is when no more memory can be had",
        }.get(name, "")
        return f"the verifying process was ended by {name}{hint}"

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _fatal(message: Mapping[str, Any]) -> str:
    if message["kind"] == "torch":
        return MISSING_TORCH.format(python=sys.executable)
    return f"the verifying process could not load what it needs: {message['fatal']}"


def _write(stream: IO[str], text: str) -> None:
    try:
        stream.write(text)
        stream.close()
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
    return {**kept, "OMP_NUM_THREADS": "1"}
