"""Wrong rewrites planted behind the planner are refused: a few of each kind here, all of them by the benchmark."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "wrong_rewrites.py"
_spec = importlib.util.spec_from_file_location("wrong_rewrites", SCRIPT)
assert _spec is not None and _spec.loader is not None
wrong_rewrites = importlib.util.module_from_spec(_spec)
sys.modules["wrong_rewrites"] = wrong_rewrites
sys.path.insert(0, str(SCRIPT.parent))
try:
    _spec.loader.exec_module(wrong_rewrites)
finally:
    sys.path.pop(0)

TRIALS = dict(wrong_rewrites.trials(quick=True))


@pytest.mark.parametrize("name", TRIALS)
def test_a_planted_rewrite_is_refused_and_the_file_kept(name: str) -> None:
    result = TRIALS[name]()
    assert result.error is None
    assert not result.changed, name
    assert result.left and all(left.reason for left in result.left)


def test_there_are_thirty_and_more_and_each_falsifies_something() -> None:
    assert len(dict(wrong_rewrites.trials(quick=False))) >= 50
    assert len(wrong_rewrites.PLANTS) >= 30
