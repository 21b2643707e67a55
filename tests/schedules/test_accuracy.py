"""Promise 2 and 3: the rates against mpmath at 50 digits, order, end points, and the search for the cycle."""

from __future__ import annotations

import math
import random
from functools import cache
from itertools import pairwise

import mpmath
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mpmath import mpf

from lrfix import schedules
from lrfix.schedules.exact import locate_cycle

HORIZON = 2**53
LIMIT_ULP = 5

mpmath.mp.dps = 50


def ulps(value: float, exact: mpf) -> float:
    """The error in units of the last place of the exact value (the strict reading of the promise)."""
    return float(abs(mpf(value) - exact) / mpf(math.ulp(float(exact))))


def exact_cosine(k, total, peak, floor):
    return mpf(floor) + (mpf(peak) - mpf(floor)) * (1 + mpmath.cos(mpmath.pi * mpf(k) / mpf(total))) / 2


@cache  # asked once for the installed functions and once for the vendored ones
def exact_curve(family, k, total, peak, floor):
    p = mpf(min(k, total)) / mpf(total)
    span = mpf(peak) - mpf(floor)
    if family == "cosine":
        return exact_cosine(min(k, total), total, peak, floor)
    if family == "linear":
        return floor + span * (1 - p)
    if family == "1-sqrt":
        return floor + span * (1 - mpmath.sqrt(p))
    return floor + span * (1 - p) ** mpf(family)


def curve(bundle, family, k, total, peak, floor):
    arguments = {"total_steps": total, "peak": peak, "eta_min": floor}
    if family == "cosine":
        return bundle.warmup_cosine(k, **arguments)
    if family == "linear":
        return bundle.warmup_linear(k, **arguments)
    if family == "1-sqrt":
        return bundle.warmup_stable_decay(k, decay_steps=total, decay="1-sqrt", **arguments)
    return bundle.warmup_polynomial(k, power=family, **arguments)


FAMILIES = ["cosine", "linear", "1-sqrt", 0.5, 0.9, 2.0, 2.5, 3.0, 17.25, 60.0]


