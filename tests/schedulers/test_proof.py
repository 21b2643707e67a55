"""``lrfix verify`` holds here, and fails when a promise is broken: one break at a time."""

from __future__ import annotations

import math
import re
import warnings
from functools import cache

import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch", reason="the proof runs on torch")
from lrfix import proof, schedulers, schedules
from lrfix.commands.verify import command
from lrfix.proof import curves, sweep
from lrfix.proof.cases import Tally
from lrfix.schedules import exact, open_ended, phases


@pytest.fixture(autouse=True, scope="module")
def _known_cosines():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "half_cosine", cache(sweep.half_cosine))
        yield


def held(number: int) -> bool:
    name, check = list(proof.PROMISES.items())[number - 1]
    tally = Tally()
    try:
        check(tally, torch.device("cpu"))
    except Exception:
        return False
    assert tally.cases > 0, name
    return not tally.failure


def test_every_promise_is_checked_and_holds():
    names = []
    results = list(proof.run_proof("cpu", lambda number, name: names.append((number, name))))
    assert [(result.number, result.name) for result in results] == names
    assert [result.number for result in results] == list(range(1, 9))
    # The eighth is a timing, and this machine may be busy: it is measured, its verdict is test_cost.py's.
    assert [result for result in results[:7] if not result.ok] == []
    assert all(result.cases > 0 and result.worst for result in results)


def test_the_size_of_the_sweep_and_its_worst_case_are_said():
    tally = Tally()
    words = curves.accurate(tally, torch.device("cpu"))
    count, worst = re.fullmatch(
        r"worst error of ([\d,]+) rates (\d\.\d{3}) ulp \(.+\), of the cosine .+", words
    ).groups()
    assert 20_000 < int(count.replace(",", "")) < tally.cases
    assert 0.5 <= float(worst) <= 5.0


def test_the_sweep_reaches_every_family_every_convention_and_the_largest_horizon():
    samples = list(sweep.samples())
    text = "\n".join({sample.family for sample in samples})
    for words in (*schedules.WARMUP_PROGRESS, *schedules.DECAY_PROGRESS, *schedules.DECAYS, "restarts", "exponential"):
        assert words in text
    for words in ("linear warmup", "exponential warmup", "polynomial", "inverse square root", "step", "multistep"):
        assert any(sample.family.startswith(words) and sample.horizon == 2**53 for sample in samples), words
    assert any(sample.family == "cosine" and sample.step == 2**53 - 1 for sample in samples)


def test_a_naive_cosine_breaks_promise_2(monkeypatch):
    def naive(done, length):
        return max(0.0, 0.5 * (1 + math.cos(math.pi * done / length))).as_integer_ratio()

    monkeypatch.setattr(exact, "cosine_weight", naive)
    assert not held(2)


def test_an_exponential_warmup_without_its_correction_breaks_promise_2(monkeypatch):
    def naive(start, end, numerator, denominator):
        return start * (end / start) ** (numerator / denominator)

    monkeypatch.setattr(phases, "geometric", naive)
    assert not held(2)


def test_a_logarithm_breaks_promise_3(monkeypatch):
    def by_logarithm(position, first, multiplier):
        if multiplier == 1:
            return position // first, position % first, first
        cycle = int(math.log(1 + position * (multiplier - 1) / first, multiplier))
        start = first * (multiplier**cycle - 1) // (multiplier - 1)
        return cycle, position - start, first * multiplier**cycle

    monkeypatch.setattr(open_ended, "locate_cycle", by_logarithm)
    monkeypatch.setattr(curves, "locate_cycle", by_logarithm)
    assert not held(3)


def test_a_state_that_is_not_written_back_breaks_promise_1(monkeypatch):
    def as_torch_does(self, state):
        self.last_epoch = state["last_epoch"]
        self._step_count = state["_step_count"]

    monkeypatch.setattr(schedulers.WarmupScheduler, "load_state_dict", as_torch_does)
    assert not held(1)


def test_replacing_the_tensor_breaks_promise_5(monkeypatch):
    def replace(self, rates):
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = torch.tensor(rate)
        self._last_lr = rates

    monkeypatch.setattr(schedulers.WarmupScheduler, "_write", replace)
    assert not held(5)


def test_another_horizon_taken_silently_breaks_promise_6(monkeypatch):
    monkeypatch.setattr("lrfix.schedulers.state._refuse", lambda *_: None)
    assert not held(6)


def test_a_warning_breaks_promise_7_and_is_no_failure_of_the_proof(monkeypatch):
    def warn(self, rates):
        warnings.warn("a warning", stacklevel=2)

    monkeypatch.setattr(schedulers.WarmupScheduler, "_write", warn)
    monkeypatch.setattr(proof, "PROMISES", {name: proof.PROMISES[name] for name in list(proof.PROMISES)[6:7]})
    (result,) = proof.run_proof()
    assert not result.ok
    assert result.worst == "UserWarning: a warning"


def test_a_dear_step_breaks_promise_8(monkeypatch):
    rates = schedulers.WarmupScheduler._rates

    def dear(self, step):
        self._plan()
        return rates(self, step)

    monkeypatch.setattr(schedulers.WarmupScheduler, "_rates", dear)
    assert not held(8)


@pytest.mark.parametrize(("broken", "status"), [(False, 0), (True, 1)])
def test_the_command_prints_a_line_a_promise_and_its_status_says_whether_all_hold(monkeypatch, broken, status):
    results = [
        proof.PromiseResult(1, "resume is exact", 1200, "step 7" if broken else "bit-identical", not broken),
        proof.PromiseResult(2, "the state is plain data", 34, "JSON", True),
    ]
    monkeypatch.setattr(proof, "run_proof", lambda device, on_progress: iter(results))
    outcome = CliRunner().invoke(command, ["--device", "cpu"])
    assert outcome.exit_code == status
    lines = outcome.output.splitlines()
    assert lines[0] == f"torch {torch.__version__} on CPU"
    assert lines[1] == f"{'FAIL' if broken else 'ok  '} 1. resume is exact: {results[0].worst} [1,200 cases]"
    assert lines[2] == "ok   2. the state is plain data: JSON [34 cases]"
    verdict = "1 of 8 promises do not hold" if broken else "every promise holds"
    assert re.fullmatch(rf"{verdict}: 1,234 cases in \d+ s", lines[3])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_a_usage_error():
    outcome = CliRunner().invoke(command, ["--device", "cuda"])
    assert outcome.exit_code == 2
    assert "torch sees no CUDA device; use --device cpu" in outcome.output


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_auto_is_the_cpu_where_there_is_no_gpu():
    assert proof.usable_device("auto") == "cpu"
