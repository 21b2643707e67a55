"""The torch schedulers: equal to the pure functions, sound through every resume, plain in their state."""

from __future__ import annotations

import copy
import io
import itertools
import json
import math
import pickle
import warnings
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the schedulers are torch classes")
from torch.optim import lr_scheduler

from lrfix import schedulers, schedules

STEPS = 40
FAMILIES = {
    "WarmupConstantLR": ("warmup_constant", {}),
    "WarmupCosineLR": ("warmup_cosine", {"total_steps": 30}),
    "WarmupLinearLR": ("warmup_linear", {"total_steps": 30}),
    "WarmupPolynomialLR": ("warmup_polynomial", {"total_steps": 30, "power": 2.5}),
    "WarmupStableDecayLR": ("warmup_stable_decay", {"total_steps": 30, "decay_steps": 12, "decay": "1-sqrt"}),
    "WarmupExponentialLR": ("warmup_exponential", {"gamma": 0.9}),
    "WarmupInverseSqrtLR": ("warmup_inverse_sqrt", {}),
    "WarmupStepLR": ("warmup_step", {"step_size": 7}),
    "WarmupMultiStepLR": ("warmup_multistep", {"milestones": [9, 9, 21]}),
    "WarmupCosineRestartsLR": ("warmup_cosine_restarts", {"T_0": 6, "T_mult": 2, "cycle_decay": 0.7}),
}
EVERY = {"T_0": 7, "T_mult": 2, "warmup_cycles": "every"}
BASES = (0.1, 0.03)


def optimizer(bases=BASES, tensor=False):
    groups = [
        {"params": [torch.nn.Parameter(torch.ones(2))], "lr": torch.tensor(b, dtype=torch.float64) if tensor else b}
        for b in bases
    ]
    return torch.optim.SGD(groups, lr=0.5, momentum=0.9)


def build(bundle, name, opt, **more):
    return getattr(bundle, name)(opt, **{"warmup_steps": 5, **FAMILIES[name][1], **more})


def rates(opt):
    return [float(group["lr"]) for group in opt.param_groups]


def walk(opt, scheduler, count):
    seen = [rates(opt)]
    for _ in range(count):
        opt.step()
        scheduler.step()
        seen.append(rates(opt))
    return seen


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # SequentialLR of torch 2.8 and older, about itself.
        warnings.filterwarnings("ignore", "The epoch parameter in", UserWarning)
        yield


@pytest.mark.parametrize("tensor", [False, True])
@pytest.mark.parametrize("name", FAMILIES)
def test_promise_1_every_rate_is_the_pure_functions_for_every_group(bundle, name, tensor):
    function, arguments = FAMILIES[name]
    opt = optimizer(tensor=tensor)
    seen = walk(opt, build(bundle, name, opt), STEPS)
    for k, pair in enumerate(seen):
        assert pair == [getattr(schedules, function)(k, peak=b, warmup_steps=5, **arguments) for b in BASES]


@settings(max_examples=75, deadline=None)
@given(
    st.integers(0, 12),
    st.sampled_from(schedules.WARMUP_PROGRESS),
    st.sampled_from(schedules.DECAY_PROGRESS),
    st.integers(1, 40),
    st.floats(0.0, 1.0),
    st.sampled_from(["linear", "exponential"]),
    st.integers(0, 60),
)
def test_promise_1_all_common_arguments_mean_what_they_mean_to_the_functions(w, progress, decay, total, ratio, mode, k):
    opt = optimizer()
    scheduler = schedulers.WarmupCosineLR(
        opt, total, decay_progress=decay, warmup_steps=w, warmup_start_factor=0.25, warmup_mode=mode,
        warmup_progress=progress, peak_factor=0.5, eta_min_ratio=ratio,
    )  # fmt: skip
    scheduler.step(k)
    for base, rate in zip(BASES, rates(opt), strict=True):
        peak = base * 0.5
        assert rate == schedules.warmup_cosine(
            k, total_steps=total, peak=peak, warmup_steps=w, warmup_start=0.25 * peak, warmup_mode=mode,
            warmup_progress=progress, decay_progress=decay, eta_min=ratio * peak,
        )  # fmt: skip


