"""Promise 1 through whole lives of a run: every order of building and loading, side by side with torch's own."""

from __future__ import annotations

import copy
import io
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the schedulers are torch classes")
from torch.optim import lr_scheduler

from lrfix import schedulers, schedules

BASES = (0.1, 0.03)
TOTAL, WARMUP = 60, 10


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # SequentialLR of torch 2.8 and older, about itself.
        warnings.filterwarnings("ignore", "The epoch parameter in", UserWarning)
        yield


def optimizer(bases=BASES, tensors=()):
    groups = [
        {
            "params": [torch.nn.Parameter(torch.ones(3))],
            "lr": torch.tensor(b, dtype=torch.float64) if i in tensors else b,
        }
        for i, b in enumerate(bases)
    ]
    return torch.optim.SGD(groups, lr=0.5, momentum=0.9)


def rates(opt):
    return [float(group["lr"]) for group in opt.param_groups]


def walk(opt, scheduler, count):
    seen = [rates(opt)]
    for _ in range(count):
        opt.step()
        scheduler.step()
        seen.append(rates(opt))
    return seen


# Name of an order -> how a new optimizer and scheduler come to stand where the saved ones stood.
def _optimizer_first(make, new, saved, k):
    new.load_state_dict(saved[0])
    scheduler = make(new)
    scheduler.load_state_dict(saved[1])
    return scheduler


def _built_then_optimizer_then_scheduler(make, new, saved, k):
    scheduler = make(new)
    new.load_state_dict(saved[0])
    scheduler.load_state_dict(saved[1])
    return scheduler


def _built_then_scheduler_then_optimizer(make, new, saved, k):
    scheduler = make(new)
    scheduler.load_state_dict(saved[1])
    new.load_state_dict(saved[0])
    return scheduler


def _scheduler_only(make, new, saved, k):
    scheduler = make(new)
    scheduler.load_state_dict(saved[1])
    return scheduler


def _last_epoch(make, new, saved, k):
    new.load_state_dict(saved[0])
    return make(new, last_epoch=k - 1)


ORDERS = {
    "optimizer first": _optimizer_first,
    "build, load optimizer, load scheduler": _built_then_optimizer_then_scheduler,
    "build, load scheduler, load optimizer": _built_then_scheduler_then_optimizer,
    "scheduler only": _scheduler_only,
    "last_epoch": _last_epoch,
}


def of_torch(opt, last_epoch=-1):
    parts = [
        lr_scheduler.LinearLR(opt, 0.1, total_iters=WARMUP, last_epoch=last_epoch),
        lr_scheduler.CosineAnnealingLR(opt, TOTAL - WARMUP, last_epoch=last_epoch),
    ]
    return lr_scheduler.SequentialLR(opt, parts, milestones=[WARMUP], last_epoch=last_epoch)


def steps_that_resume_exactly(make, order, tensors):
    """Of the steps 1 to TOTAL - 1, those at which a resume gives the rates of the whole run, to its end."""
    whole = optimizer(tensors=tensors)
    expected = walk(whole, make(whole), TOTAL)
    exact = []
    opt = optimizer(tensors=tensors)
    scheduler = make(opt)
    for k in range(1, TOTAL):
        opt.step()
        scheduler.step()
        saved = copy.deepcopy(opt.state_dict()), copy.deepcopy(scheduler.state_dict())
        new = optimizer(tensors=tensors)
        with warnings.catch_warnings():
            # torch's own way to resume by last_epoch warns about itself.
            warnings.simplefilter("ignore")
            resumed = ORDERS[order](make, new, saved, k)
            if walk(new, resumed, TOTAL - k) == expected[k:]:
                exact.append(k)
    return exact


TORCH_IS_WRONG = ("optimizer first", "scheduler only", "last_epoch")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("tensors", [(), (0, 1)], ids=["floats", "tensors"])
def test_promise_1_side_by_side_with_torchs_linear_and_cosine_in_sequence(bundle, order, tensors):
    def ours(opt, last_epoch=-1):
        return bundle.WarmupCosineLR(
            opt, TOTAL, warmup_steps=WARMUP, warmup_start_factor=0.1, last_epoch=last_epoch
        )  # fmt: skip

    assert steps_that_resume_exactly(ours, order, tensors) == list(range(1, TOTAL))
    if order in TORCH_IS_WRONG:
        # Of 59 steps; none at all since torch 2.10.
        assert len(steps_that_resume_exactly(of_torch, order, tensors)) < 12


@pytest.mark.parametrize("order", ["build, load optimizer, load scheduler", "scheduler only"])
def test_promise_1_the_base_rates_are_the_saved_ones_whatever_the_new_optimizer_was_built_with(bundle, order):
    def make(opt):
        return bundle.WarmupCosineLR(opt, TOTAL, warmup_steps=WARMUP)

    whole = optimizer()
    expected = walk(whole, make(whole), TOTAL)
    opt = optimizer()
    scheduler = make(opt)
    walk(opt, scheduler, 25)
    saved = copy.deepcopy(opt.state_dict()), scheduler.state_dict()
    new = optimizer((0.7, 0.9))
    resumed = ORDERS[order](make, new, saved, 25)
    assert [group["initial_lr"] for group in new.param_groups] == list(BASES)
    assert walk(new, resumed, TOTAL - 25) == expected[25:]
    # What is built on this optimizer next, as people do to begin another phase, starts from the same base rates.
    assert bundle.WarmupConstantLR(new).base_lrs == list(BASES)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("bases", [(0.1,), (0.1, 0.03, 0.1), (0.1, 0.1, 0.2, 0.3, 0.1, 0.2, 0.05)], ids=len)
