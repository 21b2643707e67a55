"""Statements, compiled once into closures that answer how control leaves them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from lrfix.simulation.arrays import Array, update
from lrfix.simulation.classes import class_statement, function_statement
from lrfix.simulation.environment import Environment
from lrfix.simulation.errors import Opaque, UserError
from lrfix.simulation.expressions import Evaluate, attribute_name, binary_operation, compiled
from lrfix.simulation.limits import check_length
from lrfix.simulation.values import MISSING, ClassValue, Instance, Unknown

Machine = Any
_IN_PLACE = {"mult": "mul", "div": "truediv", "bitand": "and", "bitor": "or", "bitxor": "xor"}
NORMAL, BREAK, CONTINUE, RETURN = None, "break", "continue", "return"
Execute = Callable[[Machine, Environment], Any]
Assign = Callable[[Machine, Environment, Any], None]


def compiled_statement(node: ast.stmt) -> Execute:
    """The closure of a statement, made on first use; it burns fuel and tells the recorder."""
    known: Execute | None = node.__dict__.get("lrfix_closure")
    if known is None:
        maker = _MAKERS.get(type(node))
        inner = maker(node) if maker else _unsupported(node)

        def known(machine: Machine, environment: Environment, inner: Execute = inner, node: ast.stmt = node) -> Any:
            machine.fuel -= 1
            if machine.fuel < 0:
                machine.burn(node)
            machine.recorder.statement(node)
            return inner(machine, environment)

        node.__dict__["lrfix_closure"] = known
    return known


def block(body: list[ast.stmt]) -> Execute:
    parts = [compiled_statement(s) for s in body]

    def run(machine: Machine, environment: Environment) -> Any:
        for part in parts:
            signal = part(machine, environment)
            if signal is not None:
                return signal
        return NORMAL

    return run


def _unsupported(node: ast.stmt) -> Execute:
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
        if isinstance(value, Unknown):
            values: list[Any] = [Unknown(f"{value.path}[{i}]") for i in range(len(parts))]
        else:
            values = list(machine.iterate(value, target))
        if starred is None:
            if len(values) != len(parts):
                relation = "too many values to unpack" if len(values) > len(parts) else "not enough values to unpack"
                raise UserError(ValueError(f"{relation} (expected {len(parts)})"), target)
        else:
            after = len(parts) - starred - 1
            if len(values) < len(parts) - 1:
                raise UserError(ValueError("not enough values to unpack"), target)
            end = len(values) - after
            values = [*values[:starred], values[starred:end], *values[end:]]
        for part, item in zip(parts, values, strict=True):
            part(machine, environment, item)

    return unpack


def _expression(node: ast.Expr) -> Execute:
    value = compiled(node.value)

    def run(machine: Machine, environment: Environment) -> Any:
        value(machine, environment)
        return NORMAL

    return run


def _assign(node: ast.Assign) -> Execute:
    value, targets = compiled(node.value), [assigner(t) for t in node.targets]

    def run(machine: Machine, environment: Environment) -> Any:
        found = value(machine, environment)
        for target in targets:
            target(machine, environment, found)
        return NORMAL

    return run


def _annotated(node: ast.AnnAssign) -> Execute:
    if node.value is None:
        return lambda machine, environment: NORMAL
    value, target = compiled(node.value), assigner(node.target)

    def run(machine: Machine, environment: Environment) -> Any:
        target(machine, environment, value(machine, environment))
        return NORMAL

    return run


def _augmented(node: ast.AugAssign) -> Execute:
    operand = compiled(node.value)
    target = node.target
    # The operands are evaluated once; a holder passes them to the shared binary operation.
    operation = binary_operation(lambda m, e: m.left, lambda m, e: m.right, node.op, node)

    def combine(machine: Machine, environment: Environment, old: Any) -> Any:
        new = operand(machine, environment)
        if isinstance(old, list) and isinstance(node.op, ast.Add):
            machine.record_item(old, None, None, new, node)
            old.extend(list(machine.iterate(new, node)))
            check_length(old, node)
            return old
        if isinstance(old, Array):
            machine.record_item(old, None, None, new, node)
            name = type(node.op).__name__.lower()
            return machine.native(update, (old, _IN_PLACE.get(name, name), machine.concrete(new, node, "number")), node)
        machine.left, machine.right = old, new
        return operation(machine, environment)

    if isinstance(target, ast.Name):
        read, write = compiled(ast.copy_location(ast.Name(target.id, ast.Load()), target)), assigner(target)

        def to_name(machine: Machine, environment: Environment) -> Any:
            write(machine, environment, combine(machine, environment, read(machine, environment)))
            return NORMAL

        return to_name
    if isinstance(target, ast.Attribute):
        base, attribute = compiled(target.value), attribute_name(target)

        def to_attribute(machine: Machine, environment: Environment) -> Any:
            receiver = base(machine, environment)
            old = machine.attribute(receiver, attribute, target)
            machine.set_attribute(receiver, attribute, combine(machine, environment, old), target)
            return NORMAL

        return to_attribute
    container, index = compiled(target.value), compiled(target.slice)

    def to_item(machine: Machine, environment: Environment) -> Any:
        receiver, key = container(machine, environment), index(machine, environment)
        old = machine.item(receiver, key, target)
        machine.set_item(receiver, key, combine(machine, environment, old), target)
        return NORMAL

    return to_item


def _if(node: ast.If) -> Execute:
    test, body, orelse = compiled(node.test), block(node.body), block(node.orelse)

    def run(machine: Machine, environment: Environment) -> Any:
        taken = machine.truth(test(machine, environment), node.test)
        machine.recorder.branch(node, taken)
        return body(machine, environment) if taken else orelse(machine, environment)

    return run


def _while(node: ast.While) -> Execute:
    test, body, orelse = compiled(node.test), block(node.body), block(node.orelse)

    def run(machine: Machine, environment: Environment) -> Any:
        while machine.truth(test(machine, environment), node.test):
            machine.burn(node)
            signal = body(machine, environment)
            if signal is BREAK:
                return NORMAL
            if signal is RETURN:
                return RETURN
        return orelse(machine, environment)

    return run


def _for(node: ast.For) -> Execute:
    source, target, body, orelse = compiled(node.iter), assigner(node.target), block(node.body), block(node.orelse)

    def run(machine: Machine, environment: Environment) -> Any:
        for value in machine.iterate(source(machine, environment), node.iter):
            machine.burn(node)
            target(machine, environment, value)
            signal = body(machine, environment)
            if signal is BREAK:
                return NORMAL
            if signal is RETURN:
                return RETURN
        return orelse(machine, environment)

    return run


def _return(node: ast.Return) -> Execute:
    value: Evaluate = compiled(node.value) if node.value is not None else lambda machine, environment: None

    def run(machine: Machine, environment: Environment) -> Any:
        environment.result = value(machine, environment)
        return RETURN

    return run


def _raise(node: ast.Raise) -> Execute:
    value = compiled(node.exc) if node.exc is not None else None

    def run(machine: Machine, environment: Environment) -> Any:
        if value is None:
            if machine.handled:
                raise machine.handled[-1]
            raise UserError(RuntimeError("No active exception to reraise"), node)
        raise UserError(machine.exception(value(machine, environment), node), node)

    return run


def _assert(node: ast.Assert) -> Execute:
    test = compiled(node.test)
    message = compiled(node.msg) if node.msg is not None else None

    def run(machine: Machine, environment: Environment) -> Any:
        value = test(machine, environment)
        # What an assertion on something unseen says, the code relies on.
        if not isinstance(value, Unknown) and not machine.truth(value, node):
            arguments = () if message is None else (message(machine, environment),)
            raise UserError(AssertionError(*arguments), node)
        return NORMAL

    return run


def _try(node: ast.Try) -> Execute:
    body, orelse, final = block(node.body), block(node.orelse), block(node.finalbody)
    handlers = [(compiled(h.type) if h.type is not None else None, h.name, block(h.body)) for h in node.handlers]

    def protected(machine: Machine, environment: Environment) -> Any:
        try:
            signal = body(machine, environment)
        except UserError as error:
            for kinds, name, handler in handlers:
                if kinds is None or machine.matches(error, kinds(machine, environment), node):
                    machine.handled.append(error)
                    try:
                        if name:
                            environment.variables[name] = error.value
                        return handler(machine, environment)
                    finally:
                        machine.handled.pop()
                        if name:
                            environment.variables.pop(name, None)
            raise
        if signal is not None:
            return signal
        return orelse(machine, environment)

    if not node.finalbody:
        return protected

    def run(machine: Machine, environment: Environment) -> Any:
        try:
            signal = protected(machine, environment)
            result = environment.result
        except UserError:
            override = final(machine, environment)
            if override is not None:
                return override
            raise
        override = final(machine, environment)
        if override is None:
            environment.result = result
        return override if override is not None else signal

    return run


_OF_TORCH = ("_enable_get_lr_call",)
"""What torch's schedulers enter to know that ``get_lr`` is called by ``step``."""


