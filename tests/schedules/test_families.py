"""What each family says of itself: conventions, phases, edges, what happens outside the domain."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrfix import schedules

HORIZON_FAMILIES = {
    "warmup_cosine": {},
    "warmup_linear": {},
    "warmup_polynomial": {"power": 2.5},
    "warmup_stable_decay": {"decay_steps": 4},
}
OPEN_FAMILIES = {
    "warmup_constant": {},
    "warmup_exponential": {"gamma": 0.9},
    "warmup_inverse_sqrt": {},
    "warmup_step": {"step_size": 3},
    "warmup_multistep": {"milestones": [5, 9]},
    "warmup_cosine_restarts": {"T_0": 4, "T_mult": 2, "cycle_decay": 0.5},
}
ALL_FAMILIES = {**{name: {"total_steps": 12, **a} for name, a in HORIZON_FAMILIES.items()}, **OPEN_FAMILIES}


@pytest.mark.parametrize("name", ALL_FAMILIES)
def test_warmup_starts_at_its_start_and_the_peak_follows_it(bundle, name):
    function, arguments = getattr(bundle, name), ALL_FAMILIES[name]
    rates = [function(k, warmup_steps=4, peak=0.8, warmup_start=0.4, **arguments) for k in range(5)]
    assert rates == [0.4, 0.5, 0.6000000000000001, 0.7000000000000001, 0.8]


@pytest.mark.parametrize(
    ("convention", "expected"),
    [
        ("k/W", [0, 1 / 4, 2 / 4, 3 / 4]),
        ("(k+1)/W", [1 / 4, 2 / 4, 3 / 4, 1]),
        ("k/(W-1)", [0, 1 / 3, 2 / 3, 1]),
        ("(k+1)/(W+1)", [1 / 5, 2 / 5, 3 / 5, 4 / 5]),
        ("max(k,1)/W", [1 / 4, 1 / 4, 2 / 4, 3 / 4]),
    ],
)
def test_warmup_conventions(bundle, convention, expected):
    rates = [bundle.warmup_constant(k, warmup_steps=4, warmup_progress=convention) for k in range(6)]
    assert rates == [*expected, 1, 1]


@pytest.mark.parametrize(
    ("convention", "expected"),
    [
        ("k/D", [1, 3 / 4, 2 / 4, 1 / 4, 0, 0]),
        ("(k+1)/D", [3 / 4, 2 / 4, 1 / 4, 0, 0, 0]),
        ("k/(D-1)", [1, 2 / 3, 1 / 3, 0, 0, 0]),
    ],
)
def test_decay_conventions(bundle, convention, expected):
    rates = [bundle.warmup_linear(k + 3, total_steps=7, warmup_steps=3, decay_progress=convention) for k in range(6)]
    assert rates == expected


def test_exponential_warmup_is_a_geometric_progression(bundle):
    rates = [
        bundle.warmup_constant(k, warmup_steps=4, warmup_start=0.0625, warmup_mode="exponential") for k in range(5)
    ]
    assert rates == [0.0625, 0.125, 0.25, 0.5, 1.0]


@pytest.mark.parametrize("progress", schedules.WARMUP_PROGRESS)
def test_constant_warmup_stands_at_its_start_and_then_is_over(bundle, progress):
    held = {"warmup_steps": 3, "warmup_start": 0.25, "warmup_mode": "constant", "warmup_progress": progress}
    assert [bundle.warmup_constant(k, **held) for k in range(5)] == [0.25, 0.25, 0.25, 1.0, 1.0]


@pytest.mark.parametrize("name", ALL_FAMILIES)
def test_promise_7_no_edge_gives_a_division_by_zero_or_a_rate_outside_the_range(name):
    function, arguments = getattr(schedules, name), dict(ALL_FAMILIES[name])
    if name != "warmup_constant":
        arguments["eta_min"] = 0.1
    edges = product(schedules.WARMUP_PROGRESS, ["k/D", "(k+1)/D", "k/(D-1)"], [0, 1, 2, 11, 12, 13], [1, 2, 12])
    for convention, decay, warmup, total in edges:
        if name in HORIZON_FAMILIES:
            arguments.update(total_steps=total, decay_progress=decay)
        for k in (*range(16), 29, 10**6, 2**53, 10**300):
            rate = function(k, warmup_steps=warmup, warmup_progress=convention, **arguments)
            assert isinstance(rate, float)
            assert 0.0 <= rate <= 1.0
            if k >= warmup:
                assert rate >= 0.1


def test_a_warmup_of_the_whole_run_is_followed_by_the_floor(bundle):
    rates = [bundle.warmup_cosine(k, total_steps=3, warmup_steps=3, eta_min=0.25) for k in range(5)]
    assert rates == [0, 1 / 3, 2 / 3, 0.25, 0.25]


def test_restarts_decay_the_peak_of_each_cycle(bundle):
    steps = bundle.restart_steps(4, T_0=3, T_mult=2, warmup_steps=5)
    assert steps == [5, 8, 14, 26]
    peaks = [
        bundle.warmup_cosine_restarts(k, T_0=3, T_mult=2, cycle_decay=0.5, warmup_steps=5, eta_min=0.2) for k in steps
    ]
    assert peaks == [1.0, 0.5, 0.25, 0.2]


def test_restarts_can_warm_up_in_every_cycle(bundle):
    def rate(k):
        return bundle.warmup_cosine_restarts(k, T_0=4, T_mult=2, cycle_decay=0.5, warmup_steps=2, warmup_cycles="every")

    assert [rate(k) for k in range(8)] == [0, 0.5, 1.0, 0.5, 0, 0.25, 0.5, rate(7)]
    assert rate(4 + 5) == 0.25
    assert rate(12) == 0.0


def test_restarts_with_the_closed_convention_reach_the_floor_on_the_last_step_of_a_cycle(bundle):
    rates = [bundle.warmup_cosine_restarts(k, T_0=3, decay_progress="k/(D-1)", eta_min=0.1) for k in range(6)]
    assert rates == [1.0, 0.55, 0.1] * 2


def test_stable_decay_has_three_phases(bundle):
    for decay, middle in (("cosine", 0.5), ("linear", 0.5), ("1-sqrt", 1 - math.sqrt(0.5))):
        rates = [
            bundle.warmup_stable_decay(k, total_steps=8, decay_steps=2, decay=decay, warmup_steps=2) for k in range(10)
        ]
        assert rates[:7] == [0, 0.5, 1, 1, 1, 1, 1]
        assert rates[7] == pytest.approx(middle, rel=1e-15)
        assert rates[8:] == [0, 0]


def test_stable_decay_without_room_starts_the_decay_at_the_end_of_the_warmup(bundle):
    rates = [
        bundle.warmup_stable_decay(k, total_steps=4, decay_steps=9, decay="linear", warmup_steps=2) for k in range(5)
    ]
    assert rates == [0, 0.5, 1, 0.5, 0]


def test_inverse_sqrt_counted_from_one_is_the_curve_of_vaswani_et_al(bundle):
    for k in range(50):
        n = k + 1
        expected = min(n**-0.5, n * 8**-1.5) * 8**0.5
        rate = bundle.warmup_inverse_sqrt(k, warmup_steps=8, warmup_progress="(k+1)/W", decay_progress="(k+1)/D")
        assert rate == pytest.approx(expected, rel=1e-15)


def test_steps_count_from_the_warmup_and_milestones_from_the_start_unless_told(bundle):
    def drops(function, **arguments):
        rates = [function(k, gamma=0.5, warmup_steps=3, **arguments) for k in range(3, 12)]
        return [3 + i for i in range(1, 9) if rates[i] < rates[i - 1]]

    assert drops(bundle.warmup_step, step_size=4) == [7, 11]
    assert drops(bundle.warmup_step, step_size=4, count_from="start") == [4, 8]
    assert drops(bundle.warmup_multistep, milestones=[4, 8]) == [4, 8]
    assert drops(bundle.warmup_multistep, milestones=[4, 8], count_from="warmup") == [7, 11]
    assert drops(bundle.warmup_multistep, milestones=[8, 4]) == [4, 8]


def test_a_milestone_inside_the_warmup_counts_at_its_end_or_scales_the_warmup_at_once(bundle):
    def curve(count_from):
        staircase = {"milestones": [2], "gamma": 0.5, "warmup_steps": 4, "count_from": count_from}
        return [bundle.warmup_multistep(k, **staircase) for k in range(6)]

    assert curve("start") == [0.0, 0.25, 0.5, 0.75, 0.5, 0.5]
    assert curve("start-in-warmup") == [0.0, 0.25, 0.25, 0.375, 0.5, 0.5]
    every = {"step_size": 2, "gamma": 0.5, "warmup_steps": 4, "count_from": "start-in-warmup"}
    assert [bundle.warmup_step(k, **every) for k in range(6)] == [0.0, 0.25, 0.25, 0.375, 0.25, 0.25]


@pytest.mark.parametrize("name", ["warmup_cosine", "warmup_linear", "warmup_polynomial", "warmup_exponential"])
@given(st.integers(0, 4000))
def test_fractional_steps_lie_on_the_curve_of_a_finer_count(name, quarter):
    function = getattr(schedules, name)
    coarse = (
        {"total_steps": 700, "warmup_steps": 100}
        if name != "warmup_exponential"
        else {"gamma": 0.9, "warmup_steps": 100}
    )
    fine = {key: value * 4 if key != "gamma" else 0.9**0.25 for key, value in coarse.items()}
    assert function(quarter / 4, **coarse) == pytest.approx(function(quarter, **fine), rel=1e-12)


def test_a_floor_above_the_peak_is_approached_from_below(bundle):
    rates = [bundle.warmup_cosine(k, total_steps=4, peak=0.1, eta_min=0.5) for k in range(6)]
    assert rates == sorted(rates)
    assert rates[0] == 0.1
    assert rates[-1] == 0.5


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("warmup_cosine", {"step": -1}, "step=-1; legal: step >= 0"),
        ("warmup_cosine", {"step": math.nan}, "nan is not a number of steps"),
        ("warmup_cosine", {"step": math.inf}, "inf is not a number of steps"),
        ("warmup_cosine", {"step": "7"}, "'7' is not a number of steps"),
        ("warmup_cosine", {"peak": -0.1}, "peak=-0.1; legal: a finite rate >= 0"),
        ("warmup_cosine", {"eta_min": math.nan}, "eta_min=nan; legal: a finite rate >= 0"),
        ("warmup_cosine", {"warmup_start": math.inf}, "warmup_start=inf; legal: a finite rate >= 0"),
        ("warmup_cosine", {"warmup_steps": -3}, "warmup_steps=-3; legal: warmup_steps >= 0"),
        (
            "warmup_cosine",
            {"warmup_steps": 3, "warmup_mode": "cubic"},
            "warmup_mode='cubic'; legal: 'linear', 'exponential'",
        ),
        ("warmup_cosine", {"warmup_steps": 3, "warmup_progress": "k"}, "warmup_progress='k'; legal: 'k/W'"),
        (
            "warmup_cosine",
            {"warmup_steps": 3, "warmup_mode": "exponential"},
            "warmup_start=0.0 with warmup_mode='exponential'",
        ),
        ("warmup_cosine", {"decay_progress": "k"}, "decay_progress='k'; legal: 'k/D'"),
        ("warmup_cosine", {"eta_min_mode": "cut"}, "eta_min_mode='cut'; legal: 'end', 'clamp'"),
        ("warmup_polynomial", {"power": -1.0}, "power=-1.0; legal: 0 <= power < 1e9"),
        ("warmup_stable_decay", {"decay_steps": -1}, "decay_steps=-1; legal: decay_steps >= 0"),
        ("warmup_stable_decay", {"decay": "cubic", "step": 11}, "decay='cubic'; legal: 'cosine', 'linear', '1-sqrt'"),
        ("warmup_exponential", {"gamma": -0.5}, "gamma=-0.5; legal: a finite number >= 0"),
        ("warmup_inverse_sqrt", {"timescale": 0, "warmup_steps": 0}, "timescale=0; legal: timescale > 0"),
        ("warmup_step", {"step_size": 0}, "step_size=0; legal: step_size > 0"),
        ("warmup_step", {"count_from": "peak"}, "count_from='peak'; legal: 'warmup', 'start'"),
        ("warmup_cosine_restarts", {"T_0": 0}, "T_0=0; legal: T_0 > 0"),
        ("warmup_cosine_restarts", {"T_mult": 1.5}, "T_mult=1.5; legal: an integer >= 1"),
        ("warmup_cosine_restarts", {"cycle_decay": 0.0}, "cycle_decay=0.0; legal: 0 < cycle_decay <= 1"),
        ("warmup_cosine_restarts", {"warmup_cycles": "all"}, "warmup_cycles='all'; legal: 'first', 'every'"),
    ],
)
def test_promise_7_nonsense_is_refused_by_argument_value_and_legal_range(bundle, name, arguments, message):
    given_arguments = {"step": 2, **ALL_FAMILIES[name], **arguments}
    with pytest.raises(ValueError) as error:
        getattr(bundle, name)(given_arguments.pop("step"), **({"warmup_steps": 0} | given_arguments))
    assert message in str(error.value)


def test_steps_of_other_number_types_are_taken(bundle):
    numpy = pytest.importorskip("numpy")
    expected = bundle.warmup_cosine(3, total_steps=10)
    for step in (numpy.int64(3), numpy.float32(3), 3.0, Fraction(3), True + 2):
        assert bundle.warmup_cosine(step, total_steps=10) == expected


@pytest.mark.parametrize("name", ALL_FAMILIES)
def test_each_family_says_its_formula_units_domain_and_source(name):
    """In its own words, or by pointing to warmup_cosine for what they share."""
    text = getattr(schedules, name).__doc__
    assert "Source: " in text
    assert "peak" in text
    flat = " ".join(text.split())
    for words in ("Units: ", "Domain: ", "past the horizon the rate"):
        assert (
            words in flat
            or "as for :func:`lrfix.schedules.warmup_cosine`" in flat
            or "as for :func:`warmup_cosine`" in flat
        )
