"""All readings of one curve: warmup and decay joined, one hypothesis for each set of conventions that explains it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from lrfix.recognition.curves import scale_of
from lrfix.recognition.cycles import cycles_with_warmup, periodic_family
from lrfix.recognition.decays import Decay, find_decay
from lrfix.recognition.model import FROM_ZERO, Hypothesis, Quantity, Sample
from lrfix.recognition.warmups import Rise, WarmupReading, find_hold, find_rise, read_warmup
from lrfix.wording import num

SCHEDULERS = {
    "constant": "WarmupConstantLR",
    "cosine": "WarmupCosineLR",
    "cosine-restarts": "WarmupCosineRestartsLR",
    "linear": "WarmupLinearLR",
    "poly": "WarmupPolynomialLR",
    "exponential": "WarmupExponentialLR",
    "inverse-sqrt": "WarmupInverseSqrtLR",
    "step": "WarmupStepLR",
    "multistep": "WarmupMultiStepLR",
    "wsd": "WarmupStableDecayLR",
}


@dataclass(frozen=True)
class _Shape:
    """A decay as the bundled scheduler would have it after a warmup of so many steps."""

    family: str
    peak: float
    conventions: dict[str, str]
    quantities: tuple[Quantity, ...]


def readings(sample: Sample) -> list[Hypothesis]:
    """Every reading of the curve, at least one."""
    return list(_readings(sample.lr, sample.base_lr))


@lru_cache(maxsize=64)
def _readings(values: tuple[float, ...], base_lr: float) -> tuple[Hypothesis, ...]:
    """One curve is read with one set of others after the other."""
    return tuple(_read(values, base_lr))


def _read(values: tuple[float, ...], base_lr: float) -> list[Hypothesis]:
    scale = scale_of(values)
    if all(abs(value - values[0]) <= 1e-12 * scale for value in values):
        return [Hypothesis("constant", "WarmupConstantLR", {}, (Quantity("eta_max", values[0], "rate"),))]
    stride = _stride(values)
    if stride:
        complaint = f"the rate changes only every {stride} steps"
        slow = _readings(values[::stride], base_lr)
        return [_slowed(hypothesis, stride, complaint) for hypothesis in slow]
    rise = find_rise(values)
    if rise is None:
        found = list(_without_warmup(values, base_lr))
    elif rise.last >= len(values) - 2:
        complaint = "the rate rises to the end of the run and never arrives at a peak"
        return [Hypothesis("linear" if rise.kind == "linear-warmup" else "other", None, {}, (), complaint)]
    else:
        found = list(cycles_with_warmup(values, rise)) or list(_with_warmup(values, rise, base_lr))
    hold = find_hold(values)
    if hold is not None:
        found += (h for h in _with_warmup(values, hold, base_lr) if h.complaint is None)
    if found:
        return found
    family = periodic_family(values)
    if family is None and rise is not None and rise.last >= 3:
        family = f"{rise.kind}+other"
    return [Hypothesis(family or "other", None, {}, (), "the bundled schedulers have no such curve")]


def alike(found: Sequence[list[Hypothesis]]) -> list[list[Hypothesis]]:
    """The readings of all curves, each also read as what it is a case of where others are that: no warmup as one of
    zero steps, a decay at every step as stairs of one."""
    models = {h.key: h for each in found for h in each}
    joined = []
    for each in found:
        extra = []
        cold = all(h.value("warmup_steps") is None for h in each)
        for model in models.values():
            for own in each:
                values: dict[str, float] = {}
                of_one = (own.scheduler, model.scheduler) == ("WarmupExponentialLR", "WarmupStepLR")
                if of_one:
                    values["step_size"] = 1.0
                if cold and model.value("warmup_steps") is not None:
                    values |= {"warmup_steps": 0.0, "warmup_start_lr": 0.0}
                if values and (of_one or own.scheduler == model.scheduler) and _is_case(own, model, of_one):
                    values.update((quantity.parameter, quantity.value) for quantity in own.quantities)
                    if all(quantity.parameter in values for quantity in model.quantities):
                        quantities = tuple(replace(q, value=values[q.parameter]) for q in model.quantities)
                        extra.append(replace(model, quantities=quantities, complaint=own.complaint))
        joined.append([*each, *extra])
    return joined


def _is_case(own: Hypothesis, model: Hypothesis, of_one: bool) -> bool:
    """Whether one reading is of the other's family, warmup and stairs aside, and keeps to its conventions."""
    family = own.family.replace("exponential", "step") if of_one else own.family
    if family not in (model.family, model.family.split("+")[-1]):
        return False
    return all(model.conventions.get(name) == value for name, value in own.conventions.items())