def resume(bundle, name, recipe, saved_optimizer, saved_scheduler, tensor, k):
    """A new optimizer and scheduler at step k, brought there in one of the orders people use."""
    opt = optimizer(tensor=tensor)
    if recipe == "optimizer loaded first":
        opt.load_state_dict(saved_optimizer)
        scheduler = build(bundle, name, opt)
        scheduler.load_state_dict(saved_scheduler)
    elif recipe == "built, optimizer, scheduler":
        scheduler = build(bundle, name, opt)
        opt.load_state_dict(saved_optimizer)
        scheduler.load_state_dict(saved_scheduler)
    elif recipe == "built, scheduler, optimizer":
        scheduler = build(bundle, name, opt)
        scheduler.load_state_dict(saved_scheduler)
        opt.load_state_dict(saved_optimizer)
    elif recipe == "scheduler only":
        scheduler = build(bundle, name, opt)
        scheduler.load_state_dict(saved_scheduler)
    else:
        assert recipe == "last_epoch"
        opt.load_state_dict(saved_optimizer)
        scheduler = build(bundle, name, opt, last_epoch=k - 1)
    return opt, scheduler


RECIPES = [
    "optimizer loaded first",
    "built, optimizer, scheduler",
    "built, scheduler, optimizer",
    "scheduler only",
    "last_epoch",
]


@pytest.mark.parametrize("tensor", [False, True])
@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", FAMILIES)
def test_promise_1_resume_at_every_step_in_every_order_is_bit_exact(bundle, name, recipe, tensor):
    opt = optimizer(tensor=tensor)
    scheduler = build(bundle, name, opt)
    states = []
    for _ in range(STEPS):
        states.append((copy.deepcopy(opt.state_dict()), copy.deepcopy(scheduler.state_dict())))
        opt.step()
        scheduler.step()
    whole = optimizer(tensor=tensor)
    expected = walk(whole, build(bundle, name, whole), STEPS)
    for k, (saved_optimizer, saved_scheduler) in enumerate(states):
        new, resumed = resume(bundle, name, recipe, saved_optimizer, saved_scheduler, tensor, k)
        assert resumed.last_epoch == k
        ahead = min(4, STEPS - k)
        assert walk(new, resumed, ahead) == expected[k : k + ahead + 1]
        assert resumed.get_last_lr() == rates(new)


def test_promise_1_torch_loses_the_run_where_this_resumes_exactly(bundle):
    """Side by side: the optimizer's state is loaded before the schedulers are built."""

    def torch_schedule(opt):
        parts = [lr_scheduler.LinearLR(opt, 0.1, total_iters=10), lr_scheduler.CosineAnnealingLR(opt, 50)]
        return lr_scheduler.SequentialLR(opt, parts, milestones=[10])

    def own_schedule(opt):
        return bundle.WarmupCosineLR(opt, 60, warmup_steps=10, warmup_start_factor=0.1)

    right = {}
    for make in (torch_schedule, own_schedule):
        whole = optimizer()
        expected = walk(whole, make(whole), 60)
        right[make] = 0
        for k in range(1, 60):
            opt = optimizer()
            scheduler = make(opt)
            walk(opt, scheduler, k)
            saved = copy.deepcopy(opt.state_dict()), copy.deepcopy(scheduler.state_dict())
            new = optimizer()
            new.load_state_dict(saved[0])
            resumed = make(new)
            resumed.load_state_dict(saved[1])
            right[make] += walk(new, resumed, 60 - k) == expected[k:]
    assert right[own_schedule] == 59
    assert right[torch_schedule] <= 1


