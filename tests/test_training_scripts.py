"""Ten ordinary training scripts, one a style, all of them right: lrfix has nothing to say of them, and each trains.

What breaks them is in tests/test_loop_breaks.py.
"""

from __future__ import annotations

import importlib
import types
import warnings
from pathlib import Path
from typing import Any

import pytest

from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.registry import load_rules

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "clean" / "training"
SCRIPTS = sorted(FOLDER.glob("*.py"))
#: What a script needs beside torch. DeepSpeed compiles and wants a process group: it is left to those who have both.
NEEDS = {
    "lightning_module": ("pytorch_lightning",),
    "accelerate_script": ("accelerate", "transformers"),
    "trainer_finetune": ("transformers",),
    "timm_script": ("timm",),
}

each = pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)


def test_there_is_a_script_in_each_style():
    assert {path.stem for path in SCRIPTS} == {
        "plain_torch",
        "amp",
        "accumulation",
        "lightning_module",
        "accelerate_script",
        "trainer_finetune",
        "timm_script",
        "deepspeed_script",
        "gan",
        "ppo",
    }


@each
def test_a_script_that_is_right_has_no_finding(path):
    result = check_source(path.read_bytes(), path.name, Settings(selected=frozenset(load_rules())))
    assert result.errors == ()
    assert [f"{f.span.start.line}: {f.code} {f.message}" for f in result.findings] == []
    assert (result.counters["files traced"], result.counters["files traced whole"]) == (1, 1)


def rates_of(source: str, name: str, monkeypatch: pytest.MonkeyPatch) -> dict[int, list[float]]:
    """The rates at which each optimizer of a script makes its updates, in the order in which they first step."""
    import torch
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    rates: dict[int, list[float]] = {}
    seen: dict[int, int] = {}

    def record(optimizer: Any, *_: Any) -> None:
        number = seen.setdefault(id(optimizer), len(seen))
        rates.setdefault(number, []).append(float(optimizer.param_groups[0]["lr"]))

    handle = register_optimizer_step_pre_hook(record)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for models this small, more of them only wait for each other
    module = types.ModuleType(name)
    monkeypatch.setitem(importlib.import_module("sys").modules, name, module)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(source, f"{name}.py", "exec", dont_inherit=True), vars(module))
            module.main()
    finally:
        torch.set_num_threads(threads)
        handle.remove()
    return rates


@each
def test_a_script_trains_at_falling_rates_and_ends_near_its_floor(path, monkeypatch):
    pytest.importorskip("torch", reason="the script trains with torch")
    if path.stem == "deepspeed_script":
        pytest.skip("deepspeed compiles its operators and wants a process group")
    for needed in NEEDS.get(path.stem, ()):
        pytest.importorskip(needed, reason=f"the script trains with {needed}")
    for rates in rates_of(path.read_text(encoding="utf-8"), path.stem, monkeypatch).values():
        peak = max(rates)
        assert len(rates) >= 6 and len(set(rates)) > 2
        assert rates[-1] < 0.6 * peak
        falling = rates[rates.index(peak) :]
        assert falling == sorted(falling, reverse=True)
