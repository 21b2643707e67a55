"""Promise 2 for every family, under every convention, with every argument: at most 5 ulp from mpmath at 50 digits."""

from __future__ import annotations

from itertools import pairwise, product

import exact_curves
import mpmath
import pytest
from exact_curves import exact_rate, ulps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrfix import schedules

HORIZON = 2**53
LIMIT_ULP = 5
# A busy machine is no fault of the schedules.
UNHURRIED = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.too_slow]}

lengths = st.one_of(st.integers(1, 40), st.integers(1, 10**6), st.integers(1, HORIZON), st.sampled_from([HORIZON]))
# Lengths far below any part of a step that is ever counted (5e-324) are left out: their ratios are no floats.
fractional = st.one_of(st.integers(0, 300), st.floats(1e-9, 300), st.integers(0, 10**6).map(lambda n: n / 8))
rates = st.one_of(st.floats(1e-9, 1e3), st.sampled_from([0.1, 3e-4, 1.0, 6e-5]))
shares = st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.0, 0.1, 1e-9, 1.0 - 2**-52]))


@pytest.fixture(autouse=True)
def _fifty_digits():
    with mpmath.workdps(exact_curves.DIGITS):
        yield


def common(draw, floor=True):
    peak = draw(rates)
    mode = draw(st.sampled_from(schedules.WARMUP_MODES))
    arguments = {
        "peak": peak,
        "warmup_mode": mode,
        "warmup_progress": draw(st.sampled_from(schedules.WARMUP_PROGRESS)),
        # A geometric progression never leaves 0.
        "warmup_start": peak * max(draw(shares), 1e-9 if mode == "exponential" else 0.0),
    }
    if floor:
        arguments["eta_min"] = peak * draw(shares)
    return arguments


def of_a_run(draw, total):
    """A warmup and a step of a run: anywhere, at its ends, at the end of the warmup."""
    steps = draw(st.one_of(st.just(0), st.integers(0, total), st.integers(0, 5)))
    telling = [0, 1, steps - 1, steps, steps + 1, total - 2, total - 1, total, total + 1]
    step = draw(st.one_of(st.sampled_from(telling), st.integers(0, total)))
    return max(step, 0), steps


def decay_progress(draw):
    return draw(st.sampled_from(schedules.DECAY_PROGRESS))


@st.composite
def calls(draw, family):
    """A step and the arguments of a call of ``family``, horizons up to 2**53."""
    total = draw(lengths)
    step, steps = of_a_run(draw, total)
    arguments = {**common(draw, family != "warmup_constant"), "warmup_steps": steps}
    if family in ("warmup_cosine", "warmup_linear", "warmup_polynomial", "warmup_stable_decay"):
        arguments.update(total_steps=total, decay_progress=decay_progress(draw))
    if family in ("warmup_cosine", "warmup_linear", "warmup_polynomial"):
        arguments["eta_min_mode"] = draw(st.sampled_from(schedules.ETA_MIN_MODES))
    if family == "warmup_polynomial":
        arguments["power"] = draw(st.one_of(st.floats(0.01, 20.0), st.sampled_from([0.5, 0.9, 1.0, 2.0, 3.0])))
    if family == "warmup_stable_decay":
        arguments.update(decay_steps=draw(st.integers(0, total)), decay=draw(st.sampled_from(schedules.DECAYS)))
    if family in ("warmup_exponential", "warmup_step", "warmup_multistep"):
        arguments["gamma"] = draw(st.one_of(st.floats(1e-3, 1.0), st.floats(1e-15, 1e-3).map(lambda g: 1.0 - g)))
    if family == "warmup_inverse_sqrt":
        arguments["timescale"] = draw(st.one_of(st.none(), st.integers(1, HORIZON)))
        arguments["decay_progress"] = draw(st.sampled_from(["k/D", "(k+1)/D"]))
    if family == "warmup_step":
        arguments["step_size"] = draw(st.integers(1, total))
    if family == "warmup_multistep":
        arguments["milestones"] = sorted(draw(st.lists(st.integers(0, total), max_size=5)))
    if family in ("warmup_step", "warmup_multistep"):
        arguments["count_from"] = draw(st.sampled_from(schedules.COUNT_FROM))
    if family == "warmup_cosine_restarts":
        first = draw(st.one_of(st.integers(1, 50), st.integers(1, total)))
        arguments.update(
            T_0=first,
            T_mult=draw(st.integers(1, 12)),
            cycle_decay=draw(st.one_of(st.just(1.0), st.floats(0.3, 1.0), st.just(1.0 - 1e-15))),
            warmup_cycles=draw(st.sampled_from(schedules.WARMUP_CYCLES)),
            decay_progress=decay_progress(draw),
        )
        if arguments["warmup_mode"] == "exponential" and arguments["warmup_cycles"] == "every":
            # A peak that has decayed to 1e-300 has few digits left, and the way up to it no more than these.
            arguments["eta_min"] = max(arguments["eta_min"], arguments["peak"] * 1e-200)
    return step, arguments


