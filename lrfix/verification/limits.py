"""What a process may use of the machine: processor time, memory, open files, no other processes, no written files."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Any

ADDRESS_SPACE = 4 << 30
"""Bytes of address space that programs may take beyond what the process held when it was locked."""


def limit_process(seconds: float, cuda: bool) -> None:
    """No files written, no core files, few files open, no processes or threads, a bound on memory and processor time.

    A CUDA context opens devices late, has threads and reserves address space without end: with ``cuda`` there is no
    bound on these. Nothing happens where the system has no limits.
    """
    try:
        import resource
    except ImportError:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime + seconds) + 1
    # The soft limit can be ignored by whoever handles its signal; the hard one cannot.
    _lower(resource.RLIMIT_CPU, used, used + 2)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, 1024 if cuda else 64)
    if cuda:
        return
    if hasattr(resource, "RLIMIT_NPROC"):
        _lower(resource.RLIMIT_NPROC, 0)
    held = _address_space_held()
    if held is not None:
        _lower(resource.RLIMIT_AS, held + ADDRESS_SPACE)


class NoEnd(BaseException):
    """What a program meets that has used up its time; no handler of ``Exception`` holds it back."""


class Clock:
    """A block that has so many ``seconds`` of processor time: NoEnd is raised in it once they are used up, and again
    each second until it has ended. ``rung``: whether that was so.

    Nothing happens where the system has no such clock. Code that is not Python's is not interrupted.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.rung = False
        self._before: Any = None

    def __enter__(self) -> None:
        if hasattr(signal, "setitimer"):
            self._before = signal.signal(signal.SIGPROF, self._ring)
            signal.setitimer(signal.ITIMER_PROF, self.seconds, 1.0)

    def __exit__(self, *_: object) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, 0.0)
            signal.signal(signal.SIGPROF, self._before)

    def _ring(self, *_: object) -> None:
        self.rung = True
        raise NoEnd(f"it had not come to an end after {self.seconds:g} seconds of processor time")


def _lower(limit: int, value: int, hardest: int | None = None) -> None:
    import resource

    _, hard = resource.getrlimit(limit)
    hardest = value if hardest is None else hardest
    if hard != resource.RLIM_INFINITY:
        value, hardest = min(value, hard), min(hardest, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(limit, (value, hardest))


def _address_space_held() -> int | None:
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None