@pytest.mark.parametrize("name", FAMILIES)
def test_promise_1_step_to_k_equals_k_steps_without_a_warning(bundle, name):
    one, many = optimizer(), optimizer()
    jumping, walking = build(bundle, name, one), build(bundle, name, many)
    expected = walk(many, walking, STEPS)
    for k in (17, 3, 40, 0, 8):
        jumping.step(k)
        assert rates(one) == expected[k]
        assert jumping.last_epoch == k


def test_promise_1_fractional_steps_are_taken_as_by_torchs_restarts(bundle):
    opt = optimizer()
    scheduler = bundle.WarmupCosineRestartsLR(opt, 6, 2, warmup_steps=5)
    for k in (0.5, 7.25, 11.0, 40.125):
        scheduler.step(k)
        assert rates(opt)[0] == schedules.warmup_cosine_restarts(k, T_0=6, T_mult=2, warmup_steps=5, peak=0.1)


@pytest.mark.parametrize("milestone", [1, 7])
def test_promise_1_exact_inside_sequential_lr_through_save_and_load(bundle, milestone):
    def make(opt, torch_last=False):
        first = bundle.WarmupConstantLR(opt, warmup_steps=milestone)
        second = lr_scheduler.ExponentialLR(opt, 0.9) if torch_last else bundle.WarmupCosineRestartsLR(opt, 6, 2)
        return lr_scheduler.SequentialLR(opt, [first, second], milestones=[milestone])

    for torch_last in (False, True):
        whole = optimizer()
        expected = walk(whole, make(whole, torch_last), 30)
        if not torch_last:
            for k, pair in enumerate(expected):
                assert pair == [
                    schedules.warmup_constant(k, warmup_steps=milestone, peak=b)
                    if k < milestone
                    else schedules.warmup_cosine_restarts(k - milestone, T_0=6, T_mult=2, peak=b)
                    for b in BASES
                ]
        for k in range(30):
            opt = optimizer()
            scheduler = make(opt, torch_last)
            walk(opt, scheduler, k)
            new = optimizer()
            resumed = make(new, torch_last)
            new.load_state_dict(opt.state_dict())
            resumed.load_state_dict(copy.deepcopy(scheduler.state_dict()))
            assert walk(new, resumed, 30 - k) == expected[k:]


def test_promise_1_exact_inside_chained_scheduler(bundle):
    opt = optimizer()
    chain = lr_scheduler.ChainedScheduler([build(bundle, "WarmupCosineLR", opt)], optimizer=opt)
    alone = optimizer()
    assert walk(opt, chain, STEPS) == walk(alone, build(bundle, "WarmupCosineLR", alone), STEPS)


def near(ours, theirs, ulp=64):
    return all(abs(a - b) <= ulp * math.ulp(0.1) for a, b in zip(ours, theirs, strict=True))


