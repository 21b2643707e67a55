"""LR214: a legal setting raises nothing and leaves the whole run at the start factor, at the floor or at 0."""

from __future__ import annotations

from collections.abc import Iterator

from lrfix.domains.roles import Role, role_of
from lrfix.domains.scenarios import Same
from lrfix.driving.laboratory import Run
from lrfix.experiments.extent import extent, is_part, walked_as_asked
from lrfix.experiments.grid import Case, Grid, Standing
from lrfix.experiments.stock import arguments, empty_lengths, stock_studies
from lrfix.experiments.structure import decay_span
from lrfix.experiments.study import Study, all_real
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.model import Construction
from lrfix.wording import num

#: A run whose highest rate is less than this share of the peak never got there.
_SHARE = 0.5
_CLASSES = ("subclass", "wrapper", "composition")


@rule("LR214", uses=True)
def collapsed_edge(study: Study) -> Iterator[Violation]:
    if study.site.form != "training":
        yield from _edges(study, legal=not is_part(study, study.use))
        return
    for stock in stock_studies(study):
        found = _kept_down(stock) or next(_edges(stock, legal=False), None)
        if found is not None:
            yield found


def _edges(study: Study, legal: bool) -> Iterator[Violation]:
    """A schedule that collapses at an edge, that the code states or, with ``legal``, that it allows."""
    if study.opaque is not None or not study.ran or study.site.base == "MultiplicativeLR":
        return
    advice: Violation | None = None
    for use in _uses(study):
        for case in Grid(study, use).edges(legal):
            stated = case.setting.standing is Standing.STATED
            moved = case.setting.overrides.items()
            if any(isinstance(value, Same) or role_of(path) is Role.HORIZON for path, value in moved):
                continue  # a run that is all warmup is what its length says; one of a single step is no run
            if advice is not None and not stated:
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


def _kept_down(stock: Study) -> Violation | None:
    """A scheduler of torch built with a length of 0 that keeps its start factor, or as a constant that is none."""
    lengths = empty_lengths(stock)
    unsaid = stock.site.base == "ConstantLR" and not {"factor", "total_iters"} & arguments(stock).keys()
    if not lengths and not unsaid:
        return None
    run = stock.run(0, use=stock.site.constructions[0])
    if not run.ran or run.failure is not None or not all_real(run.curve):
        return None
    base, curve = run.base_lrs[0], run.curve
    if lengths and max(curve) <= _SHARE * base:
        message = (
            f"With `{lengths[0]}` = 0, {stock.site.base} keeps the factor that it starts with, without any error: the "
            f"learning rate of the whole run is at most {num(max(curve) / base)} of the optimizer's."
        )
        return Violation(stock.site.span, message, stock.evidence(run, [0, 1, 2]))
    low = next((k for k, rate in enumerate(curve) if rate > _SHARE * base), None)
    if unsaid and low:
        message = (
            f"ConstantLR without arguments is no constant rate: the first {low} epochs train at {num(curve[0] / base)} "
            "of the optimizer's rate. `factor=1.0` leaves it alone."
        )
        return Violation(stock.site.span, message, stock.evidence(run, [0, low - 1, low]))
    return None


def _uses(study: Study) -> list[Construction | None]:
    if study.site.form in _CLASSES or study.use is None:
        return list(dict.fromkeys([study.use, None]))
    return [study.use]


def _collapsed(study: Study, case: Case, use: Construction | None) -> tuple[float, float] | None:
    """The highest rate of a run at the edge and of one beside it, where the first is far below in every group."""
    moved = {role_of(path) for path in case.setting.overrides}

    def highest(run: Run) -> tuple[float, float] | None:
        beside = study.run(run.scenario.index, use=use)
        if _goes_to_what_follows(case, run, beside):
            return None
        tops = _tops(study, run, use)
        peaks = _tops(study, beside, use)
        if Role.EPOCHS in moved and peaks and beside.curve[0] <= _SHARE * peaks[0]:
            return None  # a run that is shorter than its own warmup
        if tops and all(top >= base for top, base in zip(tops, run.base_lrs, strict=False)):
            return None  # it gets to the whole rate; what is wrong is the run beside it
        low = [top <= _SHARE * peak and peak > 0 for top, peak in zip(tops, peaks, strict=False)]
        return (tops[0], peaks[0]) if low and all(low) else None

    if _high_at_once(study, case, use):
        return None
    return case.shown(highest)


def _high_at_once(study: Study, case: Case, use: Construction | None) -> bool:
    """Whether the first run of an edge, as far as training goes, gets up to the rates beside it in some group."""
    draw = case.setting.draws[0]
    soon = walked_as_asked(study, draw, use, case.setting.overrides)
    reached = extent(study, soon, use) if soon is not None else None
    if soon is None or reached is None or reached.used > len(soon.curve):
        return False
    peaks = _tops(study, study.run(draw, use=use), use)
    return any(top > _SHARE * peak for top, peak in zip(_tops(study, soon, use), peaks, strict=False))


def _goes_to_what_follows(case: Case, run: Run, beside: Run) -> bool:
    """Whether without its one phase a schedule is at the constant rate that comes after: it has nothing else."""
    lengths = [v for path in case.setting.overrides if isinstance(v := beside.leaves.get(path), int)]
    after = beside.curve[max(lengths, default=0) :]
    return len(lengths) == 1 and len(after) > 1 and set(after) == set(run.curve)


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
        f"{case.setting.words[:1].upper()}{case.setting.words[1:]}, the learning rate is "
        f"{f'never above {num(top)}' if top else '0'} during the whole run, without any error; it reaches {num(peak)} "
        "otherwise.",
        [0, 1, 2],
    )
