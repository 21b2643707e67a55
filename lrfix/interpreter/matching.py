"""``match``: a subject held against patterns, compiled once like every statement."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from lrfix.interpreter.compilation import NORMAL, Execute, Machine, block, compiled
from lrfix.interpreter.environment import Environment
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.values import MISSING, ClassValue, Instance, Unknown

#: Whether a value fits; the names that a pattern binds are collected in the dictionary.
Fits = Callable[[Machine, Environment, Any, dict[str, Any]], bool]
_PLAIN_CLASSES = (bool, bytes, dict, float, int, list, set, str, tuple)


def match_statement(node: ast.Match) -> Execute:
    subject = compiled(node.subject)
    cases = [
        (_pattern(case.pattern), compiled(case.guard) if case.guard is not None else None, block(case.body))
        for case in node.cases
    ]

    def run(machine: Machine, environment: Environment) -> Any:
        value = subject(machine, environment)
        for fits, guard, body in cases:
            bound: dict[str, Any] = {}
            if not fits(machine, environment, value, bound):
                continue
            environment.variables.update(bound)
            if guard is None or machine.truth(guard(machine, environment), node):
                return body(machine, environment)
        return NORMAL

    return run


def _pattern(node: ast.pattern) -> Fits:
    if isinstance(node, ast.MatchValue):
        return _value(node)
    if isinstance(node, ast.MatchSingleton):
        return _singleton(node)
    if isinstance(node, ast.MatchAs):
        return _capture(node)
    if isinstance(node, ast.MatchOr):
        return _either(node)
    if isinstance(node, ast.MatchSequence):
        return _sequence(node)
    if isinstance(node, ast.MatchMapping):
        return _mapping(node)
    if isinstance(node, ast.MatchClass):
        return _class(node)

    def refused(machine: Machine, environment: Environment, value: Any, bound: dict[str, Any]) -> bool:
        raise Opaque(f"uses {type(node).__name__}, which lrfix does not simulate", node)

    return refused


def _value(node: ast.MatchValue) -> Fits:
    wanted = compiled(node.value)

    def fits(machine: Machine, environment: Environment, value: Any, bound: dict[str, Any]) -> bool:
        same = machine.compare(operator.eq, value, wanted(machine, environment), "__eq__", node)
        return bool(machine.truth(same, node))

    return fits


def _singleton(node: ast.MatchSingleton) -> Fits:
    wanted = "identity" if node.value is None else "any"

    def fits(machine: Machine, environment: Environment, value: Any, bound: dict[str, Any]) -> bool:
        return machine.concrete(value, node, wanted) is node.value

    return fits


def _capture(node: ast.MatchAs) -> Fits:
    inner = _pattern(node.pattern) if node.pattern is not None else None

    def fits(machine: Machine, environment: Environment, value: Any, bound: dict[str, Any]) -> bool:
        if inner is not None and not inner(machine, environment, value, bound):
            return False
        if node.name is not None:
            bound[node.name] = value
        return True

    return fits


def _either(node: ast.MatchOr) -> Fits:
    parts = [_pattern(part) for part in node.patterns]
    return lambda machine, environment, value, bound: any(part(machine, environment, value, bound) for part in parts)


def _sequence(node: ast.MatchSequence) -> Fits:
    starred = next((i for i, part in enumerate(node.patterns) if isinstance(part, ast.MatchStar)), None)
    parts = [None if isinstance(part, ast.MatchStar) else _pattern(part) for part in node.patterns]

    def fits(machine: Machine, environment: Environment, value: Any, bound: dict[str, Any]) -> bool:
        values = machine.concrete(value, node, "iterable")
        if not isinstance(values, list | tuple):
            return False
        after = 0 if starred is None else len(parts) - starred - 1
        if len(values) < len(parts) - 1 or (starred is None and len(values) != len(parts)):
            return False
        if starred is not None:
            end = len(values) - after
            rest = node.patterns[starred]
            if isinstance(rest, ast.MatchStar) and rest.name is not None:
                bound[rest.name] = list(values[starred:end])
            values = [*values[:starred], None, *values[end:]]
        return all(
            part is None or part(machine, environment, item, bound) for part, item in zip(parts, values, strict=True)
        )

    return fits


def _mapping(node: ast.MatchMapping) -> Fits:
    entries = [(compiled(key), _pattern(part)) for key, part in zip(node.keys, node.patterns, strict=True)]

    def fits(machine: Machine, environment: Environment, value: Any, bound: dict[str, Any]) -> bool:
        if isinstance(value, Unknown):
            raise Opaque(f"takes `{value.path}` apart, which this file does not fix", node)
        if not isinstance(value, dict):
            return False
        left = dict(value)
        for key, part in entries:
            found = left.pop(key(machine, environment), MISSING)
            if found is MISSING or not part(machine, environment, found, bound):
                return False
        if node.rest is not None:
            bound[node.rest] = left
        return True

    return fits


def _class(node: ast.MatchClass) -> Fits:
    cls = compiled(node.cls)
    positional = [_pattern(part) for part in node.patterns]
    named = [(name, _pattern(part)) for name, part in zip(node.kwd_attrs, node.kwd_patterns, strict=True)]

    def fits(machine: Machine, environment: Environment, value: Any, bound: dict[str, Any]) -> bool:
        kind = cls(machine, environment)
        if isinstance(kind, Unknown):
            raise Opaque(f"matches the class `{kind.path}`, which lrfix cannot see", node)
        value = machine.concrete(value, node, "any")
        if isinstance(kind, ClassValue):
            if not isinstance(value, Instance) or not value.cls.derives(kind):
                return False
            order = kind.find("__match_args__")
            if positional and not isinstance(order, tuple | list):
                raise Opaque(f"matches `{kind.name}` by position", node)
            given = [(order[i], part) for i, part in enumerate(positional)] + named
            return all(part(machine, environment, _member(machine, value, name, node), bound) for name, part in given)
        if kind not in _PLAIN_CLASSES or named or len(positional) > 1:
            raise Opaque(f"matches `{ast.unparse(node.cls)}`, which lrfix does not simulate", node)
        return isinstance(value, kind) and all(part(machine, environment, value, bound) for part in positional)

    return fits


def _member(machine: Machine, value: Instance, name: str, node: ast.AST) -> Any:
    try:
        return machine.attribute(value, name, node)
    except UserError as error:
        if error.kind == "AttributeError":
            return MISSING
        raise


__all__ = ["match_statement"]
