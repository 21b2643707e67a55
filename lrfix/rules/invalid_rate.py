"""LR212: at a step that training reaches the rate is negative, complex, infinite or not a number."""

from __future__ import annotations

from collections.abc import Iterator

from lrfix.driving.laboratory import Run
from lrfix.experiments.extent import extent, steps_itself
from lrfix.experiments.grid import Case, Grid, by_a_drawn_relation
from lrfix.experiments.study import Study
from lrfix.experiments.validity import Invalid, first_invalid, spot
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.model import Construction


@rule("LR212")
def invalid_rate(study: Study) -> Iterator[Violation]:
    if study.opaque is not None or study.site.base == "MultiplicativeLR":
        return
    grid = Grid(study)
    for case in grid.values():
        use = case.setting.use

        def inside(run: Run, use: Construction | str | None = use) -> Invalid | None:
            return _inside(study, run, use)

        found = case.shown(inside)
        if found is not None and not by_a_drawn_relation(grid, case, inside):
            yield _told(study, case, found)
            return


def _inside(study: Study, run: Run, use: Construction | str | None) -> Invalid | None:
    """The first step within the run at which the rate is invalid."""
    reached = extent(study, run, use)
    if reached is None:
        return None
    horizon = study.horizon(run)
    end = reached.used if horizon is None else min(reached.used, horizon)
    # Who asks a function that nobody is seen to ask may count from one.
    start = 0 if steps_itself(study) or study.site.inline or study.use is not None else 1
    return first_invalid(run, start, end)


def _told(study: Study, case: Case, found: Invalid) -> Violation:
    under = f" {case.setting.words}" if case.setting.words else ""
    end = study.horizon(case.run)
    whole = f" of {end}" if end is not None else ""
    return case.violation(
        study,
        spot(study, found),
        f"At step {found.step}{whole}, which training reaches{under}, {found.place} {found.what}.",
        [found.step - 2, found.step - 1, found.step, found.step + 1],
    )
