"""Which family a site is named by: exact where a bundled schedule gives its curves, by shape elsewhere.

A function with a branch a policy is several schedules: each is named, and the site has the parts of all.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lrfix.findings import ScheduleReport
from lrfix.names import Defined, Names
from lrfix.recognition.shapes import Curve, Shape, shape_of, united
from lrfix.simulation.facts import literal
from lrfix.simulation.roles import LENGTHS, Role, role_of
from lrfix.simulation.scenarios import GENERIC
from lrfix.study import MAX_STEPS, Study, all_real

if TYPE_CHECKING:
    from lrfix.recognition import Recognition
    from lrfix.simulation.laboratory import Run
    from lrfix.sites.model import ScheduleSite

_MEASURED = re.compile(r"(^|_)(loss|losses|metric|metrics|score|accuracy|acc|perplexity|wer|cer)($|_)")
_INNER = re.compile(r"sched(uler|ule)?s?$")
_MOST_BRANCHES = 4
_ENOUGH = 400
"""Steps of a run that is made for the family alone."""
_STRETCH = 41
_SHORT = 23
"""Steps for a length that the code states beyond what is simulated."""
_ANOTHER = "another"
"""A text that no code compares a setting with: it leads to the last ``else``."""


@dataclass(frozen=True)
class Family:
    """A family in the words of the inventory, and the parameters that could be read off."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    horizon: str | None = None


def family_of_site(site: ScheduleSite, studies: Sequence[Study], alternatives: Mapping[str, Sequence[str]]) -> Family:
    """The family of all schedules that a site holds; ``other`` where nothing could be run.

    ``alternatives`` are the texts that the code compares each of its settings with.
    """
    named = [family for study in studies if (family := family_of(study)) is not None]
    if not named:
        return Family("other")
    names = [family.name for family in named]
    horizon = next((family.horizon for family in named if family.horizon is not None), None)
    names += [name for study in studies[:1] if study.opaque is None for name in _branches(study, alternatives)]
    whole = united(names)
    if site.form == "setter" and whole == "constant":
        # Writing one rate again and again is an assignment, not a schedule.
        whole = "other"
    return Family(whole, named[0].parameters, horizon)


def schedules(studies: Sequence[Study]) -> tuple[ScheduleReport, ...]:
    """The schedules of a site one by one, each with the settings that choose it; empty where there is but one."""
    told = [(study, family) for study in studies if (family := family_of(study)) is not None]
    if len({tuple(sorted(study.settings)) for study, _ in told if study.settings}) == 0 or len(told) < 2:
        return ()
    varied = {
        path
        for study, _ in told
        for path, value in study.settings.items()
        if any(other.settings.get(path) != value for other, _ in told)
    }
    return tuple(
        ScheduleReport(
            {path: repr(value) for path, value in study.settings.items() if path in varied},
            family.name,
            family.parameters,
        )
        for study, family in told
    )


def family_of(study: Study) -> Family | None:
    """The family of one schedule; None where it cannot be run."""
    if study.opaque is not None:
        return None
    recognition = study.recognition
    if recognition is not None and recognition.spec is not None and not _long(study):
        return Family(recognition.family, recognition.parameters, _horizon(study, recognition.parameters))
    shape, runs = _shape(study)
    if shape is None and (filled := _filled(study)) is not None:
        study = filled
        shape, runs = _shape(study)
    if shape is not None and "other" in shape.family:
        # Generic values may hide what the author's own show: an exponent of one half, a gamma of one.
        stated = _stated(study, runs)
        own, own_runs = _shape(study, stated) if stated else (None, [])
        if own is not None and "other" not in own.family:
            shape, runs = own, own_runs
    if shape is None:
        return None
    shape = _stretched(study, shape) or shape
    name = _qualified(study, runs, shape.family)
    exact = recognition is not None and set(recognition.family.split("+")) == set(shape.family.split("+"))
    parameters = recognition.parameters if exact and recognition is not None else shape.parameters
    return Family(name, parameters, _horizon(study, parameters))


