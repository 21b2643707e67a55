"""For LR202: a warmup of the loop's own that hands over to a scheduler of torch in the middle. No rules here."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

from lrfix.domains.roles import Role, role_of
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.sites.stock import given, stock_scheduler
from lrfix.sites.vocabulary import names_position

_LENGTHS = {"CosineAnnealingLR": "T_max", "PolynomialLR": "total_iters"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_WARMUPS = (Role.WARMUP, Role.WARMUP_EPOCHS)
_SHARE = 0.2


def handed_over_late(study: Study) -> Iterator[Violation]:
    """``if step < warmup: lr = base * step / warmup`` and ``else: scheduler.step(step)``, the cosine over the whole."""
    for node in study.names.nodes:
        if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare) or not node.orelse:
            continue
        step, warmup = node.test.left, node.test.comparators[0]
        if not isinstance(node.test.ops[0], ast.Lt | ast.LtE) or not _is_ramp(node.body, step, warmup):
            continue
        for call in (n for s in node.orelse for n in ast.walk(s)):
            if not isinstance(call, ast.Call) or not _steps_to(call, step):
                continue
            assert isinstance(call.func, ast.Attribute)
            decay = _decay(study, call.func.value, ast.unparse(warmup))
            if decay is not None:
                drop = 1 - 0.5 * (1 + math.cos(math.pi * _SHARE)) if decay == "CosineAnnealingLR" else _SHARE
                yield Violation(
                    study.span(study.names.statement_of(call) or call),
                    f"The warmup ends at its peak, and {decay} is asked for step `{ast.unparse(step)}`, counted from "
                    f"the beginning, of a length that holds the warmup: it goes on from its step "
                    f"`{ast.unparse(warmup)}`, below the peak. A warmup of a fifth of the run ends with a drop of "
                    f"{100 * drop:.1f} %. Subtract the warmup from both.",
                    advice=True,
                )
                return


def _is_ramp(body: list[ast.stmt], step: ast.expr, warmup: ast.expr) -> bool:
    """Whether a branch writes the rate and divides by the warmup that its test is about."""
    text, counted = ast.unparse(warmup), ast.unparse(step)
    if role_of(text) not in _WARMUPS or not names_position(counted.rpartition(".")[2]):
        return False
    inside = [n for s in body for n in ast.walk(s)]
    writes = any(
        isinstance(n, ast.Subscript)
        and isinstance(n.ctx, ast.Store)
        and isinstance(n.slice, ast.Constant)
        and n.slice.value == "lr"
        for n in inside
    )
    divides = any(
        isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div) and text in ast.unparse(n.right) for n in inside
    )
    return writes and divides and any(isinstance(n, ast.expr) and ast.unparse(n) == counted for n in inside)


def _steps_to(call: ast.Call, step: ast.expr) -> bool:
    named = isinstance(call.func, ast.Attribute) and call.func.attr == "step" and len(call.args) == 1
    return named and not call.keywords and ast.unparse(call.args[0]) == ast.unparse(step)


def _decay(study: Study, stepped: ast.expr, warmup: str) -> str | None:
    """The class of torch that a name holds everywhere in the file, where its length does not leave out the warmup.

    A scheduler that is built in the same function is run with the loop, and its curve tells.
    """
    found: set[str | None] = set()
    scheduler = ast.unparse(stepped)
    for node in study.names.nodes:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        if scheduler not in {ast.unparse(target) for target in node.targets}:
            continue
        stock = stock_scheduler(study.names, node.value)
        length = given(study.names, node.value).get(_LENGTHS.get(stock or "", ""))
        if stock in _LENGTHS and length is not None:
            subtracts = any(isinstance(n, ast.Sub) for n in ast.walk(length))
            together = study.names.enclosing(node, _FUNCTIONS) is study.names.enclosing(stepped, _FUNCTIONS)
            spoken = ast.unparse(length)
            found.add(None if subtracts or together or "warm" in spoken or warmup in spoken else stock)
    return found.pop() if len(found) == 1 else None


__all__ = ["handed_over_late"]
