"""A schedule run with the numbers that its file states where scenarios draw others: what a reader knows it by.

Drawn values show what holds whatever the numbers are; a fault that is there with the author's own as well is told with
those. Stated lengths beyond what is simulated are shortened in proportion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from lrfix.domains.lengths import LONGEST, in_proportion
from lrfix.domains.roles import LENGTHS, Role
from lrfix.driving.laboratory import Run
from lrfix.experiments.study import Study
from lrfix.findings import Evidence
from lrfix.finite import finite

#: What is no part of a schedule's own proportions.
_BESIDE = frozenset({Role.LOADER_LENGTH})
_PLACES = (LENGTHS | {Role.MILESTONES}) - _BESIDE
_IN_EPOCHS = frozenset({Role.EPOCHS, Role.WARMUP_EPOCHS})
_BY_EPOCH = frozenset({Role.WARMUP_EPOCHS, Role.MILESTONES})
_WARMUPS = frozenset({Role.WARMUP, Role.WARMUP_EPOCHS})
_WHOLES = frozenset({Role.HORIZON, Role.EPOCHS})
#: The share of the whole that a part of it takes at most.
_MOST = 0.5

_KNOWN: WeakKeyDictionary[Study, dict[str, list[Study]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class _Numbers:
    """Values by the user's expressions, and the lengths among them as the file states them."""

    values: Mapping[str, object]
    shortened: Mapping[str, object]


def in_own_numbers(study: Study) -> Study:
    """The same schedule with what the file states for its free expressions, as far as that fits together and runs."""
    if not study.ran:
        return study
    return next(iter(with_own_numbers(study, study.evidence(study.runs[0], ()))), study)


def with_own_numbers(study: Study, evidence: Evidence) -> list[Study]:
    """The schedule with what the file states for what some evidence has other values for: with all of it, and with all
    but the lengths."""
    if study.ordinary or not study.ran or not evidence.replaced:
        return []
    stated = {
        path: value
        for path, value in evidence.stated.items()
        if path not in study.settings and _numeric(value) and _numeric(evidence.scenario.get(path))
    }
    known = _KNOWN.setdefault(study, {})
    key = repr(stated)
    if key not in known:
        known[key] = list(_made(study, stated, evidence.scenario))
    return known[key]


def _made(study: Study, stated: Mapping[str, object], drawn: Mapping[str, object]) -> Iterator[Study]:
    run = study.runs[0]
    rest = {path: value for path, value in stated.items() if run.scenario.role(path) not in _PLACES}
    for values in (stated, rest) if rest != stated else (stated,):
        if all(drawn.get(path) == value for path, value in values.items()):
            continue
        numbers = _simulated(run, values)
        settings = {**study.settings, **numbers.values}
        other = Study(study.source, study.names, study.site, settings, study.by_itself, study.laboratory)
        other.groups, other.rewritable, other.like = study.groups, study.rewritable, study.like
        other.faults, other.shortened = study.faults, numbers.shortened
        # Most of what does not fit shows it in the first run, which spares the others.
        if _fits(other, other.run(0), values) and other.ran and _fits(other, other.runs[0], values):
            yield other


def _numeric(value: object) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(map(_numeric, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def _simulated(run: Run, stated: Mapping[str, object]) -> _Numbers:
    """The values as they can be run: what is too long, and the lengths of its unit, shorter."""
    values, shortened = dict(stated), {}
    for unit in (True, False):
        lengths = {
            path: value
            for path, value in stated.items()
            if (role := run.scenario.role(path)) in LENGTHS - _BESIDE
            and (role in _IN_EPOCHS) is unit
            and isinstance(value, int | float)
            and value > 1
        }
        longest = max(lengths.values(), default=0)
        if longest > LONGEST:
            values.update({path: in_proportion(value, longest) for path, value in lengths.items()})
            shortened.update(lengths)
    return _Numbers(values, shortened)


def _fits(study: Study, run: Run, stated: Mapping[str, object]) -> bool:
    """Whether lengths that are stated and lengths that are drawn go together: a warmup of 2000 steps says nothing of a
    run that lrfix drew 97 steps long."""
    lengths = {path: run.scenario.role(path) for path in run.leaves}
    lengths = {path: role for path, role in lengths.items() if role in _PLACES}
    if study.shortened and Role.MILESTONES in lengths.values():
        return False
    own = {path for path in lengths if path in stated and path in study.settings}
    if not own or own == set(lengths):
        return True
    epochs = max(study.lengths(run, Role.EPOCHS).values(), default=None)
    drops = [value for path, role in lengths.items() if role is Role.MILESTONES for value in _each(run.leaves[path])]
    for path, role in lengths.items():
        whole = epochs if epochs is not None and role in _BY_EPOCH else study.horizon(run)
        most = [] if not whole or role in _WHOLES else [whole if role is Role.MILESTONES else _MOST * whole]
        most += drops if role in _WARMUPS else []  # what warms up has not dropped yet
        if path in study.shortened or any(value > min(most) for value in _each(run.leaves[path]) if most):
            return False
    return True


def _each(value: object) -> list[float]:
    if isinstance(value, list | tuple):
        return [number for each in value for number in _each(each)]
    number = finite(value)
    return [] if number is None else [number]


__all__ = ["in_own_numbers", "with_own_numbers"]
