"""numpy's and torch's numbers: kinds, promotion, and the arithmetic of one element.

A numpy scalar is a ``float`` or ``int`` to everything outside the interpreter, so recorded rates are plain numbers.
Inside, the interpreter gives it numpy's arithmetic: division by zero is ``inf`` or ``nan``, never an exception. A
tensor without dimensions is the same with torch's promotion, its values rounded to float32 where torch would.
The functions of ``math`` are correctly rounded to about one unit in the last place; so are numpy's and torch's, which
therefore may differ from ours in the last bit of a cosine, never in an arithmetic operation.
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Mapping
from typing import Any

from lrfix.interpreter.errors import Opaque

KINDS = ("bool", "int", "float32", "float")
_ORDER = {kind: rank for rank, kind in enumerate(KINDS)}
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


class NumpyFloat(float):
    """``numpy.float64``."""

    library, kind = "numpy", "float"


class NumpyInt(int):
    """``numpy.int64``."""

    library, kind = "numpy", "int"


class Truth:
    """A truth value that is no ``int``: it adds as a logical or."""

    library, kind = "", "bool"
    __slots__ = ("value",)

    def __init__(self, value: Any = False) -> None:
        self.value = bool(value)

    def __bool__(self) -> bool:
        return self.value

    def __eq__(self, other: object) -> bool:
        return other == self.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return repr(self.value)


class NumpyBool(Truth):
    """``numpy.bool``."""

    library = "numpy"
    __slots__ = ()


class TorchFloat(float):
    """A torch tensor without dimensions, of type float32."""

    library, kind = "torch", "float32"


class TorchDouble(float):
    """A torch tensor without dimensions, of type float64."""

    library, kind = "torch", "float"


class TorchInt(int):
    """A torch tensor without dimensions, of type int64."""

    library, kind = "torch", "int"


class TorchBool(Truth):
    """A torch tensor without dimensions, of type bool."""

    library = "torch"
    __slots__ = ()


_CLASSES: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("numpy", "float"): NumpyFloat,
    ("numpy", "int"): NumpyInt,
    ("numpy", "bool"): NumpyBool,
    ("torch", "float"): TorchDouble,
    ("torch", "float32"): TorchFloat,
    ("torch", "int"): TorchInt,
    ("torch", "bool"): TorchBool,
}
TENSORS = (TorchFloat, TorchDouble, TorchInt, TorchBool)
NUMBERS = (int, float, Truth)
SCALARS = (NumpyFloat, NumpyInt, NumpyBool, *TENSORS)


def plain(value: Any) -> Any:
    """The Python number that a scalar holds: what ``.item()`` gives."""
    if isinstance(value, Truth):
        return value.value
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(value)
    return int(value)


def kind_of(value: Any) -> str:
    """The kind of a Python number or a scalar."""
    if isinstance(value, SCALARS):
        return str(value.kind)
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    raise Opaque(f"computes with arrays of {type(value).__name__}")


def scalar(library: str, kind: str, value: Any) -> Any:
    return _CLASSES[library, kind](value)


def default_float(library: str) -> str:
    return "float32" if library == "torch" else "float"


def single(value: float) -> float:
    """The nearest float32."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def converted(kind: str, value: Any) -> Any:
    """A plain number as an element of the kind, as an assignment or ``astype`` converts it."""
    if kind == "bool":
        return bool(value)
    if kind == "int":
        if isinstance(value, float) and not math.isfinite(value):
            raise Opaque("turns an infinite number into an integer of an array")
        whole = int(value)
        if not _SMALLEST <= whole <= _LARGEST:
            raise Opaque("computes with integers that an array cannot hold")
        return whole
    if isinstance(value, int) and abs(value) > 2**1000:
        raise Opaque("computes with integers that an array cannot hold")
    return single(float(value)) if kind == "float32" else float(value)


def converted_at_once(kind: str, values: list[Any]) -> list[Any] | None:
    """All of ``values`` converted, where none can be refused; None where each has to be looked at."""
    types = set(map(type, values))
    if kind == "float":
        return values if types == {float} else None
    if kind == "int":
        small = types == {int} and min(values) >= _SMALLEST and max(values) <= _LARGEST
        return values if small else None
    if kind == "float32" and types == {float}:
        layout = f"<{len(values)}f"
        try:
            return list(struct.unpack(layout, struct.pack(layout, *values)))
        except OverflowError:
            return None
    return None