TORCH_EQUALS = {
    "CosineAnnealingLR": (
        lambda o: lr_scheduler.CosineAnnealingLR(o, 30, eta_min=0.001),
        lambda b, o: b.WarmupCosineLR(o, 30, eta_min=0.001),
        30,
    ),
    "CosineAnnealingWarmRestarts": (
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4, 2, eta_min=0.001),
        lambda b, o: b.WarmupCosineRestartsLR(o, 4, 2, eta_min=0.001),
        100,
    ),
    "LinearLR up": (
        lambda o: lr_scheduler.LinearLR(o, 0.1, total_iters=9),
        lambda b, o: b.WarmupConstantLR(o, warmup_steps=9, warmup_start_factor=0.1),
        20,
    ),
    "LinearLR down": (
        lambda o: lr_scheduler.LinearLR(o, 1.0, 0.25, total_iters=9),
        lambda b, o: b.WarmupLinearLR(o, 9, eta_min_ratio=0.25),
        20,
    ),
    "PolynomialLR": (
        lambda o: lr_scheduler.PolynomialLR(o, 30, power=0.9),
        lambda b, o: b.WarmupPolynomialLR(o, 30, power=0.9),
        40,
    ),
    "StepLR": (lambda o: lr_scheduler.StepLR(o, 7, 0.5), lambda b, o: b.WarmupStepLR(o, 7, 0.5), 60),
    "MultiStepLR": (
        lambda o: lr_scheduler.MultiStepLR(o, [3, 9, 9, 20]),
        lambda b, o: b.WarmupMultiStepLR(o, [9, 3, 20, 9]),
        30,
    ),
    "ExponentialLR": (lambda o: lr_scheduler.ExponentialLR(o, 0.9), lambda b, o: b.WarmupExponentialLR(o, 0.9), 60),
    "SequentialLR of LinearLR and CosineAnnealingLR": (
        lambda o: lr_scheduler.SequentialLR(
            o,
            [lr_scheduler.LinearLR(o, 0.1, total_iters=10), lr_scheduler.CosineAnnealingLR(o, 30)],
            milestones=[10],
        ),
        lambda b, o: b.WarmupCosineLR(o, 40, warmup_steps=10, warmup_start_factor=0.1),
        40,
    ),
    # transformers.get_cosine_schedule_with_warmup, get_linear_..., get_inverse_sqrt_schedule, written out
    "transformers cosine": (
        lambda o: lr_scheduler.LambdaLR(
            o, lambda k: k / 10 if k < 10 else max(0.0, 0.5 * (1.0 + math.cos(math.pi * (k - 10) / 30)))
        ),
        lambda b, o: b.WarmupCosineLR(o, 40, warmup_steps=10),
        40,
    ),
    "transformers linear": (
        lambda o: lr_scheduler.LambdaLR(o, lambda k: k / 10 if k < 10 else max(0.0, (40 - k) / 30)),
        lambda b, o: b.WarmupLinearLR(o, 40, warmup_steps=10),
        60,
    ),
    "transformers inverse sqrt": (
        lambda o: lr_scheduler.LambdaLR(o, lambda k: k / 10 if k < 10 else 1 / math.sqrt((k + 0) / 10)),
        lambda b, o: b.WarmupInverseSqrtLR(o, warmup_steps=10),
        60,
    ),
    # timm CosineLRScheduler(20, warmup_t=5, warmup_lr_init=1e-4, warmup_prefix=True, cycle_decay=.5, cycle_limit=3)
    "timm cosine": (
        lambda o: lr_scheduler.LambdaLR(
            o,
            [
                lambda k, b=b: (
                    (1e-4 + k * (b - 1e-4) / 5) / b
                    if k < 5
                    else 0.5 * 0.5 ** ((k - 5) // 20) * (1 + math.cos(math.pi * ((k - 5) % 20) / 20))
                )
                for b in BASES
            ],
        ),
        lambda b, o: b.WarmupCosineRestartsLR(o, 20, warmup_steps=5, warmup_start_lr=1e-4, cycle_decay=0.5),
        60,
    ),
}


@pytest.mark.parametrize("case", TORCH_EQUALS)
def test_promise_4_equal_to_others_where_they_are_right(bundle, case):
    theirs, ours, steps = TORCH_EQUALS[case]
    their_opt, our_opt = optimizer(), optimizer()
    expected = walk(their_opt, theirs(their_opt), steps)
    for k, (a, b) in enumerate(zip(walk(our_opt, ours(bundle, our_opt), steps), expected, strict=True)):
        assert near(a, b), k


def test_promise_4_torchs_cosine_rebounds_past_the_horizon_and_this_stays_at_the_floor(bundle):
    their_opt, our_opt = optimizer(), optimizer()
    theirs = walk(their_opt, lr_scheduler.CosineAnnealingLR(their_opt, 10), 20)
    ours = walk(our_opt, bundle.WarmupCosineLR(our_opt, 10), 20)
    assert theirs[20][0] > 0.09
    assert ours[10:] == [[0.0, 0.0]] * 11


