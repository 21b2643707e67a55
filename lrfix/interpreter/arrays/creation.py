"""Arrays from lengths, bounds and other arrays; the types of their elements."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from lrfix.interpreter.arrays.scalars import (
    NUMBERS,
    SCALARS,
    NumpyBool,
    NumpyFloat,
    NumpyInt,
    all_converted,
    converted,
    default_float,
    higher,
    kind_of,
    plain,
    promoted,
    scalar,
    single,
)
from lrfix.interpreter.arrays.values import (
    ARRAYS,
    Array,
    array_of,
    binary,
    broadcast,
    item,
    library_of,
    result,
)
from lrfix.interpreter.errors import Opaque
from lrfix.interpreter.limits import MAX_LENGTH


@dataclass(frozen=True)
class ElementType:
    """``torch.float32`` and its kin, types of elements that are no classes. ``kind`` is None: not simulated."""

    name: str
    kind: str | None


_TYPES = {float: "float", int: "int", bool: "bool", NumpyFloat: "float", NumpyInt: "int", NumpyBool: "bool"}
_NAMES = {
    "float": "float",
    "float64": "float",
    "double": "float",
    "int": "int",
    "int64": "int",
    "bool": "bool",
    "f8": "float",
    "i8": "int",
    "d": "float",
}
TORCH_TYPES = {
    "float32": "float32",
    "float": "float32",
    "float64": "float",
    "double": "float",
    "int64": "int",
    "long": "int",
    "bool": "bool",
    "float16": None,
    "half": None,
    "bfloat16": None,
    "int32": None,
    "int": None,
}


def kind_named(library: str, dtype: Any) -> str | None:
    """The kind that a ``dtype`` argument names, None for None."""
    if dtype is None:
        return None
    if isinstance(dtype, ElementType):
        found = dtype.kind
    elif isinstance(dtype, str) and library == "numpy":
        found = _NAMES.get(dtype)
    else:
        found = _TYPES.get(dtype) if isinstance(dtype, type) else None
    if found is None:
        raise Opaque("builds an array of a type that is not simulated")
    return found


def array(library: str, /, values: Any, dtype: Any = None, copy: Any = None, **keywords: Any) -> Any:
    _only_placement(keywords)
    kind = kind_named(library, dtype)
    if isinstance(values, NUMBERS):
        own = kind_of(values)
        if library == "torch" and own == "float" and not isinstance(values, SCALARS):
            own = "float32"
        return scalar(library, kind or own, converted(kind or own, plain(values)))
    if isinstance(values, Array) and values.library != library:
        raise Opaque("turns an array of one library into one of another")
    return array_of(library, values, kind or (default_float(library) if _empty(values) else None))


def _empty(values: Any) -> bool:
    return isinstance(values, list | tuple) and not values


def asarray(library: str, /, values: Any, dtype: Any = None, **keywords: Any) -> Any:
    """As ``array``, but an array itself is kept."""
    if isinstance(values, Array) and values.library == library and kind_named(library, dtype) in (None, values.kind):
        return values
    return array(library, values, dtype, **keywords)


def _only_placement(keywords: dict[str, Any]) -> None:
    if set(keywords) - {"device", "requires_grad", "order"} or keywords.get("requires_grad"):
        raise Opaque("builds an array with arguments that are not simulated")


def _length(shape: tuple[Any, ...]) -> int:
    while len(shape) == 1 and isinstance(shape[0], list | tuple):
        shape = tuple(shape[0])
    if len(shape) != 1 or isinstance(shape[0], bool) or not isinstance(shape[0], int):
        if len(shape) == 1 and isinstance(shape[0], float):
            raise TypeError("'float' object cannot be interpreted as an integer")
        raise Opaque("builds an array that has not one dimension")
    if shape[0] < 0:
        raise ValueError("negative dimensions are not allowed")
    if shape[0] > MAX_LENGTH:
        raise Opaque("builds an array too long to simulate")
    return int(shape[0])


def _filled(value: int) -> Any:
    def run(library: str, /, *given: Any, dtype: Any = None, **keywords: Any) -> Array:
        shape = list(given)
        _only_placement(keywords)
        if library == "numpy" and len(shape) == 2:
            *shape, dtype = shape
        kind = kind_named(library, dtype) or default_float(library)
        return ARRAYS[library]([converted(kind, value)] * _length(tuple(shape)), kind)

    return run


zeros, ones = _filled(0), _filled(1)


def full(library: str, /, shape: Any, fill_value: Any, dtype: Any = None, **keywords: Any) -> Array:
    _only_placement(keywords)
    own = kind_of(fill_value)
    if library == "torch" and own == "float":
        own = "float32"
    kind = kind_named(library, dtype) or own
    return ARRAYS[library]([converted(kind, plain(fill_value))] * _length((shape,)), kind)


def full_like(library: str, model: Any, fill_value: Any, dtype: Any = None) -> Any:
    found = array(library, model) if not isinstance(model, Array) else model
    if not isinstance(found, Array):
        return scalar(library, found.kind, converted(found.kind, plain(fill_value)))
    kind = kind_named(library, dtype) or found.kind
    return found.same([converted(kind, plain(fill_value))] * len(found), kind)


def zeros_like(library: str, model: Any, dtype: Any = None) -> Any:
    return full_like(library, model, 0, dtype)


def ones_like(library: str, model: Any, dtype: Any = None) -> Any:
    return full_like(library, model, 1, dtype)


def numpy_linspace(
    library: str, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, *, dtype: Any = None
) -> Array:
    if not isinstance(num, int):
        raise TypeError(f"'{type(num).__name__}' object cannot be interpreted as an integer")
    if num < 0:
        raise ValueError("Number of samples must be non-negative.")
    count, (first, last) = _length((int(num),)), (float(start), float(stop))
    parts = count - 1 if endpoint else count
    rise = last - first
    if parts > 0:
        step = rise / parts
        found = [(i * step if step else i / parts * rise) + first for i in range(count)]
    else:
        found = [i * rise + first for i in range(count)]
    if endpoint and count > 1:
        found[-1] = last
    kind = kind_named(library, dtype) or "float"
    return ARRAYS[library]([converted(kind, math.floor(v) if kind == "int" else v) for v in found], kind)


def torch_linspace(library: str, /, start: Any, end: Any, steps: Any, *, dtype: Any = None, **keywords: Any) -> Array:
    """From both ends towards the middle, as torch does."""
    _only_placement(keywords)
    kind = kind_named(library, dtype) or "float32"
    count = _length((steps,))
    if kind not in ("float", "float32"):
        raise Opaque("builds a tensor of integers between bounds")
    first, last = converted(kind, plain(start)), converted(kind, plain(end))
    if count == 1:
        return ARRAYS[library]([first], kind)
    step = converted(kind, converted(kind, last - first) / (count - 1))
    rising = [first + step * i for i in range(count // 2)]
    falling = [last - step * (count - i - 1) for i in range(count // 2, count)]
    return ARRAYS[library](all_converted(kind, rising + falling), kind)


def arange(library: str, /, *bounds: Any, dtype: Any = None, **keywords: Any) -> Array:
    _only_placement({k: v for k, v in keywords.items() if k not in ("start", "end", "stop", "step")})
    if not 1 <= len(bounds) <= 3 or set(keywords) & {"start", "end", "stop", "step"} - {"step"}:
        raise Opaque("counts through a range with arguments that are not simulated")
    first, last, step = (0, bounds[0], 1) if len(bounds) == 1 else (*bounds, 1)[:3]
    step = keywords.get("step", step)
    kind = "int"
    for bound in (first, last, step):
        kind = higher(kind, kind_of(bound))
    first, last, step = plain(first), plain(last), plain(step)
    if kind != "int" and library == "torch":
        kind = "float32"
    if step == 0:
        raise (RuntimeError if library == "torch" else ZeroDivisionError)("division by zero")
    count = max(0, math.ceil((last - first) / step))
    if library == "torch" and (last - first) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if count > MAX_LENGTH:
        raise Opaque("builds an array too long to simulate")
    rise = (first + step) - first if library == "numpy" else step
    wanted = kind_named(library, dtype)
    if wanted not in (None, kind) and not (kind == "int" and wanted in ("float", "float32")):
        raise Opaque("counts through a range of another type")
    kind = wanted or kind
    return ARRAYS[library](all_converted(kind, [first + i * rise for i in range(count)]), kind)


def concatenate(library: str, parts: Any, axis: Any = 0, *, dim: Any = 0) -> Array:
    if axis not in (0, -1, None) or dim not in (0, -1):
        raise Opaque("joins arrays along an axis that is not there")
    if isinstance(parts, Array) or not isinstance(parts, list | tuple):
        raise Opaque("joins something that is no list of arrays")
    if not parts:
        raise (RuntimeError if library == "torch" else ValueError)("need at least one array to concatenate")
    found = [p if isinstance(p, Array) else array(library, p) for p in parts]
    if not all(isinstance(p, Array) for p in found):
        raise (RuntimeError if library == "torch" else ValueError)("zero-dimensional arrays cannot be concatenated")
    library_of(found, library)
    kind = found[0].kind
    for part in found:
        kind = higher(kind, part.kind)
    return ARRAYS[library]([converted(kind, v) for part in found for v in part.values], kind)


def hstack(library: str, parts: Any) -> Array:
    return concatenate(library, [one_dimensional(library, p) for p in parts])


def stack(library: str, parts: Any, dim: Any = 0) -> Array:
    if dim not in (0, -1) or any(isinstance(p, Array) for p in parts):
        raise Opaque("builds an array of two dimensions")
    return concatenate(library, [one_dimensional(library, p) for p in parts])


def append(library: str, first: Any, second: Any, axis: Any = None) -> Array:
    return concatenate(library, [one_dimensional(library, first), one_dimensional(library, second)])


def one_dimensional(library: str, value: Any) -> Array:
    if isinstance(value, NUMBERS):
        return array_of(library, [value], kind_of(value))
    found = array(library, value)
    assert isinstance(found, Array)
    return found


def repeat(library: str, value: Any, repeats: Any) -> Array:
    """Each element as often as asked, one after the other."""
    found = one_dimensional(library, value)
    counts = repeats.values if isinstance(repeats, Array) else repeats
    counts = [counts] * len(found) if isinstance(counts, int) else list(counts)
    if len(counts) == 1:
        counts *= len(found)
    if any(isinstance(c, bool) or not isinstance(c, int) or c < 0 for c in counts) or len(counts) != len(found):
        raise ValueError("operands could not be broadcast together")
    if sum(counts) > MAX_LENGTH:
        raise Opaque("builds an array too long to simulate")
    return found.same([v for v, count in zip(found.values, counts, strict=True) for _ in range(count)])


def tile(library: str, value: Any, times: Any) -> Array:
    found = one_dimensional(library, value)
    if not isinstance(times, int) or len(found) * times > MAX_LENGTH:
        raise Opaque("builds an array too long to simulate, or of two dimensions")
    return found.same(found.values * times)


def flip(library: str, value: Any, axis: Any = None) -> Array:
    found = one_dimensional(library, value)
    if library == "torch":
        return found.same(found.values[::-1])
    flipped = item(found, slice(None, None, -1))
    assert isinstance(flipped, Array)
    return flipped


def difference(library: str, value: Any) -> Any:
    found = one_dimensional(library, value)
    return binary(
        "ne" if found.kind == "bool" else "sub", item(found, slice(1, None)), item(found, slice(None, -1)), library
    )


def where(library: str, condition: Any, chosen: Any, other: Any) -> Any:
    """``chosen`` where the condition holds, else ``other``."""
    library = library_of((condition, chosen, other), library)
    operands: list[tuple[Any, str, int, bool]] = []
    for value in (condition, chosen, other):
        if isinstance(value, list | tuple):
            value = array(library, value)
        if isinstance(value, Array):
            operands.append((value.values, value.kind, 1, False))
        else:
            operands.append((plain(value), kind_of(value), 0, not isinstance(value, SCALARS)))
    kind = promoted(library, [o[1:] for o in operands[1:]])
    found, has_dimension = broadcast(library, operands, lambda c, a, b: converted(kind, a if c else b))
    return result(library, kind, found, has_dimension)


def as_single(value: Any) -> float:
    """``numpy.float32(x)``, as a plain number where it holds exactly: a rounded one would go on to round others."""
    found = float(value)
    if single(found) != found:
        raise Opaque("rounds a number to float32")
    return found
