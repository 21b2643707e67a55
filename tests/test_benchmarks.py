"""The benchmarks run and say what they promise to say. Never how long anything took: that depends on the machine."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from itertools import product
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="step() of torch schedulers is what is measured")

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "scheduler_step.py"
RIVALS = {
    "LambdaLR, written by hand",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "SequentialLR(LinearLR, CosineAnnealingLR)",
}
TIMM = "timm CosineLRScheduler"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("scheduler_step", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def document(python):
    program = f"import runpy; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    done = python(program, "--groups", "1,3", "--repeat", "2", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_rival_is_measured_for_every_number_of_groups_floats_and_tensors(document):
    cases = {(m["rates"], m["groups"], m["rival"]) for m in document["measurements"]}
    assert len(cases) == len(document["measurements"])
    assert {case for case in cases if case[2] != TIMM} == set(product(("float", "tensor"), (1, 3), RIVALS))


def test_a_ratio_comes_with_both_times_and_its_quartiles(document):
    for m in document["measurements"]:
        assert m["ours_us"] > 0
        assert m["theirs_us"] > 0
        assert m["lower_quartile"] <= m["ratio"] <= m["upper_quartile"]
        assert m["ours_name"].startswith("Warmup")


def test_the_surroundings_are_named_and_timm_is_measured_or_said_to_be_missing(document):
    assert document["torch"] == torch.__version__
    assert document["repeat"] == 2
    measured = any(m["rival"] == TIMM for m in document["measurements"])
    assert document["timm"].startswith("timm is not measured: ") != measured


def test_the_table_has_a_line_a_measurement_and_says_which_torch(benchmark, capsys):
    assert benchmark.main(["--groups", "2", "--repeat", "1"]) == 0
    output = capsys.readouterr().out
    assert f"torch {torch.__version__} on CPU" in output.splitlines()[0]
    rows = re.findall(r"^(float|tensor) +2  (.+?) +[\d.]+ +[\d.]+ +[\d.]+  [\d.]+ to [\d.]+$", output, re.M)
    assert {rival for _, rival in rows} - {TIMM} == RIVALS
    assert re.search(r"^against LambdaLR: at most [\d.]+; against all: at most [\d.]+$", output, re.M)


@pytest.mark.parametrize("arguments", [["--groups", "0"], ["--groups", "one"], ["--repeat", "-1"]])
def test_numbers_that_make_no_sense_are_bad_usage(benchmark, capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        benchmark.main(arguments)
    assert stopped.value.code == 2
    assert "legal: a whole number >= 1" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_bad_usage(benchmark, capsys):
    with pytest.raises(SystemExit) as stopped:
        benchmark.main(["--device", "cuda"])
    assert stopped.value.code == 2
    assert "use --device cpu" in capsys.readouterr().err
