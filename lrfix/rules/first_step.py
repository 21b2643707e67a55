"""LR203: the rates of the first updates."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lrfix.domains.facts import literal
from lrfix.domains.roles import Role, last_word, role_of
from lrfix.driving.forms.loops import loops_around
from lrfix.driving.laboratory import Run
from lrfix.experiments.early_curves import one_of_many
from lrfix.experiments.extent import step_calls
from lrfix.experiments.grid import Case, Grid, Standing, loudest_first
from lrfix.experiments.phases import SHORTEST, moves, ramp_end
from lrfix.experiments.structure import method
from lrfix.experiments.study import Study, all_real, constant
from lrfix.experiments.training_loop import (
    asked_per_epoch_only,
    handed_whole_epochs,
    steps_per_epoch_only,
    update_before,
    written_every_batch,
)
from lrfix.experiments.writes import is_rate_key
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.model import Construction
from lrfix.sites.vocabulary import identifiers, words
from lrfix.trees import stored_names, walk
from lrfix.wording import num

_WARMUPS = (Role.WARMUP, Role.WARMUP_EPOCHS)
_FULL, _LOW, _FEW = 0.9, 0.2, 8
#: So many updates that change nothing cost nobody anything.
_IDLE = 2


@dataclass(frozen=True)
class _First:
    """What the first updates of one group use: ``count`` of them something else than the schedule goes on with."""

    group: int
    count: int
    rates: tuple[float, ...]


@rule("LR203")
def first_step(study: Study) -> Iterator[Violation]:
    if study.opaque is not None or not study.runs:
        return
    late = _set_late(study)
    warms = late is not None and (_is_warmup(study) or _speaks_of_warmup(study))
    if late is not None and study.ran and warms and not _is_off(study) and _alone(study) and _matters(study):
        place, update = late
        yield Violation(
            study.span(place),
            f"The warmup is set only after `{ast.unparse(update)}` in line {update.lineno}: what is trained before "
            "runs at the full rate that the optimizer was built with, which the warmup is there to prevent.",
        )
        return
    for case in loudest_first(_cases(study)):
        found = next(_wrong(study, case), None) if case.run.ran and case.run.curve else None
        if found is not None and case.ran:
            yield found
            return
    if late is None and study.ran:
        yield from _one_at_zero(study)


def _cases(study: Study) -> Iterator[Case]:
    grid = Grid(study)
    yield from grid.values()
    alone = grid.alone()
    if alone is not None:
        yield alone
    yield from grid.left_out()
    yield from grid.flags(Standing.LEGAL)


def _wrong(study: Study, case: Case) -> Iterator[Violation]:
    words = case.setting.aside
    steps = [0, 1, 2, 3]
    high = _agreed(case, _full_before_warmup)
    if high is not None and not _stepped_ahead(study):
        told = case.violation(
            study,
            study.site.span,
            f"The first {_updates(high.count)} at the full rate, {num(high.rates[0])}, before warmup starts{words}: "
            f"step {high.count} has {num(high.rates[high.count])}, and the rate then climbs.",
            steps,
        )
        yield replace(told, advice=told.advice or _may_be_stepped_first(study, case))
    last = _agreed(case, _end_before_beginning) if not _speaks_of_warmup(study) else None
    if last is not None:
        told = case.violation(
            study,
            study.site.span,
            f"The first update runs at {num(last.rates[0])}{words}, where the schedule ends, and not where it begins: "
            f"step 1 has the peak, {num(last.rates[1])}, and the rate then falls. It is counted one step too early.",
            steps,
        )
        yield replace(told, advice=told.advice or one_of_many(study, case.run))
    length = _epoch_at_zero(case)
    # One group at 0 beside others that are scheduled too and train is frozen for a while.
    scheduled = [rates for rates in case.run.lr if all_real(rates) and not constant(rates)]
    dead = _agreed(case, _dead) if all(map(_dead, scheduled)) else None
    stepped = dead is not None and dead.count == 1 and not _goes_on(study) and _once_an_epoch(study)
    whole = (length is not None and not _goes_on(study) and handed_whole_epochs(study)) or stepped
    if whole and not written_every_batch(study):
        first = length or 1
        instead = " Count the warmup from 1, `(epoch + 1) / warmup`." if _ramp(study) is not None else ""
        which = "A whole" if study.site.form == "wrapper" and not _sets_when_built(study) else "The whole first"
        yield case.violation(
            study,
            study.site.span,
            f"{which} epoch is trained with a learning rate of 0: the schedule moves once an epoch and "
            f"starts at 0{words}; the next one has {num(case.run.curve[first])}.{instead}",
            [0, first, first + 1],
        )
    if whole or dead is None or dead.count == 1 or study.site.form == "composition":
        return
    if not _stated(case, dead.count):
        ramp = _ramp(study)
        told = case.violation(
            study,
            study.span(ramp) if ramp is not None else study.site.span,
            f"The first {dead.count} updates have a learning rate of exactly 0 and change nothing{words}: the first "
            f"rate that is not 0 is {num(dead.rates[dead.count])}, at step {dead.count}.",
            steps,
        )
        yield replace(told, advice=told.advice or (dead.count <= _IDLE and not _once_an_epoch(study)))


def _once_an_epoch(study: Study) -> bool:
    return steps_per_epoch_only(study) or asked_per_epoch_only(study)


def _stepped_ahead(study: Study) -> bool:
    """Whether the schedule is stepped in front of the loop that trains wherever it is built, so that no update has its
    first rate."""
    return bool(study.uses) and all(_ahead(study, use) for use in study.uses)


def _ahead(study: Study, use: Construction) -> bool:
    calls = list(step_calls(study, use))
    inside = [loops_around(use.names or study.names, call) for call in calls]
    first = min((loops[-1].lineno for loops in inside if loops and isinstance(loops[-1], ast.stmt)), default=0)
    return any(not loops and (not first or call.lineno < first) for call, loops in zip(calls, inside, strict=True))


def _may_be_stepped_first(study: Study, case: Case) -> bool:
    """Whether an object of one's own sets no rate when it is built, and nothing in sight steps it behind an update.

    torch wants its schedulers stepped after the optimizer; of others it is as right before.
    """
    untouched = all(rates[0] == base for rates, base in zip(case.run.lr, case.run.base_lrs, strict=False))
    if study.site.form != "wrapper" or not untouched:
        return False
    for use in study.uses:
        names = use.names or study.names
        steps = (names.statement_of(call) for call in step_calls(study, use))
        if any(step is not None and update_before(names, step) is not None for step in steps):
            return False
    return True


def _goes_on(study: Study) -> bool:
    """Whether the state of the schedule is always loaded before training, so that its first rate is never used.

    Always is where the call stands in the statements of the very block that builds the schedule, or of one around it.
    """
    use = study.use
    names = (use.names if use is not None else None) or study.names
    built = names.statement_of(use.call) if use is not None else study.names.statement_of(study.node)
    while built is not None and not isinstance(built, ast.Assign) and isinstance(names.parents.get(built), ast.stmt):
        built = names.statement_of(names.parents[built])
    block = getattr(names.parents.get(built), "body", []) if built is not None else []
    if not isinstance(built, ast.Assign) or built not in block:
        return False
    kept = {ast.unparse(target) for target in built.targets}
    later = block[block.index(built) + 1 :]
    calls = [s.value for s in later if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call)]
    return any(
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "load_state_dict"
        and ast.unparse(call.func.value) in kept
        for call in calls
    )


def _updates(count: int) -> str:
    return "update runs" if count == 1 else f"{count} updates run"


def _agreed(case: Case, question: Callable[[list[float]], int | None]) -> _First | None:
    """The answer of the first group that has one in every run of the case, the same in all."""
    for group, rates in enumerate(case.run.lr):
        count = question(rates) if all_real(rates) else None
        if count is None or count + 1 >= len(rates):
            continue  # the other draws need not be asked
        if any(len(run.lr) <= group for run in case.runs):
            return None
        if all(all_real(run.lr[group]) and question(run.lr[group]) == count for run in case.runs):
            return _First(group, count, tuple(rates[: count + 2]))
    return None


def _full_before_warmup(curve: list[float]) -> int | None:
    """How many updates run at the full rate before a climb to it begins."""
    for count in (1, 2):
        moved = moves(curve[: count + _FEW])
        if len(moved) < count + SHORTEST or any(moved[: count - 1]) or min(moved[count : count + SHORTEST]) <= 0:
            continue
        climb = moves(curve[count:])
        top = curve[count + next((k for k, move in enumerate(climb) if move <= 0), len(climb))]
        if curve[0] > 1.5 * curve[count + 1] and curve[0] >= _FULL * top:
            return count
    return None


def _end_before_beginning(curve: list[float]) -> int | None:
    """1 where one low rate comes before the highest, from which the curve falls evenly, as a decay does."""
    if len(curve) < _FEW or not 0 <= curve[0] < _LOW * curve[1] or curve[1] < max(curve):
        return None
    falling = moves(curve[1:_FEW])
    steep = max(abs(move) for move in falling[1:])
    return 1 if max(falling) < 0 and abs(falling[0]) <= steep and curve[_FEW] > _LOW * curve[1] else None


def _speaks_of_warmup(study: Study) -> bool:
    """Whether the code has a warmup, which may be one step long."""
    return any("warm" in part for root in study.site.nodes for name in identifiers(root) for part in words(name))


def _dead(curve: list[float]) -> int | None:
    """How many updates have a rate of 0 before it climbs."""
    count = next((k for k, rate in enumerate(curve) if rate != 0), 0)
    return count if count and curve[count] > 0 else None


def _epoch_at_zero(case: Case) -> int | None:
    """The batches of an epoch, where in every run the rate is 0 for just as many updates, and they differ."""
    zeros = set()
    for run in case.runs:  # the first has the answer, nearly always
        zero = _dead(run.curve) if all_real(run.curve) else None
        if zero is None or zero not in [v for p, v in run.leaves.items() if role_of(p) is Role.LOADER_LENGTH]:
            return None
        zeros.add(zero)
    return _dead(case.run.curve) if len(zeros) > 1 else None


def _stated(case: Case, count: int) -> bool:
    """Whether a setting says so many: layers may be kept frozen for a while."""
    return any(isinstance(v, int) and not isinstance(v, bool) and v == count for v in case.run.leaves.values())


def _one_at_zero(study: Study) -> Iterator[Violation]:
    """A single update at 0, the convention of several libraries: worth a word where the warmup is worked out."""
    run = study.runs[0]
    if study.site.form == "composition" or not study.everywhere(lambda run: _dead(run.curve) == 1 and _warms_up(run)):
        return
    ramp = _ramp(study)
    if ramp is None:
        return
    end = ramp_end(run.curve) or 1
    yield Violation(
        study.span(ramp),
        f"The first update has a learning rate of exactly 0 and changes nothing; step 1 has {num(run.curve[1])}. "
        "Count the warmup from 1, `(step + 1) / warmup`.",
        study.evidence(run, [0, 1, 2, end]),
        advice=True,
    )


def _matters(study: Study) -> bool:
    """Whether the first rate of the schedule is another than that of the optimizer; inline code is taken as it is."""
    if study.site.inline:
        return True
    return study.everywhere(lambda run: _warms_up(run) and run.curve[0] < 0.5 * max(run.curve))


def _is_warmup(study: Study) -> bool:
    return any(role_of(path) in _WARMUPS for run in study.runs[:1] for path in (*run.leaves, *run.names))


def _is_off(study: Study) -> bool:
    """Whether the file says that there is no warmup unless somebody chooses one: a class or a default has 0."""
    warmups = [p for run in study.runs[:1] for p in {**run.leaves, **run.names} if role_of(p) in _WARMUPS]
    if any(study.defaults.get(path) == 0 for path in warmups):
        return True
    fields = [s for n in study.names.nodes if isinstance(n, ast.ClassDef) for s in n.body if stored_names(s)]
    called = {last_word(path) for path in warmups}
    return any(stored_names(s) & called and literal(getattr(s, "value", None)) == 0 for s in fields)


def _warms_up(run: Run) -> bool:
    """Whether the curve climbs evenly to a peak that it holds or comes down from."""
    end = ramp_end(run.curve)
    return end is not None and end + 3 < len(run.curve) and run.curve[end + 3] <= run.curve[end] * 1.5


def _ramp(study: Study) -> ast.stmt | None:
    """The statement of the site that divides what is counted by the warmup's length."""
    found = []
    for root in study.site.nodes:
        for node in ast.walk(root):
            if (
                isinstance(node, ast.BinOp)
                and isinstance(node.op, ast.Div)
                and not isinstance(node.left, ast.Constant)
                and _is_length(node.right)
            ):
                statement = study.names.statement_of(node)
                if statement is not None and not hasattr(statement, "body") and _ran(study, statement, node):
                    found.append(statement)
    return min(found, key=lambda statement: statement.lineno, default=None)


