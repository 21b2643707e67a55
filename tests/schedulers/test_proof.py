"""``lrfix verify`` holds here, and fails when a promise is broken: one break at a time."""

from __future__ import annotations

import math

import pytest
from click.testing import CliRunner

pytest.importorskip("torch", reason="the proof runs on torch")
from lrfix import proof, schedulers
from lrfix.commands.verify import command
from lrfix.schedules import decaying, open_ended


def held(number: int) -> bool:
    name, check = proof._PROMISES[number - 1]
    tally = proof._Tally()
    try:
        check(tally, proof.torch.device("cpu"))
    except Exception:
        return False
    assert tally.cases > 0, name
    return not tally.failure


def test_every_promise_is_checked_and_holds():
    names = []
    results = proof.run_proof("cpu", names.append)
    assert [result.name for result in results] == names
    assert [result.number for result in results] == list(range(1, 9))
    # The eighth is a timing, and this machine may be busy: it is measured, its verdict is the benchmark's.
    assert all(result.ok for result in results[:7]), results
    assert all(result.cases > 0 and result.worst for result in results)


def test_a_naive_cosine_breaks_promise_2(monkeypatch):
    def naive(done, length):
        return max(0.0, 0.5 * (1 + math.cos(math.pi * done / length))).as_integer_ratio()

    monkeypatch.setattr(decaying, "cosine_weight", naive)
    assert not held(2)


def test_a_logarithm_breaks_promise_3(monkeypatch):
    def by_logarithm(position, first, multiplier):
        if multiplier == 1:
            return position // first, position % first, first
        cycle = int(math.log(1 + position * (multiplier - 1) / first, multiplier))
        start = first * (multiplier**cycle - 1) // (multiplier - 1)
        return cycle, position - start, first * multiplier**cycle

    monkeypatch.setattr(open_ended, "locate_cycle", by_logarithm)
    monkeypatch.setattr(proof, "locate_cycle", by_logarithm)
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
            group["lr"] = proof.torch.tensor(rate)
        self._last_lr = rates

    monkeypatch.setattr(schedulers.WarmupScheduler, "_write", replace)
    assert not held(5)


@pytest.mark.parametrize(("broken", "status"), [(False, 0), (True, 1)])
def test_the_command_prints_a_line_a_promise_and_its_status_says_whether_all_hold(monkeypatch, broken, status):
    results = [proof.PromiseResult(1, "resume is exact", 1200, "step 7" if broken else "bit-identical", not broken)]
    monkeypatch.setattr(proof, "run_proof", lambda device, on_progress: results)
    outcome = CliRunner().invoke(command, ["--device", "cpu"])
    assert outcome.exit_code == status
    mark = "FAIL" if broken else "ok  "
    assert f"{mark} 1. resume is exact: {results[0].worst} [1,200 cases]" in outcome.output.splitlines()


@pytest.mark.skipif(proof.torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_a_usage_error():
    outcome = CliRunner().invoke(command, ["--device", "cuda"])
    assert outcome.exit_code == 2
    assert "use --device cpu" in outcome.output
