"""From the shapes of a curve's stretches to the names of its phases: warmup, hold, decay, what repeats."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from lrfix.recognition.fits import spread
from lrfix.recognition.repeats import repeated
from lrfix.recognition.segments import EXACT, ROUNDED, Segment, segments
from lrfix.recognition.staircases import Staircase, find_staircase

_HOLD = 3
"""Equal rates from which on a stretch is a phase of its own, not a rate met twice."""
_DELAY = 10
"""Steps below which a rate held before the decay is a delay, unless the code names the place."""
_GAP = 2
"""Steps that a mistake where phases meet may take up."""
_LEAST_RAMP = 6
_FEW = 3
"""Stretches of one shape that a schedule has; more are the rounding of another."""
_OPENING = 60
_BEYOND = 100.0
"""A rate this many times larger than any of the first steps is no part of a schedule."""
_LATE = (("linear",), ("cosine",), ("exponential",), ("poly",))
_STILL = 1e-6
"""Share of a rate that is no climb any more."""
_NEARLY = 0.04
"""Share of its climb by which a ramp times a slow decay misses a straight line; other warmups miss it by more."""


@dataclass(frozen=True)
class Landmarks:
    """What the user's own values say about a curve: steps at which it is meant to end or turn, levels it may end on."""

    warmups: tuple[float, ...] = ()
    ends: tuple[float, ...] = ()
    boundaries: tuple[float, ...] = ()
    periods: tuple[float, ...] = ()
    epoch: tuple[float, ...] = ()
    floors: tuple[float, ...] = ()
    warm: bool = False
    """Whether the code speaks of a warmup at all."""

    def scaled(self, stride: int) -> Landmarks:
        """The same for a curve of every ``stride``-th step."""

        def each(steps: tuple[float, ...]) -> tuple[float, ...]:
            return tuple(step / stride for step in steps)

        return Landmarks(
            each(self.warmups), each(self.ends), each(self.boundaries), each(self.periods), (), self.floors, self.warm
        )


@dataclass(frozen=True)
class Named:
    """The parts of a family in order, and the steps at which the warmup ends and the schedule is over."""

    parts: tuple[str, ...]
    warmup: int | None = None
    end: int | None = None
    stretches: tuple[Segment, ...] = field(default=())

    @property
    def other(self) -> bool:
        return "other" in self.parts


def name_phases(values: Sequence[float], marks: Landmarks) -> Named:
    """The family of one curve."""
    found = _name(values, marks)
    if found.other and len(values) > 3 and 0 < values[0] == values[1] < values[2]:
        # A warmup that counts its first step like the second, `max(k, 1)`, has what its ratio would have put there.
        whole = _name([values[1] ** 2 / values[2], *values[1:]], marks)
        found = found if whole.other else whole
    if marks.ends and found.parts[-1] == "constant" and len(found.parts) <= 2:
        # What only begins where one length ends is the schedule all the same: that length is a part of the run.
        beyond = _name(values, replace(marks, ends=()))
        if beyond.parts[: len(found.parts)] == found.parts and beyond.parts[len(found.parts) :] in _LATE:
            return beyond
    end = int(max(marks.ends, default=0)) + 1
    if found.other and _OPENING <= end < len(values):
        # A formula that is asked past its end may say anything there.
        within = _name(values[:end], marks)
        return found if within.other else within
    return found


def _name(values: Sequence[float], marks: Landmarks) -> Named:
    values = _bounded(values, marks)
    scale = _scale(values, marks)
    if scale == 0.0 or all(abs(v - values[0]) <= 1e-12 * scale for v in values):
        return Named(("constant",))
    if _single_precision(values):
        return _named(values, marks, ROUNDED, scale)
    best = _named(values, marks, EXACT, scale)
    if best.other or len(best.stretches) > _FEW:
        rounded = _named(values, marks, ROUNDED, scale)
        simpler = _mean_length(rounded) >= 2 * _mean_length(best)
        if rounded.stretches and not rounded.other and (best.other or simpler):
            return rounded
    return best


def _single_precision(values: Sequence[float]) -> bool:
    """Whether the rates were rounded to 32 bits, as torch's tensors are."""
    try:
        return all(struct.unpack("f", struct.pack("f", values[k]))[0] == values[k] for k in spread(0, len(values)))
    except OverflowError:
        return False


def _mean_length(found: Named) -> float:
    stretches = found.stretches
    return (stretches[-1].end - stretches[0].begin) / len(stretches) if stretches else 0.0


def _scale(values: Sequence[float], marks: Landmarks) -> float:
    """The largest rate before the horizon: what comes after it may be beyond all bounds."""
    end = max((int(e) for e in marks.ends if e >= _GAP), default=len(values))
    return max((abs(v) for v in values[: end + 1]), default=0.0)


