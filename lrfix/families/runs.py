"""Runs made for the family alone, and what of them is the site's own curve."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from lrfix.domains.facts import literal
from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.domains.scenarios import GENERIC
from lrfix.driving.laboratory import Run
from lrfix.experiments.study import MAX_STEPS, Study
from lrfix.recognition.shapes import Curve, Shape, shape_of

ENOUGH = 400
"""Steps of a run that is made for the family alone."""
SHORT = 23
"""Steps for a length that the code states beyond what is simulated."""
_STRETCH = 41
_NO_RATE = 1e100
_EARLY = 40
_MOST_TURNS = 4
_LEAP = 1.9
_MANY_MOVES = 20
_MOST_BATCHES = 5
_BATCHES = "len(loader)"
"""The path by which the simulation's clock asks for the batches of an epoch."""


def shape_in(study: Study, overrides: Mapping[str, object] | None = None) -> tuple[Shape | None, list[Run]]:
    """The shape that the generic runs show, lengths beyond the simulation shortened."""
    use = study.described_by
    overrides = {**long_lengths(study), **(overrides or {})}
    steps = min(study.steps, ENOUGH) if overrides else None
    runs = [run for i in range(GENERIC) if (run := study.run(i, use=use, overrides=overrides, steps=steps)).ran]
    if any(_jagged(run.curve) for run in runs):
        runs = [_one_clock(study, run, overrides) for run in runs]
        overrides = {**overrides, _BATCHES: None}  # values that vary would break the clock in two again
    if not any(len(run.curve) > 1 for run in runs):
        runs = [run for run in study.runs if run.ran]
    curves = [curve_of(study, run) for run in runs if run.curve]
    if not overrides:
        varied = [study.run(i, use=use, vary_unknown=True, base_lrs=(0.17, 0.05)) for i in (1, 3)]
        curves += [curve_of(study, run) for run in varied if run.ran and run.failure is None]
    return shape_of(curves), runs


def once_an_epoch(study: Study, shape: Shape) -> Shape | None:
    """The shape with one batch in an epoch, where code that moves once an epoch shows a staircase or nothing else."""
    parts = set(shape.family.split("+"))
    if not {"other", "multistep"} & parts and not ("constant" in parts and _held(study)):
        return None
    found, _ = shape_in(study, {_BATCHES: 1})
    return found if found is not None and not {"other", "constant"} & set(found.family.split("+")) else None


def _held(study: Study) -> bool:
    """Whether the curve moves often, and only every few steps: with the epoch."""
    run = study.run(0, use=study.described_by)
    moves = [k for k, (before, after) in enumerate(pairwise(run.curve), 1) if before != after]
    return len(moves) >= _MANY_MOVES and 1 < math.gcd(*moves) <= _MOST_BATCHES


def _jagged(curve: Sequence[float]) -> bool:
    """Whether a curve goes up and down from its very start, or leaps ahead time and again, as no schedule does."""
    steps = [b - a for a, b in pairwise(curve[:_EARLY])]
    inner = zip(steps, steps[1:], steps[2:], strict=False)
    leaps = sum(abs(b) > _LEAP * max(abs(a), abs(c)) for a, b, c in inner)
    if leaps >= _MOST_TURNS and all(steps[: 2 * _MOST_TURNS]):
        return True
    return sum((a > 0) != (b > 0) for a, b in pairwise(d for d in steps if d)) >= _MOST_TURNS


def _one_clock(study: Study, run: Run, overrides: Mapping[str, object]) -> Run:
    """The run again, with epochs of as many batches as the code is told that they have."""
    stated = [v for path, v in {**run.leaves, **run.names}.items() if role_of(path) is Role.LOADER_LENGTH]
    if len(set(map(repr, stated))) != 1:
        return run
    again = study.run(
        run.scenario.index, use=study.described_by, overrides={**overrides, _BATCHES: stated[0]}, steps=len(run.curve)
    )
    return again if again.ran and again.curve else run


def stated_factors(study: Study, runs: Sequence[Run]) -> dict[str, object]:
    """What the code itself gives for the exponents and factors of the schedule."""
    found: dict[str, object] = {}
    constructor = {name: literal(default) for name, default, _ in study.constructor}
    for run in runs[:1]:
        for path, value in {**run.leaves, **run.names}.items():
            default = constructor.get(path, study.defaults.get(path))
            plain = isinstance(default, int | float) and not isinstance(default, bool)
            if plain and default != value and role_of(path) in (Role.GAMMA, Role.POWER):
                found[path] = default
    return found


def curve_of(study: Study, run: Run) -> Curve:
    base = run.base_lrs[0] if run.base_lrs else 1.0
    end = next((k for k, rate in enumerate(run.curve) if abs(rate) > _NO_RATE), len(run.curve))
    rates = [float(rate) for rate in run.curve[:end]]
    # The definition's own name tells a warmup as well as a parameter's does.
    named = {study.site.name: None} if study.site.name else {}
    return Curve(rates[: _written(study, run, rates)], base, {**run.leaves, **run.names, **named})


def _written(study: Study, run: Run, rates: Sequence[float]) -> int:
    """Where the site stops writing, if a constant tail shows that it leaves the rate to others from there."""
    if study.site.form not in ("setter", "wrapper"):
        return len(rates)
    writes = sum(write.kind == "item" and write.name == "lr" for write in run.writes())
    tail = next((k for k in range(len(rates) - 1, 0, -1) if rates[k] != rates[k - 1]), 0)
    written = writes // max(len(run.lr), 1)
    return tail + 1 if tail > 2 and abs(written - tail) <= 2 and tail + 5 < len(rates) else len(rates)


def leaves_off(study: Study) -> bool:
    """Whether the site writes the rate up to some step and then leaves it as it is."""
    run = study.run(0, use=study.described_by)
    return run.ran and bool(run.curve) and len(curve_of(study, run).lr) < len(run.curve)


def long_lengths(study: Study) -> dict[str, object]:
    """Lengths that the code states beyond what is simulated, shortened."""
    lengths = _lengths(study, LENGTHS | {Role.UNKNOWN})
    return {path: SHORT + 4 * i for i, (path, value) in enumerate(lengths.items()) if value > MAX_STEPS / 2}


def _lengths(study: Study, roles: Collection[Role]) -> dict[str, float]:
    first = study.run(0, use=study.described_by)
    return {
        path: value
        for path, value in {**first.names, **first.leaves}.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and role_of(path) in roles
    }


def stretched(study: Study, shape: Shape) -> Shape | None:
    """The shape under lengths so long that a clock in samples or tokens does not run through them in a step.

    Asked where the code speaks of a warmup that the curve does not show.
    """
    lengths = _lengths(study, LENGTHS)
    if "warmup" in shape.family or not any(role_of(path) is Role.WARMUP and n > 1 for path, n in lengths.items()):
        return None
    longer: dict[str, object] = {path: value * _STRETCH for path, value in lengths.items() if value > 1}
    run = study.run(0, use=study.described_by, overrides=longer)
    found = shape_of([curve_of(study, run)]) if run.ran and run.curve else None
    warmup = found.family.split("+")[0] if found is not None else ""
    return Shape(f"{warmup}+{shape.family}", shape.parameters) if warmup.endswith("warmup") else None


__all__ = [
    "ENOUGH",
    "SHORT",
    "curve_of",
    "leaves_off",
    "long_lengths",
    "once_an_epoch",
    "shape_in",
    "stated_factors",
    "stretched",
]
