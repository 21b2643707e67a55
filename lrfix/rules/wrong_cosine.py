"""LR206: cosines that are not the half period from the peak down to the floor that an annealing is."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeGuard

from lrfix.domains.roles import RATES, Role, last_word, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.cosines import Sweep, Wave, sweeps, wave
from lrfix.experiments.grid import Case, Grid, loudest_first
from lrfix.experiments.phases import SHORTEST, moves
from lrfix.experiments.structure import decay_span
from lrfix.experiments.study import Study, as_float
from lrfix.experiments.upside_down import CLIMBS, climbs_from_its_floor
from lrfix.findings import Span, Violation
from lrfix.registry import rule
from lrfix.sites.vocabulary import words
from lrfix.trees import walk
from lrfix.wording import num

_LENGTHS = (Role.HORIZON, Role.EPOCHS, Role.DECAY_LENGTH)
_CYCLIC = (Role.CYCLE, Role.CYCLES, Role.CYCLE_MULT)
_SAME = 1e-6
_LOW = 0.3
_SLIGHT = 0.05
_LEAP = 0.5
_LONGEST = 0.75

_WHAT = {
    "quarter": "The cosine covers a quarter of a period, so that the rate stays high and falls steeply at the end; "
    "annealing is half a period, `0.5 * (1 + cos(pi * progress))`",
    "half way": "The cosine has come half way where the schedule ends, and the rate is still half its peak; annealing "
    "goes on to pi, `0.5 * (1 + cos(pi * progress))`",
    "whole": "The cosine covers a whole period, so that the rate is lowest in the middle of the run and climbs back to "
    "its peak at the end; annealing is half a period, `cos(pi * progress)`",
    "no pi": "The cosine's argument lacks pi: at the end of the run it is 1, not pi, and the rate has hardly fallen",
    "degrees": "The cosine is given degrees, and takes radians, so that the rate swings up and down",
    "not halved": "`1 + cos` is not halved: the rate starts at twice its peak",
    "sign": "The cosine's sign is wrong: the rate begins at its floor and climbs to its peak at the end",
}
#: What may be a recipe: a quarter of a period that ends at the floor is known as one.
_RECIPES = frozenset({"quarter"})
#: What is seen by comparing numbers that the code gives.
_BY_NUMBERS = frozenset({"not halved"})
#: A name of restarts may be warm, and go up again.
_RISES = CLIMBS - {"warm", "warmup", "up", "cyclic"}
#: What says that a rate is where the schedule ends, or that it comes down.
_ENDS = frozenset({"final", "end", "last", "target"})
_FALLS = frozenset({"annealing", "anneal", "decay", "decays", "annealed"})


@rule("LR206")
def wrong_cosine(study: Study) -> Iterator[Violation]:
    """Every cosine of the site, in every case of the grid: which angle does it cover, and what becomes of the rate?"""
    if study.opaque is not None or study.site.base == "MultiplicativeLR":
        return
    told: set[ast.AST] = set()
    grid = Grid(study)
    for case in loudest_first((*grid.values(), *grid.flags())):
        for sweep in sweeps(case.run) if case.run.ran and case.run.curve else ():
            kind = _kind(study, case, sweep.node) if sweep.node not in told else None
            if kind is None or not case.ran or (kind in _BY_NUMBERS and not _anyhow(study, grid, sweep.node, kind)):
                continue
            told.add(sweep.node)
            at = _at(sweep, study.horizon(case.run))
            found = case.violation(study, _span(study, sweep.node), f"{_WHAT[kind]}{_shown(case, at)}.", at)
            yield replace(found, advice=found.advice or kind in _RECIPES)


def _anyhow(study: Study, grid: Grid, node: ast.AST, kind: str) -> bool:
    """Whether the draws show the same: one set of numbers may be twice another by chance, batches of 512 by 256."""
    return not study.ran or _kind(study, grid.nominal(), node) == kind


def _kind(study: Study, case: Case, node: ast.AST) -> str | None:
    """What is wrong with the cosine at ``node`` in every run of a case; None where nothing is."""
    kinds, lengths = set(), set()
    for run in case.runs:
        sweep = next((sweep for sweep in sweeps(run) if sweep.node is node), None)
        if sweep is None:
            return None
        known = _lengths(study, run, sweep)
        kinds.add(_wrong(study, run, sweep, known))
        if len(kinds) != 1 or None in kinds:
            return None
        lengths.add(round(sweep.length, 6))
    # A number that the formula holds itself may be a period; one that follows the settings is a length of theirs.
    kind = kinds.pop()
    if kind in ("no pi?", "degrees?"):
        return kind.rstrip("?") if len(lengths) > 1 else None
    return kind


def _wrong(study: Study, run: Run, sweep: Sweep, lengths: list[float]) -> str | None:
    leaves = {**run.names, **run.leaves}
    if sweep.ends_at(1.0):
        return "no pi"
    if sweep.without_pi():
        return "no pi" if sweep.covers(1.0, lengths) else "no pi?"
    if sweep.ends_at(180.0):
        return "degrees"
    if sweep.in_degrees():
        return "degrees" if sweep.covers(180.0, lengths) else "degrees?"
    found = wave(run, sweep)
    if found is None:
        return None
    # However far it gets: what begins at the top of a whole wave around the base rate has twice that.
    begins = abs(sweep.angles[0]) <= 1.01 * abs(sweep.move) and found.amplitude > 0
    if begins and _around_a_peak(found, list(run.base_lrs[:1])):
        return "not halved"
    if any(role_of(path) in _CYCLIC for path in leaves):
        return _in_a_cycle(run, sweep, found) if not _RISES & set(words(study.site.name or "")) else None
    stated = {p: float(v) for p, v in leaves.items() if role_of(p) is Role.FLOOR and _is_number(v)}
    floors = [0.0, *stated.values()]
    # What is to be the last rate, by its name or the schedule's, is no rate to begin with.
    spoken = words(study.site.name or "")
    falls = bool(_FALLS & set(spoken)) and not any(word.startswith("warm") for word in spoken)
    ends = [v for p, v in stated.items() if falls or _ENDS & set(words(last_word(p)))]
    tops = _tops(run, found)
    shares = [v for p, v in leaves.items() if role_of(p) is Role.FLOOR_RATIO and isinstance(v, float)]
    floors += [share * top for share in shares for top in tops]
    # Where the code itself ends it says more than what its lengths make of it, in epochs or in steps.
    if climbs_from_its_floor(study, run) is not None:
        return "sign"
    if _works_out_its_floor(study):
        ends.append(found.middle - abs(found.amplitude))
    if sweep.ends_at(math.pi):
        return _half(run, sweep, found, tops, ends)
    # The longest lengths first: epochs of two batches each end half way through the steps.
    longest = [n for n in lengths if n > _LONGEST * max(lengths)]
    for known in (longest, lengths):
        if sweep.covers(2 * math.pi, known):
            return "whole" if found.amplitude > 0 and not _is_a_part(run, found) else None
        if sweep.covers(math.pi, known):
            return _half(run, sweep, found, tops, ends)
        if sweep.covers(math.pi / 2, known):
            if found.amplitude > 0 and _among(found.middle, floors, found.first):
                return "quarter"
            return "half way" if known is longest and _stops_half_way(found, floors, tops) else None
    return _half(run, sweep, found, tops, ends) if sweep.angles[-1] >= math.pi else None


def _is_a_part(run: Run, found: Wave) -> bool:
    """Whether a wave is over early, and the rate goes on to move: it was never to be the annealing of the run."""
    return sum(move != 0 for move in moves(run.curve[found.end + 1 :])) >= SHORTEST


def _stops_half_way(found: Wave, floors: list[float], tops: list[float]) -> bool:
    """Whether a wave from a peak to a floor has come to its middle where the schedule ends."""
    high, low = found.middle + found.amplitude, found.middle - found.amplitude
    return found.amplitude > 0 and _among(low, floors, high) and _among(high, tops, high)


def _around_a_peak(found: Wave, tops: list[float]) -> bool:
    """Whether the middle of a wave that goes down to nearly nothing is a peak: that of a halved one is half way up."""
    low = found.middle - abs(found.amplitude)
    return any(abs(found.middle - top) <= _SAME * top and low <= _LOW * top for top in tops)


def _in_a_cycle(run: Run, sweep: Sweep, found: Wave) -> str | None:
    """What is wrong with half a period that begins again: it leaps down to its floor, or starts at twice the rate.

    Only where the cosine comes to pi and the rate leaps back from there: a cosine that turns may be a cycle of its own.
    """
    if abs(abs(sweep.angles[-1]) - math.pi) > 1.5 * abs(sweep.move):
        return None
    high, low = found.middle + abs(found.amplitude), found.middle - abs(found.amplitude)
    bases = list(run.base_lrs[:1])
    floors = [v for p, v in run.leaves.items() if role_of(p) is Role.FLOOR and _is_number(v)]
    # What comes before the cycle that is looked at, and what comes after it.
    around = [run.curve[k : k + 2] for k in (found.start - 1, found.end) if k >= 0]
    leaps = [(pair[1] - pair[0]) / (high - low) for pair in around if len(pair) > 1]
    if found.amplitude < 0:
        falls = min(leaps, default=0) < -_LEAP
        return "sign" if falls and _among(low, floors, high) and _among(high, bases, high) else None
    return None


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _works_out_its_floor(study: Study) -> bool:
    """Whether the schedule names a floor of its own, ``eta_min = lr * rate**3``, and no word says that it rises."""
    if CLIMBS & set(words(study.site.name or "")):
        return False
    inside = (n for root in study.site.nodes for n in walk(root))
    return any(isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and role_of(n.id) is Role.FLOOR for n in inside)


def _half(run: Run, sweep: Sweep, found: Wave, tops: list[float], ends: list[float]) -> str | None:
    """The middle of a cosine that is halved lies half way up to the peak; of one that is not, at the peak itself."""
    high, low = found.middle + abs(found.amplitude), found.middle - abs(found.amplitude)
    if _around_a_peak(found, tops):
        return "not halved"
    if abs(sweep.angles[0]) > 1.01 * abs(sweep.move):
        return None  # the stretch begins in the middle, or past the end: what came before it says how it was meant
    if found.start > sweep.steps[0] and found.amplitude < 0 and not sweep.table:
        # The climb of the whole run, with a warmup of its own laid over it, warms nothing up.
        return "sign" if low <= _SAME * high and _among(high, tops, high) and _warms_up(run) else None
    # Half a period on, whatever the code makes of the angles past it.
    climb = -2 * found.amplitude * math.cos(sweep.angles[0])
    # A floor that is known to be one is a floor however near to the peak.
    from_the_floor = found.start == 0 and _among(low, ends, high) and _among(high, tops, high)
    if climb <= (_SLIGHT if from_the_floor else _LOW) * high:
        return None
    # Behind a warmup that has reached the peak, nothing is left to climb to; a stated floor is where annealing ends.
    reached = (max(run.curve[: found.start], default=0.0), *_ramp_to(run, found))
    return "sign" if from_the_floor or any(abs(rate - high) <= 0.1 * high for rate in reached) else None


def _warms_up(run: Run) -> bool:
    return any(role_of(path) in (Role.WARMUP, Role.WARMUP_EPOCHS) for path in run.leaves)


def _tops(run: Run, found: Wave) -> list[float]:
    """The rates that the schedule may be meant to peak at: the optimizer's, stated ones, a factor of 1, a ramp."""
    leaves = {**run.names, **run.leaves}
    stated = [v for p, v in leaves.items() if role_of(p) in RATES - {Role.FLOOR} and isinstance(v, float)]
    return [rate for rate in (1.0, *run.base_lrs[:1], *stated, *_ramp_to(run, found)) if rate > 0]


