"""What else decides the rate of the optimizer that a schedule is on.

A schedule that reads the present rate goes on from whatever stands there; one that counts steps writes its own. The two
are the same only where nobody else writes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.study import Study, usable
from lrfix.sites.stock import stock_scheduler
from lrfix.sites.vocabulary import torch_scheduler
from lrfix.trees import walk

_STEPS = 120
_MEDDLED = (2, 40)


def leans_on_present_rate(study: Study) -> bool:
    """Whether the rates that follow are others once somebody else has halved the present one."""
    plain = study.run(0, use=study.described_by, steps=_STEPS)
    for step in _MEDDLED:
        other = study.run(0, use=study.described_by, steps=_STEPS, meddled=step)
        if usable(plain) and usable(other) and plain.curve[step + 1 :] != other.curve[step + 1 :]:
            return True
    return False


def company(study: Study) -> str | None:
    """Words for what else decides the rate, or for why nothing shows that the schedule is alone; None where it is."""
    other = next(_others(study), None)
    if other is not None:
        return f"line {getattr(other, 'lineno', 0)} decides the rate of an optimizer too"
    if not any(use.optimizer_call is not None for use in study.uses) and not study.site.inline:
        return "no use of it shows an optimizer that is its alone"
    return None


def in_company(study: Study) -> bool:
    """Whether a function that builds the schedule builds another scheduler too, which may set what this one finds."""
    names = study.used_in
    own = {node for use in study.uses for node in walk(use.call)}
    around = {names.scope_of(use.call) for use in study.uses if use.names in (None, names)}
    return any(
        isinstance(node, ast.Call)
        and node not in own
        and stock_scheduler(names, node) is not None
        and names.scope_of(node) in around
        for node in names.nodes
    )


def _others(study: Study) -> Iterator[ast.AST]:
    """Schedulers that the file builds beside this one, and other lines that write a rate."""
    names = study.used_in
    own = {node for root in (*study.site.nodes, *study.site.writes) for node in walk(root)}
    own |= {use.call for use in study.uses}
    for node in names.nodes:
        if node in own:
            continue
        builds = isinstance(node, ast.Call) and (torch_scheduler(names, node.func) or stock_scheduler(names, node))
        if builds or _writes_rate(node):
            yield node


def _writes_rate(node: ast.AST) -> bool:
    key = node.slice if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) else None
    return isinstance(key, ast.Constant) and key.value == "lr"


__all__ = ["company", "in_company", "leans_on_present_rate"]
