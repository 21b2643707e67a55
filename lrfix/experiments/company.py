"""What else decides the rate of the optimizer that a schedule is on.

A schedule that reads the present rate goes on from whatever stands there; one that counts steps writes its own. The two
are the same only where nobody else writes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from lrfix.experiments.study import Study, usable
from lrfix.experiments.writes import is_rate_key
from lrfix.names import Defined, Names
from lrfix.sites.stock import stock_scheduler
from lrfix.sites.subclasses import SCHEDULE_METHODS, subclass_sites
from lrfix.sites.vocabulary import call_argument, optimizer_call, torch_scheduler
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
    if (seen := company_in_sight(study)) is not None:
        return seen
    if not any(use.optimizer_call is not None for use in study.uses) and not study.site.inline:
        return "no use of it shows an optimizer that is its alone"
    return None


def company_in_sight(study: Study) -> str | None:
    """Words for what else decides the rate; None where the file shows nothing that does."""
    other = next(_others(study), None)
    return f"line {getattr(other, 'lineno', 0)} decides the rate of an optimizer too" if other is not None else None


def leaning_company(study: Study) -> str | None:
    """Words for a scheduler on the same optimizer that goes on from the rate that it finds; None where there is none.

    Whatever this schedule writes, that one takes on, so only the two together could be compared.
    """
    for use in study.uses:
        names = use.names or study.names
        if use.optimizer is None:
            continue
        same, around = ast.unparse(use.optimizer), names.scope_of(use.call)
        for node in names.nodes:
            if not isinstance(node, ast.Call) or node is use.call or names.scope_of(node) is not around:
                continue
            given = [*node.args, *(k.value for k in node.keywords)]
            if same in map(ast.unparse, given) and (which := _goes_on(names, node, study.site.node)) is not None:
                return f"`{which}` at line {node.lineno} goes on from the rates that this schedule writes"
    return None


def _goes_on(names: Names, call: ast.Call, own: ast.AST) -> str | None:
    """The scheduler that a call builds, where it multiplies the present rate."""
    if torch_scheduler(names, call.func) == "MultiplicativeLR":
        return "MultiplicativeLR"
    for binding in names.bindings(call.func.id, call.func) if isinstance(call.func, ast.Name) else ():
        node = binding.node if isinstance(binding, Defined) else None
        if isinstance(node, ast.ClassDef) and node is not own and _reads_rate(names, node):
            return node.name
    return None


def _reads_rate(names: Names, node: ast.ClassDef) -> bool:
    """Whether a scheduler class works its rates out of those that stand in the groups."""
    rates = [m for m in node.body if isinstance(m, ast.FunctionDef) and m.name in SCHEDULE_METHODS]
    return any(is_rate_key(inner) and isinstance(inner.ctx, ast.Load) for method in rates for inner in walk(method))


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
        and not all(_one_or_the_other(names, node, use.call) for use in study.uses if use.names in (None, names))
        for node in names.nodes
    )


def _one_or_the_other(names: Names, one: ast.AST, other: ast.AST) -> bool:
    """Whether no call of a function comes to both: two branches, or a branch that returns and what follows it."""
    first, second = (list(reversed([node, *names.ancestors(node)])) for node in (one, other))
    depth = next((k for k, (a, b) in enumerate(zip(first, second, strict=False)) if a is not b), 0)
    around, branches = first[depth - 1], (first[depth:], second[depth:])
    if depth and isinstance(around, ast.If) and all(branches):
        inside = [branch[0] in around.body for branch in branches]
        if inside[0] != inside[1] and all(b[0] is not around.test for b in branches):
            return True
    # What comes first, in a branch of its own that returns, keeps the function from ever coming to the second.
    earlier = min(branches, key=lambda branch: getattr(branch[0], "lineno", 0) if branch else 0)
    return bool(earlier) and (
        isinstance(earlier[0], ast.Return)
        or any(
            isinstance(node, ast.If) and any(part in body and _leaves(body) for body in (node.body, node.orelse))
            for node, part in pairwise(earlier)
        )
    )


def _leaves(body: list[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Return | ast.Raise)


def _others(study: Study) -> Iterator[ast.AST]:
    """Schedulers that the file builds beside this one, and other lines that write a rate."""
    names = study.used_in
    own = {node for root in (*study.site.nodes, *study.site.writes) for node in walk(root)}
    own |= {use.call for use in study.uses}
    classes = {site.node for site in subclass_sites(study.source, names)} if names is study.names else set()
    for node in names.nodes:
        if node in own:
            continue
        builds = isinstance(node, ast.Call) and (
            torch_scheduler(names, node.func) or stock_scheduler(names, node) or _own_scheduler(names, node, classes)
        )
        if isinstance(node, ast.Call) and builds and (_instead(study, names, node) or _apart(study, names, node)):
            continue
        if builds or (is_rate_key(node) and isinstance(node.ctx, ast.Store)):
            yield node


def _instead(study: Study, names: Names, node: ast.AST) -> bool:
    """Whether a scheduler is built where this one is not: in the other branch, and in no loop that comes to both."""
    uses = [use for use in study.uses if use.names in (None, names)]
    looped = any(isinstance(around, ast.For | ast.While) for around in names.ancestors(node))
    return bool(uses) and not looped and all(_one_or_the_other(names, node, use.call) for use in uses)


def _apart(study: Study, names: Names, call: ast.Call) -> bool:
    """Whether a scheduler is built on an optimizer of torch's that is built in sight, as every one of this one's is."""
    other = optimizer_call(names, call_argument(call, 0, "optimizer"))
    own = [use.optimizer_call for use in study.uses if use.names in (None, names)]
    if other is None or other in own or not own or not _is_torchs(names, other):
        return False
    return all(call is not None and _is_torchs(names, call) for call in own)


def _is_torchs(names: Names, call: ast.Call) -> bool:
    return any(qualified.startswith("torch.optim.") for qualified in names.qualified(call.func))


def _own_scheduler(names: Names, call: ast.Call, classes: set[ast.AST]) -> bool:
    """Whether a call builds a scheduler class of the file itself."""
    bindings = names.bindings(call.func.id, call.func) if isinstance(call.func, ast.Name) else ()
    return any(isinstance(binding, Defined) and binding.node in classes for binding in bindings)


__all__ = ["company", "company_in_sight", "in_company", "leaning_company", "leans_on_present_rate"]
