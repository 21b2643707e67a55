"""What kind of value a name may hold, where the code's use of it refused the kind that its name speaks of.

A name only suggests a value (``max_lr_steps``: milestones?). What the code does with the value decides: where a run
fails because a number was drawn for a list, or a list for a number, the kind was wrong and another is drawn, in the
fixed order below. What the code itself states is never replaced: an exception that stated values raise is the bug.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import TypeGuard


class Kind(str, Enum):
    """Kinds in the order in which they are tried; ``PAIRS`` are lengths, each with a factor."""

    LENGTH = "length"
    SHARE = "share"
    LENGTHS = "lengths"
    FACTORS = "factors"
    PAIRS = "pairs"
    NOTHING = "nothing"
    OBJECT = "object"


@dataclass(frozen=True)
class Drawn:
    """An override: a value of this kind, drawn in every scenario anew."""

    kind: Kind


#: The override that tells a method where training stands although it could do without.
POSITION_GIVEN = "the position is given"
_NAMED = re.compile(r"'(int|float|list|tuple|str|NoneType|bool|range|dict)'|\b(NoneType|list|str|int|float)\b")
_SEQUENCE = re.compile(r"not iterable|no len\(\)|not subscriptable|is not iterable|not a container")
#: What a list of numbers is refused with where pairs are due.
_UNPACKED = re.compile(r"cannot unpack|'(int|float)' object is not iterable")
_METHOD = re.compile(r"'(?:int|float|bool|list|NoneType)' object has no attribute '(\w+)'")
_OF_LISTS = frozenset({"append", "extend", "index", "pop", "copy", "sort", "insert", "count"})
_OF_TEXTS = frozenset({"split", "lower", "upper", "strip", "startswith", "endswith", "replace", "format", "join"})
_TYPES: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "float": float,
    "list": list,
    "tuple": (tuple, list),
    "str": str,
    "NoneType": type(None),
    "bool": bool,
}


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def rises(value: object) -> TypeGuard[Sequence[float]]:
    """Whether a value is a list of numbers that go up, as moments do."""
    if not isinstance(value, list | tuple) or len(value) < 2 or not all(map(is_number, value)):
        return False
    return all(a < b for a, b in pairwise(value))


def blamed(message: str, value: object) -> bool:
    """Whether an exception's message speaks of a value of this type."""
    named = [a or b for a, b in _NAMED.findall(message)]
    if isinstance(value, list) and _UNPACKED.search(message):
        return True
    return any(
        isinstance(value, _TYPES.get(name, ())) and (name == "bool") == isinstance(value, bool) for name in named
    )


def other_kinds(value: object, message: str, texts: tuple[str, ...] = ()) -> Iterator[object]:
    """What to draw instead of ``value`` after an exception with this message, the likeliest first.

    ``texts`` are those that the code compares the value with.
    """
    method = _METHOD.search(message)
    if method is not None and method[1] not in _OF_LISTS | _OF_TEXTS:
        yield Drawn(Kind.OBJECT)
        return
    if method is not None and method[1] in _OF_TEXTS:
        yield from texts
        return
    if is_number(value) and (_SEQUENCE.search(message) or method is not None or "'list'" in message):
        several = (Kind.LENGTHS, Kind.FACTORS)
        yield from (Drawn(kind) for kind in (reversed(several) if isinstance(value, float) else several))
        yield Drawn(Kind.PAIRS)
    elif isinstance(value, float):
        yield Drawn(Kind.LENGTH)
    elif isinstance(value, list) and _UNPACKED.search(message):
        yield Drawn(Kind.PAIRS)
    elif isinstance(value, list | tuple | str | None):
        yield Drawn(Kind.LENGTH)
        yield Drawn(Kind.SHARE)
    if value is None:
        yield Drawn(Kind.LENGTHS)
    elif isinstance(value, bool):
        yield not value
    yield from texts


__all__ = ["POSITION_GIVEN", "Drawn", "Kind", "blamed", "is_number", "other_kinds", "rises"]
