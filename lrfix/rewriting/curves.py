"""The rates that a reading's schedule must have, computed apart from any emitted code."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from lrfix.recognition import Sample, ScheduleSpec
from lrfix.recognition.confirmation import bundled_curve
from lrfix.recognition.evaluation import NotArithmetic, evaluate

_LONGEST = 2000
_SHORTEST = 24
MOST_WALKED = 2500
"""Steps of one run at most."""


def expected_curve(spec: ScheduleSpec, values: Mapping[str, object], base_lr: float, steps: int) -> tuple[float, ...]:
    """The rates of the first ``steps`` steps; empty where an argument has no value under ``values``."""
    try:
        arguments = {n: t for n, t in spec.arguments.items() if n != "last_epoch"}
        curve = bundled_curve(spec.scheduler, arguments, Sample((), base_lr, values))
        return tuple(curve(step) for step in range(steps))
    except (NotArithmetic, ArithmeticError, ValueError, TypeError, KeyError):
        return ()


def telling_length(
    spec: ScheduleSpec, values: Mapping[str, object], least: int = _SHORTEST, most: int = _LONGEST
) -> int:
    """How many steps show a schedule: past its horizon, or three cycles; 240 where that cannot be told."""
    given: dict[str, float] = {}
    for name, text in spec.arguments.items():
        try:
            value = evaluate(text, values)
        except (NotArithmetic, ArithmeticError, ValueError, TypeError):
            continue
        numbers: Sequence[object] = value if isinstance(value, list) else [value]
        whole = [float(v) for v in numbers if isinstance(v, int | float) and not isinstance(v, bool)]
        if whole:
            given[name] = max(whole)
    warmup = given.get("warmup_steps", 0)
    if "total_steps" in given:
        length = given["total_steps"] * 1.1 + 2
    elif "T_0" in given:
        multiplier = given.get("T_mult", 1)
        length = warmup + given["T_0"] * (1 + multiplier + multiplier**2) + 2
        if length > most:
            length = warmup + given["T_0"] * (1 + multiplier) + 2
    else:
        longest = max([warmup, *(given[n] for n in ("step_size", "milestones", "decay_steps") if n in given)])
        length = 3 * longest if longest else 240
    return int(min(max(length, least), most))


def value_of(spec: ScheduleSpec, argument: str, names: Mapping[str, object]) -> float | None:
    """The value of one argument of a construction; None where it has none, or no number."""
    text = spec.arguments.get(argument)
    try:
        value = evaluate(text, names) if text is not None else None
    except (NotArithmetic, ArithmeticError, ValueError, TypeError):
        return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def walked(spec: ScheduleSpec, names: Mapping[str, object]) -> int:
    """How many steps to compare: past what the construction tells, and past all lengths that are open, end to end."""
    numbers = [
        v for v in names.values() if isinstance(v, int | float) and not isinstance(v, bool) and 1 < v <= _LONGEST
    ]
    numbers += [v for value in names.values() if isinstance(value, list) for v in value if isinstance(v, int) and v > 1]
    return max(telling_length(spec, names), int(sum(numbers) * 1.1) + 2)


def longest_number(program: str) -> int:
    """The largest whole number that a program's text holds and that can be walked past in a proof; 0 without one."""
    numbers = [n.value for n in ast.walk(ast.parse(program)) if isinstance(n, ast.Constant)]
    whole = [int(n * 1.1) + 2 for n in numbers if isinstance(n, int) and not isinstance(n, bool)]
    return max((n for n in whole if n <= _LONGEST), default=0)


__all__ = ["MOST_WALKED", "expected_curve", "longest_number", "telling_length", "value_of", "walked"]
