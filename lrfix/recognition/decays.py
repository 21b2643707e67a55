"""The phase after the warmup: which shape a stretch of curve has and the numbers that make it."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from lrfix.recognition.curves import CLOSE, Cosine, fit_cosine, fit_line, flat_tail, rises, scale_of, snap
from lrfix.recognition.fits import fit_power
from lrfix.wording import num

_MANY_DROPS = 5
"""Drops at equal distances from which on they are a rule that goes on, not places that someone chose."""


@dataclass(frozen=True)
class Decay:
    """A shape with its numbers, in steps counted as the curve's own and in rates.

    ``start`` is the step at which the shape is at its ``peak``, ``length`` the steps from there to the ``floor``;
    both are measured, so a decay counted from elsewhere than the end of warmup shows. ``numbers`` holds the rest.
    ``open_ended`` shapes have no length. ``peak`` is None where the shape alone cannot tell it.
    """

    family: str
    start: float
    length: float
    peak: float | None
    floor: float
    numbers: dict[str, float] = field(default_factory=dict)
    conventions: dict[str, str] = field(default_factory=dict)
    complaint: str | None = None
    end: int = 0
    clamp: tuple[float, float] | None = None
    """The steps from ``start`` to 0 and the floor, where that may be a clamp of a decay that heads there."""


def find_decay(values: Sequence[float], begin: int, peak: float | None) -> Decay | None:
    """The shape of ``values[begin:]``. ``peak`` is the rate that a warmup before it arrived at, if there was one."""
    scale = scale_of(values)
    end = flat_tail(values, begin)
    if end <= begin:
        return Decay("constant", begin, 0, values[begin], values[begin], end=end)
    stepped = _steps(values, begin, peak)
    if stepped is not None:
        return stepped
    leaps = [index for index in rises(values, begin) if index > begin + 1]
    if leaps:
        return _restarts(values, begin, leaps)
    falls = all(values[k + 1] <= values[k] + 1e-12 * scale for k in range(begin, end))
    for finder in (_cosine, _line, _polynomial) if falls else (_cosine,):
        decay = finder(values, begin, end, peak)
        if decay is not None:
            return decay
    if not falls:
        return _rebound(values, begin, peak)
    for open_ended in (_exponential, _inverse_sqrt):
        decay = open_ended(values, begin, end)
        if decay is not None:
            return decay
    return _stable(values, begin, end)


def _rebound(values: Sequence[float], begin: int, peak: float | None) -> Decay | None:
    """A descent to a lowest point from which the curve only climbs."""
    low = min(range(begin, len(values)), key=values.__getitem__)
    if low < begin + 5 or any(b < a for a, b in pairwise(values[low:])):
        return None
    for finder in (_line, _polynomial, _cosine):
        decay = finder(values[: low + 1], begin, low, peak)
        if decay is not None:
            return replace(decay, complaint=f"the curve rises again past step {low}")
    return None


def _cosine(values: Sequence[float], begin: int, end: int, peak: float | None) -> Decay | None:
    """Up to the flat tail; a tail above the cosine's own floor is a clamp, a last point before it may be either."""
    tail = values[-1]
    if values[begin + 1] > values[begin]:
        return None
    for stop in (end, end - 1, end + 1):
        cosine = fit_cosine(values, begin, min(stop, len(values)))
        if cosine is not None and cosine.peak > cosine.floor:
            break
    else:
        cosine = _cosine_then_rest(values, begin, end)
        if cosine is None:
            return None
    scale = scale_of(values)
    floor, complaint, clamp = cosine.floor, None, None
    if abs(floor) <= 1e-9 * scale and end < len(values) - 1 and tail - floor > 1e-8 * scale:
        clamp = (cosine.half_period, tail)
    if end < len(values) - 1 and abs(tail - floor) <= 1e-8 * scale:
        floor = tail
    elif end < len(values) - 1 and end < cosine.start + cosine.half_period - 1.5:
        complaint = f"the rate is cut off at {num(tail)} (a clamp) instead of following the cosine down to {num(floor)}"
        if abs(floor) > 1e-9 * scale:
            complaint = f"the cosine stops short at {num(tail)}, at step {end}"
        floor = tail
    if abs(floor) <= 1e-12 * scale:
        floor = 0.0
    stop = round(cosine.start + cosine.half_period)
    return Decay(
        "cosine", cosine.start, cosine.half_period, cosine.peak, floor, complaint=complaint, end=stop, clamp=clamp
    )