def _bounded(values: Sequence[float], marks: Landmarks) -> Sequence[float]:
    """The curve before it leaves all bounds, which is past its horizon or under values that nobody gives it."""
    usual = max((abs(v) for v in values[: _OPENING + int(max(marks.ends, default=0))]), default=0.0)
    end = next((k for k, v in enumerate(values) if abs(v) > _BEYOND * usual), len(values))
    return values[:end]


def _named(values: Sequence[float], marks: Landmarks, tolerance: float, scale: float) -> Named:
    stairs = find_staircase(values, scale)
    if stairs is None or (stairs.drops == 1 and stairs.begin > 0):
        return _smooth(values, marks, tolerance, scale)
    before = stairs.begin
    if stairs.sampled and not stairs.geometric and stairs.stride is not None and before <= stairs.stride:
        return _every(stairs.stride, values, stairs, marks)
    if before <= _GAP:
        return Named(tuple(_stair_parts(stairs, marks, tolerance)))
    rise = _smooth([*values[: before + 1]], marks, tolerance, scale)
    parts = [p for p in rise.parts if p not in ("constant", "linear") or rise.parts[0] != p]
    if rise.stretches and rise.stretches[0].rising and not any("warmup" in p for p in parts):
        parts = [_warmup_kind(rise.stretches[0], values, None, 0.0)]
    return Named((*parts, *_stair_parts(stairs, marks, tolerance)), rise.warmup or before, stretches=rise.stretches)


def _every(stride: int, values: Sequence[float], stairs: Staircase, marks: Landmarks) -> Named:
    """A curve that moves every ``stride`` steps, named by the curve of its levels."""
    found = name_phases(stairs.levels, marks.scaled(stride))
    warmup = None if found.warmup is None else found.warmup * stride
    return Named(found.parts, warmup, None if found.end is None else found.end * stride)


def _stair_parts(stairs: Staircase, marks: Landmarks, tolerance: float) -> Iterator[str]:
    treads = list(stairs.treads)
    cut = next((i for i, t in enumerate(treads) if i and _near(t.begin, marks.ends)), len(treads))
    treads = treads[:cut]
    while len(treads) > 1 and treads[1].level > treads[0].level:
        treads = treads[1:]
    kept = Staircase(tuple(treads))
    if kept.drops == 0:
        yield "constant"
    elif any(b.level > a.level for a, b in pairwise(treads)):
        yield "cyclic" if kept.drops > 3 and kept.stride is not None else "other"
    elif kept.geometric and kept.stride is not None and kept.drops >= 3 and _is_epoch(kept.stride, marks):
        yield "exponential"
    elif _of_equal_distance(kept, marks):
        yield "step"
    elif kept.sampled and not kept.geometric:
        found = name_phases(kept.levels, marks.scaled(kept.stride or 1))
        yield from (("multistep",) if found.other or len(treads) < 8 else found.parts)
    else:
        yield "multistep"


def _of_equal_distance(stairs: Staircase, marks: Landmarks) -> bool:
    """Whether the drops of a staircase are those of a step schedule, begun later than the run or not."""
    if stairs.drops == 1:
        return _near(stairs.treads[1].begin, marks.periods)
    return stairs.geometric and (stairs.even or stairs.distance in marks.periods)


def _is_epoch(stride: int, marks: Landmarks) -> bool:
    return any(abs(stride - e) <= 1 for e in marks.epoch)


def _near(step: float, places: Sequence[float]) -> bool:
    return any(abs(step - place) <= 1.0 for place in places)


