"""What is drawn of a schedule."""

from __future__ import annotations

from typing import Any

from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.findings import (
    Evidence,
    FileResult,
    Finding,
    Position,
    ScheduleReport,
    Severity,
    SiteReport,
    Span,
    Status,
)
from lrfix.output.document import Document
from lrfix.output.figures import Figure, figures

SPAN = Span(Position(3, 1), Position(9, 2))
FALLING = tuple(1 - k / 40 for k in range(41)) + (0.5,) * 40


def site(curve: tuple[float, ...] = FALLING, end: int | None = 40, **other: Any) -> SiteReport:
    shown = Evidence(scenario={"total": 40}, curve=curve, end=end)
    return SiteReport(
        "a.py", SPAN, "lambda", "linear", {}, True, Status.REPAIR, curve=curve, name="factor", shown=shown, **other
    )


def finding(steps: tuple[int, ...], curve: tuple[float, ...] = FALLING, **scenario: object) -> Finding:
    evidence = Evidence(steps, tuple(curve[k] for k in steps), scenario or {"total": 40}, curve)
    return Finding("a.py", "LR204", "n", Severity.ERROR, "It rises.", SPAN, evidence, site=0)


def drawn(of: SiteReport, *findings: Finding) -> Figure:
    (figure,) = figures(Document.of([FileResult("a.py", True, findings, (of,))]))
    return figure


def test_a_schedule_is_drawn_to_its_end():
    figure = drawn(site())
    assert figure.title == "a.py:3 factor (linear)"
    assert [len(curve.rates) for curve in figure.curves] == [41]
    assert figure.notes == ("example values chosen by lrfix: total = 40",)


def test_a_finding_marks_its_step_and_shows_what_comes_past_the_end():
    figure = drawn(site(), finding((39, 41, 42)))
    assert figure.marks == ((41, "LR204"),)
    assert (len(figure.curves[0].rates), figure.end) == (47, 40)
    assert "LR204: It rises." in figure.notes


def test_a_finding_under_other_values_has_a_curve_of_its_own():
    other = tuple(1 - k / 80 for k in range(81))
    figure = drawn(site(end=None), finding((1, 2), other, total=80))
    assert [curve.label for curve in figure.curves] == ["linear", "LR204 with total = 80"]


def test_branches_lie_over_each_other():
    branches = tuple(ScheduleReport({"mode": repr(mode)}, mode, {}, FALLING) for mode in ("cos", "linear"))
    assert [curve.label for curve in drawn(site(schedules=branches)).curves] == ["mode='cos'", "mode='linear'"]


def test_what_was_not_simulated_is_not_drawn():
    assert figures(Document.of([FileResult("a.py", True, sites=(site(curve=()),))])) == []


def test_the_curve_is_that_of_the_codes_own_values_where_it_states_them_all():
    source = (
        "from torch.optim.lr_scheduler import LambdaLR\n\n\n"
        "def build(optimizer, warmup=5, total=50):\n"
        "    rest = total - warmup\n"
        "    return LambdaLR(optimizer, lambda k: k / warmup if k < warmup else max(0.0, 1 - (k - warmup) / rest))\n"
    )
    (figure,) = figures(Document.of([check_source(source.encode(), "train.py", Settings(frozenset()))]))
    assert figure.notes[0] == "with your values: warmup = 5, total = 50"
    assert len(figure.curves[0].rates) == 51 and figure.curves[0].rates[5] == max(figure.curves[0].rates)
