"""numpy's and torch's functions by name."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from lrfix.interpreter.arrays import creation as creation
from lrfix.interpreter.arrays import reductions as reductions
from lrfix.interpreter.arrays.scalars import (
    FLOAT_FUNCTIONS,
    ROUNDING,
    TESTS,
    NumpyBool,
    NumpyFloat,
    NumpyInt,
    Truth,
    converted,
    default_float,
    kind_of,
    plain,
    rounded,
    scalar,
    sign,
)
from lrfix.interpreter.arrays.values import (
    TENSOR_TYPES,
    Array,
    NumpyArray,
    array_of,
    binary,
    elementwise,
    is_array_like,
    tested,
)
from lrfix.interpreter.errors import Opaque
from lrfix.interpreter.values import BoundMethod, ClassValue, Function, Instance, NativeFunction, Partial, Unknown

Machine = Any
Operation = Callable[..., Any]
_PLAIN = frozenset({int, float, NumpyFloat})
_REFUSALS = ("ufunc", "cannot be interpreted as an integer", "boolean subtract", "only 0-dimensional arrays")


def native(name: str, library: str, function: Operation) -> NativeFunction:
    """``function(library, ...)`` for interpreted programs: arguments made concrete, fuel counted by the elements."""

    def run(machine: Machine, node: ast.AST | None, /, *arguments: Any, **keywords: Any) -> Any:
        given = [_concrete(machine, node, name, a) for a in arguments]
        named = {k: _concrete(machine, node, name, v) for k, v in keywords.items()}
        try:
            return function(library, *given, **named)
        except (TypeError, AttributeError, KeyError, OverflowError) as error:
            # Only refusals that are known to be the library's are the program's own errors.
            if isinstance(error, TypeError) and any(text in str(error) for text in _REFUSALS):
                raise
            raise Opaque(f"calls `{name}` in a way that is not simulated", node) from None

    return NativeFunction(name, run, accepts_callables=True)


def _concrete(machine: Machine, node: ast.AST | None, name: str, value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Unknown):
        value = machine.concrete(value, node, "number")
    if isinstance(value, list | tuple):
        machine.charge(value, node)
        return type(value)(_concrete(machine, node, name, v) for v in value)
    if isinstance(value, Instance | Function | BoundMethod | ClassValue | Partial):
        raise Opaque(f"gives an object to `{name}`", node)
    machine.charge(value, node)
    return value


def floats(name: str) -> Operation:
    function = FLOAT_FUNCTIONS[name]

    def run(library: str, value: Any) -> Any:
        value = _listed(library, value)
        kind = value.kind if isinstance(value, Array) else kind_of(value)
        if kind == "bool":
            raise Opaque(f"takes the {name} of truth values")
        library = getattr(value, "library", library)
        return elementwise(value, library, default_float(library) if kind == "int" else kind, function)

    return run


def _listed(library: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return array_of(library, value)
    if not isinstance(value, int | float | Truth | Array):
        raise TypeError("ufunc not supported for the input types")
    return value


def rounding(name: str) -> Operation:
    function = ROUNDING[name]

    def run(library: str, value: Any) -> Any:
        value = _listed(library, value)
        kind = value.kind if isinstance(value, Array) else kind_of(value)
        if kind in ("bool", "int") and (name == "rint" or kind == "bool"):
            raise Opaque("rounds integers of an array")
        return elementwise(value, library, None, (lambda v: v) if kind == "int" else function)

    return run


def _round(library: str, value: Any, decimals: int = 0) -> Any:
    value = _listed(library, value)
    kind = value.kind if isinstance(value, Array) else kind_of(value)
    if kind in ("bool", "float32") or (kind == "int" and decimals < 0):
        raise Opaque("rounds an array in a way that is not simulated")
    return elementwise(value, library, None, lambda v: v if kind == "int" else rounded(v, decimals))


def binary_function(name: str) -> Operation:
    def run(library: str, left: Any, right: Any) -> Any:
        return binary(name, _listed(library, left), _listed(library, right), library)

    return run


def _tensors(name: str) -> Operation:
    """torch's form of a binary function, which one number alone is not given to."""

    def run(library: str, left: Any, right: Any) -> Any:
        if not is_array_like(left) or not is_array_like(right):
            raise Opaque("gives a plain number to a function of tensors")
        return binary(name, left, right, library)

    return run


