"""Promise 8: a step() costs no more than that of torch's LambdaLR with the same curve written by hand.

A machine that does other things can only make a measurement longer. So each side's best round counts, and a comparison
that comes out wrong is repeated: what is really too dear stays so.
"""

from __future__ import annotations

import bisect
import gc
import math
import time

import pytest

torch = pytest.importorskip("torch", reason="the schedulers are torch classes")
from torch.optim import lr_scheduler

W, T = 10, 1_000_000
D = T - W
ATTEMPTS = 12
# The time of this thread where its clock is fine enough: other processes then do not count.
CLOCK = time.thread_time if time.get_clock_info("thread_time").resolution <= 1e-6 else time.perf_counter
# LambdaLR of torch before 2.10 does less per step; with one group and a float, the difference is half a microsecond.
LIMIT = 1.0 if hasattr(lr_scheduler, "_update_param_group_val") else 1.4
MILESTONES = [10_000, 20_000, 30_000]


def after_warmup(decay):
    return lambda step: step / W if step < W else decay(step - W)


# Class -> how it is built, and the factor as people write it.
FAMILIES = {
    "WarmupConstantLR": ({}, lambda k: 1.0),
    "WarmupCosineLR": ({"total_steps": T}, lambda k: 0.5 * (1.0 + math.cos(math.pi * min(1.0, k / D)))),
    "WarmupLinearLR": ({"total_steps": T}, lambda k: max(0.0, (D - k) / D)),
    "WarmupPolynomialLR": ({"total_steps": T, "power": 0.9}, lambda k: max(0.0, (D - k) / D) ** 0.9),
    "WarmupStableDecayLR": (
        {"total_steps": T, "decay_steps": D, "decay": "1-sqrt"},
        lambda k: 1.0 - math.sqrt(min(1.0, k / D)),
    ),
    "WarmupExponentialLR": ({"gamma": 0.99999}, lambda k: 0.99999**k),
    "WarmupInverseSqrtLR": ({}, lambda k: math.sqrt(W / (k + W))),
    "WarmupStepLR": ({"step_size": 1000}, lambda k: 0.1 ** (k // 1000)),
    "WarmupMultiStepLR": ({"milestones": MILESTONES}, lambda k: 0.1 ** bisect.bisect_right(MILESTONES, k + W)),
    "WarmupCosineRestartsLR": ({"T_0": 500}, lambda k: 0.5 * (1.0 + math.cos(math.pi * (k % 500) / 500))),
}


def stepper(make, groups, tensor):
    rates = [0.1 / (1 + i / 7) for i in range(groups)]
    opt = torch.optim.SGD(
        [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": torch.tensor(r) if tensor else r} for r in rates]
    )
    scheduler = make(opt)
    opt.step()
    for _ in range(W + 5):
        scheduler.step()
    return scheduler.step


def ratio(ours, theirs, count, rounds=12):
    """Ours / theirs, each side's best of ``rounds`` in turn."""
    best = [math.inf, math.inf]
    gc.disable()
    try:
        for _ in range(rounds):
            for side, step in enumerate((ours, theirs)):
                begin = CLOCK()
                for _ in range(count):
                    step()
                best[side] = min(best[side], CLOCK() - begin)
    finally:
        gc.enable()
    return best[0] / best[1]


def lowest_ratio(bundle, name, groups, tensor):
    arguments, decay = FAMILIES[name]
    ours = stepper(lambda o: getattr(bundle, name)(o, warmup_steps=W, **arguments), groups, tensor)
    theirs = stepper(lambda o: lr_scheduler.LambdaLR(o, after_warmup(decay)), groups, tensor)
    count = max(4, (80 if tensor else 300) // groups)
    lowest = math.inf
    for _ in range(ATTEMPTS):
        lowest = min(lowest, ratio(ours, theirs, count))
        if lowest <= LIMIT:
            break
    return lowest


@pytest.mark.parametrize("groups", [1, 10, 100])
@pytest.mark.parametrize("tensor", [False, True], ids=["floats", "tensors"])
@pytest.mark.parametrize("name", ["WarmupCosineLR", "WarmupCosineRestartsLR"])
def test_promise_8_a_step_costs_no_more_than_lambda_lrs(bundle, name, groups, tensor):
    assert lowest_ratio(bundle, name, groups, tensor) <= LIMIT


@pytest.mark.parametrize("name", FAMILIES)
def test_promise_8_holds_for_every_family_with_one_group_which_is_the_dear_case(bundle, name):
    assert lowest_ratio(bundle, name, 1, False) <= LIMIT
