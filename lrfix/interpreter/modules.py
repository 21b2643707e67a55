"""Allow-listed members of modules, by qualified name: ``math.cos``, ``functools.partial``, ``numpy.clip``.

numpy's and torch's functions live in ``array_library``.
"""

from __future__ import annotations

import ast
import bisect
import collections.abc
import math
import numbers
from collections.abc import Callable
from typing import Any

from lrfix.interpreter.arrays.library import functions
from lrfix.interpreter.arrays.scalars import NumpyBool
from lrfix.interpreter.enums import AUTO, ENUM
from lrfix.interpreter.errors import Opaque
from lrfix.interpreter.limits import MAX_BITS
from lrfix.interpreter.standard_library import standard_functions
from lrfix.interpreter.values import ModuleValue, NativeFunction

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
        "argparse",
        "ast",
        "collections.abc",
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
        "weakref",
    }
)


_CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan, "Inf": math.inf, "newaxis": None}


def _table() -> dict[str, Any]:
    found: dict[str, Any] = {name: ModuleValue(name) for name in _MODULES}
    for name in _MATH:
        value = getattr(math, name)
        found[f"math.{name}"] = NativeFunction(f"math.{name}", value) if callable(value) else value
    found.update(functions())
    for module in ("numpy", "torch"):
        for name, constant in _CONSTANTS.items():
            found[f"{module}.{name}"] = constant
    for name in ("bisect", "bisect_left", "bisect_right", "insort", "insort_left", "insort_right"):
        found[f"bisect.{name}"] = NativeFunction(f"bisect.{name}", getattr(bisect, name))
    found.update(standard_functions())
    for name in ("comb", "perm", "prod", "lcm"):
        found[f"math.{name}"] = NativeFunction(f"math.{name}", _bounded(getattr(math, name)))
    found["math.factorial"] = NativeFunction("math.factorial", _factorial)
    found.update({"numpy.float": float, "numpy.int": int, "numpy.bool": NumpyBool})
    found.update({"typing.List": list, "typing.Tuple": tuple, "typing.Dict": dict, "typing.Set": set})
    found.update(
        {
            "collections.OrderedDict": dict,
            **{f"{module}.{name}": getattr(collections.abc, name) for name in _ABSTRACT for module in _ABSTRACT_IN},
            "ast.literal_eval": NativeFunction("ast.literal_eval", _literal_eval),
            # Every process has the same schedule; the first is the one that prints.
            "torch.distributed.get_rank": NativeFunction("torch.distributed.get_rank", lambda group=None: 0),
            "numbers.Number": numbers.Number,
            "numbers.Real": numbers.Real,
            "numbers.Integral": numbers.Integral,
            "typing.TYPE_CHECKING": False,
            "enum.Enum": ENUM,
            "enum.StrEnum": ENUM,
            "enum.auto": AUTO,
            "enum.unique": NativeFunction("enum.unique", lambda machine, node, cls: cls, accepts_callables=True),
        }
    )
    return found


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function for arguments whose result certainly stays small."""

    def run(*arguments: Any, **keywords: Any) -> Any:
        numbers = [n for a in arguments for n in (a if isinstance(a, list | tuple | range) else (a,))]
        bits = sum(n.bit_length() for n in numbers if isinstance(n, int))
        if bits > MAX_BITS or (
            function in (math.comb, math.perm) and any(isinstance(n, int) and n > 1000 for n in numbers)
        ):
            raise Opaque("computes a number too large to simulate")
        return function(*arguments, **keywords)

    return run


def _literal_eval(text: Any) -> Any:
    if not isinstance(text, str) or len(text) > 10_000:
        raise Opaque("reads a literal that is no short text")
    return ast.literal_eval(text.lstrip(" \t"))


def _factorial(n: int) -> int:
    if n > 1000:
        raise Opaque("computes a factorial too large to simulate")
    return math.factorial(n)


_ABSTRACT = ("Collection", "Sequence", "Iterable", "Mapping", "Callable", "Sized", "Container", "MutableSequence")
_ABSTRACT_IN = ("collections.abc", "collections", "typing")
_QUALIFIED = _table()


def resolve_qualified(name: str) -> Any:
    """The value of an allow-listed qualified name, or None."""
    return _QUALIFIED.get(name)