def test_promise_3_torchs_restarts_miss_a_restart_that_is_found_here(bundle):
    their_opt, our_opt = optimizer(), optimizer()
    theirs = lr_scheduler.CosineAnnealingWarmRestarts(their_opt, 1, 3)
    ours = bundle.WarmupCosineRestartsLR(our_opt, 1, 3)
    theirs.step(121)
    ours.step(121)
    assert rates(their_opt)[0] < 1e-9
    assert rates(our_opt)[0] == 0.1


@pytest.mark.parametrize("name", FAMILIES)
def test_promise_5_tensors_are_filled_in_place_once_a_step_and_nothing_is_read_back(bundle, name, monkeypatch):
    opt = optimizer(tensor=True)
    scheduler = build(bundle, name, opt)
    tensors = [group["lr"] for group in opt.param_groups]
    opt.step()
    scheduler.step()
    calls = []

    class Recorder(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            calls.append((function.__name__, type(args[1]) if len(args) > 1 else None))
            return function(*args, **(kwargs or {}))

    with Recorder():
        scheduler.step()
    assert calls == [("fill_", float)] * len(tensors)
    assert all(group["lr"] is tensor for group, tensor in zip(opt.param_groups, tensors, strict=True))
    assert all(type(base) is float for base in scheduler.base_lrs)
    assert all(type(rate) is float for rate in scheduler.get_last_lr())


def test_promise_5_float32_tensors_hold_the_nearest_float32(bundle):
    parameter = torch.nn.Parameter(torch.ones(1))
    opt = torch.optim.SGD([parameter], lr=torch.tensor(0.1))
    scheduler = bundle.WarmupCosineLR(opt, 100)
    for _ in range(50):
        opt.step()
        scheduler.step()
        assert opt.param_groups[0]["lr"] == torch.tensor(scheduler.get_last_lr()[0], dtype=torch.float32)


@pytest.mark.parametrize("tensor", [False, True])
@pytest.mark.parametrize("name", FAMILIES)
def test_promise_6_the_state_is_plain_data_and_survives_every_format(bundle, name, tensor):
    opt = optimizer(tensor=tensor)
    scheduler = build(bundle, name, opt)
    walk(opt, scheduler, 13)
    state = scheduler.state_dict()

    def plain(value):
        if isinstance(value, dict):
            return all(type(key) is str and plain(item) for key, item in value.items())
        if isinstance(value, list):
            return all(map(plain, value))
        return value is None or type(value) in (int, float, str, bool)

    assert plain(state)
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    for copied in (
        torch.load(file, weights_only=True),
        json.loads(json.dumps(state)),
        pickle.loads(pickle.dumps(state)),
    ):
        assert copied == state
        new = optimizer(tensor=tensor)
        build(bundle, name, new).load_state_dict(copied)
        assert rates(new) == rates(opt)


def test_promise_6_a_saved_horizon_that_differs_is_refused_and_says_what_to_do(bundle):
    opt = optimizer()
    old = bundle.WarmupCosineLR(opt, 100)
    walk(opt, old, 10)
    new = optimizer()
    scheduler = bundle.WarmupCosineLR(new, 200)
    before = scheduler.state_dict()
    with pytest.raises(ValueError, match=r"total_steps \(saved 100, constructor 200\).*on_mismatch=\"saved\"") as error:
        scheduler.load_state_dict(old.state_dict())
    assert 'on_mismatch="constructor"' in str(error.value)
    assert scheduler.state_dict() == before
    assert rates(new) == list(BASES)


@pytest.mark.parametrize(("policy", "horizon"), [("saved", 100), ("constructor", 200)])
def test_promise_6_on_mismatch_decides_which_horizon_counts(bundle, policy, horizon):
    opt = optimizer()
    old = bundle.WarmupCosineLR(opt, 100)
    walk(opt, old, 10)
    new = optimizer()
    scheduler = bundle.WarmupCosineLR(new, 200, on_mismatch=policy)
    scheduler.load_state_dict(old.state_dict())
    assert rates(new) == [schedules.warmup_cosine(10, total_steps=horizon, peak=b) for b in BASES]
    assert scheduler.parameters["total_steps"] == horizon
    assert walk(new, scheduler, 5)[-1] == [schedules.warmup_cosine(15, total_steps=horizon, peak=b) for b in BASES]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 99}, "format_version=99, this lrfix reads 1"),
        ({"schedule": "WarmupLinearLR"}, "saved by a WarmupLinearLR, this is a WarmupCosineLR"),
        ({"last_epoch": math.nan}, "last_epoch=nan; legal"),
        ({"base_lrs": [0.1, 0.1, 0.1]}, "base rates for 3 parameter groups, the optimizer has 2"),
        ({"base_lrs": [-0.1, 0.1]}, "base rate -0.1; legal"),
    ],
)
def test_promise_6_a_state_that_does_not_fit_is_refused_and_changes_nothing(bundle, change, message):
    opt = optimizer()
    scheduler = bundle.WarmupCosineLR(opt, 100)
    before = scheduler.state_dict()
    with pytest.raises(ValueError) as error:
        scheduler.load_state_dict({**before, **change})
    assert message in str(error.value)
    assert scheduler.state_dict() == before


