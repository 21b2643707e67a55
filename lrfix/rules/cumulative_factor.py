"""LR207: a factor of the whole schedule is applied to the current rate at every step, or a ratio to the base rate."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.roles import RATES, Role, role_of
from lrfix.domains.signatures import arguments_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.accumulation import parts_within_reach, piled_up
from lrfix.experiments.company import company_in_sight, in_company
from lrfix.experiments.structure import decay_span
from lrfix.experiments.study import MOST_USES, Study, all_real, constant
from lrfix.experiments.writes import is_rate_key
from lrfix.findings import Span, Violation
from lrfix.registry import rule
from lrfix.sites.model import Construction
from lrfix.sites.vocabulary import GROUP_NAMES
from lrfix.trees import walk
from lrfix.wording import num

#: A constant factor from here to 1 is taken for a ratio a step; below it may well be a group's own multiplier.
_RATIO = 0.5
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
#: A function that sets the rate on at least so many levels is a schedule; one that acts at milestones has fewer.
_LEVELS = 6
#: A rate that is 0 for so many steps was never meant.
_SOON = 8


@rule("LR207")
def cumulative_factor(study: Study) -> Iterator[Violation]:
    if study.site.form == "function":
        yield from _present_rate_for_the_base(study)
        return
    if study.site.form in ("array", "training"):
        return
    if study.site.base == "LambdaLR" and study.site.form == "lambda":
        yield from _ratio_where_a_factor_is_due(study)
        return
    uses = [study.use, *(use for use in study.uses[:MOST_USES] if use is not study.use), None]
    for use in dict.fromkeys(uses) if study.site.form != "lambda" else [study.use]:
        found = list(_piled_up(study, use)) or list(_wiped_out(study, use))
        if found:
            yield from found
            return


def _piled_up(study: Study, use: Construction | None) -> Iterator[Violation]:
    shown = []
    for found in parts_within_reach(study, use):
        within = piled_up(found[1]) if found is not None else None
        if found is None or within is None:
            return
        shown.append((*found, within))
    if not shown or (study.site.base != "MultiplicativeLR" and _has_company(study)):
        return
    run, part, within = shown[0]
    step = within + next(k for k in range(len(run.curve)) if run.curve[k : k + len(part)] == part)
    factor = run.curve[step] / run.curve[step - 1]
    told = _told_the_present(study, use)
    cause = (
        "MultiplicativeLR multiplies the current rate by what this function returns"
        if study.site.base == "MultiplicativeLR" and study.site.form == "lambda"
        else f"This is given `{told}` for its base rate{use.place if use is not None else ''}, the current rate"
        if told is not None
        else "This multiplies the current rate"
    )
    yield Violation(
        study.span(use.call) if told is not None and use is not None and not use.place else _scaling(study),
        f"{cause}, but it is the factor of the whole schedule, so all factors pile up: at step {step} the rate is "
        f"{num(run.curve[step])} and not {num(factor * run.base_lrs[0])}, the factor {num(factor)} of the base rate.",
        study.evidence(run, [0, 1, step // 2, step - 1, step]),
    )


def _wiped_out(study: Study, use: Construction | None) -> Iterator[Violation]:
    """A factor of 0 at the start, multiplied onto the current rate: nothing brings it back."""
    runs = [study.run(index, use=use) for index in range(len(study.runs))]
    carried = study.site.base == "MultiplicativeLR" or (study.site.form != "lambda" and _multiplies_the_present(study))
    if not carried or not all(run.ran and _is_dead(run) for run in runs) or _has_company(study):
        return
    step = runs[0].curve.index(0)
    yield Violation(
        _scaling(study),
        f"This multiplies the current rate, and its factor at step {step} is 0: the rate stays 0 after that, whatever "
        "the next factors are. Multiply the base rate.",
        study.evidence(runs[0], [0, 1, len(runs[0].curve) // 2]),
    )


def _has_company(study: Study) -> bool:
    """Whether something else may bring the base rate back: another scheduler, or, where a function multiplies, a line
    that writes a rate, of the caller's or beside the function."""
    if study.site.form != "setter":
        return in_company(study)
    own = {node for root in study.site.nodes for node in walk(root)}
    beside = (n for n in study.names.nodes if n not in own and is_rate_key(n) and isinstance(n.ctx, ast.Store))
    return in_company(study) or company_in_sight(study) is not None or any(beside)


