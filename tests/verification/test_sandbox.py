"""The fence itself, in a process of its own: what code could still reach once every earlier check is passed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = str(Path(__file__).resolve().parents[2])

PROLOGUE = f"""
import sys
sys.path.insert(0, {ROOT!r})
import json, os, socket, subprocess, shutil, ctypes, threading, warnings, linecache
from lrfix.verification import kernel, limits, sandbox
target = sys.argv[1]
limits.limit_process(seconds=60, cuda=False)
refused = sandbox.close_fence(kernel.library_directories())
def attempt():
"""
EPILOGUE = """
try:
    attempt()
    outcome = "done"
except BaseException as error:
    outcome = type(error).__name__
print(json.dumps([outcome, refused()]))
"""

REACHING_OUT = {
    "reading a file": "open(target).read()",
    "writing a file": "open(target, 'w')",
    "reading through os": "os.open(target, os.O_RDONLY)",
    "writing into the library": "open(os.__file__, 'r+')",
    "removing": "os.remove(target)",
    "renaming": "os.rename(target, target + '2')",
    "removing a tree": "shutil.rmtree(os.path.dirname(target))",
    "listing": "os.listdir(os.path.dirname(target))",
    "making a directory": "os.mkdir(target + 'd')",
    "changing the mode": "os.chmod(target, 0)",
    "a link": "os.symlink(target, target + 'l')",
    "a socket": "socket.socket()",
    "a name look-up": "socket.getaddrinfo('localhost', 80)",
    "a process": "subprocess.run(['true'])",
    "the shell": "os.system('true')",
    "replacing the process": "os.execv('/bin/true', ['true'])",
    "a fork": "os.fork()",
    "a signal": "os.kill(os.getpid(), 0)",
    "a C library": "ctypes.CDLL(None)",
    "memory at an address": "ctypes.string_at(1)",
    "an import that is not loaded yet": "import urllib.request",
    "the environment": "os.putenv('A', 'b')",
}

HARMLESS = {
    "arithmetic": "sum(k * k for k in range(1000))",
    "a late part of the standard library": "import colorsys",
}


def attempt(body: str, target: Path) -> tuple[str, list[str]]:
    script = PROLOGUE + f"    {body}\n" + EPILOGUE
    run = subprocess.run(
        [sys.executable, "-I", "-c", script, str(target)], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    outcome, refused = json.loads(run.stdout)
    return outcome, refused


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "keep.txt"
    path.write_text("precious", encoding="utf-8")
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="the attempts are POSIX calls")
@pytest.mark.parametrize("name", REACHING_OUT)
def test_reaching_out_is_refused_and_noted(name: str, target: Path) -> None:
    outcome, refused = attempt(REACHING_OUT[name], target)
    assert outcome == "RefusedByFence"
    assert len(refused) == 1
    assert target.read_text(encoding="utf-8") == "precious"
    assert [path.name for path in target.parent.iterdir()] == ["keep.txt"]


@pytest.mark.parametrize("name", HARMLESS)
def test_computing_goes_on(name: str, target: Path) -> None:
    assert attempt(HARMLESS[name], target) == ("done", [])


def test_no_second_hook_can_be_added(target: Path) -> None:
    """Python itself swallows this refusal and leaves the new hook out."""
    _, refused = attempt("sys.addaudithook(print)", target)
    assert refused == ["sys.addaudithook"]


HANDING_OUT = {
    "a frame": "sys._getframe()",
    "every frame": "sys._current_frames()",
    "a frame of an exception": "try:\n        1 / 0\n    except Exception as e:\n        e.__traceback__.tb_frame",
    "a frame of a generator": "(x for x in ()).gi_frame",
    "the code of a function": "attempt.__code__",
    "all objects": "__import__('gc').get_objects()",
    "code": "compile('1', 'a', 'eval')",
    "running it": "exec('x = 1')",
    "another class for an object": "warnings.showwarning.__class__ = int",
    "other defaults for a function": "attempt.__defaults__ = ()",
}


@pytest.mark.parametrize("name", HANDING_OUT)
def test_frames_code_and_objects_are_not_handed_out(name: str, target: Path) -> None:
    outcome, refused = attempt(HANDING_OUT[name], target)
    assert outcome == "RefusedByFence"
    assert len(refused) == 1


def test_what_the_library_needs_of_frames_it_has(target: Path) -> None:
    body = "import collections, enum, typing\n    collections.namedtuple('N', 'a b')(1, 2)\n    enum.Enum('E', 'a b')"
    assert attempt(body, target) == ("done", [])


def test_a_refusal_that_is_caught_is_still_noted(target: Path) -> None:
    outcome, refused = attempt("try:\n        open(target)\n    except OSError:\n        pass", target)
    assert outcome == "done"
    assert "keep.txt" in refused[0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much address space is held")
def test_memory_is_bounded(target: Path) -> None:
    outcome, _ = attempt("b'0' * (6 << 30)", target)
    assert outcome == "MemoryError"
