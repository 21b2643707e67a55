"""Every family is known by its numbers alone: from one curve, rounded to single precision too; what is none is not."""

from __future__ import annotations

import math
import random
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lrfix import schedules
from lrfix.recognition.shapes import Curve, shape_of, united

STEPS = 260
CALLS = 1_000_000  # some tens of thousands for a curve with a name; a tenth of a second at worst
Rate = Callable[[int], float]
Names = dict[str, object]


def single(value: float) -> float:
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded


def family(rate: Rate | Sequence[float], names: Names | None = None, steps: int = STEPS) -> str:
    values = [rate(k) for k in range(steps)] if callable(rate) else list(rate)
    shape = shape_of([Curve(values, 0.1, names or {})])
    assert shape is not None
    return shape.family


@st.composite
def warmups(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    kind = draw(st.sampled_from(["", "linear-warmup", "exp-warmup"]))
    if not kind:
        return "", {}
    given_: dict[str, object] = {
        "warmup_steps": draw(st.integers(6, 40)),
        "warmup_progress": draw(st.sampled_from(schedules.WARMUP_PROGRESS)),
        "warmup_start": draw(st.floats(0.001, 0.05)),
    }
    if kind == "exp-warmup":
        given_["warmup_mode"] = "exponential"
    return f"{kind}+", given_


PEAKS = st.floats(0.08, 3.0)
TOTALS = st.integers(90, 220)
FLOORS = st.one_of(st.just(0.0), st.floats(1e-5, 0.02))
PROGRESS = st.sampled_from(schedules.DECAY_PROGRESS)


@dataclass(frozen=True)
class Case:
    """A schedule of a known family, and the lengths under the names a user would give them."""

    family: str
    function: Callable[..., float]
    arguments: Names
    names: Names

    def rate(self, k: int) -> float:
        return self.function(k, **self.arguments)


FINITE = {
    "cosine": schedules.warmup_cosine,
    "linear": schedules.warmup_linear,
    "poly": schedules.warmup_polynomial,
    "wsd": schedules.warmup_stable_decay,
}
ENDLESS = {
    "constant": schedules.warmup_constant,
    "exponential": schedules.warmup_exponential,
    "inverse-sqrt": schedules.warmup_inverse_sqrt,
    "step": schedules.warmup_step,
    "multistep": schedules.warmup_multistep,
}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    prefix, warmup = draw(warmups())
    name = draw(st.sampled_from([*FINITE, *ENDLESS]))
    arguments: Names = {**warmup, "peak": draw(PEAKS)}
    names: Names = {}
    if draw(st.booleans()) and "warmup_steps" in warmup:
        names["warmup_steps"] = warmup["warmup_steps"]
    if name in FINITE:
        names["total_steps"] = draw(TOTALS)
        arguments |= {
            "total_steps": names["total_steps"],
            "eta_min": draw(FLOORS),
            "decay_progress": draw(PROGRESS),
        }
    if name == "poly":
        arguments["power"] = draw(st.one_of(st.floats(0.4, 0.92), st.floats(1.1, 4.0)))
    elif name == "wsd":
        arguments |= {"decay": draw(st.sampled_from(schedules.DECAYS)), "decay_steps": draw(st.integers(20, 40))}
    elif name == "exponential":
        arguments["gamma"] = draw(st.floats(0.9, 0.995))
    elif name == "inverse-sqrt":
        arguments.setdefault("warmup_steps", 0)
        arguments["timescale"] = draw(st.integers(1, 40))
    elif name == "step":
        arguments |= {"step_size": draw(st.integers(15, 40)), "gamma": draw(st.floats(0.1, 0.8))}
    elif name == "multistep":
        gaps = draw(st.lists(st.integers(8, 60), min_size=2, max_size=3, unique=True))
        milestones = list(accumulate([draw(st.integers(45, 60)), *gaps]))
        arguments |= {"milestones": milestones, "gamma": draw(st.floats(0.1, 0.8))}
    told = f"constant+{arguments['decay']}" if name == "wsd" and not prefix and arguments["decay"] != "1-sqrt" else name
    return Case(prefix + told, {**FINITE, **ENDLESS}[name], arguments, names)


@given(case=cases())
@settings(max_examples=120, deadline=None)
def test_every_family_of_the_bundled_schedules(case: Case) -> None:
    assert family(case.rate, case.names) == case.family


@given(case=cases())
@settings(max_examples=80, deadline=None)
def test_every_family_in_single_precision(case: Case) -> None:
    assert family(lambda k: single(case.rate(k)), case.names) == case.family


@given(
    first=st.integers(15, 60),
    growth=st.sampled_from([1, 2]),
    shrink=st.sampled_from([1.0, 0.8]),
    warmup=st.sampled_from([0, 5]),
    every=st.booleans(),
    rounding=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_restarts(first: int, growth: int, shrink: float, warmup: int, every: bool, rounding: bool) -> None:
    def rate(k: int) -> float:
        value = schedules.warmup_cosine_restarts(
            k, T_0=first, T_mult=growth, cycle_decay=shrink, peak=0.3, warmup_steps=warmup, eta_min=0.001,
            warmup_start=0.001, warmup_cycles="every" if every else "first",
        )  # fmt: skip
        return single(value) if rounding else value

    wanted = "linear-warmup+cosine-restarts" if warmup else "cosine-restarts"
    assert family(rate) == wanted


@given(half=st.integers(5, 40), shrink=st.sampled_from([1.0, 0.7]), rounding=st.booleans())
@settings(max_examples=60, deadline=None)
def test_triangles(half: int, shrink: float, rounding: bool) -> None:
    def rate(k: int) -> float:
        cycle, position = divmod(k, 2 * half)
        value = 0.01 + 0.2 * shrink**cycle * (1 - abs(position - half) / half)
        return single(value) if rounding else value

    assert family(rate) == "cyclic"


@given(up=st.integers(15, 60), down=st.integers(60, 150), rounding=st.booleans())
@settings(max_examples=60, deadline=None)
def test_one_cycle(up: int, down: int, rounding: bool) -> None:
    def anneal(start: float, end: float, share: float) -> float:
        return end + (start - end) / 2 * (1 + math.cos(math.pi * share))

    def rate(k: int) -> float:
        value = anneal(0.01, 0.25, k / up) if k <= up else anneal(0.25, 1e-5, min((k - up) / down, 1.0))
        return single(value) if rounding else value

    assert family(rate) == "onecycle"


@given(seed=st.integers(0, 10_000))
@example(seed=4212).via("climbs in almost a straight line for four steps")
@settings(max_examples=20, deadline=None)
def test_noise_and_random_walks_are_no_family(seed: int) -> None:
    chance = random.Random(seed)
    noise = [chance.uniform(0.01, 0.1) for _ in range(STEPS)]
    assert family(noise) == "other"
    walk = list(accumulate((chance.gauss(0, 0.01) for _ in range(STEPS)), initial=1.0))
    assert family(walk) == "other"


@given(level=st.floats(1e-8, 10.0), steps=st.integers(2, 300))
@settings(deadline=None)
def test_a_rate_that_never_moves_is_constant(level: float, steps: int) -> None:
    assert family([level] * steps) == "constant"


@pytest.mark.parametrize(
    ("rate", "wanted"),
    [
        (lambda k: 0.1 * (1 + 0.1 * k) ** -0.75, "other"),
        (lambda k: 0.1 / (1 + 0.05 * k), "other"),
        (lambda k: 0.1 * math.exp(-((k / 90) ** 2)), "other"),
        (lambda k: 0.1 * (1 - k / 300) * (1 + math.cos(math.pi * k / 300)) / 2, "other"),
        (lambda k: 0.1 * min(1.0, ((k + 1) / 40) ** 2), "other+constant"),
    ],
)
def test_look_alikes_are_not_taken_for_a_family(rate: Rate, wanted: str) -> None:
    assert family(rate) == wanted


def cosine(share: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * min(max(share, 0.0), 1.0)))


MEANT: list[tuple[str, Rate, Names, str]] = [
    ("cosine counted from step 0", lambda k: 0.1 * k / 20 if k < 20 else 0.1 * cosine(k / 200), {},
     "linear-warmup+cosine"),
    ("warmup towards another peak", lambda k: 0.3 * k / 20 if k < 20 else 0.1 * cosine((k - 20) / 180), {},
     "linear-warmup+cosine"),
    ("a spike where phases meet", lambda k: 1.0 if k == 20 else 0.1 * min(k / 20, math.sqrt(20 / max(k, 1))), {},
     "linear-warmup+inverse-sqrt"),
    ("rebound past the horizon", lambda k: 0.1 * (1 + math.cos(math.pi * k / 90)) / 2, {"total_steps": 90}, "cosine"),
    ("below zero past the horizon", lambda k: 0.1 * (1 - k / 90), {"total_steps": 90}, "linear"),
    ("a first rate before any schedule", lambda k: 0.1 if k == 0 else 0.1 * min(k / 20, 1.0) * cosine((k - 20) / 180),
     {}, "linear-warmup+cosine"),
    ("a constant rate as warmup", lambda k: 0.001 if k < 20 else 0.1 * cosine((k - 20) / 180), {}, "cosine"),
    ("warmup that multiplies the decay", lambda k: min(1, (k + 1) / 16) * 0.1 * (1 - k / 260) ** 0.9, {},
     "linear-warmup+poly"),
    ("rates of an epoch", lambda k: 0.1 * cosine(k // 5 / 50), {}, "cosine"),
    ("warmup a step, decay an epoch", lambda k: 0.1 * k / 20 if k < 20 else 0.1 * cosine((k // 5 - 4) / 40), {},
     "linear-warmup+cosine"),
    ("another level past the horizon", lambda k: 0.1 if k < 90 else 0.001, {"max_steps": 90}, "constant"),
    ("held, then a power", lambda k: 0.1 * min(1.0, math.sqrt(30 / (k + 1))), {"warmup_steps": 30},
     "constant+inverse-sqrt"),
    ("geometric each epoch", lambda k: 0.1 * 0.9 ** (k // 4), {"len(loader)": 4}, "exponential"),
    ("geometric each period", lambda k: 0.1 * 0.5 ** (k // 30), {}, "step"),
    ("half a warmup", lambda k: 0.01 + 0.001 * k, {"warmup": 1000}, "linear-warmup"),
    ("a decay for as many epochs again", lambda k: 0.1 * (1 - max(0, k - 90) / 80),
     {"n_epochs": 90, "n_epochs_more": 80}, "constant+linear"),
    ("two places among the epochs", lambda k: 0.1 * 0.5 ** ((k >= 40) + (k >= 97)), {"lr_epochs": [40, 97]},
     "multistep"),
    ("an epoch of few steps", lambda k: 0.1 * cosine(k / 200), {"num_iter": 3, "max_steps": 200}, "cosine"),
    ("towards the rate, slower and slower", lambda k: 0.1 * (1 - 0.9 ** (k + 1)), {"warmup": 0.9},
     "exp-warmup+constant"),
    ("growth to test rates", lambda k: 1e-5 * 1.04**k, {}, "exponential"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "rate", "names", "wanted"), MEANT, ids=[what for what, *_ in MEANT])
def test_a_curve_is_named_by_what_was_meant(what: str, rate: Rate, names: Names, wanted: str) -> None:
    assert family(rate, names) == wanted


def test_runs_with_special_values_do_not_decide() -> None:
    def curve(warmup: int, power: float) -> Curve:
        values = [schedules.warmup_polynomial(k, total_steps=200, warmup_steps=warmup, power=power) for k in range(240)]
        return Curve(values, 1.0, {"warmup": warmup})

    shape = shape_of([curve(0, 2.0), curve(12, 1.0), curve(17, 0.9)])
    assert shape is not None
    assert shape.family == "linear-warmup+poly"


@given(
    values=st.one_of(
        st.lists(st.floats(-1e100, 1e100), max_size=120),
        st.lists(st.sampled_from([0.0, -1.0, 1.0, 1e-300, 1e100, 0.1]), max_size=60),
        st.lists(st.floats(0, 1), min_size=3, max_size=8).map(lambda parts: [p for part in parts for p in [part] * 9]),
        st.lists(st.floats(-1, 1), min_size=2, max_size=6).map(
            lambda slopes: list(accumulate(s for s in slopes for _ in range(11)))
        ),
    ),
    ends=st.lists(st.one_of(st.integers(-5, 10**9), st.floats(0, 1e6)), max_size=3),
)
@settings(max_examples=200, deadline=None)
def test_no_curve_and_no_values_break_it(values: list[float], ends: list[float]) -> None:
    names: Names = {f"total_steps[{i}]": end for i, end in enumerate(ends)} | {"warmup": 3, "milestones": [2, "x"]}
    shape = shape_of([Curve(values, 0.1, names)])
    assert shape is None or shape.family


def test_a_factor_that_piles_up_is_named_by_the_factor() -> None:
    rates = list(
        accumulate((cosine((k + 1) / 120) for k in range(119)), lambda rate, factor: rate * factor, initial=0.1)
    )
    assert family(rates) == "cosine"


def test_boundaries_are_told_in_the_users_own_words() -> None:
    def curve(warmup: int, total: int) -> Curve:
        values = [0.1 * schedules.warmup_cosine(k, total_steps=total, warmup_steps=warmup) for k in range(240)]
        return Curve(values, 0.1, {"args.warmup": warmup, "steps": total, "seed": 3})

    shape = shape_of([curve(11, 97), curve(7, 89), curve(13, 101)])
    assert shape is not None
    assert shape.parameters == {"warmup_steps": "args.warmup", "total_steps": "steps"}


def test_too_short_a_curve_has_no_shape() -> None:
    assert shape_of([Curve([0.1, 0.2, 0.15])]) is None
    assert shape_of([]) is None


def test_schedules_of_one_site_are_joined() -> None:
    assert united(["linear", "linear-warmup+cosine", "linear-warmup+linear"]) == "linear-warmup+linear+cosine"
    assert united(["other", "cosine"]) == "cosine+other"


def test_naming_a_curve_takes_few_calls() -> None:
    chance = random.Random(7)
    curves = [
        [schedules.warmup_cosine(k, total_steps=900, warmup_steps=50) for k in range(1400)],
        [schedules.warmup_polynomial(k, total_steps=900, power=0.9) for k in range(1400)],
        [1 - abs(k % 46 - 23) / 23 for k in range(1400)],
        [chance.random() for _ in range(1400)],
    ]
    for values in curves:
        assert _calls(values) < CALLS


def _calls(values: list[float]) -> int:
    """How many calls, of Python's functions and of built-in ones, naming a curve takes."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        shape_of([Curve(values)])
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "names", [{"total_steps": math.inf}, {"epochs": 1e200, "len(loader)": 1e200}, {"total_steps": 10**400}]
)
def test_lengths_without_end_point_nothing_out(names: Names) -> None:
    assert family(lambda k: max(0.1 * (1 - k / 100), 0.0), names) == family(lambda k: max(0.1 * (1 - k / 100), 0.0))
