"""The family of a schedule from the shape of its curves, where no bundled schedule gives them exactly.

A shape is no proof: it names what the author meant, a mistake where phases meet included, and never leads to a
rewrite. It works from the numbers of several runs and from what the user's own values say about the steps at which
phases begin and end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.finite import finite
from lrfix.recognition.phases import Landmarks, Named, name_phases

_SHORTEST = 5
"""Rates from which on a curve has a shape."""
_WARM = frozenset({Role.WARMUP, Role.WARMUP_EPOCHS, Role.WARMUP_FRACTION, Role.WARMUP_START, Role.WARMUP_FACTOR})
_FEWEST_FACTORS = 20
_FEW_STEPS = 7
"""A length up to this is not the run's where the code speaks of a longer one too."""
_ORDER = (
    "linear-warmup", "exp-warmup", "wsd", "constant", "linear", "poly", "cosine", "cosine-restarts", "inverse-sqrt",
    "exponential", "step", "multistep", "cyclic", "onecycle", "other",
)  # fmt: skip


@dataclass(frozen=True)
class Curve:
    """One simulated run: a rate a step from step 0, the base rate, and values by the user's own expressions."""

    lr: Sequence[float]
    base_lr: float = 1.0
    names: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Shape:
    """A family and, by the bundled schedulers' argument names, the values or expressions that could be read off."""

    family: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def shape_of(curves: Sequence[Curve]) -> Shape | None:
    """The family that most of the curves show; None where none of them is long enough to have one."""
    named = [
        (curve, name_phases(list(curve.lr), landmarks(curve)))
        for curve in curves
        if len(curve.lr) >= _SHORTEST or len(set(curve.lr)) == 1 < len(curve.lr)
    ]
    if not named:
        return None
    parts = _agreed([found.parts for _, found in named])
    if "other" in parts:
        parts = _piled_up([curve for curve, _ in named]) or parts
    return Shape("+".join(parts), _parameters(named, parts))


def _piled_up(curves: Sequence[Curve]) -> tuple[str, ...] | None:
    """The schedule of the factor, where a factor meant for the base rate is multiplied onto the last rate."""
    found = []
    for curve in curves:
        ratios = [after / before for before, after in pairwise(curve.lr) if before > 0]
        low = next((k for k, ratio in enumerate(ratios) if ratio <= 0), len(ratios))
        ratios = ratios[:low]
        if len(ratios) < _FEWEST_FACTORS or min(ratios) > 0.5 * max(ratios):
            return None
        found.append(name_phases(ratios, landmarks(curve)).parts)
    parts = _agreed(found)
    return parts if set(parts) <= {"linear-warmup", "constant", "cosine", "linear"} else None


def landmarks(curve: Curve) -> Landmarks:
    """The steps and levels that the values of one run point out."""
    by_role: dict[Role, list[float]] = {}
    for path, value in curve.names.items():
        several = isinstance(value, list | tuple) and len(value) > 1
        # A list of lengths has the places where something happens, whatever it is called.
        role = Role.MILESTONES if several and role_of(path) in LENGTHS else role_of(path)
        for number in value if isinstance(value, list | tuple) else [value]:
            if isinstance(number, int | float) and finite(number) is not None:
                by_role.setdefault(role, []).append(number)

    def of(*roles: Role) -> list[float]:
        return [number for role in roles for number in by_role.get(role, [])]

    batches = of(Role.LOADER_LENGTH)
    epochs = of(Role.EPOCHS)
    products = [e * b for e in epochs for b in batches if finite(e * b) is not None]
    ends = of(Role.HORIZON) + products + ([] if batches else epochs)
    lengths = of(*LENGTHS, Role.MILESTONES)
    warmups = of(Role.WARMUP, Role.WARMUP_EPOCHS)
    lengths += [e * b for e in of(Role.WARMUP_EPOCHS) for b in batches]
    lengths += [w + length for w in warmups for length in lengths if length not in warmups]
    floors = of(Role.FLOOR, Role.FLOOR_RATIO) + [curve.base_lr * ratio for ratio in of(Role.FLOOR_RATIO)]
    return Landmarks(
        warmups=tuple(dict.fromkeys([*warmups, *(e * b for e in of(Role.WARMUP_EPOCHS) for b in batches)])),
        ends=tuple(e for e in dict.fromkeys(ends) if e > 1 and (e > _FEW_STEPS or max(ends) <= _FEW_STEPS)),
        boundaries=tuple(dict.fromkeys(lengths)),
        periods=tuple(dict.fromkeys(of(Role.STEP_SIZE, Role.CYCLE))),
        epoch=tuple(dict.fromkeys(batches)),
        floors=tuple(dict.fromkeys(floors)),
        warm=any(role_of(path) in _WARM for path in curve.names),
    )


def _agreed(found: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """What most runs show; a run with special values (no warmup, power 1, even milestones) shows a special case."""
    general = [parts for parts in found if "other" not in parts]
    if 2 * len(general) < len(found):
        general = list(found)
    moving = [parts for parts in general if parts != ("constant",)]
    if 2 * len(moving) <= len(general):
        moving = general
    seen = {part for parts in moving for part in parts}
    widened = [tuple(_widened(part, seen) for part in parts) for parts in moving]
    count = Counter(frozenset(parts) for parts in widened)
    best = max(widened, key=lambda parts: (count[frozenset(parts)], len(parts)))
    warm = next((parts for parts in widened if parts[1:] == best and parts[0].endswith("warmup")), None)
    return tuple(dict.fromkeys(warm or best))


def _widened(part: str, seen: set[str]) -> str:
    if part == "linear" and "poly" in seen:
        return "poly"
    if part == "exponential" and "step" in seen:
        return "step"
    return "multistep" if part == "step" and "multistep" in seen else part


def united(families: Sequence[str]) -> str:
    """The family of a site that holds several schedules: the parts of all, each once, warmups first."""
    parts = dict.fromkeys(part for family in families for part in family.split("+"))
    return "+".join(sorted(parts, key=lambda part: _ORDER.index(part) if part in _ORDER else len(_ORDER)))


def _parameters(named: Sequence[tuple[Curve, Named]], parts: tuple[str, ...]) -> dict[str, str]:
    """Steps at which phases meet, as the user's expressions where one has that value in every run."""
    told: dict[str, str] = {}
    agreeing = [(curve, found) for curve, found in named if set(found.parts) == set(parts)]
    if not agreeing:
        return told
    steps: dict[str, list[int | None]] = {
        "warmup_steps": [found.warmup for _, found in agreeing],
        "total_steps": [found.end for _, found in agreeing],
    }
    for parameter, places in steps.items():
        known = [place for place in places if place is not None]
        if len(known) < len(places):
            continue
        text = _expression(known, [curve for curve, _ in agreeing])
        if text is not None:
            told[parameter] = text
    return told


def _expression(steps: Sequence[int], curves: Sequence[Curve]) -> str | None:
    """The expression whose value lies at the step, or one beside it, in every run; the number where they agree."""
    for slack in (0, 1):
        for path in curves[0].names:
            held = [curve.names.get(path) for curve in curves]
            if all(
                isinstance(value, int | float) and not isinstance(value, bool) and abs(value - step) <= slack
                for value, step in zip(held, steps, strict=True)
            ):
                return path
    return str(steps[0]) if len(set(steps)) == 1 and len(steps) > 1 else None


__all__ = ["Curve", "Shape", "landmarks", "shape_of", "united"]
