"""LR203: the rate of the first update."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.checks.late_updates import late_wrappers, update_before
from lrfix.domains.roles import Role, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.phases import ramp_end
from lrfix.experiments.study import Study
from lrfix.experiments.training_loop import asked_per_epoch_only, steps_per_epoch_only
from lrfix.findings import Violation
from lrfix.registry import rule

_WARMUPS = (Role.WARMUP, Role.WARMUP_EPOCHS)


@rule("LR203", uses=True)
def first_step(study: Study) -> Iterator[Violation]:
    if study.site.form == "training":
        yield from _late_wrappers(study)
        return
    if not study.ran:
        return
    run = study.runs[0]
    late = _set_late(study)
    if late is not None and _is_warmup(study) and _alone(study) and _matters(study):
        place, update = late
        yield Violation(
            study.span(place),
            f"The warmup is set only after `{ast.unparse(update)}` in line {update.lineno}: the first update runs at "
            "the full rate that the optimizer was built with, which the warmup is there to prevent.",
        )
    elif study.everywhere(_starts_high):
        yield Violation(
            study.site.span,
            f"The first step runs at {run.curve[0]:.6g} before the warmup starts: step 1 has {run.curve[1]:.6g}, and "
            "the rate then climbs.",
            study.evidence(run, [0, 1, 2, 3]),
        )
    elif not study.everywhere(lambda run: len(run.curve) > 1 and run.curve[0] == 0 and run.curve[1] > 0):
        return
    elif steps_per_epoch_only(study) or asked_per_epoch_only(study):
        yield Violation(
            study.site.span,
            "The whole first epoch is trained with a learning rate of 0: the schedule is stepped once an epoch and "
            f"starts at 0; epoch 1 has {run.curve[1]:.6g}.",
            study.evidence(run, [0, 1, 2]),
        )
    elif late is None and study.site.form != "composition" and study.everywhere(_warms_up):
        ramp = _ramp(study)
        if ramp is None:
            return
        end = ramp_end(run.curve) or 1
        yield Violation(
            study.span(ramp),
            f"At step 0 this warmup gives a rate of exactly 0, at step 1 {run.curve[1]:.6g}: an update at step 0 "
            "changes nothing. Counted from 1, `(step + 1) / warmup`, it learns.",
            study.evidence(run, [0, 1, 2, end]),
            advice=True,
        )


def _late_wrappers(study: Study) -> Iterator[Violation]:
    for place, update in late_wrappers(study.names):
        yield Violation(
            study.span(place),
            f"The rate is set only after `{ast.unparse(update)}` in line {update.lineno}: unless the wrapper sets one "
            "as it is built, the first update runs at the rate that the optimizer inside was built with, not at the "
            "schedule's first.",
            advice=True,
        )


def _matters(study: Study) -> bool:
    """Whether the first rate of the schedule is another than that of the optimizer; inline code is taken as it is."""
    if study.site.inline:
        return True
    return study.everywhere(lambda run: _warms_up(run) and run.curve[0] < 0.5 * max(run.curve))


def _is_warmup(study: Study) -> bool:
    return any(role_of(path) in _WARMUPS for run in study.runs[:1] for path in (*run.leaves, *run.names))


def _warms_up(run: Run) -> bool:
    """Whether the curve climbs evenly to a peak that it holds or comes down from."""
    end = ramp_end(run.curve)
    return end is not None and end + 3 < len(run.curve) and run.curve[end + 3] <= run.curve[end] * 1.5


def _ramp(study: Study) -> ast.stmt | None:
    """The statement of the site that divides what is counted by the warmup's length."""
    found = []
    for root in study.site.nodes:
        for node in ast.walk(root):
            if (
                isinstance(node, ast.BinOp)
                and isinstance(node.op, ast.Div)
                and not isinstance(node.left, ast.Constant)
                and _is_length(node.right)
            ):
                statement = study.names.statement_of(node)
                if statement is not None and not hasattr(statement, "body") and _ran(study, statement, node):
                    found.append(statement)
    return min(found, key=lambda statement: statement.lineno, default=None)


def _is_length(node: ast.expr) -> bool:
    """``warmup``, ``max(1, warmup)``, ``float(warmup + 1)``, ``warmup_epochs * len(loader)``; no difference of two."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add | ast.Mult) and (_is_length(node.left) or _is_length(node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("max", "float", "int"):
        return any(_is_length(argument) for argument in node.args)
    return role_of(ast.unparse(node)) in _WARMUPS


def _ran(study: Study, statement: ast.stmt, node: ast.AST) -> bool:
    """Whether a statement ran in stepping; what a lambda divides stands in the statement that builds it."""
    if study.names.enclosing(node, ast.Lambda) is not None:
        return True
    traces = (study.runs[0].built, study.runs[0].stepped)
    owner = study.names.enclosing(statement, (ast.FunctionDef, ast.AsyncFunctionDef))
    if isinstance(owner, ast.FunctionDef) and owner.name == "__init__":
        return False
    return any(trace is not None and statement in trace.statements for trace in traces)


def _starts_high(run: Run) -> bool:
    curve = run.curve
    if len(curve) < 8 or not curve[0] > 0:
        return False
    end = ramp_end(curve[1:])
    return end is not None and curve[0] > 1.5 * curve[2] and curve[0] >= 0.9 * curve[end + 1]


def _set_late(study: Study) -> tuple[ast.stmt, ast.Call] | None:
    """The statement that sets the rate after an ``optimizer.step()`` in the same turn of the loop, and that call."""
    if not study.site.writes and study.site.form != "setter":
        return None
    if study.site.inline:
        places: list[ast.AST | None] = [study.site.nodes[0]]
    elif study.site.form == "setter":
        places = [study.names.statement_of(call) for call in study.site.calls]
    else:
        return None
    late = [(p, update_before(study.names, p)) for p in places if isinstance(p, ast.stmt)]
    if len(late) != 1 or late[0][1] is None:
        return None
    return late[0][0], late[0][1]


def _alone(study: Study) -> bool:
    """Whether nothing else in the file sets the rate."""
    inside = {node for root in study.site.nodes for node in ast.walk(root)}
    return not any(
        isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value == "lr"
        and node not in inside
        for node in study.names.nodes
    )


__all__ = ["first_step"]
