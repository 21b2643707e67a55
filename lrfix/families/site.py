"""The family of a site: of all the schedules that it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lrfix.experiments.own_numbers import in_own_numbers
from lrfix.experiments.study import Study, as_float
from lrfix.families.branches import behind_branches
from lrfix.families.schedule import Family, family_of
from lrfix.findings import ScheduleReport
from lrfix.recognition.shapes import united
from lrfix.sites.model import ScheduleSite


def family_of_site(site: ScheduleSite, studies: Sequence[Study], alternatives: Mapping[str, Sequence[str]]) -> Family:
    """The family of all schedules that a site holds; ``other`` where nothing could be run.

    ``alternatives`` are the texts that the code compares each of its settings with.
    """
    named = [family for study in studies if (family := family_of(study)) is not None]
    if not named:
        return Family("other")
    names = [family.name for family in named]
    horizon = next((family.horizon for family in named if family.horizon is not None), None)
    names += [name for study in studies[:1] if study.opaque is None for name in behind_branches(study, alternatives)]
    if "onecycle" in names:
        # One policy, annealed in another way: in straight lines up and down.
        names = [name for name in names if name != "linear-warmup+linear"]
    if any(name != "constant" for name in names) and any(_left_out(study) for study in studies if not study.settings):
        names = [name for name in names if name != "constant"]
    whole = united(names)
    if site.form == "setter" and whole == "constant":
        # Writing one rate again and again is an assignment, not a schedule.
        whole = "other"
    return Family(whole, named[0].parameters, horizon)


def _left_out(study: Study) -> bool:
    """Whether the plain run stands still because nobody set an option, of which the schedule is made."""
    run = study.run(0, use=study.described_by)
    return run.ran and len(set(run.curve)) == 1 and None in run.leaves.values()


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
            tuple(as_float(rate) for rate in in_own_numbers(study).runs[0].curve) if study.runs else (),
        )
        for study, family in told
    )


__all__ = ["family_of_site", "schedules"]
