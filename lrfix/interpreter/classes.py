"""``def`` and ``class`` statements: decorators, defaults, method resolution order."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from lrfix.interpreter.compilation import block, compiled
from lrfix.interpreter.enums import is_enumeration, make_members
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.values import ClassMethod, ClassValue, Function, NativeFunction, Property, StaticMethod, Unknown

Machine = Any
_TRANSPARENT = frozenset(
    {
        "abstractmethod",
        "wraps",
        "lru_cache",
        "cache",
        "override",
        "overload",
        "no_grad",
        "inference_mode",
        "final",
        "jit",
        "unused",
    }
)
#: Libraries whose decorators compile, check or mark a function and give back one that returns the same.
_MARKING = frozenset({"torch", "numba", "typing", "typing_extensions", "beartype", "typeguard", "jaxtyping", "pytest"})


def function_statement(node: ast.FunctionDef) -> Callable[[Machine, Environment], Any]:
    defaults = [compiled(d) for d in node.args.defaults]
    keyword = [
        (a.arg, compiled(d)) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is not None
    ]

    def make(machine: Machine, environment: Environment) -> Any:
        value: Any = Function(
            node.name,
            node,
            environment.seen_by_functions(),
            tuple(d(machine, environment) for d in defaults),
            {name: d(machine, environment) for name, d in keyword},
        )
        for decorator in reversed(node.decorator_list):
            value = _decorated(machine, environment, decorator, value)
        return value

    return make


def _decorated(machine: Machine, environment: Environment, decorator: ast.expr, value: Any) -> Any:
    text = ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
    last = text.rpartition(".")[2]
    if text == "property" or last == "cached_property":
        return Property(value)
    if last in ("setter", "getter", "deleter") and "." in text:
        known = environment.lookup(text.partition(".")[0])
        if isinstance(known, Property) and last == "setter":
            return Property(known.getter, value)
        return known
    if text == "staticmethod":
        return StaticMethod(value)
    if text == "classmethod":
        return ClassMethod(value)
    if last in _TRANSPARENT or text.partition(".")[0] in _MARKING:
        return value
    wrapper = compiled(decorator)(machine, environment)
    if isinstance(wrapper, Unknown):
        return NativeFunction(text, _refused(text, decorator))
    return machine.invoke(wrapper, [value], {}, decorator)


def _refused(text: str, node: ast.AST) -> Callable[..., Any]:
    def run(*arguments: Any, **keywords: Any) -> Any:
        raise Opaque(f"is decorated with `{text}`, which lrfix cannot see", node)

    return run


def _mangle(node: ast.ClassDef) -> None:
    """Note the real names of private attributes on their nodes; a nested class does so again for its own."""
    prefix = f"_{node.name.lstrip('_')}"
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and inner.attr.startswith("__") and not inner.attr.endswith("__"):
            inner.__dict__["lrfix_name"] = prefix + inner.attr


def class_statement(node: ast.ClassDef) -> Callable[[Machine, Environment], ClassValue]:
    _mangle(node)

    def make(machine: Machine, environment: Environment) -> ClassValue:
        bases: list[ClassValue] = []
        native: type | None = None
        foreign = False
        for expression in node.bases:
            base = compiled(expression)(machine, environment)
            if isinstance(base, ClassValue):
                bases.append(base)
            elif isinstance(base, type) and issubclass(base, BaseException):
                native = base
            elif base is not object and not _ignorable(expression) and machine.host.foreign_bases(node):
                foreign = True
            elif base is not object and not _ignorable(expression):
                raise Opaque(f"derives from `{ast.unparse(expression)}`, which lrfix cannot see", node)
        if any(k.arg not in ("metaclass",) for k in node.keywords):
            raise Opaque("passes arguments to its base classes' construction", node)
        around = environment.seen_by_functions()
        inner = Environment(parent=around)
        inner.surrounding = around
        inner.variables["__module__"] = "__main__"
        cls = ClassValue(node.name, node, tuple(bases), inner.variables)
        cls.native = native or next((b.native for b in bases if b.native), None)
        cls.foreign = foreign or any(b.foreign for b in bases)
        cls.mro = linearised(cls, node)
        block(node.body)(machine, inner)
        for name in [n for n in inner.variables if n.startswith("__") and not n.endswith("__")]:
            inner.variables[f"_{node.name.lstrip('_')}{name}"] = inner.variables.pop(name)
        for value in inner.variables.values():
            adopt(value, cls)
        if is_enumeration(cls):
            make_members(cls, node)
        return cls

    return make


def _ignorable(expression: ast.expr) -> bool:
    text = ast.unparse(expression).rpartition(".")[2]
    return text.split("[")[0] in ("ABC", "Generic", "Protocol", "object", "Stateful")


def adopt(value: Any, cls: ClassValue) -> None:
    """Tell the functions of a class body whose they are, for ``super()``."""
    if isinstance(value, Function) and value.owner is None:
        value.owner = cls
    elif isinstance(value, StaticMethod | ClassMethod):
        adopt(value.function, cls)
    elif isinstance(value, Property):
        adopt(value.getter, cls)
        adopt(value.setter, cls)


def linearised(cls: ClassValue, node: ast.AST | None) -> tuple[ClassValue, ...]:
    """C3 linearisation, as in Python."""
    sequences = [list(base.mro) for base in cls.bases] + [list(cls.bases)]
    order = [cls]
    while any(sequences):
        sequences = [s for s in sequences if s]
        for sequence in sequences:
            head = sequence[0]
            if not any(head in other[1:] for other in sequences):
                break
        else:
            raise UserError(TypeError("Cannot create a consistent method resolution order (MRO)"), node)
        order.append(head)
        for sequence in sequences:
            if sequence[0] is head:
                del sequence[0]
    return tuple(order)
