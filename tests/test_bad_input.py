"""Bad input to ``check`` and to ``rewrite --apply``: a message that helps, the documented status, and no byte lost.

The files of ``fixtures/bad`` are taken one by one, through the command line as its users call it.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lrfix.cli import main
from lrfix.verification import process

BAD = Path(__file__).resolve().parents[1] / "fixtures" / "bad"
#: For processes of their own, so that they run this lrfix whatever is installed.
ENV = {**os.environ, "PYTHONPATH": str(BAD.parents[1])}
UNVERIFIED = ("--no-verify", "--unverified")
SOUND = """\
import math
from torch.optim.lr_scheduler import LambdaLR


def build(optimizer, warmup, total):
    def factor(step):
        if step < warmup:
            return step / warmup
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / (total - warmup))))

    return LambdaLR(optimizer, factor)
"""
QUICK = """\
from torch.optim.lr_scheduler import LambdaLR


def build(optimizer, warmup):
    def factor(step):
        return min(1.0, step / warmup)

    return LambdaLR(optimizer, factor)
"""
POSIX = pytest.mark.skipif(os.name == "nt", reason="links and modes of POSIX")


@dataclass(frozen=True)
class Unreadable:
    """A file that is no Python: an error of this kind, in these words, from both commands."""

    kind: str
    words: str


@dataclass(frozen=True)
class Skipped:
    """A file that is left out on purpose: counted by ``check``, told by ``rewrite``."""

    counted: str
    told: str


@dataclass(frozen=True)
class Opaque:
    """A file whose schedule cannot be simulated, for the reason that both commands give."""

    reason: str


EXPECTED = {
    "does_not_parse.py": Unreadable("syntax", "line 7: '(' was never closed"),
    "python_2.py": Unreadable("syntax", "line 7: this looks like Python 2, lrfix reads Python 3"),
    "not_utf_8.py": Unreadable("encoding", "line 9: not UTF-8; save the file as UTF-8 or add a coding comment"),
    "cookie_is_wrong.py": Unreadable("encoding", "the coding comment cannot be used: unknown encoding: utf_9"),
    "utf_16.py": Unreadable("encoding", "the file is UTF-16"),
    "nul_bytes.py": Unreadable("syntax", "NUL bytes"),
    "generated.py": Skipped("generated", "marked @generated"),
    "skip_file.py": Skipped("skip-file", "a comment says skip-file"),
    "opaque_call.py": Opaque("calls `secret_factor(step, warmup)`, which lrfix cannot simulate"),
    "loops_for_ever.py": Opaque("it may never end"),
    "recurses_for_ever.py": Opaque("calls itself too deeply to simulate"),
    "takes_all_memory.py": Opaque("too long to simulate"),
}
#: Unusual, and fine.
FINE = {"empty.py", "byte_order_mark.py", "latin_1_with_cookie.py", "deletes_a_file_when_imported.py"}


def of(kind: type) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", [name for name, expected in EXPECTED.items() if isinstance(expected, kind)])


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def report(*arguments: str) -> tuple[int, dict]:
    result = run("check", "--output-format", "json", *arguments)
    return result.exit_code, json.loads(result.stdout)


def copied(name: str) -> Path:
    return Path(shutil.copy(BAD / name, name))


def written(name: str, content: str | bytes) -> Path:
    path = Path(name)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_every_bad_file_is_expected_here():
    assert {path.name for path in BAD.glob("*.py")} == {*EXPECTED, *FINE}


class TestNoPython:
    @of(Unreadable)
    def test_check_says_what_is_wrong_and_where(self, name):
        copied(name)
        result = run("check", name)
        assert result.exit_code == 1
        assert f"{name}: {EXPECTED[name].kind} error: " in result.stdout and EXPECTED[name].words in result.stdout
        status, found = report(name)
        assert status == 1
        (error,) = found["errors"]
        assert (error["path"], error["kind"]) == (name, EXPECTED[name].kind)
        assert EXPECTED[name].words in error["message"]

    @of(Unreadable)
    def test_rewrite_says_so_too_and_leaves_the_file(self, name):
        path = copied(name)
        result = run("rewrite", "--apply", name)
        assert result.exit_code == 1
        assert f"error: {name}: " in result.output and EXPECTED[name].words in result.output
        assert path.read_bytes() == (BAD / name).read_bytes()

    def test_all_of_them_together_do_not_keep_a_good_one_from_being_rewritten(self):
        names = [copied(name).name for name, expected in EXPECTED.items() if isinstance(expected, Unreadable)]
        good = written("train.py", SOUND)
        status, found = report(*names, "train.py")
        assert status == 1
        assert [site["path"] for site in found["sites"]] == ["train.py"]
        assert sorted(error["path"] for error in found["errors"]) == sorted(names)
        result = run("rewrite", "--apply", *UNVERIFIED, *names, "train.py")
        assert result.exit_code == 1
        assert "WarmupCosineLR(optimizer, total, warmup_steps=warmup)" in good.read_text()

    def test_a_file_that_is_no_notebook_is_told_of_by_both(self):
        path = written("train.ipynb", '{"cells": 3}')
        for command in ("check", "rewrite"):
            result = run(command, "train.ipynb")
            assert result.exit_code == 1
            assert "not a notebook that lrfix can read" in result.output
        assert path.read_text() == '{"cells": 3}'


class TestLeftOut:
    @of(Skipped)
    def test_it_is_counted_and_told_and_the_file_left(self, name):
        path = copied(name)
        checked = run("check", "--statistics", name)
        assert checked.exit_code == 0
        assert f"1  files skipped: {EXPECTED[name].counted}" in checked.stdout
        rewritten = run("rewrite", "--apply", name)
        assert rewritten.exit_code == 0
        assert f"{name}: skipped: {EXPECTED[name].told}" in rewritten.output and "1 file skipped" in rewritten.output
        assert path.read_bytes() == (BAD / name).read_bytes()

    def test_so_is_a_huge_file(self):
        content = SOUND + "# " + "x" * 1_000_000 + "\n"
        path = written("train.py", content)
        checked = run("check", "--statistics", "train.py")
        assert (checked.exit_code, "1  files skipped: too-large" in checked.stdout) == (0, True)
        rewritten = run("rewrite", "--apply", "train.py")
        assert rewritten.exit_code == 0
        assert "train.py: skipped: larger than 1000000 bytes (max-file-size)" in rewritten.output
        assert path.read_text() == content

    def test_an_empty_file_is_nothing_to_report(self):
        path = copied("empty.py")
        assert run("check", "empty.py").exit_code == 0
        result = run("rewrite", "--apply", "empty.py")
        assert (result.exit_code, result.output) == (0, "0 schedules rewritten in 0 files\n")
        assert path.read_bytes() == b""


class TestSchedulesThatCannotBeSimulated:
    @pytest.fixture(autouse=True)
    def _less_patience(self, monkeypatch):
        """An endless loop is given up after fewer steps than usual, and sooner where it is run, and in the same way."""
        monkeypatch.setattr("lrfix.driving.laboratory.RUN", 300_000)
        sooner = "from lrfix.verification import child; child.SCENARIO_SECONDS = 0.3; main()"
        monkeypatch.setattr(process, "BOOTSTRAP", process.BOOTSTRAP.replace("main()", sooner))

    def test_the_inventory_gives_the_reason(self):
        copied("opaque_call.py")
        assert EXPECTED["opaque_call.py"].reason in run("sites", "opaque_call.py").stdout

    @of(Opaque)
    def test_the_reason_is_given_and_the_file_left(self, name):
        path = copied(name)
        status, found = report(name)
        (site,) = found["sites"]
        assert (status, site["status"], found["findings"], found["errors"]) == (0, "opaque", [], [])
        assert EXPECTED[name].reason in site["reason"]
        result = run("rewrite", "--apply", name)
        assert result.exit_code == 0
        assert f"left as it is: {site['reason']}" in result.output
        assert path.read_bytes() == (BAD / name).read_bytes()


class TestEncodings:
    @pytest.mark.parametrize(
        ("name", "encoding"), [("byte_order_mark.py", "utf-8-sig"), ("latin_1_with_cookie.py", "latin-1")]
    )
    def test_only_the_schedule_changes(self, name, encoding):
        path = copied(name)
        assert run("check", name).exit_code == 0
        assert run("rewrite", "--apply", *UNVERIFIED, name).exit_code == 0
        before, after = (BAD / name).read_bytes(), path.read_bytes()
        assert after.count(b"\r\n") == (after.count(b"\n") if b"\r\n" in before else 0)
        lines = set(before.decode(encoding).splitlines())
        new = [line for line in after.decode(encoding).splitlines() if line not in lines]
        assert new == [
            "from lrfix.schedulers import WarmupCosineLR",
            "    return WarmupCosineLR(optimizer, total, warmup_steps=warmup)",
        ]


class TestNothingOfTheUsersModuleRuns:
    NAME = "deletes_a_file_when_imported.py"

    @pytest.fixture(autouse=True)
    def precious(self):
        path = written("precious.txt", "weights of three weeks")
        yield
        assert path.read_text() == "weights of three weeks"

    def test_the_fixture_does_delete_the_file(self, tmp_path):
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        os.chdir(folder)
        victim = written("precious.txt", "nothing that counts")
        with pytest.raises(FileNotFoundError):
            exec(compile((BAD / self.NAME).read_text(), self.NAME, "exec"), {"__name__": "__main__"})
        assert not victim.exists()
        os.chdir(tmp_path)

    @pytest.mark.parametrize(
        ("command", "status", "shown"),
        [(("check",), 1, "LR202"), (("sites",), 0, "cosine"), (("rewrite", "--no-verify"), 1, "WarmupCosineLR")],
        ids=["check", "sites", "rewrite"],
    )
    def test_when_it_is_looked_at(self, command, status, shown):
        path = copied(self.NAME)
        result = run(*command, self.NAME)
        assert result.exit_code == status
        assert shown in result.output
        assert path.read_bytes() == (BAD / self.NAME).read_bytes()

    def test_when_both_versions_of_its_schedule_are_run_and_it_is_rewritten(self):
        pytest.importorskip("torch")
        path = copied(self.NAME)
        result = run("rewrite", "--apply", "--device", "cpu", self.NAME)
        assert result.exit_code == 0
        assert "no difference in" in result.output
        assert "WarmupCosineLR(optimizer, total, warmup_steps=warmup)" in path.read_text()

    def test_when_the_schedule_itself_deletes(self):
        deletes = "        __import__('os').remove('precious.txt')\n"
        path = written("train.py", SOUND.replace("        if step", f"{deletes}        if step"))
        assert run("check", "train.py").exit_code == 0
        run("rewrite", "--apply", "train.py")
        assert deletes in path.read_text()


class TestPaths:
    @pytest.mark.parametrize("command", ["check", "sites", "rewrite"])
    def test_one_that_does_not_exist_is_a_usage_error(self, command):
        written("train.py", SOUND)
        result = run(command, "no_such.py", "train.py")
        assert result.exit_code == 2
        assert "no_such.py: no such file or directory" in result.stderr
        assert result.stdout == ""

    @POSIX
    @pytest.mark.parametrize("command", [("check",), ("rewrite", "--apply", *UNVERIFIED)], ids=lambda c: c[0])
    def test_a_link_to_nothing_or_to_itself_is_an_error_and_stops_nothing(self, command):
        os.symlink("nowhere.py", "dangling.py")
        os.symlink("loop.py", "loop.py")
        written("train.py", SOUND)
        result = run(*command, "dangling.py", "loop.py", "train.py")
        assert result.exit_code == 1
        for name in ("dangling.py", "loop.py"):
            assert f"{name}: " in result.output
        assert result.output.count("cannot be read") == 2
        assert "train.py" in result.output
        assert os.readlink("dangling.py") == "nowhere.py" and os.readlink("loop.py") == "loop.py"

    @POSIX
    def test_links_to_nothing_in_a_tree_are_no_files(self):
        os.symlink("nowhere.py", "dangling.py")
        assert run("check").exit_code == 0
        assert run("rewrite", "--apply").exit_code == 0

    @POSIX
    @pytest.mark.parametrize("command", [("check",), ("rewrite", "--apply", *UNVERIFIED)], ids=lambda c: c[0])
    def test_a_file_that_may_not_be_read_is_an_error_and_stops_nothing(self, command, monkeypatch):
        locked = written("locked.py", SOUND)
        written("train.py", SOUND)
        locked.chmod(0)
        if os.geteuid() == 0:
            # Nothing is locked to root: the refusal is played.
            opened = os.open

            def refusing(path, *options, **more):
                if str(path).endswith("locked.py"):
                    raise PermissionError(13, "Permission denied", str(path))
                return opened(path, *options, **more)

            with monkeypatch.context() as patch:
                patch.setattr(os, "open", refusing)
                result = run(*command, ".")
        else:
            result = run(*command, ".")
        assert result.exit_code == 1
        assert "locked.py: " in result.output and "cannot be read: Permission denied" in result.output
        assert "train.py" in result.output
        locked.chmod(0o600)
        assert locked.read_text() == SOUND

    @POSIX
    @pytest.mark.parametrize("command", [("check",), ("rewrite", "--apply", *UNVERIFIED)], ids=lambda c: c[0])
    def test_pipes_and_devices_are_refused_and_stop_nothing(self, command):
        os.mkfifo("pipe.py")
        os.symlink("/dev/zero", "device.py")
        os.mkfifo(".gitignore")
        os.mkfifo("setup.py")
        os.mkfifo("other.py")
        written("train.py", "from other import warm\n" + SOUND)
        result = run(*command, "pipe.py", "device.py", ".")
        assert result.exit_code == 1
        assert "pipe.py: " in result.output and "not a regular file but a pipe" in result.output
        assert "device.py: " in result.output and "not a regular file but a device" in result.output
        assert "train.py" in result.output

    @POSIX
    def test_links_out_of_the_tree_are_counted_and_left_alone(self, tmp_path):
        outside = written("outside.py", QUICK)
        Path("tree").mkdir()
        os.symlink("../outside.py", "tree/link.py")
        status, found = report("tree")
        assert (status, found["files"]["skipped"], found["sites"]) == (0, {"link-outside": 1}, [])
        result = run("rewrite", "--apply", *UNVERIFIED, "tree")
        assert "tree/link.py: a link to a file outside the given paths" in result.stderr
        assert outside.read_text() == QUICK

    @pytest.mark.parametrize(
        "command",
        [
            ("check", "--no-cache", "--statistics"),
            ("check", "--no-cache", "--show-files"),
            ("sites", "--no-cache"),
            ("rewrite", *UNVERIFIED),
            ("rewrite", "--diff", *UNVERIFIED),
        ],
        ids=" ".join,
    )
    def test_what_only_looks_writes_nothing(self, command):
        written("train.py", QUICK)
        Path("inner").mkdir()

        def tree():
            return {path: (path.stat(), path.is_file() and path.read_bytes()) for path in sorted(Path().rglob("*"))}

        before = tree()
        shared = [(path, [*status[:7], *status[8:]], content) for path, (status, content) in before.items()]
        assert run(*command, ".").exit_code in (0, 1)
        assert [(path, [*s[:7], *s[8:]], content) for path, (s, content) in tree().items()] == shared

    def test_standard_input_is_taken_whatever_it_holds(self):
        for content in (b"", b"def f(:\n", b"\xff\xfe\x00", b"\x80", b"lr = '\0'", SOUND.encode()):
            result = CliRunner().invoke(main, ["check", "-"], input=content)
            assert result.exit_code in (0, 1) and "internal" not in result.output
            result = CliRunner().invoke(main, ["rewrite", *UNVERIFIED, "-"], input=content)
            assert result.exit_code in (0, 1) and "internal" not in result.output


class TestOutput:
    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
    @pytest.mark.parametrize(
        "command",
        [("check", "train.py"), ("sites", "train.py"), ("rewrite", *UNVERIFIED, "train.py"), ("rule",)],
        ids=lambda c: c[0],
    )
    def test_that_cannot_be_written_is_said_and_is_no_bug_of_lrfix(self, command):
        written("train.py", SOUND)
        with open("/dev/full", "w", encoding="utf-8") as full:
            arguments = [sys.executable, "-m", "lrfix", *command]
            done = subprocess.run(arguments, stdout=full, stderr=subprocess.PIPE, text=True, env=ENV, check=False)
        assert done.returncode == 2
        assert done.stderr == "lrfix: the output cannot be written: No space left on device\n"

    @POSIX
    def test_that_is_closed_is_said(self):
        written("train.py", SOUND)
        command = f"exec {shlex.quote(sys.executable)} -m lrfix check train.py >&-"
        done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, env=ENV, check=False)
        assert done.returncode == 2 and "the stream is closed" in done.stderr


class TestConfiguration:
    @pytest.mark.parametrize(
        ("config", "complaint"),
        [
            ('selct = ["LR1"]', "has no key 'selct'; did you mean select?"),
            ('select = ["LR9"]', "no rule has the code, prefix or name 'LR9'; legal prefixes are LR, LR0"),
            ('ignore = ["E501"]', "no rule has the code, prefix or name 'E501'"),
            ("select = 3", "must be a list of strings, not 3"),
            ("max-file-size = 0", "must be a whole number from 1, not 0"),
            ('[tool.lrfix.per-file-ignores]\n"a.py" = ["LR999"]', "'LR999'"),
            ("select = [", "not valid TOML"),
        ],
    )
    @pytest.mark.parametrize("command", [("check",), ("sites",), ("rewrite", "--apply")], ids=lambda c: c[0])
    def test_what_it_may_not_hold_is_named_with_its_file_and_nothing_is_done(self, command, config, complaint):
        written("pyproject.toml", f"[tool.lrfix]\n{config}\n")
        path = written("train.py", SOUND)
        result = run(*command, "train.py")
        assert result.exit_code == 2
        assert complaint in result.stderr and "pyproject.toml" in result.stderr
        assert result.stdout == ""
        assert path.read_text() == SOUND


DEEP = {
    "a sum": "+".join(["1"] * 20_000),
    "attributes": "a" + ".a" * 5_000,
    "calls": "a" + "()" * 5_000,
    "negations": "not " * 5_000 + "1",
    "powers": "**".join(["1"] * 5_000),
    "conditions": "1 if 0 else " * 1_200 + "1",
    "lambdas": "lambda: " * 500 + "1",
    "lists": "[" * 150 + "1" + "]" * 150,
    "brackets": "(" * 180 + "1" + ")" * 180,
    "unclosed brackets": "(" * 3_000,
}


class TestDepth:
    """However deep the code is nested, it is understood or said to be too deep."""

    @pytest.mark.parametrize("shape", DEEP)
    @pytest.mark.parametrize("place", ["beside the schedule", "inside it"])
    def test_neither_command_fails_in_itself_nor_harms_the_file(self, shape, place):
        if place == "inside it":
            text = QUICK.replace("        return", f"        deep = lambda a: {DEEP[shape]}\n        return")
        else:
            text = QUICK + f"\n\ndeep = lambda a: {DEEP[shape]}\n"
        path = written("train.py", text)
        status, found = report("train.py")
        assert status == (1 if found["errors"] else 0)
        for error in found["errors"]:
            assert error["kind"] == "syntax" and ("nest" in error["message"] or "never closed" in error["message"])
        assert found["errors"] or found["sites"]
        result = run("rewrite", "--apply", *UNVERIFIED, "train.py")
        if result.exit_code == 0:
            assert path.read_text() == text or "WarmupConstantLR" in path.read_text()
        else:
            assert result.exit_code == 1 and ("nest" in result.output or "never closed" in result.output)
            assert path.read_text() == text

    def test_many_branches_are_no_depth(self):
        branches = "".join(f"        if step == {number}:\n            return 0.5\n" for number in range(400, 520))
        written("train.py", QUICK.replace("        return", branches + "        return", 1))
        status, found = report("train.py")
        assert found["errors"] == [] and [site["form"] for site in found["sites"]] == ["lambda"]
        assert status in (0, 1)

    def test_the_limit_of_the_interpreter_is_as_it_was(self):
        before = sys.getrecursionlimit()
        written("train.py", QUICK + f"\ndeep = {DEEP['conditions']}\n")
        run("check", "train.py")
        assert sys.getrecursionlimit() == before


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names of files are Unicode there")
def test_names_of_files_that_are_no_text_stop_nothing_and_give_no_orders(tmp_path):
    for name in (b"n\xff.py", b"x\n::error::y.py", b"\x1b[2Jz.py"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text(QUICK, encoding="utf-8")
    options = ("--no-cache", "--jobs", "1", "--output-format", "concise", "--quiet")
    result = CliRunner().invoke(main, ["check", *options, str(tmp_path)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    lines = result.output.splitlines()
    assert len(lines) > 2 and all(line.startswith(str(tmp_path)) for line in lines), lines
    assert "\x1b" not in result.output
