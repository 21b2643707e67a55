"""Expressions of a program as expressions of a template's source."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from lrfix.interpreter.compilation import attribute_name
from lrfix.interpreter.operations import COMPARISONS
from lrfix.interpreter.templates.source import NotCovered, Source

#: Whole numbers up to here are floats, too: with one of them no operation of floats fails or loses anything.
_EXACT = 1 << 53
_SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.USub: "-",
    ast.UAdd: "+",
}


def expression(source: Source, node: ast.expr) -> str:
    """The source of an expression; every part of it is evaluated once, in the order of the program."""
    maker = _MAKERS.get(type(node))
    if maker is None:
        raise NotCovered
    return maker(source, node)


def stated_number(node: ast.expr) -> Any:
    """The number that an expression is, None for any other."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        value = node.operand.value
        return -value if isinstance(value, int | float) and type(value) is not bool else None
    value = node.value if isinstance(node, ast.Constant) else None
    return value if type(value) in (int, float) else None


def held(source: Source, node: ast.expr) -> tuple[str, str]:
    """An expression where it is first used, and where it is used again."""
    code = expression(source, node)
    if code.isalnum():  # a name that nothing assigns while an expression is evaluated
        return code, code
    again = source.fresh()
    return f"({again} := {code})", again


def truth(source: Source, node: ast.expr, at: ast.AST) -> str:
    """Whether an expression is true, asked at a node."""
    first, again = held(source, node)
    return f"({again} if type({first}) is bool else machine.truth({again}, {source.value(at)}))"


def arithmetic(op: ast.operator, left: tuple[str, str, Any], right: tuple[str, str, Any], otherwise: str) -> str:
    """An operation of two held values, and the number that each is where the code states one."""
    (first, a, known), (second, b, stated) = left, right
    symbol = _SYMBOLS.get(type(op))
    plain = _cannot_fail(op, (first, known), (second, stated)) if symbol is not None else None
    return otherwise if plain is None else f"({a} {symbol} {b} if {plain} else {otherwise})"


def _cannot_fail(op: ast.operator, left: tuple[str, Any], right: tuple[str, Any]) -> str | None:
    """The test under which an operation of Python's own does what the guarded one does, and never fails.

    It evaluates both operands whatever it finds.
    """
    (first, known), (second, stated) = left, right
    if known is not None and stated is not None:
        return None
    if known is not None or stated is not None:
        number, other = (known, second) if known is not None else (stated, first)
        if type(number) is int and abs(number) > _EXACT:
            return None
        if isinstance(op, ast.Div) and (known is not None or number == 0):
            return None
        whole = type(number) is int and isinstance(op, ast.Add | ast.Sub)
        return f"type({other}) in P" if whole else f"type({other}) is float"
    if isinstance(op, ast.Add | ast.Sub):
        return f"type({first}) is type({second}) in P"
    if isinstance(op, ast.Mult):
        return f"type({first}) is type({second}) is float"
    return None


def _constant(source: Source, node: ast.Constant) -> str:
    return source.value(node.value)


def _name(source: Source, node: ast.Name) -> str:
    return source.name(node.id, node)


def _binary(source: Source, node: ast.BinOp) -> str:
    kind = f"op_{type(node.op).__name__}"
    if isinstance(node.op, ast.MatMult):
        raise NotCovered
    if type(node.op) not in _SYMBOLS or isinstance(node.op, ast.Div):
        return _divided(source, node, kind)
    left, right = held(source, node.left), held(source, node.right)
    otherwise = f"{kind}(machine, {left[1]}, {right[1]}, {source.value(node)})"
    known, stated = stated_number(node.left), stated_number(node.right)
    if _cannot_fail(node.op, (left[0], known), (right[0], stated)) is None:
        return f"{kind}(machine, {left[0]}, {right[0]}, {source.value(node)})"
    return arithmetic(node.op, (*left, known), (*right, stated), otherwise)


def _divided(source: Source, node: ast.BinOp, kind: str) -> str:
    """What may fail for plain numbers too is left to the guarded operation, but for a division by a stated number."""
    stated = stated_number(node.right)
    if isinstance(node.op, ast.Div) and stated:
        left, right, known = held(source, node.left), held(source, node.right), stated_number(node.left)
        if _cannot_fail(node.op, (left[0], known), (right[0], stated)) is None:
            return f"{kind}(machine, {left[0]}, {right[0]}, {source.value(node)})"
        otherwise = f"{kind}(machine, {left[1]}, {right[1]}, {source.value(node)})"
        return arithmetic(node.op, (*left, known), (*right, stated), otherwise)
    left_code, right_code = expression(source, node.left), expression(source, node.right)
    return f"{kind}(machine, {left_code}, {right_code}, {source.value(node)})"


