"""A ``match`` on constants as the chain of branches that it stands for, so that it is decided as they are."""

from __future__ import annotations

import ast

_CHAIN = "lrfix_branches"


def as_branches(node: ast.Match) -> ast.If | None:
    """``if subject == constant: ... elif ...``; None for other patterns, and for a subject that acts."""
    if _CHAIN not in node.__dict__:
        node.__dict__[_CHAIN] = _chain(node)
    chain: ast.If | None = node.__dict__[_CHAIN]
    return chain


def _chain(node: ast.Match) -> ast.If | None:
    if any(isinstance(inner, ast.Call | ast.Await | ast.NamedExpr) for inner in ast.walk(node.subject)):
        return None
    rest: list[ast.stmt] = []
    for case in reversed(node.cases):
        constants = _constants(case.pattern)
        if constants is None:
            return None
        if not constants:
            if case.guard is not None or rest:
                return None
            rest = case.body
            continue
        test: ast.expr = ast.Compare(node.subject, [ast.In()], [ast.Tuple(constants, ast.Load())])
        if case.guard is not None:
            test = ast.BoolOp(ast.And(), [test, case.guard])
        branch = ast.copy_location(ast.If(test, case.body, rest), case.pattern)
        rest = [ast.fix_missing_locations(branch)]
    first = rest[0] if rest else None
    return first if isinstance(first, ast.If) and first.body is node.cases[0].body else None


def _constants(pattern: ast.pattern) -> list[ast.expr] | None:
    """What a pattern compares with; nothing for one that takes everything, None for one that does more."""
    if isinstance(pattern, ast.MatchValue):
        return [pattern.value]
    if isinstance(pattern, ast.MatchSingleton):
        return [ast.Constant(pattern.value)]
    if isinstance(pattern, ast.MatchOr):
        parts = [_constants(part) for part in pattern.patterns]
        return [value for part in parts for value in part or ()] if all(parts) else None
    if isinstance(pattern, ast.MatchAs) and pattern.pattern is None and pattern.name is None:
        return []
    return None


__all__ = ["as_branches"]
