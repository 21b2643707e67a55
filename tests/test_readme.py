"""What README.md shows is what lrfix does: the output, the picture, the commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from lrfix.cli import COMMANDS, main

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FIXTURE = "fixtures/buggy/warm_restarts_per_batch.py"


def between(begin: str, end: str) -> str:
    found = re.findall(rf"<!-- {begin} -->\n(.*?)<!-- {end} -->", README, re.DOTALL)
    assert len(found) == 1, f"README.md needs {begin} .. {end} exactly once"
    return found[0]


def concise_output() -> str:
    result = CliRunner().invoke(main, ["check", "--output-format", "concise", FIXTURE])
    assert result.exit_code == 1
    return result.output


def test_the_output_on_the_first_customer_is_real(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert between("check:begin", "check:end") == f"```text\n{concise_output()}```\n"


def test_the_picture_is_drawn_from_the_present_code():
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs/make_pictures.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_picture_shows_a_constant_before_and_restarts_after():
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import make_pictures
    finally:
        sys.path.pop(0)
    old = make_pictures.old_curve()
    new = make_pictures.new_curve(len(old))
    assert set(old) == {make_pictures.BASE_RATE}
    assert new[0] == 0.0
    assert new[10] == new[110] == make_pictures.BASE_RATE
    assert new[109] < 1e-6


def test_the_lines_quoted_of_the_first_customer_stand_in_it():
    (quoted,) = re.findall(r"```python\n(class WarmRestarts.*?)```", README, re.DOTALL)
    script = [line.split("  # expect")[0] for line in (ROOT / FIXTURE).read_text(encoding="utf-8").splitlines()]
    missing = [line for line in quoted.splitlines() if line.strip() not in ("", "...") and line not in script]
    assert missing == []


def test_the_diff_shown_is_lines_of_the_real_one(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(main, ["rewrite", FIXTURE])
    assert result.exit_code == 1, result.output
    real = [line.split("  # expect")[0] for line in result.output.splitlines()]
    (shown,) = re.findall(r"```diff\n(.*?)```", README, re.DOTALL)
    missing = [line for line in shown.splitlines() if "more lines)" not in line and line not in real]
    assert missing == []
    removed = sum(line.startswith("-") for line in real[real.index("-class WarmRestarts(LambdaLR):") :])
    assert f"({removed - 2} more lines)" in shown


def test_every_command_is_described():
    described = set(re.findall(r"^\| `lrfix (\w+)", README, re.MULTILINE))
    assert described == set(COMMANDS)
