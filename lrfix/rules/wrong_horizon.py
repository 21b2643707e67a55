"""LR310: the length of a schedule is not the number of its steps, by a count that is in it twice, or missing."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lrfix.domains.roles import Role, role_of
from lrfix.experiments.horizons import (
    FINISHED,
    Count,
    counted,
    figure,
    handover,
    holds,
    horizon,
    is_length,
    is_share_of,
    lengths,
    rises,
    samples_of,
)
from lrfix.experiments.shortfall import outlasts_the_run
from lrfix.experiments.stated_lengths import misjudged, never_warm
from lrfix.experiments.structure import decay_span
from lrfix.experiments.study import Study
from lrfix.experiments.trainer_settings import warmups_longer_than_the_run
from lrfix.experiments.training import Conduct, built_in, conducts, line, once_a_place, places, spot
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.tracing import amounts
from lrfix.tracing.amounts import Amount, amount
from lrfix.tracing.values import Scheduler, known
from lrfix.wording import num

_WHOLE = frozenset({Role.HORIZON, Role.EPOCHS})
_WARMUPS = frozenset({Role.WARMUP, Role.WARMUP_EPOCHS})
_SHARES = frozenset({Role.WARMUP_FRACTION, Role.WARMUP_FACTOR, Role.FRACTION})


@rule("LR310", uses=True)
def wrong_horizon(study: Study) -> Iterator[Violation]:
    found = ((spot(study, conduct), _fault(conduct), places(conduct)) for conduct in conducts(study))
    yield from once_a_place(study, found)
    swinging = ((spot(study, conduct), _swings(conduct), places(conduct)) for conduct in conducts(study))
    yield from once_a_place(study, swinging, advice=True)
    if study.site.form == "training":
        yield from once_a_place(study, warmups_longer_than_the_run(study))
    else:
        yield from _too_long(study)


def _too_long(study: Study) -> Iterator[Violation]:
    found = outlasts_the_run(study)
    if found is not None:
        yield Violation(
            decay_span(study),
            f"The decay begins after the warmup and takes as long as the whole: with `{found.whole}` = {found.end} and "
            f"`{found.warmup}` = {found.steps} training ends at a rate of {num(found.rate)}, with half that warmup at "
            f"{num(found.sooner)}. Take the warmup off the length of the decay as well.",
            study.evidence(study.runs[0], [found.steps, found.end - 2, found.end - 1]),
            advice=not found.surely,
        )


def _fault(conduct: Conduct) -> str | None:
    count = counted(conduct)
    told = _miscounted(conduct, count) or (misjudged(conduct, count) if count is not None else None)
    return told or never_warm(conduct)


def _miscounted(conduct: Conduct, count: Count | None) -> str | None:
    end = horizon(conduct.scheduler)
    calls = count.calls if count is not None else None
    if count is None or calls is None:
        return _for_all(conduct)
    if end is None or calls.same(end):
        return _undivided(conduct, count, calls)
    stepped = (
        f"`{conduct.name}` is stepped {figure(calls)} times (line {line(count.step)}), and its length is {figure(end)} "
        f"(line {built_in(conduct.scheduler)})"
    )
    for turn in count.loops:
        if turn.trip is not None and turn.trip.units and holds(end, turn.trip, 2) and not holds(calls, turn.trip, 2):
            return f"{stepped}: `{turn.trip}` is in it twice, and training ends long before the schedule."
    for unit in calls.units:
        samples = samples_of(unit)
        if samples is not None and holds(end, _unit(samples)) and _swapped(end, samples, unit, calls):
            return f"{stepped}: `{samples.path}` counts samples where `{unit.path}` counts the steps."
    last = handover(conduct.scheduler)
    over = amounts.add(end, calls, -1)
    if last is not None and over is not None and over.terms and over.same(last):
        return (
            f"{stepped}, the last part begins after `{last}` of them and is built for all: it is cut off `{last}` "
            "steps before its end. Take them off its length."
        )
    if conduct.class_name in FINISHED | {"SequentialLR"} and _is_one_turn(end, count, calls):
        return (
            f"{stepped}: that is one turn of the outer loop, which turns `{count.loops[0].trip}` times; the "
            "schedule is over after the first."
        )
    return _undivided(conduct, count, calls)


def _is_one_turn(end: Amount, count: Count, calls: Amount) -> bool:
    """Whether a length is that of one turn of the outermost of several loops, which turns more often."""
    outer = count.loops[0].trip if len(count.loops) > 1 else None
    rest = amounts.divide(calls, outer) if outer is not None else None
    return rest is not None and bool(rest.units) and outer is not None and outer.constant != 1 and rest.same(end)


def _swings(conduct: Conduct) -> str | None:
    """A cosine without an end that comes down in one turn of the outer loop: it climbs in the next, as may be meant."""
    count, end = counted(conduct), horizon(conduct.scheduler)
    calls = count.calls if count is not None else None
    if conduct.class_name != "CosineAnnealingLR" or count is None or calls is None or end is None:
        return None
    if not _is_one_turn(end, count, calls):
        return None
    return (
        f"`{conduct.name}` comes down in {figure(end)} steps (line {built_in(conduct.scheduler)}), one turn of the "
        f"outer loop, and climbs to its peak again in the next, all `{count.loops[0].trip}` turns long. Unless that is "
        f"meant, `T_max` is to count all {figure(calls)} steps."
    )


def _for_all(conduct: Conduct) -> str | None:
    """Behind a warmup, a last part that is built for the whole of training, where no loop says how long that is.

    It is where the warmup is a share of its length, or where names say that the one is the warmup, the other all.
    """
    scheduler, last = conduct.scheduler, handover(conduct.scheduler)
    children = [child for each in scheduler.children if isinstance(child := known(each), Scheduler)]
    if scheduler.own is not None or last is None or len(children) != 2 or not rises(children[0]):
        return None
    rest = horizon(children[1])
    if rest is None or len(rest.units) != 1 or not last.units or rest.same(last):
        return None
    (whole,) = rest.units
    roles = {role_of(unit.path) for unit in last.units}
    by_name = role_of(whole.path) in _WHOLE and roles <= _WARMUPS
    share = amounts.divide(last, rest)
    named = share is not None and bool(share.units) and {role_of(unit.path) for unit in share.units} <= _SHARES
    if not rest.same(_unit(whole)) or is_length(whole) or not (is_share_of(last, rest) or named or by_name):
        return None
    return (
        f"The last part of `{conduct.name}` begins after a warmup of {figure(last)} and is built for {figure(rest)}, "
        f"all of training: it is cut off `{last}` steps before its end. Take them off its length."
    )


def _undivided(conduct: Conduct, count: Count, calls: Amount) -> str | None:
    """A length that counts what each step stands for several of: timesteps, where a rollout is stepped for."""
    elsewhere = {unit for period in count.step_periods for unit in period.units}
    if len(calls.terms) != 1:
        return None
    ((powers, _),) = calls.terms.items()
    divided = {unit for unit, power in powers if power < 0} - elsewhere
    for name, length in lengths(conduct.scheduler):
        ratio = amounts.divide(length, calls)
        in_updates = any(turn.trip is not None and holds(length, turn.trip) for turn in count.inner)
        if ratio is None or not ratio.units or len(ratio.terms) != 1 or in_updates:
            continue
        ((monomial, share),) = ratio.terms.items()
        if 0 < share <= 1 and all(power > 0 and unit in divided for unit, power in monomial):
            return (
                f"`{conduct.name}` is stepped {figure(calls)} times (line {line(count.step)}), and its `{name}` is "
                f"{figure(length)} (line {built_in(conduct.scheduler)}): each step stands for "
                f"`{Amount({monomial: Fraction(1)})}` of what that counts, and training ends long before the schedule."
            )
    return None


def _unit(unit: object) -> Amount:
    found = amount(unit)
    return found if found is not None else Amount({})


def _swapped(end: Amount, samples: object, batches: object, calls: Amount) -> bool:
    """Whether the length is right but for the samples that it counts in the place of batches."""
    turned = amounts.divide(end, _unit(samples))
    turned = amounts.multiply(turned, _unit(batches)) if turned is not None else None
    return turned is not None and turned.same(calls)
