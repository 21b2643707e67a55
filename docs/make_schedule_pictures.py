"""Draws docs/pictures/*.svg, the curves of docs/schedules.md, from ``lrfix.schedules`` itself.

    python docs/make_schedule_pictures.py [--check]

Every picture shows rates in units of the peak over the step.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrfix import schedules

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"
WIDTH, HEIGHT = 380, 180
LEFT, RIGHT, TOP, BOTTOM = 38, WIDTH - 16, 28, HEIGHT - 24
LAST_STEP = 120


@dataclass(frozen=True)
class Curve:
    """A call of a function of ``lrfix.schedules`` and what the legend calls it."""

    function: str
    arguments: dict[str, Any]
    label: str = ""

    def rates(self, last: int) -> list[float]:
        """The rates at the steps 0 to ``last``."""
        function = getattr(schedules, self.function)
        return [function(step, **self.arguments) for step in range(last + 1)]


@dataclass(frozen=True)
class Picture:
    """Curves in one frame; with ``dots`` each step is marked, and the line between them is a help to the eye."""

    title: str
    curves: list[Curve]
    last: int = LAST_STEP
    tick: int = 20
    dots: bool = False


def family(function: str, title: str, *variants: tuple[str, dict[str, Any]], **common: Any) -> Picture:
    """The picture of a family: one curve a variant, all with a warmup of 10 steps."""
    curves = [Curve(function, {"warmup_steps": 10, **common, **more}, label) for label, more in variants or [("", {})]]
    return Picture(title, curves)


PICTURES: dict[str, Picture] = {
    "warmup_constant": family("warmup_constant", "warmup, then constant"),
    "warmup_cosine": family(
        "warmup_cosine",
        "warmup, then half a cosine to the floor",
        ("eta_min=0", {}),
        ("eta_min=0.1", {"eta_min": 0.1}),
        total_steps=100,
    ),
    "warmup_cosine_restarts": family(
        "warmup_cosine_restarts",
        "warmup, then cosine cycles with restarts",
        ("T_mult=2", {"T_mult": 2}),
        ('"every", cycle_decay=0.7', {"T_mult": 2, "warmup_steps": 4, "warmup_cycles": "every", "cycle_decay": 0.7}),
        T_0=16,
    ),
    "warmup_linear": family("warmup_linear", "warmup, then a straight line to the floor", total_steps=100),
    "warmup_polynomial": family(
        "warmup_polynomial",
        "warmup, then a power of the rest of the run",
        ("power=2", {"power": 2.0}),
        ("power=0.5", {"power": 0.5}),
        total_steps=100,
    ),
    "warmup_stable_decay": family(
        "warmup_stable_decay",
        "warmup, then constant, then a decay at the end",
        ('"cosine"', {"decay": "cosine"}),
        ('"linear"', {"decay": "linear"}),
        ('"1-sqrt"', {"decay": "1-sqrt"}),
        total_steps=100,
        decay_steps=40,
    ),
    "warmup_inverse_sqrt": family("warmup_inverse_sqrt", "warmup, then the inverse square root of the step"),
    "warmup_exponential": family("warmup_exponential", "warmup, then a factor every step", gamma=0.96),
    "warmup_step": family("warmup_step", "warmup, then a factor every step_size steps", step_size=30, gamma=0.5),
    "warmup_multistep": family(
        "warmup_multistep", "warmup, then a factor at every milestone", milestones=[50, 75, 100], gamma=0.5
    ),
    "warmup_progress": Picture(
        "five ways to count the steps of a warmup of 5",
        [
            Curve("warmup_constant", {"warmup_steps": 5, "warmup_progress": convention}, convention)
            for convention in schedules.WARMUP_PROGRESS
        ],
        last=7,
        tick=1,
        dots=True,
    ),
    "decay_progress": Picture(
        "three ways to count the steps of a decay of 5",
        [
            Curve("warmup_linear", {"total_steps": 5, "decay_progress": convention}, convention)
            for convention in schedules.DECAY_PROGRESS
        ],
        last=7,
        tick=1,
        dots=True,
    ),
    "warmup_mode": Picture(
        "linear, exponential and constant warmup from a hundredth of the peak",
        [
            Curve("warmup_constant", {"warmup_steps": 80, "warmup_start": 0.01, "warmup_mode": mode}, f'"{mode}"')
            for mode in schedules.WARMUP_MODES
        ],
    ),
}

STYLE = (
    "<style>text{font:12px system-ui,sans-serif;fill:#57606a}.axis,.grid{fill:none;stroke:#8c959f}"
    ".grid{stroke-dasharray:3 4;opacity:.6}polyline{fill:none;stroke-width:2.2}"
    ".c0{stroke:#0969da}.c1{stroke:#bc4c00;stroke-dasharray:7 3}.c2{stroke:#1a7f37;stroke-dasharray:2 3}"
    ".c3{stroke:#8250df;stroke-dasharray:9 3 2 3}.c4{stroke:#953800;stroke-dasharray:1 4}"
    "circle{stroke-width:3;stroke-dasharray:none!important}"
    "@media (prefers-color-scheme:dark){text{fill:#9aa4af}.c0{stroke:#58a6ff}.c1{stroke:#f0883e}.c2{stroke:#56d364}"
    ".c3{stroke:#d2a8ff}.c4{stroke:#ffa657}}</style>"
)


def escaped(text: str) -> str:
    """Text for XML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def drawn(picture: Picture) -> str:
    """The whole SVG file."""
    scale = (RIGHT - LEFT) / picture.last

    def y(rate: float) -> float:
        return BOTTOM - rate / 1.08 * (BOTTOM - TOP)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img" aria-labelledby="t">',
        f'<title id="t">{escaped(picture.title)}</title>',
        STYLE,
        f'<line x1="{LEFT}" y1="{y(1):.1f}" x2="{RIGHT}" y2="{y(1):.1f}" class="grid"/>',
        f'<path d="M{LEFT} {TOP} V{BOTTOM} H{RIGHT}" class="axis"/>',
        f'<text x="{LEFT - 6}" y="{y(1) + 4:.1f}" text-anchor="end">peak</text>',
        f'<text x="{LEFT - 6}" y="{BOTTOM + 4}" text-anchor="end">0</text>',
    ]
    lines += [
        f'<text x="{LEFT + step * scale:.1f}" y="{BOTTOM + 16}" text-anchor="middle">{step}</text>'
        for step in range(0, picture.last + 1, picture.tick)
    ]
    for i, curve in enumerate(picture.curves):
        places = [(LEFT + step * scale, y(rate)) for step, rate in enumerate(curve.rates(picture.last))]
        points = " ".join(f"{x:.1f},{height:.1f}" for x, height in places)
        lines.append(f'<polyline points="{points}" class="c{i}"/>')
        if picture.dots:
            lines += [f'<circle cx="{x:.1f}" cy="{height:.1f}" r="1.5" class="c{i}"/>' for x, height in places]
        if curve.label:
            lines += legend(picture, i, curve.label)
    return "\n".join([*lines, "</svg>"]) + "\n"


def legend(picture: Picture, i: int, label: str) -> list[str]:
    """A piece of line and its name, in a row above the frame, where no curve runs."""
    left = 8 + i * (WIDTH - 16) // len(picture.curves)
    return [
        f'<polyline points="{left},11 {left + 16},11" class="c{i}"/>',
        f'<text x="{left + 19}" y="15">{escaped(label)}</text>',
    ]


def stale(files: Sequence[tuple[Path, str]]) -> list[str]:
    """The names of files that are not as they would be drawn now."""
    return [path.name for path, text in files if not path.is_file() or path.read_text(encoding="utf-8") != text]


def main() -> int:
    """Write the pictures, or with ``--check`` say which are not current."""
    files = [(FOLDER / f"{name}.svg", drawn(picture)) for name, picture in PICTURES.items()]
    if "--check" in sys.argv[1:]:
        names = stale(files)
        names += [p.name for p in FOLDER.glob("*.svg") if p.stem not in PICTURES]
        for name in names:
            print(f"{name} is stale; run python docs/make_schedule_pictures.py")
        return 1 if names else 0
    FOLDER.mkdir(exist_ok=True)
    for path, text in files:
        path.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
