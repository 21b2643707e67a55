"""Allow-listed members of modules, by qualified name: ``math.cos``, ``numpy.clip``, ``functools.partial``.

numpy's and torch's scalar functions are written on ``math``: for the plain numbers that schedules are made of they give
the same values. Division by zero keeps Python's semantics (an exception), also where numpy would give ``inf``.
"""

from __future__ import annotations

import ast
import bisect
import copy
import math
from collections.abc import Callable
from typing import Any

from lrfix.simulation.errors import Opaque
from lrfix.simulation.limits import MAX_BITS, MAX_LENGTH
from lrfix.simulation.values import ModuleValue, NativeFunction, Partial

Machine = Any
_MATH = [n for n in dir(math) if not n.startswith("_")]
_MODULES = frozenset(
    {
        "numbers",
        "math",
        "numpy",
        "np",
        "torch",
        "functools",
        "itertools",
        "bisect",
        "copy",
        "warnings",
        "typing",
        "collections",
        "torch.optim",
        "torch.optim.lr_scheduler",
        "torch.nn",
        "torch.distributed",
        "abc",
        "enum",
        "logging",
        "types",
        "dataclasses",
        "operator",
        "collections.abc",
    }
)


def _partial(machine: Machine, node: ast.AST | None, function: Any, *arguments: Any, **keywords: Any) -> Partial:
    return Partial(function, arguments, keywords)


def _clip(value: Any, low: Any = None, high: Any = None, **keywords: Any) -> Any:
    low = keywords.get("a_min", keywords.get("min", low))
    high = keywords.get("a_max", keywords.get("max", high))
    if low is not None:
        value = max(value, low)
    return min(value, high) if high is not None else value


def _interp(x: Any, xs: Any, ys: Any) -> Any:
    xs, ys = list(xs), list(ys)
    if x <= xs[0]:
        return ys[0]
    if x >= xs[-1]:
        return ys[-1]
    i = bisect.bisect_right(xs, x)
    return ys[i - 1] + (ys[i] - ys[i - 1]) / (xs[i] - xs[i - 1]) * (x - xs[i - 1])


def _linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, **keywords: Any) -> list[Any]:
    if not 0 < num <= MAX_LENGTH:
        raise Opaque("builds an array too long to simulate")
    step = (stop - start) / ((num - 1) if endpoint and num > 1 else num)
    return [start + step * i for i in range(num)]


def _arange(*bounds: Any, **keywords: Any) -> list[Any]:
    start, stop, step = (0, bounds[0], 1) if len(bounds) == 1 else (*bounds, 1)[:3]
    count = max(0, math.ceil((stop - start) / step))
    if count > MAX_LENGTH:
        raise Opaque("builds an array too long to simulate")
    return [start + step * i for i in range(count)]


def _scalar(value: Any, *arguments: Any, **keywords: Any) -> Any:
    if isinstance(value, list | tuple):
        raise Opaque("computes with arrays")
    return value


def _exponent(base: Any, exponent: Any) -> Any:
    return base**exponent


def _sign(value: Any) -> Any:
    return (value > 0) - (value < 0)


_NUMERIC: dict[str, Callable[..., Any]] = {
    "cos": math.cos,
    "sin": math.sin,
    "tan": math.tan,
    "exp": math.exp,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "log1p": math.log1p,
    "expm1": math.expm1,
    "sqrt": math.sqrt,
    "floor": math.floor,
    "ceil": math.ceil,
    "tanh": math.tanh,
    "cosh": math.cosh,
    "sinh": math.sinh,
    "abs": abs,
    "absolute": abs,
    "fabs": abs,
    "power": _exponent,
    "pow": _exponent,
    "float_power": _exponent,
    "minimum": min,
    "maximum": max,
    "fmin": min,
    "fmax": max,
    "clip": _clip,
    "clamp": _clip,
    "round": round,
    "rint": round,
    "interp": _interp,
    "linspace": _linspace,
    "arange": _arange,
    "mod": lambda a, b: a % b,
    "sign": _sign,
    "isnan": math.isnan,
    "isinf": math.isinf,
    "square": lambda x: x * x,
    "deg2rad": math.radians,
    "radians": math.radians,
    "float32": float,
    "float64": float,
    "int32": int,
    "int64": int,
    "tensor": _scalar,
    "as_tensor": _scalar,
    "array": _scalar,
    "asarray": _scalar,
    "floor_divide": lambda a, b: a // b,
    "divide": lambda a, b: a / b,
    "multiply": lambda a, b: a * b,
}
_CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan, "Inf": math.inf, "newaxis": None}


