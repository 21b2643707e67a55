"""Figures in characters, for the terminal; drawn by plotille, the extra ``plot``."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lrfix.output.figures import Curve, Figure
from lrfix.output.sparkline import BLOCKS
from lrfix.output.terminal import Style

_WIDTH, _HEIGHT = 70, 12
#: Rows from label to label.
_TICK_ROWS = 3
#: A character is a grid of so many dots.
_DOTS_ACROSS, _DOTS_UP = 2, 4
_LAST_DOT = _WIDTH * _DOTS_ACROSS - 1
_COLOURS = ("cyan", "yellow", "green", "blue")
#: Where several curves are to be told apart, or dots cannot be shown.
_LETTERS = "ox+#"
_NO_DOTS = "\u2800"


def in_terminal(figure: Figure, style: Style) -> str:
    """A figure with its curves over each other. Raises ImportError without plotille."""
    from plotille import Figure as Drawing

    drawing = Drawing()
    drawing.width, drawing.height = _WIDTH, _HEIGHT + 1  # a row for the names of marks
    drawing.linesep, drawing.origin, drawing.with_colors = "\n", False, style.colour
    drawing.x_label, drawing.y_label = figure.unit, "lr"
    last = max(1, *(len(curve.rates) - 1 for curve in figure.curves))
    low, high = _limits(figure.curves)
    # What stands at the upper end of a range would be left out: the ends are the last dots of the drawing.
    drawing.set_x_limits(0, last * (_LAST_DOT + 1) / _LAST_DOT)
    per_dot = (high - low) / (_HEIGHT * _DOTS_UP - 1)
    drawing.set_y_limits(low, low + per_dot * (_HEIGHT + 1) * _DOTS_UP)
    drawing.x_ticks_fkt = lambda step, _: _step(step, last)
    drawing.y_ticks_fkt = lambda rate, _: _rate(round((rate - low) / (per_dot * _DOTS_UP)), low, high)
    _mark(drawing, figure, last, [low + per_dot * _DOTS_UP * row for row in range(_HEIGHT + 1)])
    legend = ""
    if len(figure.curves) == 1 and style.blocks == BLOCKS:
        _line(drawing, figure.curves[0], _COLOURS[0])
    else:
        for number, curve in enumerate(figure.curves):
            colour, letter = _COLOURS[number % len(_COLOURS)], _LETTERS[number % len(_LETTERS)]
            # Each has columns of its own: of curves that agree for a while all are seen.
            steps = [column / (_WIDTH - 1) * last for column in range(number, _WIDTH, len(figure.curves))]
            _scatter(drawing, curve, steps, colour, letter)
            legend += f"  {style.paint(letter, colour)} {curve.label}\n" if len(figure.curves) > 1 else ""
    with _colours_as_told(style.colour):
        shown = drawing.show().replace(_NO_DOTS, " ")
    drawn = "".join(f"{line.rstrip()}\n" for line in shown.splitlines())
    notes = [f"{figure.unit} {step}: {words}" for step, words in figure.marks]
    notes += [f"{figure.unit} {figure.end}: its end"] if figure.end is not None else []
    return f"{figure.title}\n{drawn}{legend}" + "".join(f"  {line}\n" for line in (*notes, *figure.notes))


def _limits(curves: Sequence[Curve]) -> tuple[float, float]:
    """From zero, or below it, to the highest rate."""
    finite = [rate for curve in curves for rate in curve.rates if math.isfinite(rate)]
    low, high = min([0.0, *finite]), max([0.0, *finite])
    return low, high if high > low else low + 1.0


def _line(drawing: Any, curve: Curve, colour: str) -> None:
    """A line over the steps, broken where a rate is no number."""
    first = 0
    for step, rate in enumerate((*curve.rates, math.nan)):
        if not math.isfinite(rate):
            drawing.plot(list(range(first, step)), list(curve.rates[first:step]), lc=colour)
            first = step + 1
    _scatter(drawing, curve, range(len(curve.rates)), colour, None)


def _scatter(drawing: Any, curve: Curve, steps: Sequence[float], colour: str, letter: str | None) -> None:
    """Points at some places on the axis of steps; what is no number stands at zero as an exclamation mark."""
    shown = [(step, curve.rates[round(step)]) for step in steps if round(step) < len(curve.rates)]
    for finite, marker, paint in ((True, letter, colour), (False, "!", "red")):
        points = [(step, rate if finite else 0.0) for step, rate in shown if math.isfinite(rate) is finite]
        drawing.scatter([step for step, _ in points], [rate for _, rate in points], lc=paint, marker=marker)


def _mark(drawing: Any, figure: Figure, last: int, rows: Sequence[float]) -> None:
    """A line of characters at each step that is marked, its name above it where there is room."""
    marks = [(step, words, "red", "|") for step, words in figure.marks]
    marks += [(figure.end, "end", "blue", ":")] if figure.end is not None else []
    free = 0
    for step, words, colour, letter in sorted(marks):
        drawing.scatter([step] * len(rows), rows, lc=colour, marker=letter)
        column = min(round(step / last * _LAST_DOT) // _DOTS_ACROSS, _WIDTH - len(words))
        if column >= free:
            drawing.text([column * _DOTS_ACROSS / _LAST_DOT * last], [rows[-1]], [words], lc=colour)
            free = column + len(words) + 1


def _step(step: float, last: int) -> str:
    """The label below a column: of the step that stands there, if one does."""
    whole = round(step)
    return str(min(whole, last)) if abs(step - whole) <= last / _WIDTH else ""


def _rate(row: int, low: float, high: float) -> str:
    """The label beside a row, counted from the bottom; the row for names has none."""
    share = row / _HEIGHT
    return f"{low * (1 - share) + high * share:.4g}" if row % _TICK_ROWS == 0 and row <= _HEIGHT else ""


@contextmanager
def _colours_as_told(colour: bool) -> Iterator[None]:
    """plotille asks the environment and the stream; here the command line has been asked, too."""
    names = ("NO_COLOR", "FORCE_COLOR")
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ["FORCE_COLOR" if colour else "NO_COLOR"] = "1"
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(before)


__all__ = ["in_terminal"]
