"""Promise 7 where it is easily forgotten: frozen groups, cycles that have decayed away, groups that come late."""

from __future__ import annotations

import json
import math
import warnings

import pytest

torch = pytest.importorskip("torch", reason="the schedulers are torch classes")

from lrfix import schedules


def optimizer(*bases):
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.ones(1))], "lr": b} for b in bases], lr=1.0)


def rates(opt):
    return [group["lr"] for group in opt.param_groups]


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_promise_7_a_frozen_group_stays_at_zero_through_an_exponential_warmup(bundle):
    opt = optimizer(0.1, 0.0)
    scheduler = bundle.WarmupCosineLR(opt, 20, warmup_steps=4, warmup_mode="exponential", warmup_start_factor=0.1)
    for k in range(25):
        scheduler.step(k)
        assert rates(opt)[1] == 0.0
        assert bundle.warmup_constant(k, peak=0.0, warmup_steps=4, warmup_mode="exponential") == 0.0


@pytest.mark.parametrize("mode", schedules.WARMUP_MODES)
def test_promise_7_cycles_whose_peak_has_decayed_to_nothing_still_have_rates(bundle, mode):
    cycles = {"T_0": 10, "cycle_decay": 0.5, "warmup_cycles": "every", "warmup_steps": 3, "warmup_mode": mode}
    opt = optimizer(0.125)
    scheduler = bundle.WarmupCosineRestartsLR(opt, warmup_start_lr=0.0625, **cycles)
    # At cycle 1100 the peak is 0.125 * 2**-1100, which is 0 as a float; at 1000 it is next to nothing.
    for cycle in (0, 1, 5, 1000, 1060, 1100):
        for offset in range(10):
            k = 10 * cycle + offset
            scheduler.step(k)
            assert 0.0 <= rates(opt)[0] <= 0.125
            assert rates(opt) == [bundle.warmup_cosine_restarts(k, peak=0.125, warmup_start=0.0625, **cycles)]


def test_promise_7_an_exponential_warmup_from_zero_is_refused_in_every_cycle_too(bundle):
    with pytest.raises(ValueError, match=r"warmup_start=0.0 with warmup_mode='exponential'"):
        bundle.WarmupCosineRestartsLR(
            optimizer(0.1), 10, warmup_cycles="every", warmup_steps=3, warmup_mode="exponential"
        )


def by_hand(k, warmup, total, floor=0.0):
    """The factor that fine-tuning scripts compute: linear warmup, then a straight line to a floor."""
    if k < warmup:
        return k / max(1, warmup)
    return floor + (1 - floor) * max(0.0, (total - k) / max(1, total - warmup))


@pytest.mark.parametrize(
    ("warmup", "total", "floor"),
    [
        (0.06 * 291, 291, 0.0),
        (2.5, 17.25, 0.1),
        (0, 12.5, 0.0),
        (0, 0, 0.0),
        (20, 20, 0.0),
        (25.5, 20, 0.2),
        (3, 20, 1.5),
    ],
)
def test_promise_7_every_length_that_a_formula_accepts_gives_what_the_formula_gives(bundle, warmup, total, floor):
    opt = optimizer(0.1, 0.003)
    scheduler = bundle.WarmupLinearLR(opt, total, warmup_steps=warmup, eta_min_ratio=floor)
    for k in range(40):
        assert rates(opt) == pytest.approx(
            [base * by_hand(k, warmup, total, floor) for base in (0.1, 0.003)], rel=1e-12
        )
        opt.step()
        scheduler.step()
    state = scheduler.state_dict()
    again = bundle.WarmupLinearLR(optimizer(0.1, 0.003), total, warmup_steps=warmup, eta_min_ratio=floor)
    again.load_state_dict(json.loads(json.dumps(state)))
    assert again.get_lr() == scheduler.get_lr()


