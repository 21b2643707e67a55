"""Draws docs/pictures/rules/*.svg: the rates of the first example of each rule's page that is reported and is not.

    python docs/make_rule_pictures.py [CODE...]

Where these have no curves, or curves that look the same, there is no picture. Each file carries the hash of the
examples that it was drawn from, by which tests/test_docs.py knows a stale one.
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from make_schedule_pictures import BOTTOM, HEIGHT, LEFT, RIGHT, STYLE, TOP, WIDTH, escaped

from lrfix.analysis import analyse
from lrfix.config import Settings
from lrfix.engine import check_source
from lrfix.experiments.study import as_float
from lrfix.findings import Evidence
from lrfix.output.sparkline import last_of_interest
from lrfix.pages import Page, load_pages
from lrfix.registry import load_rules
from lrfix.source import parse_source
from lrfix.wording import num

FOLDER = Path(__file__).resolve().parent / "pictures" / "rules"
#: What a rate may be above the others before it is cut off at the top.
_TALL = 3.0
#: Curves that are nowhere further apart, as a share of the peak, look the same.
_SEEN = 0.02
#: Rules that have no fault to show.
_NO_FAULT = ("LR0", "LR4")


def drawn_from(page: Page) -> str:
    """The hash of the examples that a picture shows."""
    return hashlib.sha256("\0".join([page.bad[0].code, page.good[0].code]).encode()).hexdigest()[:16]


def curves(page: Page) -> list[tuple[str, Sequence[float], int | None]]:
    """The curves of a page with their labels and the step that the finding speaks of; none where they show nothing."""
    settings = Settings(selected=frozenset(load_rules()))
    bad = check_source(page.bad[0].code.encode(), "bad.py", settings)
    found = [f.evidence for f in bad.findings if f.code == page.code and f.evidence is not None and f.evidence.curve]
    shown = found[0] if found else next((site.shown for site in bad.sites if site.shown is not None), None)
    fine = _fine(page.good[0].code, shown) if shown is not None else None
    if shown is None or fine is None:
        return []
    steps = found[0].steps if found else ()
    mark = steps[min(1, len(steps) - 1)] if steps else None
    seen = _SEEN * max((abs(rate) for rate in fine if math.isfinite(rate)), default=0.0)
    apart = next((k for k, (a, b) in enumerate(zip(shown.curve, fine, strict=False)) if not abs(a - b) <= seen), None)
    if apart is None:
        return []
    last = max(last_of_interest(shown.curve, shown.end), last_of_interest(fine, shown.end), *steps, 1)
    last = last if apart < last else apart * 2
    return [("reported", shown.curve[: last + 1], mark), ("not reported", fine[: last + 1], None)]


def _fine(code: str, shown: Evidence) -> tuple[float, ...] | None:
    """The curve of a sound example, under the values of the one that is not as far as it has them."""
    for site in analyse(parse_source(code.encode(), "good.py")):
        run = site.study.runs[0] if site.study is not None and site.study.ran else None
        if run is None or site.study is None or not site.curve:
            continue
        values = {name: value for name, value in shown.scenario.items() if name in run.leaves}
        same = site.study.run(0, overrides=values)
        return tuple(as_float(rate) for rate in (same if same.ran else run).curve)
    return None


def picture(page: Page) -> str | None:
    """The whole SVG file; None where there is nothing to draw."""
    found = curves(page)
    rates = [rate for _, curve, _ in found for rate in curve if math.isfinite(rate)]
    if not rates or all(len(set(curve)) < 2 for _, curve, _ in found):
        return None
    usual = max((abs(rate) for rate in found[1][1] if math.isfinite(rate)), default=0.0) or max(map(abs, rates))
    top, low = min(max(rates), _TALL * usual), max(min(0.0, *rates), -_TALL * usual)
    last = max(len(curve) for _, curve, _ in found) - 1
    scale = (RIGHT - LEFT) / last

    def y(rate: float) -> float:
        share = (min(max(rate, low), top) - low) / ((top - low) or 1.0)
        return BOTTOM - share / 1.08 * (BOTTOM - TOP)

    title = f"{page.code} {page.name}: the rate by step, of an example that is reported and of one that is not"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-labelledby="t"><!-- {drawn_from(page)} -->',
        f'<title id="t">{escaped(title)}</title>',
        STYLE,
        f'<path d="M{LEFT} {TOP} V{BOTTOM} M{LEFT} {y(0):.1f} H{RIGHT}" class="axis"/>',
        f'<text x="{LEFT - 4}" y="{y(top) + 4:.1f}" text-anchor="end">{num(float(f"{top:.2g}"))}</text>',
        f'<text x="{LEFT - 4}" y="{y(0) + 4:.1f}" text-anchor="end">0</text>',
        f'<text x="{RIGHT}" y="{BOTTOM + 16}" text-anchor="end">step {last}</text>',
    ]
    for index, (label, curve, mark) in enumerate(found):
        css = ("c1", "c0")[index]
        for piece in _finite(curve):
            points = " ".join(f"{LEFT + step * scale:.1f},{y(rate):.1f}" for step, rate in piece)
            lines.append(f'<polyline points="{points}" class="{css}"/>')
        left = 8 + index * WIDTH // 3
        lines.append(f'<polyline points="{left},11 {left + 16},11" class="{css}"/>')
        lines.append(f'<text x="{left + 19}" y="15">{label}</text>')
        if mark is not None and mark < len(curve) and math.isfinite(curve[mark]):
            lines.append(f'<circle cx="{LEFT + mark * scale:.1f}" cy="{y(curve[mark]):.1f}" r="3" class="{css}"/>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _finite(curve: Sequence[float]) -> list[list[tuple[int, float]]]:
    """A curve in pieces, broken where a rate is no number."""
    pieces: list[list[tuple[int, float]]] = [[]]
    for step, rate in enumerate(curve):
        if math.isfinite(rate):
            pieces[-1].append((step, rate))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def main(codes: Sequence[str]) -> int:
    """Draw the pictures, all or those of some rules."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for code, page in load_pages().items():
        if codes and code not in codes:
            continue
        path, svg = FOLDER / f"{code}.svg", None if code.startswith(_NO_FAULT) else picture(page)
        if svg is not None:
            path.write_text(svg, encoding="utf-8", newline="\n")
        else:
            path.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
