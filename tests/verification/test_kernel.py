"""The kernel's fences by themselves: no check of the text, no audit hook; what a program then still gets done: nothing.

Whatever the kernel at hand does not have is skipped with the kernel's own reason.
"""

from __future__ import annotations

import errno
import os
import struct
import sys

import pytest

from lrfix.verification import Scenario, VerificationRequest, compare, kernel, process, verify_many
from lrfix.verification.seccomp import filter_program
from lrfix.verification.system_calls import (
    HARMLESS,
    LOOKED_AT,
    MACHINES,
    NEWER,
    REACHING_OUT,
    numbers,
)

KILL, ALLOW, ERROR = 0x80000000, 0x7FFF0000, 0x00050000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def decision(program: bytes, number: int, arguments: tuple[int, ...] = (), architecture: int = 0) -> int:
    """What a filter of classic BPF returns: its few instructions, carried out on ``struct seccomp_data``."""
    data = struct.pack("<iIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    code = list(struct.iter_unpack("HBBI", program))
    accumulator, place = 0, 0
    while True:
        operation, yes, no, value = code[place]
        place += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif operation == 0x06:
            return value
        else:
            holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[operation]
            place += yes if holds else no


@pytest.mark.parametrize("machine", MACHINES)
class TestTheFilter:
    def ask(self, machine: str, name: str, *arguments: int, devices: bool = False) -> int:
        program = filter_program(machine, (0, 1, 2, 7), 4321, devices)
        known = numbers(HARMLESS + LOOKED_AT + NEWER + REACHING_OUT, machine)
        if name not in known:
            pytest.skip(f"{machine} has no {name}")
        return decision(program, known[name], arguments, ARCHITECTURES[machine])

    def test_computing_is_allowed_and_reaching_out_ends_the_process(self, machine: str) -> None:
        program = filter_program(machine, (0, 1, 2, 7), 4321, False)
        for table, answer in ((HARMLESS, ALLOW), (REACHING_OUT, KILL), (NEWER, ERROR | errno.ENOSYS)):
            for name, number in numbers(table, machine).items():
                assert decision(program, number, (), ARCHITECTURES[machine]) == answer, name

    def test_what_stands_nowhere_is_not_permitted(self, machine: str) -> None:
        program = filter_program(machine, (7,), 4321, False)
        assert decision(program, 460, (), ARCHITECTURES[machine]) == ERROR | errno.EPERM

    def test_another_machines_calls_end_the_process(self, machine: str) -> None:
        program = filter_program(machine, (7,), 4321, False)
        other = next(value for name, value in ARCHITECTURES.items() if name != machine)
        assert decision(program, numbers(HARMLESS, machine)["read"], (), other) == KILL
        x32 = numbers(HARMLESS, machine)["read"] | 0x40000000
        assert decision(program, x32, (), ARCHITECTURES[machine]) == KILL

    def test_only_its_own_answer_is_written(self, machine: str) -> None:
        assert self.ask(machine, "write", 7) == ALLOW
        assert self.ask(machine, "write", 2) == ALLOW
        assert self.ask(machine, "write", 8) == ERROR | errno.EPERM

    def test_files_are_opened_to_be_read(self, machine: str) -> None:
        for flags in (
            os.O_WRONLY,
            os.O_RDWR,
            os.O_CREAT,
            os.O_TRUNC,
            os.O_APPEND,
            getattr(os, "O_TMPFILE", 0o20200000),
        ):
            assert self.ask(machine, "openat", 0, 0, flags) == KILL
        assert self.ask(machine, "openat", 0, 0, os.O_RDONLY | os.O_CLOEXEC) == ALLOW

    def test_threads_are_for_devices_and_processes_for_nobody(self, machine: str) -> None:
        assert self.ask(machine, "clone", 0x11) == KILL
        assert self.ask(machine, "clone", 0x10000) == KILL
        assert self.ask(machine, "clone", 0x10000, devices=True) == ALLOW
        assert self.ask(machine, "clone", 0x11, devices=True) == KILL

    def test_signals_go_to_itself_alone(self, machine: str) -> None:
        assert self.ask(machine, "tgkill", 4321, 4321, 6) == ALLOW
        assert self.ask(machine, "tgkill", 1, 1, 6) == KILL

    def test_limits_are_asked_for_and_not_set(self, machine: str) -> None:
        assert self.ask(machine, "prlimit64", 0, 7, 0) == ALLOW
        assert self.ask(machine, "prlimit64", 0, 7, 1) == ERROR | errno.EPERM
        assert self.ask(machine, "prlimit64", 0, 7, 1 << 32) == ERROR | errno.EPERM


pytest.importorskip("torch")

SOUND = """
from torch.optim.lr_scheduler import LambdaLR

def build(optimizer, p):
    return LambdaLR(optimizer, lambda k: max(0.0, 1 - k / 30))
"""


def test_the_kernel_that_lacks_a_fence_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = (
        "from lrfix.verification import kernel; "
        "kernel.landlock.restrict = lambda *a: (_ for _ in ()).throw(OSError(38, 'Function not implemented')); "
    )
    monkeypatch.setattr(process, "BOOTSTRAP", process.BOOTSTRAP.replace("main()", lacking + "main()"))
    requests = [VerificationRequest(SOUND, SOUND.replace("30", "30.0"), (Scenario({}),), 30, device="cpu")]
    monkeypatch.setattr(compare, "check_program", lambda source: None)
    (told,) = verify_many(requests)
    monkeypatch.setenv("CI", "true")
    (refused,) = verify_many(requests)
    (unfenced,) = verify_many(requests, unfenced=True)
    assert told.verdict == unfenced.verdict == "equivalent"
    assert "Landlock (Function not implemented)" in str(told.missing_fences)
    assert refused.verdict == "refused"
    assert "CI is set, and this system has no Landlock" in str(refused.reason)
    assert "--unfenced" in str(refused.reason)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these fences")
def test_nothing_of_this_kernel_is_missing_where_it_has_both() -> None:
    from lrfix.verification import landlock

    try:
        landlock.version()
    except OSError as error:
        pytest.skip(f"this kernel has no Landlock: {error}")
    assert kernel.missing_fences(kernel.library_directories()) == ()