FAMILIES = [name for name in schedules.__all__ if name.startswith("warmup_")]


EXACT = {}


def check(function, family, step, arguments):
    # Once for a call: what is installed and what is vendored are measured against the same rates.
    call = repr((family, step, arguments))
    if call not in EXACT:
        EXACT[call] = exact_rate(family, step, **arguments)
    rate, exact = function(step, **arguments), EXACT[call]
    if exact > 1e-290:
        error = ulps(rate, exact)
        assert error <= LIMIT_ULP, (error, rate, exact)
    else:
        # Rates that no longer have their full precision, as far below any use.
        assert 0.0 <= rate <= 1e-289


@pytest.mark.parametrize("family", FAMILIES)
def test_promise_2_every_family_in_every_convention_within_5_ulp_up_to_2_to_the_53(bundle, family):
    @settings(max_examples=40, **UNHURRIED)
    @given(calls(family))
    def holds(call):
        step, arguments = call
        check(getattr(bundle, family), family, step, arguments)

    holds()


@pytest.mark.parametrize("family", FAMILIES)
def test_promise_2_fractional_steps_and_lengths_within_5_ulp(family):
    @settings(max_examples=40, **UNHURRIED)
    @given(st.data(), calls(family), fractional)
    def holds(data, call, step):
        arguments = call[1]
        arguments["warmup_steps"] = data.draw(fractional)
        for name in ("total_steps", "decay_steps", "step_size", "T_0"):
            if name in arguments:
                arguments[name] = max(data.draw(fractional), 0.25)
        check(getattr(schedules, family), family, step, arguments)

    holds()


def test_promise_2_a_fractional_exponent_is_not_rounded_away(bundle):
    # The end of the warmup is no multiple of 2**-45, so that the steps since then do not fit into a float.
    arguments = {"warmup_steps": 49.330633531732715, "gamma": 0.4779876763146016}
    check(bundle.warmup_exponential, "warmup_exponential", 224, arguments)


CONVENTIONS = list(product(schedules.WARMUP_PROGRESS, schedules.DECAY_PROGRESS))


@pytest.mark.parametrize(("warmup_progress", "decay_progress"), CONVENTIONS)
def test_promise_2_every_step_of_every_small_run(bundle, warmup_progress, decay_progress):
    for total, steps in product(range(1, 11), range(4)):
        for step in range(total + 2):
            arguments = {
                "total_steps": total, "warmup_steps": steps, "warmup_start": 0.003, "peak": 0.1, "eta_min": 1e-5,
                "warmup_progress": warmup_progress, "decay_progress": decay_progress,
            }  # fmt: skip
            check(bundle.warmup_cosine, "warmup_cosine", step, arguments)
            check(bundle.warmup_linear, "warmup_linear", step, arguments)


@pytest.mark.parametrize("warmup_cycles", schedules.WARMUP_CYCLES)
@pytest.mark.parametrize("decay_progress", schedules.DECAY_PROGRESS)
def test_promise_2_every_T_0_T_mult_and_warmup_up_to_a_bound(bundle, decay_progress, warmup_cycles):
    for first, multiplier, steps in product(range(1, 8), range(1, 5), range(4)):
        for step in range(40):
            arguments = {
                "T_0": first, "T_mult": multiplier, "warmup_steps": steps, "cycle_decay": 0.7, "peak": 0.1,
                "eta_min": 1e-5, "warmup_start": 0.003, "decay_progress": decay_progress,
                "warmup_cycles": warmup_cycles,
            }  # fmt: skip
            check(bundle.warmup_cosine_restarts, "warmup_cosine_restarts", step, arguments)


@settings(max_examples=120, **UNHURRIED)
@given(st.data(), st.sampled_from(FAMILIES), st.sampled_from([8, 10**3, 10**6, 2**40, HORIZON]))
def test_promise_2_rises_in_the_warmup_and_falls_after_it_wherever_the_exact_curve_does(data, family, total):
    _, arguments = data.draw(calls(family))
    steps = arguments["warmup_steps"] = data.draw(st.sampled_from([0, total // 2, total - 3]))
    if "total_steps" in arguments:
        arguments["total_steps"] = total
    arguments["warmup_start"] = min(arguments["warmup_start"], arguments["peak"])
    if family == "warmup_cosine_restarts":
        arguments.update(warmup_cycles="first", T_0=total)
    if arguments.get("count_from") == "start-in-warmup":
        arguments["count_from"] = "start"  # milestones inside the warmup are what it is for: the rate falls there
    begin = data.draw(st.one_of(st.just(steps), st.integers(0, total)))
    function = getattr(schedules, family)
    for a, b in pairwise(range(max(begin - 30, 0), begin + 30)):
        before, after = function(a, **arguments), function(b, **arguments)
        if b < steps:
            assert before <= after
        elif a >= steps and not (family == "warmup_cosine_restarts" and b - steps >= total):
            assert before >= after
