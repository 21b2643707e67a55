"""How figures look in characters."""

from __future__ import annotations

import math

import pytest

from lrfix.output.figures import Curve, Figure
from lrfix.output.sparkline import ASCII
from lrfix.output.terminal import Style

pytest.importorskip("plotille")
from lrfix.output.terminal_plot import in_terminal

PLAIN, IN_ASCII = Style(), Style(blocks=ASCII)
#: Where the drawing begins, right of the axis of rates.
EDGE = 13


def figure(
    *rates: tuple[float, ...],
    marks: tuple[tuple[int, str], ...] = (),
    end: int | None = None,
    unit: str = "step",
    notes: tuple[str, ...] = (),
) -> Figure:
    names = ("old", "new", "third", "fourth", "fifth")
    curves = tuple(Curve(name, each) for name, each in zip(names, rates, strict=False))
    return Figure("title", curves, marks, end, unit, notes)


def rows(drawn: str) -> list[str]:
    """What stands right of the axis, highest rates first, the row for names of marks left out."""
    return [line[EDGE:] for line in drawn.splitlines()[4:16]]


def labels(drawn: str) -> list[str]:
    return [line[:EDGE].strip(" |") for line in drawn.splitlines()[3:16]]


FALLING = tuple(0.4 - 0.4 * k / 90 for k in range(91))


def test_the_ends_of_both_axes_are_named():
    drawn = in_terminal(figure(FALLING, unit="epoch"), PLAIN)
    assert drawn.startswith("title\n   (lr)    ^\n")
    assert [label for label in labels(drawn) if label] == ["0.4", "0.3", "0.2", "0.1", "0"]
    lines = drawn.splitlines()
    assert lines[-2].endswith("-> (epoch)")
    assert lines[-1].split() == ["|", "0", "13", "26", "39", "52", "65", "78", "90"]


@pytest.mark.parametrize("style", [PLAIN, IN_ASCII])
def test_high_rates_stand_high_and_the_last_step_at_the_end(style):
    shown = rows(in_terminal(figure(FALLING), style))
    assert shown[0].strip() and not shown[0].startswith(" ")
    assert len(shown[-1]) == 70 and len(shown[0]) < 10


def test_only_a_step_that_stands_below_a_label_is_named():
    below = in_terminal(figure((0.0, 1.0, 2.0, 3.0)), PLAIN).splitlines()[-1]
    assert below.split() == ["|", "0", "3"]


def test_curves_that_agree_are_both_seen_and_each_is_named():
    drawn = in_terminal(figure(FALLING, (*FALLING[:45], *[0.2] * 46)), PLAIN)
    top, bottom = rows(drawn)[0], rows(drawn)[-1]
    assert "o" in top and "x" in top and "o" in bottom and "x" not in bottom
    assert drawn.endswith("  o old\n  x new\n")


def test_a_single_curve_has_no_name():
    assert "old" not in in_terminal(figure(FALLING), PLAIN)


def test_a_mark_is_a_line_with_its_name_above_and_its_step_below():
    drawn = in_terminal(figure(FALLING, marks=((45, "LR204"),), end=80, notes=("It rises.",)), PLAIN)
    assert drawn.splitlines()[3][EDGE:].split() == ["LR204", "end"]
    column = drawn.splitlines()[3].index("LR204")
    assert sum(line[column] == "|" for line in drawn.splitlines()[4:16]) >= 11
    assert sum(":" in row for row in rows(drawn)) >= 11
    assert drawn.endswith("  step 45: LR204\n  step 80: its end\n  It rises.\n")


def test_names_of_marks_neither_cover_each_other_nor_leave_the_drawing():
    above = in_terminal(figure(FALLING, marks=((45, "LR204"), (46, "LR202"), (90, "LR210"))), PLAIN).splitlines()[3]
    assert above[EDGE:].split() == ["LR204", "LR210"]
    assert len(above) == EDGE + 70


@pytest.mark.parametrize("style", [PLAIN, IN_ASCII])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_an_exclamation_mark_on_the_axis(bad, style):
    shown = rows(in_terminal(figure((0.5, bad, 1.0, 1.0, bad)), style))
    assert "!" in shown[-1] and shown[-1].endswith("!")
    assert not any("!" in row for row in shown[:-1])


@pytest.mark.parametrize("rates", [(0.0, 0.0), (0.1,), (0.0,), (math.nan,), (-0.1, 0.1), (1e-12, 2e-12), (1e300, 0.0)])
@pytest.mark.parametrize("style", [PLAIN, IN_ASCII, Style(colour=True)])
def test_any_curve_can_be_drawn(rates, style):
    assert in_terminal(figure(rates), style).startswith("title\n")


def test_rates_below_zero_stand_below_it():
    drawn = in_terminal(figure((0.1, -0.1, 0.1)), PLAIN)
    assert [label for label in labels(drawn) if label] == ["0.1", "0.05", "0", "-0.05", "-0.1"]


def test_where_only_ascii_can_be_shown_nothing_else_is():
    marked = figure(FALLING, FALLING, marks=((3, "LR202"),), end=80)
    assert in_terminal(marked, IN_ASCII).isascii()
    assert in_terminal(figure(FALLING), IN_ASCII).isascii()


def test_colours_only_where_they_are_asked_for(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    marked = figure(FALLING, FALLING, marks=((3, "LR202"),))
    assert "\x1b" not in in_terminal(marked, PLAIN)
    monkeypatch.setenv("NO_COLOR", "1")
    coloured = in_terminal(marked, Style(colour=True))
    assert "\x1b[36mo\x1b[0m old" in coloured and "\x1b[31m" in coloured


def test_the_same_figure_is_drawn_the_same_each_time():
    assert in_terminal(figure(FALLING, FALLING), PLAIN) == in_terminal(figure(FALLING, FALLING), PLAIN)
