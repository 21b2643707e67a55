"""The promises of the bundled schedules, checked on the torch and the device at hand, without pytest or mpmath."""

from __future__ import annotations

import copy
import io
import json
import math
import pickle
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import torch
from torch.optim import lr_scheduler

from lrfix import schedulers, schedules
from lrfix.proof import accuracy
from lrfix.proof.accuracy import LARGEST_HORIZON
from lrfix.schedules.exact import locate_cycle

LIMIT_ULP = 5.0
# step() is timed on a machine that does other things too.
TIMING_TOLERANCE = 1.15

FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "WarmupConstantLR": ("warmup_constant", {}),
    "WarmupCosineLR": ("warmup_cosine", {"total_steps": 24}),
    "WarmupLinearLR": ("warmup_linear", {"total_steps": 24}),
    "WarmupPolynomialLR": ("warmup_polynomial", {"total_steps": 24, "power": 2.5}),
    "WarmupStableDecayLR": ("warmup_stable_decay", {"total_steps": 24, "decay_steps": 9, "decay": "1-sqrt"}),
    "WarmupExponentialLR": ("warmup_exponential", {"gamma": 0.9}),
    "WarmupInverseSqrtLR": ("warmup_inverse_sqrt", {}),
    "WarmupStepLR": ("warmup_step", {"step_size": 7}),
    "WarmupMultiStepLR": ("warmup_multistep", {"milestones": [9, 9, 21]}),
    "WarmupCosineRestartsLR": ("warmup_cosine_restarts", {"T_0": 6, "T_mult": 2, "cycle_decay": 0.7}),
}
WARMUP = 5
BASES = (0.1, 0.03)
STEPS = 30


@dataclass(frozen=True)
class PromiseResult:
    """What came of one promise: number and name, how many cases were tried, the worst in words, whether it held."""

    number: int
    name: str
    cases: int
    worst: str
    ok: bool


@dataclass
class _Tally:
    cases: int = 0
    failure: str = ""

    def check(self, holds: bool, what: str) -> None:
        self.cases += 1
        if not holds and not self.failure:
            self.failure = what


def run_proof(device: str = "cpu", on_progress: Callable[[str], None] | None = None) -> list[PromiseResult]:
    """Checks every promise with optimizers on ``device`` ("cpu", "cuda", ...); some ten seconds.

    ``on_progress`` is told the name of each promise before its check.
    """
    results = []
    for number, (name, promise) in enumerate(_PROMISES, start=1):
        if on_progress is not None:
            on_progress(name)
        tally = _Tally()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                worst = promise(tally, torch.device(device))
            except Exception as error:
                # One broken promise must not hide the others.
                tally.check(False, f"{type(error).__name__}: {error}")
                worst = ""
        results.append(PromiseResult(number, name, tally.cases, tally.failure or worst, not tally.failure))
    return results


def usable_device(wanted: str) -> str:
    """ "auto" as "cuda" where torch sees a GPU, else "cpu"; LookupError for a "cuda" that is not there."""
    present = torch.cuda.is_available()
    if wanted == "cuda" and not present:
        raise LookupError("torch sees no CUDA device; use --device cpu")
    return ("cuda" if present else "cpu") if wanted == "auto" else wanted


def surroundings(device: str) -> str:
    """The version of torch and the device, for people."""
    return f"torch {torch.__version__} on {torch.cuda.get_device_name() if device == 'cuda' else 'CPU'}"


def _optimizer(device: torch.device, tensor: bool, bases: tuple[float, ...] = BASES) -> torch.optim.Optimizer:
    groups = [
        {
            "params": [torch.nn.Parameter(torch.ones(2, device=device))],
            "lr": torch.tensor(base, device=device) if tensor else base,
        }
        for base in bases
    ]
    return torch.optim.SGD(groups, lr=0.5)


def _build(name: str, optimizer: torch.optim.Optimizer, **more: Any) -> schedulers.WarmupScheduler:
    scheduler = getattr(schedulers, name)(optimizer, **{"warmup_steps": WARMUP, **FAMILIES[name][1], **more})
    assert isinstance(scheduler, schedulers.WarmupScheduler)
    return scheduler