def _deepcopy(machine: Machine, node: ast.AST | None, value: Any, memo: Any = None) -> Any:
    from lrfix.simulation.cloning import clone

    return clone(value)


def _copy(machine: Machine, node: ast.AST | None, value: Any) -> Any:
    if isinstance(value, list | dict | set | tuple | int | float | str | None):
        return copy.copy(value)
    raise Opaque("copies an object", node)


def _nothing(machine: Machine, node: ast.AST | None, *arguments: Any, **keywords: Any) -> None:
    return None


def _reduce(machine: Machine, node: ast.AST | None, function: Any, values: Any, *start: Any) -> Any:
    items = machine.iterate(values, node)
    result = start[0] if start else next(items)
    for item in items:
        result = machine.invoke(function, [result, item], {}, node)
    return result


_SPECIAL: dict[str, Callable[..., Any]] = {
    "functools.partial": _partial,
    "functools.reduce": _reduce,
    "copy.deepcopy": _deepcopy,
    "copy.copy": _copy,
    "warnings.warn": _nothing,
    "warnings.filterwarnings": _nothing,
    "warnings.simplefilter": _nothing,
}


def _table() -> dict[str, Any]:
    found: dict[str, Any] = {name: ModuleValue(name) for name in _MODULES}
    for name in _MATH:
        value = getattr(math, name)
        found[f"math.{name}"] = NativeFunction(f"math.{name}", value) if callable(value) else value
    for module in ("numpy", "torch"):
        for name, function in _NUMERIC.items():
            found[f"{module}.{name}"] = NativeFunction(f"{module}.{name}", function)
        for name, constant in _CONSTANTS.items():
            found[f"{module}.{name}"] = constant
    for name in ("bisect", "bisect_left", "bisect_right"):
        found[f"bisect.{name}"] = NativeFunction(f"bisect.{name}", getattr(bisect, name))
    for name, function in _SPECIAL.items():
        found[name] = NativeFunction(name, function, accepts_callables=True)
    for name in ("comb", "perm", "prod", "lcm"):
        found[f"math.{name}"] = NativeFunction(f"math.{name}", _bounded(getattr(math, name)))
    found["math.factorial"] = NativeFunction("math.factorial", _factorial)
    found["numpy.float"] = float
    found.update({"typing.List": list, "typing.Tuple": tuple, "typing.Dict": dict, "typing.Set": set})
    found.update(
        {
            "collections.OrderedDict": dict,
            "numbers.Number": float,
            "collections.Counter": NativeFunction("Counter", _count),
        }
    )
    return found


def _count(values: Any = ()) -> dict[Any, int]:
    counted: dict[Any, int] = {}
    for value in values:
        counted[value] = counted.get(value, 0) + 1
    return counted


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function for arguments whose result certainly stays small."""

    def run(*arguments: Any, **keywords: Any) -> Any:
        numbers = [n for a in arguments for n in (a if isinstance(a, list | tuple | range) else (a,))]
        bits = sum(n.bit_length() for n in numbers if isinstance(n, int))
        if bits > MAX_BITS or (
            function in (math.comb, math.perm) and any(isinstance(n, int) and n > 2000 for n in numbers)
        ):
            raise Opaque("computes a number too large to simulate")
        return function(*arguments, **keywords)

    return run


def _factorial(n: int) -> int:
    if n > 2000:
        raise Opaque("computes a factorial too large to simulate")
    return math.factorial(n)


_QUALIFIED = _table()


def resolve_qualified(name: str) -> Any:
    """The value of an allow-listed qualified name, or None."""
    return _QUALIFIED.get(name)
