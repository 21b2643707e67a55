"""A hundred ways for a schedule to reach out, past one fence after the other: none leaves a mark, none hangs, and
each is told as what it is.

First as a user meets them: planted in training code, through ``lrfix rewrite --apply``. Then without the check of the
text, held by Python's fences and the kernel. Then without Python's either, held by the kernel alone.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from attempts import ATTEMPTS, OBJECTS, SOUND, WITHOUT_END, forced, planted
from click.testing import CliRunner

from lrfix.cli import main
from lrfix.rewriting import analyses
from lrfix.verification import (
    RefusedSlice,
    Scenario,
    Verification,
    VerificationRequest,
    check_program,
    compare,
    kernel,
    process,
    verify_many,
)

pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the attempts are POSIX calls")

#: Leaves Python's fences open for programs that say so.
UNHOOKED = "# held by the kernel alone"
OPENING = f"""
from lrfix.verification import child, sandbox
answer, close = child.answer, sandbox.close_fence
def opened(task, *given):
    unhooked = {UNHOOKED!r} in task["source"]
    sandbox.close_fence = (lambda libraries: lambda: ()) if unhooked else close
    answer(task, *given)
child.answer = opened
"""
SECONDS = 2.0
#: What may stand in a text, and is ended when it runs.
ENDED = {"no end", "memory without end", "memory bit by bit", "calls without end"}
#: What the kernel, or the library that met it, says of an attempt.
STOPPED = (
    "no schedule may have",
    *("PermissionError", "OSError", "RuntimeError", "MemoryError", "SystemError", "ZeroDivision", "KeyError"),
    *("not allowed", "can't start"),
)


@dataclass(frozen=True)
class Outside:
    """What a mark would be left in: a folder with one file, a socket that nobody may connect to, a variable."""

    folder: Path
    server: socket.socket

    @property
    def given(self) -> dict[str, object]:
        port = self.server.getsockname()[1]
        return {"folder": str(self.folder), "file": str(self.folder / "keep.txt"), "port": port}

    def assert_untouched(self) -> None:
        keep = self.folder / "keep.txt"
        assert [path.name for path in self.folder.iterdir()] == ["keep.txt"]
        assert keep.read_text(encoding="utf-8") == "precious"
        status = keep.stat()
        assert status.st_mtime == 1_700_000_000 and status.st_mode & 0o777 == 0o600 and status.st_nlink == 1
        assert not hasattr(os, "listxattr") or "user.mark" not in os.listxattr(keep)
        with pytest.raises(BlockingIOError):
            self.server.accept()


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    folder = tmp_path_factory.mktemp("outside")
    keep = folder / "keep.txt"
    keep.write_text("precious", encoding="utf-8")
    keep.chmod(0o600)
    os.utime(keep, (1_700_000_000, 1_700_000_000))
    shared = set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else None
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        server.setblocking(False)
        patch.setenv("LRFIX_TEST_SECRET", "0.5")
        yield Outside(folder, server)
    if shared is not None:
        assert not [name for name in set(os.listdir("/dev/shm")) - shared if "torch" in name]


@pytest.fixture(scope="module")
def forced_in(outside: Outside) -> dict[tuple[str, str], Verification]:
    """All attempts without the check of the text, by the fence that holds them, and a sound version behind them, which
    has to be as ever."""
    programs = {(name, "python"): forced(body, **outside.given) for name, body in ATTEMPTS.items()}
    if not missing_fences():
        programs |= {(name, "kernel"): f"{program}\n{UNHOOKED}" for (name, _), program in programs.items()}
    pairs = [(program, SOUND) for program in programs.values()] + [(SOUND, SOUND)]
    requests = [
        VerificationRequest(old, new, (Scenario({}),), 10, device="cpu", curves_only=True) for old, new in pairs
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "check_program", lambda source: None)
        opening = f"exec({OPENING!r}); ".replace("{", "{{").replace("}", "}}")
        patch.setattr(process, "BOOTSTRAP", process.BOOTSTRAP.replace("main()", opening + "main()"))
        started = time.monotonic()
        found = verify_many(requests, timeout=SECONDS)
        assert time.monotonic() - started < 30 + SECONDS * len(programs)
    assert found[-1].verdict == "equivalent", found[-1].reason
    return dict(zip(programs, found[:-1], strict=True))


#: What a notebook would do by itself, cell by cell.
MAGIC = """\
!touch {folder}/mark

