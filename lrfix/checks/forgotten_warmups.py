"""For LR106: a branch of a factory that takes the warmup off its length and does not warm up. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.roles import Role, role_of
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.sites.stock import given, stock_scheduler
from lrfix.sites.vocabulary import words

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LENGTHS = {"CosineAnnealingLR": "T_max", "PolynomialLR": "total_iters"}
_COMPOSERS = frozenset({"SequentialLR", "ChainedScheduler"})


def forgotten_warmup(study: Study) -> Iterator[Violation]:
    """``return CosineAnnealingLR(optimizer, total - warmup)`` beside a branch that warms up by itself."""
    names = study.names
    for call in names.nodes:
        statement = names.parents.get(call)
        if not isinstance(call, ast.Call) or not isinstance(statement, ast.Return):
            continue
        stock = stock_scheduler(names, call)
        length = given(names, call).get(_LENGTHS.get(stock or "", ""))
        function, branch = names.enclosing(call, _FUNCTIONS), names.parents.get(statement)
        warmup = _taken_off(length)
        if warmup is None or length is None or not isinstance(function, _FUNCTIONS) or not isinstance(branch, ast.If):
            continue
        around = branch.body if statement in branch.body else branch.orelse
        inside = {n for s in around for n in ast.walk(s)}
        if _warms_up(inside - set(ast.walk(length)), warmup) or _joined(study):
            continue
        ramps = [
            n
            for n in ast.walk(function)
            if isinstance(n, (*_FUNCTIONS, ast.Lambda)) and n not in inside and n is not function
        ]
        sibling = next((r for r in ramps if warmup in {ast.unparse(n) for n in ast.walk(r) if _plain(n)}), None)
        if sibling is not None:
            yield Violation(
                study.span(statement),
                f"`{warmup}` is taken off the length of {stock} here, and nothing warms up in this branch, as line "
                f"{sibling.lineno} does in another: `{warmup}` has no effect but that the schedule ends too early, and "
                "goes on past its end.",
            )


def _taken_off(length: ast.expr | None) -> str | None:
    """The warmup in ``total - warmup``."""
    if not isinstance(length, ast.BinOp) or not isinstance(length.op, ast.Sub):
        return None
    warmup = ast.unparse(length.right)
    return warmup if _plain(length.right) and role_of(warmup) in (Role.WARMUP, Role.WARMUP_EPOCHS) else None


def _plain(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute)


def _warms_up(nodes: set[ast.AST], warmup: str) -> bool:
    return any(
        (_plain(n) and ast.unparse(n) == warmup)
        or (isinstance(n, ast.Call) and {"warmup", "warm"} & set(words(ast.unparse(n.func))))
        for n in nodes
    )


def _joined(study: Study) -> bool:
    """Whether the file puts schedulers together, so that the warmup may come from elsewhere."""
    return any(
        isinstance(n, ast.Call) and (stock_scheduler(study.names, n) in _COMPOSERS or _named_warmup(n.func))
        for n in study.names.nodes
    )


def _named_warmup(node: ast.expr) -> bool:
    last = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return bool({"warmup", "warm"} & set(words(last)))


__all__ = ["forgotten_warmup"]
