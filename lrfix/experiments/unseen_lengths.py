"""Lengths whose use is out of sight: of schedulers of unknown class, and of those that a trainer out of sight steps.

What can be told is that two counts differ by what a loop in sight counts, or that a length is that of one epoch.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.roles import Role, role_of
from lrfix.experiments.horizons import Count, counted, figure, horizon, is_length, number
from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, Told, built_in, conducts, line, places, spot
from lrfix.sites.vocabulary import identifiers
from lrfix.tracing import amounts
from lrfix.tracing.amounts import Amount, amount
from lrfix.tracing.entries import stated_options
from lrfix.tracing.values import Unknown
from lrfix.trees import walk

#: Parameters that say how many steps a whole schedule takes, whatever class has them.
_ENDS = ("num_training_steps", "total_steps", "t_total", "total_iters", "max_iters", "max_iter", "T_max", "max_steps")

#: Those without which the classes of torch and transformers do not work.
_NEEDED = {
    "CosineAnnealingLR": "T_max",
    "PolynomialLR": "total_iters",
    "get_linear_schedule_with_warmup": "num_training_steps",
    "get_cosine_schedule_with_warmup": "num_training_steps",
}


def stepped_otherwise(study: Study) -> Iterator[Told]:
    """Schedulers that are stepped some loop's turns too often for the length that they are given."""
    for conduct in conducts(study):
        count = counted(conduct, unseen=True)
        if count is None or count.calls is None or conduct.scheduler.children:
            continue
        name, end = _named_end(conduct)
        if end is None:
            continue
        extra = amounts.divide(count.calls, end)
        trips = [turn.trip for turn in count.loops if turn.trip is not None and turn.trip.units]
        if not conduct.is_torch and extra is not None and any(extra.same(trip) for trip in trips[1:]):
            yield (
                count.step.node,
                f"`{conduct.name}` is stepped {figure(count.calls)} times, and its `{name}` is {figure(end)}: "
                f"`{extra}` times as often as that tells its class, which is not in sight.",
                places(conduct),
            )
            continue
        assumed = _assumed(count, end)
        if assumed is not None:
            yield (
                spot(study, conduct),
                f"`{conduct.name}` is stepped `{count.loops[-1].trip}` times an epoch (line {line(count.step)}), and "
                f"its `{name}` of `{end}` takes that for {assumed:g}, whatever the loader holds.",
                places(conduct),
            )


def of_one_epoch(study: Study) -> Iterator[Told]:
    """Schedulers as long as one epoch has batches, that code out of sight steps in a run of several epochs."""
    for conduct in conducts(study):
        end = horizon(conduct.scheduler) if conduct.is_torch else None
        if end is None or conduct.steps or not conduct.escapes or len(end.units) != 1:
            continue
        (unit,) = end.units
        epochs = _epochs(study)
        if not is_length(unit) or not end.same(_one(unit)) or epochs is None or not _is_loader(unit.path):
            continue
        yield (
            spot(study, conduct),
            f"The length of `{conduct.name}`, {figure(end)} (line {built_in(conduct.scheduler)}), is the batches of "
            f"one epoch, and training takes {epochs[1]:g} (`{epochs[0]}`): stepped with every batch the schedule is "
            "over after the first, stepped once an epoch it counts batches for epochs.",
            [(conduct.escapes[0].node, f"`{conduct.name}` is stepped out of sight")],
        )


def _looked_at(function: ast.FunctionDef, name: str, call: ast.expr) -> bool:
    """Whether the function does anything about a parameter before a call: it may be no None any more."""
    if name not in {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}:
        return True
    before = [node for node in walk(function) if getattr(node, "lineno", call.lineno) < call.lineno]
    if any(isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store) for n in before):
        return True
    tests = (ast.If, ast.IfExp, ast.Assert, ast.BoolOp, ast.Compare)
    return any(isinstance(node, tests) and name in identifiers(node) for node in before)


def _named_end(conduct: Conduct) -> tuple[str, Amount | None]:
    for name in _ENDS:
        found = amount(conduct.scheduler.arguments.get(name))
        if found is not None and found.units:
            return name, found
    return "", None


def _assumed(count: Count, end: Amount) -> float | None:
    """For how many batches a length takes an epoch, where it is a number of epochs times a plain number of them."""
    if len(count.loops) != 2 or count.step_periods or count.loops[0].trip is None or count.loops[1].trip is None:
        return None
    epochs, batches = count.loops[0], count.loops[1].trip
    stop = epochs.stop or epochs.trip
    if len(end.terms) != 1 or stop is None or not batches.units or not all(map(is_length, batches.units)):
        return None
    ((monomial, each),) = end.terms.items()
    walked = monomial in stop.terms and len(monomial) == 1 and monomial[0][1] == 1
    return float(each) if walked and each > 1 and number(batches) is None else None


def _epochs(study: Study) -> tuple[str, float] | None:
    """The option of the file that says how many epochs training takes, where its default is more than one."""
    for name, value in stated_options(study.names.tree).items():
        if role_of(name) is Role.EPOCHS and isinstance(value, int) and value > 1:
            return f"--{name}", value
    return None


def _is_loader(path: str) -> bool:
    return "loader" in path.lower()


def _one(unit: object) -> Amount:
    found = amount(unit)
    return found if found is not None else Amount({})


def without_a_length(study: Study) -> Iterator[Told]:
    """Lengths that are a parameter of the function around them, None where the caller leaves it out."""
    for conduct in conducts(study):
        scheduler, call = conduct.scheduler, conduct.scheduler.node
        name = _NEEDED.get(scheduler.cls or "")
        given = scheduler.arguments.get(name) if name is not None and scheduler.own is None else None
        function = study.names.enclosing(call, ast.FunctionDef) if call in study.names.parents else None
        if name is None or not isinstance(given, Unknown) or given.stated is not None:
            continue
        if (
            isinstance(function, ast.FunctionDef)
            and isinstance(call, ast.Call)
            and not _looked_at(function, given.path, call)
        ):
            yield (
                call,
                f"`{name}` of `{conduct.name}` is None where the caller leaves `{given.path}` out, as the signature "
                "allows: the first step raises TypeError.",
            )


__all__ = ["of_one_epoch", "stepped_otherwise", "without_a_length"]
