"""Schedules that decay from the peak to a floor within a horizon: cosine, linear, polynomial, warmup-stable-decay."""

from __future__ import annotations

from lrfix.schedules.exact import Weight, cosine_weight, interpolate, one_minus_sqrt_weight, power_weight, wave_weight
from lrfix.schedules.phases import check_rates, decay_position, step_units, warmup_rate

DECAYS = ("cosine", "linear", "1-sqrt")
ETA_MIN_MODES = ("end", "clamp")


def lowered_rate(peak: float, numerator: int, denominator: int, eta_min: float, mode: str) -> float:
    """The rate at ``numerator / denominator`` of the way up from the floor, or from 0 where the floor is a clamp."""
    if mode == "end":
        return interpolate(eta_min, peak, numerator, denominator)
    if mode != "clamp":
        raise ValueError(f"eta_min_mode={mode!r}; legal: {', '.join(map(repr, ETA_MIN_MODES))}")
    return max(interpolate(0.0, peak, numerator, denominator), float(eta_min))


def warmup_cosine(
    step: float,
    *,
    total_steps: float,
    peak: float = 1.0,
    warmup_steps: float = 0,
    warmup_start: float = 0.0,
    warmup_mode: str = "linear",
    warmup_progress: str = "k/W",
    decay_progress: str = "k/D",
    eta_min: float = 0.0,
    eta_min_mode: str = "end",
    num_cycles: float = 0.5,
) -> float:
    """Warmup, then half a cosine from ``peak`` to ``eta_min``.

    With ``k`` the step from 0, ``W = warmup_steps``, ``D = total_steps - W``::

        k < W:   warmup_start + (peak - warmup_start) * k/W
        k >= W:  eta_min + (peak - eta_min) * (1 + cos(pi * p)) / 2,   p = (k - W)/D

    ``warmup_mode="exponential"`` climbs as ``warmup_start * (peak / warmup_start) ** (k/W)`` and needs ``warmup_start >
    0``; ``"constant"`` stays at ``warmup_start``. ``warmup_progress`` and ``decay_progress`` name the convention by
    which a step becomes progress; see ``WARMUP_PROGRESS`` and ``DECAY_PROGRESS``.

    ``eta_min_mode="clamp"`` comes down to 0 instead, and no rate after the warmup is below ``eta_min``.

    ``num_cycles`` >= 0 is the number of whole waves in the decay, as transformers counts them: 0.5 comes down once.

    Units: ``step``, ``warmup_steps`` and ``total_steps`` (horizon, warmup included) count the same thing, fractions
    allowed; ``peak``, ``warmup_start`` and ``eta_min`` are rates. Domain: ``step >= 0``; past the horizon the rate
    stays at ``eta_min`` (where the last wave ended), also where the warmup fills the whole run (``total_steps <=
    warmup_steps``). A floor above the peak is approached from below.

    Source: Loshchilov & Hutter, SGDR (2017), without restarts; warmup: Goyal et al. (2017).
    """
    check_rates(peak, warmup_start, eta_min)
    one, k, warmup, total = step_units(step, warmup_steps, total_steps)
    if k < warmup:
        return warmup_rate(k, warmup, one, peak, warmup_start, warmup_mode, warmup_progress)
    if not 0.0 <= num_cycles < 1e9:
        raise ValueError(f"num_cycles={num_cycles!r}; legal: 0 <= num_cycles < 1e9")
    done, length = decay_position(k - warmup, total - warmup, one, decay_progress)
    numerator, denominator = wave_weight(done, length, num_cycles)
    return lowered_rate(peak, numerator, denominator, eta_min, eta_min_mode)


def warmup_linear(
    step: float,
    *,
    total_steps: float,
    peak: float = 1.0,
    warmup_steps: float = 0,
    warmup_start: float = 0.0,
    warmup_mode: str = "linear",
    warmup_progress: str = "k/W",
    decay_progress: str = "k/D",
    eta_min: float = 0.0,
    eta_min_mode: str = "end",
) -> float:
    """Warmup, then a straight line from ``peak`` to ``eta_min``: ``eta_min + (peak - eta_min) * (1 - (k - W)/D)``.

    Arguments, units, warmup and what happens outside the domain: as for :func:`warmup_cosine`. Every rate is the exact
    real value, correctly rounded.

    Source: Devlin et al., BERT (2019); warmup: Goyal et al. (2017).
    """
    check_rates(peak, warmup_start, eta_min)
    one, k, warmup, total = step_units(step, warmup_steps, total_steps)
    if k < warmup:
        return warmup_rate(k, warmup, one, peak, warmup_start, warmup_mode, warmup_progress)
    done, length = decay_position(k - warmup, total - warmup, one, decay_progress)
    return lowered_rate(peak, length - done, length, eta_min, eta_min_mode)


