"""docs/schedules.md is true: a row for every family, formulas that give the rates, calls that run, current pictures."""

from __future__ import annotations

import math
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from lrfix import schedules
from lrfix.schedules.exact import locate_cycle
from lrfix.vendoring import public_names

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "schedules.md").read_text(encoding="utf-8")

# | curve | schedule | what it is for | rate | parameters | source |
ROWS = {
    found[2]: found
    for found in re.findall(
        r"^\| !\[[^]]+\]\(pictures/(\w+)\.svg\) \| `(\w+)`, `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|.*\|$",
        PAGE,
        re.M,
    )
}
WARMUP, TOTAL, PEAK = 7, 67, 0.3
FUNCTIONS = [name for name in public_names() if name.startswith("warmup_")]
CLASSES = [name for name in public_names() if name.endswith("LR")]


def test_every_public_family_has_a_row_with_its_picture_class_and_function():
    assert sorted(ROWS) == FUNCTIONS
    assert sorted(row[1] for row in ROWS.values()) == CLASSES
    for picture, cls, function, *_ in ROWS.values():
        assert picture == function
        assert cls.lower() == function.replace("_", "") + "lr" or function == "warmup_stable_decay"


CASES = {
    "warmup_constant": {},
    "warmup_cosine": {"total_steps": TOTAL, "eta_min": 0.01},
    "warmup_cosine_restarts": {"T_0": 9, "T_mult": 2, "cycle_decay": 0.75, "eta_min": 0.01},
    "warmup_linear": {"total_steps": TOTAL, "eta_min": 0.01},
    "warmup_polynomial": {"total_steps": TOTAL, "power": 0.9, "eta_min": 0.01},
    "warmup_inverse_sqrt": {},
    "warmup_exponential": {"gamma": 0.97},
    "warmup_step": {"step_size": 11, "gamma": 0.3},
    "warmup_multistep": {"milestones": [20, 30, 31, 55], "gamma": 0.3},
}


def by_formula(formula, step, arguments):
    """The rate that a formula of the page gives at a step after the warmup."""
    k = step - WARMUP
    meaning = {"k": k, "peak": PEAK, "p": k / (TOTAL - WARMUP), "t": WARMUP, **arguments}
    if "T_0" in arguments:
        cycle, offset, length = locate_cycle(k, arguments["T_0"], arguments["T_mult"])
        meaning.update(n=cycle, p=offset / length)
    if "milestones" in arguments:
        meaning["reached"] = sum(step >= milestone for milestone in arguments["milestones"])
    return eval(formula, {"__builtins__": {}, "cos": math.cos, "sqrt": math.sqrt, "pi": math.pi}, meaning)


@pytest.mark.parametrize("function", CASES)
def test_the_formula_of_a_row_gives_the_rates(function):
    (formula,) = re.findall(r"`([^`]+)`", ROWS[function][4])
    for step in range(WARMUP, TOTAL):
        rate = getattr(schedules, function)(step, warmup_steps=WARMUP, peak=PEAK, **CASES[function])
        assert rate == pytest.approx(by_formula(formula, step, CASES[function]), rel=1e-12)


def test_the_three_formulas_of_stable_decay_give_the_rates():
    decays = re.findall(r'"([^"]+)" `([^`]+)`', ROWS["warmup_stable_decay"][4])
    assert [name for name, _ in decays] == list(schedules.DECAYS)
    for decay, formula in decays:
        # The decay begins at once here, so that p means what it means in the other rows.
        arguments = {"total_steps": TOTAL, "decay_steps": TOTAL - WARMUP, "decay": decay, "eta_min": 0.01}
        for step in range(WARMUP, TOTAL):
            rate = schedules.warmup_stable_decay(step, warmup_steps=WARMUP, peak=PEAK, **arguments)
            assert rate == pytest.approx(by_formula(formula, step, arguments), rel=1e-12)
    before = schedules.warmup_stable_decay(TOTAL - 21, total_steps=TOTAL, decay_steps=20, peak=PEAK)
    assert before == PEAK


def test_the_tables_of_conventions_list_them_all_and_say_where_they_begin_and_end():
    def listed(column):
        table = PAGE[PAGE.index(f"| `{column}` |") :].split("\n\n")[0]
        return re.findall(r'^\| `"([^"]+)"`', table, re.M)

    assert listed("warmup_progress") == list(schedules.WARMUP_PROGRESS)
    assert listed("decay_progress") == list(schedules.DECAY_PROGRESS)
    reached = {"k/W": 5, "(k+1)/W": 4, "k/(W-1)": 4, "(k+1)/(W+1)": 5, "max(k,1)/W": 5}
    for convention, step in reached.items():
        rates = [schedules.warmup_constant(k, warmup_steps=5, warmup_progress=convention) for k in range(8)]
        assert rates.index(1.0) == step
    ended = {"k/D": 5, "(k+1)/D": 4, "k/(D-1)": 4}
    for convention, step in ended.items():
        rates = [schedules.warmup_linear(k, total_steps=5, decay_progress=convention) for k in range(8)]
        assert rates.index(0.0) == step


def test_the_calls_shown_run_and_are_one_for_every_family():
    torch = pytest.importorskip("torch", reason="the schedulers are torch classes")
    from lrfix import schedulers

    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    calls = [line for line in block.splitlines() if line.startswith("Warmup")]
    assert sorted(call.split("(")[0] for call in calls) == CLASSES
    for call in calls:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
        scheduler = eval(call, {**vars(schedulers), "optimizer": optimizer})
        assert scheduler.get_last_lr() == [optimizer.param_groups[0]["lr"]]


def test_the_pictures_are_drawn_from_the_present_code():
    script = ROOT / "docs" / "make_schedule_pictures.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_curve_that_changes_makes_its_picture_stale_and_no_other(monkeypatch):
    script = runpy.run_path(str(ROOT / "docs" / "make_schedule_pictures.py"))
    original = schedules.warmup_cosine
    monkeypatch.setattr(schedules, "warmup_cosine", lambda step, **more: 0.9 * original(step, **more))
    files = [
        (script["FOLDER"] / f"{name}.svg", script["drawn"](picture)) for name, picture in script["PICTURES"].items()
    ]
    assert script["stale"](files) == ["warmup_cosine.svg"]


def test_every_picture_is_shown_and_every_file_linked_exists():
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", PAGE) if not target.startswith("http")]
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []
    shown = {target.removeprefix("pictures/") for target in targets if target.startswith("pictures/")}
    assert shown == {path.name for path in (ROOT / "docs" / "pictures").glob("*.svg")}