def _multiplies_the_present(study: Study) -> bool:
    """``group["lr"] * factor``, ``group["lr"] *= factor``"""
    present = [n for root in study.site.nodes for n in ast.walk(root) if _present_rate(n)]
    users = [study.names.parents.get(n) for n in present]
    return any(isinstance(user, ast.BinOp | ast.AugAssign) and isinstance(user.op, ast.Mult) for user in users)


def _is_dead(run: Run) -> bool:
    """Whether the rate is 0 at each of the first steps, of an optimizer that has one."""
    return len(run.curve) > _SOON and run.base_lrs[0] > 0 and not any(run.curve[1:_SOON])


def _told_the_present(study: Study, use: Construction | None) -> str | None:
    """What a caller gives for the base rate, where that is the rate which stands in the optimizer."""
    if use is None or study.site.form != "setter" or not isinstance(study.node, ast.FunctionDef):
        return None
    given = arguments_of(use.call, study.node).items()
    return next((ast.unparse(v) for p, v in given if role_of(p) in RATES and _present_rate(v)), None)


def _scaling(study: Study) -> Span:
    """The statement outside constructors that derives the new rate from the group's current one, or the formula."""
    if study.site.form != "lambda":
        for root in study.site.nodes:
            for node in ast.walk(root):
                if not _present_rate(node):
                    continue
                statement = study.names.statement_of(node)
                if statement is None or hasattr(statement, "body"):
                    continue
                owner = study.names.enclosing(statement, ast.FunctionDef)
                if isinstance(owner, ast.FunctionDef) and owner.name == "__init__":
                    continue
                in_place = isinstance(statement, ast.AugAssign) and statement.target is node
                if in_place or isinstance(getattr(node, "ctx", None), ast.Load):
                    return study.span(statement)
    return decay_span(study)


def _present_rate(node: ast.AST) -> bool:
    """``optimizer.param_groups[0]["lr"]``, ``group["lr"]``."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Constant) or node.slice.value != "lr":
        return False
    holder = node.value.value if isinstance(node.value, ast.Subscript) else node.value
    if isinstance(holder, ast.Name):
        return holder.id in GROUP_NAMES or len(holder.id) < 3
    return isinstance(holder, ast.Attribute) and holder.attr == "param_groups"


def _ratio_where_a_factor_is_due(study: Study) -> Iterator[Violation]:
    """LambdaLR given ``lambda epoch: 0.95``: right for MultiplicativeLR, here a rate that is lower once and for all."""
    if not study.ran or len(study.site.nodes) != 1:
        return
    node = study.node
    if not isinstance(node, ast.Lambda | ast.FunctionDef):
        return
    value = _only_value(node)
    arguments = {a.arg for a in (*node.args.posonlyargs, *node.args.args)}
    if (
        value is None
        or len(arguments) != 1
        or any(isinstance(n, ast.Name) and n.id in arguments for n in ast.walk(value))
    ):
        return
    if not (isinstance(value, ast.Constant) or role_of(ast.unparse(value)) is Role.GAMMA):
        return
    if not study.everywhere(lambda run: constant(run.curve) and _RATIO <= run.curve[0] / run.base_lrs[0] < 1 - 1e-9):
        return
    run = study.runs[0]
    factor = run.curve[0] / run.base_lrs[0]
    yield Violation(
        study.span(value),
        f"LambdaLR multiplies the base rate, not the current one, by what this function returns: {num(factor)} at each "
        f"step gives {num(run.curve[0])} at step 0 and still {num(run.curve[-1])} at step {len(run.curve) - 1}. "
        "MultiplicativeLR or ExponentialLR takes a factor per step.",
        study.evidence(run, [0, 1, len(run.curve) // 2, len(run.curve) - 1]),
    )


def _only_value(node: ast.Lambda | ast.FunctionDef) -> ast.expr | None:
    if isinstance(node, ast.Lambda):
        return node.body
    body = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None


def _present_rate_for_the_base(study: Study) -> Iterator[Violation]:
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
            top = max(run.curve)
            falls = (k for below in (0.99, 1) for k, rate in enumerate(run.curve) if 0 < rate < below * top)
            low = next(falls, len(run.curve) - 1)
            yield Violation(
                study.span(study.names.statement_of(call) or call),
                f"`{bases[0]}` is the base rate of `{function.name}` and is given the present rate, which this very "
                "loop writes: each step scales what the step before has scaled, and the factors pile up. For a base "
                f"rate of {base} step {low} is {num(run.curve[low])}; from there the schedule goes on as "
                "if that were its base. Keep the base rate, or read `initial_lr`.",
                study.evidence(run, sorted({0, 1, low, low + 1})),
            )
            return


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


__all__ = ["cumulative_factor"]
