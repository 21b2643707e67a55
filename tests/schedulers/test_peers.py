"""Promise 4 against the packages themselves, where they are installed: equal where they are right, named where not.

``test_schedulers.py`` has the same curves written out, so that something is compared on every machine.
"""

from __future__ import annotations

import importlib
import math
import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the schedulers are torch classes")

BASES = (0.1, 0.03)


def package(name):
    try:
        return importlib.import_module(name)
    except Exception as error:  # a timm whose torchvision does not fit this torch fails with RuntimeError
        pytest.skip(f"{name} cannot be imported: {type(error).__name__}: {error}")


@pytest.fixture(scope="module")
def transformers():
    return package("transformers")


@pytest.fixture(scope="module")
def timm():
    return package("timm.scheduler")


def optimizer():
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.ones(1))], "lr": b} for b in BASES], lr=0.1)


def walk(make, count, told=False):
    """The rates of every group at steps 0 to ``count``; timm's schedulers are told the step."""
    opt = optimizer()
    scheduler = make(opt)
    seen = []
    for k in range(count + 1):
        seen.append([group["lr"] for group in opt.param_groups])
        opt.step()
        scheduler.step(*((k + 1,) if told else ()))
    return seen


def same(ours, theirs):
    """Apart by their own rounding at most: some units in the last place of the base rate."""
    return [
        k
        for k, (a, b) in enumerate(zip(ours, theirs, strict=True))
        if any(abs(x - y) > 64 * math.ulp(base) for x, y, base in zip(a, b, BASES, strict=True))
    ] == []