def telling_steps(total, rng, count):
    """Both ends, the middle, the quarters, their neighbours, and some at random."""
    places = {0, 1, 2, total - 1, total - 2, total - 3, total // 2, total // 4, 3 * total // 4}
    places |= {total // 2 + d for d in (-1, 1)} | {rng.randrange(total) for _ in range(count)}
    places |= {total - 2**e for e in range(0, total.bit_length() - 1, 4)}
    return sorted(k for k in places if 0 <= k < total)


@pytest.mark.parametrize("family", FAMILIES)
def test_promise_2_within_5_ulp_of_mpmath_up_to_2_to_the_53(bundle, family):
    rng = random.Random(str(family))
    for total in (1, 2, 3, 7, 100, 10**4, 10**6 + 3, 10**8, 2**31 - 1, 2**53 - 1, HORIZON):
        for peak, floor in ((0.1, 0.0), (1.0, 0.0), (3e-4, 3e-5), (0.3, 0.3 - 2**-54), (6e-5, 1e-12), (1e-3, 0.0)):
            for k in telling_steps(total, rng, 15):
                exact = exact_curve(family, k, total, peak, floor)
                if exact > 1e-300:
                    assert ulps(curve(bundle, family, k, total, peak, floor), exact) <= LIMIT_ULP, (
                        k,
                        total,
                        peak,
                        floor,
                    )


@settings(max_examples=400, deadline=None)
@example(data=(HORIZON, HORIZON - 1, 0.1, 0.0))
@given(
    st.tuples(
        st.integers(1, HORIZON), st.integers(0, HORIZON), st.floats(1e-12, 1e6), st.floats(0.0, 1.0)
    ).map(lambda t: (t[0], t[1] % (t[0] + 1), t[2], t[2] * t[3]))
)  # fmt: skip
def test_promise_2_cosine_is_the_correctly_rounded_value_but_for_near_ties(data):
    total, k, peak, floor = data
    rate = schedules.warmup_cosine(k, total_steps=total, peak=peak, eta_min=floor)
    if k == total:
        assert rate == floor
    else:
        assert ulps(rate, exact_cosine(k, total, peak, floor)) <= 0.52


def test_promise_2_every_step_of_every_horizon_up_to_120(bundle):
    worst = 0.0
    for total in range(1, 121):
        for k in range(total):
            rate = bundle.warmup_cosine(k, total_steps=total, peak=0.1)
            worst = max(worst, ulps(rate, exact_cosine(k, total, 0.1, 0.0)))
    assert worst <= 0.52


def test_promise_2_the_naive_form_is_off_by_a_tenth_at_the_tail_where_this_one_is_not(bundle):
    total = 10**8
    exact = exact_cosine(total - 1, total, 1.0, 0.0)
    naive = 0.5 * (1 + math.cos(math.pi * (total - 1) / total))
    assert abs(naive / exact - 1) > 0.05
    assert ulps(bundle.warmup_cosine(total - 1, total_steps=total), exact) <= 0.52


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("total", [10, 1000, 2**40, HORIZON])
def test_promise_2_falls_wherever_the_exact_curve_falls(bundle, family, total):
    for middle in (4, total // 8, total // 4, total // 2, 3 * total // 4, total - 5):
        steps = [k for k in range(middle - 60, middle + 61) if 0 <= k <= total]
        for floor in (0.0, 0.01, 0.1 - 2**-56):
            rates = [curve(bundle, family, k, total, 0.1, floor) for k in steps]
            assert all(a >= b for a, b in pairwise(rates))


@settings(max_examples=200, deadline=None)
@given(st.integers(1, HORIZON), st.floats(1e-300, 1e300), st.floats(0.0, 1.0), st.sampled_from(FAMILIES))
def test_promise_2_exactly_the_peak_at_the_start_and_the_floor_at_the_end_and_after(total, peak, share, family):
    floor = peak * share
    assert curve(schedules, family, 0, total, peak, floor) == peak
    for k in (total, total + 1, 3 * total):
        assert curve(schedules, family, k, total, peak, floor) == floor


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, HORIZON),
    st.integers(0, HORIZON),
    st.floats(1e-9, 1e3),
    st.floats(0.0, 1.0),
    st.sampled_from(schedules.WARMUP_PROGRESS),
)
def test_promise_2_linear_warmup_is_correctly_rounded(warmup, k, peak, share, convention):
    k %= warmup
    start = peak * share
    n, d = {
        "k/W": (k, warmup),
        "(k+1)/W": (k + 1, warmup),
        "k/(W-1)": (k, max(warmup - 1, 1)),
        "(k+1)/(W+1)": (k + 1, warmup + 1),
        "max(k,1)/W": (max(k, 1), warmup),
    }[convention]
    exact = mpf(start) + (mpf(peak) - mpf(start)) * n / d
    rate = schedules.warmup_constant(k, peak=peak, warmup_steps=warmup, warmup_start=start, warmup_progress=convention)
    assert rate == exact == 0 or ulps(rate, exact) <= 0.5


@settings(max_examples=300, deadline=None)
@given(st.integers(2, HORIZON), st.integers(0, HORIZON), st.floats(1e-9, 1e3), st.floats(1e-12, 1.0))
def test_promise_2_exponential_warmup_within_5_ulp(warmup, k, peak, share):
    k %= warmup
    start = peak * share
    exact = mpf(start) * (mpf(peak) / mpf(start)) ** (mpf(k) / mpf(warmup))
    rate = schedules.warmup_constant(k, peak=peak, warmup_steps=warmup, warmup_start=start, warmup_mode="exponential")
    assert ulps(rate, exact) <= LIMIT_ULP
    assert start <= rate <= peak


@settings(max_examples=300, deadline=None)
@given(st.integers(0, HORIZON), st.floats(1e-3, 1.0), st.integers(1, 10**6))
def test_promise_2_exponential_step_and_inverse_sqrt_decays_within_5_ulp(bundle, k, gamma, size):
    def check(rate, exact):
        assert ulps(rate, exact) <= LIMIT_ULP if exact > 1e-290 else rate < 1e-280

    check(bundle.warmup_exponential(k, gamma=gamma, peak=0.1), mpf(0.1) * mpf(gamma) ** k)
    check(bundle.warmup_step(k, step_size=size, gamma=gamma, peak=0.1), mpf(0.1) * mpf(gamma) ** (k // size))
    check(
        bundle.warmup_inverse_sqrt(k + size, warmup_steps=size, peak=0.1),
        mpf(0.1) * mpmath.sqrt(mpf(size) / (k + size)),
    )


def cycles_by_counting(first, multiplier, upto):
    """``(cycle, offset, length)`` of every position, by walking."""
    cycle, length, offset = 0, first, 0
    for _ in range(upto):
        yield cycle, offset, length
        offset += 1
        if offset == length:
            cycle, offset, length = cycle + 1, 0, length * multiplier


@pytest.mark.parametrize("multiplier", range(1, 13))
def test_promise_3_every_position_of_every_small_T_0_and_T_mult(multiplier):
    for first in range(1, 25):
        for position, expected in enumerate(cycles_by_counting(first, multiplier, 700)):
            assert locate_cycle(position, first, multiplier) == expected


@settings(max_examples=500, deadline=None)
@given(st.integers(1, 10**6), st.integers(1, 10**4), st.integers(0, 400), st.integers(-2, 2))
def test_promise_3_restarts_of_huge_cycles_are_exact(first, multiplier, cycle, around):
    if multiplier == 1:
        start, length = first * cycle, first
    else:
        start, length = first * (multiplier**cycle - 1) // (multiplier - 1), first * multiplier**cycle
    position = start + around
    if position < 0:
        return
    found, offset, found_length = locate_cycle(position, first, multiplier)
    assert 0 <= offset < found_length == first * multiplier**found
    if 0 <= around < length:
        assert (found, offset) == (cycle, around)


def test_promise_3_torch_and_timm_miss_restarts_that_are_found_here(bundle):
    # Both take int(log(...)): the logarithm of 243 to base 3 comes out below 5.
    assert int(math.log(1 + 121 * 2, 3)) == 4
    assert bundle.warmup_cosine_restarts(121, T_0=1, T_mult=3) == 1.0
    for multiplier in (2, 3, 5, 7, 9, 10):
        for step in bundle.restart_steps(30, T_0=1, T_mult=multiplier):
            assert bundle.warmup_cosine_restarts(step, T_0=1, T_mult=multiplier) == 1.0