def _shape(study: Study, overrides: Mapping[str, object] | None = None) -> tuple[Shape | None, list[Run]]:
    """The shape that the generic runs show, lengths beyond the simulation shortened."""
    use = study.described_by
    overrides = {**_long(study), **(overrides or {})}
    steps = min(study.steps, _ENOUGH) if overrides else None
    runs = [run for i in range(GENERIC) if (run := study.run(i, use=use, overrides=overrides, steps=steps)).ran]
    if not any(len(run.curve) > 1 for run in runs):
        runs = [run for run in study.runs if run.ran]
    curves = [_curve(study, run) for run in runs if run.curve]
    if not overrides:
        varied = [study.run(i, use=use, vary_unknown=True, base_lrs=(0.17, 0.05)) for i in (1, 3)]
        curves += [_curve(study, run) for run in varied if run.ran and run.failure is None]
    return shape_of(curves), runs


def _filled(study: Study) -> Study | None:
    """The same schedule with a value for a parameter that is None by default and may not stay so."""
    if not any(run.failure is not None and run.failure.step <= 0 for run in study.runs):
        return None
    optional = [
        name
        for name, default, _ in study.constructor
        if isinstance(default, ast.Constant) and default.value is None and not _INNER.search(name)
    ]
    for name in optional[:_MOST_BRANCHES]:
        for value in (_SHORT, [_SHORT, 2 * _SHORT - 5, 3 * _SHORT - 2]):
            tried = Study(study.source, study.names, study.site, {**study.settings, name: value})
            run = tried.run(0, use=None)
            if run.ran and run.failure is None:
                return tried
    return None


def _stated(study: Study, runs: Sequence[Run]) -> dict[str, object]:
    """What the code itself gives for the exponents and factors of the schedule."""
    found: dict[str, object] = {}
    constructor = {name: literal(default) for name, default, _ in study.constructor}
    for run in runs[:1]:
        for path, value in {**run.leaves, **run.names}.items():
            default = constructor.get(path, study.defaults.get(path))
            plain = isinstance(default, int | float) and not isinstance(default, bool)
            if plain and default != value and role_of(path) in (Role.GAMMA, Role.POWER):
                found[path] = default
    return found


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


def settle_key(study: Study) -> None:
    """Take a name that keys the parameter groups (``group[self.param_name]``) for the rate's."""
    run = study.run(0, use=None) if study.site.form != "lambda" else study.run(0)
    if run.failure is None or run.failure.kind != "KeyError" or run.failure.step > 0:
        return
    for path, value in {**run.leaves, **run.names}.items():
        if path not in study.settings and repr(value) == run.failure.message and role_of(path) is Role.UNKNOWN:
            study.settings[path] = "lr"
            return


def inherited(names: Names, nodes: Sequence[ast.AST]) -> list[ast.AST]:
    """The definitions of a site and the base classes of this file that they derive from, nearest last."""
    found: list[ast.AST] = []
    for node in nodes:
        found += [base for base in _bases(names, node, 0) if base not in found]
    return [*(base for base in found if base not in nodes), *nodes]


def _bases(names: Names, node: ast.AST, depth: int) -> Iterator[ast.AST]:
    if not isinstance(node, ast.ClassDef) or depth > 4:
        return
    for base in node.bases:
        for binding in names.bindings(base.id, node) if isinstance(base, ast.Name) else ():
            if isinstance(binding, Defined) and isinstance(binding.node, ast.ClassDef) and binding.node is not node:
                yield from _bases(names, binding.node, depth + 1)
                yield binding.node


def _curve(study: Study, run: Run) -> Curve:
    base = run.base_lrs[0] if run.base_lrs else 1.0
    rates = [float(rate) for rate in run.curve]
    # The definition's own name tells a warmup as well as a parameter's does.
    named = {study.site.name: None} if study.site.name else {}
    return Curve(rates[: _written(study, run, rates)], base, {**run.leaves, **run.names, **named})


