"""The attributes and methods of arrays and their scalars."""

from __future__ import annotations

import ast
from typing import Any

from lrfix.interpreter.arrays import creation as creation
from lrfix.interpreter.arrays import reductions as reductions
from lrfix.interpreter.arrays.library import (
    SHARED,
    TORCH,
    Operation,
    absolute,
    binary_function,
    clip,
    copied,
    floats,
    native,
    rounding,
    square,
    standard_deviation,
)
from lrfix.interpreter.arrays.scalars import FLOAT_FUNCTIONS, NumpyFloat, NumpyInt, converted, plain, scalar
from lrfix.interpreter.arrays.values import Array, NumpyArray, elementwise, item
from lrfix.interpreter.errors import Opaque
from lrfix.interpreter.values import NativeFunction


def _views(value: Any) -> dict[str, Any]:
    length = len(value) if isinstance(value, Array) else 1
    shape = (length,) if isinstance(value, Array) else ()
    if value.library == "torch":
        return {"shape": shape, "ndim": len(shape), "requires_grad": False}
    return {"shape": shape, "ndim": len(shape), "size": length, "T": value}


def _item(library: str, value: Any, index: Any = None) -> Any:
    if isinstance(value, Array):
        if index is not None:
            return plain(item(value, index))
        if len(value) != 1:
            kind = RuntimeError if library == "torch" else ValueError
            raise kind("can only convert an array of size 1 to a Python scalar")
        return plain(value.element(0))
    return plain(value)


def _as_type(library: str, value: Any, dtype: Any) -> Any:
    kind = creation.kind_named(library, dtype)
    return elementwise(value, library, kind, lambda v: v)


def _to_kind(kind: str) -> Operation:
    return lambda library, value: elementwise(value, library, kind, lambda v: v)


def _to_list(library: str, value: Any) -> Any:
    return [plain(v) for v in value] if isinstance(value, Array) else plain(value)


def _fill(library: str, array: Any, value: Any) -> None:
    if not isinstance(array, Array):
        raise Opaque("fills a number")
    for position in array.positions:
        array.buffer[position] = converted(array.kind, plain(value))


def _flat(library: str, value: Any, *shape: Any) -> Any:
    if not isinstance(value, Array) or shape not in ((), (-1,), ((-1,),), (len(value),)):
        raise Opaque("gives an array two dimensions")
    return type(value)(value.buffer, value.kind, value.positions)


def _same(library: str, value: Any) -> Any:
    return value


def _to_numpy(library: str, value: Any) -> Any:
    kind = value.kind
    if kind == "float32":
        raise Opaque("turns a float32 tensor into an array")
    return NumpyArray(value.buffer, kind, value.positions) if isinstance(value, Array) else scalar("numpy", kind, value)


_COMMON_METHODS: dict[str, Operation] = {
    name: SHARED[name]
    for name in ["round", "clip", "sum", "mean", "prod", "cumsum", "cumprod", "argmin", "argmax", "any", "all"]
} | {
    "item": _item,
    "tolist": _to_list,
    "flatten": lambda library, v: copied(library, v),
    "ravel": _flat,
    "reshape": _flat,
}
_METHODS: dict[str, dict[str, Operation]] = {
    "numpy": {
        **_COMMON_METHODS,
        "copy": copied,
        "astype": _as_type,
        "fill": _fill,
        "min": reductions.least,
        "max": reductions.greatest,
        "searchsorted": reductions.searchsorted,
        "repeat": creation.repeat,
        "std": standard_deviation,
        "var": reductions.spread,
    },
    "torch": {
        **_COMMON_METHODS,
        **{name: floats(name) for name in FLOAT_FUNCTIONS},
        **{name: rounding(name) for name in ("floor", "ceil")},
        "abs": absolute,
        "square": square,
        "clamp": clip,
        "pow": binary_function("pow"),
        "min": TORCH["min"],
        "max": TORCH["max"],
        "clone": copied,
        "detach": _same,
        "cpu": _same,
        "view": _flat,
        "numpy": _to_numpy,
        "double": _to_kind("float"),
        "float": _to_kind("float32"),
        "long": _to_kind("int"),
        "bool": _to_kind("bool"),
        "numel": lambda library, value: len(value) if isinstance(value, Array) else 1,
        "dim": lambda library, value: 1 if isinstance(value, Array) else 0,
        "size": lambda library, value, dim=None: _size(value, dim),
    },
}


def _size(value: Any, dimension: Any) -> Any:
    shape = _views(value)["shape"]
    return shape if dimension is None else shape[dimension]


def attribute_of_array(value: Any, name: str, node: ast.AST | None) -> Any:
    """An attribute or method of an array or a scalar; what is not simulated is Opaque."""
    views = _views(value)
    if name in views:
        return views[name]
    method = _METHODS[value.library].get(name)
    if method is not None:
        return native(name, value.library, lambda library, *a, **k: method(library, value, *a, **k))
    if name == "is_integer" and isinstance(value, NumpyFloat | NumpyInt):
        return NativeFunction(name, lambda: isinstance(value, int) or float(value).is_integer())
    raise Opaque(f"reads `.{name}` of an array", node)