def _stride(values: Sequence[float]) -> int:
    """Steps for which every rate is held, where that is no staircase of its own; 0 if rates change at every step."""
    changes = [k for k in range(1, len(values)) if values[k] != values[k - 1]]
    if len(changes) < 6 or changes[0] < 2:
        return 0
    stride = math.gcd(*changes)
    if stride < 2 or len(changes) * stride * 2 < changes[-1]:
        return 0
    levels = [values[0], *(values[k] for k in changes)]
    ratios = [b / a for a, b in pairwise(levels) if a]
    return stride if max(ratios) - min(ratios) > 1e-9 else 0


def _slowed(hypothesis: Hypothesis, stride: int, complaint: str) -> Hypothesis:
    """A reading of every ``stride``-th step in steps again."""
    quantities = tuple(replace(q, value=q.value * stride) if q.unit == "steps" else q for q in hypothesis.quantities)
    return replace(hypothesis, quantities=quantities, complaint=hypothesis.complaint or complaint)


def _without_warmup(values: Sequence[float], base_lr: float) -> Iterator[Hypothesis]:
    tops: list[float | None] = [None]
    if abs(base_lr - values[0]) > 1e-12 * abs(base_lr) and base_lr > values[0]:
        tops.append(base_lr)
    for top in tops:
        decay = find_decay(values, 0, top)
        if decay is None:
            continue
        shapes = list(_shapes(decay, 0))
        for shape in shapes:
            yield _join(None, shape, 0, None, decay.complaint)
        if not shapes:
            yield _unexplained(decay, None, 0, "the decay does not begin at step 0")


def _with_warmup(values: Sequence[float], rise: Rise, base_lr: float) -> Iterator[Hypothesis]:
    reached = values[rise.last] if rise.kind != "constant-warmup" else values[rise.last + 1]
    tops = [reached]
    ahead = rise.line.at(rise.last + 1) if rise.line is not None else base_lr
    tops += [top for top in (ahead, base_lr) if all(abs(top - other) > 1e-9 * abs(top) for other in tops)]
    failed: list[Decay] = []
    explained = False
    for top in tops:
        decay = find_decay(values, rise.last + 1, top)
        if decay is None:
            continue
        failed.append(decay)
        for boundary in rise.boundaries:
            for shape in _shapes(decay, boundary):
                for warmup in read_warmup(rise, values, boundary, shape.peak):
                    explained = True
                    yield _join(rise, shape, boundary, warmup, decay.complaint)
        if decay.family in ("cosine", "constant", "cosine-restarts") and explained:
            return
    if not explained and failed:
        for boundary in reversed(rise.boundaries):
            yield _unexplained(failed[0], rise, boundary, _jump(values, rise, failed[0]))


def _jump(values: Sequence[float], rise: Rise, decay: Decay) -> str:
    step = rise.last + 1
    if abs(decay.start) < 0.5 and decay.length:
        return f"{FROM_ZERO}: the rate goes from {num(values[step - 1])} to {num(values[step])} at step {step}"
    return f"warmup and decay do not meet: from {num(values[step - 1])} to {num(values[step])} at step {step}"


def _shapes(decay: Decay, boundary: int) -> Iterator[_Shape]:
    """The conventions under which a decay that follows ``boundary`` steps of warmup is the measured one."""
    peak = decay.peak if decay.peak is not None else 0.0
    floor = Quantity("eta_min", decay.floor, "rate")
    shift = decay.start - boundary
    if decay.family == "constant":
        yield _Shape("constant", peak, {}, ())
    elif decay.family in ("cosine", "linear", "poly"):
        power = (Quantity("power", decay.numbers["power"], "number"),) if decay.family == "poly" else ()
        for progress, offset, longer in (("k/D", 0, 0), ("(k+1)/D", -1, 0), ("k/(D-1)", 0, 1)):
            if abs(shift - offset) > 1e-4:
                continue
            total = Quantity("total_steps", boundary + decay.length + longer, "steps")
            yield _Shape(decay.family, peak, {"decay_progress": progress}, (total, *power, floor))
            if decay.clamp is not None:
                to_nothing, level = decay.clamp
                total = replace(total, value=boundary + to_nothing + longer)
                conventions = {"decay_progress": progress, "eta_min_mode": "clamp"}
                yield _Shape(decay.family, peak, conventions, (total, *power, replace(floor, value=level)))
    elif decay.family == "wsd":
        for progress, extra, longer in (("k/D", 0, 0), ("(k+1)/D", 1, 0), ("k/(D-1)", 1, 1)):
            total = Quantity("total_steps", decay.start + decay.length + extra, "steps")
            fall = Quantity("decay_steps", decay.length + longer, "steps")
            yield _Shape("wsd", peak, {"decay_progress": progress, **decay.conventions}, (total, fall, floor))
    elif decay.family == "cosine-restarts" and abs(shift) <= 1e-4:
        yield _Shape(decay.family, peak, dict(decay.conventions), (*_cycle_numbers(decay), floor))
    elif decay.family == "exponential":
        gamma = decay.numbers["gamma"]
        peak *= gamma ** (boundary - decay.start)
        yield _Shape(decay.family, peak, {}, (Quantity("gamma", gamma, "number"), floor))
    elif decay.family == "inverse-sqrt":
        yield from _inverse_sqrt_shapes(decay, boundary)
    elif decay.family == "multistep":
        yield from _step_shapes(decay, boundary, floor)


