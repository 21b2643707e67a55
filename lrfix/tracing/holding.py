"""Which known objects a value holds, so that whoever has the one in hand has the others."""

from __future__ import annotations

from lrfix.tracing.values import (
    Bound,
    Engine,
    Groups,
    Instance,
    Known,
    KnownMethod,
    Many,
    Partial,
    Unknown,
    Value,
    known,
)

#: What holds nothing: most of what a call is given.
_PLAIN = frozenset({str, int, float, bool, type(None)})


def objects_in(value: Value, depth: int = 3) -> list[Known]:
    """The known objects that can be reached from a value through containers and attributes."""
    found: list[Known] = []
    _reach(value, depth, found, set())
    return found


def _reach(value: Value, depth: int, found: list[Known], seen: set[int]) -> None:
    if depth < 0 or type(value) in _PLAIN or id(value) in seen:
        return
    seen.add(id(value))
    thing = known(value)
    if thing is not None:
        # Who has an engine in hand has in hand what it moves.
        held = [thing.optimizer, thing.scheduler] if isinstance(thing, Engine) else [thing]
        found += [each for each in held if each is not None and each not in found]
        return
    inner: list[Value] = []
    if isinstance(value, list | tuple):
        inner = list(value)[:40]
    elif isinstance(value, dict):
        inner = list(value.values())[:40]
    elif isinstance(value, Instance):
        inner = list(value.attributes.values())
    elif isinstance(value, Groups):
        inner = [value.optimizer]
    elif isinstance(value, KnownMethod):
        inner = [value.thing]
    elif isinstance(value, Many):
        inner = [value.element]
    elif isinstance(value, Bound):
        inner = [value.receiver]
    elif isinstance(value, Partial):
        inner = [value.function, *value.arguments, *value.keywords.values()]
    elif isinstance(value, Unknown):
        inner = [part for part in value.parts.values() if not isinstance(part, Unknown) or part.known is not None]
    for each in inner:
        _reach(each, depth - 1, found, seen)