W, T = 10, 50
TRANSFORMERS = {
    "constant": (
        lambda t, o: t.get_constant_schedule_with_warmup(o, W),
        lambda b, o: b.WarmupConstantLR(o, warmup_steps=W),
    ),
    "linear": (
        lambda t, o: t.get_linear_schedule_with_warmup(o, W, T),
        lambda b, o: b.WarmupLinearLR(o, T, warmup_steps=W),
    ),
    "cosine": (
        lambda t, o: t.get_cosine_schedule_with_warmup(o, W, T),
        lambda b, o: b.WarmupCosineLR(o, T, warmup_steps=W),
    ),
    "cosine with a floor": (
        lambda t, o: t.get_cosine_with_min_lr_schedule_with_warmup(o, W, T, min_lr_rate=0.1),
        lambda b, o: b.WarmupCosineLR(o, T, warmup_steps=W, eta_min_ratio=0.1),
    ),
    "hard restarts": (
        lambda t, o: t.get_cosine_with_hard_restarts_schedule_with_warmup(o, W, T, 4),
        lambda b, o: b.WarmupCosineRestartsLR(o, (T - W) // 4, warmup_steps=W),
    ),
    "polynomial": (
        lambda t, o: t.get_polynomial_decay_schedule_with_warmup(o, W, T, lr_end=0.0, power=1.7),
        lambda b, o: b.WarmupPolynomialLR(o, T, 1.7, warmup_steps=W),
    ),
    "inverse square root": (
        lambda t, o: t.get_inverse_sqrt_schedule(o, W),
        lambda b, o: b.WarmupInverseSqrtLR(o, warmup_steps=W),
    ),
    "stable, then decay": (
        lambda t, o: t.get_wsd_schedule(o, W, 15, num_training_steps=T),
        lambda b, o: b.WarmupStableDecayLR(o, T, 15, warmup_steps=W),
    ),
}


@pytest.mark.parametrize("case", TRANSFORMERS)
def test_promise_4_equal_to_transformers_to_the_end_of_the_run(bundle, transformers, case):
    theirs, ours = TRANSFORMERS[case]
    last = T - 1 if case == "hard restarts" else T
    assert same(walk(lambda o: ours(bundle, o), last), walk(lambda o: theirs(transformers, o), last))


def test_promise_4_transformers_cosine_climbs_again_past_the_end_and_this_stays_at_the_floor(bundle, transformers):
    theirs = walk(lambda o: transformers.get_cosine_schedule_with_warmup(o, W, T), 2 * T)
    ours = walk(lambda o: bundle.WarmupCosineLR(o, T, warmup_steps=W), 2 * T)
    assert theirs[2 * T - W] == pytest.approx(list(BASES))
    assert ours[T:] == [[0.0, 0.0]] * (T + 1)


def test_promise_4_transformers_gives_every_group_a_floor_of_the_default_rate_and_this_its_own(bundle, transformers):
    theirs = walk(lambda o: transformers.get_polynomial_decay_schedule_with_warmup(o, W, T, lr_end=0.01), T)
    ours = walk(lambda o: bundle.WarmupPolynomialLR(o, T, warmup_steps=W, eta_min=0.01), T)
    assert theirs[T] == pytest.approx([0.01, 0.003])
    assert ours[T] == [0.01, 0.01]


TIMM = {
    "cosine": (
        lambda t, o: t.CosineLRScheduler(o, T - W, lr_min=1e-3, warmup_t=W, warmup_prefix=True, warmup_lr_init=1e-4),
        lambda b, o: b.WarmupCosineLR(o, T, warmup_steps=W, warmup_start_lr=1e-4, eta_min=1e-3),
    ),
    "cosine cycles that grow, peaks that decay": (
        lambda t, o: t.CosineLRScheduler(
            o, 8, warmup_t=W, warmup_prefix=True, cycle_mul=2.0, cycle_decay=0.5, cycle_limit=99
        ),
        lambda b, o: b.WarmupCosineRestartsLR(o, 8, 2, cycle_decay=0.5, warmup_steps=W),
    ),
    "step": (
        lambda t, o: t.StepLRScheduler(o, 7, 0.5),
        lambda b, o: b.WarmupStepLR(o, 7, 0.5),
    ),
    "multistep": (
        lambda t, o: t.MultiStepLRScheduler(o, [9, 20, 31], 0.5),
        lambda b, o: b.WarmupMultiStepLR(o, [8, 19, 30], 0.5),
    ),
    "polynomial": (
        lambda t, o: t.PolyLRScheduler(o, T - W, power=0.9, warmup_t=W, warmup_prefix=True),
        lambda b, o: b.WarmupPolynomialLR(o, T, 0.9, warmup_steps=W),
    ),
}


@pytest.mark.parametrize("case", TIMM)
def test_promise_4_equal_to_timm_to_the_end_of_the_run(bundle, timm, case):
    theirs, ours = TIMM[case]
    assert same(walk(lambda o: ours(bundle, o), T - 1), walk(lambda o: theirs(timm, o), T - 1, told=True))


def test_promise_3_timm_misses_a_restart_that_is_found_here(bundle, timm):
    def theirs(o):
        return timm.CosineLRScheduler(o, 1, cycle_mul=3.0, cycle_limit=99)

    # 121 = (3**5 - 1) / 2 begins the sixth cycle of 1, 3, 9, ... steps.
    assert walk(theirs, 121, told=True)[121][0] < 1e-3
    assert walk(lambda o: bundle.WarmupCosineRestartsLR(o, 1, 3), 121)[121] == list(BASES)


PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "schedules.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (torch|transformers|timm) `(.+?)` \| `(.+?)` \|", PAGE, re.M)
MEANING = {
    "W": W, "T": T, "d": 15, "n": 5, "m": 2, "c": 0.5, "f": 0.1, "r": 0.1, "eta_min": 1e-3, "lr_end": 0.0, "power": 1.7,
    "gamma": 0.7, "milestones": [9, 20, 31], "T_0": 4, "T_mult": 2,
}  # fmt: skip
MODULES = {"torch": "torch.optim.lr_scheduler", "transformers": "transformers", "timm": "timm.scheduler"}


@pytest.mark.parametrize(("owner", "now", "then"), ROWS, ids=[now.split("(")[0] for _, now, _ in ROWS])
def test_promise_4_what_the_page_says_one_has_now_is_what_it_becomes(bundle, owner, now, then):
    module = package(MODULES[owner])

    def called(text, place):
        def make(o):
            classes = {name: getattr(place, name) for name in re.findall(r"\w+(?=\()", text)}
            return eval(text, {**classes, **MEANING, "o": o})

        return make

    ours, theirs = called(then, bundle), called(now, module)
    assert same(walk(ours, T - 1), walk(theirs, T - 1, told=owner == "timm"))


def test_the_page_lists_torch_transformers_and_timm():
    assert {owner for owner, _, _ in ROWS} == set(MODULES)
    assert len(ROWS) >= 15
