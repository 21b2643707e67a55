"""Expressions, compiled once into closures ``f(machine, environment) -> value`` kept on the syntax node itself."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from lrfix.interpreter.compilation import Evaluate, Machine, assigner, attribute_name, compiled
from lrfix.interpreter.comprehensions import COMPREHENSIONS
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque
from lrfix.interpreter.operations import OPERATIONS, item
from lrfix.interpreter.texts import formatted
from lrfix.interpreter.values import MISSING, Function, Instance, Unknown


def _constant(node: ast.Constant) -> Evaluate:
    value = node.value
    return lambda machine, environment: value


def _name(node: ast.Name) -> Evaluate:
    name = node.id

    def run(machine: Machine, environment: Environment) -> Any:
        value = environment.variables.get(name, MISSING)
        return value if value is not MISSING else machine.name(name, environment, node)

    return run


def _conditional(node: ast.IfExp) -> Evaluate:
    test, body, orelse = compiled(node.test), compiled(node.body), compiled(node.orelse)

    def run(machine: Machine, environment: Environment) -> Any:
        taken = test(machine, environment)
        if type(taken) is not bool:
            taken = machine.truth(taken, node)
        return body(machine, environment) if taken else orelse(machine, environment)

    return run


def _object(node: ast.expr) -> Evaluate:
    """The value an attribute is taken of: ``(mask >= 0).sum()`` compares elements, so it fixes no number."""
    if not isinstance(node, ast.Compare):
        return compiled(node)
    whole, path = compiled(node), ast.unparse(node)
    parts = [compiled(part) for part in (node.left, *node.comparators)]

    def run(machine: Machine, environment: Environment) -> Any:
        free = any(isinstance(part(machine, environment), Unknown) for part in parts)
        return Unknown(f"({path})") if free else whole(machine, environment)

    return run


def _attribute(node: ast.Attribute) -> Evaluate:
    base, name = _object(node.value), attribute_name(node)

    def run(machine: Machine, environment: Environment) -> Any:
        value = base(machine, environment)
        if type(value) is Instance:
            return machine.attribute_of_instance(value, name, node)
        return machine.attribute(value, name, node)

    return run


def _subscript(node: ast.Subscript) -> Evaluate:
    base, index = compiled(node.value), compiled(node.slice)

    def run(machine: Machine, environment: Environment) -> Any:
        return item(machine, base(machine, environment), index(machine, environment), node)

    return run


def _slice(node: ast.Slice) -> Evaluate:
    parts = [compiled(p) if p is not None else None for p in (node.lower, node.upper, node.step)]

    def run(machine: Machine, environment: Environment) -> Any:
        return slice(*(machine.concrete(p(machine, environment), node, "number") if p else None for p in parts))

    return run


def _elements(nodes: list[ast.expr]) -> Callable[[Machine, Environment], list[Any]]:
    if not any(isinstance(n, ast.Starred) for n in nodes):
        plain = [compiled(n) for n in nodes]
        if len(plain) == 1:
            only = plain[0]
            return lambda machine, environment: [only(machine, environment)]
        return lambda machine, environment: [part(machine, environment) for part in plain]
    parts = [(isinstance(n, ast.Starred), compiled(n.value if isinstance(n, ast.Starred) else n), n) for n in nodes]

    def run(machine: Machine, environment: Environment) -> list[Any]:
        found: list[Any] = []
        for starred, part, node in parts:
            value = part(machine, environment)
            if starred:
                found.extend(machine.spread(value, node))
            else:
                found.append(value)
        return found

    return run


def _list(node: ast.List) -> Evaluate:
    return _elements(node.elts)


def _tuple(node: ast.Tuple) -> Evaluate:
    elements = _elements(node.elts)
    return lambda machine, environment: tuple(elements(machine, environment))


def _set(node: ast.Set) -> Evaluate:
    elements = _elements(node.elts)
    return lambda machine, environment: machine.native(set, (elements(machine, environment),), node)


def _dict(node: ast.Dict) -> Evaluate:
    pairs = [(compiled(k) if k is not None else None, compiled(v)) for k, v in zip(node.keys, node.values, strict=True)]

    def run(machine: Machine, environment: Environment) -> Any:
        found: dict[Any, Any] = {}
        for key, value in pairs:
            if key is None:
                more = machine.concrete(value(machine, environment), node, "any")
                if not isinstance(more, dict):
                    raise Opaque("unpacks something that is no dictionary", node)
                found.update(more)
            else:
                k = machine.hashable(key(machine, environment), node)
                found[k] = value(machine, environment)
        return found

    return run


def _lambda(node: ast.Lambda) -> Evaluate:
    defaults = [compiled(d) for d in node.args.defaults]
    keyword = [
        (a.arg, compiled(d)) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is not None
    ]

    def run(machine: Machine, environment: Environment) -> Any:
        return Function(
            "<lambda>",
            node,
            environment.seen_by_functions(),
            tuple(d(machine, environment) for d in defaults),
            {name: d(machine, environment) for name, d in keyword},
        )

    return run


def _call(node: ast.Call) -> Evaluate:
    target = compiled(node.func)
    arguments = _elements(node.args)
    keywords = [(k.arg, compiled(k.value)) for k in node.keywords]
    if isinstance(node.func, ast.Name) and node.func.id == "super" and not node.keywords:
        return lambda machine, environment: machine.super(arguments(machine, environment), environment, node)
    if not keywords and isinstance(node.func, ast.Attribute):
        return _method_call(node, node.func, arguments)
    if not keywords:

        def plain(machine: Machine, environment: Environment) -> Any:
            function = target(machine, environment)
            if type(function) is Function and not function.elsewhere:
                return machine.call_function(function, arguments(machine, environment), {}, node)
            return machine.invoke(function, arguments(machine, environment), {}, node)

        return plain

    def run(machine: Machine, environment: Environment) -> Any:
        function = target(machine, environment)
        given = arguments(machine, environment)
        named: dict[str, Any] = {}
        for name, value in keywords:
            if name is None:
                more = value(machine, environment)
                if not isinstance(more, dict) or not all(isinstance(k, str) for k in more):
                    raise Opaque("passes `**` of something lrfix cannot see", node)
                named.update(more)
            else:
                named[name] = value(machine, environment)
        return machine.invoke(function, given, named, node)

    return run


def _method_call(
    node: ast.Call, func: ast.Attribute, arguments: Callable[[Machine, Environment], list[Any]]
) -> Evaluate:
    """``self.f(x)``: a method of the program's own is called with its receiver, without a bound one in between."""
    base, name = _object(func.value), attribute_name(func)

    def run(machine: Machine, environment: Environment) -> Any:
        receiver = base(machine, environment)
        if type(receiver) is not Instance:
            function = machine.attribute(receiver, name, func)
            return machine.invoke(function, arguments(machine, environment), {}, node)
        if name not in receiver.attributes:
            method = receiver.cls.find(name)
            if type(method) is Function and not method.elsewhere:
                return machine.call_function(method, [receiver, *arguments(machine, environment)], {}, node)
        function = machine.attribute_of_instance(receiver, name, func)
        return machine.invoke(function, arguments(machine, environment), {}, node)

    return run