def _with(node: ast.With) -> Execute:
    contexts = [(compiled(item.context_expr), item) for item in node.items]
    body = block(node.body)
    harmless = ("no_grad", "inference_mode", "enable_grad", "catch_warnings", "suppress", "nullcontext", *_OF_TORCH)

    def run(machine: Machine, environment: Environment) -> Any:
        for context, item in contexts:
            if not isinstance(item.context_expr, ast.Call) or not ast.unparse(item.context_expr.func).endswith(
                harmless
            ):
                raise Opaque(f"enters `{ast.unparse(item.context_expr)}`", node)
            del context
            if item.optional_vars is not None:
                raise Opaque(f"enters `{ast.unparse(item.context_expr)}`", node)
        return body(machine, environment)

    return run


def _delete(node: ast.Delete) -> Execute:
    def run(machine: Machine, environment: Environment) -> Any:
        for target in node.targets:
            if isinstance(target, ast.Name):
                if environment.variables.pop(target.id, MISSING) is MISSING:
                    kind = UnboundLocalError if target.id in environment.locals else NameError
                    raise UserError(kind(f"name '{target.id}' is not defined"), node)
            elif isinstance(target, ast.Attribute):
                receiver = compiled(target.value)(machine, environment)
                if (
                    not isinstance(receiver, Instance)
                    or receiver.attributes.pop(attribute_name(target), MISSING) is MISSING
                ):
                    raise UserError(AttributeError(target.attr), node)
            elif isinstance(target, ast.Subscript):
                container = compiled(target.value)(machine, environment)
                if not isinstance(container, dict | list):
                    raise Opaque("deletes an element lrfix cannot see", node)
                key = compiled(target.slice)(machine, environment)
                machine.record_item(container, key, None, None, node)
                machine.native(container.__delitem__, (key,), node)
        return NORMAL

    return run


