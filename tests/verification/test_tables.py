"""How far apart two rates are, and which steps are shown."""

from __future__ import annotations

import math

import pytest

from lrfix.verification.tables import TELLING_LIMIT, share_of_peak, telling_steps


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (0.1, 0.1, 0.0),
        (0.1, 0.2, 0.05),
        (0.2, 0.1, 0.05),
        (0.0, 1e-16, 5e-17),
        (-0.1, 0.1, 0.1),
        (math.nan, math.nan, 0.0),
        (math.nan, 0.1, math.inf),
        (0.1, math.inf, math.inf),
    ],
)
def test_the_difference_as_a_share_of_a_peak_of_two(left: float, right: float, expected: float) -> None:
    assert share_of_peak(left, right, peak=2.0) == pytest.approx(expected, rel=1e-15, abs=0.0)


def test_any_difference_from_a_rate_that_is_always_zero_counts() -> None:
    assert share_of_peak(0.0, 1e-300, peak=0.0) == math.inf


def one_group(rates: list[float]) -> tuple[tuple[float, ...], ...]:
    return tuple((rate,) for rate in rates)


def test_ends_horizon_bends_and_the_largest_difference_are_shown() -> None:
    old = [k / 20 for k in range(20)] + [1 - k / 100 for k in range(90)]
    new = list(old)
    new[77] += 0.01
    steps = telling_steps(one_group(old), one_group(new), horizon=100)
    assert {0, 19, 20, 50, 77, 99, 100, 109} <= set(steps)
    assert list(steps) == sorted(set(steps))
    assert len(steps) <= TELLING_LIMIT


def test_a_curve_that_ended_early_is_shown_as_far_as_the_other_goes() -> None:
    steps = telling_steps(one_group([0.1] * 4), one_group([0.1] * 30), horizon=20)
    assert 29 in steps