def test_promise_1_any_number_of_groups_floats_beside_tensors(bundle, order, bases):
    tensors = range(0, len(bases), 2)

    def make(opt, last_epoch=-1):
        return bundle.WarmupCosineRestartsLR(
            opt, 7, 2, cycle_decay=0.8, warmup_steps=3, eta_min_ratio=0.1, last_epoch=last_epoch
        )

    opt = optimizer(bases, tensors)
    scheduler = make(opt)
    for k in range(1, 31):
        opt.step()
        scheduler.step()
        saved = copy.deepcopy(opt.state_dict()), scheduler.state_dict()
        new = optimizer(bases, tensors)
        resumed = ORDERS[order](make, new, saved, k)
        walk(new, resumed, 3)
        assert rates(new) == [
            schedules.warmup_cosine_restarts(
                k + 3, T_0=7, T_mult=2, cycle_decay=0.8, warmup_steps=3, peak=b, eta_min=0.1 * b
            )
            for b in bases
        ]


@pytest.mark.parametrize("order", ORDERS)
def test_promise_1_the_weights_of_a_resumed_run_are_those_of_the_whole_run(bundle, order):
    def model():
        torch.manual_seed(7)
        return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))

    def make(opt, last_epoch=-1):
        return bundle.WarmupCosineLR(opt, 20, warmup_steps=5, eta_min_ratio=0.1, last_epoch=last_epoch)

    def adam(net):
        return torch.optim.AdamW([{"params": net[0].parameters(), "lr": 0.01}, {"params": net[2].parameters()}], lr=0.1)

    def train(net, opt, scheduler, first, last):
        for k in range(first, last):
            batch = torch.randn(8, 4, generator=torch.Generator().manual_seed(k))
            opt.zero_grad()
            net(batch).square().mean().backward()
            opt.step()
            scheduler.step()
        return [parameter.detach().clone() for parameter in net.parameters()]

    net = model()
    opt = adam(net)
    expected = train(net, opt, make(opt), 0, 20)
    for k in (1, 4, 5, 6, 13, 19):
        net = model()
        opt = adam(net)
        scheduler = make(opt)
        train(net, opt, scheduler, 0, k)
        again = copy.deepcopy(net)
        new = adam(again)
        if order == "scheduler only":
            # The moments belong to the optimizer; its rates do not come from this load.
            saved = copy.deepcopy(opt.state_dict())
            for group in saved["param_groups"]:
                group["lr"], group["initial_lr"] = 123.0, group["initial_lr"]
            new.load_state_dict(saved)
        saved = copy.deepcopy(opt.state_dict()), scheduler.state_dict()
        resumed = ORDERS[order](make, new, saved, k)
        weights = train(again, new, resumed, k, 20)
        assert all(torch.equal(a, b) for a, b in zip(weights, expected, strict=True))


def through_a_file(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


LIVES = st.lists(
    st.one_of(
        st.integers(1, 9).map(lambda n: ("steps", n)),
        st.integers(0, 90).map(lambda k: ("jump", k)),
        st.sampled_from([order for order in ORDERS if order != "last_epoch"]).map(lambda order: ("resume", order)),
        st.just(("look", 0)),
        st.just(("meddle", 0)),
    ),
    max_size=12,
)


@settings(max_examples=80, deadline=None)
@given(LIVES, st.sampled_from([(), (0,), (0, 1)]))
def test_promise_1_whatever_happened_before_the_rates_are_those_of_the_step(bundle, life, tensors):
    """Steps, jumps, resumes in any order, rates overwritten by other hands: none of it leaves a trace."""
    arguments = {"T_0": 6, "T_mult": 2, "cycle_decay": 0.7, "warmup_steps": 3, "warmup_cycles": "every"}

    def make(opt):
        return bundle.WarmupCosineRestartsLR(opt, **arguments)

    opt = optimizer(tensors=tensors)
    scheduler = make(opt)
    opt.step()
    scheduler.step()
    k = 1
    for event, value in life:
        if event == "steps":
            for _ in range(value):
                opt.step()
                scheduler.step()
            k += value
        elif event == "jump":
            scheduler.step(value)
            k = value
        elif event == "resume":
            saved = through_a_file((opt.state_dict(), scheduler.state_dict()))
            opt = optimizer(tensors=tensors)
            scheduler = ORDERS[value](make, opt, saved, k)
        elif event == "look":
            assert scheduler.get_lr() == scheduler.get_lr() == scheduler.get_last_lr()
        else:
            for group in opt.param_groups:
                group["lr"] = 5.0 * group["lr"]
            opt.step()
            scheduler.step()
            k += 1
        assert scheduler.last_epoch == k
        assert rates(opt) == [schedules.warmup_cosine_restarts(k, peak=b, **arguments) for b in BASES]


def test_a_resumed_run_does_not_warn_about_the_order_of_steps(bundle):
    opt = optimizer()
    scheduler = bundle.WarmupCosineLR(opt, TOTAL)
    walk(opt, scheduler, 5)
    new = optimizer()
    resumed = bundle.WarmupCosineLR(new, TOTAL)
    resumed.load_state_dict(scheduler.state_dict())
    # The first step after loading need not follow a call of optimizer.step(): that was in the run before.
    resumed.step()
    assert resumed.last_epoch == 6


def test_the_same_classes_are_under_test_installed_and_vendored(bundle):
    assert {name for name in dir(bundle) if name.endswith("LR") and name.startswith("Warmup")} == {
        name for name in schedulers.__all__ if name.endswith("LR")
    }