def _import(node: ast.Import | ast.ImportFrom) -> Execute:
    def run(machine: Machine, environment: Environment) -> Any:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                value = machine.host.import_name(module, alias.name)
                environment.variables[alias.asname or alias.name] = value
            else:
                module = alias.name if alias.asname else alias.name.split(".")[0]
                environment.variables[alias.asname or module] = machine.host.import_name(module, None)
        return NORMAL

    return run


def _nothing(node: ast.stmt) -> Execute:
    return lambda machine, environment: NORMAL


def _function(node: ast.FunctionDef) -> Execute:
    make = function_statement(node)

    def run(machine: Machine, environment: Environment) -> Any:
        environment.variables[node.name] = make(machine, environment)
        return NORMAL

    return run


def _class(node: ast.ClassDef) -> Execute:
    make: Callable[[Machine, Environment], ClassValue] = class_statement(node)

    def run(machine: Machine, environment: Environment) -> Any:
        environment.variables[node.name] = make(machine, environment)
        return NORMAL

    return run


_MAKERS: dict[type[ast.stmt], Callable[[Any], Execute]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.If: _if,
    ast.While: _while,
    ast.For: _for,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Assert: _assert,
    ast.Try: _try,
    ast.With: _with,
    ast.Delete: _delete,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.Pass: _nothing,
    ast.Global: _nothing,
    ast.Nonlocal: _nothing,
    ast.Break: lambda node: lambda machine, environment: BREAK,
    ast.Continue: lambda node: lambda machine, environment: CONTINUE,
    ast.FunctionDef: _function,
    ast.ClassDef: _class,
}
