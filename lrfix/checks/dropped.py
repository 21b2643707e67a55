"""For LR106: schedulers that are built and dropped in the same statement. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.sites.stock import stock_scheduler
from lrfix.sites.vocabulary import looks_like_optimizer

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_WARMUPS = "pytorch_warmup."


def dropped(study: Study) -> Iterator[Violation]:
    """``LinearWarmup(optimizer, warmup_period=n)`` as a statement: nobody holds the object, so nobody steps it."""
    for node in study.names.nodes:
        call = node.value if isinstance(node, ast.Expr) else None
        if not isinstance(call, ast.Call) or not _builds(study, call) or _expected_to_fail(study, node):
            continue
        optimizer = next((a for a in (*call.args, *(k.value for k in call.keywords)) if looks_like_optimizer(a)), None)
        if optimizer is not None:
            yield Violation(
                study.span(node),
                f"`{ast.unparse(call.func)}` is built here and kept nowhere: nothing can step it, and what it is given "
                f"has no effect on any step of `{ast.unparse(optimizer)}` after the first. Keep it in a variable, and "
                "step it.",
            )


def _builds(study: Study, call: ast.Call) -> bool:
    if stock_scheduler(study.names, call) is not None:
        return True
    last = (call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")) or ""
    return last.endswith("Warmup") and any(name.startswith(_WARMUPS) for name in study.names.qualified(call.func))


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


__all__ = ["dropped"]