def _written(study: Study, run: Run, rates: Sequence[float]) -> int:
    """Where the site stops writing, if a constant tail shows that it leaves the rate to others from there."""
    if study.site.form not in ("setter", "wrapper"):
        return len(rates)
    writes = sum(write.kind == "item" and write.name == "lr" for write in run.writes())
    tail = next((k for k in range(len(rates) - 1, 0, -1) if rates[k] != rates[k - 1]), 0)
    written = writes // max(len(run.lr), 1)
    return tail + 1 if tail > 2 and abs(written - tail) <= 2 and tail + 5 < len(rates) else len(rates)


def _qualified(study: Study, runs: Sequence[Run], name: str) -> str:
    """The family as far as the site itself decides it."""
    paths = {path for run in runs for path in run.leaves}
    if name in ("constant", "step", "multistep") and any(_MEASURED.search(path.lower()) for path in paths):
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


def _branches(study: Study, alternatives: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Families behind switches that list no texts: a flag the other way, the ``else`` of a single comparison."""
    first = study.run(0, use=study.described_by)
    if not first.ran:
        return
    tried: list[dict[str, object]] = [{path: _ANOTHER} for path, texts in alternatives.items() if len(texts) == 1]
    for path, value in first.leaves.items():
        if isinstance(value, bool) and path not in study.settings:
            tried.append({path: not value})
    for overrides in tried[:_MOST_BRANCHES]:
        run = study.run(0, use=study.described_by, overrides=overrides, steps=min(study.steps, _ENOUGH))
        if not run.ran or not run.curve or not all_real(run.curve) or run.failure is not None:
            continue
        shape = shape_of([_curve(study, run)])
        if shape is not None and not {"other", "cyclic"} & set(shape.family.split("+")) and shape.family != "constant":
            yield shape.family


def _long(study: Study) -> dict[str, object]:
    """Lengths that the code states beyond what is simulated, shortened."""
    lengths = _lengths(study, LENGTHS | {Role.UNKNOWN})
    return {path: _SHORT + 4 * i for i, (path, value) in enumerate(lengths.items()) if value > MAX_STEPS / 2}


def _lengths(study: Study, roles: Collection[Role]) -> dict[str, float]:
    first = study.run(0, use=study.described_by)
    return {
        path: value
        for path, value in {**first.names, **first.leaves}.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and role_of(path) in roles
    }


def _stretched(study: Study, shape: Shape) -> Shape | None:
    """The shape under lengths so long that a clock in samples or tokens does not run through them in a step.

    Asked where the code speaks of a warmup that the curve does not show.
    """
    lengths = _lengths(study, LENGTHS)
    if "warmup" in shape.family or not any(role_of(path) is Role.WARMUP and n > 1 for path, n in lengths.items()):
        return None
    longer: dict[str, object] = {path: value * _STRETCH for path, value in lengths.items() if value > 1}
    run = study.run(0, use=study.described_by, overrides=longer)
    found = shape_of([_curve(study, run)]) if run.ran and run.curve else None
    warmup = found.family.split("+")[0] if found is not None else ""
    return Shape(f"{warmup}+{shape.family}", shape.parameters) if warmup.endswith("warmup") else None


def proven(study: Study, recognition: Recognition | None) -> Recognition | None:
    """A recognition without its construction where a length that the simulation does not reach may change the curve."""
    if recognition is None or recognition.spec is None:
        return recognition
    long = _long(study)
    if not long:
        return recognition
    told = ", ".join(f"`{path}`" for path in long)
    return replace(recognition, spec=None, reason=f"{told} lies beyond the steps that were simulated")


__all__ = ["Family", "family_of", "family_of_site", "inherited", "proven", "schedules", "settle_key"]