def _is_length(node: ast.expr) -> bool:
    """``warmup``, ``max(1, warmup)``, ``float(warmup + 1)``, ``warmup_epochs * len(loader)``; no difference of two."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add | ast.Mult) and (_is_length(node.left) or _is_length(node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("max", "float", "int"):
        return any(_is_length(argument) for argument in node.args)
    return role_of(ast.unparse(node)) in _WARMUPS


def _ran(study: Study, statement: ast.stmt, node: ast.AST) -> bool:
    """Whether a statement ran in stepping; what a lambda divides stands in the statement that builds it."""
    if study.names.enclosing(node, ast.Lambda) is not None:
        return True
    traces = (study.runs[0].built, study.runs[0].stepped)
    owner = study.names.enclosing(statement, (ast.FunctionDef, ast.AsyncFunctionDef))
    if isinstance(owner, ast.FunctionDef) and owner.name == "__init__":
        return False
    return any(trace is not None and statement in trace.statements for trace in traces)


def _set_late(study: Study) -> tuple[ast.stmt, ast.Call] | None:
    """The statement that sets the rate after an update in the same turn of the loop, and that update."""
    if study.site.inline:
        places: list[ast.AST] = [study.site.nodes[0]]
    elif study.site.form == "setter":
        places = list(study.site.calls)
    elif study.site.form == "wrapper" and not _sets_when_built(study):
        places = list(step_calls(study, study.use))
    else:
        return None
    names = study.used_in if study.site.form == "wrapper" else study.names
    late = [(p, update_before(names, p)) for place in places if (p := names.statement_of(place)) is not None]
    if len(late) != 1 or late[0][1] is None or late[0][0] not in study.names.parents:
        return None
    return late[0][0], late[0][1]


def _sets_when_built(study: Study) -> bool:
    """Whether the constructor of a class sets the first rate, or calls a method of its own, which may."""
    made = method(study.node, "__init__")
    if made is not None and any(is_rate_key(n) and not isinstance(n.ctx, ast.Load) for n in walk(made)):
        return True
    calls = [n for n in walk(made) if isinstance(n, ast.Call)] if made is not None else []
    called = {ast.unparse(n.func.value) for n in calls if isinstance(n.func, ast.Attribute)}
    return made is None or bool(called & {"self", "super()"})


def _alone(study: Study) -> bool:
    """Whether nothing else in the file sets the rate."""
    inside = {node for root in study.site.nodes for node in ast.walk(root)}
    return not any(
        isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value == "lr"
        and node not in inside
        for node in study.names.nodes
    )


__all__ = ["first_step"]