def _float_power(library: str, left: Any, right: Any) -> Any:
    return binary("pow", elementwise(_listed(library, left), library, "float", float), right, library)


def _tested(name: str) -> Operation:
    return lambda library, value: tested(_listed(library, value), library, TESTS[name])


def clip(
    library: str, value: Any, low: Any = None, high: Any = None, *, a_min: Any = None, a_max: Any = None, **named: Any
) -> Any:
    """Within bounds, each of which may be absent."""
    low = low if a_min is None else a_min
    high = high if a_max is None else a_max
    low, high = named.pop("min", low), named.pop("max", high)
    if named:
        raise Opaque("clips with arguments that are not simulated")
    value = _listed(library, value)
    if library == "torch" and not is_array_like(value):
        raise Opaque("gives a plain number to a function of tensors")
    if low is not None:
        value = binary("maximum", value, low, library)
    return binary("minimum", value, high, library) if high is not None else value


def absolute(library: str, value: Any) -> Any:
    return elementwise(_listed(library, value), library, None, abs)


def _numeric(function: Callable[[Any], Any]) -> Operation:
    def run(library: str, value: Any) -> Any:
        value = _listed(library, value)
        if (value.kind if isinstance(value, Array) else kind_of(value)) == "bool":
            raise Opaque("computes with the sign of truth values")
        return elementwise(value, library, None, function)

    return run


def _fabs(library: str, value: Any) -> Any:
    return elementwise(_listed(library, value), library, "float", abs)


def _either(reduction: Operation, pair: str) -> Operation:
    """torch's ``max`` and ``min``: of one tensor, or of two, element by element."""

    def run(library: str, value: Any, other: Any = None) -> Any:
        if other is None:
            return reduction(library, value)
        if not is_array_like(other):
            raise Opaque("reduces a tensor along an axis")
        return binary(pair, value, other, library)

    return run


def square(library: str, value: Any) -> Any:
    value = _listed(library, value)
    if (value.kind if isinstance(value, Array) else kind_of(value)) == "bool":
        raise Opaque("squares truth values")
    return binary("mul", value, value, library)


def standard_deviation(library: str, value: Any, ddof: int = 0) -> Any:
    return floats("sqrt")(library, reductions.spread(library, value, ddof))


def _scalar_of(kind: str) -> Operation:
    def run(library: str, value: Any = 0) -> Any:
        if isinstance(value, Array | str):
            raise Opaque("builds a number of an array")
        return scalar(library, kind, converted(kind, plain(value)))

    return run


def copied(library: str, value: Any) -> Any:
    return value.same(value.values) if isinstance(value, Array) else value


