"""Curves as they would be without one fault: the same schedule run or cut so that the fault does not show."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lrfix.analysis import SiteAnalysis, analyse
from lrfix.domains.roles import Role, role_of
from lrfix.domains.scenarios import GENERIC
from lrfix.driving.laboratory import Run
from lrfix.experiments.structure import method
from lrfix.experiments.study import Study, all_real
from lrfix.recognition import Sample
from lrfix.sites.model import Construction
from lrfix.sites.vocabulary import FACTOR_SCHEDULERS
from lrfix.source import parse_source

_TOLERANCE = 1e-11


def samples_of(study: Study, *, groups: int = 2, overrides: dict[str, object] | None = None) -> list[Sample] | None:
    """The runs of all scenarios as recognition takes them; None where one gives no whole curve.

    Two of them give other values to what no scenario has a role for: what a caller may set must not be taken for fixed.
    """
    found = []
    for run in _runs(study, groups, overrides):
        if not run.ran or len(run.curve) < 2 or not all_real(run.curve):
            return None
        found.append(_sample(run))
    return found


def _runs(study: Study, groups: int = 2, overrides: dict[str, object] | None = None) -> list[Run]:
    use = _use(study)
    plain = [study.run(index, use=use, groups=groups, overrides=overrides) for index in range(GENERIC)]
    varied = [study.run(i, use=use, groups=groups, overrides=overrides, vary_unknown=True) for i in (1, 3)]
    return [*plain, *varied]


def _use(study: Study) -> Construction | None:
    return None if study.site.form == "subclass" else study.use


def _sample(run: Run) -> Sample:
    names = {p: v for p, v in run.names.items() if isinstance(v, int | float | list) and not isinstance(v, bool)}
    return Sample(lr=tuple(float(v) for v in run.curve), base_lr=run.base_lrs[0], names=names)


def scaled_to_absolute(samples: Sequence[Sample]) -> list[Sample]:
    """What the function itself returns, taken as rates."""
    return [replace(s, lr=tuple(rate / (s.base_lr or 1.0) for rate in s.lr)) for s in samples]


def scaled_by_base(samples: Sequence[Sample]) -> list[Sample]:
    """What the class returns as rates, taken as factors on the base rate."""
    return [replace(s, lr=tuple(rate * s.base_lr for rate in s.lr)) for s in samples]


def without_override(study: Study) -> SiteAnalysis | None:
    """The site with the method that bypasses the schedule left out, where that gives another schedule to read."""
    node = study.site.node
    bypass = "get_lr" if study.site.base in FACTOR_SCHEDULERS else "step"
    if not isinstance(node, ast.ClassDef) or method(node, bypass) is None:
        return None
    tree = copy.deepcopy(study.source.tree)
    for other in ast.walk(tree):
        if isinstance(other, ast.ClassDef) and (other.name, other.lineno) == (node.name, node.lineno):
            other.body = [s for s in other.body if not (isinstance(s, ast.FunctionDef) and s.name == bypass)]
            if not other.body:
                return None
    source = parse_source(ast.unparse(tree).encode(), study.source.path)
    return next((a for a in analyse(source) if a.form == "subclass" and a.name == node.name), None)


def truncated(study: Study, samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    """The curves up to the horizon, and, where that is not known, up to their lowest point."""
    horizons = [study.horizon(run) for run in _runs(study)]
    if all(h is not None and 2 < h < len(s.lr) for h, s in zip(horizons, samples, strict=True)):
        for extra in (1, 0):
            yield [replace(s, lr=s.lr[: (h or 0) + extra]) for h, s in zip(horizons, samples, strict=True)]
    lowest = []
    for sample in samples:
        top = max(range(len(sample.lr)), key=sample.lr.__getitem__)
        rest = sample.lr[top:]
        lowest.append(top + min(range(len(rest)), key=rest.__getitem__))
    if all(2 < low < len(s.lr) - 1 for low, s in zip(lowest, samples, strict=True)):
        yield [replace(s, lr=s.lr[: low + 1]) for low, s in zip(lowest, samples, strict=True)]


def first_step_extended(samples: Sequence[Sample]) -> list[Sample] | None:
    """The curves with the first step on the line through the two after it."""
    if any(len(sample.lr) < 4 for sample in samples):
        return None
    found = []
    for sample in samples:
        first = 2 * sample.lr[1] - sample.lr[2]
        if first < 0:
            if first < -_TOLERANCE * max(sample.lr):
                return None
            first = 0.0
        elif first <= _TOLERANCE * max(sample.lr):
            first = 0.0
        found.append(replace(sample, lr=(first, *sample.lr[1:])))
    return found


def warmup_lengths(study: Study) -> list[str]:
    """The user's expressions for the length of the warmup."""
    run = study.run(0, use=_use(study))
    wanted = (Role.WARMUP, Role.WARMUP_EPOCHS, Role.WARMUP_FRACTION)
    return [path for path in dict.fromkeys((*run.leaves, *run.names)) if role_of(path) in wanted]


def decay_alone(study: Study, path: str) -> list[Sample] | None:
    """The curves without warmup: its length set to 0."""
    return samples_of(study, overrides={path: 0})


def constant_after_warmup(samples: Sequence[Sample], alone: Sequence[Sample]) -> list[Sample] | None:
    """The curves with the decay replaced by its peak: the warmup ends where the curve joins the one without warmup."""
    found = []
    for sample, decay in zip(samples, alone, strict=True):
        peak = decay.lr[0]
        length = min(len(sample.lr), len(decay.lr))
        joint = length
        while joint and abs(sample.lr[joint - 1] - decay.lr[joint - 1]) <= _TOLERANCE * peak:
            joint -= 1
        if not 0 < joint < length - 2:
            return None
        found.append(replace(sample, lr=(*sample.lr[:joint], *([peak] * (length - joint)))))
    return found


__all__ = [
    "constant_after_warmup",
    "decay_alone",
    "first_step_extended",
    "samples_of",
    "scaled_by_base",
    "scaled_to_absolute",
    "truncated",
    "warmup_lengths",
    "without_override",
]
