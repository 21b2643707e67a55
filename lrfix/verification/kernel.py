"""What the kernel itself keeps a process from: new privileges, files, and system calls that no schedule needs.

All of it holds for good, whatever the process comes to run. What the kernel at hand cannot do is found out by trying.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import signal
import struct
import sys
import sysconfig
from collections.abc import Sequence

from lrfix.verification import landlock, seccomp
from lrfix.verification.system_calls import MACHINES

_SET_PARENT_DEATH_SIGNAL, _SET_DUMPABLE, _SET_NO_NEW_PRIVILEGES = 1, 4, 38  # linux/prctl.h
_CAPABILITY_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
_DIRECTORIES = ("site-packages", "dist-packages", "lib-dynload")
_DEVICES = re.compile(r"nvidia.*|kfd|dri")


def end_with_parent(parent: int) -> None:
    """Be killed when the process that forked this one is gone, as it may be already (PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        _control(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(72)


def confine(writable: Sequence[int], readable: Sequence[str], devices: bool) -> tuple[str, ...]:
    """Give up privileges and files, for good. ``writable`` are the open files that stay writable. What the kernel does
    not have is returned, in words."""
    missing = confine_files(readable, devices)
    return (*missing, *confine_calls(writable, devices))


def missing_fences(readable: Sequence[str]) -> tuple[str, ...]:
    """What this system does not have, found out by a process that shuts itself in and does nothing else."""
    if sys.platform != "linux":
        return confine((), readable, False)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writer, "\n".join(confine((writer,), readable, False)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        said = answer.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status != 0:
        return (f"seccomp, whose filter ends processes that have done nothing (status {status})",)
    return tuple(line for line in said.decode().split("\n") if line)


def confine_files(readable: Sequence[str], devices: bool) -> tuple[str, ...]:
    """The part that must come before the driver of a GPU starts threads of its own."""
    if sys.platform != "linux":
        return (f"Landlock and seccomp, which only Linux has (this is {sys.platform})",)
    try:
        _control(_SET_NO_NEW_PRIVILEGES, 1)
    except OSError as error:
        return (f"Landlock and seccomp, because privileges cannot be given up: {error.strerror}",)
    give_up_capabilities()
    # Nobody else of this user may look into the process, or write into it.
    _control(_SET_DUMPABLE, 0)
    try:
        landlock.restrict((*readable, *(_SYSTEM_FILES if devices else ())), _devices() if devices else ())
    except OSError as error:
        return (f"Landlock ({error.strerror})",)
    return ()


def confine_calls(writable: Sequence[int], devices: bool) -> tuple[str, ...]:
    """The part that must come last: hardly anything can be asked of the system afterwards."""
    if sys.platform != "linux":
        return ()
    machine = platform.machine()
    if machine not in MACHINES or sys.byteorder != "little" or struct.calcsize("P") != 8:
        return (f"seccomp (lrfix does not know the system calls of {machine or 'this machine'})",)
    try:
        seccomp.restrict(machine, writable, devices)
    except OSError as error:
        return (f"seccomp ({error.strerror})",)
    return ()


def give_up_capabilities() -> None:
    """What root could do besides, see capabilities(7)."""
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION, 0), 8)
    none = ctypes.create_string_buffer(24)
    ctypes.CDLL(None, use_errno=True).capset(ctypes.byref(header), ctypes.byref(none))


def library_directories() -> tuple[str, ...]:
    """Where this interpreter's libraries lie, and the shared objects that they have loaded: never a source tree of the
    user's, which an editable install may have put on the path."""
    named = [sysconfig.get_path(key) for key in ("stdlib", "platstdlib")]
    named += [path for path in sys.path if path.endswith(".zip") or os.path.basename(path) in _DIRECTORIES]
    for module in ("lrfix", "torch", "numpy"):
        file = getattr(sys.modules.get(module), "__file__", None)
        if file:
            named.append(os.path.dirname(file))
    return tuple(sorted({os.path.realpath(path) for path in (*named, *_loaded()) if path and os.path.exists(path)}))


def _loaded() -> set[str]:
    """The directories of shared objects, from the process's own map of its memory."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            files = {line.split(maxsplit=5)[5].strip() for line in maps if "/" in line}
    except OSError:
        return set()
    return {os.path.dirname(file) for file in files if re.search(r"\.so(\.|$)", file)}


#: What the driver of a GPU reads: what processors and devices there are, and where libraries lie.
_SYSTEM_FILES = ("/proc", "/sys", "/etc/ld.so.cache", "/usr/lib", "/lib", "/usr/share/nvidia", "/dev/urandom")


def _devices() -> list[str]:
    try:
        names = os.listdir("/dev")
    except OSError:
        return []
    return [os.path.join("/dev", name) for name in names if _DEVICES.fullmatch(name)]


def _control(option: int, value: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    given = [ctypes.c_ulong(each) for each in (value, 0, 0, 0)]
    if library.prctl(ctypes.c_int(option), *given):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


__all__ = [
    "confine",
    "confine_calls",
    "confine_files",
    "end_with_parent",
    "give_up_capabilities",
    "library_directories",
    "missing_fences",
]
