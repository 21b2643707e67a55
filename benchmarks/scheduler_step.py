"""What one ``step()`` of the bundled schedulers costs, as a ratio to the schedulers that do the same job.

    python benchmarks/scheduler_step.py [--groups 1,10,100] [--repeat 25] [--device cpu|cuda] [--json]

Both sides of a comparison are measured in turn, in one process, by the time of its thread: what else the machine does
counts little and hits both. A ratio is the median over all rounds; below 1 the bundled scheduler is the cheaper one.
Every parameter group has a rate of its own, which is the dear case for the bundled schedulers: groups with one rate
are computed once.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch.optim import lr_scheduler

from lrfix.schedulers import WarmupCosineLR, WarmupCosineRestartsLR

TOTAL, WARMUP, CYCLE = 1_000_000, 10, 500
BASE = 0.1

Step = Callable[[], None]
Make = Callable[[torch.optim.Optimizer], Any]


@dataclass(frozen=True)
class Comparison:
    """A rival and the bundled scheduler with the same curve."""

    rival: str
    theirs: Make
    ours: Make
    ours_name: str


@dataclass(frozen=True)
class Measurement:
    """Times in microseconds a step; the ratio is ours / theirs, with its quartiles over the rounds."""

    rival: str
    ours_name: str
    rates: str
    groups: int
    ours_us: float
    theirs_us: float
    ratio: float
    lower_quartile: float
    upper_quartile: float


def by_hand(step: int) -> float:
    """Warmup and cosine as people write it for LambdaLR."""
    if step < WARMUP:
        return step / WARMUP
    progress = min(1.0, (step - WARMUP) / (TOTAL - WARMUP))
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def in_sequence(optimizer: torch.optim.Optimizer) -> lr_scheduler.SequentialLR:
    """torch's own way to put a warmup before a cosine."""
    parts: list[lr_scheduler.LRScheduler] = [
        lr_scheduler.LinearLR(optimizer, 0.1, total_iters=WARMUP),
        lr_scheduler.CosineAnnealingLR(optimizer, TOTAL - WARMUP),
    ]
    return lr_scheduler.SequentialLR(optimizer, parts, milestones=[WARMUP])


def comparisons() -> tuple[list[Comparison], str]:
    """Every rival that is at hand, and what there is to say about timm."""
    warm = ("WarmupCosineLR(warmup_steps)", lambda o: WarmupCosineLR(o, TOTAL, warmup_steps=WARMUP))
    found = [
        Comparison("LambdaLR, written by hand", lambda o: lr_scheduler.LambdaLR(o, by_hand), warm[1], warm[0]),
        Comparison(
            "CosineAnnealingLR",
            lambda o: lr_scheduler.CosineAnnealingLR(o, TOTAL),
            lambda o: WarmupCosineLR(o, TOTAL),
            "WarmupCosineLR",
        ),
        Comparison(
            "CosineAnnealingWarmRestarts",
            lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, CYCLE, 2),
            lambda o: WarmupCosineRestartsLR(o, CYCLE, 2),
            "WarmupCosineRestartsLR",
        ),
        Comparison("SequentialLR(LinearLR, CosineAnnealingLR)", in_sequence, warm[1], warm[0]),
    ]
    try:
        import timm
        from timm.scheduler import CosineLRScheduler
    except Exception as error:  # a timm whose torchvision does not fit this torch fails with RuntimeError
        return found, f"timm is not measured: {type(error).__name__}: {error}"

    def make_timm(optimizer: torch.optim.Optimizer) -> Any:
        return CosineLRScheduler(optimizer, TOTAL - WARMUP, warmup_t=WARMUP, warmup_prefix=True)

    return [*found, Comparison("timm CosineLRScheduler", make_timm, warm[1], warm[0])], f"timm {timm.__version__}"


def optimizer_with(groups: int, rates: str, device: str) -> torch.optim.Optimizer:
    """An optimizer with a different rate in every group."""
    settings = []
    for i in range(groups):
        rate = BASE / (1 + i / 7)
        parameter = torch.nn.Parameter(torch.zeros(1, device=device))
        settings.append({"params": [parameter], "lr": torch.tensor(rate, device=device) if rates == "tensor" else rate})
    return torch.optim.SGD(settings, lr=BASE)


def stepper(make: Make, groups: int, rates: str, device: str) -> Step:
    """A call that makes one step of a new scheduler, which has its warmup behind it."""
    optimizer = optimizer_with(groups, rates, device)
    scheduler = make(optimizer)
    step: Step = scheduler.step
    if not isinstance(scheduler, lr_scheduler.LRScheduler):
        # timm's want to be told the step.
        count = iter(range(1, sys.maxsize))

        def step() -> None:
            scheduler.step(next(count))

    optimizer.step()
    for _ in range(WARMUP + 5):
        step()
    return step


