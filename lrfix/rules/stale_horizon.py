"""LR313: a resumed run is prolonged, and the scheduler's state brings the length of the first run back."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lrfix.experiments.horizons import horizon
from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, Told, conducts, line, once_a_place, places
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.tracing.amounts import Amount, amount
from lrfix.tracing.events import Event, Kind

#: The attribute that holds the length, by class. A LambdaLR's function is not part of its state.
_LENGTHS = {
    "CosineAnnealingLR": "T_max",
    "PolynomialLR": "total_iters",
    "LinearLR": "total_iters",
    "OneCycleLR": "total_steps",
}


@rule("LR313", uses=True)
def stale_horizon(study: Study) -> Iterator[Violation]:
    yield from once_a_place(study, _found(study))


def _found(study: Study) -> Iterator[Told]:
    """Loads of a scheduler's state in runs that go further than any run that begins anew."""
    by_make: dict[int, list[Conduct]] = {}
    for conduct in conducts(study):
        if _keeps_its_length(conduct):
            by_make.setdefault(id(conduct.scheduler.node), []).append(conduct)
    for alike in by_make.values():
        fresh = [conduct for conduct in alike if _load(conduct) is None]
        ends = [end for conduct in fresh if (end := _end(conduct)) is not None]
        if len(ends) != len(fresh) or not any(_agrees(conduct) for conduct in fresh):
            continue
        for conduct in alike:
            load, end = _load(conduct), _end(conduct)
            if load is None or end is None or any(_by_name(end) == _by_name(each) for each in ends):
                continue
            before = next((each for each in ends if _prolongs(end, each)), None)
            length = next(_length(each) for each in fresh if _agrees(each))
            if before is not None:
                yield (
                    load.node,
                    (
                        f"A resumed run goes on to `{end}` (line {line(conduct.steps[-1])}), the first one to "
                        f"`{before}`. The state of `{conduct.name}` brings the first one's length of `{length}` back: "
                        "the schedule ends before training does."
                    ),
                    places(conduct),
                )


def _keeps_its_length(conduct: Conduct) -> bool:
    """Whether the length of a schedule is part of its state, and nobody gives it another one."""
    scheduler = conduct.scheduler
    parts = (scheduler, *scheduler.children)
    lasting = all(part.cls in _LENGTHS and part.own is None for part in parts if part.cls != "SequentialLR")
    reset = any(name in part.parts for part in parts for name in (*_LENGTHS.values(), "__dict__"))
    return conduct.is_torch and lasting and not reset and bool(conduct.steps) and not conduct.escapes


def _load(conduct: Conduct) -> Event | None:
    loads = conduct.trace.of(Kind.LOAD, conduct.scheduler)
    return loads[0] if loads else None


def _end(conduct: Conduct) -> Amount | None:
    """Where the outermost loop around its steps ends."""
    turns = conduct.steps[-1].turns
    return turns[0].stop if turns else None


def _agrees(conduct: Conduct) -> bool:
    """Whether the length of the schedule is made of the length of the run."""
    end, length = _end(conduct), _length(conduct)
    return end is not None and length is not None and bool(_names(end)) and _names(end) <= _names(length)


def _length(conduct: Conduct) -> Amount | None:
    scheduler = conduct.scheduler
    if scheduler.cls == "LinearLR":
        return amount(scheduler.arguments.get("total_iters"))
    return horizon(scheduler)


def _prolongs(end: Amount, before: Amount) -> bool:
    """Whether ``end`` is ``before`` and something more: added to it, or a multiple of it."""
    after, first = _by_name(end), _by_name(before)
    more = any(share > first.get(monomial, 0) for monomial, share in after.items())
    return bool(_names(before)) and _names(before) <= _names(end) and more


def _names(count: Amount) -> set[str]:
    return {name for monomial in _by_name(count) for name, _ in monomial}


def _by_name(count: Amount) -> dict[tuple[tuple[str, int], ...], Fraction]:
    """An amount by the names of its units, what begins at 0 left out: those of two traces are not the same objects."""
    return {
        tuple((unit.path, power) for unit, power in m): share
        for m, share in count.terms.items()
        if not any(unit.stated == 0 for unit, _ in m)
    }
