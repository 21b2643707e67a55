"""What a template calls where something else than an operation of plain numbers is done: as the closures do it."""

from __future__ import annotations

import ast
from typing import Any

from lrfix.interpreter.attributes import attribute_of, attribute_of_instance
from lrfix.interpreter.builtins import BUILTINS, CONSTRUCTORS
from lrfix.interpreter.compilation import unpacked
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import PYTHON_ERRORS, Opaque, UserError
from lrfix.interpreter.limits import MAX_LENGTH, PLAIN_NUMBERS, check_length
from lrfix.interpreter.operations import OPERATIONS_OF, augmented, item, negation
from lrfix.interpreter.recorder import HEARD
from lrfix.interpreter.texts import formatted
from lrfix.interpreter.values import (
    MISSING,
    ClassValue,
    Function,
    Instance,
    ModuleValue,
    NativeFunction,
    SuperValue,
    Unknown,
)

Machine = Any


def unbound(name: str, node: ast.AST) -> Any:
    """A name of the function's own that has no value."""
    message = f"cannot access local variable '{name}' where it is not associated with a value"
    raise UserError(UnboundLocalError(message), node)


def undefined(name: str, node: ast.AST) -> Any:
    """The same inside a comprehension, whose own scope has no such name."""
    value = BUILTINS.get(name, MISSING)
    if value is MISSING:
        raise UserError(NameError(f"name '{name}' is not defined"), node)
    return value


def free(scope: Environment, name: str, node: ast.AST) -> Any:
    """A name that the function does not bind."""
    at: Environment | None = scope
    while at is not None:
        value = at.variables.get(name, MISSING)
        if value is not MISSING:
            return value
        if (at.missing is not None and (at.absent is None or name not in at.absent)) or name in at.locals:
            value = at.lookup(name)
            return value if value is not MISSING else undefined(name, node)
        at = at.parent
    return undefined(name, node)


def read(machine: Machine, value: Any, name: str, node: ast.AST) -> Any:
    """An attribute."""
    if type(value) is Instance:
        found = value.attributes.get(name, MISSING)
        properties = value.cls.properties
        if found is not MISSING and properties is not None and name not in properties:
            return found
        return attribute_of_instance(machine, value, name, node)
    return attribute_of(machine, value, name, node)


def method(machine: Machine, receiver: Any, name: str, node: ast.AST) -> tuple[Any, Any]:
    """What is called by ``receiver.name(...)``, with the receiver where it goes first among the arguments."""
    if type(receiver) is not Instance:
        if type(receiver) is list and name == "append":
            return appended, receiver
        if type(receiver) is ModuleValue:
            member = machine.members.get((receiver.name, name))
            if member is not None:
                return member, MISSING
        return attribute_of(machine, receiver, name, node), MISSING
    if name not in receiver.attributes:
        found = receiver.cls.find(name)
        if type(found) is Function and not found.elsewhere:
            return found, receiver
    return attribute_of_instance(machine, receiver, name, node), MISSING


def apply(machine: Machine, target: tuple[Any, Any], arguments: list[Any], node: ast.AST) -> Any:
    """Call what ``method`` found."""
    function, receiver = target
    if function is appended and len(arguments) == 1:
        return appended(machine, receiver, arguments, node)
    if function is appended:
        return call(machine, attribute_of(machine, receiver, "append", node), arguments, node)
    if receiver is not MISSING:
        return machine.call_function(function, [receiver, *arguments], {}, node)
    return call(machine, function, arguments, node)


def invoked(machine: Machine, receiver: Any, name: str, attribute: ast.AST, arguments: list[Any], node: ast.AST) -> Any:
    """``receiver.name(...)`` with arguments that are there already."""
    if type(receiver) is Instance and name not in receiver.attributes:
        found = receiver.cls.find(name)
        if type(found) is Function and not found.elsewhere:
            return machine.call_function(found, [receiver, *arguments], {}, node)
    elif type(receiver) is list and name == "append" and len(arguments) == 1:
        return appended(machine, receiver, arguments, node)
    elif type(receiver) is dict and name == "get" and 0 < len(arguments) < 3 and type(arguments[0]) is str:
        machine.fuel -= 1
        if machine.fuel < 0:
            machine.refuel(node)
        value = receiver.get(*arguments)
        return value if type(value) in PLAIN_NUMBERS else machine.bounded(value, node)
    return apply(machine, method(machine, receiver, name, attribute), arguments, node)


