"""How far a scheduler is built to go, and how often a trace steps it: two counts with units, held against each other.

Nothing is said where a library steps on terms of its own, where unknown code has the scheduler in hand, or where the
scheduler is stepped in more than one place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lrfix import clocks
from lrfix.clocks.model import Unit
from lrfix.experiments.training import Conduct
from lrfix.finite import finite
from lrfix.tracing import amounts
from lrfix.tracing.amounts import Amount, amount
from lrfix.tracing.events import Event, Kind, Turn
from lrfix.tracing.values import Scheduler, Unknown, Value, known

#: The parameter that says how many steps the whole schedule takes, by class.
_ENDS = {
    "CosineAnnealingLR": "T_max",
    "PolynomialLR": "total_iters",
    "OneCycleLR": "total_steps",
    "get_linear_schedule_with_warmup": "num_training_steps",
    "get_cosine_schedule_with_warmup": "num_training_steps",
    "get_cosine_with_hard_restarts_schedule_with_warmup": "num_training_steps",
    "get_cosine_with_min_lr_schedule_with_warmup": "num_training_steps",
    "get_polynomial_decay_schedule_with_warmup": "num_training_steps",
    "get_scheduler": "num_training_steps",
}
#: What they are where nothing is given.
_DEFAULT_ENDS = {"PolynomialLR": 5}
#: Other parameters that are counted in steps.
_LENGTHS = ("T_max", "total_iters", "step_size", "milestones", "num_warmup_steps", "num_training_steps", "total_steps")
#: Libraries that step what they prepare as often as the code says, counted in what the code counts: Accelerate divides
#: a loader among its processes and steps a scheduler once for each of them; Fabric leaves schedulers alone.
_PLAIN = frozenset({None, "prepare", "setup", "setup_optimizers"})
#: Past their end the rate is 0, or the next step raises.
FINISHED = frozenset(_ENDS) - {"CosineAnnealingLR"}


@dataclass(frozen=True)
class Count:
    """How often a scheduler is stepped.

    ``loops`` are the loops around its step, ``inner`` those around the update and not around the step; ``periods`` are
    the conditions that come round, of the step and of the update.
    """

    step: Event
    update: Event | None
    loops: tuple[Turn, ...]
    inner: tuple[Turn, ...]
    step_periods: tuple[Amount, ...]
    update_periods: tuple[Amount, ...]

    @property
    def calls(self) -> Amount | None:
        """The number of calls, where every loop around them says how often it turns."""
        total = amount(1)
        for turn in self.loops:
            total = amounts.multiply(total, turn.trip) if total is not None and turn.trip is not None else None
        for period in self.step_periods:
            total = amounts.divide(total, period) if total is not None else None
        return total


def counted(conduct: Conduct, unseen: bool = False, own: bool = False) -> Count | None:
    """How often a scheduler is stepped, where the trace is certain of it; ``unseen``: of unseen classes as well.

    ``own``: of the project's classes, whose lengths are what they make of them.
    """
    scheduler, trace = conduct.scheduler, conduct.trace
    if not (conduct.is_torch or (unseen and conduct.counts_calls)):
        return None
    if (scheduler.own is not None and not own) or conduct.escapes or trace.ended is not None:
        return None
    if any(thing is not None and thing.library not in _PLAIN for thing in (scheduler, conduct.optimizer)):
        return None
    if len({event.place for event in conduct.steps}) != 1 or any(e.arguments or e.detail for e in conduct.steps):
        return None
    step = conduct.steps[-1]
    # A loop around the whole training builds a scheduler of its own in each turn.
    built = {turn.entered for event in trace.of(Kind.BUILD, scheduler) for turn in event.turns}
    if not all(turn.later or turn.listed for turn in step.turns):
        return None
    # An optimizer that outlives the scheduler is stepped in loops that this one has no part in.
    around = {turn.entered for turn in step.turns}
    beside = [event for event in conduct.updates if around <= {turn.entered for turn in event.turns}]
    update = next(reversed(beside or conduct.updates), None)
    # Under the conditions that the scheduler is built under it is there, and they speak of no other steps.
    there = frozenset[object]().union(*(event.decided for event in trace.of(Kind.BUILD, scheduler)))
    if step.decided - there - (update.decided if update is not None else frozenset()):
        return None
    inner = tuple(turn for turn in update.turns if turn.entered not in around) if update is not None else ()
    loops = tuple(turn for turn in step.turns if turn.entered not in built)
    return Count(step, update, loops, inner, _periods(step), _periods(update) if update is not None else ())


def horizon(scheduler: Scheduler) -> Amount | None:
    """The step at which the schedule is built to end; None for one that has no end or none that can be told."""
    arguments, cls = scheduler.arguments, scheduler.cls or ""
    if scheduler.qualified:
        return _end_of_a_librarys(scheduler)
    if scheduler.hidden and cls not in _ENDS:
        return None
    if cls == "OneCycleLR" and arguments.get("total_steps") is None:
        epochs, batches = amount(arguments.get("epochs")), amount(arguments.get("steps_per_epoch"))
        return amounts.multiply(epochs, batches) if epochs is not None and batches is not None else None
    if cls == "SequentialLR":
        return _end_of_sequence(scheduler)
    return amount(arguments.get(_ENDS[cls], _DEFAULT_ENDS.get(cls))) if cls in _ENDS else None


def _end_of_a_librarys(scheduler: Scheduler) -> Amount | None:
    """The end of a schedule of a class that a clock speaks of, where it is told by name."""
    lengths = (length for builder in clocks.builders(scheduler.qualified) for length in builder.horizon)
    return next((amount(scheduler.arguments[each.name]) for each in lengths if each.name in scheduler.arguments), None)


def counts_epochs(scheduler: Scheduler) -> bool:
    """Whether a scheduler of a library's class counts the epochs that it is told, and nothing else moves it."""
    found = [each for each in clocks.builders(scheduler.qualified) if each.chosen_by is not None]
    return bool(found) and all(
        each.unit is Unit.EPOCH and each.chosen_by is not None and each.chosen_by.name not in scheduler.arguments
        for each in found
    )


