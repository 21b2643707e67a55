"""Numbers that carry a unit: the values of time classes, durations and quantities that a file imports unseen.

What such a class can do is not known; what its values are is: a length or a moment, counted in something. A quantity
does whatever code may do with one: it is a number among numbers, and says its number and its unit when asked.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

from lrfix.interpreter.errors import Opaque
from lrfix.interpreter.values import NativeFunction

Number = int | float
_EXACT = 2**53
_WORDS = {
    "step": "ba batch batches step steps iter iters iteration iterations itr it update updates",
    "epoch": "e ep epoch epochs",
    "share": "dur duration share fraction frac percent ratio",
    "sample": "sp sample samples example examples",
    "token": "tok token tokens",
    "second": "s sec second seconds minute minutes hour hours day days ms",
}
_UNIT_WORDS = {word: name for name, words in _WORDS.items() for word in words.split()}
_TEXT = re.compile(r"^\s*([0-9][0-9_,]*(?:\.[0-9]*)?|\.[0-9]+)\s*(?:([a-z]+)|(%))\s*$", re.IGNORECASE)
#: Attributes under which quantities keep their number, and their unit.
NUMBERS = frozenset({"value", "magnitude", "m", "n", "count", "number", "amount", "length"})
UNITS = frozenset({"unit", "units"})
_ASKED_FOR_NUMBER = frozenset({"total_seconds", "item", "as_number", "to_number", "m_as"})
_ASKED_FOR_ITSELF = frozenset({"to", "get", "to_base_units", "as_unit", "in_unit", "convert", "convert_to", "to_unit"})


class Unit:
    """What is counted. A text that names the unit is equal to it, as where enumerations are texts."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return unit_named(other).name == self.name
        return isinstance(other, Unit) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return self.name


def unit_named(word: str) -> Unit:
    """The unit that a word of the field names (``ba``, ``BATCH``, ``steps``); another word is a unit of its own."""
    plain = word.lower().strip("_ ")
    return Unit(_UNIT_WORDS.get(plain, plain))


def names_unit(word: str) -> bool:
    return word.lower() in _UNIT_WORDS


STEPS, EPOCHS, SHARE = Unit("step"), Unit("epoch"), Unit("share")


class Quantity(float):
    """A number with a unit. Arithmetic keeps the unit of the left operand that has one; a ratio of two is a share."""

    __slots__ = ("number", "unit")

    number: Number
    unit: Unit

    def __new__(cls, number: Number, unit: Unit = STEPS) -> Quantity:
        plain = number.number if isinstance(number, Quantity) else number
        made = super().__new__(cls, plain)
        made.number = plain if isinstance(plain, int) and abs(plain) <= _EXACT else float(plain)
        made.unit = unit
        return made

    def __index__(self) -> int:
        if not isinstance(self.number, int):
            raise TypeError("'float' object cannot be interpreted as an integer")
        return self.number

    def __neg__(self) -> Quantity:
        return Quantity(-self.number, self.unit)

    def __pos__(self) -> Quantity:
        return self

    def __abs__(self) -> Quantity:
        return Quantity(abs(self.number), self.unit)


def _operation(name: str, function: Callable[[Any, Any], Any], ratio: bool) -> None:
    def combine(left: Any, right: Any, units: list[Unit]) -> Any:
        try:
            value = function(left, right)
        except TypeError:
            return NotImplemented
        if not isinstance(value, int | float):
            return value  # a fractional power of a negative number is complex
        return Quantity(value, SHARE if ratio and len(units) == 2 else units[0])

    def forward(self: Quantity, other: Any) -> Any:
        if isinstance(other, Quantity):
            return combine(self.number, other.number, [self.unit, other.unit])
        return combine(self.number, other, [self.unit]) if isinstance(other, int | float) else NotImplemented

    def backward(self: Quantity, other: Any) -> Any:
        return combine(other, self.number, [self.unit]) if isinstance(other, int | float) else NotImplemented

    setattr(Quantity, f"__{name}__", forward)
    setattr(Quantity, f"__r{name}__", backward)


def _power(base: Number, exponent: Number) -> Any:
    return float(base) ** float(exponent)


for _name, _function in (
    ("add", operator.add),
    ("sub", operator.sub),
    ("mul", operator.mul),
    ("mod", operator.mod),
    ("pow", _power),
):
    _operation(_name, _function, ratio=False)
_operation("truediv", operator.truediv, ratio=True)
_operation("floordiv", operator.floordiv, ratio=True)


def plain(value: Any) -> Any:
    """The number of a quantity; any other value itself."""
    return value.number if isinstance(value, Quantity) else value


def parsed(text: str) -> Quantity | None:
    """A text of a number and a unit that the field knows (``10ba``, ``0.1dur``, ``5 epochs``, ``3%``), or None."""
    match = _TEXT.match(text)
    if match is None:
        return None
    digits = match[1].replace("_", "").replace(",", "")
    number: Number = float(digits) if "." in digits else int(digits)
    if match[3]:
        return Quantity(number / 100, SHARE)
    return Quantity(number, unit_named(match[2])) if names_unit(match[2]) else None


def attribute_of_quantity(value: Quantity, name: str, node: ast.AST | None) -> Any:
    """What code reads off a quantity; raises Opaque for what only its own class could tell."""
    if name in NUMBERS:
        return value.number
    if name in UNITS:
        return value.unit
    if name in _ASKED_FOR_NUMBER:
        return NativeFunction(name, lambda *arguments: value.number, accepts_callables=False)
    if name in _ASKED_FOR_ITSELF:
        return NativeFunction(name, lambda machine, at, *arguments, **keywords: value, accepts_callables=True)
    if name in ("is_integer", "real"):
        return NativeFunction(name, lambda: float(value).is_integer()) if name == "is_integer" else value
    raise Opaque(f"reads `.{name}` of a value with a unit, which lrfix cannot see", node)


def attribute_of_unit(unit: Unit, name: str, node: ast.AST | None) -> Any:
    if name in ("name", "value"):
        return unit.name
    raise Opaque(f"reads `.{name}` of a unit, which lrfix cannot see", node)


__all__ = [
    "EPOCHS",
    "NUMBERS",
    "SHARE",
    "STEPS",
    "UNITS",
    "Quantity",
    "Unit",
    "attribute_of_quantity",
    "attribute_of_unit",
    "names_unit",
    "parsed",
    "plain",
    "unit_named",
]
