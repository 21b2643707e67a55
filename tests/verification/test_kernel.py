"""The kernel's fences by themselves: no check of the text, no audit hook; what a program then still gets done: nothing.

Whatever the kernel at hand does not have is skipped with the kernel's own reason.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from pathlib import Path

import pytest

from lrfix.verification import Scenario, Verification, VerificationRequest, compare, kernel, process, verify_many
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

LINEAR = """
from torch.optim.lr_scheduler import LambdaLR

def build(optimizer, p):
    os = __import__('warnings').sys.modules['os']
    sys = __import__('warnings').sys
    {body}
    return LambdaLR(optimizer, lambda k: max(0.0, 1 - k / 30))
"""
SOUND = LINEAR.format(body="")
UNHOOKED = "from lrfix.verification import sandbox; sandbox.close_fence = lambda libraries: lambda: (); "

REACHING = {
    "writing a file": "os.open({folder!r} + '/mark', os.O_WRONLY | os.O_CREAT)",
    "writing one that is there": "os.open({file!r}, os.O_WRONLY)",
    "emptying a file": "os.truncate({file!r}, 0)",
    "removing a file": "os.remove({file!r})",
    "renaming a file": "os.rename({file!r}, {file!r} + '2')",
    "a link": "os.symlink({file!r}, {folder!r} + '/mark')",
    "a hard link": "os.link({file!r}, {folder!r} + '/mark')",
    "a directory": "os.mkdir({folder!r} + '/mark')",
    "a fifo": "os.mkfifo({folder!r} + '/mark')",
    "a device": "os.mknod({folder!r} + '/mark')",
    "another mode": "os.chmod({file!r}, 0o777)",
    "another owner": "os.chown({file!r}, 1, 1)",
    "another time": "os.utime({file!r}, (1, 1))",
    "an attribute": "os.setxattr({file!r}, 'user.mark', b'1')",
    "reading a file of the user's": "os.open({file!r}, os.O_RDONLY)",
    "reading the password file": "os.open('/etc/passwd', os.O_RDONLY)",
    "reading another process": "os.open('/proc/1/environ', os.O_RDONLY)",
    "reading its parent": "os.open('/proc/%d/environ' % os.getppid(), os.O_RDONLY)",
    "listing a folder": "os.listdir({folder!r})",
    "a process": "os.fork()",
    "a program": "os.execv('/bin/true', ['true'])",
    "the shell": "os.system('touch {folder}/mark')",
    "posix_spawn": "os.posix_spawn('/bin/true', ['true'], {{}})",
    "a thread": "sys.modules['_thread'].start_new_thread(print, ())",
    "a signal to its parent": "os.kill(os.getppid(), 0)",
    "a signal to its group": "os.killpg(os.getpgid(os.getppid()), 0)",
    "a socket": "__import__('warnings').sys.modules['_socket'].socket().connect(('127.0.0.1', {port}))",
    "a pair of sockets": "__import__('warnings').sys.modules['_socket'].socketpair()",
    "another root": "os.chroot({folder!r})",
    "another namespace": "sys.modules['ctypes'].CDLL(None).unshare(0x10000000)",
    "tracing its parent": "sys.modules['ctypes'].CDLL(None).ptrace(16, os.getppid(), 0, 0) and 1 / 0",
    "mounting": "sys.modules['ctypes'].CDLL(None).mount(None, b'/tmp', b'tmpfs', 0, None) and 1 / 0",
    "shared memory": "sys.modules['ctypes'].CDLL(None).shmget(0, 4096, 0o1600) < 0 and 1 / 0",
    "other limits": "sys.modules['resource'].setrlimit(sys.modules['resource'].RLIMIT_CPU, (9999, 9999))",
    "more privileges": "os.setuid(0) or os.setgroups([0])",
    "memory without end": "bytes(1 << 35)",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "keep.txt").write_text("precious", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def reached(folder: Path) -> dict[str, Verification]:
    missing = kernel.missing_fences(kernel.library_directories())
    if missing:
        pytest.skip(f"this kernel has no {', no '.join(missing)}")
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "check_program", lambda source: None)
        patch.setattr(process, "BOOTSTRAP", process.BOOTSTRAP.replace("main()", UNHOOKED + "main()"))
        given = {"folder": str(folder), "file": str(folder / "keep.txt"), "port": server.getsockname()[1]}
        programs = {name: LINEAR.format(body=body.format(**given)) for name, body in REACHING.items()}
        requests = [
            VerificationRequest(old, SOUND, (Scenario({}),), 30, device="cpu")
            for text in programs.values()
            for old in (text, SOUND)
        ]
        found = verify_many(requests, timeout=20.0)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    for name, after in zip(programs, found[1::2], strict=True):
        assert after.verdict == "equivalent", (name, after.reason)
    return dict(zip(programs, found[::2], strict=True))


@pytest.mark.parametrize("name", REACHING)
def test_what_reaches_outside_is_stopped_by_the_kernel(
    reached: dict[str, Verification], folder: Path, name: str
) -> None:
    verification = reached[name]
    assert verification.verdict in ("refused", "failed"), verification
    reason = str(verification.reason)
    words = (
        "no schedule may have",
        "PermissionError",
        "OSError",
        "RuntimeError",
        "MemoryError",
        "ZeroDivision",
        "not allowed",
        "can't start",
    )
    assert any(word in reason for word in words), reason
    assert [path.name for path in folder.iterdir()] == ["keep.txt"]
    assert (folder / "keep.txt").read_text(encoding="utf-8") == "precious"
    assert (folder / "keep.txt").stat().st_mtime > 1000


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