def _rates(optimizer: torch.optim.Optimizer) -> list[float]:
    return [float(group["lr"]) for group in optimizer.param_groups]


def _walk(optimizer: torch.optim.Optimizer, scheduler: Any, count: int) -> list[list[float]]:
    seen = [_rates(optimizer)]
    for _ in range(count):
        optimizer.step()
        scheduler.step()
        seen.append(_rates(optimizer))
    return seen


def _resume_is_exact(tally: _Tally, device: torch.device) -> str:
    for name in FAMILIES:
        for tensor in (False, True):
            optimizer = _optimizer(device, tensor)
            scheduler = _build(name, optimizer)
            states, expected = [], []
            for _ in range(STEPS):
                states.append((copy.deepcopy(optimizer.state_dict()), scheduler.state_dict()))
                expected.append(_rates(optimizer))
                optimizer.step()
                scheduler.step()
            for k, (saved, state) in enumerate(states):
                for order in ("optimizer first", "built first", "scheduler only", "last_epoch", "step(k)"):
                    new = _optimizer(device, tensor)
                    if order in ("optimizer first", "last_epoch"):
                        new.load_state_dict(copy.deepcopy(saved))
                    resumed = _build(name, new, last_epoch=k - 1 if order == "last_epoch" else -1)
                    if order == "built first":
                        new.load_state_dict(copy.deepcopy(saved))
                    if order == "step(k)":
                        resumed.step(k)
                    elif order != "last_epoch":
                        resumed.load_state_dict(state)
                    ahead = min(2, STEPS - 1 - k)
                    same = _walk(new, resumed, ahead) == expected[k : k + 1 + ahead]
                    tally.check(same, f"{name}, {order}, resumed at step {k}")
    return "bit-identical at every step in every order"


