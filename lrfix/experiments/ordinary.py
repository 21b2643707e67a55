"""A schedule with everything that its code leaves open drawn as in most runs: what a fault has to hold for as well."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.facts import fallback_of
from lrfix.domains.scenarios import Same
from lrfix.experiments.study import Study
from lrfix.trees import written


def ordinarily(study: Study) -> Study | None:
    """The same schedule in ordinary runs; None where it does not run there, or is that already."""
    if study.ordinary or not study.ran:
        return None
    settings = {**dict(_otherwise(study)), **study.settings}
    other = Study(study.source, study.names, study.site, settings, study.by_itself)
    other.groups, other.rewritable, other.like = study.groups, study.rewritable, study.like
    other.ordinary = True
    return other if other.ran else None


def _otherwise(study: Study) -> Iterator[tuple[str, Same]]:
    """Options that are another one unless somebody gives them: ``args.peak = getattr(args, "peak", args.lr)``."""
    for node in study.names.nodes:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Attribute):
            continue
        default = fallback_of(node.value)
        if isinstance(default, ast.Name | ast.Attribute) and written(default) != written(node.targets[0]):
            yield written(node.targets[0]), Same(written(default))


__all__ = ["ordinarily"]
