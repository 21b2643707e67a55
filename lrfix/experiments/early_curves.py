"""For LR203 and LR301: what is lost when a schedule comes one step early throughout."""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Sequence

from lrfix.domains.facts import literal
from lrfix.domains.roles import LENGTHS, last_word
from lrfix.driving.laboratory import Run
from lrfix.driving.stock_curves import stock_curve
from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct
from lrfix.experiments.training_loop import asked_per_epoch_only, steps_per_epoch_only
from lrfix.finite import finite
from lrfix.names import Names
from lrfix.sites import find_sites
from lrfix.sites.model import ScheduleSite
from lrfix.sites.vocabulary import words
from lrfix.tracing.amounts import Amount
from lrfix.tracing.events import Event, Kind
from lrfix.tracing.values import MISSING, Function, Unknown, Value

#: Where no more than this share of all that the rates add up to comes at another step, nobody sees the difference: a
#: cosine of 1000 steps is as long as that, and a decay by a factor of 0.998.
_LITTLE = 0.002
_NOTHING = 1e-9
#: Of so many steps one is next to nothing, whatever the schedule is.
_MANY = 1000
_UPDATES = frozenset(
    {"step", "steps", "iter", "iters", "iteration", "iterations", "batch", "batches", "update", "updates"}
)


def little_lost(study: Study, conduct: Conduct, step: Event, update: Event) -> str | None:
    """Why a schedule that comes one step early is as good as one in time; None where it is not."""
    rates = _own_rates(study, conduct)
    if rates and rates[0] <= _NOTHING * max(rates):
        return "the first rate is 0"
    found = _stock_rates(conduct)
    if found is not None:
        same = _almost_the_same(*found)
        return "from one step to the next its rates are almost the same" if same else None
    stated = [turn.trip.stated for turn in step.turns if turn.trip is not None]
    if math.prod(number for number in stated if number is not None) >= _MANY:
        return "it is one step of very many"
    return "a step is a batch here" if _once_a_batch(step, update) else None


def _almost_the_same(rates: Sequence[float], shortened: float = 1) -> bool:
    """Whether rates hardly move from one step to the next, in a run that is ``shortened`` times as long."""
    moved = sum(abs(later - rate) for rate, later in itertools.pairwise(rates))
    # The same number of changes, spread over all of the steps.
    return moved <= _LITTLE * shortened * sum(rates)


def one_of_many(study: Study, run: Run) -> bool:
    """Whether one step of a schedule is next to nothing, at the length that the code states or an ordinary run has.

    Lengths that speak of updates are thousands, unless they are stated; what moves once an epoch moves as seldom as it
    is simulated.
    """
    lengths = study.lengths(run, *LENGTHS)
    stated = {path: finite(run.scenario.shortened.get(path, run.scenario.states(path))) for path in lengths}
    known = {path: length for path, length in stated.items() if length is not None}
    updates = [path for path in lengths if not _UPDATES.isdisjoint(words(last_word(path)))]
    longest = max((known[path] for path in updates if path in known), default=_MANY if updates else 0)
    if longest >= _MANY and not (steps_per_epoch_only(study) or asked_per_epoch_only(study)):
        return True
    rates = [rate for rate in map(finite, run.curve[: study.horizon(run)]) if rate is not None]
    shortened = max((length / lengths[path] for path, length in known.items() if lengths[path] > 0), default=1.0)
    return _almost_the_same(rates, shortened)


def _once_a_batch(step: Event, update: Event) -> bool:
    """Whether the scheduler moves with each update, in a loop that nothing calls one over epochs."""
    if len(update.turns) > len(step.turns) or update.kind is Kind.ESCAPE:
        return False
    loop = step.turns[-1].loop
    return not isinstance(loop, ast.For) or "epoch" not in ast.unparse(loop.target)


def _stock_rates(conduct: Conduct) -> tuple[list[float], float] | None:
    scheduler, optimizer = conduct.scheduler, conduct.optimizer
    if scheduler.own is not None or scheduler.hidden:
        return None
    arguments = {name: _number(value) for name, value in scheduler.arguments.items() if name not in _NO_NUMBERS}
    if MISSING in arguments.values():
        return None
    base = _number(optimizer.arguments.get("lr")) if optimizer is not None else None
    return stock_curve(conduct.class_name, base if isinstance(base, float) and base > 0 else 0.1, arguments)


_NO_NUMBERS = frozenset({"optimizer", "verbose", "last_epoch"})


def _number(value: Value) -> object:
    """A number that the file states, with what else a scheduler is given; MISSING for what it leaves open."""
    if isinstance(value, Unknown):
        value = value.stated
    if isinstance(value, Amount):
        exact = value.constant if value.constant is not None else value.stated
        return float(exact) if exact is not None and finite(exact) is not None else MISSING
    if isinstance(value, list | tuple):
        found = [_number(each) for each in value]
        return MISSING if MISSING in found else found
    return value if isinstance(value, bool | int | float | str | None) else MISSING


def _own_rates(study: Study, conduct: Conduct) -> Sequence[float]:
    """The rates of a schedule that the project writes itself, under values drawn for what it leaves open."""
    site, names = _site(study, conduct)
    if site is None:
        return ()
    run = Study(study.source, names, site).run(overrides=_stated(conduct))
    return [rate for rate in map(finite, run.curve) if rate is not None] if run.ran and run.failure is None else ()


def _stated(conduct: Conduct) -> dict[str, object]:
    """The numbers that an object of a class of the project is built with, its own defaults for what it is not given."""
    own = conduct.scheduler.own
    initialiser = own.find("__init__") if own is not None else None
    if not isinstance(initialiser, Function):
        return {}
    parameters = initialiser.node.args
    names = [a.arg for a in (*parameters.posonlyargs, *parameters.args)]
    found = dict(zip(reversed(names), map(literal, reversed(parameters.defaults)), strict=False))
    found |= {name: _number(value) for name, value in conduct.scheduler.arguments.items()}
    return {name: value for name, value in found.items() if isinstance(value, int | float)}


def _site(study: Study, conduct: Conduct) -> tuple[ScheduleSite | None, Names]:
    own, built = conduct.scheduler.own, conduct.scheduler.node
    if own is None:
        names, sites = find_sites(study.source, study.names)
        return next((s for s in sites if any(c.call is built for c in s.constructions)), None), names
    scope = next((f.scope.module for f in own.namespace.values() if isinstance(f, Function)), None)
    names = scope.names if scope is not None and scope.names is not None else study.names
    base = next((each.last for each in own.lineage() if hasattr(each, "qualified")), "LRScheduler")
    return ScheduleSite("subclass", own.node.name, base, (own.node,), study.site.span), names


__all__ = ["little_lost", "one_of_many"]
