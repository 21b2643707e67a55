"""LR214: a legal setting raises nothing and leaves the whole run at the start factor, at the floor or at 0."""

from __future__ import annotations

from collections.abc import Iterator

from lrfix.domains.roles import Role, role_of
from lrfix.domains.scenarios import Same
from lrfix.driving.laboratory import Run
from lrfix.experiments.extent import extent, is_part
from lrfix.experiments.grid import Case, Grid, Standing
from lrfix.experiments.structure import decay_span
from lrfix.experiments.study import Study, all_real
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.model import Construction

#: A run whose highest rate is less than this share of the peak never got there.
_SHARE = 0.5
_WARMUPS = (Role.WARMUP, Role.WARMUP_EPOCHS)
_CLASSES = ("subclass", "wrapper", "composition")


@rule("LR214")
def collapsed_edge(study: Study) -> Iterator[Violation]:
    if study.opaque is not None or not study.ran or study.site.base == "MultiplicativeLR":
        return
    advice: Violation | None = None
    for use in _uses(study):
        for case in Grid(study, use).edges():
            if any(isinstance(value, Same) for value in case.setting.overrides.values()):
                continue  # a run that is all warmup is what its length says
            stated = case.setting.standing is Standing.STATED
            if (advice is not None or is_part(study, study.use)) and not stated:
                continue
            highest = _collapsed(study, case, use)
            if highest is not None:
                found = _told(study, case, highest)
                if stated:
                    yield found
                    return
                advice = found
    if advice is not None:
        yield advice


def _uses(study: Study) -> list[Construction | None]:
    if study.site.form in _CLASSES or study.use is None:
        return list(dict.fromkeys([study.use, None]))
    return [study.use]


def _collapsed(study: Study, case: Case, use: Construction | None) -> tuple[float, float] | None:
    """The highest rate of a run at the edge and of one beside it, where the first is far below in every group."""
    moved = {role_of(path) for path in case.setting.overrides}

    def highest(run: Run) -> tuple[float, float] | None:
        beside = study.run(run.scenario.index, use=use)
        if moved & {Role.EPOCHS, Role.HORIZON} and any(role_of(path) in _WARMUPS for path in run.leaves):
            return None  # a run that is shorter than its own warmup
        tops = _tops(study, run, use)
        peaks = _tops(study, beside, use)
        low = [top <= _SHARE * peak and peak > 0 for top, peak in zip(tops, peaks, strict=False)]
        return (tops[0], peaks[0]) if low and all(low) else None

    return case.shown(highest)


def _tops(study: Study, run: Run, use: Construction | None) -> list[float]:
    """The highest rate that training uses of every group; none where the run ends before training does."""
    reached = extent(study, run, use)
    used = reached.used if reached is not None else len(run.curve)
    if not run.ran or used < 1 or (run.failure is not None and run.failure.step < used):
        return []
    return [max(rates[:used]) for rates in run.lr if rates and all_real(rates[:used])]


def _told(study: Study, case: Case, highest: tuple[float, float]) -> Violation:
    top, peak = highest
    return case.violation(
        study,
        decay_span(study),
        f"{case.setting.words[:1].upper()}{case.setting.words[1:]}, nothing fails, and the rate of the whole run is at "
        f"most {top:.3g}, where it gets to {peak:.3g} otherwise.",
        [0, 1, 2],
    )
