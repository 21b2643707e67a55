"""Which family a site is named by: exact where a bundled schedule gives its curves, by shape elsewhere.

A function with a branch a policy is several schedules: each is named, and the site has the parts of all.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lrfix.names import Defined, Names
from lrfix.recognition.shapes import Curve, shape_of, united
from lrfix.simulation.roles import LENGTHS, role_of
from lrfix.simulation.scenarios import GENERIC
from lrfix.study import MAX_STEPS, Study, all_real

if TYPE_CHECKING:
    from lrfix.simulation.laboratory import Run
    from lrfix.sites.model import ScheduleSite

_MEASURED = re.compile(r"(^|_)(loss|losses|metric|metrics|score|accuracy|acc|perplexity|wer|cer)($|_)")
_INNER = re.compile(r"sched(uler|ule)?s?$")
_MOST_BRANCHES = 4
_ANOTHER = "another"
"""A text that no code compares a setting with: it leads to the last ``else``."""


@dataclass(frozen=True)
class Family:
    """A family in the words of the inventory, and the parameters that could be read off."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def family_of_site(site: ScheduleSite, studies: Sequence[Study]) -> Family:
    """The family of all schedules that a site holds; ``other`` where nothing could be run."""
    named = [family for study in studies if (family := family_of(study)) is not None]
    if not named:
        return Family("other")
    names = [family.name for family in named]
    names += [name for study in studies for name in _branches(study) if study.opaque is None]
    whole = united(names)
    if site.form == "setter" and whole == "constant":
        # Writing one rate again and again is an assignment, not a schedule.
        whole = "other"
    return Family(whole, named[0].parameters)


def family_of(study: Study) -> Family | None:
    """The family of one schedule; None where it cannot be run."""
    if study.opaque is not None:
        return None
    recognition = study.recognition
    if recognition is not None and recognition.spec is not None:
        return Family(recognition.family, recognition.parameters)
    use = study.described_by
    runs = [run for index in range(GENERIC) if (run := study.run(index, use=use)).ran]
    if not any(len(run.curve) > 1 for run in runs):
        runs = [run for run in study.runs if run.ran]
    shape = shape_of([_curve(run) for run in runs if run.curve])
    if shape is None:
        return None
    name = _qualified(study, runs, shape.family)
    exact = recognition is not None and set(recognition.family.split("+")) == set(shape.family.split("+"))
    return Family(name, recognition.parameters if exact and recognition is not None else shape.parameters)


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


def _curve(run: Run) -> Curve:
    base = run.base_lrs[0] if run.base_lrs else 1.0
    return Curve([float(rate) for rate in run.curve], base, {**run.leaves, **run.names})


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


def _branches(study: Study) -> Iterator[str]:
    """Families behind switches that are no texts: a flag the other way, the ``else`` of a single comparison."""
    first = study.run(0, use=study.described_by)
    if not first.ran:
        return
    tried: list[dict[str, object]] = []
    for path, value in first.leaves.items():
        if isinstance(value, bool) and path not in study.settings:
            tried.append({path: not value})
        elif _too_long(path, value):
            tried.append({path: _SHORT})
    for overrides in tried[:_MOST_BRANCHES]:
        run = study.run(0, use=study.described_by, overrides=overrides)
        if not run.ran or not run.curve or not all_real(run.curve) or run.failure is not None:
            continue
        shape = shape_of([_curve(run)])
        if shape is not None and "other" not in shape.family and shape.family != "constant":
            yield shape.family


_SHORT = 23


def _too_long(path: str, value: object) -> bool:
    return isinstance(value, int | float) and role_of(path) in LENGTHS and value > MAX_STEPS / 2


__all__ = ["Family", "family_of", "family_of_site", "inherited"]
