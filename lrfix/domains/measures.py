"""Where a file speaks of lengths and moments that carry units: which names stand for one, and what unseen calls give.

A trainer's ``state.timestamp``, a warmup of the imported type ``Time``: their classes cannot be seen, but the file
reads units off them. There every length that the code does not fix, and every moment, is a ``Quantity``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from lrfix.domains.clock import Clock, Tick, moment, tick_of
from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.interpreter.errors import Opaque
from lrfix.interpreter.quantities import (
    EPOCHS,
    NUMBERS,
    SHARE,
    STEPS,
    UNITS,
    Quantity,
    Unit,
    names_unit,
    parsed,
    plain,
    unit_named,
)
from lrfix.interpreter.values import MISSING, NativeFunction, Unknown
from lrfix.names import Imported, Names
from lrfix.trees import walk

_MEASURED = LENGTHS - {Role.LOADER_LENGTH} | {Role.MILESTONES}
_EVIDENCE = frozenset({"magnitude", "m_as", "total_seconds"})
_PLAIN_TYPES = frozenset({"int", "float", "bool", "complex", "Number", "Real", "Integral", "Tensor", "ndarray"})
_NO_LENGTHS = frozenset({"typing", "typing_extensions", "collections", "torch", "numpy", "omegaconf", "argparse"})
_CONVERSION = frozenset(
    {"convert", "converted", "conversion", "to", "as", "parse", "parsed", "resolve", "resolved", "ensure", "normalize"}
    | {"get", "from", "time", "duration", "in"}
)
_UNIT_CLASS = re.compile(r"(^|\.)_?[A-Z]\w*Units?$|(^|\.)Units?$")
_LENGTH_CLASS = re.compile(r"^from_|Time$|Timestep|Duration|Quantity|Length|Period|Delta")
_READING = frozenset({"get", "to", "in_unit", "as_unit", "elapsed"})


@lru_cache(maxsize=4096)
def speaks_of_units(name: str) -> bool:
    """Whether an attribute of this name may be a unit, or the number or the unit of a quantity."""
    return names_unit(name) or name in UNITS or name in NUMBERS


class Measures:
    """What one file says about values with units. ``spoken``: it reads units, so lengths are quantities there."""

    def __init__(self, names: Names) -> None:
        self.spoken = any(_reads_unit(node) for node in names.nodes)
        self.plain: frozenset[str] = frozenset()
        self.named: frozenset[str] = frozenset()
        if self.spoken:
            self._annotations(names)

    def _annotations(self, names: Names) -> None:
        given = [
            (argument.arg, argument.annotation)
            for node in names.nodes
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            if argument.annotation is not None
        ]
        unseen = {id(annotation): _unseen(names, annotation) for _, annotation in given}
        classes = {c for name, at in given if role_of(name) in _MEASURED for c in unseen[id(at)]}
        self.named = frozenset(name for name, at in given if unseen[id(at)] & classes)
        numbers = {name for name, at in given if not unseen[id(at)] and _words_of(at) & _PLAIN_TYPES}
        self.plain = frozenset(numbers - self.named)

    def measures(self, path: str) -> bool:
        """Whether a free expression stands for a length or a moment with a unit."""
        if not self.spoken or path in self.plain:
            return False
        return path in self.named or _measured(path)

    @staticmethod
    @lru_cache(maxsize=4096)
    def unit_of(path: str) -> Unit:
        tick = tick_of(path)
        if tick in (Tick.PROGRESS, Tick.REMAINING) or role_of(path) in (Role.WARMUP_FRACTION, Role.FRACTION):
            return SHARE
        by_epochs = tick is Tick.EPOCH or role_of(path) in (Role.EPOCHS, Role.WARMUP_EPOCHS)
        return EPOCHS if by_epochs else STEPS

    def dressed(self, path: str, value: Any) -> Any:
        """A number, or a list of them, with the unit that its expression has."""
        if isinstance(value, list) and role_of(path) is Role.MILESTONES and self.measures(path):
            return [self.dressed(path, element) for element in value]
        if isinstance(value, bool | Quantity) or not isinstance(value, int | float) or not self.measures(path):
            return value
        return Quantity(value, self.unit_of(path))

    def attribute(self, unknown: Unknown, name: str, concrete: Callable[[Unknown], Any]) -> Any:
        """``TimeUnit.BATCH``; ``t_max.unit`` and ``t_max.value`` of a length ``t_max`` that the file leaves open."""
        if names_unit(name) and _UNIT_CLASS.search(unknown.path):
            return unit_named(name)
        if name not in UNITS and name not in NUMBERS:
            return MISSING
        if not self.measures(unknown.path) or (name in NUMBERS and tick_of(f"{unknown.path}.{name}") is not None):
            return MISSING
        return self.unit_of(unknown.path) if name in UNITS else plain(concrete(unknown))

    def call(
        self,
        function: Unknown,
        arguments: list[Any],
        keywords: dict[str, Any],
        ask: Callable[[], Clock | None],
        concrete: Callable[[Unknown], Any],
    ) -> Any:
        """What a call gives that builds, converts or reads a quantity; MISSING for any other.

        ``ask`` gives the clock, once training has begun.
        """
        clock = ask()
        receiver, _, last = function.path.rpartition(".")
        given = [*arguments, *keywords.values()]
        if _UNIT_CLASS.search(function.path) and len(given) == 1 and isinstance(given[0], str | Unit):
            return given[0] if isinstance(given[0], Unit) else unit_named(given[0])
        if receiver and last in _READING and (moment(receiver) or self.measures(receiver)):
            unit = next((u for value in given if (u := _unit(value)) is not None), None)
            if unit is not None:
                return self._read(receiver, unit, clock, concrete)
        unit = next((value for value in given if isinstance(value, Unit)), None)
        numbers = [v for v in given if isinstance(v, int | float) and not isinstance(v, bool)]
        if unit is None and isinstance(keywords.get("unit"), str):
            unit = unit_named(keywords["unit"])
        constructs = last[:1].isupper() or last.startswith("from_")
        if constructs and unit is not None:
            numbers += [concrete(v) for v in given if isinstance(v, Unknown) and self.measures(v.path)]
            return Quantity(numbers[0], unit) if len(numbers) == 1 else MISSING
        if constructs and "linear" in last.lower() and "sched" in last.lower():
            return _linear(keywords, ask)
        words = set(last.lower().strip("_").split("_"))
        if constructs or words & _CONVERSION:
            return self._converted(given, last if constructs else "", clock)
        return MISSING

    def _read(self, receiver: str, unit: Unit, clock: Clock | None, concrete: Callable[[Unknown], Any]) -> Any:
        if not moment(receiver):
            return Quantity(plain(concrete(Unknown(receiver))), unit)
        if clock is None:
            return MISSING
        tick = {"epoch": Tick.EPOCH, "share": Tick.PROGRESS}.get(unit.name, Tick.STEP)
        return concrete(Unknown(f"{receiver}.{tick.value}"))

    def _converted(self, given: list[Any], kind: str, clock: Clock | None) -> Any:
        """A text read as a quantity; a quantity handed over for conversion stays what it is.

        ``kind`` names the class or the constructor that is called, if it is one.
        """
        first = given[0] if given else None
        if isinstance(first, str):
            known = parsed(first)
            if known is None or kind or clock is None:
                return MISSING if known is None else known
            if known.unit == SHARE:
                return Quantity(int(known.number * clock.horizon), STEPS)
            return Quantity(known.number * clock.per_epoch, STEPS) if known.unit == EPOCHS else known
        if kind and (len(given) > 1 or not _LENGTH_CLASS.search(kind)):
            return MISSING
        if isinstance(first, Quantity):
            return first
        return first if isinstance(first, Unknown) and self.measures(first.path) and not moment(first.path) else MISSING


@lru_cache(maxsize=4096)
def _measured(path: str) -> bool:
    return role_of(path) in _MEASURED or tick_of(path) is not None


def _linear(keywords: dict[str, Any], ask: Callable[[], Clock | None]) -> Any:
    """An unseen schedule whose name says that it goes straight from one value to another over a length."""
    lengths = [value for value in keywords.values() if isinstance(value, Quantity)]
    ends = [value for value in keywords.values() if type(value) in (int, float)]
    if len(lengths) != 1 or len(ends) != 2 or len(keywords) != 3:
        return MISSING
    length, (first, last) = lengths[0], ends

    def at(machine: Any, node: ast.AST | None, /, *moment: Any, **more: Any) -> float:
        clock = ask()
        if clock is None:
            raise Opaque("asks a schedule before training begins", node)
        share = min(1.0, clock.step / length.number) if length.number > 0 else 1.0
        return float(first + share * (last - first))

    return NativeFunction("linear", at, accepts_callables=True)


def _reads_unit(node: ast.AST) -> bool:
    """``length.unit``, ``length.total_seconds()``, and ``(now / length).value``: arithmetic gives no plain number."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
        return False
    if node.attr == "unit" or node.attr in _EVIDENCE:
        return True
    return node.attr == "value" and isinstance(node.value, ast.BinOp)


def _unit(value: Any) -> Unit | None:
    if isinstance(value, Unit):
        return value
    return unit_named(value) if isinstance(value, str) and names_unit(value) else None


def _words_of(annotation: ast.expr) -> set[str]:
    return {n.id for n in walk(annotation) if isinstance(n, ast.Name)} | {
        n.attr for n in walk(annotation) if isinstance(n, ast.Attribute)
    }


def _unseen(names: Names, annotation: ast.expr) -> set[str]:
    """The imported classes of an annotation that belong to no library known to hold none of lengths."""
    found = set()
    for node in walk(annotation):
        if isinstance(node, ast.Name):
            for binding in names.bindings(node.id, node):
                if isinstance(binding, Imported) and binding.qualified.partition(".")[0] not in _NO_LENGTHS:
                    found.add(node.id)
    return found


_KNOWN: WeakKeyDictionary[Names, Measures] = WeakKeyDictionary()


def measures_of(names: Names) -> Measures:
    """What a file says about values with units, read once."""
    if names not in _KNOWN:
        _KNOWN[names] = Measures(names)
    return _KNOWN[names]


__all__ = ["Measures", "measures_of", "speaks_of_units"]
