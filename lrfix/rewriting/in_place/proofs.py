"""What has to be run before an edit in place may be written."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from lrfix.names import Names
from lrfix.rewriting.in_place.definitions import Definition, defined_again
from lrfix.rewriting.in_place.derived import in_settings
from lrfix.rewriting.in_place.each_group import one_of_each
from lrfix.rewriting.in_place.grid import settings
from lrfix.rewriting.in_place.planning import InPlacePlan
from lrfix.rewriting.in_place.positions import written_as
from lrfix.rewriting.in_place.programs import bundled_import, region_program
from lrfix.rewriting.in_place.sampling import Formula
from lrfix.rewriting.in_place.settings import main_step, whole_settings
from lrfix.rewriting.model import NotRewritten, Proof
from lrfix.sites.model import ScheduleSite
from lrfix.verification import CallRequest


def proofs_in_place(names: Names, site: ScheduleSite, plan: InPlacePlan, after: Names) -> tuple[Proof, ...]:
    """One proof a formula, and one of the definition around them as a whole, where it can be run.

    ``after`` are the names of the edited text. Raises NotRewritten where a formula cannot be cut out.
    """
    found = [_formula(names, formula, text) for formula, text in plan.replaced]
    for function in _functions(names, site, plan):
        own = [(f, text) for f, text in plan.replaced if function in names.ancestors(f.region.first)]
        try:
            found.append(_function(names, function, own, after))
        except NotRewritten as reason:
            counted = next((f.call.step for f, _ in own if f.counted), None)
            if counted is not None:
                raise NotRewritten(
                    f"`{counted}` may be negative, and `{function.name}` cannot be run as a whole: {reason}"
                ) from None
    return tuple(found)


def _functions(names: Names, site: ScheduleSite, plan: InPlacePlan) -> list[ast.FunctionDef]:
    """The functions around the formulas that belong to the site."""
    if site.inline:
        return []
    around = (names.enclosing(f.region.first, ast.FunctionDef) for f in plan.formulas if f.region.holder is None)
    return [f for f in dict.fromkeys(around) if isinstance(f, ast.FunctionDef)]


def _formula(names: Names, formula: Formula, text: str) -> Proof:
    region = formula.region
    new = list(ast.parse(text).body)
    if region.each is not None:
        new = list(one_of_each(None, new))
    if region.position is not None:
        new = written_as(new, region.position)
    request = CallRequest(
        old=region_program(names, region, region.computed, formula.call.step, ""),
        new=region_program(names, region, new, formula.call.step, _bundled(formula, text)),
        settings=tuple(settings(names, formula)),
    )
    what = "table" if formula.length is not None else "formula"
    last = region.statements[-1].end_lineno or region.first.lineno
    where = f"line {region.first.lineno}" if last == region.first.lineno else f"lines {region.first.lineno}-{last}"
    return Proof(request, f"the {what} of {where}, by itself")


def _bundled(formula: Formula, text: str) -> str:
    calls = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)]
    local = next(name for n in calls if (name := ast.unparse(n.func)).endswith(formula.call.function))
    return bundled_import(formula.call.function, local)


def _function(names: Names, node: ast.FunctionDef, replaced: Sequence[tuple[Formula, str]], after: Names) -> Proof:
    formulas = [formula for formula, _ in replaced]
    again = defined_again(after, node, names)
    old, new = (Definition(n, _body(n, f, formulas), f) for n, f in ((names, node), (after, again)))
    leaves = {**old.inputs.leaves, **new.inputs.leaves}
    step = main_step(old, formulas, leaves)
    steps = {step} if step is not None else set()
    bundled = "\n".join(dict.fromkeys(_bundled(formula, text) for formula, text in replaced))
    request = CallRequest(
        old=old.text(steps, leaves, ""),
        new=new.text(steps, leaves, bundled),
        settings=tuple(whole_settings(old, formulas, leaves)),
    )
    return Proof(request, f"`{node.name}` as a whole")


def _body(names: Names, node: ast.FunctionDef, formulas: Sequence[Formula]) -> Sequence[ast.stmt]:
    told = in_settings(names, node.body) if any(f.region.in_settings for f in formulas) else None
    return node.body if told is None else told


__all__ = ["proofs_in_place"]