def _ramp_to(run: Run, found: Wave) -> list[float]:
    """What a ramp before the cosine has come to, and what it would in one step more, where it counts from 0."""
    # A ramp of two steps stops half way up by itself.
    ramp = run.curve[max(found.start - 3, 0) : found.start]
    return [ramp[2], 2 * ramp[2] - ramp[1]] if len(ramp) > 2 and ramp[2] > ramp[1] else []


def _among(value: float, floors: list[float], scale: float) -> bool:
    return any(abs(value - floor) <= _SAME * abs(scale) for floor in floors)


def _lengths(study: Study, run: Run, sweep: Sweep) -> list[float]:
    """The lengths that the cosine may be meant to take: stated ones, less what comes before it, or one step less."""
    values = {p: v for p, v in {**run.names, **run.leaves}.items() if isinstance(v, int) and not isinstance(v, bool)}
    whole = {v for p, v in values.items() if role_of(p) in _LENGTHS and v > 0}
    horizon = study.horizon(run)
    whole |= {horizon} if horizon else set()
    warm = {v for p, v in values.items() if role_of(p) in (Role.WARMUP, Role.WARMUP_EPOCHS)}
    if not sweep.table:
        warm.add(sweep.steps[0])
    found = whole | {length - ramp for length in whole for ramp in warm}
    return sorted(n for n in found | {length - 1 for length in found} if n > 8)


def _span(study: Study, node: ast.AST) -> Span:
    """The statement that holds the cosine."""
    statement = study.names.statement_of(node)
    simple = statement is not None and not hasattr(statement, "body")
    return study.span(statement) if simple and statement is not None else decay_span(study)


def _at(sweep: Sweep, end: int | None) -> list[int]:
    """The cosine's first step, its last one before the schedule's end, and the one between."""
    first, last = sweep.steps[0], sweep.steps[-1]
    if end is not None and first < end < last:
        last = end
    return [first, (first + last) // 2, last] if not sweep.table else []


def _shown(case: Case, at: list[int]) -> str:
    curve = case.run.curve
    rates = ", ".join(f"{num(as_float(curve[k]))} at step {k}" for k in at if k < len(curve))
    words = case.setting.aside
    return f"{words}: {rates}" if rates else words


__all__ = ["wrong_cosine"]
