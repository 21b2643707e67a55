"""The vendored form: one file, cut from the installed source, that needs no lrfix."""

from __future__ import annotations

import ast
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vendored import each_alone, loaded

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


@pytest.mark.parametrize("name", public_names())
def test_a_single_name_brings_what_it_rests_on_and_imports_nothing_of_lrfix(name, tmp_path):
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
        own = loaded(tmp_path / "schedule_of_my_own.py")
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


def private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


@pytest.mark.parametrize("name", [None, *public_names()])
def test_nothing_is_in_it_that_nothing_in_it_uses(name):
    wanted = [name] if name is not None else public_names()
    tree = ast.parse(vendored_source(wanted))
    read = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    asked = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    given_names: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            given_names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            given_names |= {alias.name for alias in node.names if getattr(node, "module", "") != "__future__"}
        elif isinstance(node, ast.Assign):
            given_names |= {n.id for n in ast.walk(node.targets[0]) if isinstance(n, ast.Name)}
    assert given_names - {*read, *wanted, "__all__"} == set()
    methods = [n for c in tree.body if isinstance(c, ast.ClassDef) for n in c.body if isinstance(n, ast.FunctionDef)]
    assert {n.name for n in methods if private(n.name)} <= asked


@pytest.mark.parametrize("name", [n for n in public_names() if n.endswith("LR")])
def test_what_torch_asks_of_a_scheduler_is_never_cut(name, tmp_path):
    lr_scheduler = pytest.importorskip("torch.optim.lr_scheduler", reason="the schedulers are torch classes")
    from lrfix import schedulers

    for ours, theirs in zip(
        getattr(schedulers, name).__mro__, getattr(each_alone(tmp_path, [name]), name).__mro__, strict=True
    ):
        missing = set(vars(ours)) - set(vars(theirs))
        assert missing & set(dir(lr_scheduler.LRScheduler)) == set()
        assert all(name.startswith("_") for name in missing)


def test_what_no_class_of_the_file_has_a_use_for_is_left_out():
    cosine, steps, both = (
        vendored_source(names) for names in (["WarmupCosineLR"], ["WarmupStepLR"], ["WarmupCosineLR", "WarmupStepLR"])
    )
    assert "_floor_bounds" not in cosine and "def _in_warmup" not in cosine and "def _factor" not in cosine
    assert "_floor_bounds" in steps and "_floor_bounds" in both
    assert "class Lines" in cosine and "cosine_weight" not in steps


def test_docstrings_of_the_chosen_names_are_whole_and_others_are_one_paragraph():
    functions = [n for n in ast.parse(vendored_source(["warmup_cosine"])).body if isinstance(n, ast.FunctionDef)]
    docs = {n.name: ast.get_docstring(n) for n in functions}
    assert docs.pop("warmup_cosine") == inspect.getdoc(schedules.warmup_cosine)
    assert "cosine_weight" in docs and not any("\n\n" in (text or "") for text in docs.values())


def test_it_is_clean_and_formatted_for_ruff(tmp_path):
    ruff = shutil.which("ruff") or shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("needs ruff")
    for name in public_names():
        (tmp_path / f"{name}_alone.py").write_text(vendored_source([name]), encoding="utf-8")
    (tmp_path / "all_of_them.py").write_text(vendored_source(), encoding="utf-8")
    alone = ["--isolated", "--line-length", "120", "--target-version", "py310"]
    for command in (["check", "--ignore-noqa", "--select", "E,F,W,I,UP,B"], ["format", "--check"], ["check"]):
        done = subprocess.run([ruff, *command[:1], *alone, *command[1:], str(tmp_path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


lengths = st.integers(1, 2**53) | st.integers(1, 40) | st.floats(0.1, 300.0)
FUNCTIONS = {
    "warmup_cosine": {
        "total_steps": lengths,
        "decay_progress": st.sampled_from(schedules.DECAY_PROGRESS),
        "num_cycles": st.sampled_from([0, 0.25, 0.5, 1.7]),
        "eta_min_mode": st.sampled_from(schedules.ETA_MIN_MODES),
    },
    "warmup_step": {
        "step_size": lengths,
        "gamma": st.floats(0.01, 1.0),
        "count_from": st.sampled_from(schedules.COUNT_FROM),
    },
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_alone_is_the_installed_one_bit_for_bit(name, tmp_path):
    own = getattr(each_alone(tmp_path, [name]), name)

    @settings(max_examples=300, deadline=None, database=None)
    @given(
        step=st.integers(0, 2**53) | st.integers(0, 60) | st.floats(0.0, 400.0),
        arguments=st.fixed_dictionaries(
            {
                "peak": st.floats(1e-6, 10.0),
                "warmup_steps": lengths | st.just(0),
                "warmup_start": st.floats(1e-9, 1.0),
                "warmup_mode": st.sampled_from(schedules.WARMUP_MODES),
                "warmup_progress": st.sampled_from(schedules.WARMUP_PROGRESS),
                "eta_min": st.floats(0.0, 1.0),
                **FUNCTIONS[name],
            }
        ),
    )
    def same(step, arguments):
        assert own(step, **arguments).hex() == getattr(schedules, name)(step, **arguments).hex()

    same()


def test_the_text_is_the_same_every_time():
    assert vendored_source(["warmup_step", "WarmupCosineLR"]) == vendored_source(["WarmupCosineLR", "warmup_step"])


@pytest.mark.parametrize("names", [["cosine"], [], ["WarmupScheduler"]])
def test_unknown_names_are_refused_with_the_legal_ones(names):
    with pytest.raises(ValueError, match="legal: some of WarmupConstantLR, "):
        vendored_source(names)