def _cosine_then_rest(values: Sequence[float], begin: int, end: int) -> Cosine | None:
    """A cosine that something else follows (another level, a rise): fitted on its first stretch, then extended."""
    for length in (end - begin) * 3 // 4, (end - begin) // 2:
        if length < 8:
            continue
        cosine = fit_cosine(values, begin, begin + length)
        if cosine is not None and cosine.peak > cosine.floor:
            return cosine
    return None


def _line(values: Sequence[float], begin: int, end: int, peak: float | None) -> Decay | None:
    line = fit_line(values, begin, end)
    if line is None or line.slope >= 0 or end - begin < 3:
        return None
    scale = scale_of(values)
    ends_flat = end < len(values) - 1
    floor = values[-1] if ends_flat else 0.0
    if abs(floor) <= 1e-13 * scale:
        floor = 0.0
    top = values[begin] if peak is None else peak
    if not all(math.isfinite(line.where(level)) for level in (top, floor, 0.0)):
        return None
    start = snap(line.where(top))
    complaint = None
    if not ends_flat and values[-1] < 0:
        complaint = f"the rate goes below zero past step {math.floor(line.where(0.0))}"
    stop = line.where(floor)
    if ends_flat and abs(stop - round(stop)) > 1e-6:
        # The floor cuts the line between two steps: the line itself was meant to end lower.
        complaint = f"the rate is cut off at {num(floor)} (a clamp) instead of arriving there"
        stop = line.where(0.0)
    clamp = (snap(line.where(0.0) - start), floor) if ends_flat and floor > 0.0 else None
    return Decay("linear", start, snap(stop - start), top, floor, {}, {}, complaint, round(stop), clamp)


def _polynomial(values: Sequence[float], begin: int, end: int, peak: float | None) -> Decay | None:
    if end - begin < 5:
        return None
    scale = scale_of(values)
    top = values[begin] if peak is None else peak
    # A curve that ends without a tail may stop on its horizon or one step before it.
    tail = values[-1]
    ends = [(end, tail)] if end < len(values) - 1 else [(end, tail), (end + 1, 0.0), (end, 0.0)]
    for stop, floor in ends:
        for start in (begin, begin - 1):
            length = stop - start
            middle = begin + (end - begin) // 2
            ratio = (values[middle] - floor) / (top - floor) if top > floor else 0.0
            if not 0.0 < ratio < 1.0:
                continue
            power = snap(math.log(ratio) / math.log(1 - (middle - start) / length), 1e-8)
            if all(
                abs(floor + (top - floor) * (1 - (k - start) / length) ** power - values[k]) <= CLOSE * scale
                for k in range(begin, end + (stop > end or floor == tail))
            ):
                # A last rate above 0, where the shape arrives there, is that of a clamp.
                clamp = (length, tail) if stop == end and floor != tail else None
                floor = 0.0 if abs(floor) <= 1e-13 * scale else floor
                return Decay("poly", start, length, top, floor, {"power": power}, end=stop, clamp=clamp)
    return _clamped_polynomial(values, begin, end, top) if tail > 0.0 and end < len(values) - 1 else None


