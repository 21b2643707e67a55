"""What would satisfy a guard that refused a setting: ``assert start == end``, ``if steps is None: raise ...``.

A scenario draws its values one by one; the code may ask for more of them together. Each proposal changes one value.
"""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator, Mapping

from lrfix.domains.clock import first_of, tick_of
from lrfix.domains.facts import literal
from lrfix.domains.roles import LENGTHS, Role, last_word, role_of
from lrfix.domains.scenarios import Same, Scenario
from lrfix.finite import finite
from lrfix.names import Names
from lrfix.trees import walk

# What an `assert` asks of the count, and what the `if` in front of a `raise` refuses.
_FROM_ONE = {(ast.Gt, 0), (ast.GtE, 1), (ast.NotEq, 0), (ast.LtE, 0), (ast.Lt, 1), (ast.Eq, 0)}


def proposals(
    names: Names,
    failed: ast.AST | None,
    leaves: Mapping[str, object],
    parameters: Mapping[str, ast.expr | None],
    settled: Container[str] = (),
) -> Iterator[tuple[str, object]]:
    """Path and value of each change worth trying after the statement ``failed`` refused ``leaves``.

    ``parameters`` are those of the definition with their defaults: one that is None by default may be asked for.
    What is ``settled`` already stays.
    """
    test = _test(names, failed)
    if test is None:
        return
    paths = {last_word(path): path for path in leaves}
    for node in walk(test):
        if not isinstance(node, ast.Compare):
            continue
        yield from _counts_from_one(node)
        values = [part for value in (node.left, *node.comparators) for part in _terms(value)]
        yield from _of_equal_length(values, leaves, paths, parameters)
        yield from _missing(values, parameters)
        known = [paths[word] for value in values if (word := last_word(ast.unparse(value))) in paths]
        known = [path for path in known if path not in settled]
        if len(known) == 2:
            apart = 2 if any(isinstance(op, ast.Gt | ast.Lt | ast.NotEq) for op in node.ops) else 1
            yield known[0], Same(known[1], apart)
            yield known[1], Same(known[0], apart)
        constants = [c for value in values if finite(c := literal(value)) is not None and isinstance(c, int | float)]
        for path in known:
            if len(set(constants)) == 2:
                yield path, _between(min(constants), max(constants))
            for constant in constants:
                yield from ((path, near) for near in (constant, constant + 1, constant - 1, constant / 2))


def _terms(value: ast.expr) -> list[ast.expr]:
    """The two sides of a difference, ``assert (total - start) > 0``; any other expression as it is."""
    return [value.left, value.right] if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub) else [value]


def _between(low: float, high: float) -> float:
    """A value inside ``low <= share < high``, which says more than the end that switches something off."""
    return (low + high) // 2 if isinstance(low, int) and isinstance(high, int) and high - low > 1 else (low + high) / 2


def _counts_from_one(node: ast.Compare) -> Iterator[tuple[str, object]]:
    """``assert epoch > 0``: epochs are numbered from 1."""
    tick = tick_of(ast.unparse(node.left)) if isinstance(node.left, ast.Name | ast.Attribute) else None
    bound = finite(literal(node.comparators[0]))
    if tick is not None and (type(node.ops[0]), bound) in _FROM_ONE:
        yield first_of(tick), 1


def about_groups(names: Names, failed: ast.AST | None) -> bool:
    """Whether the guard counts the optimizer's parameter groups."""
    test = _test(names, failed)
    return test is not None and "param_groups" in ast.unparse(test)


def _of_equal_length(
    values: list[ast.expr],
    leaves: Mapping[str, object],
    paths: Mapping[str, str],
    parameters: Mapping[str, ast.expr | None],
) -> Iterator[tuple[str, object]]:
    """As many elements, or one each, where the guard compares ``len(periods)`` with ``len(weights)``."""
    measured = [
        last_word(ast.unparse(value.args[0]))
        for value in values
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "len" and value.args
    ]
    wanted = [len(known) for word in measured if isinstance(known := leaves.get(paths.get(word, "")), list)]
    for name, default in parameters.items():
        given = literal(default)
        if last_word(name) in measured and isinstance(given, list | tuple) and len(given) == 1 and wanted:
            yield name, list(given) * max(wanted)
    for value in values:
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "len" and value.args:
            path = paths.get(last_word(ast.unparse(value.args[0])))
            known = leaves.get(path) if path is not None else None
            if path is not None and isinstance(known, list) and len(known) > 1:
                yield path, known[:1]


def _missing(values: list[ast.expr], parameters: Mapping[str, ast.expr | None]) -> Iterator[tuple[str, object]]:
    if not any(isinstance(value, ast.Constant) and value.value is None for value in values):
        return
    for value in values:
        word = last_word(ast.unparse(value))
        for name, default in parameters.items():
            is_none = isinstance(default, ast.Constant) and default.value is None
            if is_none and last_word(name) == word and role_of(name) is not Role.UNKNOWN:
                plain = Scenario(0).value(name)
                # What is optional is a part of the whole, unless it is the whole.
                part = isinstance(plain, int) and role_of(name) in LENGTHS - {Role.HORIZON, Role.EPOCHS}
                yield name, plain // 3 if part and isinstance(plain, int) else plain


def _test(names: Names, failed: ast.AST | None) -> ast.expr | None:
    """The condition of an ``assert``, or of the ``if`` around a ``raise``."""
    statement = names.statement_of(failed) if failed is not None else None
    if isinstance(statement, ast.Assert):
        return statement.test
    outer = names.parents.get(statement) if isinstance(statement, ast.Raise) else None
    return outer.test if isinstance(outer, ast.If) else None


__all__ = ["about_groups", "proposals"]
