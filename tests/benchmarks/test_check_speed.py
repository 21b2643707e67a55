"""The benchmark of ``lrfix check`` says what it promises to say. Never how long anything took."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "check_speed.py"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_speed", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_command_is_measured_by_its_own_time_and_memory(benchmark: ModuleType) -> None:
    (found,) = benchmark.measured({"pass": (sys.executable, "-S", "-c", "pass")}, rounds=1)
    assert found.program == "pass" and found.seconds > 0 and found.peak > 1


def test_a_command_that_fails_is_no_measurement(benchmark: ModuleType) -> None:
    with pytest.raises(SystemExit, match="status 3"):
        benchmark.measured({"fails": (sys.executable, "-S", "-c", "raise SystemExit(3)")}, rounds=1)


def test_ratios_are_told_of_what_was_measured(benchmark: ModuleType) -> None:
    names = {"lrfix check": 6.0, "ruff check --select E9": 0.5}
    names |= {"lrfix check, a file with one": 0.3, "import libcst": 0.2}
    found = benchmark.ratios([benchmark.Measurement(name, seconds, 1.0) for name, seconds in names.items()])
    assert found == {
        "lrfix check : ruff check --select E9": 12.0,
        "lrfix check, a file with one : import libcst": pytest.approx(1.5),
    }


def test_a_share_of_the_values(benchmark: ModuleType) -> None:
    values = [float(n) for n in range(200)]
    assert benchmark.share(values, 0.5) == 100.0
    assert benchmark.share(values, 0.99) == 198.0
    assert benchmark.share([1.0], 0.99) == 1.0