def _clamped_polynomial(values: Sequence[float], begin: int, end: int, top: float) -> Decay | None:
    """A polynomial that heads for 0 until a clamp takes over."""
    fit = fit_power(values, begin, end, CLOSE * scale_of(values), (0.0,), (end, end + 1))
    if fit is None or fit.numbers["power"] <= 0 or fit.numbers["origin"] < end - 1:
        return None
    origin, power = snap(fit.numbers["origin"], 1e-4), snap(fit.numbers["power"], 1e-7)
    start = origin - (top / fit.numbers["amplitude"]) ** (1 / power)
    if abs(start - round(start)) > 1e-4 or not begin - 1.5 < start < begin + 0.5:
        return None
    length = origin - round(start)
    complaint = f"the rate is cut off at {num(values[-1])} (a clamp) instead of arriving there"
    return Decay(
        "poly", round(start), length, top, values[-1], {"power": power}, {}, complaint, end, (length, values[-1])
    )


def _exponential(values: Sequence[float], begin: int, end: int) -> Decay | None:
    if end - begin < 4 or values[begin] <= 0 or values[end - 1] <= 0:
        return None
    gamma = (values[end - 1] / values[begin]) ** (1 / (end - 1 - begin))
    if gamma >= 1.0 or any(
        abs(values[begin] * gamma ** (k - begin) - values[k]) > 1e-9 * abs(values[k]) for k in range(begin, end)
    ):
        return None
    floor = values[-1] if end < len(values) - 1 else 0.0
    return Decay("exponential", begin, 0, values[begin], floor, {"gamma": gamma}, end=end)


def _inverse_sqrt(values: Sequence[float], begin: int, end: int) -> Decay | None:
    """1 / rate**2 is a line in the step; its zero tells from where the steps are counted."""
    lowest = min(values[begin:])
    if end < len(values) - 1 or lowest <= 0 or lowest * lowest < sys.float_info.min or end - begin < 5:
        return None
    squares = [0.0] * begin + [1 / (value * value) for value in values[begin:]]
    line = fit_line(squares, begin, len(values))
    if line is None or line.slope <= 0:
        return None
    origin = snap(line.where(0.0), 1e-4)
    amplitude = values[begin] * math.sqrt(begin - origin)
    return Decay("inverse-sqrt", begin, 0, values[begin], 0.0, {"origin": origin, "amplitude": amplitude})


def _steps(values: Sequence[float], begin: int, peak: float | None) -> Decay | None:
    """Plateaus with drops between them."""
    scale = scale_of(values)
    changes = [k for k in range(begin + 1, len(values)) if abs(values[k] - values[k - 1]) > 1e-13 * scale]
    if not changes or len(changes) * 3 > changes[-1] - begin + 3:
        return None
    if any(later - earlier < 2 for earlier, later in pairwise(changes)):
        return None
    levels = [values[begin], *(values[k] for k in changes)]
    if any(level <= 0 for level in levels[:-1]) or any(b > a for a, b in pairwise(levels)):
        return None
    ratios = [after / before for before, after in pairwise(levels)]
    gamma, floor = ratios[0], 0.0
    numbers = {f"milestone_{index}": float(change) for index, change in enumerate(changes)}
    complaint = None
    if len(ratios) > 1 and ratios[-1] > gamma + 1e-9 and max(abs(r - gamma) for r in ratios[:-1]) <= 1e-9:
        floor = levels[-1]
    elif max(abs(ratio - gamma) for ratio in ratios) > 1e-9:
        complaint = "the drops are not by one factor"
        if len(ratios) > 3:
            return None
    numbers["gamma"] = gamma
    lengths = {after - before for before, after in pairwise(changes)}
    if len(lengths) == 1 and complaint is None:
        size = lengths.pop()
        numbers["step_size"] = float(size)
        counted = changes[0] - begin == size or changes[0] % size == 0
        if not counted and len(changes) >= _MANY_DROPS and len(values) - changes[-1] <= size:
            complaint = "the drops go on past the simulated steps, counted from another step than the schedule's first"
    return Decay("multistep", begin, 0, values[begin], floor, numbers, complaint=complaint, end=changes[-1])


