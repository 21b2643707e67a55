"""Statements, compiled once into closures that answer how control leaves them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from lrfix.interpreter.classes import class_statement, function_statement
from lrfix.interpreter.compilation import (
    BREAK,
    CONTINUE,
    NORMAL,
    RETURN,
    Evaluate,
    Execute,
    Machine,
    assigner,
    attribute_name,
    block,
    compiled,
    imports,
)
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.matching import match_statement
from lrfix.interpreter.operations import augmented, item
from lrfix.interpreter.values import MISSING, ClassValue, Function, Instance, Unknown


def _expression(node: ast.Expr) -> Execute:
    value = compiled(node.value)

    def run(machine: Machine, environment: Environment) -> Any:
        value(machine, environment)
        return NORMAL

    return run


def _assign(node: ast.Assign) -> Execute:
    value, targets = compiled(node.value), [assigner(t) for t in node.targets]
    if len(targets) == 1:
        only = targets[0]

        def run_one(machine: Machine, environment: Environment) -> Any:
            only(machine, environment, value(machine, environment))
            return NORMAL

        return run_one

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
    operand, op, target = compiled(node.value), node.op, node.target

    def combine(machine: Machine, environment: Environment, old: Any) -> Any:
        return augmented(machine, old, operand(machine, environment), op, node)

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
        old = item(machine, receiver, key, target)
        machine.set_item(receiver, key, combine(machine, environment, old), target)
        return NORMAL

    return to_item


def _if(node: ast.If) -> Execute:
    test, body, orelse = compiled(node.test), block(node.body), block(node.orelse)

    def run(machine: Machine, environment: Environment) -> Any:
        taken = test(machine, environment)
        if type(taken) is not bool:
            taken = machine.truth(taken, node.test)
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


_OF_TORCH = "_enable_get_lr_call"
"""What torch's schedulers enter to know that ``get_lr`` is called by ``step``."""
_HARMLESS = ("no_grad", "inference_mode", "enable_grad", "catch_warnings", "suppress", "nullcontext")


def _with(node: ast.With) -> Execute:
    items = [
        (compiled(item.context_expr), assigner(item.optional_vars) if item.optional_vars is not None else None, item)
        for item in node.items
    ]
    body = block(node.body)

    def within(position: int, machine: Machine, environment: Environment) -> Any:
        if position == len(items):
            return body(machine, environment)
        expression, target, item = items[position]
        if target is None and _is_passed_over(item.context_expr, machine, environment):
            return within(position + 1, machine, environment)
        context = expression(machine, environment)
        cls = context.cls if isinstance(context, Instance) else None
        begin, end = (cls.find("__enter__"), cls.find("__exit__")) if cls is not None else (MISSING, MISSING)
        if not isinstance(begin, Function) or not isinstance(end, Function):
            raise Opaque(f"enters `{ast.unparse(item.context_expr)}`", node)
        entered = machine.invoke(begin, [context], {}, node)
        if target is not None:
            target(machine, environment, entered)
        try:
            signal = within(position + 1, machine, environment)
        except UserError:
            if _looks_at_the_exception(end.node):
                raise Opaque(f"leaves `{ast.unparse(item.context_expr)}` with an exception", node) from None
            if machine.truth(machine.invoke(end, [context, None, None, None], {}, node), node):
                return NORMAL
            raise
        result = environment.result
        machine.invoke(end, [context, None, None, None], {}, node)
        environment.result = result
        return signal

    return lambda machine, environment: within(0, machine, environment)


def _is_passed_over(entered: ast.expr, machine: Machine, environment: Environment) -> bool:
    """Whether a context changes nothing that is simulated; one of torch's own unless the file has its own copy."""
    if not isinstance(entered, ast.Call):
        return False
    name = ast.unparse(entered.func)
    if name.endswith(_OF_TORCH):
        return not isinstance(compiled(entered.func)(machine, environment), ClassValue)
    return name.endswith(_HARMLESS)


def _looks_at_the_exception(leaves: ast.AST) -> bool:
    """Whether ``__exit__`` reads what it is told of the exception: here it is told nothing."""
    taken = {a.arg for a in ast.walk(leaves) if isinstance(a, ast.arg)}
    own = next((a.arg for a in leaves.args.args), "") if isinstance(leaves, ast.FunctionDef) else ""
    return any(isinstance(n, ast.Name) and n.id in taken - {own} for n in ast.walk(leaves))


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
    bound = imports(node)

    def run(machine: Machine, environment: Environment) -> Any:
        for name, module, member in bound:
            environment.variables[name] = machine.host.import_name(module, member)
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


STATEMENT_MAKERS: dict[type[ast.stmt], Callable[[Any], Execute]] = {
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
    ast.Match: match_statement,
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