def all_converted(kind: str, values: list[Any]) -> list[Any]:
    at_once = converted_at_once(kind, values)
    return [converted(kind, value) for value in values] if at_once is None else at_once


def higher(first: str, second: str) -> str:
    return max(first, second, key=_ORDER.__getitem__)


def promoted(library: str, operands: list[tuple[str, int, bool]]) -> str:
    """The kind of a result, from each operand's kind, number of dimensions, and whether it is a Python number."""
    if library == "numpy":
        strong = [kind for kind, _, weak in operands if not weak]
        weak = [kind for kind, _, is_weak in operands if is_weak]
        result = strong[0] if strong else weak[0]
        for kind in (*strong, *weak):
            result = higher(result, kind)
        return result
    groups: list[str | None] = [None, None, None]
    for kind, dimensions, is_weak in operands:
        place = 2 if is_weak else 1 if dimensions == 0 else 0
        kind = "float32" if is_weak and kind == "float" else kind
        known = groups[place]
        groups[place] = kind if known is None else higher(known, kind)
    found = _combined(groups[0], _combined(groups[1], groups[2]))
    assert found is not None
    return found


def _combined(first: str | None, second: str | None) -> str | None:
    """torch's priorities: a lower group changes the kind only when it is of a higher category."""
    if first is None or second is None:
        return first or second
    if first in ("float", "float32"):
        return first
    return higher(first, second) if first == "bool" or second in ("float", "float32") else first


def _divided(a: float, b: float) -> float:
    if b:
        return a / b
    if a == 0 or math.isnan(a) or math.isnan(b):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def _floor_divided(a: float, b: float) -> float:
    if not b:
        return _divided(a, b)
    if not (math.isfinite(a) and math.isfinite(b)):
        raise Opaque("divides infinite numbers of an array")
    return a // b


def _remainder(a: float, b: float) -> float:
    if not b or math.isinf(a):
        return math.nan
    return a % b


def _power(a: float, b: float) -> float:
    if b == 2.0:
        return a * a
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:
        if a == 0:
            return math.copysign(math.inf, a) if b % 2 == 1 else math.inf
        return math.nan


def _whole_power(a: int, b: int) -> int:
    if b < 0:
        raise ValueError("Integers to negative integer powers are not allowed.")
    if a.bit_length() * b > 128:
        if a in (-1, 0, 1):
            return int(a ** (b % 2 + 2)) if b else 1
        raise Opaque("computes with integers that an array cannot hold")
    return int(a**b)


def _whole(operation: Callable[[int, int], int]) -> Callable[[int, int], int]:
    def run(a: int, b: int) -> int:
        if b == 0:
            raise Opaque("divides integers of an array by zero")
        return operation(a, b)

    return run


def _least(a: Any, b: Any) -> Any:
    return a if a != a or a <= b else b


def _greatest(a: Any, b: Any) -> Any:
    return a if a != a or a >= b else b


_FLOATS: dict[str, Callable[[float, float], float]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": _divided,
    "floordiv": _floor_divided,
    "mod": _remainder,
    "pow": _power,
    "minimum": _least,
    "maximum": _greatest,
    "fmod": lambda a, b: math.fmod(a, b) if b and not math.isinf(a) else math.nan,
    "hypot": math.hypot,
    "arctan2": math.atan2,
}
_WHOLES: dict[str, Callable[[int, int], int]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": _whole(lambda a, b: a // b),
    "mod": _whole(lambda a, b: a % b),
    "pow": _whole_power,
    "minimum": min,
    "maximum": max,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
}
_TRUTHS: dict[str, Callable[[bool, bool], bool]] = {
    "add": lambda a, b: a or b,
    "mul": lambda a, b: a and b,
    "minimum": lambda a, b: a and b,
    "maximum": lambda a, b: a or b,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "xor": lambda a, b: a is not b,
}
#: Of the kinds that are no floats.
_OPERATIONS: Mapping[str, Mapping[str, Callable[[Any, Any], Any]]] = {"bool": _TRUTHS, "int": _WHOLES}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "ne": operator.ne,
}
#: What two doubles of numpy without dimensions give, by operation: the function, and the class of its result.
DOUBLES: dict[str, tuple[Callable[[float, float], Any], Callable[[Any], Any]]] = {
    **{name: (function, NumpyFloat) for name, function in _FLOATS.items()},
    **{name: (function, NumpyBool) for name, function in COMPARISONS.items()},
}
_ALWAYS_FLOAT = frozenset({"truediv", "hypot", "arctan2"})