def appended(machine: Machine, receiver: list[Any], arguments: list[Any], node: ast.AST) -> None:
    """``receiver.append(...)`` of a list."""
    machine.fuel -= 1
    if machine.fuel < 0:
        machine.refuel(node)
    machine.recorder.item_write(receiver, "append", None, tuple(arguments), node)
    receiver.append(arguments[0])
    if len(receiver) > MAX_LENGTH:
        check_length(receiver, node)


def call(machine: Machine, function: Any, arguments: list[Any], node: ast.AST) -> Any:
    kind = type(function)
    if kind is Function and not function.elsewhere:
        return machine.call_function(function, arguments, {}, node)
    if kind is type and function in CONSTRUCTORS:
        function, kind = CONSTRUCTORS[function], NativeFunction
    if kind is not NativeFunction:
        return machine.invoke(function, arguments, {}, node)
    if not function.accepts_callables and not PLAIN_NUMBERS.issuperset(map(type, arguments)):
        return machine.invoke(function, arguments, {}, node)
    machine.fuel -= 1
    if machine.fuel < 0:
        machine.refuel(node)
    if function.name[-4:] == HEARD:
        machine.recorder.applied(function.name, arguments, node)
    try:
        if function.accepts_callables:
            value = function.function(machine, node, *arguments)
        else:
            value = function.function(*arguments)
    except UserError:
        raise
    except PYTHON_ERRORS as error:
        raise UserError(error, node) from None
    return value if type(value) in PLAIN_NUMBERS else machine.bounded(value, node)


def parent(machine: Machine, arguments: list[Any], function: Function, receiver: Any, node: ast.AST) -> Any:
    """``super()``."""
    if len(arguments) == 2 and isinstance(arguments[0], ClassValue):
        return SuperValue(arguments[0], arguments[1])
    if arguments or function.owner is None:
        return machine.super(arguments, function.environment, node)
    return SuperValue(function.owner, receiver)


def mapping(more: Any, node: ast.AST) -> dict[str, Any]:
    """What is passed by ``**``."""
    if not isinstance(more, dict) or not all(isinstance(k, str) for k in more):
        raise Opaque("passes `**` of something lrfix cannot see", node)
    return more


def bound_of(machine: Machine, value: Any, node: ast.AST) -> Any:
    """A bound of a slice."""
    return machine.concrete(value, node, "number")


def is_none(machine: Machine, value: Any, node: ast.AST) -> bool:
    """Whether an unknown is None."""
    return machine.concrete(value, node, "identity") is None


def raised_again(machine: Machine, node: ast.AST) -> UserError:
    """What a bare ``raise`` raises."""
    known: list[UserError] = machine.handled
    return known[-1] if known else UserError(RuntimeError("No active exception to reraise"), node)


NAMES: dict[str, Any] = {
    **{f"op_{kind.__name__}": run for kind, run in OPERATIONS_OF.items()},
    "P": PLAIN_NUMBERS,
    "M": MISSING,
    "Instance": Instance,
    "Unknown": Unknown,
    "UserError": UserError,
    "AssertionError": AssertionError,
    "apply": apply,
    "augmented": augmented,
    "bool": bool,
    "bound_of": bound_of,
    "call": call,
    "float": float,
    "formatted": formatted,
    "free": free,
    "invoked": invoked,
    "is_none": is_none,
    "isinstance": isinstance,
    "joined": "".join,
    "item": item,
    "mapping": mapping,
    "method": method,
    "negation": negation,
    "parent": parent,
    "raised_again": raised_again,
    "read": read,
    "set": set,
    "slice": slice,
    "type": type,
    "unbound": unbound,
    "undefined": undefined,
    "unpacked": unpacked,
}
"""Everything that a template may name beside what it counts out itself."""

__all__ = ["NAMES"]
