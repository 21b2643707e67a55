"""For LR207: a schedule that is given the present rate where the base rate is due, step after step. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.roles import Role, role_of
from lrfix.domains.signatures import arguments_of
from lrfix.experiments.study import Study, all_real
from lrfix.findings import Violation
from lrfix.sites.vocabulary import GROUP_NAMES

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
#: A function that sets the rate on at least so many levels is a schedule; one that acts at milestones has fewer.
_LEVELS = 6


def compounded(study: Study) -> Iterator[Violation]:
    """``lr = get_lr(optimizer.param_groups[0]["lr"], step)``, written back to the groups in the same loop."""
    function = study.node
    if not isinstance(function, ast.FunctionDef) or not study.ran:
        return
    for call in study.names.nodes:
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != function.name:
            continue
        given = arguments_of(call, function)
        bases = [p for p, value in given.items() if role_of(p) in (Role.BASE_RATE, Role.PEAK) and _present_rate(value)]
        path = _leaf(study, bases[0]) if len(bases) == 1 and _written_back(study, call) else None
        if path is not None and _scales(study, path):
            run = study.runs[0]
            base = run.leaves[path]
            low = next(k for k, rate in enumerate(run.curve) if 0 < rate < 0.99 * max(run.curve))
            yield Violation(
                study.span(study.names.statement_of(call) or call),
                f"`{bases[0]}` is the base rate of `{function.name}` and is given the present rate, which this very "
                "loop writes: each step scales what the step before has scaled, and the factors pile up. For a base "
                f"rate of {base} step {low} is {run.curve[low]:.4g}; from there the schedule goes on as "
                "if that were its base. Keep the base rate, or read `initial_lr`.",
                study.evidence(run, sorted({0, 1, low, low + 1})),
            )
            return


def _present_rate(node: ast.expr) -> bool:
    """``optimizer.param_groups[0]["lr"]``, ``group["lr"]``."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Constant) or node.slice.value != "lr":
        return False
    holder = node.value.value if isinstance(node.value, ast.Subscript) else node.value
    if isinstance(holder, ast.Name):
        return holder.id in GROUP_NAMES
    return isinstance(holder, ast.Attribute) and holder.attr == "param_groups"


def _leaf(study: Study, base: str) -> str | None:
    """The free value that the base rate has: its own name, or the present rate that a call gives it."""
    leaves = study.runs[0].leaves
    return base if base in leaves else next((path for path in leaves if path.endswith(("['lr']", '["lr"]'))), None)


def _written_back(study: Study, call: ast.Call) -> bool:
    """Whether the loop around the call gives its result to the rate of a group, and nothing else does."""
    loops = [n for n in study.names.ancestors(call) if isinstance(n, _LOOPS)]
    statement = study.names.statement_of(call)
    if not loops or not isinstance(statement, ast.Assign) or statement.value is not call:
        return False
    results = {ast.unparse(target) for target in statement.targets}
    if any(_present_rate(target) for target in statement.targets):
        return True
    written = [
        (target, s.value)
        for s in ast.walk(loops[-1])
        if isinstance(s, ast.Assign)
        for target in s.targets
        if _present_rate(target)
    ]
    return len(written) == 1 and ast.unparse(written[0][1]) in results


def _scales(study: Study, base: str) -> bool:
    """Whether the function's curve is a schedule on many levels, and twice as high somewhere for twice the base."""
    for index, run in enumerate(study.runs):
        value = run.leaves.get(base)
        if not isinstance(value, int | float) or not all_real(run.curve):
            return False
        twice = study.run(index, overrides={base: 2 * value})
        if not twice.ran or not all_real(twice.curve) or len({round(rate, 12) for rate in run.curve}) < _LEVELS:
            return False
        pairs = list(zip(run.curve, twice.curve, strict=False))
        follows = [a > 0 and b > 1.5 * a for a, b in pairs if abs(a - value) > 1e-9 * value]
        if sum(follows) < _LEVELS or not any(0 < rate < value for rate in run.curve):
            return False
    return bool(study.runs)


__all__ = ["compounded"]