def warmup_polynomial(
    step: float,
    *,
    total_steps: float,
    power: float = 1.0,
    peak: float = 1.0,
    warmup_steps: float = 0,
    warmup_start: float = 0.0,
    warmup_mode: str = "linear",
    warmup_progress: str = "k/W",
    decay_progress: str = "k/D",
    eta_min: float = 0.0,
    eta_min_mode: str = "end",
) -> float:
    """Warmup, then ``eta_min + (peak - eta_min) * (1 - (k - W)/D) ** power``.

    ``power`` >= 0 has no unit; with 0 the rate stays at the peak. Other arguments, units, warmup and what happens
    outside the domain: as for :func:`warmup_cosine`.

    Source: Chen et al., DeepLab (2018), "poly"; warmup: Goyal et al. (2017).
    """
    check_rates(peak, warmup_start, eta_min)
    if not 0.0 <= power < 1e9:
        raise ValueError(f"power={power!r}; legal: 0 <= power < 1e9")
    one, k, warmup, total = step_units(step, warmup_steps, total_steps)
    if k < warmup:
        return warmup_rate(k, warmup, one, peak, warmup_start, warmup_mode, warmup_progress)
    done, length = decay_position(k - warmup, total - warmup, one, decay_progress)
    numerator, denominator = power_weight(length - done, length, power)
    return lowered_rate(peak, numerator, denominator, eta_min, eta_min_mode)


def decay_weight(done: int, length: int, decay: str) -> Weight:
    """The share of the way from floor to peak that is left when ``done`` of ``length`` has passed."""
    if decay == "cosine":
        return cosine_weight(done, length)
    if decay == "linear":
        return length - done, length
    if decay == "1-sqrt":
        return one_minus_sqrt_weight(done, length)
    raise ValueError(f"decay={decay!r}; legal: {', '.join(map(repr, DECAYS))}")


def warmup_stable_decay(
    step: float,
    *,
    total_steps: float,
    decay_steps: float,
    decay: str = "cosine",
    peak: float = 1.0,
    warmup_steps: float = 0,
    warmup_start: float = 0.0,
    warmup_mode: str = "linear",
    warmup_progress: str = "k/W",
    decay_progress: str = "k/D",
    eta_min: float = 0.0,
) -> float:
    """Warmup, then ``peak`` until ``decay_steps`` before the horizon, then a decay to ``eta_min`` (WSD, "trapezoidal").

    With ``p = (k - (total_steps - decay_steps)) / decay_steps`` the decay is ``eta_min + (peak - eta_min) * f(p)``,
    where ``f`` is ``(1 + cos(pi * p)) / 2`` ("cosine"), ``1 - p`` ("linear") or ``1 - sqrt(p)`` ("1-sqrt").

    Where warmup and decay together exceed the horizon, the decay begins at the end of the warmup and still ends at the
    horizon. Other arguments, units, warmup and what happens outside the domain: as for :func:`warmup_cosine`.

    Source: Hu et al., MiniCPM (2024); Haegele et al., Scaling Laws and Compute-Optimal Training (2024) for "1-sqrt".
    """
    check_rates(peak, warmup_start, eta_min)
    one, k, warmup, total, fall = step_units(step, warmup_steps, total_steps, decay_steps)
    if fall < 0:
        raise ValueError(f"decay_steps={decay_steps!r}; legal: decay_steps >= 0")
    if k < warmup:
        return warmup_rate(k, warmup, one, peak, warmup_start, warmup_mode, warmup_progress)
    begin = max(warmup, total - fall)
    if k < begin:
        return float(peak)
    done, length = decay_position(k - begin, total - begin, one, decay_progress)
    numerator, denominator = decay_weight(done, length, decay)
    return interpolate(eta_min, peak, numerator, denominator)
