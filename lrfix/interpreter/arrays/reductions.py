"""Sums, products, extremes and their running forms over one dimension, in numpy's order of additions."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from itertools import pairwise as pairwise_of
from typing import Any

from lrfix.interpreter.arrays.scalars import NUMBERS, SCALARS, converted, default_float, kind_of, plain, scalar
from lrfix.interpreter.arrays.values import Array, array_of, broadcast, division_kind, elementwise, library_of, result
from lrfix.interpreter.errors import Opaque


def vector(library: str, value: Any) -> tuple[str, Array]:
    """The library and the elements of an argument: an array, a list, or one number."""
    library = library_of((value,), library)
    if isinstance(value, Array):
        return library, value
    if library == "torch" and not isinstance(value, SCALARS):
        raise Opaque("gives a plain value to a function of tensors")
    return library, array_of(library, [value] if isinstance(value, NUMBERS) else value)


def _whole_array(axis: Any) -> None:
    if axis not in (None, 0, -1):
        raise Opaque("reduces an array along an axis that is not there")


def pairwise(values: list[float]) -> float:
    """numpy's pairwise sum."""
    count = len(values)
    if count < 8:
        total = 0.0
        for value in values:
            total += value
        return total
    if count <= 128:
        lanes = values[:8]
        whole = count - count % 8
        for start in range(8, whole, 8):
            for lane in range(8):
                lanes[lane] += values[start + lane]
        total = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]))
        for value in values[whole:]:
            total += value
        return total
    half = count // 2
    half -= half % 8
    return pairwise(values[:half]) + pairwise(values[half:])


def _total(library: str, values: list[Any], kind: str) -> Any:
    if kind in ("bool", "int"):
        return converted("int", sum(values))
    if library == "torch" and len(values) > 2:
        raise Opaque("sums a tensor, in an order that torch does not fix")
    return converted(kind, pairwise(values))


def total(library: str, value: Any, axis: Any = None) -> Any:
    _whole_array(axis)
    library, array = vector(library, value)
    kind = "int" if array.kind == "bool" else array.kind
    return scalar(library, kind, _total(library, array.values, array.kind))


def mean(library: str, value: Any, axis: Any = None) -> Any:
    _whole_array(axis)
    library, array = vector(library, value)
    if library == "torch" and array.kind in ("bool", "int"):
        raise RuntimeError("mean(): could not infer output dtype. Input dtype must be floating point")
    if not len(array):
        raise Opaque("takes the mean of nothing")
    kind = division_kind(library, array.kind)
    floats = [float(v) for v in array.values]
    return scalar(library, kind, converted(kind, _total(library, floats, kind) / len(array)))


def product(library: str, value: Any, axis: Any = None) -> Any:
    _whole_array(axis)
    library, array = vector(library, value)
    if library == "torch" and array.kind not in ("bool", "int"):
        raise Opaque("multiplies a tensor, in an order that torch does not fix")
    found: Any = 1
    for element in array.values:
        found = converted("int" if array.kind == "bool" else array.kind, found * element)
    kind = "int" if array.kind == "bool" else array.kind
    return scalar(library, kind, converted(kind, found))


