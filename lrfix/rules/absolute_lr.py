"""LR201: a rate counts twice, in the optimizer and in the schedule, or a factor is taken for a rate."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from lrfix.domains.facts import literal
from lrfix.domains.roles import RATES, Role, role_of
from lrfix.domains.signatures import stated_rate
from lrfix.experiments.base_rates import (
    Doubled,
    factors,
    highest,
    knows_no_rate,
    peaks,
    rate_for_rate,
    sound,
)
from lrfix.experiments.each_base import factor_for_a_rate
from lrfix.experiments.structure import decay_span, method
from lrfix.experiments.study import MOST_USES, Study, constant
from lrfix.experiments.writes import written_as_it_is
from lrfix.findings import Span, Violation
from lrfix.registry import rule
from lrfix.sites.model import Construction
from lrfix.sites.vocabulary import FACTOR_SCHEDULERS, names_rate
from lrfix.wording import num

_TINY_FACTOR, _TINY_RATE = 0.05, 1e-5
#: What counts its steps from 1 has left the peak of its factors before its first update.
_NEARLY_ONE = 0.85
_WRITING = ("subclass", "setter", "wrapper")


@rule("LR201")
def absolute_lr(study: Study) -> Iterator[Violation]:
    if not study.ran or study.site.form in ("array", "training"):
        yield from _factor_for_one_branch(study)
        return
    if study.site.form == "function":
        yield from _factor_for_a_rate(study, written_as_it_is(study))
        return
    by_factor = study.site.base in FACTOR_SCHEDULERS
    uses: list[Construction | None] = [*study.uses[:MOST_USES]]
    for use in uses or [None]:
        found = list(_counted_twice(study, use))
        if not found and by_factor and use is not None:
            found = list(_equal_to_the_rate(study, use))
        if found:
            yield from found[:1]
            return
    if by_factor:
        yield from _right_for_one(study)
    elif study.site.form == "subclass" or (study.site.form in _WRITING and study.site.writes):
        found = list(_factor_for_a_rate(study, _span(study)))
        yield from found or _factor_for_one_branch(study)


def _factor_for_one_branch(study: Study) -> Iterator[Violation]:
    """One branch of ``get_lr`` that returns what others multiply the base rates by."""
    due = study.site.form == "subclass" and study.site.base not in FACTOR_SCHEDULERS
    bare = factor_for_a_rate(study) if due else None
    if bare is not None:
        yield Violation(
            study.span(bare),
            f"`{ast.unparse(bare.elt)}` is a factor, and a rate is due: other branches multiply it by the base rate of "
            f"each group, `{ast.unparse(bare.generators[0].target)}`, and this one does not.",
        )


def _counted_twice(study: Study, use: Construction | None) -> Iterator[Violation]:
    """Doubling a rate quadruples the peak: it counts in the optimizer and in the function, or twice in a product."""
    rate = stated_rate(use, study.names) if use is not None else None
    text = ast.unparse(rate) if rate is not None else ""
    multiplied = study.site.base == "MultiplicativeLR" and study.site.form == "lambda"
    shown: dict[str, list[Doubled]] = {}
    for index in range(len(study.runs)):
        if index and not shown:
            return
        for doubled in rate_for_rate(study, index, use, text):
            twice = _ratios_double(doubled) if multiplied else doubled.counts_twice
            if twice:
                shown.setdefault(doubled.what, []).append(doubled)
    for those in shown.values():
        if len(those) == len(study.runs):
            yield _twice(study, use, those[0], multiplied)
            return


def _twice(study: Study, use: Construction | None, doubled: Doubled, multiplied: bool) -> Violation:
    run = doubled.before
    top = highest(run.curve)
    named = f"`{doubled.what}`" if doubled.what else "the optimizer's rate"
    if study.site.base in FACTOR_SCHEDULERS:
        place = use.place if use is not None else ""
        cause = (
            f"This function returns a rate, and {study.site.base}{place} multiplies the "
            f"{'current' if multiplied else 'base'} rate by it: {num(run.base_lrs[0])} times "
            f"{num(factors(run, multiplied)[min(top, len(run.curve) - 2)])} gives {num(run.curve[top])} at the peak "
            f"(step {top}), and {num(doubled.after.curve[top])} with {named} doubled. Return a factor instead."
        )
    else:
        cause = (
            f"A rate is multiplied by a rate: with {named} doubled, the rate is not twice but four times as high "
            f"({num(doubled.after.curve[top])} for {num(run.curve[top])} at step {top}). Let it count once."
        )
    return Violation(_span(study), cause, study.evidence(run, [0, 1, top, top + 1]))


def _ratios_double(doubled: Doubled) -> bool:
    """For MultiplicativeLR: whether the factor of a step is twice as high for twice the rate."""
    pairs = list(zip(factors(doubled.before, True), factors(doubled.after, True), strict=False))
    known = [(a, b) for a, b in pairs if a > 0]
    return len(known) > 2 and all(abs(b / a - 2) <= 1e-6 for a, b in known[:8])


def _equal_to_the_rate(study: Study, use: Construction) -> Iterator[Violation]:
    """Numbers alone: the highest factor is the very number that the optimizer is built with, or vanishes beside it."""
    rate = stated_rate(use, study.names)
    runs = [study.run(index, use=use) for index in range(len(study.runs))]
    if not isinstance(rate, ast.Constant) or not all(map(sound, runs)) or any(constant(run.curve) for run in runs):
        return
    base = runs[0].base_lrs[0]
    tops = [max(map(abs, run.curve)) / run.base_lrs[0] for run in runs]
    same = base != 1 and all(abs(top - base) <= 1e-9 * base for top in tops)
    tiny = base <= 1e-2 and all(0 < top < _TINY_FACTOR and top * base < _TINY_RATE for top in tops)
    tiny = tiny and not study.truncated and all(role_of(path) is Role.WIDTH for path in runs[0].leaves)
    if same or tiny:
        top = highest(runs[0].curve)
        yield Violation(
            decay_span(study),
            f"This function returns a rate, and {study.site.base}{use.place} multiplies the base rate by it: "
            f"{num(base)} times {num(tops[0])} gives {num(runs[0].curve[top])} at the peak (step {top}). Return a "
            "factor instead.",
            study.evidence(runs[0], [0, 1, top, top + 1]),
        )


def _right_for_one(study: Study) -> Iterator[Violation]:
    """A factory given an optimizer and a rate, whose function returns the rate: right for an optimizer with 1."""
    if study.site.base != "LambdaLR" or study.site.form != "lambda":
        return
    for use in study.site.constructions:
        if use.optimizer_call is not None or not _is_parameter(study, use):
            continue
        runs = [study.run(i, use=use) for i in range(len(study.runs))]
        if not all(map(sound, runs)):
            continue
        peak = next((path for path in peaks(runs[0]) if all(path in peaks(run) for run in runs)), None)
        if peak is not None:
            run = runs[0]
            top = highest(run.curve)
            yield Violation(
                study.span(use.call),
                f"LambdaLR multiplies the optimizer's rate by what this function returns, and it returns a rate, up to "
                f"`{peak}`: with an optimizer of the rate {num(run.base_lrs[0])} and `{peak}` = {run.leaves[peak]} the "
                f"rate is {num(run.curve[top])} at its peak (step {top}). That is right only where the optimizer's "
                "rate is 1.",
                study.evidence(run, [0, 1, top, top + 1]),
                advice=True,
            )
            return


def _is_parameter(study: Study, use: Construction) -> bool:
    """Whether the optimizer is a parameter of the function around: any optimizer."""
    function = study.names.enclosing(use.call, ast.FunctionDef)
    if not isinstance(function, ast.FunctionDef) or not isinstance(use.optimizer, ast.Name):
        return False
    return any(a.arg == use.optimizer.id for a in (*function.args.args, *function.args.kwonlyargs))


def _factor_for_a_rate(study: Study, place: Span | None) -> Iterator[Violation]:
    """What is written moves between 0 and 1 and knows no rate at all."""
    if place is None or _speaks_in_numbers(study) or any(_is_one(stated_rate(use, study.names)) for use in study.uses):
        return
    use = study.use
    for index in range(len(study.runs)):
        run = study.run(index, use=use)
        until = next((k for k, rate in enumerate(run.curve) if rate < 0), None)
        inside = run.curve[:until]
        if not sound(run) or not inside or constant(inside) or not _NEARLY_ONE < max(inside) <= 1 + 1e-9:
            return
        if any(rates != run.curve for rates in run.lr) or not knows_no_rate(study, index, use):
            return
    run = study.run(0, use=use)
    if all(before == after or {before, after} <= {0.0, 1.0} for before, after in pairwise(run.curve)):
        return  # on and off: a switch
    base = f" ({num(run.base_lrs[0])} here)" if study.site.form in _WRITING else ""
    asked = study.site.form == "subclass"
    yield Violation(
        place,
        f"{'`get_lr` returns' if asked else 'This writes'} a factor where rates are due: the rate begins at "
        f"{num(run.curve[0])} and {num(run.curve[1])} whatever the optimizer's base rate{base}. Multiply by "
        f"{'`self.base_lrs`' if asked else 'the base rate'}.",
        study.evidence(run, [0, 1, len(run.curve) // 2]),
    )


def _is_one(rate: ast.expr | None) -> bool:
    return isinstance(rate, ast.Constant) and rate.value == 1


def _speaks_in_numbers(study: Study) -> bool:
    """Whether the code states rates as numbers: ``lr = 1.0``, a table of them."""
    for root in study.site.nodes:
        for node in ast.walk(root):
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(_is_rate(target) for target in targets):
                    return True
            elif isinstance(node, ast.List | ast.Tuple | ast.Dict):
                parts = [literal(part) for part in (node.values if isinstance(node, ast.Dict) else node.elts)]
                if len(parts) > 1 and all(isinstance(part, int | float) for part in parts):
                    return True
            elif isinstance(node, ast.arguments):
                given = zip(reversed([*node.posonlyargs, *node.args]), reversed(node.defaults), strict=False)
                if any(isinstance(d, ast.Constant) and role_of(a.arg) in RATES for a, d in given):
                    return True
    return False


def _is_rate(target: ast.expr) -> bool:
    if isinstance(target, ast.Subscript):
        return isinstance(target.slice, ast.Constant) and target.slice.value == "lr"
    name = target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""
    return names_rate(name) or role_of(name) in RATES


def _span(study: Study) -> Span:
    """The statement to change: the last ``return`` of a function that is asked, the last write of one that writes."""
    get_lr = method(study.node, "get_lr") if study.site.form == "subclass" else None
    if study.site.base in FACTOR_SCHEDULERS:
        return decay_span(study)
    if get_lr is not None:
        return study.span(get_lr)
    return study.span(study.site.writes[-1]) if study.site.writes else decay_span(study)


__all__ = ["absolute_lr"]
