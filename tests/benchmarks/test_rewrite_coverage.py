"""The table of what is rewritten says, site by site, what became of it and why."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "rewrite_coverage.py"
TEXT = """
from torch.optim.lr_scheduler import LambdaLR

def build(optimizer, total):
    return LambdaLR(optimizer, lambda k: max(0.0, 1 - k / max(1, total)))

def other(optimizer, table):
    return LambdaLR(optimizer, lambda k: table[k](k))
"""


def test_every_schedule_has_a_line_and_every_reason_a_count(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TEXT)
    rows = tmp_path / "rows.jsonl"
    command = [sys.executable, str(SCRIPT), "--json", str(rows), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True)
    found = [json.loads(line) for line in rows.read_text().splitlines()]
    assert [row["outcome"] for row in found] == ["equivalent", "left"] and found[0]["line"] == 5
    assert "train.py:5: lambda" in done.stdout and "equivalent: -> WarmupLinearLR" in done.stdout
    table = done.stdout.partition("why a schedule was left:")[2]
    assert table.strip().startswith("1  lambda")