def _smooth(values: Sequence[float], marks: Landmarks, tolerance: float, scale: float) -> Named:
    found = segments(values, tolerance, scale, marks.floors, (*marks.ends, *marks.boundaries))
    found = [part for segment in found for part in _at_turns(segment, values)]
    prefix, real = _start(found, values)
    real = _before_the_end(real, marks)
    if not real:
        return Named(("other",), stretches=tuple(found))
    if _at_a_share(real, values, marks):
        real = real[1:]
        values = [*(real[0].fit.at(k) if real[0].fit else 0.0 for k in range(real[0].begin)), *values[real[0].begin :]]
    again = repeated(real, values, marks.ends)
    if again is not None:
        return Named(again, stretches=tuple(real))
    parts: list[str] = []
    rest = list(real)
    warmup: int | None = None
    if prefix is not None:
        parts.append(prefix)
        warmup = real[0].begin
    elif rest[0].kind == "constant" and len(rest) > 1 and _leads_up(rest[0], rest[1], values):
        # Held low before it rises: a frozen start, or a warmup at a constant rate.
        rest = rest[1:]
    if prefix is None and len(rest) > 1 and rest[0].rising:
        # A ramp in several pieces is one warmup.
        climbs = next(i for i, s in enumerate([*rest, None]) if s is None or s.kind != rest[0].kind or not s.rising)
        climbs = min(climbs, len(rest) - 1)
        after = rest[climbs]
        warmup = after.begin
        parts.append(_warmup_kind(rest[0], values, after, min(values[: after.end])))
        rest = rest[climbs:]
    if warmup is not None and warmup < _LEAST_RAMP and rest[0].kind == "unknown":
        # A few points that rise before nobody knows what are no warmup.
        parts, warmup = [], None
    parts.extend(_rest(rest, values, marks, warmed=warmup is not None))
    last = rest[-1]
    end = last.begin if last.kind == "constant" and len(rest) > 1 else last.end - 1 if last.end < len(values) else None
    return Named(tuple(dict.fromkeys(parts)) or ("other",), warmup, end, tuple(real))


def _at_turns(segment: Segment, values: Sequence[float]) -> Iterator[Segment]:
    """An unknown stretch cut where it turns, if it turns but once."""
    if segment.kind == "unknown":
        inner = range(segment.begin + 1, segment.end - 1)
        turns = [k for k in inner if (values[k] > values[k - 1]) != (values[k + 1] > values[k])]
        if len(turns) == 1:
            for begin, end in ((segment.begin, turns[0] + 1), (turns[0] + 1, segment.end)):
                yield Segment("unknown", begin, end, None, values[begin], values[end - 1])
            return
    yield segment


def _start(found: Sequence[Segment], values: Sequence[float]) -> tuple[str | None, list[Segment]]:
    """What the first few points are that follow no shape, and the stretches that do."""
    real = [s for s in found if s.length > (_GAP if s.kind != "constant" else _HOLD - 1)]
    if not real:
        return None, []
    begin = real[0].begin
    top = max(range(begin + 1), key=values.__getitem__)
    # The decay may take a step or two to show its shape.
    begin = top if begin - top <= _GAP else begin
    lead = values[: begin + 1]
    if begin < 2 or any(b <= a for a, b in pairwise(lead)):
        return None, real
    bend = lead[-1] - lead[0] - (lead[1] - lead[0]) * begin
    straight = begin == 2 or abs(bend) <= 1e-6 * lead[-1] or _collinear(lead[:-1], 1e-6 * lead[-1])
    return ("linear-warmup" if straight else "other"), real


def _collinear(points: Sequence[float], slack: float) -> bool:
    return all(abs(c - 2 * b + a) <= slack for a, b, c in zip(points, points[1:], points[2:], strict=False))


def _before_the_end(real: Sequence[Segment], marks: Landmarks) -> list[Segment]:
    """The stretches of the schedule itself, without what follows its horizon."""
    last = max(marks.ends, default=math.inf)
    for index, segment in enumerate(real):
        over = segment.begin > last and (segment.rising or segment.kind == "unknown")
        if index and (over or _near(segment.begin, marks.ends)):
            return list(real[:index])
    return list(real)


def _without_rebound(rest: Sequence[Segment]) -> list[Segment]:
    """The phases up to the lowest point, where the curve only climbs from there."""
    lowest = max((i for i, s in enumerate(rest) if s.falling), default=len(rest) - 1)
    if lowest and rest[lowest].kind == "constant":
        lowest -= 1
    after = rest[lowest + 1 :]
    return list(rest[: lowest + 1]) if any(s.rising for s in after) else list(rest)


def _at_a_share(real: Sequence[Segment], values: Sequence[float], marks: Landmarks) -> bool:
    """Whether the curve begins as a fixed share of the decay that follows: a warmup at a constant factor."""
    if len(real) < 2 or real[1].fit is None or real[1].rising or not _near(real[0].end, marks.warmups):
        return False
    heights = [real[1].fit.at(k) for k in range(real[0].end)]
    if real[0].begin or min(heights, default=0.0) <= 0.0:
        return False
    shares = [value / height for value, height in zip(values, heights, strict=False)]
    return max(shares) < 1.0 and max(shares) - min(shares) <= 1e-6 * max(shares)


def _leads_up(first: Segment, second: Segment, values: Sequence[float]) -> bool:
    return second.rising or values[second.begin] > first.last * (1 + 1e-6)


