"""Figures as PNG, SVG, PDF or one HTML page that needs no network; drawn by matplotlib, the extra ``plot``."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from lrfix.output.figures import Figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_WIDTH, _HEIGHT = 7.0, 2.8
#: Told apart by who sees no colours, too: hue and lightness differ.
_COLOURS = ("#4c566a", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "svg{max-width:100%;height:auto}h2{font-size:1rem;margin-top:2.5rem}li{margin:.3rem 0}"
    "@media(prefers-color-scheme:dark){body{background:#1b1b1b;color:#ddd}svg{background:#fff;border-radius:4px}}"
)


def picture(figures: Sequence[Figure], kind: str) -> bytes:
    """All figures below each other; ``kind`` is ``png``, ``svg`` or ``pdf``. Raises ImportError without matplotlib."""
    return _saved(_drawing(figures), kind)


def page(figures: Sequence[Figure]) -> bytes:
    """One HTML page with a picture and the notes of each figure. Raises ImportError without matplotlib."""
    parts = []
    for figure in figures:
        svg = _saved(_drawing([figure], titled=False), "svg").decode()
        notes = "".join(f"<li>{escape(_legible(note))}</li>" for note in figure.notes)
        parts.append(f"<h2>{escape(_legible(figure.title))}</h2>\n{svg[svg.index('<svg') :]}\n<ul>{notes}</ul>")
    body = "\n".join(parts) or "<p>No schedule was found.</p>"
    head = f'<meta charset="utf-8"><title>Learning-rate schedules</title><style>{_STYLE}</style>'
    html = f'<!doctype html><html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'
    return html.encode("utf-8", "backslashreplace")


def _drawing(figures: Sequence[Figure], titled: bool = True) -> Drawing:
    from matplotlib import rc_context
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(_WIDTH, _HEIGHT * max(1, len(figures))), layout="constrained")
    with rc_context({"text.parse_math": False}):  # a name with dollar signs is no formula
        for index, figure in enumerate(figures, 1):
            _panel(drawing.add_subplot(max(1, len(figures)), 1, index), figure, titled)
    return drawing


def _legible(text: str) -> str:
    """Names of files may hold what is no character, or none that XML has."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _panel(axes: Any, figure: Figure, titled: bool) -> None:
    for number, curve in enumerate(figure.curves):
        style = {"linestyle": "--", "linewidth": 1.8} if curve.new else {"linewidth": 1.4}
        axes.plot(curve.rates, label=_legible(curve.label), color=_COLOURS[number % len(_COLOURS)], **style)
    for step, words in figure.marks:
        axes.axvline(step, color="#bf1b1b", linewidth=0.9)
        axes.annotate(
            _legible(words), (step, 1), xycoords=("data", "axes fraction"), xytext=(3, -10), textcoords="offset points",
            color="#bf1b1b", fontsize=8,
        )  # fmt: skip
    if figure.end is not None:
        axes.axvline(figure.end, color="#888888", linewidth=0.9, linestyle=":")
    axes.set_xlabel(figure.unit)
    axes.set_ylabel("learning rate")
    axes.margins(x=0.01)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.spines[["top", "right"]].set_visible(False)
    if titled:
        axes.set_title(_legible(figure.title), fontsize=9, loc="left")
    if len(figure.curves) > 1:
        axes.legend(fontsize=8, frameon=False)


def _saved(drawing: Drawing, kind: str) -> bytes:
    from matplotlib import rc_context

    stream = io.BytesIO()
    # The same figures give the same bytes: no date, and names that do not depend on chance.
    with rc_context({"svg.hashsalt": "lrfix", "svg.fonttype": "none"}):
        drawing.savefig(stream, format=kind, dpi=160, metadata={"Date": None} if kind == "svg" else None)
    return stream.getvalue()


__all__ = ["page", "picture"]