def _accurate(tally: _Tally, _: torch.device) -> str:
    worst: dict[str, tuple[float, str]] = {}
    for sample in accuracy.samples():
        error = float(abs(Decimal(sample.rate) - sample.exact) / Decimal(math.ulp(float(sample.exact))))
        tally.check(error <= LIMIT_ULP, f"{error:.3g} ulp: {sample.place}")
        group = "cosine" if sample.family == "cosine" else "any"
        worst[group] = max(worst.get(group, (0.0, "")), (error, sample.place))
    for total in accuracy.HORIZONS:
        end = schedules.warmup_cosine(total, total_steps=total, peak=0.1, eta_min=1e-5)
        tally.check(end == 1e-5, f"{end!r} instead of the floor at the end of {total} steps")
    for total in (1000, 2**40, LARGEST_HORIZON):
        for middle in (0, total // 4, total // 2, 3 * total // 4, total - 100):
            curve = [schedules.warmup_cosine(k, total_steps=total) for k in range(middle, middle + 100)]
            tally.check(curve == sorted(curve, reverse=True), f"not monotone near step {middle} of {total}")
    error, place = worst["any"]
    cosine = worst["cosine"][0]
    return f"worst error {error:.3f} ulp ({place}), of the cosine {cosine:.3f}; horizons up to 2**53, tails included"


def _restarts_are_found(tally: _Tally, _: torch.device) -> str:
    for multiplier in range(1, 11):
        for first in range(1, 13):
            cycle, offset, length = 0, 0, first
            for position in range(300):
                found = locate_cycle(position, first, multiplier)
                tally.check(found == (cycle, offset, length), f"T_0={first}, T_mult={multiplier}, step {position}")
                offset += 1
                if offset == length:
                    cycle, offset, length = cycle + 1, 0, length * multiplier
    for multiplier in range(2, 40):
        for step in schedules.restart_steps(60, T_0=7, T_mult=multiplier):
            rate = schedules.warmup_cosine_restarts(step, T_0=7, T_mult=multiplier)
            tally.check(rate == 1.0, f"restart missed: T_0=7, T_mult={multiplier}, step {step}")
    return "none missed"


def _equal_to_torch(tally: _Tally, device: torch.device) -> str:
    pairs: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any], int]] = [
        (
            "CosineAnnealingLR",
            lambda o: lr_scheduler.CosineAnnealingLR(o, 30, eta_min=1e-3),
            lambda o: schedulers.WarmupCosineLR(o, 30, eta_min=1e-3),
            30,
        ),
        (
            "CosineAnnealingWarmRestarts",
            lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4, 2),
            lambda o: schedulers.WarmupCosineRestartsLR(o, 4, 2),
            60,
        ),
        (
            "LinearLR",
            lambda o: lr_scheduler.LinearLR(o, 0.1, total_iters=9),
            lambda o: schedulers.WarmupConstantLR(o, warmup_steps=9, warmup_start_factor=0.1),
            15,
        ),
        (
            "PolynomialLR",
            lambda o: lr_scheduler.PolynomialLR(o, 30, power=0.9),
            lambda o: schedulers.WarmupPolynomialLR(o, 30, power=0.9),
            35,
        ),
        ("StepLR", lambda o: lr_scheduler.StepLR(o, 7, 0.5), lambda o: schedulers.WarmupStepLR(o, 7, 0.5), 40),
        (
            "MultiStepLR",
            lambda o: lr_scheduler.MultiStepLR(o, [3, 9, 9, 20]),
            lambda o: schedulers.WarmupMultiStepLR(o, [3, 9, 9, 20]),
            30,
        ),
        (
            "ExponentialLR",
            lambda o: lr_scheduler.ExponentialLR(o, 0.9),
            lambda o: schedulers.WarmupExponentialLR(o, 0.9),
            40,
        ),
    ]
    worst, where = 0.0, ""
    for name, theirs, ours, steps in pairs:
        their_optimizer, our_optimizer = _optimizer(device, False), _optimizer(device, False)
        expected = _walk(their_optimizer, theirs(their_optimizer), steps)
        for k, (a, b) in enumerate(zip(_walk(our_optimizer, ours(our_optimizer), steps), expected, strict=True)):
            error = max(abs(x - y) for x, y in zip(a, b, strict=True)) / math.ulp(BASES[0])
            tally.check(error <= 64, f"{name}: {error:.3g} ulp of the base rate apart at step {k}")
            if error > worst:
                worst, where = error, f"{name}, step {k}"
    return f"at most {worst:.2g} ulp of the base rate apart ({where})"


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