@pytest.mark.parametrize(
    ("name", "arguments", "factor"),
    [
        ("WarmupStepLR", {"step_size": 2.5, "gamma": 0.5}, lambda k: 0.5 ** (k // 2.5)),
        ("WarmupStepLR", {"step_size": 2, "gamma": 1.5}, lambda k: 1.5 ** (k // 2)),
        ("WarmupMultiStepLR", {"milestones": [3.5, 8], "gamma": 0.1}, lambda k: 0.1 ** ((k >= 3.5) + (k >= 8))),
        ("WarmupPolynomialLR", {"total_steps": 9, "power": 0}, lambda k: max(0.0, 1 - k / 9) ** 0),
        ("WarmupExponentialLR", {"gamma": 1.02}, lambda k: 1.02**k),
        *(
            (
                "WarmupCosineLR",
                {"total_steps": 20, "num_cycles": waves},
                lambda k, waves=waves: 0.5 * (1 + math.cos(2 * math.pi * waves * k / 20)),
            )
            for waves in (0, 0.25, 0.5, 0.7, 1, 2.5)
        ),
        ("WarmupExponentialLR", {"gamma": 0}, lambda k: 0**k),
        ("WarmupInverseSqrtLR", {"warmup_steps": 0, "timescale": 2.5}, lambda k: (2.5 / (2.5 + k)) ** 0.5),
    ],
)
def test_promise_7_other_numbers_that_a_formula_accepts(bundle, name, arguments, factor):
    opt = optimizer(0.1)
    scheduler = getattr(bundle, name)(opt, **arguments)
    for k in range(20):
        assert rates(opt) == pytest.approx([0.1 * factor(k)], rel=1e-12, abs=1e-17)
        opt.step()
        scheduler.step()


def late(opt, rate):
    opt.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": rate})


def test_promise_7_a_late_group_below_the_floor_keeps_its_rate_and_stops_nothing(bundle):
    opt = optimizer(0.1)
    scheduler = bundle.WarmupCosineLR(opt, 20, eta_min=0.01)
    scheduler.step(3)
    late(opt, 0.001)
    for k in range(4, 25):
        scheduler.step(k)
        assert rates(opt) == [schedules.warmup_cosine(k, total_steps=20, peak=0.1, eta_min=0.01), 0.001]


def test_promise_7_a_late_group_that_no_exponential_warmup_leads_to_begins_at_its_peak(bundle):
    opt = optimizer(0.1)
    scheduler = bundle.WarmupCosineLR(opt, 20, warmup_steps=6, warmup_mode="exponential", warmup_start_factor=[0.1])
    scheduler.step(2)
    late(opt, 0.5)
    for k in range(3, 25):
        scheduler.step(k)
        expected = 0.5 if k < 6 else schedules.warmup_cosine(k - 6, total_steps=14, peak=0.5)
        assert rates(opt)[1] == expected


def test_promise_7_groups_that_are_taken_away_do_not_shift_the_others(bundle):
    opt = optimizer(0.1, 0.2, 0.3)
    scheduler = bundle.WarmupLinearLR(opt, 20)
    scheduler.step(3)
    opt.param_groups.pop()
    scheduler.step(4)
    assert rates(opt) == [schedules.warmup_linear(4, total_steps=20, peak=b) for b in (0.1, 0.2)]


@pytest.mark.parametrize("number", ["numpy.int64", "numpy.float32", "torch scalar", "float"])
def test_promise_6_arguments_of_other_number_types_are_taken_and_leave_a_plain_state(bundle, number):
    if number.startswith("numpy"):
        kind = getattr(pytest.importorskip("numpy"), number.removeprefix("numpy."))
    else:
        kind = {"torch scalar": torch.tensor, "float": float}[number]
    opt = optimizer(0.25, 0.5)
    scheduler = bundle.WarmupCosineLR(
        opt, kind(20), warmup_steps=kind(4), warmup_start_factor=kind(0.0 if number == "numpy.int64" else 0.5),
        eta_min=[kind(0), kind(0)],
    )  # fmt: skip
    parameters = scheduler.state_dict()["parameters"]
    assert {type(parameters[name]) for name in ("total_steps", "warmup_steps")} == {int}
    assert type(parameters["warmup_start_factor"]) is float
    assert [type(floor) for floor in parameters["eta_min"]] == [float, float]
    assert (parameters["total_steps"], parameters["warmup_steps"]) == (20, 4)


# Class, its arguments, and the rate from step 20 on for a peak of 0.1.
ENDS = {
    "WarmupCosineLR": ({"total_steps": 20, "eta_min": 0.01}, 0.01),
    "WarmupLinearLR": ({"total_steps": 20, "eta_min": 0.01}, 0.01),
    "WarmupPolynomialLR": ({"total_steps": 20, "power": 2.5, "eta_min": 0.01}, 0.01),
    "WarmupStableDecayLR": ({"total_steps": 20, "decay_steps": 8, "decay": "1-sqrt"}, 0.0),
    "WarmupMultiStepLR": ({"milestones": [5, 20], "gamma": 0.1, "eta_min": 0.01}, 0.01),
    "WarmupStepLR": ({"step_size": 2, "gamma": 0.1, "eta_min": 0.01}, 0.01),
    "WarmupExponentialLR": ({"gamma": 0.8, "eta_min": 0.01}, 0.01),
    "WarmupConstantLR": ({}, 0.1),
}
FUNCTIONS = {
    "WarmupCosineLR": "warmup_cosine",
    "WarmupLinearLR": "warmup_linear",
    "WarmupPolynomialLR": "warmup_polynomial",
    "WarmupStableDecayLR": "warmup_stable_decay",
    "WarmupMultiStepLR": "warmup_multistep",
    "WarmupStepLR": "warmup_step",
    "WarmupExponentialLR": "warmup_exponential",
    "WarmupConstantLR": "warmup_constant",
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("warmup", [0, 3])
def test_promise_7_past_the_horizon_the_rate_stays_at_the_floor_for_ever(bundle, name, warmup):
    arguments, floor = ENDS[name]
    opt = optimizer(0.1)
    scheduler = getattr(bundle, name)(opt, warmup_steps=warmup, **arguments)
    function = getattr(bundle, FUNCTIONS[name])
    for k in (*range(20, 70), 10**6 + 1, 2**53, 10**30):
        scheduler.step(k)
        assert rates(opt) == [floor]
        assert function(k, warmup_steps=warmup, peak=0.1, **arguments) == floor


@pytest.mark.parametrize("power", [0.5, 1.0, 2.5, 17.5, 1e6])
def test_promise_7_a_power_never_makes_a_complex_or_negative_rate(bundle, power):
    opt = optimizer(0.1)
    scheduler = bundle.WarmupPolynomialLR(opt, 10, power)
    for k in range(30):
        scheduler.step(k)
        assert type(rates(opt)[0]) is float
        assert 0.0 <= rates(opt)[0] <= 0.1
