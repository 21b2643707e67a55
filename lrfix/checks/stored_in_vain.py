"""LR106 in code that uses schedules: settings written onto a scheduler of torch that it does not read again."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.names import Assigned, Names
from lrfix.sites.vocabulary import torch_scheduler

#: What a constructor takes and turns into something else, by class: the setting and what is read instead of it.
_TURNED: Mapping[str, Mapping[str, str]] = {
    "CosineAnnealingWarmRestarts": {"T_0": "T_i"},
    "CyclicLR": {
        "step_size_up": "total_size",
        "step_size_down": "step_ratio",
        "base_lr": "base_lrs",
        "max_lr": "max_lrs",
    },
    "LambdaLR": {"lr_lambda": "lr_lambdas"},
    "MultiplicativeLR": {"lr_lambda": "lr_lambdas"},
    "SequentialLR": {"milestones": "_milestones", "schedulers": "_schedulers"},
    "ChainedScheduler": {"schedulers": "_schedulers"},
    "ReduceLROnPlateau": {"min_lr": "min_lrs"},
}
#: What ``step(epoch)`` reads and ``step()`` does not.
_OF_EPOCHS = frozenset({("CosineAnnealingWarmRestarts", "T_0")})


def stored_in_vain(study: Study) -> Iterator[Violation]:
    names = study.names
    for target in names.nodes:
        if not isinstance(target, ast.Attribute) or not isinstance(target.ctx, ast.Store):
            continue
        for cls in sorted(_classes(names, target.value)):
            instead = _TURNED.get(cls, {}).get(target.attr)
            if instead is None or _also_written(names, target, instead) or _read(names, target):
                continue
            told, bare = _steps(names, target.value)
            by_epochs = (cls, target.attr) in _OF_EPOCHS
            if by_epochs and told:
                continue
            statement = names.statement_of(target) or target
            read = f"{cls} reads `{instead}`, which its constructor made of it"
            if by_epochs:
                read = f"`step()` of {cls} counts with `{instead}`, and only `step(epoch)` reads it again"
            yield Violation(
                study.span(statement),
                f"`{ast.unparse(target)}` is set here and has no effect on what `step()` does: {read}.",
                advice=by_epochs and not bare,
            )


def _classes(names: Names, node: ast.expr) -> set[str]:
    """The torch classes an object is of: where the code asks for its class, or builds it."""
    text = ast.unparse(node)
    inner: ast.AST = node
    for outer in names.ancestors(node):
        if isinstance(outer, ast.If) and inner in outer.body:
            asked = {c for test in _conjuncts(outer.test) for c in _asked(names, test, text)}
            if asked:
                return asked
        inner = outer
    values = [
        n.value
        for n in names.nodes
        if isinstance(n, ast.Assign) and any(ast.unparse(target) == text for target in n.targets)
    ]
    if isinstance(node, ast.Name):
        bindings = names.bindings(node.id, node)
        values = [b.value for b in bindings if isinstance(b, Assigned) and not b.index]
        if len(values) < len(bindings):
            return set()
    built = {torch_scheduler(names, v.func) if isinstance(v, ast.Call) else None for v in values}
    return {c for c in built if c is not None} if len(built) == 1 else set()


def _conjuncts(test: ast.expr) -> list[ast.expr]:
    return test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]


def _asked(names: Names, test: ast.expr, text: str) -> Iterator[str]:
    if not isinstance(test, ast.Call) or ast.unparse(test.func) != "isinstance" or len(test.args) != 2:
        return
    if ast.unparse(test.args[0]) != text:
        return
    kinds = test.args[1].elts if isinstance(test.args[1], ast.Tuple) else [test.args[1]]
    known = [torch_scheduler(names, kind) for kind in kinds]
    yield from (c for c in known if c is not None and None not in known)


def _also_written(names: Names, target: ast.Attribute, instead: str) -> bool:
    """Whether the code also sets what is read (``scheduler.T_i``), on the same object."""
    text = ast.unparse(target.value)
    return any(
        isinstance(n, ast.Attribute)
        and n.attr == instead
        and isinstance(n.ctx, ast.Store)
        and ast.unparse(n.value) == text
        for n in names.nodes
    )


def _read(names: Names, target: ast.Attribute) -> bool:
    """Whether the file itself reads the setting somewhere else: then it may be kept for that."""
    statement = names.statement_of(target)
    return any(
        isinstance(n, ast.Attribute)
        and n.attr == target.attr
        and isinstance(n.ctx, ast.Load)
        and names.statement_of(n) is not statement
        for n in names.nodes
    )


def _steps(names: Names, receiver: ast.expr) -> tuple[bool, bool]:
    """Whether the file steps the object with an argument, and whether it does without one."""
    text = ast.unparse(receiver)
    calls = [
        n
        for n in names.nodes
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr == "step"
        if ast.unparse(n.func.value) == text
    ]
    told = any(call.args or call.keywords for call in calls)
    return told, bool(calls) and not told


__all__ = ["stored_in_vain"]
