"""Functions that know some settings alone: ``if kind == "cos": ... elif kind == "poly": ...``, and no others."""

from __future__ import annotations

import ast

from lrfix.domains.clock import tick_of
from lrfix.names import Names
from lrfix.trees import walk

_KNOWN = ast.Constant | ast.List | ast.Tuple | ast.Set | ast.Dict | ast.Subscript | ast.Attribute | ast.Name


def knows_some_alone(names: Names, function: ast.AST, variable: str | None = None) -> bool:
    """Whether a function returns a value, or assigns a variable, only where a setting is one of those that it names.

    What becomes of others it leaves to whoever gives them: the position of training is no setting.
    """
    given = [n for n in walk(function) if _gives(n, variable)]
    return bool(given) and all(any(_asked(names, n, around) for around in names.ancestors(n)) for n in given)


def _gives(node: ast.AST, variable: str | None) -> bool:
    if variable is None:
        return isinstance(node, ast.Return) and node.value is not None
    return isinstance(node, ast.Name) and node.id == variable and isinstance(node.ctx, ast.Store)


def _asked(names: Names, node: ast.AST, around: ast.AST) -> bool:
    """Whether a statement stands in the branch of a test, and not in what is left over, that asks for a setting."""
    if isinstance(around, ast.match_case):
        return not isinstance(around.pattern, ast.MatchAs)
    if not isinstance(around, ast.If) or not _asks_for_a_setting(around.test):
        return False
    path = {node, *names.ancestors(node)}
    return any(statement in path for statement in around.body)


def _asks_for_a_setting(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp):
        asks = [_asks_for_a_setting(value) for value in test.values]
        return all(asks) if isinstance(test.op, ast.Or) else any(asks)
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq | ast.In | ast.Is):
        return False
    asked, known = test.left, test.comparators[0]
    if isinstance(asked, ast.Constant):
        asked, known = known, asked
    plain = isinstance(known, _KNOWN)
    setting = isinstance(asked, ast.Name | ast.Attribute | ast.Subscript | ast.Call)
    return plain and setting and tick_of(ast.unparse(asked)) is None


__all__ = ["knows_some_alone"]