def handover(scheduler: Scheduler) -> Amount | None:
    """The last milestone of a SequentialLR."""
    milestones = scheduler.arguments.get("milestones")
    return amount(milestones[-1]) if isinstance(milestones, list | tuple) and milestones else None


def lengths(scheduler: Scheduler) -> Iterator[tuple[str, Amount]]:
    """Everything of a schedule that is counted in steps, by parameter; of its children too."""
    for name in _LENGTHS:
        value: Value = scheduler.arguments.get(name)
        for each in value if isinstance(value, list | tuple) else [value]:
            found = amount(each)
            if found is not None:
                yield name, found
    for each in scheduler.parts.get("lengths", ()):
        yield "lr_lambda", each
    if scheduler.cls == "OneCycleLR":
        end = horizon(scheduler)
        if end is not None:
            yield "total_steps", end
    for child in scheduler.children:
        yield from lengths(child)


def rises(scheduler: Scheduler) -> bool:
    """Whether a part of a composition is a warmup: a line that climbs."""
    if scheduler.cls != "LinearLR":
        return False
    start = number(scheduler.arguments.get("start_factor", 1 / 3))
    end = number(scheduler.arguments.get("end_factor", 1.0))
    return start is not None and end is not None and start < end


def number(value: Value) -> float | None:
    """A value as the number that the file states for it."""
    found = amount(value)
    if found is None:
        return None
    exact = found.constant if found.constant is not None else found.stated
    return finite(exact)


def figure(count: Amount) -> str:
    """A count for a message: as the file writes it, and the number that the file states for it."""
    exact = finite(count.stated) if count.units else None
    return f"`{count}`" if exact is None else f"`{count}` ({exact:g})"


def left_after(scheduler: Scheduler, steps: float) -> float | None:
    """The share of its first rate that a decay without an end has left after so many steps, by its stated numbers."""
    gamma = number(scheduler.arguments.get("gamma", 0.1))
    size = number(scheduler.arguments.get("step_size", 1))
    if scheduler.cls not in ("StepLR", "ExponentialLR") or gamma is None or not size or not 0 < gamma < 1:
        return None
    return float(gamma ** min(steps // size, 1e6))


def last_milestone(scheduler: Scheduler) -> float | None:
    """The last milestone of a MultiStepLR, by its stated numbers."""
    milestones = scheduler.arguments.get("milestones")
    if scheduler.cls != "MultiStepLR" or not isinstance(milestones, list | tuple) or not milestones:
        return None
    return number(milestones[-1])


def holds(whole: Amount, unit: Amount, times: int = 1) -> bool:
    """Whether each product in ``whole`` has the units of ``unit`` in it, so many times."""
    if len(unit.terms) != 1 or not unit.units or not whole.terms:
        return False
    wanted = dict(next(iter(unit.terms)))
    return all(_covers(dict(monomial), wanted, times) for monomial in whole.terms)


def _covers(powers: dict[Unknown, int], wanted: dict[Unknown, int], times: int) -> bool:
    return all(
        powers.get(unit, 0) >= power * times if power > 0 else powers.get(unit, 0) <= power * times
        for unit, power in wanted.items()
    )


def is_share_of(part: Amount, whole: Amount) -> bool:
    """Whether ``part`` is ``whole``, or a fraction of it between 0 and 1."""
    ratio = amounts.divide(part, whole) if whole.units else None
    share = ratio.constant if ratio is not None else None
    return share is not None and 0 < share <= 1


def is_length(unit: Unknown) -> bool:
    """Whether a unit is the length of an object (``len(loader)``)."""
    return "of" in unit.parts


def samples_of(unit: Unknown) -> Unknown | None:
    """For ``len(loader)``, the ``len(loader.dataset)`` that the file speaks of."""
    loader = unit.parts.get("of")
    dataset = loader.parts.get(".dataset") if isinstance(loader, Unknown) else None
    found = dataset.parts.get("len()") if isinstance(dataset, Unknown) else None
    return found if isinstance(found, Unknown) else None


def batch_size_of(unit: Unknown) -> Value:
    """For ``len(loader)``, the size of the loader's batches."""
    loader = unit.parts.get("of")
    return loader.parts.get(".batch_size") if isinstance(loader, Unknown) else None


def _end_of_sequence(scheduler: Scheduler) -> Amount | None:
    last = handover(scheduler)
    children = [known(child) for child in scheduler.children]
    if last is None or not children or not isinstance(children[-1], Scheduler):
        return None
    rest = horizon(children[-1])
    return amounts.add(last, rest) if rest is not None else None


def _periods(event: Event) -> tuple[Amount, ...]:
    return tuple(guard.period for guard in event.guards if guard.period is not None)


__all__ = [
    "FINISHED",
    "Count",
    "batch_size_of",
    "counted",
    "figure",
    "handover",
    "holds",
    "horizon",
    "is_length",
    "is_share_of",
    "last_milestone",
    "left_after",
    "lengths",
    "number",
    "rises",
    "samples_of",
]
