"""The cosines of a run: over which angles each is taken, and what the rate makes of them.

A recorder keeps what every ``cos`` of the user's file was given at each step. Where the angle moves evenly, that is a
*sweep*: it begins and ends somewhere, and annealing is the sweep from 0 to pi, whatever the code looks like.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lrfix.driving.laboratory import Run
from lrfix.experiments.phases import rounding

_LEAST_MOVES = 6
_SHORTEST = 5
#: So many rates tell a cosine from what else a table may hold.
_ENOUGH = 40
_EVEN = 1e-6
_EXACT = 1e-9
_PLAIN, _CLOSE = 1e-10, 1e-5
_MULTIPLES = (1, 2, 3, 4, 5, 8, 10, 20, 100)


@dataclass(frozen=True)
class Sweep:
    """The longest stretch over which one cosine's angle moves by the same amount each time it moves.

    ``settled``: the code ends it there, by a clamp or by another branch, and the run goes on. ``table``: the angles
    were worked out at once, so that steps are positions in a table.
    """

    node: ast.AST
    steps: tuple[int, ...]
    angles: tuple[float, ...]
    settled: bool
    table: bool

    @property
    def move(self) -> float:
        return (self.angles[-1] - self.angles[0]) / (len(self.angles) - 1)

    @property
    def length(self) -> float:
        """The moves after which the angle is one radian on; infinite where they lead nowhere."""
        move = abs(self.move)
        return 1 / move if move else math.inf

    def ends_at(self, angle: float) -> bool:
        """Whether the sweep covers ``angle`` from 0, give or take the one step that horizons differ by."""
        return self.settled and abs(self._reach - angle) <= 1.01 * abs(self.move)

    @property
    def _reach(self) -> float:
        return max(abs(self.angles[0]), abs(self.angles[-1]))

    def covers(self, angle: float, lengths: Sequence[float]) -> bool:
        """Whether the code ends the sweep at ``angle``, or one of ``lengths`` takes it there."""
        loose = max(_EXACT, 2 * rounding(self.angles))
        return self.ends_at(angle) or any(abs(abs(self.move) * n - angle) <= loose * angle for n in lengths)

    def without_pi(self) -> bool:
        """Whether a plain number of moves makes one radian; with pi in the angle none does."""
        return _plain(self.length)

    def in_degrees(self) -> bool:
        return not self.without_pi() and _plain(180 * self.length)


def _plain(length: float) -> bool:
    """Whether a length, or a small multiple of it, is whole but for the rounding of the angles."""
    multiples = [length * m for m in _MULTIPLES]
    if length < _SHORTEST or not math.isfinite(max(multiples)):
        return False
    return any(abs(n - round(n)) <= min(_PLAIN * n, _CLOSE) for n in multiples)


@dataclass(frozen=True)
class Wave:
    """``middle + amplitude * cos(angle)``, exactly the rate all along a sweep that begins at step ``start``."""

    middle: float
    amplitude: float
    start: int
    end: int
    first: float
    last: float


def sweeps(run: Run) -> Iterator[Sweep]:
    """The sweep of every cosine of the user's file, in the order of the text."""
    asked: dict[ast.AST, list[tuple[int, float]]] = {}
    for trace in (run.built, run.stepped):
        for node, angles in trace.angles.items() if trace is not None else ():
            asked.setdefault(node, []).extend(angles)
    for node in sorted(asked, key=lambda n: (getattr(n, "lineno", 0), getattr(n, "col_offset", 0))):
        found = _sweep(node, asked[node], len(run.curve))
        if found is not None:
            yield found


