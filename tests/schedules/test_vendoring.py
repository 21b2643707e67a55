"""The vendored form: one file, cut from the installed source, that needs no lrfix."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import lrfix
from lrfix import schedules
from lrfix.vendoring import public_names, vendored_source

# What a class cannot do without, besides the optimizer.
ARGUMENTS = {
    "WarmupCosineLR": {"total_steps": 20},
    "WarmupLinearLR": {"total_steps": 20},
    "WarmupPolynomialLR": {"total_steps": 20},
    "WarmupStableDecayLR": {"total_steps": 20, "decay_steps": 5},
    "WarmupExponentialLR": {"gamma": 0.9},
    "WarmupStepLR": {"step_size": 5},
    "WarmupMultiStepLR": {"milestones": [5]},
    "WarmupCosineRestartsLR": {"T_0": 5},
}


def test_every_public_function_and_class_can_be_vendored():
    schedulers = pytest.importorskip("lrfix.schedulers", reason="the schedulers need torch", exc_type=ImportError)
    functions = [name for name in schedules.__all__ if name.islower()]
    classes = [name for name in schedulers.__all__ if name.endswith("LR")]
    assert public_names() == sorted(functions + classes)


def test_the_file_is_stamped_with_version_and_licence():
    text = vendored_source(["warmup_cosine"])
    assert f"lrfix {lrfix.__version__}" in text
    assert "SPDX-License-Identifier: MIT" in text
    assert "WITHOUT WARRANTY OF ANY KIND" in text


def load(path, monkeypatch):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", public_names())
def test_a_single_name_brings_what_it_rests_on_and_imports_nothing_of_lrfix(name, tmp_path, monkeypatch):
    text = vendored_source([name])
    modules = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert modules <= {*sys.stdlib_module_names, "torch"}
    assert ("torch" in modules) == name.endswith("LR")
    (tmp_path / "schedule_of_my_own.py").write_text(text)
    program = (
        f"from schedule_of_my_own import *; import schedule_of_my_own as own; assert own.__all__ == [{name!r}]; {name}"
    )
    if name.islower():
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    else:
        torch = pytest.importorskip("torch", reason="the schedulers are torch classes")
        own = load(tmp_path / "schedule_of_my_own.py", monkeypatch)
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.25)
        scheduler = getattr(own, name)(optimizer, warmup_steps=4, **ARGUMENTS.get(name, {}))
        optimizer.step()
        scheduler.step()
        assert optimizer.param_groups[0]["lr"] == 0.0625
        assert own.__all__ == [name]


def test_a_function_alone_runs_on_a_machine_without_lrfix_and_torch(tmp_path: Path):
    (tmp_path / "schedule.py").write_text(vendored_source(["warmup_cosine"]))
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import schedule; assert 'torch' not in sys.modules;"
        " print(schedule.warmup_cosine(7, total_steps=10))"
    )
    # -I -S: no site-packages, so neither lrfix nor torch can be found.
    command = [sys.executable, "-I", "-S", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(result.stdout) == schedules.warmup_cosine(7, total_steps=10)


def test_the_text_is_the_same_every_time():
    assert vendored_source(["warmup_step", "WarmupCosineLR"]) == vendored_source(["WarmupCosineLR", "warmup_step"])


@pytest.mark.parametrize("names", [["cosine"], [], ["WarmupScheduler"]])
def test_unknown_names_are_refused_with_the_legal_ones(names):
    with pytest.raises(ValueError, match="legal: some of WarmupConstantLR, "):
        vendored_source(names)
