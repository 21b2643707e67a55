"""Checks of constructor arguments: each error names the argument, its value and the legal range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

PerGroup = float | Sequence[float]


def whole_number(name: str, value: Any, least: int) -> int:
    """A count: an integer, or a float that is one."""
    legal = f"a whole number >= {least}"
    if isinstance(value, (bool, str)):
        raise ValueError(f"{name}={value!r}; legal: {legal}")
    try:
        number = int(value)
        exact = number == value
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name}={value!r}; legal: {legal}") from None
    if not exact or number < least:
        raise ValueError(f"{name}={value!r}; legal: {legal}")
    return number


def length(name: str, value: Any, *, positive: bool = False) -> float:
    """A number of steps, fractions allowed: an integer where it is one, else a float."""
    legal = f"a number of steps {'>' if positive else '>='} 0"
    steps = number(name, value, legal)
    whole = int(value) if steps.is_integer() else steps
    if isinstance(value, bool) or (positive and not whole > 0):
        raise ValueError(f"{name}={value!r}; legal: {legal}")
    return whole


def number(
    name: str, value: Any, legal: str, *, above: float = -math.inf, least: float = 0.0, most: float = math.inf
) -> float:
    """A finite float with ``above < value``, ``least <= value <= most``; ``legal`` says so in words."""
    try:
        if isinstance(value, str):
            raise TypeError
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name}={value!r}; legal: {legal}") from None
    if not math.isfinite(result) or not above < result or not least <= result <= most:
        raise ValueError(f"{name}={value!r}; legal: {legal}")
    return result


def per_group(name: str, value: Any, legal: str, groups: int, *, most: float = math.inf) -> float | list[float]:
    """One number >= 0 for all groups, or a list with one for each group."""
    if isinstance(value, (list, tuple)):
        if len(value) != groups:
            raise ValueError(
                f"{name} has {len(value)} values; legal: one number, or one for each of the {groups} parameter groups"
            )
        return [number(f"{name}[{i}]", item, legal, most=most) for i, item in enumerate(value)]
    return number(name, value, legal, most=most)


def choice(name: str, value: Any, legal: Sequence[str]) -> str:
    """One of the given words."""
    if not isinstance(value, str) or value not in legal:
        raise ValueError(f"{name}={value!r}; legal: {', '.join(map(repr, legal))}")
    return value


def excluded(first: str, first_given: bool, second: str, second_given: bool) -> None:
    """Two ways to say the same thing: at most one of them."""
    if first_given and second_given:
        raise ValueError(f"{first} and {second} exclude each other; legal: one of the two")


def sorted_steps(name: str, values: Any) -> list[float]:
    """Steps, fractions allowed, in ascending order whatever the order that they are given in, as torch takes them."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise ValueError(f"{name}={values!r}; legal: a list of numbers of steps >= 0")
    return sorted(length(f"{name}[{i}]", value) for i, value in enumerate(values))
