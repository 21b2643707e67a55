"""LR307: gradient accumulation counts in the schedule's length and not in its steps, or the reverse."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fractions import Fraction

from lrfix.experiments.horizons import Count, batch_size_of, counted, figure, horizon, lengths
from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct, built_in, conducts, line, once_a_place, places, same_turn, spot
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.vocabulary import words
from lrfix.tracing import amounts
from lrfix.tracing.amounts import Amount, amount
from lrfix.tracing.values import Unknown
from lrfix.trees import walk

#: Decays without an end, that count what they are stepped for.
_ENDLESS = frozenset({"ExponentialLR", "StepLR", "MultiStepLR", "MultiplicativeLR"})


#: What settings of trainers call the size of a micro-batch of one process.
_MICRO_BATCHES = (".per_device_train_batch_size", ".train_micro_batch_size_per_gpu")
#: Words of lengths that are counted in updates.
_UPDATES = frozenset({"optimization", "optimizer", "optim", "update", "updates"})


@rule("LR307", uses=True)
def accumulation_mismatch(study: Study) -> Iterator[Violation]:
    found = ((spot(study, conduct), _fault(study, conduct), places(conduct)) for conduct in conducts(study))
    yield from once_a_place(study, found)
    # What has to change is where it is stepped.
    advised = (
        (conduct.steps[-1].node if conduct.steps else None, _apart(conduct), places(conduct))
        for conduct in conducts(study)
    )
    yield from once_a_place(study, advised, advice=True)


def _apart(conduct: Conduct) -> str | None:
    """A scheduler that moves where its optimizer waits, by a length of which nothing says what it counts."""
    count = counted(conduct, unseen=True)
    if count is None or count.update is None or count.step_periods or count.inner or len(count.update_periods) != 1:
        return None
    period, around = count.update_periods[0], count.update.turns
    if period.constant == 1 or not count.loops or not around or around[-1].entered != count.loops[-1].entered:
        return None
    counts = {unit for turn in count.loops if turn.trip is not None for unit in turn.trip.units} | period.units
    if any(length.units & counts for _, length in lengths(conduct.scheduler)):
        return None
    return (
        f"`{conduct.name}` is stepped with every micro-batch (line {line(count.step)}), and the optimizer once in "
        f"{figure(period)} of them (line {line(count.update)}). Unless the schedule's lengths count micro-batches, it "
        "is over too early: step both under one condition."
    )


def _fault(study: Study, conduct: Conduct) -> str | None:
    count = counted(conduct)
    message = _beside_library(conduct) or _of_trainer(conduct)
    if message is None and count is not None:
        message = _of_one_process(study, conduct, count)
    if message is None and count is not None and not count.step.accumulates:
        message = _mismatch(conduct, count)
    return message


def _beside_library(conduct: Conduct) -> str | None:
    """A scheduler that was not prepared, beside an optimizer that was, and waits for several micro-batches."""
    optimizer, scheduler = conduct.optimizer, conduct.scheduler
    if not conduct.is_torch or scheduler.library is not None or optimizer is None or optimizer.library != "prepare":
        return None
    if not conduct.steps or not conduct.updates or conduct.trace.outlives(scheduler):
        return None
    if optimizer.parts.get("waits") is False:
        return None
    step, update = conduct.steps[-1], conduct.updates[-1]
    if not step.accumulates or not update.accumulates or step.decided - update.decided or not same_turn(step, update):
        return None
    if any(guard.period is not None for guard in {*step.guards} - {*update.guards}):
        return None  # stepped once in so many micro-batches by a condition of its own
    parts = (part for _, length in lengths(scheduler) for monomial in length.terms for part in monomial)
    if any("accum" in unit.path and power > 0 for unit, power in parts):
        return None  # updates times the micro-batches of each
    return (
        f"`{conduct.name}` is not prepared, so it is stepped with every micro-batch (line {line(step)}); the prepared "
        f"optimizer beside it (line {line(update)}) waits until the gradients are accumulated."
        " The schedule is over too early."
    )


def _of_trainer(conduct: Conduct) -> str | None:
    """A length in batches of a trainer's own size, for a trainer that makes one update of several of them."""
    settings, end = conduct.scheduler.parts.get("settings"), horizon(conduct.scheduler)
    if end is None or not isinstance(settings, Unknown):
        return None
    if "gradient_accumulation_steps" not in (settings.parts.get("given") or ()):
        return None
    gathered = amount(settings.parts[".gradient_accumulation_steps"])
    if gathered is None or not gathered.units or gathered.units & end.units:
        return None
    sizes = [settings.parts[name] for name in _MICRO_BATCHES if name in settings.parts]
    in_batches = any(unit is size or batch_size_of(unit) is size for unit in end.units for size in sizes)
    outer = [turn.trip for turn in conduct.updates[-1].turns[:1]] if conduct.updates else []
    epochs = outer[0] if outer else amount(settings.parts.get(".num_train_epochs"))
    if not in_batches or epochs is None or not epochs.units or not epochs.units <= end.units:
        return None
    return (
        f"The length of `{conduct.name}`, {figure(end)} (line {built_in(conduct.scheduler)}), counts batches, and the "
        f"trainer makes one update, and one step of the schedule, in {figure(gathered)} of them: training ends after "
        f"one part in `{gathered}` of the schedule."
    )


