"""What a loop walks over: its elements where the code lists them, else how often it turns and one for each turn."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from lrfix.tracing import amounts
from lrfix.tracing.amounts import Amount, amount
from lrfix.tracing.machine import Machine
from lrfix.tracing.values import MISSING, Groups, Known, Many, Paired, Range, Unknown, Value, known
from lrfix.trees import written

#: A loop over so many stated turns is run turn by turn; one over more stands for all of them with its first and later.
MOST_LISTED = 6
_MOST_COUNTED = 2


@dataclass
class Walk:
    """``elements``: all of them, or None. ``trip``: how often the loop turns, None where it cannot be told.

    ``stop`` is the end of a range.
    """

    trip: Amount | None
    elements: list[Value] | None
    first: Callable[[], Value]
    later: Callable[[], Value]
    stop: Amount | None = None


def walk(machine: Machine, value: Value, node: ast.AST) -> Walk:
    """How a loop over ``value`` goes."""
    if isinstance(value, list | tuple | set | dict | str):
        elements = list(value)
        if len(elements) <= MOST_LISTED:
            return _listed(elements)
        return Walk(amount(len(elements)), None, lambda: elements[0], lambda: elements[-1])
    if isinstance(value, Range):
        return _range(value, node)
    if isinstance(value, Paired):
        return _paired(machine, value, node)
    if isinstance(value, Groups):
        return _listed([Groups(value.optimizer, single=True)])
    if isinstance(value, Many):
        element = value.element
        return Walk(value.length if isinstance(value.length, Amount) else None, None, lambda: element, lambda: element)
    text = _element_text(node)
    return Walk(length(value), None, lambda: Unknown(text, measured=True), lambda: Unknown(text, measured=True))


def length(value: Value) -> Amount | None:
    """How many elements a value has; an unknown's length is a unit of its own."""
    if isinstance(value, list | tuple | dict | set | str):
        return amount(len(value))
    if isinstance(value, Many):
        return value.length if isinstance(value.length, Amount) else None
    if isinstance(value, Range):
        return trips(value)
    if isinstance(value, Paired):
        found = [length(source) for source in value.sources]
        return next((each for each in found if each is not None), None)
    thing = known(value)
    if thing is not None:
        return _length_of(thing)
    return amount(named_length(value)) if isinstance(value, Unknown) and value.path else None


def named_length(value: Unknown) -> Unknown:
    """``len(value)``, the same unknown each time."""
    if "len()" not in value.parts:
        value.parts["len()"] = Unknown(f"len({value.path})")
        value.parts["len()"].parts["of"] = value
    found: Unknown = value.parts["len()"]
    return found


def trips(value: Range) -> Amount | None:
    """How often a loop over a range turns; one that begins where a resumed run stands begins at 0 in a new one."""
    stop = amount(value.stop)
    start, back = value.start, isinstance(value.step, int) and value.step < 0
    if not back and isinstance(start, Unknown) and (start.stated is MISSING or not start.stated):
        start = 0
    begin, stride = amount(start), amount(value.step)
    if stop is None or begin is None or stride is None or not stride.terms:
        return None
    length = amounts.add(stop, begin, -1)
    if length is None or value.step == 1:
        return length
    turns = amounts.divide(length, stride)
    return amounts.rounded_up(turns) if turns is not None else None


def _length_of(thing: Known) -> Amount | None:
    if "len()" not in thing.parts:
        thing.parts["len()"] = Unknown(f"len({thing.path or 'loader'})")
    return amount(thing.parts["len()"])


def _listed(elements: list[Value]) -> Walk:
    """Elements that the code lists; where there are none, one that is unknown stands for what it never sees."""
    some = elements or [Unknown("no element")]
    return Walk(amount(len(elements)), elements, lambda: some[0], lambda: some[-1])


def _range(value: Range, node: ast.AST) -> Walk:
    trip = trips(value)
    bounds = (value.start, value.stop, value.step)
    if all(isinstance(bound, int) for bound in bounds) and value.step and not range(*bounds)[_MOST_COUNTED:]:
        return _listed(list(range(*bounds)))
    text = _element_text(node)
    start = value.start
    return Walk(
        trip,
        None,
        lambda: start if isinstance(start, int) else Unknown(text, moving=True),
        lambda: Unknown(text, moving=True),
        amount(value.stop),
    )


def _paired(machine: Machine, value: Paired, node: ast.AST) -> Walk:
    walks = [walk(machine, source, node) for source in value.sources]
    trip = next((each.trip for each in walks if each.trip is not None), None)
    if all(each.elements is not None for each in walks):
        size = min(len(each.elements or []) for each in walks)
        rows = [tuple((each.elements or [])[i] for each in walks) for i in range(size)]
        return _listed([(i, *row) for i, row in enumerate(rows)] if value.counted else list(rows))
    known_rows = [each for each in walks if each.elements is not None]
    if known_rows and not value.counted:
        return _listed(
            [
                tuple((w.elements[i] if w.elements is not None else w.later()) for w in walks)
                for i in range(min(len(w.elements or []) for w in known_rows))
            ]
        )

    def row(pick: Callable[[Walk], Value], index: Value) -> tuple[Value, ...]:
        cells = tuple(pick(each) for each in walks)
        return (index, *cells) if value.counted else cells

    return Walk(
        trip,
        None,
        lambda: row(lambda w: w.first(), 0),
        lambda: row(lambda w: w.later(), Unknown(_element_text(node), moving=True)),
    )


def _element_text(node: ast.AST) -> str:
    return f"element of {written(node)[:60]}"


__all__ = ["Walk", "length", "named_length", "trips", "walk"]
