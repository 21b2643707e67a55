"""One process that has loaded torch, from which the servers of the proofs are forked: importing torch costs seconds of
processor time, and a test run proves a hundred times.

What a server does with its job is what it always does. How one is started, and what it does to its surroundings, is
tested with servers of their own.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from lrfix.verification import process

_ROOT = str(Path(__file__).resolve().parents[1])
_COMMAND = [sys.executable, "-I", "-X", "utf8", "-c", process.BOOTSTRAP.format(root=_ROOT)]
_MAIN = "main()"
_START = """
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, {root!r})
import lrfix
sys.path.remove({root!r})
sys.path += [path for path in {paths!r} if path not in sys.path]
import gc, json, os, socket, time
import torch
from lrfix.verification import calls, experiments, sandbox, worker

torch.set_num_threads(1)
sandbox.silence_warnings()
sandbox.import_allowed_modules()
experiments.warm_up(["cpu"])
asking = socket.socket(fileno={asking})
# What is here stays: no server has to look at it again.
gc.collect()
gc.freeze()


def forked(environment, first, ends):
    pid = os.fork()
    if pid == 0:
        asking.close()
        for end, standard in zip(ends, (0, 1)):
            os.dup2(end, standard)
            os.close(end)
        os.environ.clear()
        os.environ.update(environment)
        try:
            exec(first, {{}})
            worker.main()
        finally:
            os._exit(1)
    for end in ends:
        os.close(end)
    return pid


def ended(pid, timeout):
    deadline = time.monotonic() + timeout
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            return None
        time.sleep(0.002)


while True:
    text, ends, _, _ = socket.recv_fds(asking, 1 << 20, 2)
    if not text:
        os._exit(0)
    asked = json.loads(text)
    answer = forked(asked["environment"], asked["first"], ends) if ends else ended(asked["pid"], asked["timeout"])
    asking.sendall(json.dumps(answer).encode())
"""


def _before_main(command: Sequence[str]) -> str | None:
    """What stands between the imports of the usual server and its work, if that is all that is different."""
    *options, text = command
    imports = _COMMAND[-1].removesuffix(_MAIN)
    if options != _COMMAND[:-1] or not (text.startswith(imports) and text.endswith(_MAIN)):
        return None
    return text[len(imports) : -len(_MAIN)]


class _Server:
    """As much of ``subprocess.Popen`` as the proofs use."""

    def __init__(self, warm: WarmServers, pid: int, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self._warm, self._pid = warm, pid
        self._code: int | None = None
        self.stdin, self.stdout = stdin, stdout

    def kill(self) -> None:
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    def wait(self, timeout: float) -> int:
        if self._code is None:
            self._code = self._warm.asked({"pid": self._pid, "timeout": timeout})
            if self._code is None:
                raise subprocess.TimeoutExpired(_COMMAND, timeout)
        return self._code


class WarmServers:
    """Stands for the module ``subprocess`` in ``lrfix.verification.process``."""

    PIPE, DEVNULL, TimeoutExpired = subprocess.PIPE, subprocess.DEVNULL, subprocess.TimeoutExpired

    def __init__(self) -> None:
        self._asking: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._one_question = threading.Lock()

    def Popen(self, command: Sequence[str], env: Mapping[str, str], **streams: Any) -> Any:
        """A server: forked where it is the usual one, what a test lets it run before its work included; and started by
        itself where a test has changed anything else."""
        first = _before_main(command)
        if first is None or not process.FORKS:
            return subprocess.Popen(command, env=env, **streams)
        (theirs_in, ours_in), (ours_out, theirs_out) = os.pipe(), os.pipe()
        try:
            pid = self.asked({"environment": dict(env), "first": first}, theirs_in, theirs_out)
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        return _Server(self, pid, os.fdopen(ours_in, "wb"), os.fdopen(ours_out, "rb"))

    def close(self) -> None:
        """The process ends when nobody can ask it any more."""
        if self._asking is not None and self._process is not None:
            self._asking.close()
            self._process.wait(timeout=60.0)

    def asked(self, request: Mapping[str, Any], *ends: int) -> Any:
        with self._one_question:
            if self._asking is None:
                self._asking = self._started()
            socket.send_fds(self._asking, [json.dumps(request).encode()], ends)
            return json.loads(self._asking.recv(1 << 10))

    def _started(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        text = _START.format(root=_ROOT, paths=process._library_paths(), asking=theirs.fileno())
        self._process = subprocess.Popen(
            [*_COMMAND[:-1], text],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=process._environment(),
            cwd=tempfile.gettempdir(),
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        return ours