def _tensors_in_place(tally: _Tally, device: torch.device) -> str:
    for name in FAMILIES:
        optimizer = _optimizer(device, True)
        scheduler = _build(name, optimizer)
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
    return "one write a group and step" + (", no synchronisation" if device.type == "cuda" else "")


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(type(key) is str and _is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    return value is None or type(value) in (int, float, str, bool)


def _state_is_plain(tally: _Tally, device: torch.device) -> str:
    for name in FAMILIES:
        for tensor in (False, True):
            optimizer = _optimizer(device, tensor)
            scheduler = _build(name, optimizer)
            _walk(optimizer, scheduler, 13)
            state = scheduler.state_dict()
            tally.check(_is_plain(state), f"{name}: the state is not plain data")
            file = io.BytesIO()
            torch.save(state, file)
            file.seek(0)
            copies = {
                "torch.load(weights_only=True)": torch.load(file, weights_only=True),
                "JSON": json.loads(json.dumps(state)),
                "pickle": pickle.loads(pickle.dumps(state)),
            }
            for form, loaded in copies.items():
                new = _optimizer(device, tensor)
                _build(name, new).load_state_dict(loaded)
                tally.check(_rates(new) == _rates(optimizer), f"{name}: not the same after {form}")
    saved = schedulers.WarmupCosineLR(_optimizer(device, False), 100).state_dict()
    other = schedulers.WarmupCosineLR(_optimizer(device, False), 200)
    tally.check(_refuses(lambda: other.load_state_dict(saved), "total_steps"), "another horizon was taken silently")
    return "torch.load(weights_only=True), JSON and pickle; another horizon is refused"


def _refuses(call: Callable[[], Any], words: str) -> bool:
    try:
        call()
    except ValueError as error:
        return words in str(error)
    return False


def _no_surprises(tally: _Tally, device: torch.device) -> str:
    for name, (function, arguments) in FAMILIES.items():
        for warmup in (0, 1, 23, 24, 25):
            for k in (*range(40), 10**6, LARGEST_HORIZON, 10**300):
                rate = getattr(schedules, function)(k, warmup_steps=warmup, peak=0.1, **arguments)
                fine = type(rate) is float and 0.0 <= rate <= 0.1
                tally.check(fine, f"{function}: {rate!r} at step {k} with warmup_steps={warmup}")
        optimizer = _optimizer(device, False)
        scheduler = _build(name, optimizer)
        _walk(optimizer, scheduler, 3)
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1, device=device))], "lr": 0.7})
        late = _walk(optimizer, scheduler, 5)[-1][2]
        expected = getattr(schedules, function)(8, warmup_steps=WARMUP, peak=0.7, **arguments)
        tally.check(late == expected, f"{name}: a group added later has {late!r} instead of {expected!r}")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"total_steps": 0}, "total_steps=0; legal"),
        ({"warmup_steps": -1}, "warmup_steps=-1; legal"),
        ({"eta_min": math.nan}, "eta_min=nan; legal"),
        ({"warmup_progress": "k"}, "warmup_progress='k'; legal"),
    ]
    for change, words in wrong:
        refused = _refuses(lambda c=change: _build("WarmupCosineLR", _optimizer(device, False), **c), words)  # type: ignore[misc]
        tally.check(refused, f"{change} was not refused with {words!r}")
    return "no warning, NaN, negative rate or unscheduled group"


def _cheap(tally: _Tally, device: torch.device) -> str:
    def by_hand(k: int) -> float:
        return k / 10 if k < 10 else 0.5 * (1.0 + math.cos(math.pi * (k - 10) / 999_990))

    worst, where = 0.0, ""
    for tensor in (False, True):
        for groups in (1, 10, 100):
            pair = []
            for make in (
                lambda o: lr_scheduler.LambdaLR(o, by_hand),
                lambda o: schedulers.WarmupCosineLR(o, 1_000_000, warmup_steps=10),
            ):
                optimizer = _optimizer(device, tensor, tuple(0.1 / (i + 1) for i in range(groups)))
                scheduler = make(optimizer)
                _walk(optimizer, scheduler, 12)
                pair.append((scheduler, [math.inf]))
            repeats = max(2, 300 // groups) if not tensor else max(2, 60 // groups)
            # Interleaved rounds, each side's best: what else the machine does hits both.
            for _ in range(15):
                for scheduler, best in pair:
                    begin = time.perf_counter()
                    for _ in range(repeats):
                        scheduler.step()
                    best[0] = min(best[0], (time.perf_counter() - begin) / repeats)
            ratio = pair[1][1][0] / pair[0][1][0]
            label = f"{groups} groups, {'tensors' if tensor else 'floats'}"
            tally.check(ratio <= TIMING_TOLERANCE, f"{ratio:.2f} times LambdaLR's cost with {label}")
            if ratio > worst:
                worst, where = ratio, label
    return f"at most {worst:.2f} times LambdaLR's cost ({where})"


_PROMISES: tuple[tuple[str, Callable[[_Tally, torch.device], str]], ...] = (
    ("resume is exact", _resume_is_exact),
    ("within 5 ulp of the exact value, monotone, exact ends", _accurate),
    ("every restart is found", _restarts_are_found),
    ("equal to torch where torch is right", _equal_to_torch),
    ("tensor rates are filled in place", _tensors_in_place),
    ("the state is plain data", _state_is_plain),
    ("no surprises: warnings, edges, late groups, errors", _no_surprises),
    ("step() costs no more than LambdaLR's", _cheap),
)