def _unary(source: Source, node: ast.UnaryOp) -> str:
    if isinstance(node.op, ast.Not):
        return f"(not {truth(source, node.operand, node)})"
    stated = stated_number(node)
    if stated is not None:
        return source.value(stated)
    first, again = held(source, node.operand)
    otherwise = f"negation(machine, {again}, {source.value(node.op)}, {source.value(node)})"
    if isinstance(node.op, ast.Invert):
        return f"negation(machine, {first}, {source.value(node.op)}, {source.value(node)})"
    return f"({_SYMBOLS[type(node.op)]}{again} if type({first}) in P else {otherwise})"


def _boolean(source: Source, node: ast.BoolOp) -> str:
    *others, last = node.values
    code = expression(source, last)
    at, stops = source.value(node), "" if isinstance(node.op, ast.Or) else "not "
    for part in reversed(others):
        first, again = held(source, part)
        asked = f"({again} if type({first}) is bool else machine.truth({again}, {at}))"
        code = f"({again} if {stops}{asked} else {code})"
    return code


def _compare(source: Source, node: ast.Compare) -> str:
    """A chain asks for the truth of each comparison but the last."""
    left, known = held(source, node.left), node.left
    opened = ""
    for position, (op, comparator) in enumerate(zip(node.ops, node.comparators, strict=True)):
        right = held(source, comparator)
        code = _related(source, op, (left, known), (right, comparator), node)
        if position == len(node.ops) - 1:
            return opened + code + ")" * position
        result = source.fresh()
        asked = f"({result} if type({result} := {code}) is bool else machine.truth({result}, {source.value(node)}))"
        opened += f"({result} if not {asked} else "
        left, known = (right[1], right[1]), comparator
    raise AssertionError("a comparison compares")


def _related(
    source: Source,
    op: ast.cmpop,
    left: tuple[tuple[str, str], ast.expr],
    right: tuple[tuple[str, str], ast.expr],
    node: ast.Compare,
) -> str:
    ((first, a), known), ((second, b), stated) = left, right
    at = source.value(node)
    none = isinstance(stated, ast.Constant) and stated.value is None
    if none and isinstance(op, ast.Is | ast.IsNot):
        absent = f"({a} is None if type({first}) is not Unknown else is_none(machine, {a}, {at}))"
        return absent if isinstance(op, ast.Is) else f"(not {absent})"
    if type(op) not in COMPARISONS:
        return f"machine.relation({source.value(type(op))}, {first}, {second}, {at})"
    operation, dunder = COMPARISONS[type(op)]
    otherwise = f"machine.compare({source.value(operation)}, {a}, {b}, {source.value(dunder)}, {at})"
    if stated_number(stated) is not None:
        plain = f"type({first}) in P"
    elif stated_number(known) is not None:
        plain = f"type({second}) in P"
    elif second == b:
        plain = f"type({first}) in P and type({b}) in P"
    else:
        plain = f"type({first}) is type({second}) in P"
    return f"({a} {_SYMBOLS[type(op)]} {b} if {plain} else {otherwise})"


def _conditional(source: Source, node: ast.IfExp) -> str:
    test = truth(source, node.test, node)
    return f"({expression(source, node.body)} if {test} else {expression(source, node.orelse)})"


def _attribute(source: Source, node: ast.Attribute) -> str:
    name, at = source.value(attribute_name(node)), source.value(node)
    holder = _object(source, node.value)
    if not holder.isalnum():
        return f"read(machine, {holder}, {name}, {at})"
    found, properties = source.fresh(), source.fresh()
    plain = f"type({holder}) is Instance and ({found} := {holder}.attributes.get({name}, M)) is not M"
    kept = f"({properties} := {holder}.cls.properties) is not None and {name} not in {properties}"
    return f"({found} if {plain} and {kept} else read(machine, {holder}, {name}, {at}))"


def _object(source: Source, node: ast.expr) -> str:
    if isinstance(node, ast.Compare):
        raise NotCovered  # of something unknown it is unknown, not false: see the closures
    return expression(source, node)


def _subscript(source: Source, node: ast.Subscript) -> str:
    return f"item(machine, {expression(source, node.value)}, {expression(source, node.slice)}, {source.value(node)})"


def _slice(source: Source, node: ast.Slice) -> str:
    at = source.value(node)
    parts = (
        f"bound_of(machine, {expression(source, part)}, {at})" if part is not None else "None"
        for part in (node.lower, node.upper, node.step)
    )
    return f"slice({', '.join(parts)})"


def _parts(source: Source, nodes: Sequence[ast.expr]) -> list[str]:
    """The elements of a list, or the arguments of a call."""
    return [
        f"*machine.spread({expression(source, n.value)}, {source.value(n)})"
        if isinstance(n, ast.Starred)
        else expression(source, n)
        for n in nodes
    ]


def _elements(source: Source, nodes: Sequence[ast.expr]) -> str:
    return ", ".join(_parts(source, nodes))


