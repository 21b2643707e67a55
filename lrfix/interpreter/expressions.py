"""Expressions, compiled once into closures ``f(machine, environment) -> value`` kept on the syntax node itself."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from typing import Any

from lrfix.interpreter.arrays.values import is_array_like, unary
from lrfix.interpreter.compilation import Evaluate, Machine, assigner, attribute_name, compiled, unsupported_expression
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.limits import (
    PLAIN_NUMBERS,
    check_comparable,
    check_format,
    check_power,
    check_remainder,
    check_repeat,
    check_shift,
    check_tree,
)
from lrfix.interpreter.values import MISSING, ClassValue, Function, Instance, Unknown

_BINARY: dict[type[ast.operator], tuple[Callable[[Any, Any], Any], str, str]] = {
    ast.Add: (operator.add, "__add__", "__radd__"),
    ast.Sub: (operator.sub, "__sub__", "__rsub__"),
    ast.Mult: (operator.mul, "__mul__", "__rmul__"),
    ast.Div: (operator.truediv, "__truediv__", "__rtruediv__"),
    ast.FloorDiv: (operator.floordiv, "__floordiv__", "__rfloordiv__"),
    ast.Mod: (operator.mod, "__mod__", "__rmod__"),
    ast.Pow: (operator.pow, "__pow__", "__rpow__"),
    ast.LShift: (operator.lshift, "__lshift__", "__rlshift__"),
    ast.RShift: (operator.rshift, "__rshift__", "__rrshift__"),
    ast.BitOr: (operator.or_, "__or__", "__ror__"),
    ast.BitAnd: (operator.and_, "__and__", "__rand__"),
    ast.BitXor: (operator.xor, "__xor__", "__rxor__"),
}
_GUARDS: dict[type[ast.operator], Callable[[Any, Any, ast.AST], None]] = {
    ast.Pow: check_power,
    ast.Mult: check_repeat,
    ast.LShift: check_shift,
    ast.Mod: check_remainder,
}
_COMPARE: dict[type[ast.cmpop], tuple[Callable[[Any, Any], Any], str]] = {
    ast.Eq: (operator.eq, "__eq__"),
    ast.NotEq: (operator.ne, "__ne__"),
    ast.Lt: (operator.lt, "__lt__"),
    ast.LtE: (operator.le, "__le__"),
    ast.Gt: (operator.gt, "__gt__"),
    ast.GtE: (operator.ge, "__ge__"),
}
_UNARY: dict[type[ast.unaryop], tuple[Callable[[Any], Any], str]] = {
    ast.USub: (operator.neg, "__neg__"),
    ast.UAdd: (operator.pos, "__pos__"),
    ast.Invert: (operator.invert, "__invert__"),
}


def _constant(node: ast.Constant) -> Evaluate:
    value = node.value
    return lambda machine, environment: value


def _name(node: ast.Name) -> Evaluate:
    name = node.id

    def run(machine: Machine, environment: Environment) -> Any:
        value = environment.variables.get(name, MISSING)
        return value if value is not MISSING else machine.name(name, environment, node)

    return run


def _binary(node: ast.BinOp) -> Evaluate:
    return binary_operation(compiled(node.left), compiled(node.right), node.op, node)


def binary_operation(left: Evaluate, right: Evaluate, op: ast.operator, node: ast.AST) -> Evaluate:
    operation, forward, backward = _BINARY.get(type(op), (None, "", ""))
    if operation is None:
        return unsupported_expression(op)
    guard = _GUARDS.get(type(op))

    def run(machine: Machine, environment: Environment) -> Any:
        a = left(machine, environment)
        b = right(machine, environment)
        # A product or power with a float in it is a number of ordinary size: no guard needed.
        if type(a) in PLAIN_NUMBERS and type(b) in PLAIN_NUMBERS and (type(a) is float or type(b) is float):
            try:
                return operation(a, b)
            except (ArithmeticError, TypeError, ValueError) as error:
                raise UserError(error, node) from None
        return machine.binary(operation, a, b, forward, backward, guard, node)

    if guard is not None and guard is not check_remainder:
        return run

    def fast(machine: Machine, environment: Environment) -> Any:
        a = left(machine, environment)
        b = right(machine, environment)
        if type(a) in PLAIN_NUMBERS and type(b) in PLAIN_NUMBERS:
            try:
                return operation(a, b)
            except (ArithmeticError, TypeError, ValueError) as error:
                raise UserError(error, node) from None
        return machine.binary(operation, a, b, forward, backward, guard, node)

    return fast


def _unary(node: ast.UnaryOp) -> Evaluate:
    operand = compiled(node.operand)
    if isinstance(node.op, ast.Not):

        def negate(machine: Machine, environment: Environment) -> Any:
            value = operand(machine, environment)
            return not (value if type(value) is bool else machine.truth(value, node))

        return negate
    operation, dunder = _UNARY[type(node.op)]

    inverts = isinstance(node.op, ast.Invert)

    def run(machine: Machine, environment: Environment) -> Any:
        value = operand(machine, environment)
        if type(value) in PLAIN_NUMBERS and not inverts:
            return operation(value)
        value = machine.concrete(value, node, "number")
        if isinstance(value, Instance):
            return machine.call_method(value, dunder, (), node)
        if is_array_like(value):
            return machine.native(unary, (operation, value), node)
        return machine.native(operation, (value,), node)

    return run


def _boolean(node: ast.BoolOp) -> Evaluate:
    parts = [compiled(v) for v in node.values]
    stop = isinstance(node.op, ast.Or)

    def run(machine: Machine, environment: Environment) -> Any:
        value = None
        last = len(parts) - 1
        for position, part in enumerate(parts):
            value = part(machine, environment)
            if position < last and machine.truth(value, node) is stop:
                return value
        return value

    return run


def _compare(node: ast.Compare) -> Evaluate:
    first = compiled(node.left)
    rest = [(type(op), compiled(c)) for op, c in zip(node.ops, node.comparators, strict=True)]
    if len(rest) == 1 and rest[0][0] in _COMPARE:
        operation, dunder = _COMPARE[rest[0][0]]
        second = rest[0][1]

        def single(machine: Machine, environment: Environment) -> Any:
            a = first(machine, environment)
            b = second(machine, environment)
            if type(a) in PLAIN_NUMBERS and type(b) in PLAIN_NUMBERS:
                return operation(a, b)
            return machine.compare(operation, a, b, dunder, node)

        return single

    def chain(machine: Machine, environment: Environment) -> Any:
        left = first(machine, environment)
        result: Any = True
        for position, (op, part) in enumerate(rest):
            right = part(machine, environment)
            result = machine.relation(op, left, right, node)
            if position < len(rest) - 1 and not machine.truth(result, node):
                return result
            left = right
        return result

    return chain


def relation(machine: Machine, op: type[ast.cmpop], left: Any, right: Any, node: ast.AST) -> Any:
    if op in _COMPARE:
        operation, dunder = _COMPARE[op]
        return machine.compare(operation, left, right, dunder, node)
    if op in (ast.Is, ast.IsNot):
        wanted = "identity" if left is None or right is None else "any"
        same = machine.concrete(left, node, wanted) is machine.concrete(right, node, wanted)
        return same if op is ast.Is else not same
    left, right = machine.concrete(left, node, "any"), machine.concrete(right, node, "container")
    if isinstance(right, ClassValue):
        raise Opaque(f"looks for a member in the class `{right.name}`", node)
    if isinstance(right, list | tuple):
        right = [machine.concrete(v, node, "any") for v in right]
    check_comparable(left, node)
    # A key is looked up among keys; what stands under them is not compared.
    check_comparable(list(right) if isinstance(right, dict) else right, node)
    if isinstance(right, Instance):
        found = machine.truth(machine.call_method(right, "__contains__", (left,), node), node)
    else:
        found = machine.native(operator.contains, (right, left), node)
    return found if op is ast.In else not found


def _conditional(node: ast.IfExp) -> Evaluate:
    test, body, orelse = compiled(node.test), compiled(node.body), compiled(node.orelse)

    def run(machine: Machine, environment: Environment) -> Any:
        taken = test(machine, environment)
        if type(taken) is not bool:
            taken = machine.truth(taken, node)
        machine.recorder.branch(node, taken)
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
        container = base(machine, environment)
        at = index(machine, environment)
        kind = type(container)
        if (kind is dict and type(at) is str) or (kind is list and type(at) is int):
            try:
                return container[at]
            except LookupError as error:
                raise UserError(error, node) from None
        return machine.item(container, at, node)

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
                found.extend(machine.iterate(value, node))
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
                machine.recorder.attribute_read(receiver, name, method, func)
                return machine.call_function(method, [receiver, *arguments(machine, environment)], {}, node)
        function = machine.attribute_of_instance(receiver, name, func)
        return machine.invoke(function, arguments(machine, environment), {}, node)

    return run


def _comprehension(
    generators: list[ast.comprehension], node: ast.AST
) -> Callable[[Machine, Environment], Iterator[Environment]]:
    if any(g.is_async for g in generators):
        raise Opaque("is asynchronous", node)
    parts = [(compiled(g.iter), assigner(g.target), [compiled(c) for c in g.ifs]) for g in generators]

    def level(machine: Machine, environment: Environment, depth: int, first: Any) -> Iterator[Environment]:
        source, assign, tests = parts[depth]
        values = first if depth == 0 else machine.iterate(source(machine, environment), node)
        for value in values:
            machine.burn(node)
            assign(machine, environment, value)
            if all(machine.truth(test(machine, environment), node) for test in tests):
                if depth + 1 < len(parts):
                    yield from level(machine, environment, depth + 1, None)
                else:
                    yield environment

    def run(machine: Machine, environment: Environment) -> Iterator[Environment]:
        # As in Python, the first iterable belongs to the scope around the comprehension.
        first = machine.iterate(parts[0][0](machine, environment), node)
        return level(machine, _inner(environment), 0, first)

    return run


def _inner(environment: Environment) -> Environment:
    """The scope of a comprehension."""
    inner = Environment(parent=environment.seen_by_functions())
    inner.comprehension = True
    inner.owner, inner.receiver = environment.owner, environment.receiver
    return inner


def _list_comprehension(node: ast.ListComp) -> Evaluate:
    element = compiled(node.elt)
    if len(node.generators) == 1 and not node.generators[0].ifs and not node.generators[0].is_async:
        source, assign = compiled(node.generators[0].iter), assigner(node.generators[0].target)

        def run(machine: Machine, environment: Environment) -> Any:
            values = machine.iterate(source(machine, environment), node)
            inner = _inner(environment)
            found = []
            for value in values:
                machine.burn(node)
                assign(machine, inner, value)
                found.append(element(machine, inner))
            return found

        return run
    loop = _comprehension(node.generators, node)
    return lambda machine, environment: [element(machine, inner) for inner in loop(machine, environment)]


def _set_comprehension(node: ast.SetComp) -> Evaluate:
    loop, element = _comprehension(node.generators, node), compiled(node.elt)
    return lambda machine, environment: {
        machine.hashable(element(machine, inner), node) for inner in loop(machine, environment)
    }


def _dict_comprehension(node: ast.DictComp) -> Evaluate:
    loop, key, value = _comprehension(node.generators, node), compiled(node.key), compiled(node.value)

    def run(machine: Machine, environment: Environment) -> Any:
        return {
            machine.hashable(key(machine, inner), node): value(machine, inner) for inner in loop(machine, environment)
        }

    return run


def _generator(node: ast.GeneratorExp) -> Evaluate:
    loop, element = _comprehension(node.generators, node), compiled(node.elt)

    def run(machine: Machine, environment: Environment) -> Any:
        environments = loop(machine, environment)
        return (element(machine, inner) for inner in environments)

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
    converters: dict[int, Callable[[object], str]] = {115: str, 114: repr, 97: ascii}
    conversion = converters.get(node.conversion)

    def run(machine: Machine, environment: Environment) -> Any:
        found = value(machine, environment)
        if isinstance(found, Unknown):
            return f"{{{found.path}}}"
        if not isinstance(found, int | float | str | list | tuple | dict | complex | None):
            return f"<{type(found).__name__}>"
        check_tree(found, node)
        if conversion is not None:
            found = conversion(found)
        specification = spec(machine, environment) if spec else ""
        check_format(specification, node)
        return machine.native(format, (found, specification), node)

    return run


EXPRESSION_MAKERS: dict[type[ast.expr], Callable[[Any], Evaluate]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
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
    ast.ListComp: _list_comprehension,
    ast.SetComp: _set_comprehension,
    ast.DictComp: _dict_comprehension,
    ast.GeneratorExp: _generator,
    ast.NamedExpr: _walrus,
    ast.JoinedStr: _joined,
    ast.FormattedValue: _formatted,
}