SHARED: dict[str, Operation] = {
    **{name: floats(name) for name in FLOAT_FUNCTIONS if name not in ("sigmoid", "rsqrt")},
    **{name: rounding(name) for name in ("floor", "ceil", "trunc")},
    **{name: _tested(name) for name in TESTS},
    "round": _round,
    "abs": absolute,
    "absolute": absolute,
    "sign": _numeric(sign),
    "square": square,
    "clip": clip,
    "zeros": creation.zeros,
    "ones": creation.ones,
    "full": creation.full,
    "zeros_like": creation.zeros_like,
    "ones_like": creation.ones_like,
    "full_like": creation.full_like,
    "arange": creation.arange,
    "asarray": creation.asarray,
    "hstack": creation.hstack,
    "flip": creation.flip,
    "diff": creation.difference,
    "tile": creation.tile,
    "sum": reductions.total,
    "mean": reductions.mean,
    "prod": reductions.product,
    "cumsum": reductions.cumulative_sum,
    "cumprod": reductions.cumulative_product,
    "argmin": reductions.least_position,
    "argmax": reductions.greatest_position,
    "any": reductions.any_of,
    "all": reductions.all_of,
    "searchsorted": reductions.searchsorted,
    "isclose": reductions.close,
    "where": creation.where,
}
_NUMPY: dict[str, Operation] = {
    **SHARED,
    "rint": rounding("rint"),
    "fabs": _fabs,
    "around": _round,
    "array": creation.array,
    "linspace": creation.numpy_linspace,
    "concatenate": creation.concatenate,
    "append": creation.append,
    "repeat": creation.repeat,
    "flipud": creation.flip,
    "copy": copied,
    "power": binary_function("pow"),
    "pow": binary_function("pow"),
    "float_power": _float_power,
    "mod": binary_function("mod"),
    "remainder": binary_function("mod"),
    "fmod": binary_function("fmod"),
    "floor_divide": binary_function("floordiv"),
    "divide": binary_function("truediv"),
    "true_divide": binary_function("truediv"),
    "multiply": binary_function("mul"),
    "add": binary_function("add"),
    "subtract": binary_function("sub"),
    "minimum": binary_function("minimum"),
    "maximum": binary_function("maximum"),
    "arctan2": binary_function("arctan2"),
    "hypot": binary_function("hypot"),
    "negative": _numeric(lambda v: -v),
    "less": binary_function("lt"),
    "less_equal": binary_function("le"),
    "greater": binary_function("gt"),
    "greater_equal": binary_function("ge"),
    "equal": binary_function("eq"),
    "not_equal": binary_function("ne"),
    "logical_and": lambda library, a, b: binary("and", _truths(library, a), _truths(library, b), library),
    "logical_or": lambda library, a, b: binary("or", _truths(library, a), _truths(library, b), library),
    "logical_not": lambda library, a: elementwise(_truths(library, a), library, None, lambda v: not v),
    "min": reductions.least,
    "max": reductions.greatest,
    "amin": reductions.least,
    "amax": reductions.greatest,
    "var": reductions.spread,
    "std": standard_deviation,
    "digitize": reductions.digitize,
    "interp": reductions.interp,
    "allclose": lambda *arguments, **keywords: bool(reductions.all_of("", reductions.close(*arguments, **keywords))),
    "float32": lambda library, value: creation.as_single(value),
}
TORCH: dict[str, Operation] = {
    **SHARED,
    **{name: floats(name) for name in ("sigmoid", "rsqrt")},
    "acos": floats("arccos"),
    "asin": floats("arcsin"),
    "atan": floats("arctan"),
    "tensor": creation.array,
    "as_tensor": creation.asarray,
    "linspace": creation.torch_linspace,
    "cat": creation.concatenate,
    "concat": creation.concatenate,
    "stack": creation.stack,
    "clamp": clip,
    "pow": binary_function("pow"),
    "remainder": binary_function("mod"),
    "fmod": binary_function("fmod"),
    "floor_divide": binary_function("floordiv"),
    "div": binary_function("truediv"),
    "mul": binary_function("mul"),
    "add": binary_function("add"),
    "sub": binary_function("sub"),
    "minimum": _tensors("minimum"),
    "maximum": _tensors("maximum"),
    "min": _either(reductions.least, "minimum"),
    "max": _either(reductions.greatest, "maximum"),
    "amin": reductions.least,
    "amax": reductions.greatest,
    "bucketize": reductions.bucketize,
    "clone": copied,
    "repeat_interleave": creation.repeat,
}
CONSTRUCTORS: dict[type, NativeFunction] = {
    NumpyFloat: native("numpy.float64", "numpy", _scalar_of("float")),
    NumpyInt: native("numpy.int64", "numpy", _scalar_of("int")),
    NumpyBool: native("numpy.bool_", "numpy", _scalar_of("bool")),
}


def _truths(library: str, value: Any) -> Any:
    return elementwise(_listed(library, value), library, "bool", bool)


def functions() -> dict[str, Any]:
    """All of them by qualified name."""
    found: dict[str, Any] = {f"numpy.{name}": native(f"numpy.{name}", "numpy", f) for name, f in _NUMPY.items()}
    found |= {f"torch.{name}": native(f"torch.{name}", "torch", f) for name, f in TORCH.items()}
    found |= {f"torch.{name}": creation.ElementType(name, kind) for name, kind in creation.TORCH_TYPES.items()}
    found |= {f"numpy.{name}": NumpyFloat for name in ("float64", "double")}
    found |= {f"numpy.{name}": NumpyInt for name in ("int64", "int_", "intp")}
    found |= {"numpy.bool_": NumpyBool, "numpy.ndarray": NumpyArray, "torch.Tensor": TENSOR_TYPES}
    found["torch.is_tensor"] = NativeFunction("torch.is_tensor", lambda value: isinstance(value, TENSOR_TYPES))
    return found