def _restarts(values: Sequence[float], begin: int, leaps: Sequence[int]) -> Decay | None:
    """Cosines each starting anew at a leap; the first one tells length, peak and floor."""
    scale = scale_of(values)
    bounds = [*leaps, len(values)]
    first = fit_cosine(values, begin, bounds[0])
    if first is None or first.peak <= first.floor or not first.peak:
        return None
    whole = [b - a for a, b in zip([first.start, *leaps], leaps, strict=False)]
    numbers = {"T_0": float(whole[0])}
    complaint = None
    floor = 0.0 if abs(first.floor) <= 1e-12 * scale else first.floor
    peaks = [first.peak]
    for start, stop in zip(leaps, bounds[1:], strict=False):
        if max(values[start:stop]) <= floor + 1e-4 * scale:
            break
        cycle = fit_cosine(values, start, stop)
        if cycle is not None:
            if cycle.peak < cycle.floor:
                return None
            peaks.append(cycle.peak)
        elif stop - start >= 5:
            return None
        else:
            break
    if len(whole) > 1:
        ratio = whole[1] / whole[0]
        numbers["T_mult"] = snap(ratio)
        if any(abs(b - a * ratio) > 1e-6 for a, b in pairwise(whole)):
            complaint = "the cycles do not grow by one factor"
    elif len(peaks) > 1:
        following = fit_cosine(values, leaps[0], bounds[1])
        if following is not None:
            numbers["T_mult"] = snap(following.half_period / first.half_period)
    conventions = {"decay_progress": "k/(D-1)"} if abs(first.half_period - whole[0] + 1) < 1e-4 else {}
    if not conventions and abs(first.half_period - whole[0]) > 1e-4:
        complaint = f"a cycle of {whole[0]:g} steps follows a cosine of {first.half_period:g} steps"
    if "T_mult" not in numbers:
        complaint = complaint or "the curve shows too little of its second cycle to tell how long that is"
    drops = [after / before for before, after in pairwise(peaks)]
    if drops and any(abs(drop - 1) > 1e-9 for drop in drops):
        numbers["cycle_decay"] = drops[0]
        if any(abs(drop - drops[0]) > 1e-8 for drop in drops):
            complaint = "the peaks of the cycles do not shrink by one factor"
    return Decay("cosine-restarts", first.start, whole[0], first.peak, floor, numbers, conventions, complaint, leaps[0])


def _stable(values: Sequence[float], begin: int, end: int) -> Decay | None:
    """A plateau, then a decay to the end: warmup-stable-decay."""
    scale = scale_of(values)
    last = begin
    while last < end and abs(values[last + 1] - values[begin]) <= 1e-13 * scale:
        last += 1
    if last - begin < 2 or last >= end - 2:
        return None
    peak = values[begin]
    for name, finder in (("linear", _line), ("cosine", _cosine), ("1-sqrt", _one_minus_sqrt)):
        decay = finder(values, last + 1, end, peak)
        if decay is not None:
            numbers = {"decay_steps": decay.length}
            # Counted from the end of the plateau, as the horizon is.
            return Decay(
                "wsd", decay.start, decay.length, peak, decay.floor, numbers, {"decay": name}, decay.complaint, end
            )
    return None


def _one_minus_sqrt(values: Sequence[float], begin: int, end: int, peak: float | None) -> Decay | None:
    floor = values[-1]
    if peak is None or end >= len(values) - 1:
        return None
    scale = scale_of(values)
    for start in (begin - 1, begin - 2):
        length = end - start
        if all(
            abs(floor + (peak - floor) * (1 - math.sqrt((k - start) / length)) - values[k]) <= CLOSE * scale
            for k in range(begin, end + 1)
        ):
            return Decay("1-sqrt", start, length, peak, 0.0 if abs(floor) <= 1e-13 * scale else floor, end=end)
    return None
