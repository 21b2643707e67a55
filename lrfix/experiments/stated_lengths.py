"""A schedule against its training, in the numbers that the file states: over long before, or hardly begun by its end.

Two counts that have no unit in common may be meant to differ. Where the rate is 0 from the end of the schedule on, or
the next step raises, a run that goes on for long is not, and neither is a warmup that outlasts the run, nor a length
that is a thousand runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.roles import Role, role_of
from lrfix.experiments.horizons import Count, counted, figure, handover, horizon, number, rises
from lrfix.experiments.training import Conduct, built_in, line, shares_loop
from lrfix.tracing import amounts
from lrfix.tracing.amounts import Amount, amount
from lrfix.tracing.events import Kind
from lrfix.tracing.values import Scheduler, known

_ZERO, _RAISES = "the rate is 0", "the next step raises"
#: What comes behind the end of a schedule, and the parameter that makes it otherwise, by class.
_PAST = {
    "PolynomialLR": (_ZERO, None),
    "get_linear_schedule_with_warmup": (_ZERO, None),
    "get_cosine_with_hard_restarts_schedule_with_warmup": (_ZERO, None),
    "get_polynomial_decay_schedule_with_warmup": ("the rate is 1e-7", "lr_end"),
    "get_cosine_schedule_with_warmup": ("the cosine climbs again", "num_cycles"),
    "OneCycleLR": (_RAISES, None),
}
#: A run of fewer steps is none that trains; a schedule may be over for this share of it.
_FEWEST, _REST = 10, 0.1
#: So many times as long as the run, no schedule gets anywhere: a line has lost a thousandth.
_ENDLESS = 1000
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_LEAVING = frozenset({"exit", "sys.exit", "quit", "os._exit"})


def misjudged(conduct: Conduct, count: Count) -> str | None:
    """What the stated numbers of a schedule and of its run have to be told of."""
    calls = count.calls
    steps = number(calls) if calls is not None else None
    if calls is None or steps is None or steps < _FEWEST or not _trains_as_counted(conduct, count):
        return None
    said = (_over_early(conduct, calls, steps), _hardly_begun(conduct, calls, steps), _all_warmup(conduct, steps))
    found = next((each for each in said if each is not None), None)
    stepped = f"`{conduct.name}` is stepped {figure(calls)} times (line {line(count.step)})"
    return f"{stepped}, and {found}" if found is not None else None


def never_warm(conduct: Conduct) -> str | None:
    """What the stated numbers say of a scheduler of a class of the project's own that is told its warmup by name."""
    count = counted(conduct, own=True) if conduct.scheduler.own is not None else None
    calls = count.calls if count is not None else None
    steps = number(calls) if calls is not None else None
    if count is None or calls is None or steps is None or steps < _FEWEST or not _trains_as_counted(conduct, count):
        return None
    found = _all_warmup(conduct, steps)
    return (
        f"`{conduct.name}` is stepped {figure(calls)} times (line {line(count.step)}), and {found}" if found else None
    )


def _over_early(conduct: Conduct, calls: Amount, steps: float) -> str | None:
    """A schedule that ends long before training does, at a rate that trains nothing or at an exception."""
    found = _over(conduct.scheduler)
    if found is None or _is_told_in_units(found[0], calls):
        return None
    (end, past), last = found, number(found[0])
    if last is None or not 0 < last < steps or not (past == _RAISES or steps - last > _REST * steps):
        return None
    return f"{_its_length(conduct, end)}: behind that {past}, with {steps - last:g} steps of training left."


def _hardly_begun(conduct: Conduct, calls: Amount, steps: float) -> str | None:
    """A schedule that is so long that no rate of it differs from the first."""
    end = horizon(conduct.scheduler)
    last = number(end) if end is not None else None
    if end is None or last is None or last < _ENDLESS * steps or _is_told_in_units(end, calls):
        return None
    return (
        f"{_its_length(conduct, end)}: all of training is one part in {last / steps:g} of that, and the rate stays as "
        "it is."
    )