def clock_for(device: str) -> Callable[[], float]:
    """On the CPU the time of this thread, where its clock is fine enough: other processes then do not count."""
    fine = time.get_clock_info("thread_time").resolution <= 1e-6
    return time.thread_time if device == "cpu" and fine else time.perf_counter


def timed(step: Step, count: int, device: str) -> float:
    """Microseconds a step."""
    clock = clock_for(device)
    if device == "cuda":
        torch.cuda.synchronize()
    begin = clock()
    for _ in range(count):
        step()
    if device == "cuda":
        torch.cuda.synchronize()
    return (clock() - begin) / count * 1e6


def measure(comparison: Comparison, groups: int, rates: str, device: str, repeat: int) -> Measurement:
    """Both sides in turn, ``repeat`` rounds; who goes first alternates."""
    steps = [stepper(make, groups, rates, device) for make in (comparison.ours, comparison.theirs)]
    # A measurement of a millisecond is long against the clock and short against what the machine does besides.
    counts = [max(1, round(1000 / max(timed(step, 3, device), 0.1))) for step in steps]
    rounds: list[tuple[float, float]] = []
    gc.collect()
    gc.disable()
    try:
        for i in range(repeat):
            times = [0.0, 0.0]
            for side in (0, 1) if i % 2 else (1, 0):
                times[side] = timed(steps[side], counts[side], device)
            rounds.append((times[0], times[1]))
    finally:
        gc.enable()
    ratios = [ours / theirs for ours, theirs in rounds]
    low, _, high = statistics.quantiles(ratios, n=4) if repeat > 1 else ratios * 3
    return Measurement(
        comparison.rival,
        comparison.ours_name,
        rates,
        groups,
        statistics.median(ours for ours, _ in rounds),
        statistics.median(theirs for _, theirs in rounds),
        statistics.median(ratios),
        low,
        high,
    )


def table(measurements: Sequence[Measurement]) -> Iterator[str]:
    """The lines of the table."""
    width = max(len(measurement.rival) for measurement in measurements)
    yield f"{'rates':<7} {'groups':>6}  {'against':<{width}} {'ours us':>9} {'theirs us':>10}  {'ratio':>5}  quartiles"
    for m in measurements:
        yield (
            f"{m.rates:<7} {m.groups:>6}  {m.rival:<{width}} {m.ours_us:>9.2f} {m.theirs_us:>10.2f}  {m.ratio:>5.2f}"
            f"  {m.lower_quartile:.2f} to {m.upper_quartile:.2f}"
        )


def positive(text: str) -> int:
    """An integer above 0, or an error for argparse."""
    if not text.strip().isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r}; legal: a whole number >= 1")
    return int(text)


def positive_list(text: str) -> list[int]:
    """Integers above 0, separated by commas."""
    return [positive(part) for part in text.split(",")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, and prints the table or JSON."""
    parser = argparse.ArgumentParser(description="The cost of step(), ours / theirs.")
    parser.add_argument("--groups", type=positive_list, default=[1, 10, 100], help="parameter groups, default 1,10,100")
    parser.add_argument("--repeat", type=positive, default=25, help="rounds, default 25")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where tensor rates live, default cpu")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch sees no CUDA device; use --device cpu")
    # Older versions of torch's SequentialLR warn about itself.
    warnings.simplefilter("ignore")
    rivals, about_timm = comparisons()
    measurements = []
    for rates in ("float", "tensor"):
        for groups in options.groups:
            for rival in rivals:
                if sys.stderr.isatty():
                    print(f"... {rates}, {groups} groups, {rival.rival}", file=sys.stderr)
                measurements.append(measure(rival, groups, rates, options.device, options.repeat))
    device = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    if options.json:
        document = {
            "torch": torch.__version__,
            "python": platform.python_version(),
            "device": device,
            "timm": about_timm,
            "repeat": options.repeat,
            "measurements": [asdict(measurement) for measurement in measurements],
        }
        print(json.dumps(document, indent=1))
        return 0
    print(
        f"Cost of step(), bundled / other, torch {torch.__version__} on {device}, Python {platform.python_version()}; "
        f"median of {options.repeat} rounds in turn"
    )
    print(about_timm)
    print()
    print("\n".join(table(measurements)))
    print()
    against_lambda = max(m.ratio for m in measurements if m.rival.startswith("LambdaLR"))
    print(
        f"against LambdaLR: at most {against_lambda:.2f}; against all: at most {max(m.ratio for m in measurements):.2f}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
