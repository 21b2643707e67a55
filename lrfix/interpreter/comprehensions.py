"""Comprehensions and generator expressions, each turn with a scope of its own."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from lrfix.interpreter.compilation import Evaluate, Machine, assigner, compiled
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque


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


COMPREHENSIONS: dict[type[ast.expr], Callable[[Any], Evaluate]] = {
    ast.ListComp: _list_comprehension,
    ast.SetComp: _set_comprehension,
    ast.DictComp: _dict_comprehension,
    ast.GeneratorExp: _generator,
}


__all__ = ["COMPREHENSIONS"]