def _cycle_numbers(decay: Decay) -> Iterator[Quantity]:
    yield Quantity("T_0", decay.numbers["T_0"], "steps")
    yield Quantity("T_mult", decay.numbers.get("T_mult", 1.0), "number")
    yield Quantity("cycle_decay", decay.numbers.get("cycle_decay", 1.0), "number")


def _inverse_sqrt_shapes(decay: Decay, boundary: int) -> Iterator[_Shape]:
    for progress, offset in (("k/D", 0), ("(k+1)/D", 1)):
        timescale = boundary - decay.numbers["origin"] - offset
        if timescale <= 0:
            continue
        peak = decay.numbers["amplitude"] / math.sqrt(timescale)
        default = timescale == (boundary or 1)
        scale = () if default else (Quantity("timescale", timescale, "steps"),)
        yield _Shape("inverse-sqrt", peak, {"decay_progress": progress}, scale)


def _step_shapes(decay: Decay, boundary: int, floor: Quantity) -> Iterator[_Shape]:
    peak = decay.peak if decay.peak is not None else 0.0
    gamma = Quantity("gamma", decay.numbers["gamma"], "number")
    milestones = [value for name, value in decay.numbers.items() if name.startswith("milestone_")]
    size = decay.numbers.get("step_size", milestones[0] - boundary if len(milestones) == 1 else 0.0)
    if size > 0:
        if milestones[0] - boundary == size:
            yield _Shape("step", peak, {"count_from": "warmup"}, (Quantity("step_size", size, "steps"), gamma, floor))
        elif milestones[0] % size == 0 and milestones[0] - boundary < size:
            yield _Shape("step", peak, {"count_from": "start"}, (Quantity("step_size", size, "steps"), gamma, floor))
    for origin, shift in (("start", 0), ("warmup", boundary)):
        if origin == "warmup" and not boundary:
            continue
        places = tuple(
            Quantity(f"milestones[{index}]", value - shift, "steps") for index, value in enumerate(milestones)
        )
        yield _Shape("multistep", peak, {"count_from": origin}, (*places, gamma, floor))


def _join(
    rise: Rise | None, shape: _Shape, boundary: int, warmup: WarmupReading | None, complaint: str | None
) -> Hypothesis:
    conventions = dict(shape.conventions)
    complaint = None if "eta_min_mode" in conventions else complaint
    quantities = list(shape.quantities)
    family = shape.family
    if rise is not None and warmup is not None:
        if rise.kind == "constant-warmup":
            conventions["warmup_mode"] = "constant"
        else:
            family = f"{rise.kind}+{family}"
            conventions["warmup_progress"] = warmup.progress
        if rise.kind == "exp-warmup":
            conventions["warmup_mode"] = "exponential"
        quantities.insert(0, Quantity("warmup_steps", boundary, "steps"))
        quantities.append(Quantity("warmup_start_lr", warmup.start, "rate"))
    quantities.append(Quantity("eta_max", shape.peak, "rate"))
    return Hypothesis(family, SCHEDULERS[shape.family], conventions, tuple(quantities), complaint)


def _unexplained(decay: Decay, rise: Rise | None, boundary: int, complaint: str) -> Hypothesis:
    """Family and numbers of a curve whose phases do not fit together."""
    family = decay.family if decay.family not in ("multistep",) or "step_size" not in decay.numbers else "step"
    quantities: list[Quantity] = []
    if rise is not None:
        family = f"{rise.kind}+{family}"
        quantities.append(Quantity("warmup_steps", boundary, "steps"))
    if decay.family in ("cosine", "linear", "poly", "wsd"):
        quantities.append(Quantity("total_steps", decay.start + decay.length, "steps"))
    if decay.family == "cosine-restarts":
        quantities.extend(_cycle_numbers(decay))
    for name in ("power", "gamma", "step_size", "decay_steps"):
        if name in decay.numbers:
            quantities.append(Quantity(name, decay.numbers[name], "steps" if "step" in name else "number"))
    quantities.append(Quantity("eta_min", decay.floor, "rate"))
    if decay.peak is not None:
        quantities.append(Quantity("eta_max", decay.peak, "rate"))
    return Hypothesis(family, SCHEDULERS.get(decay.family), {}, tuple(quantities), decay.complaint or complaint)