def _of_one_process(study: Study, conduct: Conduct, count: Count) -> str | None:
    """A prepared scheduler, stepped once for each process, whose length is that of one: what a loader tells it."""
    end, calls, processes = horizon(conduct.scheduler), count.calls, conduct.scheduler.parts.get("processes")
    if end is None or processes is None:
        return None
    gathers = amount(conduct.scheduler.parts.get("gathers")) if count.step.accumulates else None
    made = amounts.divide(calls, gathers) if calls is not None and gathers is not None else calls
    of_one = made is not None and _is(amounts.divide(made, end), Amount({((processes, 1),): Fraction(1)}))
    # A loop that counts by itself turns as often in every process.
    alone = made is not None and made.same(end) and all(turn.stop is not None for turn in count.loops)
    if not of_one and not alone and not _is_left_after(study, count, end):
        return None
    return (
        f"`{conduct.name}` is prepared, so each of its steps (line {line(count.step)}) is `{processes.path}` steps, "
        f"and its length of {figure(end)} (line {built_in(conduct.scheduler)}) is that of one process: the schedule is "
        f"over after one part in `{processes.path}` of training. Multiply its lengths by `{processes.path}`."
    )


def _is_left_after(study: Study, count: Count, end: Amount) -> bool:
    """Whether the loop around the step is left when a counter of updates has come to the length of the schedule, and
    that is what the user says: what is worked out may be of all processes where the schedule is built."""
    limit = str(end)
    if not count.loops or any(
        limit in map(ast.unparse, n.targets) for n in study.names.nodes if isinstance(n, ast.Assign)
    ):
        return False
    counters = {
        ast.unparse(test.left)
        for turn in count.loops
        for branch in walk(turn.loop)
        if isinstance(branch, ast.If) and any(isinstance(s, ast.Break | ast.Return) for s in branch.body)
        if isinstance(test := branch.test, ast.Compare) and isinstance(test.ops[0], ast.GtE | ast.Eq)
        if ast.unparse(test.comparators[0]) == limit
    }
    return any(
        isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and ast.unparse(node.target) in counters
        for node in _with_the_step(count.loops[-1].loop, count.step.accumulates)
    )


def _with_the_step(loop: ast.AST, gathers: bool) -> Iterator[ast.AST]:
    """What happens as often as updates do: where micro-batches are gathered, only what asks whether they are."""
    if not gathers:
        yield from walk(loop)
        return
    for branch in walk(loop):
        if isinstance(branch, ast.If) and "sync_gradients" in ast.unparse(branch.test):
            yield from (node for statement in branch.body for node in walk(statement))


def _mismatch(conduct: Conduct, count: Count) -> str | None:
    end, calls = horizon(conduct.scheduler), count.calls
    if count.update is None or len(count.update_periods) != 1 or count.inner:
        return None
    period = count.update_periods[0]
    around = count.update.turns
    same_loop = bool(count.loops and around) and around[-1].entered == count.loops[-1].entered
    if conduct.class_name in _ENDLESS and same_loop and not count.step_periods and period.constant != 1:
        return (
            f"`{conduct.name}` is stepped with every micro-batch (line {line(count.step)}), and the optimizer once in "
            f"{figure(period)} of them (line {line(count.update)}): the rate decays so many times between two updates."
        )
    if calls is None or (end is not None and end.same(calls)) or period.constant == 1:
        return None
    if not count.step_periods and (end := _whole(conduct, amounts.divide(calls, period))) is not None:
        return (
            f"`{conduct.name}` is stepped with every micro-batch (line {line(count.step)}), the optimizer once in "
            f"{figure(period)} of them (line {line(count.update)}), and the schedule's length of {figure(end)} counts "
            f"updates: it is over after one part in `{period}` of training."
        )
    if count.step_periods and (end := _whole(conduct, amounts.multiply(calls, period))) is not None:
        return (
            f"`{conduct.name}` is stepped once in {figure(period)} micro-batches (line {line(count.step)}), and its "
            f"length of {figure(end)} counts micro-batches: training ends after one part in `{period}` of the schedule."
        )
    if not count.step_periods and same_loop:
        told = next((each for each in lengths(conduct.scheduler) if _in_updates(each[1], count, period)), None)
        if told is not None:
            return (
                f"`{conduct.name}` is stepped with every micro-batch (line {line(count.step)}), the optimizer once in "
                f"{figure(period)} of them (line {line(count.update)}), and the schedule's `{told[0]}` of "
                f"{figure(told[1])} counts updates: the schedule is over too early."
            )
    return None


def _whole(conduct: Conduct, wrong: Amount | None) -> Amount | None:
    """The length of a schedule that is as wrong as the period makes it: its end, or what its function divides by."""
    end = horizon(conduct.scheduler)
    ends = [end] if end is not None else [each for name, each in lengths(conduct.scheduler) if name == "lr_lambda"]
    return next((each for each in ends if wrong is not None and each.same(wrong)), None)


def _in_updates(length: Amount, count: Count, period: Amount) -> bool:
    """Whether a length counts updates, by what it is made of or by its name, and not the micro-batches of a loop."""
    inner, calls = count.loops[-1].trip, count.calls
    made_up = amounts.multiply(length, period)
    if made_up is None or not length.units:
        return False
    rest = amounts.add(calls, made_up, -1) if calls is not None else None
    if rest is not None and inner is not None and (not rest.terms or rest.same(inner)):
        return True  # to the update, or but for a last epoch that is begun
    if period.units and any(all(dict(m).get(unit, 0) < 0 for unit in period.units) for m in length.terms):
        return True  # what is added to updates, or taken off them, counts updates as well
    counted_by = {unit for turn in count.loops if turn.trip is not None for unit in turn.trip.units} | period.units
    named = {word for unit in length.units for word in words(unit.path.rpartition(".")[2])}
    return not length.units & counted_by and bool(named & _UPDATES)


def _is(ratio: amounts.Amount | None, unit: amounts.Amount) -> bool:
    return ratio is not None and ratio.same(unit) and unit.constant != 1
