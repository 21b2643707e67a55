"""LR201 and LR207: factors taken for rates, and factors that are applied again and again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from lrfix.checks.compounding import compounded
from lrfix.domains.roles import RATES, Role, last_word, role_of
from lrfix.domains.signatures import stated_rate
from lrfix.driving.laboratory import Run
from lrfix.experiments.structure import decay_span, method
from lrfix.experiments.study import Study, all_real, constant
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.effects import Effects
from lrfix.sites.model import Construction

_TINY_FACTOR, _TINY_RATE = 0.05, 1e-5
_RAMP, _ENOUGH = 3, 40
#: A rate below this share of its peak has collapsed; a factor above ``_MODERATE`` cannot be the reason by itself.
_COLLAPSED, _MODERATE = 1e-6, 0.05
#: A constant factor from here to 1 is taken for a ratio a step; below it may well be a group's own multiplier.
_RATIO = 0.5
_COUNTERS = frozenset({"step", "epoch", "iteration", "iter", "it", "last_step", "last_epoch", "global_step", "n", "t"})


@rule("LR201")
def absolute_lr(study: Study) -> Iterator[Violation]:
    if not study.ran:
        return
    if study.site.base in ("LambdaLR", "MultiplicativeLR"):
        found = list(_rate_where_a_factor_is_due(study))
        yield from found or _rate_for_any_optimizer(study)
    elif study.site.form == "subclass":
        yield from _factor_where_a_rate_is_due(study)


def _rate_where_a_factor_is_due(study: Study) -> Iterator[Violation]:
    for construction in study.uses:
        rate = stated_rate(construction, study.names)
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
                f"{study.site.base}{construction.place} multiplies the base rate by what this function returns, and it "
                f"returns a rate: the base rate {run.base_lrs[0]:.6g} times {run.curve[top] / run.base_lrs[0]:.6g} "
                f"gives {run.curve[top]:.3g} at the peak (step {top}). Return a factor instead.",
                study.evidence(run, [0, 1, top, top + 1]),
            )
            return


def _rate_for_any_optimizer(study: Study) -> Iterator[Violation]:
    """A factory given an optimizer and a rate, whose function returns the rate: right for an optimizer with 1."""
    if study.site.base != "LambdaLR" or study.site.form != "lambda":
        return
    for construction in study.site.constructions:
        if construction.optimizer_call is not None or not _is_parameter(study, construction):
            continue
        runs = [study.run(i, use=construction) for i in range(len(study.runs))]
        if not all(run.ran and run.failure is None and all_real(run.curve) for run in runs):
            continue
        named = [path for path in runs[0].leaves if role_of(path) in (Role.BASE_RATE, Role.PEAK)]
        peak = next((path for path in named if all(_is_peak(run, path) for run in runs)), None)
        if peak is not None:
            run = runs[0]
            top = max(range(len(run.curve)), key=lambda k: abs(run.curve[k]))
            yield Violation(
                study.span(construction.call),
                f"LambdaLR multiplies the optimizer's rate by what this function returns, and it returns a rate, up to "
                f"`{peak}`: with an optimizer of the rate {run.base_lrs[0]:.6g} and `{peak}` = {run.leaves[peak]} the "
                f"rate is {run.curve[top]:.3g} at its peak (step {top}). It is right only with an optimizer whose rate "
                "is 1.",
                study.evidence(run, [0, 1, top, top + 1]),
                advice=True,
            )
            return


def _is_parameter(study: Study, construction: Construction) -> bool:
    """Whether the optimizer is a parameter of the function around: any optimizer."""
    function = study.names.enclosing(construction.call, ast.FunctionDef)
    if not isinstance(function, ast.FunctionDef) or not isinstance(construction.optimizer, ast.Name):
        return False
    return any(a.arg == construction.optimizer.id for a in (*function.args.args, *function.args.kwonlyargs))


def _is_peak(run: Run, path: str) -> bool:
    value = run.leaves.get(path)
    top = max(map(abs, run.curve)) / run.base_lrs[0]
    return isinstance(value, float) and value not in (1.0, run.base_lrs[0]) and abs(top - value) <= 1e-9 * value


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
    stated = {ast.unparse(rate) for c in study.uses if (rate := stated_rate(c, study.names)) is not None}
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


@rule("LR207")
def cumulative_factor(study: Study) -> Iterator[Violation]:
    if study.site.base == "LambdaLR" and study.site.form == "lambda":
        yield from _ratio_where_a_factor_is_due(study)
        return
    if study.site.form == "function":
        yield from compounded(study)
    if study.site.form == "lambda" and study.site.base != "MultiplicativeLR":
        return
    scaling = None if study.site.form == "lambda" else _scaling(study)
    if study.site.form != "lambda" and scaling is None:
        return
    span = study.span(scaling) if scaling is not None else decay_span(study)
    runs = _within_reach(study)
    if runs is None:
        if scaling is not None and _ramps_by_method(study, scaling):
            yield Violation(
                span,
                "A warmup factor that already grows with the step is multiplied onto the rate that the factors of the "
                "steps before have lowered, and nothing sets that rate back: factors 0.1, 0.2, 0.3 give 0.1, 0.02, "
                "0.006 of the peak.",
            )
        return
    stairs = scaling is not None and _scales_by_stairs(study, scaling)
    shown = [_accumulation(run.curve, stairs) for run in runs]
    if not shown or any(step is None for step in shown):
        return
    run, step = runs[0], shown[0]
    assert step is not None
    factor = run.curve[step] / run.curve[step - 1]
    cause = (
        "MultiplicativeLR multiplies the current rate by what this function returns"
        if study.site.base == "MultiplicativeLR" and study.site.form == "lambda"
        else "This multiplies the current rate"
    )
    yield Violation(
        span,
        f"{cause}, and the factor is one of the whole schedule, so that all factors pile up: at step {step} the factor "
        f"is {factor:.4g}, but the rate is {run.curve[step]:.3g}, {run.curve[step] / run.base_lrs[0]:.2g} of the base "
        f"rate {run.base_lrs[0]:.6g}.",
        study.evidence(run, [0, 1, step // 2, step - 1, step]),
    )


def _within_reach(study: Study) -> list[Run] | None:
    """The generic runs, horizons that the simulation does not reach replaced by short ones; None when one fails."""
    found = []
    for index, run in enumerate(study.runs):
        horizon = study.horizon(run)
        if horizon is not None and horizon >= study.steps:
            long = [p for p, v in study.lengths(run, Role.HORIZON, Role.EPOCHS).items() if v >= study.steps]
            run = study.run(index, overrides=dict.fromkeys(long, 97 - 8 * index))
        if not run.ran or not all_real(run.curve) or len(run.curve) < _ENOUGH:
            return None
        found.append(run)
    return found


def _scales_by_stairs(study: Study, scaling: ast.stmt) -> bool:
    """Whether the factor is a power of whole periods, ``0.1 ** (epoch // 30)``: the same for a period, once a step."""
    function = study.names.enclosing(scaling, ast.FunctionDef)
    used = {n.id for n in ast.walk(scaling) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    values: list[ast.AST] = [scaling]
    for statement in ast.walk(function) if function is not None else ():
        if isinstance(statement, ast.Assign) and used & {t.id for t in statement.targets if isinstance(t, ast.Name)}:
            values.append(statement.value)
    return any(
        isinstance(n, ast.BinOp)
        and isinstance(n.op, ast.Pow)
        and any(isinstance(part, ast.BinOp) and isinstance(part.op, ast.FloorDiv) for part in ast.walk(n.right))
        for value in values
        for n in ast.walk(value)
    )


def _accumulation(curve: list[float], stairs: bool) -> int | None:
    """A step at which the rate has collapsed although the factor of that step is moderate; None for sound curves.

    A sound product telescopes: where the rate is a millionth of its peak, so is the step's own ratio close to nothing
    (a cosine, a power near its end) or the ratio is the same at every step (an exponential).
    """
    ratios: list[float] = []
    for before, after in pairwise(curve):
        if not before > 0 or after < 0:
            break
        ratios.append(after / before)
    return _collapsed(curve, ratios, stairs) or _stunted_ramp(curve, ratios)


def _collapsed(curve: list[float], ratios: list[float], stairs: bool) -> int | None:
    # A power that ends at zero comes this low too, but only just before its end.
    ends = next((k for k, rate in enumerate(curve) if rate == 0 and k > 0), len(curve))
    peak = 0.0
    for step, ratio in enumerate(ratios, 1):
        peak = max(peak, curve[step - 1])
        if curve[step] >= _COLLAPSED * peak:
            continue
        top = max(range(step), key=ratios.__getitem__)
        falling = ratios[top:step]
        different = sum(1 for a, b in pairwise(falling) if b < a * (1 - 1e-6))
        even = all(b <= a * (1 + 1e-9) for a, b in pairwise(falling))
        if not even or ratio <= _MODERATE or ratios[top] > 1 + 1e-9 or step >= 0.85 * ends:
            return None
        if different >= 2 or stairs:
            return step
    return None


def _stunted_ramp(curve: list[float], ratios: list[float]) -> int | None:
    """A linear ramp of factors up to 1 that has multiplied the rate down instead of up."""
    if len(ratios) < _RAMP + 6 or not 0 < ratios[0] < 0.7:
        return None
    slope = ratios[1] - ratios[0]
    end = 1
    while end + 1 < len(ratios) and abs(ratios[end + 1] - ratios[end] - slope) <= 1e-6:
        end += 1
    flat = all(abs(ratio - 1) <= 1e-9 for ratio in ratios[end + 1 : end + 5])
    arrived = abs(ratios[end] - 1) <= slope + 1e-9
    return end + 1 if slope > 1e-4 and end >= _RAMP and flat and arrived and curve[end] < 0.5 * curve[0] else None


def _scaling(study: Study) -> ast.stmt | None:
    """The statement outside constructors that derives the new rate from the group's current one."""
    for root in study.site.nodes:
        for node in ast.walk(root):
            if (
                not isinstance(node, ast.Subscript)
                or not isinstance(node.slice, ast.Constant)
                or node.slice.value != "lr"
            ):
                continue
            statement = study.names.statement_of(node)
            if statement is None or hasattr(statement, "body"):
                continue
            owner = study.names.enclosing(statement, ast.FunctionDef)
            if isinstance(owner, ast.FunctionDef) and owner.name == "__init__":
                continue
            in_place = isinstance(statement, ast.AugAssign) and statement.target is node
            if in_place or isinstance(node.ctx, ast.Load):
                return statement
    return None


def _ramps_by_method(study: Study, scaling: ast.stmt) -> bool:
    """``group["lr"] *= omega`` with ``omega = self.warmup_factor(step)``, in a class that never sets a rate anew."""
    if not isinstance(scaling, ast.AugAssign) or not isinstance(scaling.op, ast.Mult):
        return False
    function = study.names.enclosing(scaling, ast.FunctionDef)
    if not isinstance(function, ast.FunctionDef):
        return False
    value: ast.expr = scaling.value
    if isinstance(value, ast.Name):
        name = value.id
        assigned = [
            s.value
            for s in ast.walk(function)
            if isinstance(s, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in s.targets)
        ]
        if len(assigned) != 1:
            return False
        value = assigned[0]
    if not isinstance(value, ast.Call) or "warm" not in ast.unparse(value.func).lower():
        return False
    counters = {last_word(ast.unparse(a)) for a in value.args}
    if not counters & _COUNTERS:
        return False
    owner = study.names.enclosing(function, ast.ClassDef) or function
    effects = Effects(study.names)
    sets_anew = any(not write.scales for write in effects.inside(owner)) or effects.setting_calls(owner)
    return not sets_anew and not _inherits(owner)


def _inherits(owner: ast.AST) -> bool:
    """Whether a class has bases, whose methods may do what its own do not."""
    return isinstance(owner, ast.ClassDef) and any(ast.unparse(base) != "object" for base in owner.bases)


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
        f"LambdaLR multiplies the base rate, not the current one, by what this function returns: {factor:.4g} at every "
        f"step gives {run.curve[0]:.6g} at step 0 and still {run.curve[-1]:.6g} at step {len(run.curve) - 1}. "
        "MultiplicativeLR or ExponentialLR takes a factor per step.",
        study.evidence(run, [0, 1, len(run.curve) // 2, len(run.curve) - 1]),
    )


def _only_value(node: ast.Lambda | ast.FunctionDef) -> ast.expr | None:
    if isinstance(node, ast.Lambda):
        return node.body
    body = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None
