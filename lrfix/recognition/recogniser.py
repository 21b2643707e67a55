"""Readings of all samples joined: the one whose numbers the user's simplest expressions give, proved on every step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lrfix.recognition.confirmation import first_difference
from lrfix.recognition.evaluation import evaluate
from lrfix.recognition.expressions import Expression, Expressions, agrees
from lrfix.recognition.model import Hypothesis, Recognition, Sample, construction
from lrfix.recognition.readings import alike, readings
from lrfix.wording import num

_DEFAULTS = {
    "warmup_progress": "k/W",
    "decay_progress": "k/D",
    "warmup_mode": "linear",
    "warmup_cycles": "first",
    "decay": "cosine",
}
_DEFAULT_NUMBERS = {"T_mult": 1.0, "cycle_decay": 1.0, "power": 1.0, "eta_min": 0.0, "warmup_start_lr": 0.0}
_REQUIRED = {("WarmupStepLR", "gamma"): 0.1, ("WarmupMultiStepLR", "gamma"): 0.1}
_UNTRACED = 12.0
_TRIED = 6
_FEWEST = 6
_LARGEST = 1e100
"""Far beyond any rate, and far enough from overflow for squares and quotients."""
_KNOWN: dict[object, Recognition] = {}
_MOST_KNOWN = 32


@dataclass(frozen=True)
class _Reading:
    """A hypothesis held in all samples, its numbers traced to expressions as far as they could be."""

    hypotheses: tuple[Hypothesis, ...]
    arguments: Mapping[str, str]
    parameters: Mapping[str, str]
    untraced: tuple[str, ...]
    cost: float


def recognise(samples: Sequence[Sample]) -> Recognition:
    """Family and parameters of the schedule that all ``samples`` (runs under different values) show.

    A ``spec`` is given only when the bundled scheduler, its arguments evaluated from the expression texts, gives every
    sampled rate. Raises ``ValueError`` without samples or with a curve of fewer than two steps.
    """
    if not samples or any(len(sample.lr) < 2 for sample in samples):
        raise ValueError("recognition needs at least one sample, each of two steps or more")
    # Sides of a switch that has no part in the curve show the same.
    key = tuple((s.lr, s.base_lr, s.written, repr(list(s.names.items()))) for s in samples)
    if key not in _KNOWN:
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        _KNOWN[key] = _recognise(samples)
    return _KNOWN[key]


def _recognise(samples: Sequence[Sample]) -> Recognition:
    broken = _unusable(samples)
    if broken is not None:
        return Recognition("other", {}, None, broken)
    found = alike([readings(sample) for sample in samples])
    tables = [{hypothesis.key: hypothesis for hypothesis in reversed(each)} for each in found]
    shared = [hypothesis.key for hypothesis in found[0] if all(hypothesis.key in table for table in tables)]
    if not shared:
        return _disagreement(found)
    search = Expressions([sample.names for sample in samples], samples[0].written)
    traced = [_trace(tuple(table[key] for table in tables), samples, search) for key in dict.fromkeys(shared)]
    traced.sort(key=lambda reading: reading.cost)
    reason = None
    for reading in traced[:_TRIED]:
        scheduler = reading.hypotheses[0].scheduler
        complaint = next((h.complaint for h in reading.hypotheses if h.complaint), None)
        if scheduler is not None and not reading.untraced and complaint is None:
            difference = _first_difference(scheduler, reading.arguments, samples)
            if difference is None:
                spec = construction(scheduler, reading.arguments)
                return Recognition(reading.hypotheses[0].family, reading.parameters, spec, None)
            complaint = difference
        if reason is None:
            reason = complaint or _not_traced(reading)
    best = traced[0]
    return Recognition(best.hypotheses[0].family, best.parameters, None, reason)


def _unusable(samples: Sequence[Sample]) -> str | None:
    for sample in samples:
        for step, rate in enumerate(sample.lr):
            if not math.isfinite(rate):
                return f"the rate at step {step} is {rate}"
            if abs(rate) > _LARGEST:
                return f"the rate at step {step} is {num(rate)}, which is no learning rate"
        if not any(abs(rate) > 1 / _LARGEST for rate in sample.lr):
            return "the rate is zero at every step"
        if len(sample.lr) < _FEWEST and len(set(sample.lr)) > 1:
            return f"a curve of {len(sample.lr)} steps is too short to tell its shape"
    return None


def _disagreement(found: Sequence[Sequence[Hypothesis]]) -> Recognition:
    families = {each[0].family for each in found}
    complaint = next((h.complaint for each in found for h in each if h.complaint), None)
    if len(families) == 1:
        reason = complaint or "the curve follows no one convention in all scenarios"
        return Recognition(families.pop(), {}, None, reason)
    listed = ", ".join(sorted(families))
    return Recognition("other", {}, None, f"the curve has different shapes under different values: {listed}")


def _trace(hypotheses: tuple[Hypothesis, ...], samples: Sequence[Sample], search: Expressions) -> _Reading:
    first = hypotheses[0]
    conventions = {name: value for name, value in first.conventions.items() if not _default(first, name, value)}
    arguments: dict[str, str] = {}
    parameters: dict[str, str] = {}
    untraced: list[str] = []
    cost = 0.5 * len(conventions)
    places: list[str] = []
    peaks = [h.value("eta_max") or sample.base_lr for h, sample in zip(hypotheses, samples, strict=True)]
    for quantity in first.quantities:
        values = [hypothesis.value(quantity.parameter) for hypothesis in hypotheses]
        numbers = [value for value in values if value is not None]
        if len(numbers) < len(values):
            continue
        name, expression = _argument(quantity.parameter, numbers, peaks, samples, search)
        if name is None:
            continue
        if expression is None:
            untraced.append(f"{name} ({', '.join(map(num, numbers))} in {len(numbers)} runs)")
            cost += _UNTRACED
        elif name.startswith("milestones"):
            places.append(expression.text)
            cost += expression.cost
        else:
            arguments[name] = parameters[name] = expression.text
            cost += expression.cost
            if _REQUIRED.get((first.scheduler or "", name)) is not None and expression.text == "0.1":
                del arguments[name]
    if places:
        arguments["milestones"] = parameters["milestones"] = f"[{', '.join(places)}]"
    milestones = _milestones(hypotheses, samples)
    if milestones is not None:
        untraced = [entry for entry in untraced if not entry.startswith("milestones")]
        arguments["milestones"] = parameters["milestones"] = milestones
        cost -= _UNTRACED * (len([q for q in first.quantities if q.parameter.startswith("milestones")]) - len(places))
    if first.scheduler == "WarmupInverseSqrtLR":
        arguments.setdefault("warmup_steps", "0")
    arguments.update({name: repr(value).replace("'", '"') for name, value in conventions.items()})
    return _Reading(hypotheses, arguments, parameters, tuple(untraced), cost)


def _default(hypothesis: Hypothesis, name: str, value: str) -> bool:
    if name == "count_from":
        return value == ("warmup" if hypothesis.scheduler == "WarmupStepLR" else "start")
    return _DEFAULTS.get(name) == value


def _argument(
    parameter: str, values: list[float], peaks: list[float], samples: Sequence[Sample], search: Expressions
) -> tuple[str | None, Expression | None]:
    """The argument that a number belongs to and its expression; no argument where the default says it already."""
    bases = [sample.base_lr for sample in samples]
    if parameter == "eta_max":
        if all(agrees(value, base, 1e-12 * base) for value, base in zip(values, bases, strict=True)):
            return None, None
        return _rate("eta_max", "peak_factor", values, bases, search)
    if parameter in _DEFAULT_NUMBERS:
        default = _DEFAULT_NUMBERS[parameter]
        scales = peaks if default == 0.0 else [1.0] * len(values)
        if all(abs(value - default) <= 1e-11 * scale for value, scale in zip(values, scales, strict=True)):
            return None, None
    if parameter == "eta_min":
        name, expression = _rate("eta_min", "eta_min_ratio", values, peaks, search)
        of_base, factor = _rate("eta_min", "eta_min_factor", values, bases, search)
        if factor is not None and peaks != bases and (expression is None or factor.cost < expression.cost):
            return of_base, factor
        return name, expression
    if parameter == "warmup_start_lr":
        return _rate("warmup_start_lr", "warmup_start_factor", values, peaks, search)
    return parameter, search.find(values, parameter, 1e-9 if parameter == "power" else 0.0)


def _rate(
    absolute: str, share: str, values: list[float], whole: list[float], search: Expressions
) -> tuple[str, Expression | None]:
    """A level as a rate or as a share of another, whichever the user's names say more simply."""
    slack = 1e-13 * max(abs(of) for of in whole)
    rate = search.find(values, absolute, slack)
    part = None
    if all(whole):
        part = search.find([value / of for value, of in zip(values, whole, strict=True)], share, 1e-13)
    if part is not None and (rate is None or part.cost < rate.cost):
        return share, part
    return absolute, rate