def element_operation(name: str, kind: str, library: str) -> tuple[str, str, Callable[[Any, Any], Any]]:
    """How elements of a common kind combine: the kind to compute in, the kind of the result, the function."""
    if name in COMPARISONS:
        return kind, "bool", COMPARISONS[name]
    if name in _ALWAYS_FLOAT and kind in ("bool", "int"):
        kind = default_float(library)
    function = _OPERATIONS.get(kind, _FLOATS).get(name)
    if function is None:
        raise Opaque(f"computes {name} of arrays of {kind}")
    if kind == "float32":
        if name == "floordiv":
            raise Opaque("computes floordiv of float32 tensors")
        return kind, kind, lambda a, b: single(function(a, b))
    if kind == "int":
        return kind, kind, lambda a, b: converted("int", function(a, b))
    return kind, kind, function


def _guarded(function: Callable[[float], float], *, domain: float = math.nan) -> Callable[[float], float]:
    """The function with numpy's answers where ``math`` raises: ``domain`` outside the domain, ``inf`` on overflow."""

    def run(value: float) -> float:
        try:
            return function(value)
        except OverflowError:
            return math.inf
        except ValueError:
            return domain

    return run


def _logarithm(function: Callable[[float], float], pole: float = 0.0) -> Callable[[float], float]:
    return lambda value: -math.inf if value == pole else math.nan if value < pole else function(value)


def _keep(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: math.copysign(float(function(value)), value) if math.isfinite(value) else value


FLOAT_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "cos": _guarded(math.cos),
    "sin": _guarded(math.sin),
    "tan": _guarded(math.tan),
    "exp": _guarded(math.exp),
    "log": _logarithm(math.log),
    "log2": _logarithm(math.log2),
    "log10": _logarithm(math.log10),
    "log1p": _logarithm(math.log1p, -1.0),
    "expm1": _guarded(math.expm1),
    "exp2": _guarded(lambda x: math.pow(2.0, x)),
    "sqrt": _guarded(math.sqrt),
    "tanh": math.tanh,
    "cosh": _guarded(math.cosh),
    "sinh": lambda x: math.copysign(_guarded(math.sinh)(x), x),
    "arccos": _guarded(math.acos),
    "arcsin": _guarded(math.asin),
    "arctan": math.atan,
    "deg2rad": math.radians,
    "radians": math.radians,
    "rad2deg": math.degrees,
    "degrees": math.degrees,
    "sigmoid": lambda x: 1.0 / (1.0 + math.exp(-x)) if x > -700 else 0.0,
    "rsqrt": lambda x: _divided(1.0, _guarded(math.sqrt)(x)),
}
ROUNDING: dict[str, Callable[[float], float]] = {
    "floor": _keep(math.floor),
    "ceil": _keep(math.ceil),
    "trunc": _keep(math.trunc),
    "rint": _keep(round),
}
TESTS: dict[str, Callable[[Any], bool]] = {"isnan": math.isnan, "isinf": math.isinf, "isfinite": math.isfinite}


def sign(value: Any) -> Any:
    if value != value:
        return value
    return type(value)((value > 0) - (value < 0))


def rounded(value: float, digits: int) -> float:
    """numpy's rounding: scaled, rounded to even, scaled back."""
    if not math.isfinite(value):
        return value
    if not 0 <= digits <= 22:
        raise Opaque("rounds an array to a place that is not simulated")
    scale = 10.0**digits
    return math.copysign(float(round(value * scale)), value) / scale if math.isfinite(value * scale) else value