def test_promise_6_base_rates_that_no_warmup_leads_to_are_refused_and_change_nothing(bundle):
    opt = optimizer()
    scheduler = bundle.WarmupCosineLR(opt, 100, warmup_steps=5, warmup_start_lr=0.02, warmup_mode="exponential")
    before = scheduler.state_dict()
    with pytest.raises(ValueError, match=r"warmup_mode='exponential' and peak 0.0"):
        scheduler.load_state_dict({**before, "base_lrs": [0.1, 0.0], "last_epoch": 7})
    assert scheduler.state_dict() == before
    assert rates(opt) == [0.02, 0.02]
    assert [group["initial_lr"] for group in opt.param_groups] == list(BASES)


@pytest.mark.parametrize("state", [{}, {"best": 1.0}, []])
def test_promise_6_what_is_no_state_is_refused(bundle, state):
    with pytest.raises(ValueError, match="not the state of a scheduler"):
        bundle.WarmupCosineLR(optimizer(), 100).load_state_dict(state)


def test_promise_6_a_run_can_change_over_from_torchs_scheduler_in_the_middle(bundle):
    opt = optimizer()
    old = lr_scheduler.SequentialLR(
        opt, [lr_scheduler.LinearLR(opt, 0.1, total_iters=10), lr_scheduler.CosineAnnealingLR(opt, 30)], milestones=[10]
    )
    plain = optimizer()
    simple = lr_scheduler.LambdaLR(plain, lambda k: 0.5)  # lrfix: ignore[LR207]
    walk(opt, old, 25)
    walk(plain, simple, 25)
    for source in (old, simple):
        new = optimizer()
        scheduler = bundle.WarmupCosineLR(new, 40, warmup_steps=10, warmup_start_factor=0.1)
        scheduler.load_state_dict(copy.deepcopy(source.state_dict()))
        assert scheduler.last_epoch == 25
        assert near(rates(new), rates(opt))


def test_promise_6_parameters_of_the_same_name_in_a_torch_state_are_compared(bundle):
    opt = optimizer()
    state = lr_scheduler.CosineAnnealingWarmRestarts(opt, 4, 2).state_dict()
    with pytest.raises(ValueError, match=r"T_0 \(saved 4, constructor 5\)"):
        bundle.WarmupCosineRestartsLR(optimizer(), 5, 2).load_state_dict(state)


