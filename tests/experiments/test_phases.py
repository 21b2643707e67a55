"""Phases of a curve: what stands out between two of them, whatever the shapes, lengths and rounding."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrfix.experiments.meetings import meetings
from lrfix.experiments.phases import jumps, moves, restarts, rounding, sampled_jumps, turns

RISES = {
    "line": lambda p: p,
    "cosine": lambda p: 0.5 * (1 - math.cos(math.pi * p)),
    "square": lambda p: p * p,
    "exponential": lambda p: 0.01 ** (1 - p),
}
FALLS = {
    "line": lambda p: 1 - p,
    "cosine": lambda p: 0.5 * (1 + math.cos(math.pi * p)),
    "power": lambda p: (1 - p) ** 2,
    "exponential": lambda p: 0.1**p,
}


def single(rate: float) -> float:
    return float(struct.unpack("f", struct.pack("f", rate))[0])


def curve(rise, fall, warmup, total, start, peak):
    up = [peak * RISES[rise]((k + 1) / warmup) for k in range(warmup)]
    return up + [peak * FALLS[fall]((k - start) / (total - start)) for k in range(warmup, total)]


SHAPES = {
    "rise": st.sampled_from(sorted(RISES)),
    "fall": st.sampled_from(sorted(FALLS)),
    "warmup": st.integers(6, 60),
    "total": st.integers(120, 300),
    "peak": st.floats(1e-5, 1.0),
    "rounded": st.booleans(),
}


@given(**SHAPES)
def test_phases_that_meet_have_no_jump(rise, fall, warmup, total, peak, rounded):
    rates = curve(rise, fall, warmup, total, warmup, peak)
    assert list(jumps([single(rate) for rate in rates] if rounded else rates)) == []


@given(**SHAPES)
def test_a_decay_that_skips_its_beginning_jumps_where_the_warmup_ends(rise, fall, warmup, total, peak, rounded):
    rates = curve(rise, fall, warmup, total, 0, peak)
    rates = [single(rate) for rate in rates] if rounded else rates
    missed = (rates[warmup - 1] - rates[warmup]) / peak
    later = abs(rates[warmup + 3] - rates[warmup + 2]) / peak
    found = [(jump.behind, jump.step) for jump in jumps(rates)]
    assert found == ([("ramp", warmup - 1)] if missed > max(0.02, 2 * later) else [])


@pytest.mark.parametrize(
    "rates",
    [
        [0.1 * 0.5 ** (k // 20) for k in range(100)],
        [0.1 * (k + 1) / 100 * (0.3 if k > 40 else 1.0) for k in range(100)],
        [0.1 * 0.5 * (1 + math.cos(math.pi * (k % 25) / 25)) for k in range(100)],
        [0.1 * (k % 25 + 1) / 25 for k in range(100)],
        [0.01] * 10 + [0.1] * 90,
    ],
    ids=["stairs", "a stair on a ramp", "restarts", "a saw", "a constant warmup"],
)
def test_what_is_meant_is_no_jump(rates):
    assert list(jumps(rates)) == []


def test_the_phase_before_a_jump_is_told():
    hold = [1.0] * 20 + [0.6 - 0.005 * k for k in range(60)]
    floor = [1 - 0.01 * k for k in range(60)] + [0.1] * 20
    decay = [1 - 0.01 * k for k in range(30)] + [0.5 - 0.01 * k for k in range(30)]
    assert [[(jump.behind, jump.step) for jump in jumps(rates)] for rates in (hold, floor, decay)] == [
        [("hold", 19)],
        [("floor", 59)],
        [("decay", 29)],
    ]


def test_a_rate_that_moves_once_an_epoch_is_looked_at_once_an_epoch():
    rates = [0.1 * min(1.0, (k // 5 + 1) / 6) * (0.7 if k >= 30 else 1.0) * 0.99 ** (k // 5) for k in range(200)]
    assert turns(rates)[:4] == [0, 5, 10, 15]
    assert [jump.step for jump in jumps(rates)] == [29]


def test_rounding_alone_is_no_move():
    assert moves([single(0.1)] * 3) == [0.0, 0.0]
    assert rounding([single(0.1), single(0.07)]) > rounding([0.1, 0.07])


def test_restarts_are_the_steps_back_at_the_peak():
    assert restarts([0.5 * (1 + math.cos(math.pi * (k % 10) / 10)) for k in range(35)]) == [10, 20, 30]


@given(warmup=st.integers(500, 20_000), start=st.booleans())
def test_a_long_run_is_judged_where_its_phases_may_meet(warmup, start):
    total = 100_000
    at = meetings([], {"warmup_steps": warmup, "total_steps": total})
    begin = warmup if start else 0

    def rate(k: int) -> float:
        return (k + 1) / warmup if k < warmup else 0.5 * (1 + math.cos(math.pi * (k - begin) / (total - begin)))

    assert {warmup - 1, warmup, total} <= set(at)
    found = [at[jump.step] for jump in sampled_jumps(at, [rate(min(k, total)) for k in at])]
    assert found == ([] if start or 1 - rate(warmup) <= 0.003 else [warmup - 1])


def test_a_curve_that_moves_once_an_epoch_behind_a_ramp_over_steps_is_looked_at_step_by_step():
    ramp = [0.1 + 0.01 * k for k in range(10)]
    stairs = [0.1 * 0.9 ** (k // 9) for k in range(600)]
    assert turns(ramp + stairs)[:3] == [0, 1, 2]
    assert [jump.step for jump in jumps(ramp + stairs)] == [9]
    assert turns(stairs)[:3] == [0, 9, 18]
