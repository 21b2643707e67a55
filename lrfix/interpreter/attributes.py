"""Attribute access: instances, classes, modules, and the allow-listed methods of Python's own values."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict, deque
from types import GeneratorType
from typing import Any

from lrfix.interpreter.arrays.methods import attribute_of_array
from lrfix.interpreter.arrays.values import is_array_like
from lrfix.interpreter.comparisons import ordering
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.limits import check_length, check_method, check_path, holds
from lrfix.interpreter.quantities import Quantity, Unit, attribute_of_quantity, attribute_of_unit
from lrfix.interpreter.values import (
    MISSING,
    BoundMethod,
    ClassMethod,
    ClassValue,
    Function,
    Instance,
    ModuleValue,
    NativeFunction,
    Partial,
    Property,
    StaticMethod,
    SuperValue,
    Unknown,
)

Machine = Any
_DICT = ["get", "keys", "values", "items", "pop", "setdefault", "update", "copy", "clear", "popitem"]
METHODS: dict[type, frozenset[str]] = {
    Counter: frozenset([*_DICT, "most_common", "total"]),
    defaultdict: frozenset(_DICT),
    deque: frozenset(["append", "appendleft", "extend", "pop", "popleft", "clear", "count", "copy", "rotate"]),
    list: frozenset(
        ["append", "extend", "insert", "pop", "remove", "index", "count", "sort", "reverse", "copy", "clear"]
    ),
    dict: frozenset(_DICT),
    tuple: frozenset(["index", "count"]),
    set: frozenset(
        ["add", "discard", "remove", "union", "intersection", "difference", "update", "issubset", "issuperset", "copy"]
    ),
    str: frozenset(
        [
            "lower",
            "upper",
            "strip",
            "lstrip",
            "rstrip",
            "split",
            "rsplit",
            "startswith",
            "endswith",
            "replace",
            "join",
            "find",
            "count",
            "title",
            "capitalize",
            "isdigit",
            "isalpha",
            "zfill",
            "partition",
            "rpartition",
            "format",
        ]
    ),
    int: frozenset(["bit_length", "is_integer", "conjugate"]),
    float: frozenset(["is_integer", "conjugate", "hex"]),
    complex: frozenset(["conjugate"]),
    GeneratorType: frozenset(["send", "close"]),
}
_MUTATORS = frozenset(
    [
        "append",
        "extend",
        "insert",
        "pop",
        "remove",
        "sort",
        "reverse",
        "clear",
        "setdefault",
        "update",
        "popitem",
        "add",
        "discard",
        "appendleft",
        "popleft",
        "rotate",
    ]
)
_NUMBER_VIEWS = frozenset(["item", "detach", "cpu", "clone", "double", "float", "numpy", "tolist"])


def attribute_of(machine: Machine, value: Any, name: str, node: ast.AST | None = None) -> Any:
    kind = type(value)
    if kind is Instance:
        return attribute_of_instance(machine, value, name, node)
    if kind is Unknown:
        known = value.assigned.get(name, MISSING)
        if known is MISSING:
            known = machine.host.unknown_attribute(value, name)
        return known if known is not MISSING else Unknown(check_path(f"{value.path}.{name}", node))
    if kind is ModuleValue:
        member = machine.members.get((value.name, name), MISSING)
        if member is MISSING:
            member = machine.host.import_name(value.name, name)
            if type(member) is not Unknown:
                machine.members[value.name, name] = member
        return member
    if kind is SuperValue:
        return _super(machine, value, name, node)
    if kind is ClassValue:
        return _class(machine, value, name, node)
    if is_array_like(value):
        return attribute_of_array(value, name, node)
    if kind is Quantity:
        return attribute_of_quantity(value, name, node)
    if kind is Unit:
        return attribute_of_unit(value, name, node)
    if kind in METHODS and name in METHODS[kind]:
        return _method(machine, value, name, node)
    if kind in (int, float, complex) and name in ("real", "imag", "numerator", "denominator"):
        return machine.native(getattr, (value, name), node)
    if kind in (int, float) and name in _NUMBER_VIEWS:
        return NativeFunction(name, lambda: value)
    if kind is Function and name in value.attributes:
        return value.attributes[name]
    if kind in (Function, BoundMethod, Partial) and name in ("__name__", "__qualname__"):
        return getattr(value, "name", "function")
    if kind is Function and name == "__dict__":
        return value.attributes
    if kind is Partial and name in ("func", "args", "keywords"):
        return {"func": value.function, "args": value.arguments, "keywords": value.keywords}[name]
    if kind is BoundMethod and name in ("__self__", "__func__"):
        return value.receiver if name == "__self__" else value.function
    if kind is Function and name == "__get__":
        return NativeFunction("__get__", lambda m, n, receiver, cls=None: BoundMethod(value, receiver), True)
    if name == "__class__" and kind in METHODS:
        return kind
    if isinstance(value, type) and name == "__name__":
        return value.__name__
    if isinstance(value, BaseException) and name == "args":
        return value.args
    if name.startswith("__"):
        raise Opaque(f"reads `{name}`, which lrfix does not simulate", node)
    if isinstance(value, NativeFunction):
        from lrfix.interpreter.modules import resolve_qualified

        member = resolve_qualified(f"{value.name}.{name}")
        if member is not None:
            return member
    if isinstance(value, NativeFunction | type):
        raise Opaque(f"reads `.{name}` of `{getattr(value, 'name', value)}`", node)
    raise UserError(AttributeError(f"'{kind.__name__}' object has no attribute '{name}'"), node)


def attribute_of_instance(machine: Machine, instance: Instance, name: str, node: ast.AST | None) -> Any:
    cls = instance.cls
    value = instance.attributes.get(name, MISSING)
    properties = cls.properties
    if properties is None:
        properties = cls.properties_noted()
    if value is not MISSING and name not in properties:
        return value
    found = cls.find(name)
    if value is not MISSING and type(found) is not Property:
        return value
    if found is not MISSING:
        return _bound(machine, found, instance, cls, node)
    if name == "__dict__":
        return instance.attributes
    if name == "__class__":
        return instance.cls
    fallback = instance.cls.find("__getattr__")
    if fallback is not MISSING:
        return machine.invoke(BoundMethod(fallback, instance), [name], {}, node)
    if instance.fallback is not None:
        return instance.fallback(name)
    raise UserError(AttributeError(f"'{instance.cls.name}' object has no attribute '{name}'"), node)


def _bound(machine: Machine, found: Any, receiver: Any, cls: ClassValue, node: ast.AST | None) -> Any:
    if isinstance(found, Function):
        return BoundMethod(found, receiver)
    if isinstance(found, Property):
        return machine.invoke(found.getter, [receiver], {}, node)
    if isinstance(found, StaticMethod):
        return found.function
    if isinstance(found, ClassMethod):
        return BoundMethod(found.function, cls)
    return found


def _super(machine: Machine, value: SuperValue, name: str, node: ast.AST | None) -> Any:
    receiver = value.receiver
    order = receiver.cls.mro if isinstance(receiver, Instance) else receiver.mro
    after = order[order.index(value.cls) + 1 :] if value.cls in order else order
    for cls in after:
        if name in cls.namespace:
            owner = receiver.cls if isinstance(receiver, Instance) else receiver
            return _bound(machine, cls.namespace[name], receiver, owner, node)
    foreign = isinstance(receiver, Instance) and receiver.cls.foreign
    if name == "__init__":
        if foreign:
            return NativeFunction("__init__ of a base elsewhere", _keep(receiver), accepts_callables=True)
        return NativeFunction("object.__init__", _initialise(receiver))
    if foreign:
        return Unknown(f"super().{name}")
    raise UserError(AttributeError(f"'super' object has no attribute '{name}'"), node)


def _keep(receiver: Instance) -> Any:
    """A constructor that cannot be seen is taken to keep its arguments under their names, as constructors do."""

    def run(machine: Machine, node: ast.AST | None, /, *arguments: Any, **keywords: Any) -> None:
        given = node.args if isinstance(node, ast.Call) else []
        for expression, value in zip(given, arguments, strict=False):
            name = expression.attr if isinstance(expression, ast.Attribute) else getattr(expression, "id", None)
            if name is not None:
                receiver.attributes.setdefault(name, value)
        for name, value in keywords.items():
            receiver.attributes.setdefault(name, value)

    return run


def _initialise(receiver: Any) -> Any:
    def run(*arguments: Any, **keywords: Any) -> None:
        if isinstance(receiver, Instance) and receiver.cls.native is not None:
            receiver.attributes["args"] = arguments

    return run


def _class(machine: Machine, cls: ClassValue, name: str, node: ast.AST | None) -> Any:
    found = cls.find(name)
    if found is not MISSING:
        if isinstance(found, StaticMethod):
            return found.function
        if isinstance(found, ClassMethod):
            return BoundMethod(found.function, cls)
        return found
    if name in ("__name__", "__qualname__"):
        return cls.name
    if name == "__init__":
        return NativeFunction("object.__init__", lambda *arguments, **keywords: None)
    if name.startswith("__"):
        raise Opaque(f"reads `{name}`, which lrfix does not simulate", node)
    raise UserError(AttributeError(f"type object '{cls.name}' has no attribute '{name}'"), node)


def _method(machine: Machine, value: Any, name: str, node: ast.AST | None) -> NativeFunction:
    if isinstance(value, list) and name == "sort":
        return NativeFunction("sort", _sort(value), accepts_callables=True)

    def run(machine: Machine, at: ast.AST | None, /, *arguments: Any, **keywords: Any) -> Any:
        if name in _MUTATORS and at is not None:
            machine.record_item(value, name, None, arguments, at)
        given = [list(machine.iterate(a, at)) if name == "extend" else a for a in arguments]
        if name == "format" and any(isinstance(a, Unknown) for a in (*given, *keywords.values())):
            return value  # a text about something the code does not fix, for a log
        if name == "format":
            if holds(r"{[^}]*[.\[]", value):
                raise Opaque("formats with attribute access", at)
            given = [a if isinstance(a, int | float | str) else "?" for a in given]
            keywords = {k: a if isinstance(a, int | float | str) else "?" for k, a in keywords.items()}
        if isinstance(value, str):
            given = [machine.concrete(a, at, "str") for a in given]
        check_method(value, name, given, at)
        result = getattr(value, name)(*given, **keywords)
        check_length(value, at)
        return result

    return NativeFunction(name, run, accepts_callables=True)


def _sort(value: list[Any]) -> Any:
    def run(machine: Machine, node: ast.AST | None, *, key: Any = None, reverse: bool = False) -> None:
        value.sort(key=ordering(machine, key, node), reverse=reverse)

    return run


def set_attribute_of(machine: Machine, receiver: Any, name: str, value: Any, node: ast.AST) -> None:
    if type(receiver) is Instance:
        if type(value) is Unknown:
            value = machine.host.kept(value, node)
        properties = receiver.cls.properties
        if properties is None:
            properties = receiver.cls.properties_noted()
        found = receiver.cls.find(name) if name in properties else None
        if type(found) is Property:
            if found.setter is None:
                raise UserError(
                    AttributeError(f"property '{name}' of '{receiver.cls.name}' object has no setter"), node
                )
            machine.invoke(found.setter, [receiver, value], {}, node)
            return
        attributes = receiver.attributes
        machine.recorder.attribute_write(receiver, name, attributes.get(name), value, node)
        attributes[name] = value
        return
    if isinstance(receiver, Unknown):
        receiver.assigned[name] = value
        machine.host.unknown_write(receiver, name, value, node)
        return
    if isinstance(receiver, ClassValue):
        if type(value) is Property:
            raise Opaque(f"gives the class `{receiver.name}` a property after it was made", node)
        machine.recorder.attribute_write(receiver, name, receiver.namespace.get(name), value, node)
        receiver.namespace[name] = value
        return
    if isinstance(receiver, Function):
        machine.recorder.attribute_write(receiver, name, receiver.attributes.get(name), value, node)
        receiver.attributes[name] = value
        return
    raise UserError(AttributeError(f"'{type(receiver).__name__}' object has no attribute '{name}'"), node)
