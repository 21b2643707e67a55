"""A schedule with everything that its code leaves open drawn as in most runs: what a fault has to hold for as well."""

from __future__ import annotations

from lrfix.experiments.study import Study


def ordinarily(study: Study) -> Study | None:
    """The same schedule in ordinary runs; None where it does not run there, or is that already."""
    if study.ordinary or not study.ran:
        return None
    other = Study(study.source, study.names, study.site, study.settings, study.by_itself)
    other.groups, other.rewritable, other.like = study.groups, study.rewritable, study.like
    other.ordinary = True
    return other if other.ran else None


__all__ = ["ordinarily"]
