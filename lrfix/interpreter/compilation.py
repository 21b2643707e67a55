"""From syntax to closures: what compiles an expression, a statement, a block, an assignment target.

How each kind of node is compiled stands in ``expressions`` and ``statements``, and the machine registers it here:
nodes contain each other, modules need not.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.values import Unknown

Machine = Any
Evaluate = Callable[[Machine, Environment], Any]
Execute = Callable[[Machine, Environment], Any]
Assign = Callable[[Machine, Environment, Any], None]
NORMAL, BREAK, CONTINUE, RETURN = None, "break", "continue", "return"

EXPRESSIONS: dict[type[ast.expr], Callable[[Any], Evaluate]] = {}
STATEMENTS: dict[type[ast.stmt], Callable[[Any], Execute]] = {}


def compiled(node: ast.expr) -> Evaluate:
    """The closure of an expression, made on first use."""
    known: Evaluate | None = node.__dict__.get("lrfix_closure")
    if known is None:
        maker = EXPRESSIONS.get(type(node))
        known = maker(node) if maker else unsupported_expression(node)
        node.__dict__["lrfix_closure"] = known
    return known


def unsupported_expression(node: ast.AST) -> Evaluate:
    def run(machine: Machine, environment: Environment) -> Any:
        raise unsimulated(node)

    return run


def unsimulated(node: ast.AST) -> Opaque:
    return Opaque(f"uses {type(node).__name__}, which lrfix does not simulate", node)


def _bare(node: ast.stmt) -> Execute:
    """The closure of a statement, made on first use, without what every statement does beside its own work."""
    known: Execute | None = node.__dict__.get("lrfix_closure")
    if known is None:
        maker = STATEMENTS.get(type(node))
        known = node.__dict__["lrfix_closure"] = maker(node) if maker else _unsupported_statement(node)
    return known


def compiled_statement(node: ast.stmt) -> Execute:
    """What runs a statement; it burns fuel and tells the recorder."""
    return block([node])


def block(body: list[ast.stmt]) -> Execute:
    parts = [(s, _bare(s)) for s in body]
    if len(parts) == 1:
        node, only = parts[0]

        def run_one(machine: Machine, environment: Environment) -> Any:
            machine.fuel -= 1
            if machine.fuel < 0:
                machine.burn(node)
            machine.recorder.statements.add(node)
            return only(machine, environment)

        return run_one

    def run(machine: Machine, environment: Environment) -> Any:
        for node, part in parts:
            machine.fuel -= 1
            if machine.fuel < 0:
                machine.burn(node)
            machine.recorder.statements.add(node)
            signal = part(machine, environment)
            if signal is not None:
                return signal
        return NORMAL

    return run


def _unsupported_statement(node: ast.stmt) -> Execute:
    name = type(node).__name__

    def run(machine: Machine, environment: Environment) -> Any:
        raise Opaque(f"uses `{name.lower()}`, which lrfix does not simulate", node)

    return run


def assigner(target: ast.expr) -> Assign:
    """What stores a value in an assignment target."""
    if isinstance(target, ast.Name):
        name = target.id

        def to_name(machine: Machine, environment: Environment, value: Any) -> None:
            if environment.outer is not None and name in environment.outer:
                machine.write_outer(environment, name, value, target)
            else:
                environment.variables[name] = value

        return to_name
    if isinstance(target, ast.Attribute):
        base, attribute = compiled(target.value), attribute_name(target)

        def to_attribute(machine: Machine, environment: Environment, value: Any) -> None:
            machine.set_attribute(base(machine, environment), attribute, value, target)

        return to_attribute
    if isinstance(target, ast.Subscript):
        container, index = compiled(target.value), compiled(target.slice)

        def to_item(machine: Machine, environment: Environment, value: Any) -> None:
            machine.set_item(container(machine, environment), index(machine, environment), value, target)

        return to_item
    if isinstance(target, ast.Tuple | ast.List):
        return _unpacker(target)

    def refused(machine: Machine, environment: Environment, value: Any) -> None:
        raise Opaque(f"assigns to {type(target).__name__}", target)

    return refused


def _unpacker(target: ast.Tuple | ast.List) -> Assign:
    starred = next((i for i, e in enumerate(target.elts) if isinstance(e, ast.Starred)), None)
    parts = [assigner(e.value if isinstance(e, ast.Starred) else e) for e in target.elts]

    def unpack(machine: Machine, environment: Environment, value: Any) -> None:
        for part, item in zip(parts, unpacked(machine, value, len(parts), starred, target), strict=True):
            part(machine, environment, item)

    return unpack


def unpacked(machine: Machine, value: Any, count: int, starred: int | None, target: ast.AST) -> Sequence[Any]:
    """The values for ``count`` targets, of which the one at ``starred`` takes what the others leave."""
    if type(value) is tuple and starred is None and len(value) == count:
        return value
    if isinstance(value, Unknown):
        values: list[Any] = [Unknown(f"{value.path}[{i}]") for i in range(count)]
    else:
        values = list(machine.iterate(value, target))
    if starred is None:
        if len(values) != count:
            relation = "too many values to unpack" if len(values) > count else "not enough values to unpack"
            raise UserError(ValueError(f"{relation} (expected {count})"), target)
        return values
    if len(values) < count - 1:
        raise UserError(ValueError("not enough values to unpack"), target)
    end = len(values) - (count - starred - 1)
    return [*values[:starred], values[starred:end], *values[end:]]


def imports(node: ast.Import | ast.ImportFrom) -> list[tuple[str, str, str | None]]:
    """What an import binds: each name, the module, and what is taken from it; None for the module itself."""
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        return [(alias.asname or alias.name, module, alias.name) for alias in node.names]
    named = ((alias.asname, alias.name if alias.asname else alias.name.split(".")[0]) for alias in node.names)
    return [(name or module, module, None) for name, module in named]


def attribute_name(node: ast.Attribute) -> str:
    """The attribute's name, mangled where a class body makes it private."""
    name: str = node.__dict__.get("lrfix_name", node.attr)
    return name