def _tuple(source: Source, node: ast.Tuple) -> str:
    return f"({_elements(source, node.elts)},)" if node.elts else "()"


def _dict(source: Source, node: ast.Dict) -> str:
    at, pairs = source.value(node), []
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            raise NotCovered
        pairs.append(f"machine.hashable({expression(source, key)}, {at}): {expression(source, value)}")
    return "{" + ", ".join(pairs) + "}"


def _call(source: Source, node: ast.Call) -> str:
    at, func = source.value(node), node.func
    if isinstance(func, ast.Name) and func.id == "super" and not node.keywords:
        source.uses_parent = True
        return f"parent(machine, [{_elements(source, node.args)}], function, receiver, {at})"
    if node.keywords:
        target = expression(source, func)
        return f"machine.invoke({target}, [{_elements(source, node.args)}], {{{_named(source, node)}}}, {at})"
    if isinstance(func, ast.Attribute):
        receiver, name = _object(source, func.value), source.value(attribute_name(func))
        parts = _parts(source, node.args)
        arguments = ", ".join(parts)
        if all(part.isalnum() for part in parts):
            # Nothing happens between the look for the method and the call.
            return f"invoked(machine, {receiver}, {name}, {source.value(func)}, [{arguments}], {at})"
        return f"apply(machine, method(machine, {receiver}, {name}, {source.value(func)}), [{arguments}], {at})"
    return f"call(machine, {expression(source, func)}, [{_elements(source, node.args)}], {at})"


def _named(source: Source, node: ast.Call) -> str:
    return ", ".join(
        f"**mapping({expression(source, k.value)}, {source.value(node)})"
        if k.arg is None
        else f"{source.value(k.arg)}: {expression(source, k.value)}"
        for k in node.keywords
    )


def _joined(source: Source, node: ast.JoinedStr) -> str:
    return f"joined([{_elements(source, node.values)}])"


def _formatted(source: Source, node: ast.FormattedValue) -> str:
    spec = node.format_spec.values if isinstance(node.format_spec, ast.JoinedStr) else []
    texts = [part.value for part in spec if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    if len(texts) < len(spec):
        raise NotCovered
    wanted = source.value(lambda: "".join(texts))
    return f"formatted(machine, {expression(source, node.value)}, {wanted}, {source.value(node)})"


def _turns(source: Source, node: ast.ListComp | ast.GeneratorExp, values: str) -> tuple[str, dict[str, str]]:
    """The turns of a comprehension of one ``for`` through ``values``, and the names that each turn gives a value."""
    target, at = node.generators[0].target, source.value(node)
    one = source.fresh()
    turns = f"for {one} in {values} if machine.burn({at}) is None"
    if isinstance(target, ast.Name):
        return turns, {target.id: one}
    if not isinstance(target, ast.Tuple):
        raise NotCovered
    scope = {element.id: source.fresh() for element in target.elts if isinstance(element, ast.Name)}
    if not scope or len(scope) < len(target.elts):
        raise NotCovered
    found = f"unpacked(machine, {one}, {len(scope)}, None, {source.value(target)})"
    return f"{turns} for {', '.join(scope.values())}, in ({found},)", scope


def _comprehension(source: Source, node: ast.ListComp | ast.GeneratorExp) -> str:
    generator = node.generators[0]
    if len(node.generators) > 1 or generator.is_async:
        raise NotCovered
    lazy = isinstance(node, ast.GeneratorExp)
    if lazy and source.inner:
        raise NotCovered
    given = f"machine.iterate({expression(source, generator.iter)}, {source.value(node)})"
    values = source.fresh()
    turns, scope = _turns(source, node, values)
    source.inner.append(scope)
    tests = [truth(source, test, node) for test in generator.ifs]
    element = expression(source, node.elt)
    source.inner.pop()
    if lazy:
        # Several generators of one place may be under way at once: each of their turns has names of its own.
        element, *tests = (source.function(list(scope.values()), code) for code in (element, *tests))
    tested = "".join(f" if {test}" for test in tests)
    opened, closed = "()" if lazy else "[]"
    return f"({values} := {given}, {opened}{element} {turns}{tested}{closed})[1]"


_MAKERS: dict[type[ast.expr], Callable[[Source, Any], str]] = {
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
    ast.List: lambda source, node: f"[{_elements(source, node.elts)}]",
    ast.Tuple: _tuple,
    ast.Set: lambda source, node: f"machine.native(set, ([{_elements(source, node.elts)}],), {source.value(node)})",
    ast.Dict: _dict,
    ast.Call: _call,
    ast.JoinedStr: _joined,
    ast.FormattedValue: _formatted,
    ast.ListComp: _comprehension,
    ast.GeneratorExp: _comprehension,
}

__all__ = ["arithmetic", "expression", "stated_number", "truth"]
