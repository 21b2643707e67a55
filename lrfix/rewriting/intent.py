"""Readings of a schedule that shows no curve: what its parameters are named for, and what its code computes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from lrfix.analysis import SiteAnalysis
from lrfix.domains.facts import literal
from lrfix.domains.roles import Role, role_of
from lrfix.experiments.settings import never_read
from lrfix.experiments.study import Study
from lrfix.recognition import ScheduleSpec
from lrfix.rewriting.constructors import constructor
from lrfix.rewriting.model import NotRewritten, Reading
from lrfix.sites.subclasses import optimizer_parameter

_LEVELS = ((Role.FLOOR, "eta_min"), (Role.FLOOR_RATIO, "eta_min_ratio"), (Role.WARMUP_START, "warmup_start_lr"))
_NAMED = "the rate never moves, so the parameters' names and what the code computes say what was meant"


def readings_from_roles(study: Study, analysis: SiteAnalysis) -> Iterator[Reading]:
    """The readings that the parameters' names allow; none where they, and what the code computes, do not say enough."""
    paths = _parameters(study, analysis)
    by_role: dict[Role, list[str]] = {}
    for path in paths:
        by_role.setdefault(role_of(path), []).append(path)
    base = _skeleton(by_role, _computes_cosine(study), _exponent(study, paths))
    if base is None:
        return
    scheduler, positional, keywords = base
    peaks = by_role.get(Role.PEAK, [])
    told = {*positional, *keywords.values(), *peaks}
    lost = [p for p in paths if p not in told and p != "verbose" and not _loses_nothing(study, p)]
    if lost:
        names = " and ".join(f"`{path}`" for path in lost)
        raise NotRewritten(f"what {names} should do is not told by {'their names' if len(lost) > 1 else 'its name'}")
    if len(peaks) != 1:
        if not peaks:
            spec = ScheduleSpec(scheduler, positional, keywords)
            yield Reading("as-named", "the schedule that the parameters are named for", spec, 0, _NAMED)
        return
    peak = peaks[0]
    yield Reading(
        "peak-is-base",
        f"the optimizer's own rate is the peak; `{peak}` is not used",
        ScheduleSpec(scheduler, positional, keywords),
        0,
        "LambdaLR is given a factor, and the warmup in the code ends at factor 1, the optimizer's own rate: a decay "
        f"that starts at `{peak}` would jump there; no step gets a higher rate than the code has trained with so far",
    )
    yield Reading(
        "peak-absolute",
        f"`{peak}` is the peak as a rate",
        ScheduleSpec(scheduler, positional, {**keywords, "eta_max": peak}),
        1,
        f"`{peak}` is named like a rate; the optimizer's own rate then has no effect",
    )
    yield Reading(
        "peak-factor",
        f"`{peak}` times the optimizer's rate is the peak",
        ScheduleSpec(scheduler, positional, {**keywords, "peak_factor": peak}),
        2,
        f"LambdaLR multiplies the base rate by what the function returns, and the code scales the cosine by `{peak}`",
    )


def _loses_nothing(study: Study, path: str) -> bool:
    """Whether the curve can do without a parameter: where training begins, a stair for every step, one not read."""
    node, role = study.site.node, role_of(path)
    own = {name: default for name, default, _ in study.constructor}
    if role is Role.LAST_EPOCH or (role is Role.STEP_SIZE and literal(own.get(path)) == 1):
        return True
    return isinstance(node, ast.ClassDef) and study.site.form == "subclass" and never_read(study, node, [node], path)


def _skeleton(
    by_role: dict[Role, list[str]], cosine: bool, exponent: str | None
) -> tuple[str, tuple[str, ...], dict[str, str]] | None:
    keywords: dict[str, str] = {}
    warmup = by_role.get(Role.WARMUP, []) or by_role.get(Role.WARMUP_EPOCHS, [])
    if len(warmup) > 1:
        return None
    if warmup:
        keywords["warmup_steps"] = warmup[0]
    for role, name in _LEVELS:
        given = by_role.get(role, [])
        if len(given) == 1:
            keywords[name] = given[0]
    if "eta_min" in keywords:
        keywords.pop("eta_min_ratio", None)
    cycle, horizon = by_role.get(Role.CYCLE, []), by_role.get(Role.HORIZON, []) or by_role.get(Role.EPOCHS, [])
    if not cosine:
        if exponent is not None and len(horizon) == 1:
            return "WarmupPolynomialLR", (horizon[0], exponent), keywords
        if warmup and not (cycle or horizon or by_role.get(Role.GAMMA) or by_role.get(Role.POWER)):
            return "WarmupConstantLR", (), keywords
        return None
    if len(cycle) == 1:
        multiplier = by_role.get(Role.CYCLE_MULT, [])
        gamma = by_role.get(Role.GAMMA, [])
        if len(gamma) == 1:
            keywords["cycle_decay"] = gamma[0]
        return "WarmupCosineRestartsLR", (cycle[0], *multiplier[:1]), keywords
    if len(horizon) == 1:
        return "WarmupCosineLR", (horizon[0],), keywords
    return None


def _parameters(study: Study, analysis: SiteAnalysis) -> Sequence[str]:
    node = study.site.node
    if isinstance(node, ast.ClassDef) and study.site.form == "subclass":
        initialiser = constructor(node)
        if initialiser is None:
            return []
        _, optimizer = optimizer_parameter(node)
        arguments = initialiser.args
        names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)][1:]
        return [name for name in names if name != optimizer]
    visible = [path for scenario in analysis.scenarios for path in scenario.values]
    return list(dict.fromkeys(visible))


def _computes_cosine(study: Study) -> bool:
    for node in study.site.nodes:
        for inner in ast.walk(node):
            name = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", None)
            if name == "cos":
                return True
    return False


def _exponent(study: Study, paths: Sequence[str]) -> str | None:
    """The parameter that ``1 - k / T`` is raised to, whatever it is called; None where there is none, or several."""
    found: dict[str, None] = {}
    for node in study.site.nodes:
        for inner in ast.walk(node):
            power = _power(inner)
            if power is None or not any(isinstance(n, ast.Sub) for n in ast.walk(power[0])):
                continue
            name = power[1].attr if isinstance(power[1], ast.Attribute) else ast.unparse(power[1])
            found.update(dict.fromkeys(path for path in paths if path in (name, ast.unparse(power[1]))))
    return next(iter(found)) if len(found) == 1 else None


def _power(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return node.left, node.right
    if isinstance(node, ast.Call) and len(node.args) == 2 and ast.unparse(node.func) in ("pow", "math.pow"):
        return node.args[0], node.args[1]
    return None


__all__ = ["readings_from_roles"]