def _warmup_kind(rise: Segment, values: Sequence[float], after: Segment | None, floor: float) -> str:
    if rise.kind == "line":
        return "linear-warmup"
    if rise.kind == "exponential":
        return "exp-warmup"
    climb = values[rise.begin : rise.end]
    if rise.kind == "unknown" and len(climb) >= _LEAST_RAMP:
        slope = (climb[-1] - climb[0]) / (len(climb) - 1)
        if all(abs(v - climb[0] - slope * i) <= _NEARLY * (climb[-1] - climb[0]) for i, v in enumerate(climb)):
            return "linear-warmup"
    if after is not None and after.fit is not None:
        # A ramp that multiplies the decay: divided by it, it is a line.
        for level in dict.fromkeys((0.0, floor)):
            ratios = []
            for k in range(rise.begin, rise.end):
                height = after.fit.at(k) - level
                if height <= 0:
                    break
                ratios.append((values[k] - level) / height)
            else:
                if len(ratios) > 2 and _collinear(ratios, 1e-6):
                    return "linear-warmup"
                if len(ratios) > 2 and min(ratios) > 0.0 and _collinear([math.log(r) for r in ratios], 1e-6):
                    return "exp-warmup"
    return "other"


def _rest(rest: Sequence[Segment], values: Sequence[float], marks: Landmarks, warmed: bool) -> Iterator[str]:
    """The phases after the warmup, or the whole curve where it has none."""
    if len(rest) == 1 and rest[0].rising and rest[0].kind in ("line", "exponential", "unknown", "power"):
        if not warmed and _settles(rest[0], values):
            yield from ("exp-warmup", "constant")
        elif not warmed:
            yield _only_rise(rest[0], marks)
        return
    rest = _without_rebound(rest)
    decays = [i for i, s in enumerate(rest) if s.kind != "constant"]
    if not decays:
        yield from _levels(rest, marks)
        return
    for index, segment in enumerate(rest):
        if segment.kind == "constant":
            if index < decays[0]:
                following = rest[index + 1]
                if _stable(rest, index) or not (
                    segment.length >= _DELAY or warmed or _near(following.begin, marks.boundaries)
                ):
                    continue
                yield "constant"
            elif index < decays[-1]:
                yield "constant"
        elif _stable(rest, index - 1):
            # Without a warmup a plateau before a line or a cosine is two phases, not the known trio.
            yield from ("wsd",) if warmed or segment.kind == "power" else ("constant", _decay(segment))
        else:
            yield _decay(segment)


def _settles(rise: Segment, values: Sequence[float]) -> bool:
    """Whether a curve climbs by ever smaller steps until it stands still: a warmup that nears the rate."""
    climb = values[rise.begin : rise.end]
    return rise.kind == "exponential" and climb[-1] - climb[-2] <= _STILL * climb[-1] < climb[1] - climb[0]


def _only_rise(rise: Segment, marks: Landmarks) -> str:
    """A curve that climbs and does nothing else: half a warmup, unless it arrives where the schedule ends."""
    if rise.kind == "line":
        return "linear" if _near(rise.end - 1, marks.ends) and not marks.warm else "linear-warmup"
    if rise.kind == "exponential":
        return "exp-warmup" if _near(rise.end, marks.warmups) else "exponential"
    return "other"


def _levels(rest: Sequence[Segment], marks: Landmarks) -> Iterator[str]:
    if len(rest) == 1 or rest[-1].first > rest[0].first:
        yield "constant"
    elif _near(rest[1].begin, marks.periods):
        yield "step"
    else:
        yield "multistep"


def _stable(rest: Sequence[Segment], index: int) -> bool:
    """Whether ``rest[index]`` is the plateau of warmup-stable-decay: the first phase, a finite decay the only other."""
    if index != 0 or rest[0].kind != "constant":
        return False
    after = [s for s in rest[1:] if s.kind != "constant"]
    if len(after) != 1 or not after[0].falling or after[0].fit is None:
        return False
    decay = after[0]
    assert decay.fit is not None
    numbers = decay.fit.numbers
    if decay.kind == "power":
        # 1 - sqrt(k / D), the cooldown of warmup-stable-decay.
        return abs(numbers["power"] - 0.5) < 1e-3 and numbers["amplitude"] < 0
    return decay.kind in ("line", "cosine")


def _decay(segment: Segment) -> str:
    if segment.kind == "line":
        return "linear"
    if segment.kind == "cosine":
        return "cosine"
    if segment.kind == "exponential":
        return "exponential"
    if segment.kind == "power" and segment.fit is not None:
        power = segment.fit.numbers["power"]
        if power > 0:
            return "poly"
        if abs(power + 0.5) < 1e-3:
            return "inverse-sqrt"
    return "other"


__all__ = ["Landmarks", "Named", "name_phases"]