def test_promise_7_a_group_added_later_is_scheduled_from_the_next_step_on(bundle):
    for tensor in (False, True):
        opt = optimizer(tensor=tensor)
        scheduler = bundle.WarmupCosineLR(opt, 30, warmup_steps=5, eta_min=[0.001, 0.002])
        walk(opt, scheduler, 3)
        late = torch.tensor(0.7, dtype=torch.float64) if tensor else 0.7
        opt.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": late})
        for k, seen in enumerate(walk(opt, scheduler, 20)[1:], start=4):
            assert seen[2] == schedules.warmup_cosine(k, total_steps=30, warmup_steps=5, peak=0.7)
            assert seen[1] == schedules.warmup_cosine(k, total_steps=30, warmup_steps=5, peak=0.03, eta_min=0.002)
        new = optimizer((*BASES, 0.7), tensor=tensor)
        resumed = bundle.WarmupCosineLR(new, 30, warmup_steps=5, eta_min=[0.001, 0.002, 0.0], on_mismatch="constructor")
        resumed.load_state_dict(scheduler.state_dict())
        assert rates(new) == rates(opt)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("WarmupCosineLR", {"total_steps": -1}, "total_steps=-1; legal: a number of steps >= 0"),
        ("WarmupCosineLR", {"total_steps": math.inf}, "total_steps=inf; legal: a number of steps >= 0"),
        ("WarmupCosineLR", {"total_steps": None}, "total_steps=None; legal: a number of steps >= 0"),
        ("WarmupCosineLR", {"total_steps": "10"}, "total_steps='10'; legal: a number of steps >= 0"),
        ("WarmupCosineLR", {"warmup_steps": True}, "warmup_steps=True; legal: a number of steps >= 0"),
        ("WarmupCosineLR", {"warmup_start_factor": math.nan}, "warmup_start_factor=nan; legal: a finite number >= 0"),
        ("WarmupCosineLR", {"warmup_start_lr": -1e-3}, "warmup_start_lr=-0.001; legal: a finite rate >= 0"),
        (
            "WarmupCosineLR",
            {"warmup_start_lr": 1e-3, "warmup_start_factor": 0.1},
            "warmup_start_lr and warmup_start_factor exclude each other",
        ),
        ("WarmupCosineLR", {"eta_min": 0.1, "eta_min_ratio": 0.1}, "eta_min_ratio and eta_min exclude each other"),
        ("WarmupCosineLR", {"eta_max": 0.1, "peak_factor": 2.0}, "eta_max and peak_factor exclude each other"),
        ("WarmupCosineLR", {"eta_min": [0.0]}, "eta_min has 1 values; legal: one number, or one for each of the 2"),
        ("WarmupCosineLR", {"eta_min_ratio": -0.5}, "eta_min_ratio=-0.5; legal: a finite number >= 0"),
        ("WarmupCosineLR", {"eta_max": math.inf}, "eta_max=inf; legal: a finite rate >= 0"),
        ("WarmupCosineLR", {"warmup_mode": "cosine"}, "warmup_mode='cosine'; legal: 'linear', 'exponential'"),
        ("WarmupCosineLR", {"warmup_mode": "exponential"}, "warmup_start=0.0 with warmup_mode='exponential'"),
        ("WarmupCosineLR", {"warmup_progress": "k"}, "warmup_progress='k'; legal: 'k/W', '(k+1)/W'"),
        ("WarmupCosineLR", {"decay_progress": "k"}, "decay_progress='k'; legal: 'k/D', '(k+1)/D'"),
        ("WarmupCosineLR", {"on_mismatch": "ignore"}, "on_mismatch='ignore'; legal: 'error', 'saved', 'constructor'"),
        ("WarmupCosineLR", {"last_epoch": -2}, "last_epoch=-2; legal: a whole number >= -1"),
        ("WarmupPolynomialLR", {"power": -1}, "power=-1; legal: 0 <= power < 1e9"),
        ("WarmupExponentialLR", {"gamma": -1}, "gamma=-1; legal: a finite number >= 0"),
        ("WarmupStepLR", {"step_size": 0}, "step_size=0; legal: a number of steps > 0"),
        ("WarmupMultiStepLR", {"milestones": 9}, "milestones=9; legal: a list of numbers of steps"),
        ("WarmupStableDecayLR", {"decay": "exp"}, "decay='exp'; legal: 'cosine', 'linear', '1-sqrt'"),
        ("WarmupInverseSqrtLR", {"timescale": 0}, "timescale=0; legal: a number of steps > 0"),
        ("WarmupCosineRestartsLR", {"T_0": 0}, "T_0=0; legal: a number of steps > 0"),
        ("WarmupCosineRestartsLR", {"T_mult": 0.5}, "T_mult=0.5; legal: a whole number >= 1"),
        ("WarmupCosineRestartsLR", {"cycle_decay": 2}, "cycle_decay=2; legal: 0 < cycle_decay <= 1"),
    ],
)
def test_promise_7_constructor_errors_name_argument_value_and_legal_range(bundle, name, arguments, message):
    with pytest.raises(ValueError) as error:
        build(bundle, name, optimizer(), **arguments)
    assert message in str(error.value)


