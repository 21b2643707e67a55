"""The script that lrfix was made for, from the first check to the hook that passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from lrfix.cli import main

pytest.importorskip("torch")

SCRIPT = Path(__file__).resolve().parents[2] / "fixtures" / "buggy" / "warm_restarts_per_batch.py"


def lrfix(*arguments: str):
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def test_it_is_checked_rewritten_proved_run_and_passes_the_hook(tmp_path, monkeypatch, python):
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(SCRIPT.read_text(encoding="utf-8"), encoding="utf-8")
    found = lrfix("check", "--output-format", "concise", "train.py")
    assert found.exit_code == 1
    assert all(code in found.output for code in ("LR101", "LR102", "LR104", "LR105"))
    rewritten = lrfix(
        "rewrite", "--apply", "--device", "cpu", "--vendor", "schedules.py", "--proof", "tests", "train.py"
    )
    assert rewritten.exit_code == 0, rewritten.output
    assert "1 schedule rewritten in 1 file" in rewritten.output
    proof = "tests/test_train_rewrite.py"
    blocked = "import sys, pytest; sys.modules['lrfix'] = None; sys.exit(pytest.main(['-q', *sys.argv[1:]]))"
    assert " passed" in python(blocked, proof).stdout
    assert "from schedules import WarmupCosineRestartsLR" in Path("train.py").read_text(encoding="utf-8")
    trained = python("import runpy; runpy.run_path('train.py', run_name='__main__')")
    assert trained.returncode == 0, trained.stderr
    # The hook of .pre-commit-hooks.yaml: `lrfix check` on the files of the commit.
    hook = lrfix("check", "train.py", "schedules.py", proof)
    assert hook.exit_code == 0, hook.output
    again = lrfix("rewrite", "train.py")
    assert again.exit_code == 0 and "nothing to rewrite" in again.output
