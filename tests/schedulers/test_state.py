"""Promise 6 over time: states as they were written before are read, for good; what is written stays plain."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the schedulers are torch classes")
from torch.optim import lr_scheduler

from lrfix import schedules

# One state of every class, written by the first version of the format: never to be written again, only added to.
SAVED = json.loads((Path(__file__).parent / "states_of_format_1.json").read_text(encoding="utf-8"))
BASES = (0.1, 0.03)


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def optimizer(bases=BASES):
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.ones(1))], "lr": b} for b in bases], lr=1.0)


def rates(opt):
    return [group["lr"] for group in opt.param_groups]


def build(bundle, entry, opt):
    return getattr(bundle, entry["class"])(opt, **entry["arguments"])


@pytest.mark.parametrize("name", SAVED)
def test_promise_6_a_state_of_the_first_format_goes_on_where_it_stood(bundle, name):
    entry = SAVED[name]
    opt = optimizer()
    scheduler = build(bundle, entry, opt)
    scheduler.load_state_dict(entry["state"])
    # Powers come from the platform's own libm: elsewhere they may differ in the last place.
    assert rates(opt) == pytest.approx(entry["rates"], rel=4e-16)
    opt.step()
    scheduler.step()
    assert rates(opt) == pytest.approx(entry["next_rates"], rel=4e-16)


@pytest.mark.parametrize("name", SAVED)
def test_promise_6_what_is_written_today_has_all_that_was_written_then(bundle, name):
    entry = SAVED[name]
    opt = optimizer()
    scheduler = build(bundle, entry, opt)
    scheduler.load_state_dict(entry["state"])
    state = scheduler.state_dict()
    assert state.pop("_last_lr") == pytest.approx(entry["state"]["_last_lr"], rel=4e-16)
    known = entry["state"]["parameters"]
    state["parameters"] = {key: value for key, value in state["parameters"].items() if key in known}
    assert {key: value for key, value in state.items() if key in entry["state"]} == {
        key: value for key, value in entry["state"].items() if key != "_last_lr"
    }


def test_promise_6_a_parameter_that_the_older_state_did_not_know_had_its_default(bundle):
    state = bundle.WarmupCosineLR(optimizer(), 100, warmup_steps=5).state_dict()
    for younger in ("decay_progress", "eta_min_ratio", "warmup_progress", "peak_factor"):
        del state["parameters"][younger]
    del state["in_charge"], state["_last_lr"]
    state["last_epoch"] = 30
    opt = optimizer()
    scheduler = bundle.WarmupCosineLR(opt, 100, warmup_steps=5)
    scheduler.load_state_dict(state)
    assert rates(opt) == [schedules.warmup_cosine(30, total_steps=100, warmup_steps=5, peak=b) for b in BASES]
    # A value that is not the default was not the saved run's.
    other = bundle.WarmupCosineLR(optimizer(), 100, warmup_steps=5, decay_progress="(k+1)/D")
    with pytest.raises(ValueError, match=r"decay_progress \(saved 'k/D', constructor '\(k\+1\)/D'\)"):
        other.load_state_dict(state)


@pytest.mark.parametrize("missing", ["schedule", "parameters", "last_epoch", "_step_count", "base_lrs"])
def test_promise_6_a_state_with_a_hole_is_refused_and_the_hole_is_named(bundle, missing):
    scheduler = bundle.WarmupCosineLR(optimizer(), 100)
    state = scheduler.state_dict()
    del state[missing]
    with pytest.raises(ValueError, match=missing):
        scheduler.load_state_dict(state)


def test_promise_6_every_parameter_of_the_schedule_is_in_the_state(bundle):
    arguments = {
        "T_0": 7, "T_mult": 3, "cycle_decay": 0.5, "warmup_cycles": "every", "decay_progress": "(k+1)/D",
        "warmup_steps": 4, "warmup_start_factor": [0.1, 0.2], "warmup_mode": "exponential",
        "warmup_progress": "(k+1)/W", "peak_factor": 2.0, "eta_min": [0.001, 0.002],
    }  # fmt: skip
    parameters = bundle.WarmupCosineRestartsLR(optimizer(), **arguments).state_dict()["parameters"]
    assert {name: parameters[name] for name in arguments} == arguments


def test_promise_6_a_state_is_a_copy_that_nobody_writes_to(bundle):
    opt = optimizer()
    scheduler = bundle.WarmupMultiStepLR(opt, [3, 5], eta_min=[0.0, 0.001])
    state = scheduler.state_dict()
    before = json.dumps(state)
    for _ in range(4):
        opt.step()
        scheduler.step()
    assert json.dumps(state) == before
    state["parameters"]["milestones"].append(6)
    state["base_lrs"][0] = 7.0
    assert scheduler.parameters["milestones"] == [3, 5]
    assert scheduler.base_lrs == list(BASES)


def test_promise_6_the_states_of_torchs_schedulers_are_those_of_an_older_code(bundle):
    """A run that was begun with torch's scheduler goes on with the bundled one: base rates and step are taken over."""
    pairs = {
        "CosineAnnealingLR": (
            lambda o: lr_scheduler.CosineAnnealingLR(o, 40), lambda o: bundle.WarmupCosineLR(o, 40)
        ),
        "StepLR": (lambda o: lr_scheduler.StepLR(o, 7, 0.5), lambda o: bundle.WarmupStepLR(o, 7, 0.5)),
        "ExponentialLR": (lambda o: lr_scheduler.ExponentialLR(o, 0.9), lambda o: bundle.WarmupExponentialLR(o, 0.9)),
        "PolynomialLR": (
            lambda o: lr_scheduler.PolynomialLR(o, 40, 0.9), lambda o: bundle.WarmupPolynomialLR(o, 40, 0.9)
        ),
    }  # fmt: skip
    for name, (theirs, ours) in pairs.items():
        opt = optimizer()
        old = theirs(opt)
        for _ in range(25):
            opt.step()
            old.step()
        new = optimizer((5.0, 6.0))
        scheduler = ours(new)
        scheduler.load_state_dict(old.state_dict())
        assert scheduler.last_epoch == 25, name
        assert rates(new) == pytest.approx(rates(opt), rel=1e-13), name
