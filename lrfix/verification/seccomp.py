"""A filter of system calls (seccomp), without which a process cannot go on once it is set.

Documentation: https://docs.kernel.org/userspace-api/seccomp_filter.html and seccomp(2). The filter is a program of
classic BPF over ``struct seccomp_data``: the number of the call, the machine, and the arguments as plain words. No
library is used: the only one that is well kept, libseccomp, is a C library that few machines have.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Sequence

from lrfix.verification.system_calls import (
    HARMLESS,
    LOOKED_AT,
    NEWER,
    OF_DEVICES,
    REACHING_OUT,
    numbers,
)

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_*, linux/audit.h
_CALL = {"x86_64": 317, "aarch64": 277}  # seccomp(2)
_SET_MODE_FILTER = 1

_KILL = 0x80000000
_ALLOW = 0x7FFF0000
_ERROR = 0x00050000

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_X32 = 0x40000000

#: Any of these in the flags of open(2) writes or makes a file (O_TMPFILE's own bit is the last).
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | 0o20000000
_THREAD = 0x00010000  # CLONE_THREAD
_SET_NAME, _SET_VMA = 15, 0x53564D41  # PR_SET_NAME, PR_SET_VMA
_DESCRIPTOR_FLAGS = (1, 2, 3)  # F_GETFD, F_SETFD, F_GETFL

_Instruction = tuple[int, int, int, int]


def filter_program(machine: str, writable: Sequence[int], process: int, devices: bool) -> bytes:
    """The filter for a process that may write into the open files ``writable`` alone. ``devices``: it works a GPU, so
    it may have threads, and its driver may open the devices that Landlock leaves."""
    program: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        # On x86_64 a bit of the number asks for calls of the x32 ABI, with numbers of their own.
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
    ]
    harmless = numbers(HARMLESS, machine)
    if devices:
        harmless |= numbers(OF_DEVICES, machine)
    blocks: dict[int, list[_Instruction]] = {number: [_answer(_ALLOW)] for number in harmless.values()}
    blocks |= {number: [_answer(_ERROR | errno.ENOSYS)] for number in numbers(NEWER, machine).values()}
    for name, number in numbers(LOOKED_AT, machine).items():
        blocks[number] = _look_at(name, writable, process, devices)
    for number in numbers(REACHING_OUT, machine).values():
        blocks[number] = [_answer(_KILL)]
    for number, block in blocks.items():
        program += [(_EQUAL, 0, len(block), number), *block]
    program.append(_answer(_ERROR | errno.EPERM))
    return b"".join(struct.pack("HBBI", code, yes, no, value) for code, yes, no, value in program)


def _look_at(name: str, writable: Sequence[int], process: int, devices: bool) -> list[_Instruction]:
    if name == "write":
        return [_answer(_ALLOW)] if devices else _one_of(0, writable, _ERROR | errno.EPERM)
    if name in ("open", "openat"):
        if devices:
            return [_answer(_ALLOW)]
        flags = _argument(1 if name == "open" else 2)
        return [flags, (_ANY_BIT, 0, 1, _WRITING), _answer(_KILL), _answer(_ALLOW)]
    if name == "clone":
        return [_argument(0), (_ANY_BIT, 0, 1, _THREAD), _answer(_ALLOW if devices else _KILL), _answer(_KILL)]
    if name == "tgkill":  # abort(3) signals its own process
        return _one_of(0, (process,), _KILL)
    if name == "ioctl":
        return [_answer(_ALLOW if devices else _ERROR | errno.ENOTTY)]
    if name == "fcntl":
        return [_answer(_ALLOW)] if devices else _one_of(1, _DESCRIPTOR_FLAGS, _ERROR | errno.EPERM)
    if name == "prctl":
        return _one_of(0, (_SET_NAME, _SET_VMA), _ERROR | errno.EPERM)
    assert name == "prlimit64"
    # Only to ask: no new limit is given.
    return [
        _argument(2),
        (_EQUAL, 0, 3, 0),
        (_LOAD, 0, 0, _ARGUMENTS + 8 * 2 + 4),
        (_EQUAL, 0, 1, 0),
        _answer(_ALLOW),
        _answer(_ERROR | errno.EPERM),
    ]


def _one_of(argument: int, values: Sequence[int], otherwise: int) -> list[_Instruction]:
    tests = [(_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [_argument(argument), *tests, _answer(otherwise), _answer(_ALLOW)]


def _argument(index: int) -> _Instruction:
    """Load the low word of an argument; both machines store it first."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index)


def _answer(what: int) -> _Instruction:
    return (_RETURN, 0, 0, what)


def restrict(machine: str, writable: Sequence[int], devices: bool) -> None:
    """Set the filter on this thread and all it starts, for good. Raises OSError where the kernel cannot.

    The process must have given up new privileges (``kernel.confine_files``).
    """

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    code = filter_program(machine, writable, os.getpid(), devices)
    held = ctypes.create_string_buffer(code, len(code))
    program = Program(len(code) // 8, ctypes.cast(held, ctypes.c_void_p))
    library = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_long(_CALL[machine])
    if library.syscall(number, ctypes.c_long(_SET_MODE_FILTER), ctypes.c_long(0), ctypes.byref(program)):
        code_of_error = ctypes.get_errno()
        raise OSError(code_of_error, os.strerror(code_of_error))


__all__ = ["filter_program", "restrict"]
