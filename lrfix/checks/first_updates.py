"""For LR203: a warmup in the training loop that begins after the first update. No rules here."""

from __future__ import annotations

import ast

from lrfix.simulation.roles import Role, names_optimizer, role_of
from lrfix.study import Study

_WARMUPS = (Role.WARMUP, Role.WARMUP_EPOCHS)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


def update_before_warmup(study: Study) -> ast.Call | None:
    """The ``optimizer.step()`` that stands before an inline warmup in the same turn of the loop.

    None where the rate is also set before the loop, or anywhere else in the file.
    """
    if not study.site.inline or not study.site.writes or not study.runs:
        return None
    if not any(role_of(path) in _WARMUPS for path in study.runs[0].leaves) or not _alone(study):
        return None
    first = study.site.nodes[0]
    block = study.names.parents.get(first)
    if not any(isinstance(around, _LOOPS) for around in study.names.ancestors(first)):
        return None
    for field in ("body", "orelse"):
        statements = getattr(block, field, [])
        if first not in statements:
            continue
        for statement in statements[: statements.index(first)]:
            call = statement.value if isinstance(statement, ast.Expr) else None
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr == "step"
                and names_optimizer(ast.unparse(call.func.value).rpartition(".")[2])
            ):
                return call
    return None


def _alone(study: Study) -> bool:
    inside = {node for root in study.site.nodes for node in ast.walk(root)}
    return not any(
        isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value == "lr"
        and node not in inside
        for node in study.names.nodes
    )


__all__ = ["update_before_warmup"]
