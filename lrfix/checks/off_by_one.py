"""LR209: a peak that is missed or passed by one step, and stairs whose first one is missing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from lrfix.checks.intervals import decays_at_once, set_back
from lrfix.checks.late_ends import late_end
from lrfix.domains.roles import Role, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.phases import overshoots, ramp_end, tops
from lrfix.experiments.study import Study, all_real
from lrfix.findings import Violation
from lrfix.registry import rule

_STAIRS = 3


@rule("LR209", uses=True)
def off_by_one(study: Study) -> Iterator[Violation]:
    if study.site.form == "training":
        yield from decays_at_once(study)
        yield from set_back(study)
        return
    if not study.ran or study.site.base == "MultiplicativeLR" or not all(all_real(run.curve) for run in study.runs):
        return
    run = study.runs[0]
    if study.everywhere(overshoots):
        end = ramp_end(run.curve) or 0
        yield Violation(
            study.site.span,
            f"The warmup ends one step late, above the peak: {run.curve[end]:.6g} at step {end}, one step of the "
            f"ramp more than {run.curve[end + 1]:.6g} at step {end + 1}.",
            study.evidence(run, [end - 1, end, end + 1, end + 2]),
        )
    elif _alone(study) and study.everywhere(_held_below):
        end = ramp_end(run.curve) or 0
        slope = run.curve[end] - run.curve[end - 1]
        yield Violation(
            study.site.span,
            f"The warmup stops one step before its peak: the rate stays at {run.curve[end]:.6g} from step {end} on, "
            f"and the next step of the ramp would be {run.curve[end] + slope:.6g}.",
            study.evidence(run, [end - 1, end, end + 1, end + 2]),
        )
    elif study.everywhere(_first_stair_missing):
        steps = _steps(run.curve)
        yield Violation(
            study.site.span,
            f"The first decay comes at once: the rate is {run.curve[0]:.6g} at step 0, {run.curve[1]:.6g} at step 1, "
            f"then it stays for {steps[1] - steps[0]} steps at a time. Step 0 is a multiple of every interval.",
            study.evidence(run, [0, 1, steps[1], steps[1] + 1]),
        )
    else:
        yield from late_end(study)


def _held_below(run: Run) -> bool:
    """Whether a ramp ends one increment below its peak and the rate never moves again."""
    curve = run.curve
    end = ramp_end(curve)
    if end is None or end + 20 >= len(curve) or any(rate != curve[end] for rate in curve[end:]):
        return False
    slope = curve[end] - curve[end - 1]
    return any(abs(curve[end] + slope - top) <= 1e-9 * top for top in tops(run))


def _alone(study: Study) -> bool:
    """Whether the site is a warmup that writes into the optimizer, and nothing else in the file sets a rate there."""
    if study.site.form != "setter" or not study.site.writes:
        return False
    inside = {node for root in study.site.nodes for node in ast.walk(root)}
    return not any(
        isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value == "lr"
        and node not in inside
        for node in study.names.nodes
    )


def _steps(curve: list[float]) -> list[int]:
    """The steps at which the rate is another than at the step before."""
    return [k for k in range(1, len(curve)) if abs(curve[k] - curve[k - 1]) > 1e-12 * abs(curve[k - 1])]


def _first_stair_missing(run: Run) -> bool:
    """Whether the rate falls by one factor at step 1 and then each time after the same longer while."""
    curve = run.curve
    steps = _steps(curve)
    interval = {b - a for a, b in pairwise(steps)}
    if len(steps) < _STAIRS or steps[0] != 1 or len(interval) != 1 or interval.pop() < 4:
        return False
    factors = [curve[k] / curve[k - 1] for k in steps[: _STAIRS + 1] if curve[k - 1] > 0]
    stated = {v for p, v in run.leaves.items() if role_of(p) is Role.MILESTONES and isinstance(v, int)}
    return not stated and len(factors) >= _STAIRS and max(factors) < 1 and max(factors) - min(factors) <= 1e-9


__all__ = ["off_by_one"]
