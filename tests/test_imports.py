"""What a fresh interpreter loads: training jobs and hooks pay for nothing they do not use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
HEAVY = ("libcst", "torch", "numpy", "matplotlib", "plotille")

LOADED = """
import sys
def loaded():
    return [name for name in {heavy!r} if name in sys.modules]
"""
COMMAND = """
from click.testing import CliRunner
from lrfix.cli import main
result = CliRunner().invoke(main, {arguments!r}, catch_exceptions=False)
assert result.exit_code in (0, 1), (result.exit_code, result.output)
print(loaded())
"""


def fresh(code: str) -> str:
    prelude = LOADED.format(heavy=HEAVY)
    result = subprocess.run(
        [sys.executable, "-c", prelude + code], capture_output=True, text=True, cwd=REPOSITORY, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_importing_lrfix_loads_nothing_else():
    assert (
        fresh("import lrfix; print([name for name in sys.modules if name.startswith('lrfix.')], loaded())") == "[] []"
    )


def test_the_measure_itself_sees_a_heavy_import():
    assert fresh("import libcst; print(loaded())") == "['libcst']"


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["rule", "LR202"], ["rule"]])
def test_looking_things_up_loads_nothing_heavy(arguments):
    assert fresh(COMMAND.format(arguments=arguments)) == "[]"


@pytest.mark.parametrize("command", ["check", "sites"])
def test_checking_a_file_loads_nothing_heavy(command, tmp_path):
    from lrfix.pages import load_pages

    for number, code in enumerate(("LR101", "LR202", "LR401")):
        (tmp_path / f"train{number}.py").write_text(load_pages()[code].bad[0].code, encoding="utf-8")
    assert fresh(COMMAND.format(arguments=[command, "--jobs", "1", str(tmp_path)])) == "[]"


def test_a_file_without_schedules_loads_no_rules_and_no_simulation(tmp_path):
    (tmp_path / "data.py").write_text("import torch\n")
    code = COMMAND.format(arguments=["check", "--no-cache", str(tmp_path / "data.py")])
    names = "[n for n in sys.modules if n.startswith(('lrfix.rules', 'lrfix.experiments', 'multiprocessing.'))]"
    assert fresh(f"{code}\nprint({names})") == "[]\n[]"


def test_the_pure_schedules_load_the_standard_library_only():
    assert fresh("import lrfix.schedules; print(loaded())") == "[]"