%%bash
touch {folder}/mark

%run {file}

get_ipython().system("touch {folder}/mark")

%load_ext {folder}/mark"""


def as_notebook(*cells: str) -> str:
    listed = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": cell} for cell in cells
    ]
    return json.dumps({"cells": listed, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def missing_fences() -> tuple[str, ...]:
    return kernel.missing_fences(kernel.library_directories())


def test_there_are_a_hundred_kinds() -> None:
    assert len(ATTEMPTS) >= 100


def test_planted_in_training_code_none_leaves_a_mark(
    outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A schedule is left as it is, or taken without the attempt: what a formula does besides is not cut out with it.

    Several attempts stand in one schedule, because analysis takes a second a schedule; each by itself with
    LRFIX_EACH_ATTEMPT set.
    """
    # Those without an end take all the time that analysis has for a schedule.
    monkeypatch.setattr(analyses, "_PATIENCE", 1)
    size = 1 if os.environ.get("LRFIX_EACH_ATTEMPT") else 21
    bodies = list(ATTEMPTS.values())
    groups = ["\n".join(bodies[start : start + size]) for start in range(0, len(bodies), size)]
    texts = {tmp_path / f"train_{index}.py": planted(body, **outside.given) for index, body in enumerate(groups)}
    notebook = tmp_path / "train.ipynb"
    texts[notebook] = as_notebook(planted(bodies[-1], **outside.given), *MAGIC.format(**outside.given).split("\n\n"))
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(main, ["rewrite", "--apply", "--device", "cpu", str(tmp_path)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    assert result.exit_code in (0, 1), result.output
    outside.assert_untouched()
    for path, text in texts.items():
        told = [line for line in result.output.splitlines() if line.startswith(f"{path}:")]
        rewritten = path.read_text(encoding="utf-8") != text
        assert any((" equivalent -> " if rewritten else "left as it is") in line for line in told), (text, told)


def test_one_that_analysis_lets_pass_is_told_as_what_may_not_be_run(outside: Outside, tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    body = "if step < -1:\n    return step.__class__.__subclasses__()"
    path.write_text(planted(body, **outside.given), encoding="utf-8")
    result = CliRunner().invoke(main, ["rewrite", "--apply", "--device", "cpu", str(path)])
    assert result.exit_code == 1
    assert "this schedule may not be run: the old version was not run" in result.output
    assert "1 of them because it may not be run" in result.output or "because they may not be run" in result.output
    assert "verification failed" not in result.output
    outside.assert_untouched()


@pytest.mark.parametrize("name", sorted(ATTEMPTS.keys() - ENDED))
def test_the_check_of_the_text_refuses_each(name: str, outside: Outside) -> None:
    program = planted(ATTEMPTS[name], **outside.given).replace("total", "p")
    with pytest.raises(RefusedSlice):
        check_program(program.replace("import os, sys, numpy, torch", "import numpy, torch"))


@pytest.mark.parametrize("name", ATTEMPTS)
def test_past_that_check_each_is_stopped_and_told(
    name: str, forced_in: dict[tuple[str, str], Verification], outside: Outside
) -> None:
    verification = forced_in[name, "python"]
    outside.assert_untouched()
    assert verification.verdict in ("refused", "failed"), verification
    if name in OBJECTS and name not in ("at the exit", "when it is collected"):
        assert verification.verdict == "refused", verification.reason


@pytest.mark.parametrize("name", ATTEMPTS)
def test_the_kernel_alone_stops_each(
    name: str, forced_in: dict[tuple[str, str], Verification], outside: Outside
) -> None:
    if (name, "kernel") not in forced_in:
        pytest.skip(f"this kernel has no {', no '.join(missing_fences())}")
    verification = forced_in[name, "kernel"]
    outside.assert_untouched()
    assert verification.verdict in ("refused", "failed"), verification
    reason = str(verification.reason)
    if name not in WITHOUT_END and name not in OBJECTS:
        assert any(word in reason for word in STOPPED), reason
    if name.startswith("memory") and name in WITHOUT_END:
        assert "MemoryError" in reason
