"""The family of a site: of all the schedules that it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lrfix.families.runs import ENOUGH, curve_of
from lrfix.families.schedule import Family, family_of
from lrfix.findings import ScheduleReport
from lrfix.recognition.shapes import shape_of, united
from lrfix.sites.model import ScheduleSite
from lrfix.study import Study, all_real

_MOST_BRANCHES = 4
_ANOTHER = "another"
"""A text that no code compares a setting with: it leads to the last ``else``."""


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
        run = study.run(0, use=study.described_by, overrides=overrides, steps=min(study.steps, ENOUGH))
        if not run.ran or not run.curve or not all_real(run.curve) or run.failure is not None:
            continue
        shape = shape_of([curve_of(study, run)])
        if shape is not None and not {"other", "cyclic"} & set(shape.family.split("+")) and shape.family != "constant":
            yield shape.family


__all__ = ["family_of_site", "schedules"]
