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
        if isinstance(value, str):
            raise TypeError
        # Integers of other libraries know __index__; whatever else counts steps must turn into a float.
        return (int(value.__index__()), 1) if hasattr(value, "__index__") else float(value).as_integer_ratio()
    except (OverflowError, TypeError, ValueError):
        raise ValueError(f"{value!r} is not a number of steps; legal: a finite number") from None


def in_common_unit(*values: float) -> tuple[int, ...]:
    """``(one, v0, v1, ...)``: the values as integers in one unit of which a step has ``one``."""
    whole = [1]
    for value in values:
        if type(value) is not int:
            break
        whole.append(value)
    else:
        return tuple(whole)
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
    if numerator >= denominator or start == end:
        return float(end)
    ratio = end / start
    if ratio < 1e-290:
        # The peak of a late cycle has decayed to next to nothing: the corrections below would divide by zero.
        return float(start * ratio ** (numerator / denominator))
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


# (1 - cos(x)) / 2 = y/4 * (1 - y/12 + y**2/360 - ...) with y = x**2; coefficient j is 2 / (2j+2)!.
_BITS = 64
_UNIT = 1 << _BITS
_TWELFTH = (_UNIT + 6) // 12
_PI_SQUARED = 0x9DE9E64DF22EF2D256E26CD98  # in units of 2**-96
_C2, _C3, _C4 = 2 / math.factorial(6), 2 / math.factorial(8), 2 / math.factorial(10)
_C5, _C6, _C7 = 2 / math.factorial(12), 2 / math.factorial(14), 2 / math.factorial(16)
_C8, _C9, _C10 = 2 / math.factorial(18), 2 / math.factorial(20), 2 / math.factorial(22)
_SCALE = 2.0**_BITS


@lru_cache(maxsize=256)
def _squared_half_turn(length: int) -> tuple[int, int, int]:
    """``(pi / length)**2`` in units of ``2**-bits``; ``bits - 64``; the denominator ``4 * 2**(bits + 64)``."""
    bits = 2 * length.bit_length() + 70
    scaled = _PI_SQUARED << bits - 96 if bits >= 96 else _PI_SQUARED >> 96 - bits
    return scaled // length**2, bits - _BITS, 1 << bits + _BITS + 2


def cosine_weight(done: int, length: int) -> Weight:
    """``(1 + cos(pi * done / length)) / 2`` for ``0 <= done <= length``, with a relative error of 2**-58 at most.

    The angle is reduced to at most a quarter turn by exact subtraction, and the small quantity is the one computed: no
    cancellation at either end. Neighbouring steps differ by more than the error up to horizons of 2**53, so the order
    of the exact values is kept. Terms from the third on are small enough to be floats.
    """
    left = length - done
    near = done if done < left else left
    unit, shift, denominator = _squared_half_turn(length)
    angle = near * near * unit
    y_scaled = angle >> shift
    y = y_scaled / _SCALE
    tail = _C5 - y * (_C6 - y * (_C7 - y * (_C8 - y * (_C9 - y * _C10))))
    tail = _C2 - y * (_C3 - y * (_C4 - y * tail))
    series = _UNIT - ((_TWELFTH - (int(tail * _SCALE) * y_scaled >> _BITS)) * y_scaled >> _BITS)
    numerator = angle * series
    return (denominator - numerator if done < left else numerator), denominator


def wave_weight(done: int, length: int, num_cycles: float) -> Weight:
    """``(1 + cos(2 pi * num_cycles * done / length)) / 2``: half a wave, the usual one, with ``num_cycles`` 0.5."""
    if num_cycles == 0.5:
        return cosine_weight(done, length)
    p, q = (2 * num_cycles).as_integer_ratio()
    half = length * q
    at = done * p % (2 * half)
    return cosine_weight(at if at < half else 2 * half - at, half)


def power_weight(left: int, length: int, power: float) -> Weight:
    """``(left / length) ** power`` for ``0 <= left <= length``: integer powers exactly, others within 2 ulp.

    As in Python, nothing to the power of 0 is 1.
    """
    if left <= 0:
        return (0, 1) if power else (1, 1)
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
    """``(cycle, offset, length)`` of a position >= 0 in cycles of ``first * multiplier**n`` units, by integers."""
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
