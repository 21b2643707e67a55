"""Staircases whose drops may lie inside the warmup: a setting in which they do, and what the call says of it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lrfix import schedules
from lrfix.recognition.evaluation import NotArithmetic, evaluate
from lrfix.rewriting.in_place.calls import Call

_COUNTED = {"warmup_step": '"warmup"', "warmup_multistep": '"start"'}
"""What each staircase is counted from where a call does not say it."""
_BEHIND = 3
_CLOSE = 1e-9


def inside_the_warmup(call: Call, values: Mapping[str, Any], warmups: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The same values with a warmup, whose length the leaves ``warmups`` say, that goes on behind several drops."""
    last = _last_drop(call, values)
    if last is None:
        return
    for leaf in warmups:
        if isinstance(values.get(leaf), int) and not isinstance(values[leaf], bool):
            yield {**values, leaf: int(last) + _BEHIND}


def with_drops_in_warmup(
    call: Call, values: Mapping[str, Any], sampled: Callable[[dict[str, Any], Sequence[float]], list[float]]
) -> Call:
    """The same staircase with drops inside the warmup at once, where ``sampled``, the old curve, has them so.

    No draw shows it: a warmup is drawn shorter than what a staircase counts.
    """
    if call.arguments.get("count_from", _COUNTED.get(call.function)) != '"start"':
        return call
    if "warmup_steps" not in call.arguments:
        return call
    at_once = replace(call, arguments={**call.arguments, "count_from": '"start-in-warmup"'})
    named = {ast.unparse(n) for n in ast.walk(ast.parse(call.arguments["warmup_steps"]))}
    for setting in inside_the_warmup(call, values, sorted(named & set(values))):
        told = _values(call, setting).get("warmup_steps")
        if not isinstance(told, int):
            continue
        old = sampled(setting, range(told))
        if len(old) == told and _gives(at_once, setting, old) and not _gives(call, setting, old):
            return at_once
    return call


def _values(call: Call, values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call as values, those that are no arithmetic left out."""
    found: dict[str, Any] = {}
    for name, text in call.arguments.items():
        try:
            found[name] = ast.literal_eval(text) if text.startswith('"') else evaluate(text, values)
        except (NotArithmetic, ArithmeticError, ValueError, TypeError):
            continue
    return found


def _last_drop(call: Call, values: Mapping[str, Any]) -> float | None:
    given = _values(call, values)
    if call.function == "warmup_multistep" and isinstance(given.get("milestones"), list | tuple):
        numbers = [m for m in given["milestones"] if isinstance(m, int | float)]
        return max(numbers, default=None)
    size = given.get("step_size") if call.function == "warmup_step" else None
    return 2 * size if isinstance(size, int | float) else None


def _gives(call: Call, values: Mapping[str, Any], rates: Sequence[float]) -> bool:
    given = _values(call, values)
    if set(given) != set(call.arguments):
        return False
    function = getattr(schedules, call.function)
    try:
        return all(abs(function(k, **given) - rate) <= _CLOSE * max(map(abs, rates)) for k, rate in enumerate(rates))
    except (TypeError, ValueError):
        return False


__all__ = ["inside_the_warmup", "with_drops_in_warmup"]