def _walrus(node: ast.NamedExpr) -> Evaluate:
    value, assign = compiled(node.value), assigner(node.target)

    def run(machine: Machine, environment: Environment) -> Any:
        found = value(machine, environment)
        scope = environment
        while scope.comprehension and scope.parent is not None:
            scope = scope.parent
        assign(machine, scope, found)
        return found

    return run


def _joined(node: ast.JoinedStr) -> Evaluate:
    parts = [compiled(v) for v in node.values]
    return lambda machine, environment: "".join(part(machine, environment) for part in parts)


def _formatted(node: ast.FormattedValue) -> Evaluate:
    value = compiled(node.value)
    spec = compiled(node.format_spec) if node.format_spec is not None else None

    def run(machine: Machine, environment: Environment) -> Any:
        def wanted() -> Any:
            return spec(machine, environment) if spec else ""

        return formatted(machine, value(machine, environment), wanted, node)

    return run


EXPRESSION_MAKERS: dict[type[ast.expr], Callable[[Any], Evaluate]] = {
    **OPERATIONS,
    **COMPREHENSIONS,
    ast.Constant: _constant,
    ast.Name: _name,
    ast.IfExp: _conditional,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Slice: _slice,
    ast.List: _list,
    ast.Tuple: _tuple,
    ast.Set: _set,
    ast.Dict: _dict,
    ast.Lambda: _lambda,
    ast.Call: _call,
    ast.NamedExpr: _walrus,
    ast.JoinedStr: _joined,
    ast.FormattedValue: _formatted,
}