def _all_warmup(conduct: Conduct, steps: float) -> str | None:
    """A schedule that is still climbing when training is over."""
    warmup = _warmup(conduct.scheduler)
    rise = number(warmup) if warmup is not None else None
    if warmup is None or rise is None or rise < steps:
        return None
    return (
        f"its warmup takes {figure(warmup)} of them (line {built_in(conduct.scheduler)}): training ends before the "
        "warmup, and the rate never gets to where the schedule begins."
    )


def _its_length(conduct: Conduct, end: Amount) -> str:
    return f"its length is {figure(end)} (line {built_in(conduct.scheduler)})"


def _is_told_in_units(length: Amount, calls: Amount) -> bool:
    """Whether a length is made of what the steps are counted in, and is off by a unit: that says more than a number."""
    ratio = amounts.divide(calls, length)
    return bool(length.units & calls.units) and ratio is not None and bool(ratio.units)


def _over(scheduler: Scheduler) -> tuple[Amount, str] | None:
    """Where a schedule is over, and what comes behind that; None where the rate that it ends at may be meant."""
    if scheduler.hidden:
        return None
    if scheduler.cls == "SequentialLR":
        parts = [known(child) for child in scheduler.children]
        last = parts[-1] if parts else None
        found, end = _over(last) if isinstance(last, Scheduler) else None, horizon(scheduler)
        return (end, found[1]) if found is not None and end is not None else None
    if scheduler.cls == "LinearLR" and number(scheduler.arguments.get("end_factor", 1.0)) == 0:
        end = amount(scheduler.arguments.get("total_iters", 5))
        return (end, _ZERO) if end is not None else None
    past, unless = _PAST.get(scheduler.cls or "", ("", None))
    end = horizon(scheduler)
    return (end, past) if past and end is not None and unless not in scheduler.arguments else None


def _warmup(scheduler: Scheduler) -> Amount | None:
    """The steps for which a schedule climbs before anything else."""
    if scheduler.cls == "SequentialLR":
        first = next((child for each in scheduler.children if isinstance(child := known(each), Scheduler)), None)
        only = len(scheduler.children) == 2 and first is not None and rises(first)
        return handover(scheduler) if only else None
    if scheduler.own is not None:
        by_role = {role_of(name): value for name, value in scheduler.arguments.items()}
        # Who is told the batches of an epoch as well may make steps of epochs.
        told = [amount(by_role[role]) for role in (Role.WARMUP, Role.WARMUP_EPOCHS) if role in by_role]
        return told[0] if len(told) == 1 and Role.LOADER_LENGTH not in by_role else None
    return amount(scheduler.arguments.get("num_warmup_steps")) if not scheduler.hidden else None


def _trains_as_counted(conduct: Conduct, count: Count) -> bool:
    """Whether weights are trained with every step, to the end of every loop around it."""
    update = count.update
    if update is None or conduct.scheduler.library is not None or count.step.accumulates:
        return False  # a library that has it in hand may leave calls out
    if any(_ends_early(turn.loop) for turn in count.loops):
        return False
    moving = {guard.key for guard in count.step.guards if not guard.settled and guard.period is None}
    if moving - {guard.key for guard in update.guards}:
        return False
    return any(shares_loop(count.step, event) for event in conduct.trace.of(Kind.BACKWARD))


def _ends_early(loop: ast.AST) -> bool:
    """Whether a loop may be left before its count is over."""
    if any(isinstance(node, ast.Break) for node in _own(loop, (*_FUNCTIONS, *_LOOPS))):
        return True
    return any(
        isinstance(node, ast.Return) or (isinstance(node, ast.Call) and ast.unparse(node.func) in _LEAVING)
        for node in _own(loop, _FUNCTIONS)
    )


def _own(node: ast.AST, without: tuple[type[ast.AST], ...]) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, without):
            yield child
            yield from _own(child, without)


__all__ = ["misjudged", "never_warm"]
