"""LR201 and LR207: factors taken for rates, and factors that are applied again and again."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.simulation.roles import RATES, Role, role_of
from lrfix.simulation.signatures import stated_rate
from lrfix.sites.model import Construction
from lrfix.structure import decay_span, method
from lrfix.study import Study, all_real

_TINY_FACTOR, _TINY_RATE = 0.05, 1e-5


@rule("LR201")
def absolute_lr(study: Study) -> Iterator[Violation]:
    if not study.ran:
        return
    if study.site.base in ("LambdaLR", "MultiplicativeLR"):
        yield from _rate_where_a_factor_is_due(study)
    elif study.site.form == "subclass":
        yield from _factor_where_a_rate_is_due(study)


def _rate_where_a_factor_is_due(study: Study) -> Iterator[Violation]:
    for construction in study.site.constructions:
        rate = stated_rate(construction)
        if rate is None:
            continue
        runs = [study.run(i, use=construction) for i in range(len(study.runs))]
        if not all(run.ran and run.failure is None and all_real(run.curve) for run in runs):
            continue
        peaks = [max(map(abs, run.curve)) / run.base_lrs[0] for run in runs]
        literal = isinstance(rate, ast.Constant)
        if literal:
            base = runs[0].base_lrs[0]
            same = base != 1 and all(abs(peak - base) <= 1e-9 * base for peak in peaks)
            tiny = base <= 1e-2 and all(0 < peak < _TINY_FACTOR and peak * base < _TINY_RATE for peak in peaks)
            tiny = tiny and not study.truncated and all(role_of(path) is Role.WIDTH for path in runs[0].leaves)
            wrong = same or tiny
        else:
            wrong = all(_scales_twice(study, construction, index, rate) for index in range(len(study.runs)))
        if wrong:
            run = runs[0]
            top = max(range(len(run.curve)), key=lambda k: abs(run.curve[k]))
            yield Violation(
                decay_span(study),
                f"{study.site.base} multiplies the base rate by what this function returns, and it returns a rate: "
                "the base "
                f"rate {run.base_lrs[0]:.6g} times {run.curve[top] / run.base_lrs[0]:.6g} gives {run.curve[top]:.3g} "
                "at the "
                f"peak (step {top}). Return a factor instead.",
                study.evidence(run, [0, 1, top, top + 1]),
            )
            return


def _scales_twice(study: Study, construction: Construction, index: int, rate: ast.expr) -> bool:
    """Doubling the stated base rate quadruples the peak: it counts in the optimizer and in the function."""
    run = study.run(index, use=construction)
    text = ast.unparse(rate)
    path = (
        text
        if text in run.leaves
        else next((p for p, v in run.leaves.items() if v == run.base_lrs[0] and role_of(p) in RATES), None)
    )
    value = run.leaves.get(path or "")
    if path is None or not isinstance(value, int | float) or isinstance(value, bool):
        return False
    doubled = study.run(index, use=construction, overrides={path: 2 * value})
    if not doubled.ran or doubled.failure is not None or not all_real(doubled.curve):
        return False
    before, after = max(map(abs, run.curve)), max(map(abs, doubled.curve))
    return bool(before > 0 and abs(after / before - 4) < 1e-6)


def _factor_where_a_rate_is_due(study: Study) -> Iterator[Violation]:
    """``get_lr`` returns values between 0 and 1 that do not know the base rates."""
    get_lr = method(study.node, "get_lr")
    if get_lr is None:
        return
    stated = {ast.unparse(rate) for c in study.site.constructions if (rate := stated_rate(c)) is not None}
    named = [path for run in study.runs for path in run.leaves if role_of(path) in RATES and path not in stated]
    if named:
        return
    for index, run in enumerate(study.runs):
        scaled = study.run(index, base_lrs=tuple(2 * rate for rate in run.base_lrs))
        if (
            not scaled.ran
            or scaled.curve != run.curve
            or abs(max(run.curve) - 1) > 1e-9
            or min(run.curve) == max(run.curve)
        ):
            return
    run = study.runs[0]
    yield Violation(
        study.span(get_lr),
        f"`get_lr` returns a factor where rates are due: the rate reaches {max(run.curve):.6g} whatever the "
        "optimizer's base rate "
        f"({run.base_lrs[0]:.6g} here). Multiply by `self.base_lrs`.",
        study.evidence(run, [0, 1, len(run.curve) // 2]),
    )
