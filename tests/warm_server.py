"""One process that has loaded torch, from which the servers of the proofs are forked, and scripts that train: importing
torch costs seconds of processor time, and a test run proves a hundred times.

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
import gc, json, os, socket, time, traceback, types
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


def serve(first):
    exec(first, {{}})
    worker.main()


def as_a_script(program, arguments, folder, root):
    # As an interpreter of its own would run it, where nothing of lrfix has been imported.
    for name in [name for name in sys.modules if name.partition(".")[0] == "lrfix"]:
        del sys.modules[name]
    os.chdir(folder)
    sys.path[:0] = [folder]
    sys.path.append(root)
    sys.argv[1:] = arguments
    sys.modules["__main__"] = main = types.ModuleType("__main__")
    status = 0
    try:
        exec(compile(program, "<program>", "exec"), vars(main))
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)


def forked(environment, standard, ends, work, given):
    pid = os.fork()
    if pid == 0:
        asking.close()
        for end, number in zip(ends, standard):
            os.dup2(end, number)
            os.close(end)
        os.environ.clear()
        os.environ.update(environment)
        try:
            {{"serve": serve, "as_a_script": as_a_script}}[work](*given)
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
    answer = forked(ends=ends, **asked) if ends else ended(**asked)
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
        if first is None:
            return subprocess.Popen(command, env=env, **streams)
        (theirs_in, ours_in), (ours_out, theirs_out) = os.pipe(), os.pipe()
        try:
            pid = self._forked(env, {0: theirs_in, 1: theirs_out}, "serve", first)
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        return _Server(self, pid, os.fdopen(ours_in, "wb"), os.fdopen(ours_out, "rb"))

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What ``python -c`` prints of a program in the folder at hand."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, open(os.devnull, "wb") as nothing:
            ends = {1: out.fileno(), 2: err.fileno()}
            pid = self._forked(os.environ, ends, "as_a_script", program, arguments, os.getcwd(), _ROOT)
            code = _Server(self, pid, nothing, nothing).wait(200.0)
            texts = []
            for stream in (out, err):
                stream.seek(0)
                texts.append(stream.read().decode())
        return subprocess.CompletedProcess([program, *arguments], code, *texts)

    def close(self) -> None:
        """The process ends when nobody can ask it any more."""
        if self._asking is not None and self._process is not None:
            self._asking.close()
            self._process.wait(timeout=60.0)

    def _forked(self, environment: Mapping[str, str], ends: Mapping[int, int], work: str, *given: Any) -> int:
        request = {"environment": dict(environment), "standard": list(ends), "work": work, "given": given}
        pid: int = self.asked(request, *ends.values())
        return pid

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
