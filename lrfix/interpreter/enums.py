"""Plain enumerations: members with a name and a value, the same object wherever they are reached."""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterator
from typing import Any

from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.values import ClassMethod, ClassValue, Function, Instance, NativeFunction, Property, StaticMethod

Machine = Any
ENUM = ClassValue("Enum", None, (), {})
ENUM.mro = (ENUM,)
_SPECIAL = frozenset({"__init__", "__new__", "__eq__", "_missing_", "_generate_next_value_", "_ignore_"})
_AUTO = object()
AUTO = NativeFunction("enum.auto", lambda: _AUTO)


def is_enumeration(cls: Any) -> bool:
    return isinstance(cls, ClassValue) and ENUM in cls.mro and cls is not ENUM


def make_members(cls: ClassValue, node: ast.AST) -> None:
    """Turn the values of the class body into members; two names of one value are one member."""
    if _SPECIAL & set(cls.namespace) or any(is_enumeration(base) and members(base) for base in cls.bases):
        raise Opaque(f"makes the members of `{cls.name}` in a way that is not simulated", node)
    made: list[Instance] = []
    for name, value in cls.namespace.items():
        if name.startswith("_") or isinstance(value, Function | Property | StaticMethod | ClassMethod):
            continue
        if value is _AUTO:
            last = made[-1].attributes["value"] if made else 0
            if not isinstance(last, int):
                raise Opaque("numbers members after one that is no number", node)
            value = last + 1
        member = next((m for m in made if _same(m.attributes["value"], value)), None)
        if member is None:
            member = Instance(cls, {"name": name, "value": value, "_name_": name, "_value_": value})
            made.append(member)
        cls.namespace[name] = member


def _same(one: Any, other: Any) -> bool:
    plain = (int, float, str)
    return bool(one == other) if isinstance(one, plain) and isinstance(other, plain) else one is other


def members(cls: ClassValue) -> list[Instance]:
    """The members in their order."""
    found = [v for v in cls.namespace.values() if isinstance(v, Instance) and v.cls is cls]
    return list({id(m): m for m in found}.values())


def iterate_members(cls: ClassValue) -> Iterator[Instance]:
    return iter(members(cls))


def member_of_value(machine: Machine, cls: ClassValue, value: Any, node: ast.AST | None) -> Instance:
    """``Mode(value)``: the member itself, or the one of this value."""
    if isinstance(value, Instance) and value.cls is cls:
        return value
    at = node or ast.Pass()
    for member in members(cls):
        if machine.truth(machine.compare(operator.eq, member.attributes["value"], value, "__eq__", at), at):
            return member
    raise UserError(ValueError(f"{value!r} is not a valid {cls.name}"), node)


def member_of_name(cls: ClassValue, name: Any, node: ast.AST | None) -> Instance:
    """``Mode["NAME"]``."""
    member = cls.namespace.get(name) if isinstance(name, str) else None
    if not isinstance(member, Instance):
        raise UserError(KeyError(name), node)
    return member
