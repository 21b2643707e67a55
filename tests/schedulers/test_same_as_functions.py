"""Every class is its function, bit for bit: any argument, any number of groups, any step up to 2**53, in any order."""

from __future__ import annotations

import inspect
import math
from decimal import Decimal, localcontext

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the schedulers are torch classes")

from lrfix import schedulers, schedules
from lrfix.proof.half_cosine import half_cosine

HORIZON = 2**53
lengths = st.one_of(st.integers(1, 30), st.integers(1, 10**5), st.integers(1, HORIZON), st.floats(0.03, 1e4))
gammas = st.one_of(st.floats(0.01, 1.0), st.floats(1e-15, 1e-3).map(lambda g: 1.0 - g))
decay_progress = st.sampled_from(schedules.DECAY_PROGRESS)
modes = st.sampled_from(schedules.ETA_MIN_MODES)

# Class -> its function and what its own arguments may be.
FAMILIES = {
    "WarmupConstantLR": ("warmup_constant", {}),
    "WarmupCosineLR": (
        "warmup_cosine",
        {
            "total_steps": lengths,
            "decay_progress": decay_progress,
            "num_cycles": st.sampled_from([0.5, 1, 0.25, 1.7, 0]),
            "eta_min_mode": modes,
        },
    ),
    "WarmupLinearLR": (
        "warmup_linear",
        {"total_steps": lengths, "decay_progress": decay_progress, "eta_min_mode": modes},
    ),
    "WarmupPolynomialLR": (
        "warmup_polynomial",
        {
            "total_steps": lengths,
            "power": st.just(0.0) | st.floats(0.05, 20.0),
            "decay_progress": decay_progress,
            "eta_min_mode": modes,
        },
    ),
    "WarmupStableDecayLR": (
        "warmup_stable_decay",
        {
            "total_steps": lengths,
            "decay_steps": lengths,
            "decay": st.sampled_from(schedules.DECAYS),
            "decay_progress": decay_progress,
        },
    ),
    "WarmupExponentialLR": ("warmup_exponential", {"gamma": gammas}),
    "WarmupInverseSqrtLR": (
        "warmup_inverse_sqrt",
        {"timescale": st.none() | lengths, "decay_progress": st.sampled_from(["k/D", "(k+1)/D"])},
    ),
    "WarmupStepLR": (
        "warmup_step",
        {"step_size": lengths, "gamma": gammas, "count_from": st.sampled_from(schedules.COUNT_FROM)},
    ),
    "WarmupMultiStepLR": (
        "warmup_multistep",
        {
            "milestones": st.lists(lengths, max_size=4).map(sorted),
            "gamma": gammas,
            "count_from": st.sampled_from(schedules.COUNT_FROM),
        },
    ),
    "WarmupCosineRestartsLR": (
        "warmup_cosine_restarts",
        {
            "T_0": st.one_of(st.integers(8, 10**6), st.floats(0.3, 1e4)),
            "T_mult": st.integers(1, 12),
            "cycle_decay": st.floats(0.2, 1.0),
            "warmup_cycles": st.sampled_from(schedules.WARMUP_CYCLES),
            "decay_progress": decay_progress,
        },
    ),
}


def optimizer(bases):
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.ones(1))], "lr": base} for base in bases], lr=1.0)


def per_group(values, groups):
    return st.one_of(values, st.lists(values, min_size=groups, max_size=groups))


def of_group(value, i):
    return value[i] if isinstance(value, list) else value


@st.composite
def settings_of_a_run(draw, cls):
    """Base rates, the constructor's arguments, and steps to ask for, forwards and backwards."""
    bases = draw(st.lists(st.sampled_from([0.1, 3e-4, 0.03, 1.0]), min_size=1, max_size=4))
    arguments = {name: draw(values) for name, values in FAMILIES[cls][1].items()}
    steps = draw(st.one_of(st.integers(0, 7), lengths))
    shares = st.floats(1e-6, 1.0)
    arguments.update(
        warmup_steps=steps,
        warmup_mode=draw(st.sampled_from(schedules.WARMUP_MODES)),
        warmup_progress=draw(st.sampled_from(schedules.WARMUP_PROGRESS)),
        warmup_start_factor=draw(per_group(shares, len(bases))),
        peak_factor=draw(per_group(st.floats(0.1, 3.0), len(bases))),
    )
    if cls != "WarmupConstantLR":
        arguments["eta_min_ratio"] = draw(per_group(shares | st.floats(1.0, 2.0), len(bases)))
    ends = [steps, arguments.get("total_steps", 0), arguments.get("T_0", 0) + steps]
    near = [max(end + d, 0) for end in ends for d in (-1, -0.5, 0, 0.5, 1)]
    asked = st.one_of(st.sampled_from(near), st.integers(0, 60), st.integers(0, HORIZON), st.floats(0.0, 1e4))
    return bases, arguments, draw(st.lists(asked, min_size=1, max_size=6))


def expected(cls, base, i, arguments, step):
    function = getattr(schedules, FAMILIES[cls][0])
    peak = base * of_group(arguments["peak_factor"], i)
    given_arguments = {
        name: value for name, value in arguments.items() if name in inspect.signature(function).parameters
    }
    if "eta_min_ratio" in arguments:
        given_arguments["eta_min"] = of_group(arguments["eta_min_ratio"], i) * peak
    return function(
        step, peak=peak, warmup_start=of_group(arguments["warmup_start_factor"], i) * peak, **given_arguments
    )


@pytest.mark.parametrize("cls", FAMILIES)
def test_promise_1_pure_in_step_and_base_rate_whatever_the_order_of_steps_and_the_number_of_groups(bundle, cls):
    @settings(max_examples=20, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(settings_of_a_run(cls))
    def holds(run):
        bases, arguments, steps = run
        opt = optimizer(bases)
        scheduler = getattr(bundle, cls)(opt, **arguments)
        for step in (0, *steps, *reversed(steps)):
            scheduler.step(step)
            rates = [group["lr"] for group in opt.param_groups]
            assert rates == [expected(cls, base, i, arguments, step) for i, base in enumerate(bases)]

    holds()


@pytest.mark.parametrize("cls", FAMILIES)
def test_every_argument_of_a_function_is_one_of_its_class(cls):
    theirs = set(inspect.signature(getattr(schedules, FAMILIES[cls][0])).parameters)
    ours = set(inspect.signature(getattr(schedulers, cls)).parameters)
    # What the optimizer knows or the class says in its own words.
    assert theirs - ours == {"step", "peak", "warmup_start"}
    assert {"eta_max", "peak_factor", "warmup_start_lr", "warmup_start_factor"} <= ours


@pytest.mark.parametrize("floor", [0.0, 1e-5])
@pytest.mark.parametrize("bases", [(0.1,), (0.1, 0.03)], ids=len)
def test_promise_2_a_class_is_as_accurate_as_its_function_at_the_tail_of_the_largest_horizon(bundle, bases, floor):
    opt = optimizer(bases)
    scheduler = bundle.WarmupCosineLR(opt, HORIZON, eta_min=floor)
    for left in (1, 2, 1000, 2**30, 2**51):
        scheduler.step(HORIZON - left)
        for group, base in zip(opt.param_groups, bases, strict=True):
            with localcontext() as context:
                context.prec = 75
                weight = half_cosine(HORIZON - left, HORIZON)
                exact = Decimal(floor) + (Decimal(base) - Decimal(floor)) * weight
            error = abs(Decimal(group["lr"]) - exact) / Decimal(math.ulp(float(exact)))
            assert error <= 0.52
