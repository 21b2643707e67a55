"""The settings in which the old and the new definition around a formula are run on real optimizers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from lrfix.domains.clock import Tick
from lrfix.domains.inferred import inferred
from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.domains.scenarios import Scenario
from lrfix.domains.uses import roles_by_use
from lrfix.domains.whole import WholeNumbers
from lrfix.recognition.evaluation import NotArithmetic, evaluate
from lrfix.rewriting.in_place.definitions import Definition, Inputs
from lrfix.rewriting.in_place.grid import floated
from lrfix.rewriting.in_place.sampling import Formula
from lrfix.rewriting.in_place.shares import SHARES
from lrfix.rewriting.model import NotRewritten
from lrfix.rewriting.seen import Seen
from lrfix.trees import stored_names
from lrfix.verification import CallSetting

_MOST_CHOICES = 12
_BASES = ((0.1,), (0.1, 0.003), (0.3, 0.02, 0.11))
_SCALES = (0.7, 0.35, 1.3)
_STEPS = 48
#: Positions that are asked for where an end cannot be told.
_FIRST = 3


def whole_settings(old: Definition, formulas: Sequence[Formula], leaves: Mapping[str, None]) -> list[CallSetting]:
    """Every choice of flags and texts under one draw, the other draws, and one to three groups with their own keys;
    last the first draw in floats, but for what the file declares to be integers."""
    step = main_step(old, formulas, leaves)
    tables = all(f.length is not None for f in formulas)
    if step is None and not tables:
        raise NotRewritten("nothing that it is given is the position in training")
    choices = _choices(old.inputs, leaves)
    declared = WholeNumbers(old.names)
    counted = {name for statement in old.body for name in stored_names(statement)}
    share = any(f.share for f in formulas)
    between = step is not None and not share and all(f.region.position is None for f in formulas)
    between = between and not Seen(old.names).fraction(str(step))
    found = []
    for index, in_floats in ((0, False), (1, False), (2, False), (0, True)):
        values = _values(old, leaves, old.ticks if step is not None else {}, step, index)
        if in_floats:
            values = {leaf: value if leaf in declared else floated(value) for leaf, value in values.items()}
        for number, choice in enumerate(choices if index == 0 and not in_floats else choices[:3]):
            setting = {**values, **choice}
            positions: tuple[float, ...] = (1.0,)
            if step is not None:
                # What counts on before it computes is further than the position that it is given.
                more = 2 if step in old.inputs.written or step in counted else 0
                everywhere = sorted({*_positions(setting), *(SHARES if share else ())})
                asked = [p for p in everywhere if p == int(p) or step not in declared]
                positions = tuple(p for p in asked if _reached(formulas, setting, step, p + more))
            for count, bases in enumerate(_BASES):
                if count != (number + index) % 3 and not (index == 0 and number == 0):
                    continue
                extras = _extras(old.inputs, bases, number + index)
                found.append(CallSetting(setting, positions, None, bases, extras, between=between))
    return found


def main_step(old: Definition, formulas: Sequence[Formula], leaves: Mapping[str, None]) -> str | None:
    """The input that the position is given to; a table has none."""
    if all(f.length is not None for f in formulas):
        return None
    return next((f.call.step for f in formulas if f.call.step in leaves), next(iter(old.ticks), None))


def _choices(inputs: Inputs, leaves: Mapping[str, None]) -> list[dict[str, Any]]:
    axes: list[tuple[str, list[Any]]] = [
        (leaf, [*texts, "another"]) for leaf, texts in inputs.texts.items() if leaf in leaves
    ]
    axes += [
        (leaf, [True, False])
        for leaf in inputs.flags
        if leaf in leaves and leaf not in inputs.texts and role_of(leaf) not in LENGTHS
    ]
    products = itertools.product(*(values for _, values in axes))
    names = [leaf for leaf, _ in axes]
    return [dict(zip(names, chosen, strict=True)) for chosen in itertools.islice(products, _MOST_CHOICES)]


def _values(
    old: Definition, leaves: Mapping[str, None], ticks: Mapping[str, Tick], step: str | None, index: int
) -> dict[str, Any]:
    scenario = Scenario(index)
    scenario.meant = roles_by_use(old.body)
    scenario.inferred = inferred(old.names)
    found: dict[str, Any] = {}
    for leaf in leaves:
        if leaf == step:
            continue
        begins = role_of(leaf) is Role.LAST_EPOCH
        found[leaf] = index if leaf in ticks or begins else scenario.value(leaf)
    return found


def _reached(formulas: Sequence[Formula], values: Mapping[str, Any], step: str, position: float) -> bool:
    """Whether at a position no formula is past its end whose two versions are not alike there."""
    known = {**values, step: position}
    for formula in formulas:
        horizon = formula.call.horizon
        if not formula.open_end or horizon is None:
            continue
        last = formula.call.arguments.get("decay_progress", '"k/D"')
        try:
            at, end = evaluate(formula.step, known), evaluate(horizon, known)
        except (NotArithmetic, ArithmeticError, ValueError, TypeError):
            return position <= _FIRST
        if isinstance(at, int | float) and isinstance(end, int | float) and at > end - (last != '"k/D"'):
            return False
    return True


def _positions(values: Mapping[str, Any]) -> list[float]:
    counts = [v for v in values.values() if isinstance(v, int | float) and not isinstance(v, bool) and v == int(v)]
    longest = int(max(counts or [60]))
    last = longest * 1.2 + 3
    steps: list[float] = [round(i * last / _STEPS) for i in range(_STEPS + 1)]
    steps += list(range(min(16, int(last) + 1)))
    steps += [i * last / 7 for i in range(1, 7)]
    return sorted({p for p in steps if p <= last})


def _extras(inputs: Inputs, bases: Sequence[float], turn: int) -> tuple[dict[str, Any], ...]:
    found = []
    for group, base in enumerate(bases):
        extra: dict[str, Any] = {}
        for place, key in enumerate(inputs.keys):
            if key in inputs.guarded and (group + turn) % 2:
                continue
            if key in inputs.key_flags:
                extra[key] = bool((group + turn) % 2)
            elif "initial_lr" in key or "base_lr" in key:
                extra[key] = base
            else:
                extra[key] = _SCALES[(group + place) % len(_SCALES)]
        found.append(extra)
    return tuple(found)


__all__ = ["main_step", "whole_settings"]
