"""Promise 5: tensor rates are filled in place, without synchronisation; on a GPU a captured graph follows them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lrfix import schedulers, schedules
from lrfix.proof.cases import FAMILIES, Tally, build, optimizer_on


@contextmanager
def _no_synchronisation(device: torch.device) -> Iterator[None]:
    if device.type != "cuda":
        yield
        return
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        # torch says once that the mode is a prototype.
        warnings.simplefilter("ignore")
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


def tensors_in_place(tally: Tally, device: torch.device) -> str:
    """Every class: the same tensor after 20 steps, written once a step, holding the rate."""
    for name in FAMILIES:
        optimizer = optimizer_on(device, tensor=True)
        scheduler = build(name, optimizer)
        optimizer.step()
        scheduler.step()
        tensors = [(group["lr"], group["lr"]._version) for group in optimizer.param_groups]
        for _ in range(20):
            with _no_synchronisation(device):
                scheduler.step()
        held = zip(optimizer.param_groups, tensors, scheduler.get_last_lr(), strict=True)
        for group, (tensor, version), rate in held:
            tally.check(group["lr"] is tensor, f"{name}: the tensor was replaced")
            writes = tensor._version - version
            tally.check(writes == 20, f"{name}: {writes} writes in 20 steps")
            nearest = float(torch.tensor(rate, dtype=tensor.dtype))
            tally.check(float(tensor) == nearest, f"{name}: the tensor does not hold the rate")
    if device.type != "cuda":
        return "one write a group and step"
    with warnings.catch_warnings():
        # What torch has to say about capturing is not about the schedulers; those are watched everywhere else.
        warnings.simplefilter("ignore")
        _captured_graph(tally, device)
    return "one write a group and step, no synchronisation; a captured graph follows the schedule"


def _captured_graph(tally: Tally, device: torch.device) -> None:
    optimizer = optimizer_on(device, tensor=True, capturable=True)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    # A graph is warmed up on a stream of its own (torch's notes on CUDA graphs). torch 2.13 leaves the annotations of
    # `Stream.__new__` out, so that strict mypy takes the only way to make one for an untyped call.
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            optimizer.step()
    torch.cuda.current_stream().wait_stream(stream)
    scheduler = schedulers.WarmupCosineLR(optimizer, 20, warmup_steps=4)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        optimizer.step()
    for k in range(22):
        before = [float(parameter[0]) for parameter in parameters]
        graph.replay()
        for parameter, old, base in zip(parameters, before, scheduler.base_lrs, strict=True):
            # With a constant gradient, Adam moves by the rate itself.
            moved = old - float(parameter[0])
            rate = schedules.warmup_cosine(k, total_steps=20, warmup_steps=4, peak=float(base))
            close = abs(moved - rate) <= 1e-3 * rate + 1e-6
            tally.check(close, f"a captured graph moved a weight by {moved:.6g} at step {k} instead of {rate:.6g}")
        # The call that moves on, without torch's remark that no optimizer.step() was seen: a replay is none.
        scheduler.step(k + 1)
