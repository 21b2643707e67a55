#!/usr/bin/env python3
"""Wrong rewrites, planted behind the planner: the proof has to refuse every one.

    wrong_rewrites.py [--quick] [--list]

Each row rewrites a sound schedule, with one thing falsified between the reading and the text: a step too many, floor
and peak exchanged, a warmup lost, a group or a branch taken for all, a closed form in company; and so for the calls
inside functions and methods of schedulers that stay. Printed are the rows that got through, and how many were refused;
status 1 where one got through.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from wrong_calls import HELD, TOLD, WRONG_CALLS, falsified

from lrfix.analysis import SiteAnalysis
from lrfix.experiments import equivalence
from lrfix.recognition import ScheduleSpec
from lrfix.rewriting import proposal
from lrfix.rewriting.in_place.planning import Search
from lrfix.rewriting.model import FileRewrite, Reading
from lrfix.rewriting.proposal import Options
from lrfix.rewriting.rewriter import rewrite_sources

Falsify = Callable[[ScheduleSpec], ScheduleSpec]


def _text(body: str) -> str:
    return textwrap.dedent(body).lstrip("\n")


_HEAD = "import math\nfrom torch.optim.lr_scheduler import LambdaLR, LRScheduler, MultiplicativeLR\n\n\n"
SOUND = {
    "cosine": _HEAD
    + _text(
        """
        def build(optimizer, warmup, total, f_min=0.0, f_max=1.0):
            def factor(step):
                if step < warmup:
                    return f_max * step / max(1, warmup)
                done = min(1.0, (step - warmup) / max(1, total - warmup))
                return f_min + (f_max - f_min) * 0.5 * (1 + math.cos(math.pi * done))
            return LambdaLR(optimizer, factor)
        """
    ),
    "linear": _HEAD
    + _text(
        """
        def build(optimizer, warmup, total):
            def factor(step):
                if step < warmup:
                    return step / max(1, warmup)
                return max(0.0, (total - step) / max(1, total - warmup))
            return LambdaLR(optimizer, factor)
        """
    ),
    "poly": _HEAD
    + _text(
        """
        def build(optimizer, total: int, power=0.9):
            return LambdaLR(optimizer, lambda step: (1 - min(step, total) / total) ** power)
        """
    ),
    "step": _HEAD
    + _text(
        """
        def build(optimizer, step_size, gamma=0.1):
            return LambdaLR(optimizer, lambda step: gamma ** (step // step_size))
        """
    ),
    "waves": _HEAD
    + _text(
        """
        def build(optimizer, warmup, total, num_cycles=0.5):
            def factor(step):
                if step < warmup:
                    return step / max(1, warmup)
                done = (step - warmup) / max(1, total - warmup)
                return max(0.0, 0.5 * (1 + math.cos(math.pi * num_cycles * 2.0 * done)))
            return LambdaLR(optimizer, factor)
        """
    ),
    "class": _HEAD
    + _text(
        """
        class Cosine(LRScheduler):
            def __init__(self, optimizer, total, floor=0.0, last_epoch=-1):
                self.total, self.floor = total, floor
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                share = 0.5 * (1 + math.cos(math.pi * min(1.0, self.last_epoch / self.total)))
                return [base * (self.floor + (1 - self.floor) * share) for base in self.base_lrs]
        """
    ),
}


@dataclass(frozen=True)
class Plant:
    """One falsification of what is written for one sound schedule."""

    name: str
    schedule: str
    falsify: Falsify


def keyword(name: str, text: str | None) -> Falsify:
    """The keyword ``name`` as ``text``; None leaves it out."""

    def changed(spec: ScheduleSpec) -> ScheduleSpec:
        keywords = {key: value for key, value in spec.keywords.items() if key != name}
        return replace(spec, keywords=keywords if text is None else {**keywords, name: text})

    return changed


def first(text: str) -> Falsify:
    """The first positional argument as ``text``, in which ``{}`` is the right one."""
    return lambda spec: replace(spec, positional=(text.format(spec.positional[0]), *spec.positional[1:]))


def scheduler(name: str) -> Falsify:
    return lambda spec: replace(spec, scheduler=name)


def exchanged(one: str, other: str) -> Falsify:
    """The texts of two keywords exchanged."""

    def changed(spec: ScheduleSpec) -> ScheduleSpec:
        texts = {one: spec.keywords.get(other), other: spec.keywords.get(one)}
        return replace(spec, keywords={**spec.keywords, **{k: v for k, v in texts.items() if v is not None}})

    return changed


def instead(right: str, wrong: str) -> Falsify:
    """The text of one keyword given to another."""

    def changed(spec: ScheduleSpec) -> ScheduleSpec:
        keywords = dict(spec.keywords)
        return replace(spec, keywords={wrong: keywords.pop(right), **keywords})

    return changed


def alone(keywords: dict[str, str]) -> Falsify:
    """The first argument and these keywords, nothing else."""
    return lambda spec: replace(spec, positional=spec.positional[:1], keywords=keywords)


def slope(spec: ScheduleSpec) -> ScheduleSpec:
    del spec
    return ScheduleSpec("WarmupExponentialLR", ("gamma ** (1 / step_size)",), {})


PLANTS = [
    Plant("the horizon a step too long", "cosine", first("{} + 1")),
    Plant("the horizon a step too short", "cosine", first("{} - 1")),
    Plant("the horizon rounded", "cosine", first("int({})")),
    Plant("the warmup taken off the horizon", "cosine", first("{} - warmup")),
    Plant("the warmup added to the horizon", "cosine", first("{} + warmup")),
    Plant("the warmup lost", "cosine", keyword("warmup_steps", None)),
    Plant("the warmup a step too long", "cosine", keyword("warmup_steps", "warmup + 1")),
    Plant("the warmup at least one step", "cosine", keyword("warmup_steps", "max(1, warmup)")),
    Plant("the warmup rounded", "cosine", keyword("warmup_steps", "int(warmup)")),
    Plant("the warmup as long as at the draw", "cosine", keyword("warmup_steps", "11")),
    Plant("the warmup counted from one", "cosine", keyword("warmup_progress", '"(k+1)/W"')),
    Plant("the warmup by linspace", "cosine", keyword("warmup_progress", '"k/(W-1)"')),
    Plant("the warmup from a tenth", "cosine", keyword("warmup_start_factor", "0.1")),
    Plant("the decay a step ahead", "cosine", keyword("decay_progress", '"(k+1)/D"')),
    Plant("the decay by linspace", "cosine", keyword("decay_progress", '"k/(D-1)"')),
    Plant("the floor lost", "cosine", keyword("eta_min_factor", None)),
    Plant("the floor as a rate", "cosine", instead("eta_min_factor", "eta_min")),
    Plant("the floor of the peak", "cosine", instead("eta_min_factor", "eta_min_ratio")),
    Plant("the default for the floor", "cosine", keyword("eta_min_factor", "0.0")),
    Plant("the default for the peak", "cosine", keyword("peak_factor", None)),
    Plant("floor and peak exchanged", "cosine", exchanged("peak_factor", "eta_min_factor")),
    Plant("the peak as a rate", "cosine", instead("peak_factor", "eta_max")),
    Plant("a line for a cosine", "cosine", scheduler("WarmupLinearLR")),
    Plant("a cosine for a line", "linear", scheduler("WarmupCosineLR")),
    Plant("a parabola for a line", "linear", lambda s: keyword("power", "2")(scheduler("WarmupPolynomialLR")(s))),
    Plant("warmup and horizon exchanged", "linear", lambda s: keyword("warmup_steps", "total")(first("warmup")(s))),
    Plant("a constant for a line", "linear", lambda s: replace(s, scheduler="WarmupConstantLR", positional=())),
    Plant("the power of the draw", "poly", alone({"power": "0.9"})),
    Plant("the power's inverse", "poly", alone({"power": "1 / power"})),
    Plant("the power lost", "poly", alone({})),
    Plant("stairs a step late", "step", first("{} + 1")),
    Plant("stairs at whole steps", "step", first("int({})")),
    Plant("the default for gamma", "step", alone({})),
    Plant("a slope for stairs", "step", slope),
    Plant("a horizon of nothing", "waves", first("0 * {}")),
    Plant("half the horizon", "waves", first("{} / 2")),
    Plant("the horizon a step too long", "waves", first("{} + 1")),
    Plant("the waves lost", "waves", keyword("num_cycles", None)),
    Plant("twice the waves", "waves", keyword("num_cycles", "2 * num_cycles")),
    Plant("the floor lost", "class", keyword("eta_min_ratio", None)),
    Plant("the floor as a rate", "class", instead("eta_min_ratio", "eta_min")),
    Plant("the horizon rounded", "class", first("int({})")),
    Plant("half the rate for the second group", "class", keyword("peak_factor", "[1.0, 0.5]")),
]  # fmt: skip

#: Schedules whose other setting is another curve. The recognition's eyes are held shut: the proof alone can see it.
OTHER_CURVES = {
    "a flag": """
        def build(optimizer, total, hold=False):
            return LambdaLR(optimizer, lambda k: 1.0 if hold else max(0.0, 1 - k / max(1, total)))
    """,
    "a text": """
        def build(optimizer, total, mode="linear"):
            def factor(k):
                if mode == "linear":
                    return max(0.0, 1 - k / max(1, total))
                return 0.5 ** (k // 10)
            return LambdaLR(optimizer, factor)
    """,
    "a number left at its default": """
        def build(optimizer, total, extra=0.0):
            return LambdaLR(optimizer, lambda k: max(extra, 1 - k / max(1, total)))
    """,
    "an option left None": """
        def build(optimizer, total, floor=None):
            return LambdaLR(optimizer, lambda k: max(floor or 0.0, 1 - k / max(1, total)))
    """,
    "the second group": """
        class Two(LRScheduler):
            def __init__(self, optimizer, total, last_epoch=-1):
                self.total = total
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                share = max(0.0, 1 - self.last_epoch / max(1, self.total))
                return [base * share if i == 0 else base for i, base in enumerate(self.base_lrs)]
    """,
    "the third group": """
        class Three(LRScheduler):
            def __init__(self, optimizer, total, last_epoch=-1):
                self.total = total
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                share = max(0.0, 1 - self.last_epoch / max(1, self.total))
                return [base * share if i < 2 else base for i, base in enumerate(self.base_lrs)]
    """,
    "a drop long after the draws": """
        def build(optimizer, gamma=0.99):
            return LambdaLR(optimizer, lambda k: gamma**k if k < 1100 else 0.5)
    """,
    "a warmup of one step": """
        def build(optimizer, warmup):
            return LambdaLR(optimizer, lambda k: 0.5 if warmup == 1 else min(1.0, k / max(1, warmup)))
    """,
    "a warmup of none": """
        def build(optimizer, warmup):
            return LambdaLR(optimizer, lambda k: 0.5 if not warmup else min(1.0, k / warmup))
    """,
    "a fractional warmup": """
        def build(optimizer, warmup):
            return LambdaLR(optimizer, lambda k: 1.0 if k >= int(warmup) else k / warmup)
    """,
}
_TRAINING = """
import torch
from torch.optim.lr_scheduler import ChainedScheduler, ConstantLR, ExponentialLR, ReduceLROnPlateau, SequentialLR


def train(model, validate, total):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    decay = MultiplicativeLR(optimizer, lambda epoch: 0.95)
"""
#: A schedule that goes on from the rate it finds: a closed form in its place is wrong in each of these.
COMPANY = {
    "behind another": """
        return SequentialLR(optimizer, [ConstantLR(optimizer, 0.1, 20), decay], milestones=[20])
    """,
    "chained": """
        return ChainedScheduler([decay, ExponentialLR(optimizer, 0.9)])
    """,
    "beside a plateau": """
        plateau = ReduceLROnPlateau(optimizer)
        for _ in range(total):
            optimizer.step()
            decay.step()
            plateau.step(validate(model))
    """,
    "beside a write": """
        for k in range(total):
            optimizer.step()
            decay.step()
            if k == 9:
                optimizer.param_groups[0]["lr"] *= 0.1
    """,
    "beside its like": """
        other = MultiplicativeLR(optimizer, lambda epoch: 0.99)
        return decay, other
    """,
}


def rewritten(text: str) -> FileRewrite:
    return rewrite_sources([("train.py", text.encode(), lambda name: False, None)], Options(device="cpu"))[0]


@contextmanager
def replaced(owner: object, **others: object) -> Iterator[None]:
    """Attributes of a module exchanged for a while."""
    before = {name: getattr(owner, name) for name in others}
    for name, other in others.items():
        setattr(owner, name, other)
    try:
        yield
    finally:
        for name, other in before.items():
            setattr(owner, name, other)


def planted(plant: Plant) -> FileRewrite:
    """The rewrite of a sound schedule whose recognition is falsified: emission and proof believe it alike."""
    right = proposal.readings_of

    def wrong(analysis: SiteAnalysis) -> list[Reading]:
        found = right(analysis)
        false = [replace(reading, spec=plant.falsify(reading.spec)) for reading in found]
        if [reading.spec for reading in found] == [reading.spec for reading in false]:
            raise ValueError(f"{plant.name}: nothing was falsified in {found[0].spec}")
        return false

    with replaced(proposal, readings_of=wrong, ASKED=frozenset()):
        return rewritten(SOUND[plant.schedule])


def unseen(body: str) -> FileRewrite:
    """The rewrite of a schedule whose other settings the recognition does not look at."""
    seen = {"_cases": lambda study: iter(()), "_left_out": lambda study, spec, until_end: None}
    with replaced(equivalence, **seen), replaced(proposal, ASKED=frozenset()):
        return rewritten(_HEAD + _text(body))


def held(which: str, changes: Mapping[str, str | None]) -> FileRewrite:
    """The rewrite of a scheduler that stays, with every call in what it asks falsified."""
    with replaced(Search, _chosen=falsified(Search._chosen, which, changes)):
        return rewritten(_HEAD + _text(HELD[which]))


def told(before: str, after: str) -> FileRewrite:
    """The rewrite of a scheduler that stays and hands on more than the steps that it counts."""
    return rewritten(_HEAD + _text(HELD["branches"]).replace(before, after))


def in_company(body: str) -> FileRewrite:
    return rewritten(_HEAD + _TRAINING + textwrap.indent(_text(body), "    "))


def controls() -> Iterator[str]:
    """The sound schedules that are not rewritten as they stand: what is refused of them says nothing."""
    for name, text in (*SOUND.items(), *((name, _HEAD + _text(body)) for name, body in HELD.items())):
        result = rewritten(text)
        if not result.changed:
            yield f"{name}: {result.error or result.left[0].reason}"


def trials(quick: bool) -> Iterator[tuple[str, Callable[[], FileRewrite]]]:
    """Every planted fault by name, and what rewrites it; a few of each kind with ``quick``."""
    for index, plant in enumerate(PLANTS):
        if not quick or index % 20 == 0:
            yield f"{plant.schedule}: {plant.name}", lambda plant=plant: planted(plant)
    for index, (name, body) in enumerate(OTHER_CURVES.items()):
        if not quick or index % 5 == 0:
            yield f"another curve: {name}", lambda body=body: unseen(body)
    for index, (name, which, changes) in enumerate(WRONG_CALLS):
        if not quick or index % 9 == 0:
            yield f"inside {which}: {name}", lambda which=which, changes=changes: held(which, changes)
    for index, (name, (before, after)) in enumerate(TOLD.items()):
        if not quick or index % 4 == 0:
            yield f"told {name}", lambda before=before, after=after: told(before, after)
    for index, (name, body) in enumerate(COMPANY.items()):
        if not quick or index % 3 == 0:
            yield f"company: {name}", lambda body=body: in_company(body)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few of each kind")
    parser.add_argument("--list", action="store_true", help="print what refused each of them")
    parser.add_argument("--only", help="rows whose name holds this")
    options = parser.parse_args(arguments)
    through = count = 0
    for reason in controls() if not options.only else ():
        through += 1
        print(f"NOT REWRITTEN as it stands  {reason}", flush=True)
    for name, run in trials(options.quick):
        if options.only and options.only not in name:
            continue
        count += 1
        result = run()
        if result.error is not None or result.changed:
            through += 1
            print(f"NOT REFUSED  {name}: {result.error or 'rewritten'}", flush=True)
        elif options.list:
            print(f"refused  {name}: {result.left[0].reason if result.left else 'nothing to rewrite'}", flush=True)
    print(f"{count - through} of {count} planted rewrites refused")
    return int(bool(through))


if __name__ == "__main__":
    sys.exit(main())
