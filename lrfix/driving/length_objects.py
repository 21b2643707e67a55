"""Lengths that are objects of a class of the file itself: ``warmup: Duration``, built as the class asks for it."""

from __future__ import annotations

import ast
from typing import Any
from weakref import WeakKeyDictionary

from lrfix.domains.roles import LENGTHS, role_of
from lrfix.domains.signatures import constructor_parameters
from lrfix.driving.world import World
from lrfix.interpreter.enums import is_enumeration, members
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.machine import Interpreter
from lrfix.interpreter.quantities import NUMBERS, STEPS, UNITS, unit_named
from lrfix.interpreter.values import MISSING, ClassValue, Instance
from lrfix.names import Defined, Names
from lrfix.trees import walk

#: The classes of the parameters of a file's definitions, by definition and name.
_KNOWN: WeakKeyDictionary[Names, dict[tuple[ast.AST, str], ast.ClassDef | None]] = WeakKeyDictionary()


def length_object(interpreter: Interpreter, world: World, owner: ast.AST, name: str, value: Any) -> Any:
    """An object that holds ``value`` for the parameter ``name`` of a definition in ``owner``, where the parameter's
    type is a class of the file made of a number and a unit; MISSING where it is anything else."""
    if role_of(name) not in LENGTHS or isinstance(value, bool) or not isinstance(value, int | float):
        return MISSING
    cls = _class_of(world.names, owner, name)
    if cls is None:
        return MISSING
    given = constructor_parameters(world.names, cls) or []
    number = [p for p, _, _ in given if p in NUMBERS or role_of(p) in LENGTHS]
    units = [p for p, _, _ in given if p in UNITS]
    if len(number) != 1 or any(required and p not in (*number, *units) for p, _, required in given):
        return MISSING
    arguments: dict[str, Any] = {number[0]: value}
    try:
        made = world.environment(world.names.scope_of(cls), None).get(cls.name)
        for unit in units:
            arguments[unit] = _unit(world, cls, unit)
        found = interpreter.call(made, **arguments)
    except (Opaque, UserError):
        return MISSING
    return found if isinstance(found, Instance) else MISSING


def _class_of(names: Names, owner: ast.AST, name: str) -> ast.ClassDef | None:
    known = _KNOWN.setdefault(names, {})
    if (owner, name) not in known:
        known[owner, name] = _type_of(names, owner, name)
    return known[owner, name]


def _type_of(names: Names, owner: ast.AST, name: str) -> ast.ClassDef | None:
    for node in walk(owner):
        if isinstance(node, ast.arg) and node.arg == name and node.annotation is not None:
            for part in walk(node.annotation):
                found = _defined(names, part)
                if found is not None:
                    return found
    return None


def _defined(names: Names, node: ast.AST) -> ast.ClassDef | None:
    for binding in names.bindings(node.id, node) if isinstance(node, ast.Name) else ():
        if isinstance(binding, Defined) and isinstance(binding.node, ast.ClassDef):
            return binding.node
    return None


def _unit(world: World, cls: ast.ClassDef, name: str) -> Any:
    """Steps: the member of the file's own enumeration that names them, its first where none does, or the word."""
    for node in walk(cls):
        annotation = getattr(node, "annotation", None)
        named = getattr(node, "arg", None) or getattr(getattr(node, "target", None), "id", None)
        if annotation is None or named != name:
            continue
        for part in walk(annotation):
            kind = _defined(world.names, part)
            value = world.environment(world.names.scope_of(kind), None).get(kind.name) if kind is not None else None
            if isinstance(value, ClassValue) and is_enumeration(value):
                known = members(value)
                return next((m for m in known if unit_named(m.attributes["name"]) == STEPS), next(iter(known), STEPS))
    return STEPS


__all__ = ["length_object"]
