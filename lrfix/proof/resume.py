"""Promise 1: a rate depends on the step and the base rate alone, so that any resume is exact."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch.optim import lr_scheduler

from lrfix import schedulers, schedules
from lrfix.proof.cases import BASES, FAMILIES, STEPS, WARMUP, Tally, build, optimizer_on, rates, walk

ORDERS = (
    "optimizer first",
    "built, then optimizer, then scheduler",
    "built, then scheduler, then optimizer",
    "scheduler only",
    "last_epoch",
    "step(k)",
)

Make = Callable[..., Any]


def resume_is_exact(tally: Tally, device: torch.device) -> str:
    """Every class, at every step, in every order; then inside SequentialLR; then torch's own for comparison."""
    for name in FAMILIES:
        for tensor in (False, True):
            _every_order(tally, device, name, tensor)
        _any_order_of_steps(tally, device, name)
    _inside_sequential_lr(tally, device)
    exact = _torchs_own(device)
    return (
        "bit-identical at every step in every order; torch's SequentialLR(LinearLR, CosineAnnealingLR), loaded "
        f"optimizer first: at {exact} of {STEPS - 1} steps"
    )


def _resumed(make: Make, new: torch.optim.Optimizer, order: str, saved: tuple[Any, Any], k: int) -> Any:
    """A scheduler on ``new``, brought to step ``k`` in one of the orders people use."""
    if order in ("optimizer first", "last_epoch"):
        new.load_state_dict(copy.deepcopy(saved[0]))
    scheduler = make(new, last_epoch=k - 1 if order == "last_epoch" else -1)
    if order == "built, then optimizer, then scheduler":
        new.load_state_dict(copy.deepcopy(saved[0]))
    if order == "step(k)":
        scheduler.step(k)
    elif order != "last_epoch":
        scheduler.load_state_dict(copy.deepcopy(saved[1]))
    if order == "built, then scheduler, then optimizer":
        new.load_state_dict(copy.deepcopy(saved[0]))
    return scheduler


def _every_order(tally: Tally, device: torch.device, name: str, tensor: bool) -> None:
    def make(optimizer: torch.optim.Optimizer, last_epoch: int) -> schedulers.WarmupScheduler:
        return build(name, optimizer, last_epoch=last_epoch)

    optimizer = optimizer_on(device, tensor)
    scheduler = build(name, optimizer)
    states, expected = [], []
    for _ in range(STEPS):
        states.append((copy.deepcopy(optimizer.state_dict()), scheduler.state_dict()))
        expected.append(rates(optimizer))
        optimizer.step()
        scheduler.step()
    for k, saved in enumerate(states):
        for order in ORDERS:
            new = optimizer_on(device, tensor)
            resumed = _resumed(make, new, order, saved, k)
            ahead = min(2, STEPS - 1 - k)
            same = walk(new, resumed, ahead) == expected[k : k + 1 + ahead]
            tally.check(same, f"{name}, {order}, resumed at step {k}")


def _any_order_of_steps(tally: Tally, device: torch.device, name: str) -> None:
    function, arguments = FAMILIES[name]
    bases = (*BASES, 0.1, 0.5)
    optimizer = optimizer_on(device, bases=bases)
    scheduler = build(name, optimizer)
    for k in (*range(STEPS - 1, -1, -1), 17, 3, 29, 0):
        scheduler.step(k)
        expected = [getattr(schedules, function)(k, warmup_steps=WARMUP, peak=base, **arguments) for base in bases]
        tally.check(rates(optimizer) == expected, f"{name}, {len(bases)} groups, step({k}) out of order")


def _inside_sequential_lr(tally: Tally, device: torch.device) -> None:
    def make(optimizer: torch.optim.Optimizer) -> lr_scheduler.SequentialLR:
        parts: list[lr_scheduler.LRScheduler] = [
            schedulers.WarmupConstantLR(optimizer, warmup_steps=7),
            schedulers.WarmupCosineRestartsLR(optimizer, 6, 2),
        ]
        return lr_scheduler.SequentialLR(optimizer, parts, milestones=[7])

    expected = [
        [
            schedules.warmup_constant(k, warmup_steps=7, peak=base)
            if k < 7
            else schedules.warmup_cosine_restarts(k - 7, T_0=6, T_mult=2, peak=base)
            for base in BASES
        ]
        for k in range(STEPS)
    ]
    optimizer = optimizer_on(device)
    scheduler = make(optimizer)
    for k in range(STEPS):
        new = optimizer_on(device)
        resumed = make(new)
        new.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        resumed.load_state_dict(copy.deepcopy(scheduler.state_dict()))
        same = walk(new, resumed, STEPS - 1 - k) == expected[k:]
        tally.check(same, f"inside SequentialLR, resumed at step {k}")
        optimizer.step()
        scheduler.step()


def _torchs_own(device: torch.device) -> int:
    def make(optimizer: torch.optim.Optimizer, last_epoch: int = -1) -> lr_scheduler.SequentialLR:
        parts: list[lr_scheduler.LRScheduler] = [
            lr_scheduler.LinearLR(optimizer, 0.1, total_iters=WARMUP),
            lr_scheduler.CosineAnnealingLR(optimizer, STEPS - WARMUP),
        ]
        # The orders are what is measured here, the wrong ones too.
        return lr_scheduler.SequentialLR(optimizer, parts, milestones=[WARMUP])  # lrfix: ignore[LR311]

    with warnings.catch_warnings():
        # torch 2.8 and older warn about themselves at the milestone.
        warnings.simplefilter("ignore")
        optimizer = optimizer_on(device)
        expected = walk(optimizer, make(optimizer), STEPS)
        optimizer = optimizer_on(device)
        scheduler = make(optimizer)
        exact = 0
        for k in range(1, STEPS):
            optimizer.step()
            scheduler.step()
            new = optimizer_on(device)
            resumed = _resumed(make, new, "optimizer first", (optimizer.state_dict(), scheduler.state_dict()), k)
            exact += walk(new, resumed, STEPS - k) == expected[k:]
    return exact
