"""Exact building blocks: steps as integers, correctly rounded interpolation, the half cosine, restart cycles.

Floats are dyadic rationals, so steps, horizons and rates all turn into integers without loss. A weight is a pair
``(numerator, denominator)``; a rate is rounded once, at the very end. That makes the curves monotone, exact at both
ends, accurate in the tail, and the same on every platform (no ``libm`` call is involved for the cosine).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

Weight = tuple[int, int]


def step_ratio(value: Any) -> Weight:
    """A step or a number of steps as an exact fraction; ValueError where it is not a finite number."""
    try:
        if isinstance(value, (int, float)):
            return value.as_integer_ratio()
        # Integers of other libraries know __index__; whatever else counts steps must turn into a float.
        return (int(value.__index__()), 1) if hasattr(value, "__index__") else float(value).as_integer_ratio()
    except (OverflowError, TypeError, ValueError):
        raise ValueError(f"{value!r} is not a number of steps; legal: a finite number") from None


def in_common_unit(*values: float) -> tuple[int, ...]:
    """``(one, v0, v1, ...)``: the values as integers in one unit of which a step has ``one``."""
    for value in values:
        if type(value) is not int:
            break
    else:
        return (1, *values)  # type: ignore[arg-type]  # the loop has just shown that all are int
    ratios = [step_ratio(value) for value in values]
    one = math.lcm(*(denominator for _, denominator in ratios))
    return (one, *(numerator * (one // denominator) for numerator, denominator in ratios))


def interpolate(start: float, end: float, numerator: int, denominator: int) -> float:
    """``start + (end - start) * numerator / denominator``, rounded once; exactly ``start`` at 0 and ``end`` at 1."""
    if numerator <= 0:
        return float(start)
    if numerator >= denominator:
        return float(end)
    origin, span, unit = line(start, end)
    return (origin * denominator + span * numerator) / (unit * denominator)


def line(start: float, end: float) -> tuple[int, int, int]:
    """``(origin, span, unit)``, integers with ``start = origin / unit`` and ``end = (origin + span) / unit``."""
    a, unit = float(start).as_integer_ratio()
    b, other = float(end).as_integer_ratio()
    # Both denominators are powers of two: the larger is a multiple of the smaller.
    if unit < other:
        a *= other // unit
        unit = other
    elif other < unit:
        b *= unit // other
    return a, b - a, unit


def geometric(start: float, end: float, numerator: int, denominator: int) -> float:
    """``start * (end / start) ** (numerator / denominator)``; exactly ``start`` at 0 and ``end`` at 1."""
    if numerator <= 0:
        return float(start)
    if numerator >= denominator:
        return float(end)
    ratio = end / start
    progress = numerator / denominator
    # The rounding of the exponent and of the base is amplified by the power: both are put back to first order.
    p, q = progress.as_integer_ratio()
    missing = (numerator * q - p * denominator) / (denominator * q) * math.log(ratio)
    a, b = float(start).as_integer_ratio()
    c, d = float(end).as_integer_ratio()
    r, s = ratio.as_integer_ratio()
    missing += progress * ((c * b * s - r * d * a) / (r * d * a))
    rate: float = start * ratio**progress
    rate += rate * missing
    low, high = (start, end) if start <= end else (end, start)
    return float(min(max(rate, low), high))


# sin(x/2)**2 = y/4 * (1 - y/12 + y**2/360 - ...), y = x**2; coefficient j is 2/(2j+2)!, here in units of 2**-96.
_BITS = 96
_PI_SQUARED = 0x9DE9E64DF22EF2D256E26CD98
_A0 = 0x1000000000000000000000000
_A1 = 0x155555555555555555555555
_A2 = 0xB60B60B60B60B60B60B60B
_A3 = 0x340340340340340340340
_A4 = 0x93F27DBBC4FAE397781
_B5, _B6, _B7, _B8 = 2 / math.factorial(12), 2 / math.factorial(14), 2 / math.factorial(16), 2 / math.factorial(18)
_B9, _B10, _B11, _B12 = 2 / math.factorial(20), 2 / math.factorial(22), 2 / math.factorial(24), 2 / math.factorial(26)
_PI_SQUARED_FLOAT = math.pi**2
_SCALE = 2.0**_BITS


def cosine_weight(done: int, length: int) -> Weight:
    """``(1 + cos(pi * done / length)) / 2`` for ``0 <= done <= length``: 1 at 0, 0 at ``length``, relative error
    2**-66.

    The angle is reduced to at most a quarter turn by exact subtraction, and the small quantity is the one computed: no
    cancellation at either end. Terms from the sixth on are below 2**-20 and may be floats.
    """
    left = length - done
    first_half = done < left
    near = done if first_half else left
    square, whole = near * near, length * length
    y = square / whole * _PI_SQUARED_FLOAT
    tail = _B8 - y * (_B9 - y * (_B10 - y * (_B11 - y * _B12)))
    tail = _B5 - y * (_B6 - y * (_B7 - y * tail))
    angle = _PI_SQUARED * square
    y_scaled = angle // whole
    series = _A4 - (int(tail * _SCALE) * y_scaled >> _BITS)
    series = _A3 - (series * y_scaled >> _BITS)
    series = _A2 - (series * y_scaled >> _BITS)
    series = _A1 - (series * y_scaled >> _BITS)
    series = _A0 - (series * y_scaled >> _BITS)
    numerator, denominator = angle * series, whole << 2 * _BITS + 2
    return (denominator - numerator if first_half else numerator), denominator


def power_weight(left: int, length: int, power: float) -> Weight:
    """``(left / length) ** power`` for ``0 <= left <= length``: integer powers exactly, others within 2 ulp."""
    if left <= 0:
        return 0, 1
    whole = int(power)
    if whole > 16:
        base = left / length
        p, q = base.as_integer_ratio()
        value: float = base**power
        value += value * (power * ((left * q - p * length) / (p * length)))
        return min(value, 1.0).as_integer_ratio()
    numerator, denominator = left**whole, length**whole
    if power != whole:
        p, q = ((left / length) ** (power - whole)).as_integer_ratio()
        return numerator * p, denominator * q
    return numerator, denominator


def one_minus_sqrt_weight(done: int, length: int) -> Weight:
    """``1 - sqrt(done / length)``, written ``(1 - p) / (1 + sqrt(p))`` so that nothing cancels near the end."""
    p, q = (1.0 + math.sqrt(done / length)).as_integer_ratio()
    return (length - done) * q, length * p


@lru_cache(maxsize=64)
def _powers(base: int) -> Sequence[int]:
    powers = [1]
    while powers[-1] < 1 << 64:
        powers.append(powers[-1] * base)
    return powers


def locate_cycle(position: int, first: int, multiplier: int) -> tuple[int, int, int]:
    """``(cycle, offset, length)`` of a position >= 0 in cycles of ``first * multiplier**n`` units, by integers alone."""
    if multiplier == 1:
        cycle, offset = divmod(position, first)
        return cycle, offset, first
    # Cycle n begins at first * (multiplier**n - 1) / (multiplier - 1): n is the integer logarithm of `reach`.
    reach = 1 + position * (multiplier - 1) // first
    powers = _powers(multiplier)
    cycle = bisect_right(powers, reach) - 1
    power = powers[cycle]
    while power * multiplier <= reach:
        power *= multiplier
        cycle += 1
    start = first * (power - 1) // (multiplier - 1)
    return cycle, position - start, first * power
