"""LR106: settings that are read at every step and change no rate."""

from __future__ import annotations

import pytest

POWER = """
    import math

    class Tail:
        def __init__(self, optimizer, length, p={default}):
            self.optimizer = optimizer
            self.length = length
            self.p = p
            self.bases = [group["lr"] for group in optimizer.param_groups]
            self.batch = 0

        def step(self):
            self.batch += 1
            x = max(self.batch, 0.1) / self.length
            factor = {factor}
            for group, base in zip(self.optimizer.param_groups, self.bases):
                group["lr"] = base * factor
"""
RESTARTS = """
    import math

    class Cycles:
        def __init__(self, optimizer, period, eta_min=0.0, weights=(1,)):
            self.optimizer = optimizer
            self.period = period
            self.eta_min = eta_min
            self.weights = weights
            self.bases = [group["lr"] for group in optimizer.param_groups]
            self.last_step = 0

        def {reader}(self):
            return {read}

        def step(self):
            self.last_step += 1
            weight = self.weights[0]
            floor = self.eta_min{times}
            share = 0.5 * (1 + math.cos(math.pi * min(self.last_step, self.period) / self.period))
            for group, base in zip(self.optimizer.param_groups, self.bases):
                group["lr"] = floor + (base * weight - floor) * share
"""


def lines(check, source: str) -> list[int]:
    return [f.span.start.line for f in check(source) if f.code == "LR106"]


@pytest.mark.parametrize("default", ["1.0", "0.5"])
def test_a_power_whose_formula_always_loses(check, default):
    always = "min((1 / x) ** self.p, math.exp(-x / math.e))"
    assert lines(check, POWER.format(default=default, factor=always)) == [15]


@pytest.mark.parametrize(
    ("default", "factor"),
    [
        ("1.0", "min((2 / (x + 2)) ** self.p, math.exp(-x / math.e))"),
        ("4.0", "min((1 / x) ** self.p, math.exp(-x / math.e))"),
        ("1.0", "(1 / (1 + x)) ** self.p"),
    ],
)
def test_a_power_that_wins_somewhere(check, default, factor):
    assert lines(check, POWER.format(default=default, factor=factor)) == []


@pytest.mark.parametrize(("times", "lost"), [(" * (1 - weight)", True), ("", False)])
def test_a_floor_that_the_usual_weight_takes_away(check, times, lost):
    source = RESTARTS.format(times=times, reader="period_of", read="self.period")
    assert lines(check, source) == ([19] if lost else [])


def test_reading_by_name_does_not_hide_a_curve(check):
    source = RESTARTS.format(times=" * (1 - weight)", reader="value_of", read="getattr(self.optimizer, 'defaults')")
    assert lines(check, source) == [19]
