"""Schedules that go on from the rate which stands in the optimizer: sound products, and factors that pile up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from lrfix.domains.roles import Role
from lrfix.driving.laboratory import Run
from lrfix.experiments.base_rates import highest
from lrfix.experiments.study import Study, all_real
from lrfix.sites.model import Construction

_RAMP, _ENOUGH, _SHORTEST, _CUTS = 3, 40, 20, 3
#: A rate below this share of its peak has collapsed; a factor above ``_MODERATE`` cannot be the reason by itself.
_COLLAPSED, _MODERATE = 1e-6, 0.05
_LATE, _STEEP = 0.85, 6
#: So many ratios that fall from step to step, from nearly 1 on, are a decay.
_STRETCH, _NEARLY_WHOLE = 16, 0.9
#: Before this step somebody else halves the rate, and so many steps show whether it stays lower.
_MEDDLED, _AFTER = (2, 40), 3


def goes_on_from_what_stands(study: Study, index: int, use: Construction | None) -> bool:
    """Whether a rate that somebody else has lowered stays lower: the schedule multiplies what it finds."""
    meddled = _MEDDLED[0]
    other = study.run(index, use=use, meddled=meddled, steps=meddled + _AFTER + 1)
    return _lower_until(study.run(index, use=use), other, meddled) > 0


def multiplied_part(
    run: Run, study: Study, index: int, use: Construction | None, shorter: Mapping[str, object]
) -> Sequence[float]:
    """The part of a curve in which the schedule multiplies the rate that it finds, all of it or one phase."""
    for meddled in _MEDDLED:
        soon = study.run(index, use=use, meddled=meddled, overrides=shorter, steps=meddled + _AFTER + 1)
        if not _lower_until(run, soon, meddled):
            continue
        end = _lower_until(run, study.run(index, use=use, meddled=meddled, overrides=shorter), meddled)
        if end:
            start = highest(run.curve[: meddled + 1]) if meddled > _MEDDLED[0] else 0
            return run.curve[start:end]
    return []


def _lower_until(plain: Run, other: Run, meddled: int) -> int:
    """The step up to which a rate that was halved before step ``meddled`` stays halved; 0 where it comes back soon."""
    end = meddled
    for before, after in zip(plain.curve[meddled:], other.curve[meddled:] if other.ran else [], strict=False):
        if abs(after - before / 2) > 1e-9 * abs(before):
            break
        end += 1
    return end if end >= meddled + _AFTER and any(plain.curve[meddled:end]) else 0


def parts_within_reach(study: Study, use: Construction | None) -> Iterator[tuple[Run, Sequence[float]] | None]:
    """The generic runs, horizons that the simulation does not reach replaced by short ones, with the part of each curve
    that multiplies what it finds; None for a run that fails."""
    for index in range(len(study.runs)):
        run = study.run(index, use=use)
        horizon = study.horizon(run)
        shorter: dict[str, object] = {}
        if horizon is not None and horizon >= study.steps:
            long = [p for p, v in study.lengths(run, Role.HORIZON, Role.EPOCHS).items() if v >= study.steps]
            shorter = dict.fromkeys(long, 97 - 8 * index)
            run = study.run(index, use=use, overrides=shorter)
        # What comes to no rate at all behind its end has shown all there is.
        enough = min(_ENOUGH, max(horizon or _ENOUGH, _SHORTEST))
        if not run.ran or not all_real(run.curve) or len(run.curve) < enough:
            yield None
        else:
            yield run, multiplied_part(run, study, index, use, shorter)


def piled_up(curve: Sequence[float]) -> int | None:
    """A step at which the rate has collapsed although the factor of that step is moderate; None for sound curves.

    A sound product telescopes: where the rate is a millionth of its peak, so is the step's own ratio close to nothing
    (a cosine, a power near its end) or the ratio is the same at every step (an exponential).
    """
    ratios: list[float] = []
    for before, after in pairwise(curve):
        if not before > 0 or after < 0:
            break
        ratios.append(after / before)
    return _collapsed(curve, ratios) or _too_steep(ratios) or _stunted_ramp(curve, ratios) or _ramped_down(ratios)


def _ramped_down(ratios: Sequence[float]) -> int | None:
    """A ramp of tiny factors, ``1e-4 * step``: each is greater than the last, and the rate is gone all the same."""
    ramp = ratios[:_STEEP]
    climbs = len(ramp) == _STEEP and all(b > a * (1 + 1e-6) for a, b in pairwise(ramp))
    return _STEEP if climbs and 0 < max(ramp) < _MODERATE else None


def _collapsed(curve: Sequence[float], ratios: Sequence[float]) -> int | None:
    # A power that ends at zero comes this low too, but only just before its end.
    ends = next((k for k, rate in enumerate(curve) if rate == 0 and k > 0), len(curve))
    peak = 0.0
    for step, ratio in enumerate(ratios, 1):
        peak = max(peak, curve[step - 1])
        if curve[step] >= _COLLAPSED * peak:
            continue
        top = max(range(step), key=ratios.__getitem__)
        falling = ratios[top:step]
        even = all(b <= a * (1 + 1e-9) for a, b in pairwise(falling))
        if not even or ratio <= _MODERATE or ratios[top] > 1 + 1e-9:
            return None
        if step >= _LATE * ends and not _steeper_than_any_power(ratio, ends - step):
            return None
        if _falls(falling) >= 2 or _stairs(ratios[top:]):
            return step
    return None


def _steeper_than_any_power(ratio: float, left: int) -> bool:
    """Whether a rate that is 0 in ``left`` steps falls by more than a power of them does: ``((n - 1) / n) ** 6``."""
    return left >= 4 and ratio < ((left - 1) / left) ** _STEEP


def _too_steep(ratios: Sequence[float]) -> int | None:
    """The middle of the longest stretch of ratios that fall from step to step, where none that telescopes is so low."""
    begin = longest = start = 0
    for k in range(1, len(ratios)):
        if not 0 < ratios[k] < ratios[k - 1] * (1 - 1e-6):
            begin = k
        if k - begin > longest:
            longest, start = k - begin, begin
    middle = start + longest // 2
    left = longest - longest // 2 + 1
    if longest < _STRETCH or not _NEARLY_WHOLE < ratios[start] <= 1 + 1e-9:
        return None
    return middle + 1 if _steeper_than_any_power(ratios[middle], left) else None


def _falls(ratios: Sequence[float]) -> int:
    return sum(1 for a, b in pairwise(ratios) if b < a * (1 - 1e-6))


def _stairs(ratios: Sequence[float]) -> bool:
    """Whether the ratios are a decay in stairs themselves, ``0.1 ** (epoch // 30)``: far beyond the collapse too."""
    levels = [ratio for ratio, before in zip(ratios[1:], ratios, strict=False) if abs(ratio - before) <= 1e-9 * before]
    distinct = [levels[0]] if levels else []
    for level in levels:
        if abs(level - distinct[-1]) > 1e-6 * distinct[-1]:
            distinct.append(level)
    return len(distinct) > 2 and abs(distinct[0] - 1) <= 1e-9 and distinct == sorted(distinct, reverse=True)


def _stunted_ramp(curve: Sequence[float], ratios: Sequence[float]) -> int | None:
    """A linear ramp of factors up to 1 that has multiplied the rate down instead of up."""
    if len(ratios) < _RAMP + 1 or not 0 < ratios[0] < 0.7:
        return None
    slope = ratios[1] - ratios[0]
    missed = [k for k, ratio in enumerate(ratios) if abs(ratio - ratios[0] - slope * k) > 1e-6]
    # A milestone inside the ramp cuts the rate once more; the steps around it are on the line.
    cuts = [k for k in missed[:_CUTS] if k + 1 not in missed and ratios[k] < ratios[0] + slope * k < 1]
    end = next((k for k in missed if k not in cuts), len(ratios)) - 1
    flat = all(abs(ratio - 1) <= 1e-9 for ratio in ratios[end + 1 : end + 5])
    arrived = abs(ratios[end] - 1) <= slope + 1e-9
    return end + 1 if slope > 1e-4 and end >= _RAMP and flat and arrived and curve[end] < 0.5 * curve[0] else None


__all__ = ["goes_on_from_what_stands", "parts_within_reach", "piled_up"]
