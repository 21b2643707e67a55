"""LR302: the lengths of a schedule are counted in epochs and it is stepped per batch, or the reverse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lrfix.experiments.horizons import (
    Count,
    counted,
    counts_epochs,
    figure,
    holds,
    horizon,
    is_length,
    is_share_of,
    last_milestone,
    left_after,
    lengths,
    number,
)
from lrfix.experiments.lightning import Configured, configured_schedulers, fitted_schedulers, unit_named
from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, Told, built_in, conducts, line, once_a_place, places, spot
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.tracing import amounts
from lrfix.tracing.amounts import Amount, amount
from lrfix.tracing.values import Value

#: What is said of a decay that is spent holds of shorter runs and epochs too: there are hardly any.
_FEWEST_BATCHES = 20
_FEWEST_EPOCHS = 10
_NOTHING = 1e-6


@rule("LR302", uses=True)
def unit_mismatch(study: Study) -> Iterator[Violation]:
    yield from once_a_place(study, _found(study))


def _found(study: Study) -> Iterator[Told]:
    for conduct in conducts(study):
        count = counted(conduct)
        yield spot(study, conduct), _mismatch(conduct, count) if count is not None else None, places(conduct)
        yield spot(study, conduct), _told_epochs(conduct), places(conduct)
    for configured in configured_schedulers(study):
        yield configured.scheduler.node, _of_lightning(configured)
    for configured, settings in fitted_schedulers(study):
        yield configured.scheduler.node, _of_a_trainer(configured, settings)


def _of_a_trainer(configured: Configured, settings: Mapping[str, Value]) -> str | None:
    """A schedule whose end is what its trainer was told of another unit than it steps the schedule in."""
    end, epochs, steps = horizon(configured.scheduler), settings.get("max_epochs"), settings.get("max_steps")
    if end is None or not end.units:
        return None
    if configured.interval == "step" and (told := amount(epochs)) is not None and end.same(told):
        return (
            f'Lightning steps `{configured.name}` with every batch (`"interval": "step"`), and its length of `{end}` '
            "is the trainer's `max_epochs`: the schedule is over at once."
        )
    if configured.interval == "epoch" and (told := amount(steps)) is not None and end.same(told):
        return (
            f"Lightning steps `{configured.name}` once an epoch, its default, and its length of `{end}` is the "
            'trainer\'s `max_steps`: training ends near the beginning of the schedule. Return it with `"interval": '
            '"step"`.'
        )
    return None


def _told_epochs(conduct: Conduct) -> str | None:
    """A length in batches for a class that counts the epochs it is told."""
    end = horizon(conduct.scheduler) if counts_epochs(conduct.scheduler) else None
    told = next((event for event in conduct.steps if event.arguments), None)
    if end is None or told is None or not any(is_length(unit) and "loader" in unit.path for unit in end.units):
        return None
    if not conduct.updates or any(len(update.turns) <= len(told.turns) for update in conduct.updates):
        return None  # told with every batch, it may be told the batch
    return (
        f"`{conduct.name}` counts the epochs that it is told (line {line(told)}), and its length of {figure(end)} "
        "counts batches: after as many epochs as are meant it has hardly begun. Give it the number of epochs."
    )


def _of_lightning(configured: Configured) -> str | None:
    """A schedule whose end is named in another unit than the trainer steps it in."""
    end = horizon(configured.scheduler)
    named = unit_named(end) if end is not None else None
    if named == "step" and configured.interval == "epoch":
        return (
            f"Lightning steps `{configured.name}` once an epoch, its default, and its length of `{end}` counts batches:"
            ' training ends near the beginning of the schedule. Return it with `"interval": "step"`.'
        )
    if named == "epoch" and configured.interval == "step":
        return (
            f'Lightning steps `{configured.name}` with every batch (`"interval": "step"`), and its length of `{end}` '
            "counts epochs: the schedule is over at once."
        )
    return None


def _mismatch(conduct: Conduct, count: Count) -> str | None:
    for name, length in lengths(conduct.scheduler):
        unit = _too_often(conduct, count, length)
        if unit is not None:
            return (
                f"`{conduct.name}` is stepped {figure(unit)} times in each turn of the outer loop (line "
                f"{line(count.step)}), and its `{name}`, {figure(length)} (line {built_in(conduct.scheduler)}), "
                f"counts those turns: the schedule is over after `{length}` updates{_first_turn(unit, length)}. Step "
                f"it once a turn, or multiply `{name}` by {figure(unit)}."
            )
        unit = _too_seldom(count, length)
        if unit is not None:
            return (
                f"`{conduct.name}` is stepped once in {figure(unit)} updates (line {line(count.step)}), and its "
                f"`{name}`, {figure(length)} (line {built_in(conduct.scheduler)}), counts updates: training ends long "
                f"before the schedule. Step it with every update, or divide `{name}` by {figure(unit)}."
            )
    return _spent(conduct, count)


def _first_turn(inner: Amount, length: Amount) -> str:
    """What the numbers that the file states add: the schedule does not outlast the first turn of the outer loop."""
    turns, end = number(inner), number(length)
    return ", in the first turn" if turns is not None and end is not None and end <= turns else ""


def _spent(conduct: Conduct, count: Count) -> str | None:
    """A decay that counts epochs and is stepped per batch: it is over at once, however few batches an epoch has."""
    outer, inner = _outer(count), _inner(count)
    epochs = number(outer) if outer is not None else None
    if inner is None or epochs is None or epochs < _FEWEST_EPOCHS or count.step_periods:
        return None
    left = left_after(conduct.scheduler, epochs / 4 * _FEWEST_BATCHES)
    if left is not None and left < _NOTHING:
        return (
            f"`{conduct.name}` is stepped per batch (line {line(count.step)}): with {_FEWEST_BATCHES} batches an "
            f"epoch, the rate is down to {left:.0e} of its first value after a quarter of the {epochs:g} epochs. "
            "Step it once an epoch, or count its lengths in batches."
        )
    last = last_milestone(conduct.scheduler)
    if last is not None and epochs / 4 < last <= epochs:
        return (
            f"`{conduct.name}` is stepped per batch (line {line(count.step)}), and its milestones count epochs: the "
            f"last one, {last:g} of {epochs:g}, is passed after {last:g} updates. Step it once an epoch, or count its "
            "milestones in batches."
        )
    return None


def _outer(count: Count) -> Amount | None:
    """The turns of the outermost loop, where the update stands in the innermost one around the step."""
    if len(count.loops) < 2 or count.update is None or count.loops[-1].entered != _innermost(count):
        return None
    return count.loops[0].trip


def _inner(count: Count) -> Amount | None:
    """The turns of the loops in it."""
    inner = amount(1)
    for turn in count.loops[1:]:
        inner = amounts.multiply(inner, turn.trip) if inner is not None and turn.trip is not None else None
    return inner if inner is not None and inner.units else None


def _too_often(conduct: Conduct, count: Count, length: Amount) -> Amount | None:
    """The turns of the inner loops, where a length counts those of the outer ones."""
    outer, inner = _outer(count), _inner(count)
    if outer is None or inner is None or count.step_periods:
        return None
    end = horizon(conduct.scheduler)
    stated = number(length)
    whole = end is not None and end.same(length) and stated is not None and stated == number(outer)
    return inner if (whole and stated != 1) or is_share_of(length, outer) else None


def _innermost(count: Count) -> int:
    return count.update.turns[-1].entered if count.update is not None and count.update.turns else -1


def _too_seldom(count: Count, length: Amount) -> Amount | None:
    """The turns of a loop around the update and not around the step, where a length counts them."""
    for turn in count.inner:
        if turn.trip is not None and holds(length, turn.trip):
            return turn.trip
    if count.update is None and len(count.loops) == 1 and count.loops[0].trip is not None:
        # The batches are walked over out of sight.
        ratio = amounts.divide(length, count.loops[0].trip)
        units = [unit for unit in ratio.units if is_length(unit)] if ratio is not None else []
        if len(units) == 1 and ratio is not None and is_share_of(ratio, amount(units[0]) or ratio):
            return amount(units[0])
    return None
