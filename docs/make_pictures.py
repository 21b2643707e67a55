"""Draws docs/before-after.svg from the installed lrfix: ``python docs/make_pictures.py [--check]``.

The old curve is what lrfix's simulation says that fixtures/buggy/warm_restarts_per_batch.py trains with, the new one
is ``lrfix.schedules.warmup_cosine_restarts`` with that script's parameters.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from lrfix.analysis import analyse
from lrfix.schedules import warmup_cosine_restarts
from lrfix.source import parse_source

ROOT = Path(__file__).resolve().parent.parent
FIXTURE = ROOT / "fixtures" / "buggy" / "warm_restarts_per_batch.py"
PICTURE = ROOT / "docs" / "before-after.svg"
BASE_RATE = 0.001

WIDTH, PANEL, LEFT, TOP, GAP = 760, 120, 64, 34, 56
HEIGHT = TOP + 2 * PANEL + GAP + 46


def old_curve() -> tuple[float, ...]:
    """The rates the script trains with, by simulation."""
    (site,) = analyse(parse_source(FIXTURE.read_bytes(), FIXTURE.name))
    return site.curve


def new_curve(steps: int) -> tuple[float, ...]:
    """The rates after ``lrfix rewrite``: the optimizer's own rate as the peak."""
    return tuple(
        warmup_cosine_restarts(step, T_0=100, T_mult=2, warmup_steps=10, peak=BASE_RATE) for step in range(steps)
    )


def _panel(title: str, curve: Sequence[float], top: int, css: str) -> list[str]:
    right, bottom = WIDTH - 16, top + PANEL
    scale_x = (right - LEFT) / (len(curve) - 1)
    points = " ".join(
        f"{LEFT + step * scale_x:.1f},{bottom - rate / (1.1 * BASE_RATE) * PANEL:.1f}"
        for step, rate in enumerate(curve)
    )
    peak_y = bottom - PANEL / 1.1
    return [
        f'<text x="{LEFT}" y="{top - 10}" class="title">{title}</text>',
        f'<line x1="{LEFT}" y1="{peak_y:.1f}" x2="{right}" y2="{peak_y:.1f}" class="grid"/>',
        f'<path d="M{LEFT} {top} V{bottom} H{right}" class="axis"/>',
        f'<text x="{LEFT - 8}" y="{peak_y + 4:.1f}" text-anchor="end">{BASE_RATE:g}</text>',
        f'<text x="{LEFT - 8}" y="{bottom + 4}" text-anchor="end">0</text>',
        f'<polyline points="{points}" class="{css}"/>',
    ]


def picture() -> str:
    """The whole SVG file."""
    old = old_curve()
    new = new_curve(len(old))
    second = TOP + PANEL + GAP
    bottom = second + PANEL
    ticks = [
        f'<text x="{LEFT + step * (WIDTH - 16 - LEFT) / (len(old) - 1):.1f}" y="{bottom + 18}" text-anchor="middle">'
        f"{step}</text>"
        for step in range(0, len(old), 50)
    ]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img" aria-labelledby="t">',
        '<title id="t">Learning rate by step, before: constant; after: linear warmup and cosine restarts</title>',
        "<style>",
        "text{font:13px system-ui,sans-serif;fill:#57606a}.title{font-weight:600;font-size:14px;fill:#24292f}",
        ".axis,.grid{fill:none;stroke:#8c959f}.grid{stroke-dasharray:3 4;opacity:.6}",
        "polyline{fill:none;stroke-width:2.5}.old{stroke:#cf222e}.new{stroke:#0969da}",
        "@media (prefers-color-scheme:dark){text{fill:#9aa4af}.title{fill:#e6edf3}.old{stroke:#ff7b72}"
        ".new{stroke:#58a6ff}}",
        "</style>",
        *_panel("before: what WarmRestarts trains with", old, TOP, "old"),
        *_panel("after lrfix rewrite: WarmupCosineRestartsLR", new, second, "new"),
        *ticks,
        f'<text x="{WIDTH - 16}" y="{bottom + 36}" text-anchor="end">step</text>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the picture, or with ``--check`` say whether it is current."""
    text = picture()
    if "--check" in sys.argv[1:]:
        current = PICTURE.is_file() and PICTURE.read_text(encoding="utf-8") == text
        print(f"{PICTURE.name} is {'current' if current else 'stale; run python docs/make_pictures.py'}")
        return 0 if current else 1
    PICTURE.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
