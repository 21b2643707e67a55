"""The allow-listed builtins. Types stand for themselves; everything else is a NativeFunction."""

from __future__ import annotations

import ast
import collections.abc
import functools
import operator
import types
from collections.abc import Callable
from typing import Any

from lrfix.interpreter.arrays.scalars import NumpyFloat, NumpyInt, plain, rounded
from lrfix.interpreter.arrays.values import binary, elementwise, is_array_like, unary
from lrfix.interpreter.comparisons import ordering
from lrfix.interpreter.enums import is_enumeration, members
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.limits import MAX_LENGTH, PLAIN_NUMBERS, check_format, check_power, check_tree
from lrfix.interpreter.quantities import Quantity, Unit
from lrfix.interpreter.values import (
    MISSING,
    BoundMethod,
    ClassValue,
    Function,
    Instance,
    NativeFunction,
    Partial,
    Unknown,
)

Machine = Any
_CALLABLES: Any = collections.abc.Callable
_STRUCTURAL: tuple[Any, ...] = (
    collections.abc.Sized,
    collections.abc.Iterable,
    collections.abc.Container,
    collections.abc.Collection,
    _CALLABLES,
)
_PYTHON_TYPES: dict[type, type] = {
    Function: types.FunctionType,
    BoundMethod: types.MethodType,
    NativeFunction: types.BuiltinFunctionType,
    Partial: functools.partial,
    ClassValue: type,
}
_OWN_TYPES = PLAIN_NUMBERS | {str, list, tuple, dict, type(None)}
_CALLABLE = (Function, NativeFunction, BoundMethod, Partial, ClassValue)


