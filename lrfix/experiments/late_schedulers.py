"""For LR109: schedulers built after the optimizer's state was restored, with no state of their own. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.driving.fresh_schedulers import Fate, fate
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.sites.stock import WARMED_UP, given, stock_scheduler
from lrfix.sites.vocabulary import looks_like_optimizer, names_position
from lrfix.trees import walk

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


def built_late(study: Study) -> Iterator[Violation]:
    """One violation a scheduler that counts from 0 in a run whose optimizer and epoch come from a checkpoint."""
    loads = [n for n in study.names.nodes if isinstance(n, ast.Call) and _loads_optimizer(n)]
    if not loads:
        return
    for node in study.names.nodes:
        base = stock_scheduler(study.names, node) if isinstance(node, ast.Call) else None
        # A plateau keeps the restored rate and counts no steps; what multiplies by one factor goes on as before.
        does = fate("LambdaLR" if base in WARMED_UP else base or "", built_first=False)
        if not isinstance(node, ast.Call) or does not in (Fate.ANEW, Fate.RECOUNTED):
            continue
        arguments = given(study.names, node)
        optimizer, held = arguments.get("optimizer"), _held(study, node)
        if optimizer is None or held is None or "last_epoch" in arguments:
            continue
        load = next(
            (c for c in loads if _comes_before(study, c, node) and _receiver(c) == ast.unparse(optimizer)), None
        )
        goes_on = _restored_position(study, load) if load is not None else None
        if load is None or goes_on is None or _mentions(node, goes_on):
            continue
        count = _count(study, held, goes_on)
        if count == "left" and does is Fate.ANEW:
            why = "every resumed run begins the schedule again"
        elif count == "left":
            why = "every resumed run takes the restored rate for the schedule's beginning"
        elif count == "moved" and does is Fate.ANEW and _steps_once_an_epoch(study, held):
            why = (
                "its constructor writes the first rate of the schedule over the restored one, and setting "
                "`last_epoch` does not change that: the first epoch of a resumed run has the rate of epoch 0. Build "
                f"`{held}` before the optimizer's state is loaded"
            )
        else:
            continue
        yield Violation(
            study.span(node),
            f"`{_receiver(load)}` has got its state back (line {load.lineno}) and training goes on at `{goes_on}`, but "
            f"`{held}` is built here and counts from 0: {why}."
            + (f" Save and load `{held}.state_dict()`." if count == "left" else ""),
        )


def _loads_optimizer(node: ast.Call) -> bool:
    return (
        isinstance(node.func, ast.Attribute)
        and node.func.attr == "load_state_dict"
        and looks_like_optimizer(node.func.value)
    )


def _receiver(call: ast.Call) -> str:
    return ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def _held(study: Study, call: ast.Call) -> str | None:
    """The name that the scheduler is kept under."""
    statement = study.names.statement_of(call)
    if isinstance(statement, ast.Assign) and statement.value is call and len(statement.targets) == 1:
        target = statement.targets[0]
        return ast.unparse(target) if isinstance(target, ast.Name | ast.Attribute) else None
    return None


def _comes_before(study: Study, load: ast.Call, built: ast.Call) -> bool:
    """Whether one run of their function may load first and build afterwards, not in another branch nor turn."""
    if study.names.enclosing(load, _FUNCTIONS) is not study.names.enclosing(built, _FUNCTIONS):
        return False
    if load.lineno >= built.lineno:
        return False
    around = set(study.names.ancestors(load))
    inner: ast.AST = built
    for node in study.names.ancestors(built):
        if node in around:
            if isinstance(node, _LOOPS):
                return False
            return not isinstance(node, ast.If | ast.Try) or _side(node, load, study) == _side(node, inner, study)
        if isinstance(node, ast.If | ast.Try) and inner not in node.body:
            return False
        inner = node
    return True


def _side(node: ast.If | ast.Try, inner: ast.AST, study: Study) -> str | None:
    chain = {inner, *study.names.ancestors(inner)}
    return next((f for f in ("body", "orelse", "finalbody") if any(s in chain for s in getattr(node, f, []))), None)


def _restored_position(study: Study, load: ast.Call) -> str | None:
    """The name of the epoch or step that the same function takes from the checkpoint."""
    function = study.names.enclosing(load, _FUNCTIONS) or study.names.tree
    given = load.args[0] if load.args else None
    checkpoint = ast.unparse(given.value) if isinstance(given, ast.Subscript) else None
    for n in walk(function):
        if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name | ast.Attribute):
            for part in walk(n.value):
                if not isinstance(part, ast.Subscript) or not isinstance(part.slice, ast.Constant):
                    continue
                key, held = part.slice.value, checkpoint in (None, ast.unparse(part.value))
                if isinstance(key, str) and names_position(key) and held:
                    return ast.unparse(n.targets[0])
    return None


def _mentions(node: ast.AST, text: str) -> bool:
    return any(isinstance(n, ast.Name | ast.Attribute) and ast.unparse(n) == text for n in walk(node))


def _count(study: Study, held: str, goes_on: str) -> str | None:
    """What becomes of the scheduler's count: ``left`` at 0, ``moved`` by hand, or None where someone may restore it."""
    count = "left"
    stepped = False
    for node in study.names.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if "load" in node.func.attr and "sched" in _receiver(node).lower():
                return None
            if ast.unparse(node.func.value) == held:
                if node.func.attr != "step" and node.func.attr not in ("get_last_lr", "get_lr", "state_dict"):
                    return None
                if node.func.attr == "step" and (node.args or node.keywords or _forwards(study, node, goes_on)):
                    return None
                stepped |= node.func.attr == "step"
        if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) == held:
            user = study.names.parents.get(node)
            if isinstance(user, ast.Attribute) and isinstance(user.ctx, ast.Store):
                if user.attr != "last_epoch":
                    return None
                count = "moved"
            elif not isinstance(user, ast.Attribute | ast.Assign | ast.Compare | ast.If) and not _read_only(node, user):
                return None
    return count if stepped else None


def _read_only(node: ast.AST, user: ast.AST | None) -> bool:
    return isinstance(user, ast.FormattedValue | ast.Expr)


def _forwards(study: Study, step: ast.Call, goes_on: str) -> bool:
    """Whether a step stands in a loop that only makes up for the epochs before, or under a test of its own."""
    loop = study.names.enclosing(step, _LOOPS)
    return not isinstance(loop, ast.For) or not any(
        isinstance(n, ast.Call) and n is not step for s in loop.body for n in walk(s)
    )


def _steps_once_an_epoch(study: Study, held: str) -> bool:
    """Whether every step stands directly in a loop over epochs."""
    steps = [
        n
        for n in study.names.nodes
        if isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr == "step"
        and _receiver(n) == held
    ]
    for step in steps:
        loop = study.names.enclosing(step, _LOOPS)
        if not isinstance(loop, ast.For) or "epoch" not in ast.unparse(loop.target).lower():
            return False
    return bool(steps)


__all__ = ["built_late"]