def _milestones(hypotheses: tuple[Hypothesis, ...], samples: Sequence[Sample]) -> str | None:
    """A list among the names that holds exactly the milestones, in every sample."""
    wanted = [[q.value for q in h.quantities if q.parameter.startswith("milestones")] for h in hypotheses]
    if not wanted[0]:
        return None
    for name in samples[0].names:
        held = [sample.names.get(name) for sample in samples]
        if all(isinstance(a, (list, tuple)) and list(a) == b for a, b in zip(held, wanted, strict=True)):
            return name
    return None


def _first_difference(scheduler: str, arguments: Mapping[str, str], samples: Sequence[Sample]) -> str | None:
    for sample in samples:
        difference = first_difference(scheduler, arguments, sample)
        if difference is None:
            continue
        step, old, new = difference
        if math.isnan(new):
            return "the bundled scheduler does not take these values"
        horizon = _horizon(arguments, sample)
        if horizon is not None and step >= horizon:
            if old > new:
                return f"the curve rises again past step {horizon}: {num(old)} at step {step}, not {num(new)}"
            return f"past its horizon, step {horizon}, the curve falls on: the rate is {num(old)} at step {step}"
        return f"the rate at step {step} is {num(old)} where the bundled scheduler gives {num(new)}"
    return None


def _horizon(arguments: Mapping[str, str], sample: Sample) -> int | None:
    if "total_steps" not in arguments:
        return None
    value = evaluate(arguments["total_steps"], sample.names)
    return math.ceil(value) if isinstance(value, (int, float)) else None


def _not_traced(reading: _Reading) -> str:
    if not reading.untraced:
        return "the bundled schedulers have no such curve"
    return f"nothing in the code says {'; '.join(reading.untraced)}"