def _with_key(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(machine: Machine, node: ast.AST | None, /, *arguments: Any, key: Any = None, **keywords: Any) -> Any:
        if len(arguments) > 1 and key is None and not keywords and PLAIN_NUMBERS.issuperset(map(type, arguments)):
            return function(arguments)
        if len(arguments) == 1:
            values = [machine.concrete(v, node, "number") for v in machine.iterate(arguments[0], node)]
        else:
            values = [machine.concrete(v, node, "number") for v in arguments]
        if key is not None or any(isinstance(value, Instance) for value in values):
            keywords["key"] = ordering(machine, key, node)
        return function(values, **keywords)

    return run


def _sum(machine: Machine, node: ast.AST | None, values: Any, start: Any = 0) -> Any:
    found = [machine.concrete(v, node, "number") for v in machine.iterate(values, node)]
    if PLAIN_NUMBERS.issuperset(map(type, found)) and type(start) in PLAIN_NUMBERS:
        return sum(found, start)
    if any(is_array_like(v) for v in (start, *found)):
        for value in found:
            start = machine.native(binary, ("add", start, value), node)
        return start
    if any(isinstance(v, Instance) for v in (start, *found)):
        for value in found:
            start = machine.binary(operator.add, start, value, "__add__", "__radd__", None, node or ast.Pass())
        return start
    return sum(found, start)


def _any_all(stop: bool) -> Callable[..., bool]:
    def run(machine: Machine, node: ast.AST | None, values: Any) -> bool:
        return stop if any(machine.truth(v, node) is stop for v in machine.iterate(values, node)) else not stop

    return run


def _len(machine: Machine, node: ast.AST | None, value: Any) -> Any:
    if type(value) is list or type(value) is dict:
        return len(value)
    if isinstance(value, Unknown):
        return Unknown(f"len({value.path})")
    if isinstance(value, Instance):
        return machine.call_method(value, "__len__", (), node)
    if is_enumeration(value):
        return len(members(value))
    return len(value)


def _number(kind: type) -> Callable[..., Any]:
    dunder = f"__{kind.__name__}__"

    def run(machine: Machine, node: ast.AST | None, /, *arguments: Any) -> Any:
        if len(arguments) == 1 and type(arguments[0]) in PLAIN_NUMBERS:
            return kind(arguments[0])
        plain = [machine.concrete(a, node, "number") for a in arguments]
        if plain and isinstance(plain[0], Instance):
            return machine.call_method(plain[0], dunder, (), node)
        return kind(*plain)

    return run


def _absolute(value: Any) -> Any:
    return unary(abs, value) if is_array_like(value) else abs(value)


def _plainly(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*values: Any) -> Any:
        if any(is_array_like(v) for v in values):
            raise Opaque(f"gives an array to `{function.__name__.strip('_')}`")
        return function(*values)

    return run


def _round(value: Any, digits: Any = None) -> Any:
    if is_array_like(value):
        if digits is None and isinstance(value, NumpyFloat | NumpyInt):
            return round(plain(value))
        if value.library == "torch" or (digits is not None and not isinstance(digits, int)):
            raise Opaque("rounds a tensor")
        return elementwise(value, "numpy", None, lambda v: rounded(v, digits or 0) if isinstance(v, float) else v)
    if isinstance(digits, int) and abs(digits) > 1000:
        raise Opaque("rounds to a place too far away to simulate")
    return round(value, digits)


def _printed(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def run(value: Any) -> Any:
        check_tree(value, None)
        return function(value)

    return run


def _format(value: Any, specification: str = "") -> str:
    check_format(specification, None)
    check_tree(value, None)
    return format(value, specification)


def _bool(machine: Machine, node: ast.AST | None, value: Any = False) -> bool:
    return bool(machine.truth(value, node))


def _str(machine: Machine, node: ast.AST | None, value: Any = "") -> str:
    if isinstance(value, Unknown):
        try:
            value = machine.host.concretise(value, node, "text")
        except Opaque:
            return f"{{{value.path}}}"
    if isinstance(value, Instance) and value.cls.find("__str__") is not MISSING:
        return str(machine.call_method(value, "__str__", (), node))
    if isinstance(value, Instance | ClassValue | Function | BoundMethod):
        return f"<{type(value).__name__}>"
    check_tree(value, node)
    return str(value)


def _sequence(kind: type) -> Callable[..., Any]:
    def run(machine: Machine, node: ast.AST | None, values: Any = ()) -> Any:
        found: list[Any] = []
        for value in machine.iterate(values, node):
            machine.burn(node)
            found.append(value)
        return kind(found)

    return run


def _dict(machine: Machine, node: ast.AST | None, values: Any = (), /, **keywords: Any) -> Any:
    values = machine.concrete(values, node, "iterable")
    return (
        dict(values, **keywords) if isinstance(values, dict) else dict(list(machine.iterate(values, node)), **keywords)
    )


def _zip(machine: Machine, node: ast.AST | None, /, *sources: Any, strict: bool = False) -> Any:
    return zip(*[machine.iterate(s, node) for s in sources], strict=strict)


def _enumerate(machine: Machine, node: ast.AST | None, values: Any, start: int = 0) -> Any:
    return enumerate(machine.iterate(values, node), start)


def _map(machine: Machine, node: ast.AST | None, function: Any, *sources: Any) -> Any:
    return (
        machine.invoke(function, list(group), {}, node)
        for group in zip(*[machine.iterate(s, node) for s in sources], strict=False)
    )


def _filter(machine: Machine, node: ast.AST | None, function: Any, values: Any) -> Any:
    found = machine.iterate(values, node)
    if function is None:
        return (v for v in found if machine.truth(v, node))
    return (v for v in found if machine.truth(machine.invoke(function, [v], {}, node), node))


def _sorted(machine: Machine, node: ast.AST | None, values: Any, *, key: Any = None, reverse: bool = False) -> Any:
    plain = [machine.concrete(v, node, "number") for v in machine.iterate(values, node)]
    return sorted(plain, key=ordering(machine, key, node), reverse=reverse)


def _reversed(machine: Machine, node: ast.AST | None, values: Any) -> Any:
    return reversed(list(machine.iterate(values, node)))


def _range(*bounds: Any) -> range:
    found = range(*bounds)
    if len(found) > MAX_LENGTH:
        raise Opaque("counts through a range too long to simulate")
    return found


def _isinstance(machine: Machine, node: ast.AST | None, value: Any, kinds: Any) -> bool:
    if type(kinds) is type and type(value) in _OWN_TYPES:
        return isinstance(value, kinds)
    for kind in kinds if isinstance(kinds, tuple) else (kinds,):
        if isinstance(kind, tuple):
            if _isinstance(machine, node, value, kind):
                return True
        elif isinstance(kind, ClassValue):
            if isinstance(value, Instance) and value.cls.derives(kind):
                return True
        elif kind in _STRUCTURAL:
            if _has_structure(machine, node, value, kind):
                return True
        elif isinstance(kind, type):
            if isinstance(value, Instance):
                if kind is object or (value.cls.native is not None and issubclass(value.cls.native, kind)):
                    return True
            elif type(value) in _PYTHON_TYPES:
                if kind in (_PYTHON_TYPES[type(value)], object):
                    return True
            elif is_array_like(value):
                if kind is object or _array_is(value, kind):
                    return True
            elif isinstance(value, Quantity | Unit):
                if kind is object:
                    return True
            elif isinstance(machine.concrete(value, node, "any"), kind):
                return True
        elif isinstance(kind, Unknown):
            if isinstance(value, Quantity | Unit):
                return True  # which class it is of, only an import could tell
            if _foreign(kind) and not isinstance(value, Unknown):
                continue
            raise Opaque(f"asks for the type `{kind.path}`", node)
        elif isinstance(kind, NativeFunction):
            continue
        else:
            raise UserError(TypeError("isinstance() arg 2 must be a type, a tuple of types, or a union"), node)
    return False


def _has_structure(machine: Machine, node: ast.AST | None, value: Any, kind: type) -> bool:
    """``isinstance`` with an abstract class that asks for methods only (``Sized``, ``Collection``, ``Callable``)."""
    if isinstance(value, Instance):
        return all(value.cls.find(name) is not MISSING for name in kind.__dict__["__abstractmethods__"])
    if isinstance(value, (*_CALLABLE, type)):
        return kind is _CALLABLES
    if is_array_like(value):
        return kind is not _CALLABLES and not isinstance(value, NumpyFloat | NumpyInt)
    return isinstance(machine.concrete(value, node, "any"), kind)


def _array_is(value: Any, kind: type) -> bool:
    """Of Python's own types only ``float`` is a base of a numpy scalar, and numbers are registered as such."""
    if isinstance(value, NumpyFloat | NumpyInt):
        return isinstance(value, kind) and kind is not int
    return type(value) is kind


def _foreign(kind: Unknown) -> bool:
    """A class that no simulated value belongs to: an array, a tensor, an abstract type."""
    last = kind.path.rpartition(".")[2].lower()
    return any(
        word in last
        for word in ("tensor", "array", "config", "optimizer", "iterable", "sequence", "number", "scheduler", "plateau")
    )


def _issubclass(machine: Machine, node: ast.AST | None, cls: Any, kinds: Any) -> bool:
    for kind in kinds if isinstance(kinds, tuple) else (kinds,):
        if isinstance(cls, ClassValue) and isinstance(kind, ClassValue) and cls.derives(kind):
            return True
        if isinstance(cls, type) and isinstance(kind, type) and issubclass(cls, kind):
            return True
    return False


def _getattr(machine: Machine, node: ast.AST | None, value: Any, name: str, default: Any = MISSING) -> Any:
    name = machine.concrete(name, node, "str")
    if not isinstance(name, str):
        raise UserError(TypeError("attribute name must be string"), node)
    try:
        found = machine.attribute(value, name, node)
        if type(found) is Unknown and default is not MISSING:
            machine.host.falls_back(found, node, default)
        return found
    except UserError as error:
        if default is not MISSING and isinstance(error.value, AttributeError):
            return default
        raise


def _hasattr(machine: Machine, node: ast.AST | None, value: Any, name: str) -> bool:
    if isinstance(value, Unknown):
        return True
    try:
        machine.attribute(value, machine.concrete(name, node, "str"), node)
    except UserError as error:
        if isinstance(error.value, AttributeError):
            return False
        raise
    return True


def _setattr(machine: Machine, node: ast.AST | None, value: Any, name: str, new: Any) -> None:
    machine.set_attribute(value, machine.concrete(name, node, "str"), new, node)


def _callable(machine: Machine, node: ast.AST | None, value: Any) -> bool:
    if isinstance(value, Instance):
        return value.cls.find("__call__") is not MISSING
    if isinstance(value, Unknown):
        return isinstance(machine.concrete(value, node, "any"), _CALLABLE)
    return isinstance(value, (*_CALLABLE, type))


def _type(machine: Machine, node: ast.AST | None, value: Any) -> Any:
    if isinstance(value, Instance):
        return value.cls
    value = machine.concrete(value, node, "any")
    if value is None or isinstance(
        value, int | float | str | list | tuple | dict | set | complex | bytes | BaseException
    ):
        return type(value)
    if type(value) in _PYTHON_TYPES:
        return _PYTHON_TYPES[type(value)]
    raise Opaque("asks for the type of something lrfix cannot see", node)


def _pow(base: Any, exponent: Any, modulus: Any = None) -> Any:
    if modulus is None:
        check_power(base, exponent, ast.Pass())
        return pow(base, exponent)
    return pow(base, exponent, modulus)


def _next(machine: Machine, node: ast.AST | None, values: Any, default: Any = MISSING) -> Any:
    try:
        return next(values)
    except StopIteration:
        if default is MISSING:
            raise
        return default


def _nothing(machine: Machine, node: ast.AST | None, /, *arguments: Any, **keywords: Any) -> None:
    return None


def _vars(machine: Machine, node: ast.AST | None, value: Any = MISSING) -> Any:
    if not isinstance(value, Instance):
        raise Opaque("lists its variables", node)
    return value.attributes


_SPECIAL: dict[str, Callable[..., Any]] = {
    "max": _with_key(max),
    "min": _with_key(min),
    "sum": _sum,
    "any": _any_all(True),
    "all": _any_all(False),
    "len": _len,
    "zip": _zip,
    "enumerate": _enumerate,
    "map": _map,
    "filter": _filter,
    "sorted": _sorted,
    "reversed": _reversed,
    "isinstance": _isinstance,
    "issubclass": _issubclass,
    "getattr": _getattr,
    "hasattr": _hasattr,
    "setattr": _setattr,
    "callable": _callable,
    "next": _next,
    "iter": lambda machine, node, values: machine.iterate(values, node),
    "print": _nothing,
    "vars": _vars,
    "id": lambda machine, node, value: id(value),
}
_PLAIN: dict[str, Callable[..., Any]] = {
    "abs": _absolute,
    "round": _round,
    "divmod": _plainly(divmod),
    "pow": _plainly(_pow),
    "range": _range,
    "repr": _printed(repr),
    "hash": _printed(hash),
    "ord": ord,
    "chr": chr,
    "bin": bin,
    "hex": hex,
    "format": _format,
}
CONSTRUCTORS: dict[type, NativeFunction] = {
    int: NativeFunction("int", _number(int), accepts_callables=True),
    float: NativeFunction("float", _number(float), accepts_callables=True),
    complex: NativeFunction("complex", _number(complex), accepts_callables=True),
    bool: NativeFunction("bool", _bool, accepts_callables=True),
    str: NativeFunction("str", _str, accepts_callables=True),
    list: NativeFunction("list", _sequence(list), accepts_callables=True),
    tuple: NativeFunction("tuple", _sequence(tuple), accepts_callables=True),
    set: NativeFunction("set", _sequence(set), accepts_callables=True),
    frozenset: NativeFunction("frozenset", _sequence(frozenset), accepts_callables=True),
    dict: NativeFunction("dict", _dict, accepts_callables=True),
    type: NativeFunction("type", _type, accepts_callables=True),
    object: NativeFunction(
        "object", lambda machine, node: Instance(ClassValue("object", None, (), {})), accepts_callables=True
    ),
}
_EXCEPTIONS = (
    BaseException,
    Exception,
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    IndexError,
    KeyError,
    LookupError,
    NameError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    RuntimeWarning,
    StopIteration,
    TypeError,
    UnboundLocalError,
    UserWarning,
    ValueError,
    Warning,
    ZeroDivisionError,
    DeprecationWarning,
    FutureWarning,
)
BUILTINS: dict[str, Any] = {
    **{name: NativeFunction(name, function, accepts_callables=True) for name, function in _SPECIAL.items()},
    **{name: NativeFunction(name, function) for name, function in _PLAIN.items()},
    **{kind.__name__: kind for kind in CONSTRUCTORS},
    **{kind.__name__: kind for kind in _EXCEPTIONS},
    "NotImplemented": NotImplemented,
    "Ellipsis": ...,
    "__name__": "__lrfix__",
    "__file__": "__lrfix__",
}
