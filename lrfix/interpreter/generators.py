"""Generator functions: their statements run as far as the next ``yield``, as in Python.

What holds no ``yield`` runs as it always does; the statements around one are taken turn by turn. A ``yield`` stands by
itself or gives its value to a name, as in nearly all code; anywhere else it cannot be simulated.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Generator
from typing import Any

from lrfix.interpreter.compilation import (
    BREAK,
    NORMAL,
    RETURN,
    Assign,
    Machine,
    assigner,
    compiled,
    compiled_statement,
)
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque, UserError

#: Runs some statements and says how control leaves them; yields what they yield.
Turns = Callable[[Machine, Environment], Generator[Any, Any, Any]]
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def generator_body(body: list[ast.stmt]) -> Turns:
    """What a generator function does between its first ``next`` and its end."""
    parts = [_statement(statement) for statement in body]

    def run(machine: Machine, environment: Environment) -> Generator[Any, Any, Any]:
        for part in parts:
            signal = yield from part(machine, environment)
            if signal is not None:
                return signal
        return NORMAL

    return run


def _yields(node: ast.AST) -> bool:
    if isinstance(node, ast.Yield | ast.YieldFrom):
        return True
    return any(_yields(inner) for inner in ast.iter_child_nodes(node) if not isinstance(inner, _SCOPES))


def _statement(node: ast.stmt) -> Turns:
    if isinstance(node, _SCOPES) or not _yields(node):
        plain = compiled_statement(node)

        def at_once(machine: Machine, environment: Environment) -> Generator[Any, Any, Any]:
            yield from ()  # of nothing, and a generator like the others
            return plain(machine, environment)

        return at_once
    maker = _MAKERS.get(type(node))
    inner = maker(node) if maker is not None else _refused(node)

    def run(machine: Machine, environment: Environment) -> Generator[Any, Any, Any]:
        machine.burn(node)
        machine.recorder.statements.add(node)
        return (yield from inner(machine, environment))

    return run


def _refused(node: ast.AST) -> Turns:
    def run(machine: Machine, environment: Environment) -> Generator[Any, Any, Any]:
        yield from ()
        raise Opaque("yields in the middle of something, which lrfix does not simulate", node)

    return run


def _given(value: ast.expr | None, targets: list[ast.expr]) -> Turns:
    """``yield x``, ``y = yield x`` and their like."""
    assigners: list[Assign] = [assigner(target) for target in targets]
    if not isinstance(value, ast.Yield | ast.YieldFrom) or (value.value is not None and _yields(value.value)):
        return _refused(value or ast.Pass())
    told = compiled(value.value) if value.value is not None else None
    delegates, node = isinstance(value, ast.YieldFrom), value

    def run(machine: Machine, environment: Environment) -> Generator[Any, Any, Any]:
        found = told(machine, environment) if told is not None else None
        sent = (yield from machine.iterate(found, node)) if delegates else (yield found)
        for assign in assigners:
            assign(machine, environment, sent)
        return NORMAL

    return run


def _if(node: ast.If) -> Turns:
    test, body, orelse = compiled(node.test), generator_body(node.body), generator_body(node.orelse)

    def run(machine: Machine, environment: Environment) -> Generator[Any, Any, Any]:
        taken = machine.truth(test(machine, environment), node.test)
        return (yield from (body if taken else orelse)(machine, environment))

    return run


def _while(node: ast.While) -> Turns:
    test, body, orelse = compiled(node.test), generator_body(node.body), generator_body(node.orelse)

    def run(machine: Machine, environment: Environment) -> Generator[Any, Any, Any]:
        while machine.truth(test(machine, environment), node.test):
            machine.burn(node)
            signal = yield from body(machine, environment)
            if signal is BREAK:
                return NORMAL
            if signal is RETURN:
                return RETURN
        return (yield from orelse(machine, environment))

    return run


def _for(node: ast.For) -> Turns:
    source, assign = compiled(node.iter), assigner(node.target)
    body, orelse = generator_body(node.body), generator_body(node.orelse)

    def run(machine: Machine, environment: Environment) -> Generator[Any, Any, Any]:
        for value in machine.iterate(source(machine, environment), node.iter):
            machine.burn(node)
            assign(machine, environment, value)
            signal = yield from body(machine, environment)
            if signal is BREAK:
                return NORMAL
            if signal is RETURN:
                return RETURN
        return (yield from orelse(machine, environment))

    return run


def _try(node: ast.Try) -> Turns:
    body, orelse, final = generator_body(node.body), generator_body(node.orelse), generator_body(node.finalbody)
    handlers = [
        (compiled(h.type) if h.type is not None else None, h.name, generator_body(h.body)) for h in node.handlers
    ]

    def protected(machine: Machine, environment: Environment) -> Generator[Any, Any, Any]:
        try:
            signal = yield from body(machine, environment)
        except UserError as error:
            for kinds, name, handler in handlers:
                if kinds is None or machine.matches(error, kinds(machine, environment), node):
                    if name:
                        environment.variables[name] = error.value
                    return (yield from handler(machine, environment))
            raise
        return signal if signal is not None else (yield from orelse(machine, environment))

    def run(machine: Machine, environment: Environment) -> Generator[Any, Any, Any]:
        try:
            signal = yield from protected(machine, environment)
        except UserError:
            override = yield from final(machine, environment)
            if override is None:
                raise
            return override
        override = yield from final(machine, environment)
        return override if override is not None else signal

    return run


_MAKERS: dict[type[ast.stmt], Callable[[Any], Turns]] = {
    ast.Expr: lambda node: _given(node.value, []),
    ast.Assign: lambda node: _given(node.value, node.targets),
    ast.AnnAssign: lambda node: _given(node.value, [node.target]),
    ast.If: _if,
    ast.While: _while,
    ast.For: _for,
    ast.Try: _try,
}

__all__ = ["generator_body"]
