"""LR212: at a step that training reaches the rate is negative, complex, infinite or not a number."""

from __future__ import annotations

from collections.abc import Iterator

from lrfix.domains.roles import Role, role_of
from lrfix.domains.scenarios import Same
from lrfix.driving.laboratory import Run
from lrfix.experiments.extent import extent, steps_itself
from lrfix.experiments.grid import Case, Grid, Setting, Standing
from lrfix.experiments.study import Study
from lrfix.experiments.validity import Invalid, first_invalid, spot
from lrfix.findings import Violation
from lrfix.registry import rule

_ENDS = (Role.HORIZON, Role.DECAY_LENGTH, Role.EPOCHS)


@rule("LR212")
def invalid_rate(study: Study) -> Iterator[Violation]:
    if study.opaque is not None or study.site.base == "MultiplicativeLR":
        return
    grid = Grid(study)
    for case in grid.values():
        found = case.shown(lambda run: _inside(study, run))
        if found is not None and not _by_a_drawn_relation(grid, case):
            yield _told(study, case, found)
            return


def _inside(study: Study, run: Run) -> Invalid | None:
    """The first step within the run at which the rate is invalid."""
    reached = extent(study, run)
    if reached is None:
        return None
    horizon = study.horizon(run)
    end = reached.used if horizon is None else min(reached.used, horizon)
    # Who asks a function that nobody is seen to ask may count from one.
    start = 0 if steps_itself(study) or study.site.inline or study.use is not None else 1
    return first_invalid(run, start, end)


def _by_a_drawn_relation(grid: Grid, case: Case) -> bool:
    """Whether the fault is gone once lengths that were drawn apart, and may be one and the same, are equal."""
    run = case.run
    ends = [p for p, v in run.leaves.items() if role_of(p) in _ENDS and isinstance(v, int)]
    for path in ends:
        for other in ends:
            if path == other or (role_of(path) is Role.EPOCHS) != (role_of(other) is Role.EPOCHS):
                continue
            overrides = {**case.setting.overrides, path: Same(other)}
            alike = Setting("relations", Standing.PLAUSIBLE, "", overrides, use=case.setting.use, draws=(0,))
            if grid.case(alike).shown(lambda run: _inside(grid.study, run)) is None:
                return True
    return False


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
