"""What containers and texts give when they are asked for something: the same value each time."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from lrfix.tracing.beliefs import Test
from lrfix.tracing.machine import Machine
from lrfix.tracing.values import MISSING, MOST_ELEMENTS, Condition, Given, Listing, Many, Unknown, Value
from lrfix.trees import written

#: Methods of texts that give the same for the same text, and those that look for one in it.
_SAME_TEXT: Mapping[str, Callable[[Any], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "strip": str.strip,
    "casefold": str.casefold,
    "title": str.title,
}
_LOOKS_FOR: Mapping[str, Callable[[str, str], bool]] = {"startswith": str.startswith, "endswith": str.endswith}


def answer_of(receiver: Value, name: str, given: Given, node: ast.AST) -> Value:
    """What an unknown or a text says when it is asked for a key, or as a text; MISSING for any other call."""
    if isinstance(receiver, str):
        return _answer_of_text(receiver, name, given)
    if not isinstance(receiver, Unknown) or receiver.moving:
        return MISSING
    if name in _SAME_TEXT and not given.all:
        return receiver.made_into(_SAME_TEXT[name], f".{name}()")
    text = given.arguments[0] if given.arguments else None
    if not isinstance(text, str):
        return MISSING
    if name == "get" and len(given.all) <= 2:
        return _element(receiver, text, given.get(1, "default"))
    if name in _LOOKS_FOR and len(given.all) == 1:
        looks = _LOOKS_FOR[name]
        test = Test(lambda value: looks(value, text), fragments=(text,))
        return Condition(written(node), (name, receiver.serial, text), about=receiver, test=test)
    return MISSING


def _answer_of_text(text: str, name: str, given: Given) -> Value:
    if name in _SAME_TEXT and not given.all:
        return _SAME_TEXT[name](text)
    if name in _LOOKS_FOR and len(given.all) == 1 and given.arguments and isinstance(given.arguments[0], str):
        return _LOOKS_FOR[name](text, given.arguments[0])
    return MISSING


def _element(receiver: Unknown, name: str, default: Value) -> Value:
    """``receiver.get(name, default)``, which is ``receiver[name]`` where that is there."""
    key = f"[{name!r}]"
    if key not in receiver.parts:
        receiver.parts[key] = Unknown(f"{receiver.path}.get(...)", measured=receiver.measured)
    found = receiver.parts[key]
    plain = isinstance(default, bool | int | float | str)  # None is what `get` gives without a default
    if plain and isinstance(found, Unknown) and found.stated is MISSING:
        found.stated = default
    return found


def method_of_container(machine: Machine, receiver: Value, name: str, given: Given) -> Value:
    """What a method of a list or a dict gives, MISSING where that cannot be told."""
    first = given.arguments[0] if given.arguments else MISSING
    if isinstance(receiver, list):
        if isinstance(receiver, Listing) and not all(turn.listed for turn in machine.turns[receiver.turns :]):
            receiver.partial = True
        if name == "append" and first is not MISSING:
            if not machine.later:
                receiver.append(first)
            return None
        if name == "extend" and isinstance(first, list | tuple):
            receiver.extend(first[: max(MOST_ELEMENTS - len(receiver), 0)])
            return None
    if isinstance(receiver, dict):
        if name == "items":
            return [(k, v) for k, v in receiver.items()]
        if name == "values":
            return list(receiver.values())
        if name == "keys":
            return list(receiver)
        if name in ("get", "pop", "setdefault") and isinstance(first, str | int):
            default = given.arguments[1] if len(given.arguments) > 1 else Unknown(str(first))
            return receiver.get(first, default)
        if name == "update" and isinstance(first, dict):
            receiver.update(first)
            return None
    if isinstance(receiver, Many) and name in ("values", "items"):
        return receiver
    return MISSING


__all__ = ["answer_of", "method_of_container"]