def _extreme(choose: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    def run(library: str, value: Any, axis: Any = None) -> Any:
        _whole_array(axis)
        library, array = vector(library, value)
        if not len(array):
            raise (RuntimeError if library == "torch" else ValueError)("zero-size array has no extreme")
        return array.element(_position(array.values, choose))

    return run


def _position(values: list[Any], better: Callable[[Any, Any], bool]) -> int:
    best = 0
    for index, value in enumerate(values):
        if value != value:
            return index
        if better(value, values[best]):
            best = index
    return best


def _extreme_position(choose: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    def run(library: str, value: Any, axis: Any = None) -> Any:
        _whole_array(axis)
        library, array = vector(library, value)
        if not len(array):
            raise (IndexError if library == "torch" else ValueError)("attempt to get the position in an empty sequence")
        return scalar(library, "int", _position(array.values, choose))

    return run


least, greatest = _extreme(lambda a, b: a < b), _extreme(lambda a, b: a > b)
least_position, greatest_position = _extreme_position(lambda a, b: a < b), _extreme_position(lambda a, b: a > b)


def _running(combine: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def run(library: str, value: Any, axis: Any = None, *, dim: Any = None) -> Any:
        _whole_array(axis if dim is None else dim)
        library, array = vector(library, value)
        kind = "int" if array.kind == "bool" else array.kind
        if library == "torch" and kind == "float32":
            raise Opaque("sums a float32 tensor up, at a precision that torch does not fix")
        found: list[Any] = []
        for element in array.values:
            found.append(converted(kind, combine(found[-1], element) if found else element))
        return array.same(found, kind)

    return run


cumulative_sum, cumulative_product = _running(lambda a, b: a + b), _running(lambda a, b: a * b)


def any_of(library: str, value: Any, axis: Any = None) -> Any:
    _whole_array(axis)
    library, array = vector(library, value)
    return scalar(library, "bool", any(array.values))


def all_of(library: str, value: Any, axis: Any = None) -> Any:
    _whole_array(axis)
    library, array = vector(library, value)
    return scalar(library, "bool", all(array.values))


def searchsorted(library: str, values: Any, wanted: Any, side: str = "left", *, right: bool = False) -> Any:
    """Where ``wanted`` would be inserted; ``values`` must ascend."""
    library, array = vector(library, values)
    return _inserted(library, array, wanted, side == "right" or right)


def digitize(library: str, wanted: Any, bins: Any, right: bool = False) -> Any:
    library, array = vector(library, bins)
    return _inserted(library, array, wanted, not right)


def bucketize(library: str, wanted: Any, bins: Any, right: bool = False) -> Any:
    library, array = vector(library, bins)
    return _inserted(library, array, wanted, right)


def _inserted(library: str, array: Array, wanted: Any, right: bool) -> Any:
    values = array.values
    if any(a > b for a, b in pairwise_of(values)) or any(v != v for v in values):
        raise Opaque("searches an array that does not ascend")
    search = bisect.bisect_right if right else bisect.bisect_left
    if isinstance(wanted, list | tuple):
        wanted = array_of(library, wanted)
    if isinstance(wanted, Array):
        return wanted.same([search(values, v) for v in wanted.values], "int")
    return scalar(library, "int", search(values, plain(wanted)))


def _floats(library: str, values: Any) -> list[float]:
    return array_of(library, values, "float").values


def interp(library: str, x: Any, xs: Any, ys: Any, left: Any = None, right: Any = None) -> Any:
    """Linear interpolation; beyond the points the first and last value."""
    places, heights = _floats(library, xs), _floats(library, ys)
    if not places:
        raise ValueError("array of sample points is empty")
    if len(places) != len(heights):
        raise ValueError("fp and xp are not of the same length.")
    if any(not a <= b for a, b in pairwise_of(places)):
        raise Opaque("interpolates between points that do not ascend")
    low = heights[0] if left is None else float(plain(left))
    high = heights[-1] if right is None else float(plain(right))

    def at(value: float) -> float:
        if value != value:
            return value
        if value > places[-1]:
            return high
        if value < places[0]:
            return low
        index = bisect.bisect_right(places, value) - 1
        if index == len(places) - 1 or places[index] == value:
            return heights[index]
        slope = (heights[index + 1] - heights[index]) / (places[index + 1] - places[index])
        return slope * (value - places[index]) + heights[index]

    if isinstance(x, list | tuple):
        x = array_of(library, x)
    return elementwise(x, library, "float", at)


def close(library: str, a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08) -> Any:
    """``isclose``: ``|a - b| <= atol + rtol * |b|``."""
    if isinstance(a, list | tuple | Array) or isinstance(b, list | tuple | Array):
        (library, left), (_, right) = vector(library, a), vector(library, b)
        pair = [(x.values, x.kind, 1, False) for x in (left, right)]
    else:
        library = library_of((a, b), library)
        pair = [(plain(x), kind_of(x), 0, False) for x in (a, b)]
    found, has_dimension = broadcast(library, pair, lambda x, y: x == y or _near(x, y, rtol, atol))
    return result(library, "bool", found, has_dimension)


def _near(x: float, y: float, rtol: float, atol: float) -> bool:
    return abs(y) != float("inf") and abs(x - y) <= atol + rtol * abs(y)


def spread(library: str, value: Any, ddof: int = 0) -> Any:
    """The variance."""
    library, array = vector(library, value)
    if library == "torch" or len(array) - ddof <= 0:
        raise Opaque("takes the variance of an array that is not simulated")
    middle = float(plain(mean(library, value)))
    squares = [(float(v) - middle) * (float(v) - middle) for v in array.values]
    return scalar(library, default_float(library), pairwise(squares) / (len(array) - ddof))
