"""Schedulers that are built and kept nowhere, so that nothing can step them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.study import Study
from lrfix.sites.stock import stock_scheduler
from lrfix.sites.vocabulary import called_name, looks_like_optimizer

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_WARMUPS = "pytorch_warmup."


def discarded(study: Study) -> Iterator[tuple[ast.AST, ast.Call, ast.expr]]:
    """Statement, call and optimizer of ``LinearWarmup(optimizer, warmup_period=n)`` as a statement of its own."""
    for node in study.names.nodes:
        call = node.value if isinstance(node, ast.Expr) else None
        if not isinstance(call, ast.Call) or not _builds(study, call) or _expected_to_fail(study, node):
            continue
        optimizer = next((a for a in (*call.args, *(k.value for k in call.keywords)) if looks_like_optimizer(a)), None)
        if optimizer is not None:
            yield node, call, optimizer


def _builds(study: Study, call: ast.Call) -> bool:
    if stock_scheduler(study.names, call) is not None:
        return True
    qualified = study.names.qualified(call.func)
    return called_name(call).endswith("Warmup") and any(name.startswith(_WARMUPS) for name in qualified)


def _expected_to_fail(study: Study, node: ast.AST) -> bool:
    """Whether the object is built for what its constructor does: in a test, or where it may raise."""
    for outer in study.names.ancestors(node):
        if isinstance(outer, ast.With | ast.AsyncWith | ast.Try):
            return True
        if isinstance(outer, _FUNCTIONS) and outer.name.lower().startswith(("test", "_test")):
            return True
        if isinstance(outer, ast.ClassDef) and outer.name.startswith("Test"):
            return True
    return False


__all__ = ["discarded"]
