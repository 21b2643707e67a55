"""What a file gave, as text and back, without loss: the same values of the same types, or a ``ValueError``.

JSON and no pickle: what is read back may have been written by anybody. Long rows of rates are kept once, however often
they occur.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from lrfix.findings import (
    CellPlace,
    Evidence,
    FileError,
    FileResult,
    Finding,
    Position,
    Related,
    ScheduleReport,
    Severity,
    SiteReport,
    Span,
    Status,
)

_CLASSES: tuple[type, ...] = (
    Position, Span, CellPlace, Evidence, Related, Finding, ScheduleReport, SiteReport, FileError, FileResult,
)  # fmt: skip
_NUMBERS = {cls: number for number, cls in enumerate(_CLASSES)}
_FIELDS = {cls: tuple(field.name for field in fields(cls)) for cls in _CLASSES}
_ENUMS: tuple[type[Enum], ...] = (Severity, Status)
_TUPLE, _LIST, _DICT, _CLASS, _ENUM, _ROW = range(6)
_PLAIN = (str, int, float, bool, type(None))

_Check = Callable[[Any], bool]


def encoded(result: FileResult) -> str:
    """Raises ValueError for a result that holds anything else than what comes back as it was."""
    rows = _Rows()
    value = _encode(result, rows)
    return json.dumps([value, rows.known], separators=(",", ":"))


def decoded(text: str) -> FileResult:
    """Raises ValueError for a text that is none of ``encoded``."""
    try:
        value, rows = json.loads(text)
        result = _decode(value, [tuple(row) for row in rows])
    except (TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise ValueError(f"no result: {error}") from None
    if not isinstance(result, FileResult):
        raise ValueError("no result")
    return result


class _Rows:
    """Rows of numbers, each once: by its text, since -0.0 equals 0.0."""

    def __init__(self) -> None:
        self.known: list[tuple[float, ...]] = []
        self._places: dict[str, int] = {}

    def place_of(self, row: tuple[float, ...]) -> int:
        place = self._places.setdefault(repr(row), len(self.known))
        if place == len(self.known):
            self.known.append(row)
        return place


def _encode(value: Any, rows: _Rows) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple:
        if len(value) > 2 and all(type(item) is float for item in value):
            return [_ROW, rows.place_of(value)]
        return [_TUPLE, *(_encode(item, rows) for item in value)]
    if kind is list:
        return [_LIST, *(_encode(item, rows) for item in value)]
    if kind is dict:
        return [_DICT, *(_encode(part, rows) for item in value.items() for part in item)]
    if kind in _NUMBERS:
        return [_CLASS, _NUMBERS[kind], *(_encode(getattr(value, name), rows) for name in _FIELDS[kind])]
    if kind in _ENUMS:
        return [_ENUM, _ENUMS.index(kind), value.value]
    raise ValueError(f"{kind.__name__} would not come back as it was")


def _decode(value: Any, rows: list[tuple[float, ...]]) -> Any:
    if type(value) is not list:
        return value
    tag = value[0]
    if tag == _CLASS:
        cls = _CLASSES[value[1]]
        if len(value) != len(_FIELDS[cls]) + 2:
            raise ValueError(f"no {cls.__name__}")
        made = [_decode(item, rows) for item in value[2:]]
        for item, (name, check) in zip(made, _checks(cls), strict=True):
            if not check(item):
                raise ValueError(f"no {cls.__name__}: its {name} is none")
        return cls(*made)
    if tag == _TUPLE:
        return tuple(_decode(item, rows) for item in value[1:])
    if tag == _ROW:
        return rows[value[1]]
    if tag == _DICT:
        parts = [_decode(item, rows) for item in value[1:]]
        return dict(zip(parts[::2], parts[1::2], strict=True))
    if tag == _ENUM:
        return _ENUMS[value[1]](value[2])
    if tag == _LIST:
        return [_decode(item, rows) for item in value[1:]]
    raise ValueError("no value")


@cache
def _checks(cls: type) -> tuple[tuple[str, _Check], ...]:
    """For each field of a class, whether a value is what the field says it holds."""
    hints = get_type_hints(cls)
    return tuple((name, _check(hints[name])) for name in _FIELDS[cls])


def _check(hint: Any) -> _Check:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        checks = [_check(each) for each in inner]
        return lambda value: any(check(value) for check in checks)
    if origin is tuple:
        of_items = _check(inner[0])
        # Long rows of floats, which there are many of, without a call each.
        of_floats = {float} if inner[0] is float else set()
        return lambda value: type(value) is tuple and (set(map(type, value)) == of_floats or all(map(of_items, value)))
    if origin is Mapping:
        of_keys, of_values = map(_check, inner)
        return lambda value: type(value) is dict and all(map(of_keys, value)) and all(map(of_values, value.values()))
    if hint is float:
        return _is_rate
    if hint in _PLAIN or hint is NoneType or issubclass(hint, Enum) or is_dataclass(hint):
        return lambda value: type(value) is hint
    assert hint is object, hint
    return lambda value: True


def _is_rate(value: object) -> bool:
    """A float, or an integer that fits into one."""
    return type(value) is float or (type(value) is int and value.bit_length() < 1024)


__all__ = ["decoded", "encoded"]