def _sweep(node: ast.AST, asked: Sequence[tuple[int, float]], steps: int) -> Sweep | None:
    by_step: dict[int, float] = {}
    for step, angle in asked:
        # What is asked while a scheduler is built decides its first rate.
        by_step.setdefault(max(step, 0), angle)
    table = len(by_step) == 1 and len(asked) > _LEAST_MOVES
    if table:
        by_step = {position: angle for position, (_, angle) in enumerate(asked)}
    moments = sorted(by_step)
    changes = [k for i, k in enumerate(moments) if i == 0 or by_step[k] != by_step[moments[i - 1]]]
    angles = [by_step[k] for k in changes]
    begin, end = _evenly(angles)
    if end - begin < _LEAST_MOVES:
        return None
    dwell = max(1, (changes[end] - changes[begin]) // (end - begin))
    stays = (changes[end + 1] if end + 1 < len(changes) else moments[-1] + 1) - changes[end]
    left = end + 1 == len(changes) and moments[-1] < steps - 2 * dwell - 2
    settled = stays > 2 * dwell + 1 or left or table
    return Sweep(node, tuple(changes[begin : end + 1]), tuple(angles[begin : end + 1]), settled, table)


def _evenly(angles: Sequence[float]) -> tuple[int, int]:
    """First and last position of the longest run of equal moves."""
    best = (0, 0)
    begin = 0
    # Angles of single precision move evenly as far as that goes.
    loose = rounding(angles) * max((abs(angle) for angle in angles), default=0.0)
    for position in range(1, len(angles)):
        move, usual = angles[position] - angles[position - 1], angles[begin + 1] - angles[begin]
        if abs(move - usual) > _EVEN * abs(usual) + loose:
            begin = position - 1
        if position - begin > best[1] - best[0]:
            best = (begin, position)
    return best


def wave(run: Run, sweep: Sweep, group: int = 0) -> Wave | None:
    """What the rate of a group makes of a sweep; None where it is not a cosine times a number plus a number, be it
    behind a warmup."""
    curve = run.lr[group]
    # Angles of a whole array count from its beginning, and it may stand behind others in a table of rates.
    anywhere = sweep.table or (sweep.settled and sweep.steps[0] == 0)
    starts = range(len(curve)) if anywhere else (sweep.steps[0],)
    cosines = [math.cos(angle) for angle in sweep.angles]
    for start in starts:
        # Of a table longer than the run, what the run gets to.
        steps = [k - sweep.steps[0] + start for k in sweep.steps if k - sweep.steps[0] + start < len(curve)]
        if len(steps) < min(_ENOUGH, len(sweep.steps)):
            break
        found = _fitted([curve[k] for k in steps], cosines[: len(steps)])
        if found is not None:
            first, last = curve[steps[0]], curve[steps[-1]]
            return Wave(*found, steps[0], steps[-1], first, last)
    return None if sweep.table else _laid_over(curve, sweep, cosines)


def _laid_over(curve: Sequence[float], sweep: Sweep, cosines: Sequence[float]) -> Wave | None:
    """The wave behind a warmup that is laid over the beginning of a sweep: its later half decides where it begins."""
    steps = [k for k in sweep.steps if k < len(curve)]
    half = len(steps) // 2
    if len(steps) - half < _ENOUGH // 2:
        return None
    found = _fitted([curve[k] for k in steps[half:]], cosines[half : len(steps)])
    if found is None:
        return None
    middle, amplitude = found
    close = _EVEN * max(map(abs, curve))
    fits = [abs(middle + amplitude * c - curve[k]) <= close for k, c in zip(steps, cosines, strict=False)]
    begin = half - next((n for n, fit in enumerate(reversed(fits[:half])) if not fit), half)
    return Wave(middle, amplitude, steps[begin], steps[-1], curve[steps[begin]], curve[steps[-1]])


def _fitted(rates: Sequence[float], cosines: Sequence[float]) -> tuple[float, float] | None:
    low = min(range(len(cosines)), key=cosines.__getitem__)
    high = max(range(len(cosines)), key=cosines.__getitem__)
    if cosines[high] - cosines[low] < _EVEN:
        return None
    amplitude = (rates[high] - rates[low]) / (cosines[high] - cosines[low])
    middle = rates[low] - amplitude * cosines[low]
    scale = max(abs(rate) for rate in rates)
    apart = max(abs(middle + amplitude * c - rate) for rate, c in zip(rates, cosines, strict=True))
    return (middle, amplitude) if scale > 0 and abs(amplitude) > _EVEN * scale and apart <= _EVEN * scale else None


__all__ = ["Sweep", "Wave", "sweeps", "wave"]
