"""Allow-listed members of modules, by qualified name: ``math.cos``, ``functools.partial``, ``numpy.clip``.

numpy's and torch's functions live in ``array_library``.
"""

from __future__ import annotations

import ast
import bisect
import copy
import math
import numbers
from collections.abc import Callable
from typing import Any

from lrfix.simulation.array_library import functions
from lrfix.simulation.errors import Opaque
from lrfix.simulation.limits import MAX_BITS
from lrfix.simulation.scalars import NumpyBool
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
    found.update(functions())
    for module in ("numpy", "torch"):
        for name, constant in _CONSTANTS.items():
            found[f"{module}.{name}"] = constant
    for name in ("bisect", "bisect_left", "bisect_right"):
        found[f"bisect.{name}"] = NativeFunction(f"bisect.{name}", getattr(bisect, name))
    for name, function in _SPECIAL.items():
        found[name] = NativeFunction(name, function, accepts_callables=True)
    for name in ("comb", "perm", "prod", "lcm"):
        found[f"math.{name}"] = NativeFunction(f"math.{name}", _bounded(getattr(math, name)))
    found["math.factorial"] = NativeFunction("math.factorial", _factorial)
    found.update({"numpy.float": float, "numpy.int": int, "numpy.bool": NumpyBool})
    found.update({"typing.List": list, "typing.Tuple": tuple, "typing.Dict": dict, "typing.Set": set})
    found.update(
        {
            "collections.OrderedDict": dict,
            "numbers.Number": numbers.Number,
            "numbers.Real": numbers.Real,
            "numbers.Integral": numbers.Integral,
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
