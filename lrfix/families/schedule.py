"""The family of one schedule."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from lrfix.domains.roles import Role, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.recognised import recognised
from lrfix.experiments.study import Study
from lrfix.families.mended import mended
from lrfix.families.runs import leaves_off, once_an_epoch, shape_in, stated_factors, stretched

if TYPE_CHECKING:
    from lrfix.recognition import Recognition

_MEASURED = re.compile(r"(^|_)(loss|losses|metric|metrics|score|accuracy|acc|perplexity|wer|cer)($|_)")
_INNER = re.compile(r"sched(uler|ule)?s?$")


@dataclass(frozen=True)
class Family:
    """A family in the words of the inventory, and the parameters that could be read off."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    horizon: str | None = None


_KNOWN: WeakKeyDictionary[Study, Family | None] = WeakKeyDictionary()


def family_of(study: Study) -> Family | None:
    """The family of one schedule; None where it cannot be run."""
    if study not in _KNOWN:
        _KNOWN[study] = _family_of(study.like or study)
    return _KNOWN[study]


def _family_of(study: Study) -> Family | None:
    if study.opaque is not None:
        return None
    recognition = recognised(study)
    if recognition is not None and recognition.spec is not None and not leaves_off(study):
        name = _qualified(study, [study.run(0, use=study.described_by)], _told(recognition))
        return Family(name, recognition.parameters, _horizon(study, recognition.parameters))
    shape, runs = shape_in(study)
    if shape is None and (filled := mended(study)) is not None:
        study = filled
        shape, runs = shape_in(study)
    if shape is not None and "other" in shape.family:
        # Generic values may hide what the author's own show: an exponent of one half, a gamma of one.
        stated = stated_factors(study, runs)
        own, own_runs = shape_in(study, stated) if stated else (None, [])
        if own is not None and "other" not in own.family:
            shape, runs = own, own_runs
    if shape is None:
        return None
    shape = once_an_epoch(study, shape) or shape
    shape = stretched(study, shape) or shape
    name = _qualified(study, runs, shape.family)
    exact = recognition is not None and set(recognition.family.split("+")) == set(shape.family.split("+"))
    parameters = recognition.parameters if exact and recognition is not None else shape.parameters
    return Family(name, parameters, _horizon(study, parameters))


def _told(recognition: Recognition) -> str:
    """The exact family in the words of the inventory: without a warmup, stable and decay are two phases."""
    if recognition.family == "wsd" and recognition.spec is not None:
        decay = recognition.spec.keywords.get("decay", '"cosine"').strip('"')
        return f"constant+{decay}" if decay in ("linear", "cosine") else recognition.family
    return recognition.family


def _horizon(study: Study, parameters: Mapping[str, str]) -> str | None:
    """The user's expression for the step at which the schedule is meant to end."""
    if "total_steps" in parameters:
        return parameters["total_steps"]
    run = study.run(0, use=study.described_by)
    end = study.horizon(run) if run.ran else None
    values = {
        path: value
        for path, value in {**run.names, **run.leaves}.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    ends = [path for path, value in values.items() if value == end and role_of(path) in (Role.HORIZON, Role.EPOCHS)]
    if ends:
        return ends[0]
    for epochs in (path for path in values if role_of(path) is Role.EPOCHS):
        for batches in (path for path in values if role_of(path) is Role.LOADER_LENGTH):
            if values[epochs] * values[batches] == end:
                return f"{epochs} * {batches}"
    return None


def _qualified(study: Study, runs: Sequence[Run], name: str) -> str:
    """The family as far as the site itself decides it."""
    paths = {path for run in runs for path in run.leaves}
    if name in ("constant", "step", "multistep", "exponential") and any(
        _MEASURED.search(path.lower()) for path in paths
    ):
        return "other"
    parts = name.split("+")
    if parts[-1] in ("constant", "linear", "linear-warmup") and _hands_over(study, paths):
        warm = "linear-warmup" if parts[0] in ("linear", "linear-warmup") else parts[0]
        return f"{warm}+other" if warm.endswith("warmup") else "other"
    return name


def _hands_over(study: Study, paths: set[str]) -> bool:
    """Whether another schedule, which the site is given, takes over after its own part."""
    for name, default, _ in study.constructor:
        stated = default.value if isinstance(default, ast.Constant) else None
        if _INNER.search(name) and (default is None or stated is None):
            return True
    return any(path.endswith(")") and re.search(r"get_(last_)?lr\(|\.lr\(", path) for path in paths)


__all__ = ["Family", "family_of"]
