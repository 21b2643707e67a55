"""``lrfix rewrite`` as its users run it: output, exit status, what is on disk afterwards."""

from __future__ import annotations

import json
import stat
import subprocess
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from lrfix.cli import main

pytest.importorskip("torch")

UNVERIFIED = ("--no-verify", "--unverified")
BUGGY = Path(__file__).resolve().parents[2] / "fixtures" / "buggy"
SOUND = textwrap.dedent(
    """
    import math
    import torch
    from torch.optim.lr_scheduler import LambdaLR

    # é
    def build(optimizer, warmup, total):
        def factor(step):
            if step < warmup:
                return step / warmup
            done = min(1.0, (step - warmup) / max(1, total - warmup))
            return 0.5 * (1 + math.cos(math.pi * done))
        return LambdaLR(optimizer, factor)


    if __name__ == "__main__":
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        scheduler = build(optimizer, 2, 6)
        for _ in range(7):
            print(f"{scheduler.get_last_lr()[0]:.4f}")
            optimizer.step()
            scheduler.step()
    """
).lstrip()


def lrfix(*arguments: str):
    return CliRunner().invoke(main, ["rewrite", *arguments], catch_exceptions=False)


@pytest.fixture(autouse=True)
def _beside_the_script(tmp_path, monkeypatch):
    """Under one name, however often it is rewritten, the script is analysed once."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def script():
    path = Path("train.py")
    path.write_text(SOUND, encoding="utf-8")
    return path


@pytest.fixture
def printed_by(python):
    """What a script prints as a program of its own."""

    def printed(path: Path) -> str:
        done = python(f"import runpy; runpy.run_path({str(path)!r}, run_name='__main__')")
        assert done.returncode == 0, done.stderr
        return done.stdout

    return printed


@pytest.fixture
def snippet():
    path = Path("train.py")
    path.write_text((BUGGY / "warm_restarts_per_batch.py").read_text(encoding="utf-8"), encoding="utf-8")
    return path


def test_without_apply_it_shows_the_change_and_makes_none(script):
    result = lrfix("--device", "cpu", str(script))
    assert result.exit_code == 1
    assert "equivalent for decays of a step or more -> WarmupCosineLR" in result.output
    assert "+    return WarmupCosineLR(optimizer, total, warmup_steps=warmup)" in result.output
    (line,) = (line for line in result.output.splitlines() if "->" in line)
    assert "no difference in" in line and ", cpu, torch " in line
    assert "resumed runs bit-equal, old checkpoints go on, weights" in line
    assert "old rate" not in result.output
    assert "1 schedule would be rewritten in 1 file" in result.output
    assert script.read_text(encoding="utf-8") == SOUND


def test_verbose_shows_the_rates_of_every_proof(script):
    result = lrfix("--verbose", "--device", "cpu", str(script))
    assert "old rate" in result.output and "new rate" in result.output
    assert "resumed runs bit-equal" in result.output
    assert "weights bit-equal" in result.output and "device cpu" in result.output
    assert "in every setting that a caller may choose: no difference in" in result.output


def test_json_says_the_same(script):
    result = lrfix("--output-format", "json", "--device", "cpu", str(script))
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    (schedule,) = document["schedules"]
    assert (schedule["kind"], schedule["scheduler"], schedule["name"]) == ("limited", "WarmupCosineLR", "factor")
    assert schedule["start"] == {"line": 7, "column": 5} and schedule["resume_exact"] is True
    assert schedule["largest_difference"] <= 1e-12 and schedule["settings"] == sum(
        len(proof["settings"]) for proof in schedule["proofs"]
    )
    assert {row["step"]: row["old"] == row["new"] for row in schedule["proofs"][0]["rows"]}[0]
    (file,) = document["files"]
    assert "+    return WarmupCosineLR(" in file["diff"] and "WarmupCosineLR(" in file["after"]
    assert document["left"] == document["errors"] == []
    script.write_text(SOUND.replace("step / warmup", "(step / warmup) ** 3"), encoding="utf-8")
    document = json.loads(lrfix("--output-format", "json", *UNVERIFIED, str(script), "absent.py").stdout or "{}")
    assert document == {}  # a path that is not there is bad usage
    (left,) = json.loads(lrfix("--output-format", "json", *UNVERIFIED, str(script)).stdout)["left"]
    assert left["path"] == "train.py" and left["reason"] and not left["failed"]


class TestTheDiffAlone:
    @pytest.mark.parametrize(("newline", "end"), [("\n", ""), ("\r\n", "\r\n")])
    def test_it_is_a_patch_that_git_applies(self, script, newline, end):
        before = SOUND.rstrip("\n").replace("\n", newline) + end
        script.write_bytes(before.encode())
        shown = lrfix("--diff", "--no-verify", script.name)
        assert (shown.exit_code, script.read_bytes()) == (1, before.encode())
        assert shown.stderr == "1 schedule would be rewritten in 1 file (--apply writes)\n"
        subprocess.run(["git", "apply", "-"], input=shown.stdout_bytes, check=True)
        patched = script.read_bytes().decode()
        assert "WarmupCosineLR(optimizer, total, warmup_steps=warmup)" in patched
        assert patched.count("\n") == patched.count(newline) and patched.endswith(f"scheduler.step(){end}")

    def test_a_change_that_would_not_be_made_is_nothing(self, script):
        script.write_text("x = 1\n")
        shown = lrfix("--diff", script.name)
        assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "", "nothing to rewrite\n")

    def test_a_file_that_cannot_be_read_is_told_beside_it(self, script):
        script.write_text("def (\n")
        shown = lrfix("--diff", script.name)
        assert (shown.exit_code, shown.stdout) == (1, "")
        assert shown.stderr.startswith("error: train.py: ")

    @pytest.mark.parametrize("other", [("--apply",), ("--output-format", "json")])
    def test_it_shows_and_does_nothing_else(self, script, other):
        assert lrfix("--diff", *other, script.name).exit_code == 2


class TestStandardInput:
    def test_the_change_is_shown(self):
        result = CliRunner().invoke(main, ["rewrite", *UNVERIFIED, "-"], input=SOUND)
        assert result.exit_code == 1 and "<stdin>:7:5" in result.stdout
        assert "+    return WarmupCosineLR(optimizer, total, warmup_steps=warmup)" in result.stdout

    def test_apply_writes_the_new_text_and_nothing_else_to_standard_output(self):
        arguments = ["rewrite", "--apply", *UNVERIFIED, "--stdin-filename", "sub/train.py", "-"]
        result = CliRunner().invoke(main, arguments, input=SOUND.replace("\n", "\r\n"))
        assert result.exit_code == 0
        assert "WarmupCosineLR(optimizer" in result.stdout and "LambdaLR" not in result.stdout.replace("Cosine", "")
        assert result.stdout_bytes.count(b"\n") == result.stdout_bytes.count(b"\r\n")
        assert "sub/train.py:7:5" in result.stderr and not Path("sub").exists()

    def test_what_is_not_changed_comes_out_as_it_went_in(self):
        for text in (b"lr = 1\r\n", b"def (\n", b"\xff\xfe"):
            result = CliRunner().invoke(main, ["rewrite", "--apply", *UNVERIFIED, "-"], input=text)
            assert result.stdout_bytes == text


def test_apply_writes_a_script_that_runs_as_before_and_then_there_is_nothing_left(script, printed_by):
    before = printed_by(script)
    script.chmod(0o750)
    result = lrfix("--apply", "--device", "cpu", str(script))
    assert result.exit_code == 0, result.output
    assert stat.S_IMODE(script.stat().st_mode) == 0o750
    assert printed_by(script) == before
    again = lrfix(str(script))
    assert again.exit_code == 0 and "nothing to rewrite" in again.output
    checked = CliRunner().invoke(main, ["check", str(script)])
    assert checked.exit_code == 0 and "LR" not in checked.output


@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_encoding_mark_and_line_endings_survive_on_disk(tmp_path, newline):
    for encoding, head in (("utf-8-sig", ""), ("latin-1", "# -*- coding: latin-1 -*-\n")):
        path = tmp_path / f"{encoding}.py"
        path.write_bytes((head + SOUND).replace("\n", newline).encode(encoding))
        assert lrfix("--apply", *UNVERIFIED, str(path)).exit_code == 0
        text = path.read_bytes().decode(encoding)
        assert "# é" in text and "WarmupCosineLR(" in text
        assert text.count("\n") == text.count(newline)
        assert path.read_bytes().startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-sig")


def test_the_snippet_shows_its_readings_and_takes_the_one_that_is_asked_for(snippet, printed_by):
    shown = lrfix("--device", "cpu", str(snippet))
    assert shown.exit_code == 1
    for key in ("peak-is-base", "peak-absolute", "peak-factor"):
        assert f"{key}: " in shown.output
    assert "--reading peak-absolute or --reading peak-factor" in shown.output
    assert "█" in shown.output
    assert lrfix("--apply", *UNVERIFIED, "--reading", "peak-absolute", str(snippet)).exit_code == 0
    assert "eta_max=0.1" in snippet.read_text(encoding="utf-8")
    checked = CliRunner().invoke(main, ["check", str(snippet)])
    assert checked.exit_code == 0 and "LR" not in checked.output
    printed_by(snippet)


def test_an_unknown_reading_is_a_usage_error_and_names_those_there_are(snippet):
    before = snippet.read_bytes()
    result = lrfix("--apply", *UNVERIFIED, "--reading", "peak", str(snippet))
    assert result.exit_code == 2
    assert "peak-absolute, peak-factor, peak-is-base" in result.output
    assert snippet.read_bytes() == before


@pytest.mark.parametrize("key", ["peak", "schedule-in-force"])
def test_a_reading_that_no_schedule_has_is_an_error_where_there_is_nothing_to_repair_too(script, key):
    result = lrfix("--apply", *UNVERIFIED, "--reading", key, str(script))
    assert result.exit_code == 2
    assert f"no schedule has the reading '{key}'; there are: as-written" in result.output
    assert script.read_text(encoding="utf-8") == SOUND
    script.write_text("print('no schedule here')\n")
    assert lrfix("--reading", key, str(script)).exit_code == 2


def test_only_equivalent_leaves_a_repair_out(snippet):
    result = lrfix("--only", "equivalent", str(snippet))
    assert result.exit_code == 0
    assert "--only equivalent" in result.output


def test_apply_without_verification_has_to_be_said_twice(script):
    refused = lrfix("--apply", "--no-verify", str(script))
    assert refused.exit_code == 2 and "--unverified" in refused.output
    assert script.read_text(encoding="utf-8") == SOUND
    written = lrfix("--apply", *UNVERIFIED, str(script))
    assert written.exit_code == 0 and "not verified" in written.output


def test_a_failed_write_is_told_and_leaves_the_file(script, monkeypatch):
    from lrfix.rewriting import writing

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(writing.os, "replace", fail)
        result = lrfix("--apply", *UNVERIFIED, str(script))
    assert result.exit_code == 2
    assert "No space left on device" in result.output
    assert script.read_text(encoding="utf-8") == SOUND


def test_a_definition_and_its_user_are_written_both_or_neither(script, monkeypatch):
    from lrfix.rewriting import writing

    shared, alone = Path("shared.py"), Path("alone.py")
    text = (
        "from torch.optim.lr_scheduler import LambdaLR\n{}\n\ndef {}(optimizer, total):\n"
        "    return LambdaLR(optimizer, lambda step: max(0.0, 1 - step / total))\n"
    )
    shared.write_text(text.format("", "make"), encoding="utf-8")
    script.write_text(text.format("from shared import make", "build"), encoding="utf-8")
    alone.write_text(text.format("", "other"), encoding="utf-8")
    before = {path: path.read_bytes() for path in (script, shared, alone)}
    replace = writing.os.replace

    def fail(source, target):
        if Path(target).name == "train.py":
            raise OSError(5, "Input/output error")
        replace(source, target)

    monkeypatch.setattr(writing.os, "replace", fail)
    result = lrfix("--apply", *UNVERIFIED, ".")
    assert result.exit_code == 2
    assert "train.py: cannot be written: Input/output error" in result.output
    assert "shared.py, train.py belong together, and none of them is written" in result.output
    assert "1 schedule rewritten in 1 file" in result.output
    changed = [path for path, content in before.items() if path.read_bytes() != content]
    assert changed == [alone]


def test_a_file_that_does_not_parse_stops_nothing(script):
    broken = script.parent / "broken.py"
    broken.write_text("from torch.optim.lr_scheduler import LambdaLR\ndef (\n")
    result = lrfix("--apply", *UNVERIFIED, str(broken), str(script))
    assert result.exit_code == 1
    assert "broken.py: line 2" in result.output
    assert "WarmupCosineLR" in script.read_text(encoding="utf-8")


def test_a_function_that_another_file_imports_stays(script):
    script.write_text(SOUND.replace("    def factor", "    def factor"), encoding="utf-8")
    module = script.parent / "schedules.py"
    module.write_text(
        "import math\nfrom torch.optim.lr_scheduler import LambdaLR\n\n\n"
        "def cosine(step):\n    return 0.5 * (1 + math.cos(math.pi * min(1.0, step / 300)))\n\n\n"
        "def build(optimizer):\n    return LambdaLR(optimizer, cosine)\n"
    )
    (script.parent / "pyproject.toml").write_text("")
    (script.parent / "plot.py").write_text("from schedules import cosine\n")
    assert lrfix("--apply", *UNVERIFIED, str(module)).exit_code == 0
    assert "def cosine" in module.read_text() and "LambdaLR" not in module.read_text()


class TestVendor:
    def test_the_script_then_needs_no_lrfix(self, script, printed_by):
        target = script.parent / "lr_schedules.py"
        before = printed_by(script)
        result = lrfix("--apply", *UNVERIFIED, "--vendor", str(target), str(script))
        assert result.exit_code == 0, result.output
        assert "from lr_schedules import WarmupCosineLR" in script.read_text(encoding="utf-8")
        assert "import lrfix" not in target.read_text() and "from lrfix" not in target.read_text()
        assert printed_by(script) == before
        assert lrfix("--vendor", str(target), str(script.parent)).exit_code == 0

    def test_a_file_that_the_script_cannot_import_is_refused(self, script, tmp_path_factory):
        elsewhere = tmp_path_factory.mktemp("elsewhere") / "lr_schedules.py"
        result = lrfix("--apply", "--vendor", str(elsewhere), str(script))
        assert result.exit_code == 2 and "cannot import it" in result.output
        assert not elsewhere.exists()

    def test_a_file_of_someone_else_is_not_overwritten(self, script):
        target = script.parent / "mine.py"
        target.write_text("precious = 1\n")
        result = lrfix("--apply", *UNVERIFIED, "--vendor", str(target), str(script))
        assert result.exit_code == 2 and "was not written by lrfix" in result.output
        assert target.read_text() == "precious = 1\n"
        assert script.read_text(encoding="utf-8") == SOUND