def test_promise_7_negative_steps_are_refused(bundle):
    with pytest.raises(ValueError, match="epoch=-3; legal: a step >= 0"):
        bundle.WarmupCosineLR(optimizer(), 10).step(-3)


def test_promise_7_last_epoch_without_initial_lr_is_refused_as_by_torch(bundle):
    with pytest.raises(KeyError, match="initial_lr"):
        bundle.WarmupCosineLR(optimizer(), 10, last_epoch=4)


def test_torchs_warning_about_the_order_of_calls_is_kept(bundle):
    scheduler = bundle.WarmupCosineLR(optimizer(), 10)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        scheduler.step()


def test_the_call_explains_itself(bundle):
    scheduler = bundle.WarmupCosineLR(optimizer(), total_steps=100, warmup_steps=10, eta_min=1e-3)
    assert repr(scheduler) == "WarmupCosineLR(total_steps=100, warmup_steps=10, eta_min=0.001)"


def test_warmup_in_every_cycle_equals_the_function(bundle):
    opt = optimizer()
    scheduler = bundle.WarmupCosineRestartsLR(opt, warmup_steps=3, **EVERY)
    for k, pair in enumerate(walk(opt, scheduler, 70)):
        assert pair == [schedules.warmup_cosine_restarts(k, warmup_steps=3, peak=b, **EVERY) for b in BASES]


def test_values_per_group(bundle):
    opt = optimizer()
    scheduler = bundle.WarmupLinearLR(
        opt, 10, warmup_steps=2, warmup_start_factor=[0.5, 0.0], eta_max=[1.0, 2.0], eta_min_ratio=[0.1, 0.0]
    )
    seen = walk(opt, scheduler, 10)
    assert seen[0] == [0.5, 0.0]
    assert seen[2] == [1.0, 2.0]
    assert seen[10] == [0.1, 0.0]
    assert all(a[0] >= b[0] for a, b in pairwise(seen[2:]))


def test_a_scheduler_can_be_copied_and_pickled_with_its_optimizer(bundle):
    opt = optimizer()
    scheduler = bundle.WarmupCosineLR(opt, 30)
    walk(opt, scheduler, 7)
    twin = copy.deepcopy(scheduler)
    assert twin.state_dict() == scheduler.state_dict()
    twin.step()
    assert twin.last_epoch == 8
    assert scheduler.last_epoch == 7


def test_every_class_takes_every_common_argument_by_keyword():
    common = {"warmup_steps": 3, "warmup_start_factor": 0.5, "warmup_mode": "exponential", "peak_factor": 2.0}
    for name, progress in itertools.product(FAMILIES, schedules.WARMUP_PROGRESS):
        opt = optimizer()
        scheduler = build(schedulers, name, opt, warmup_progress=progress, **common)
        scheduler.step(3)
        assert rates(opt)[0] <= 0.2
