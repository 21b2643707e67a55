"""LR204: past the horizon the rate rebounds, turns negative or is no number any more, and training gets there."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.roles import Role, role_of
from lrfix.domains.signatures import parameters
from lrfix.driving.laboratory import Run
from lrfix.experiments.beyond import begins_again, rebound
from lrfix.experiments.extent import extent, steps_itself
from lrfix.experiments.grid import Case, Grid, by_a_drawn_relation
from lrfix.experiments.structure import decay_span
from lrfix.experiments.study import Study
from lrfix.experiments.validity import Invalid, first_invalid, spot
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.model import Construction
from lrfix.wording import num

_CLASSES = ("subclass", "wrapper")


@rule("LR204")
def unclamped_horizon(study: Study) -> Iterator[Violation]:
    if study.opaque is not None or study.site.base == "MultiplicativeLR":
        return
    grid = Grid(study)
    for case in grid.values():
        use = case.setting.use

        def beyond(run: Run, use: Construction | str | None = use) -> str | None:
            return _beyond(study, run, use)

        told = case.shown(beyond)
        if told is not None and not by_a_drawn_relation(grid, case, beyond):
            yield _error(study, case, told)
            return
    yield from _nobody_seen(study, grid.nominal())
    yield from _at_its_end(study)


def _beyond(study: Study, run: Run, use: Construction | str | None) -> str | None:
    """What happens past the end of the schedule at a step that a loop in sight gets to."""
    reached = extent(study, run, use)
    if reached is None or not reached.counted:
        return None
    horizon = study.horizon(run)
    built = study.use if isinstance(use, str) else use
    place = f" built{built.place}" if built is not None and built.place else ""
    way = f"the training loop gets there, with {reached.used} updates{place}"
    if horizon is not None:
        found = first_invalid(run, horizon + 1, reached.used)
        if found is not None:
            return f"Past its end at step {horizon}, at step {found.step}, {found.place} {found.what}; {way}."
        failure = run.failure
        if failure is not None and horizon < failure.step < reached.asked and failure.kind != "ZeroDivisionError":
            at = f"at step {failure.step}, it fails with {failure.kind} ({failure.message})"
            return f"Past its end at step {horizon}, {at}; {way}."
        if reached.used <= horizon + 1:
            return None
    climb = rebound(run.curve, reached.used)
    if climb is None:
        return None
    rises = f"the schedule rises again, to {num(run.curve[climb.highest])} at step {climb.highest}"
    return f"Past its end at step {climb.lowest} {rises}; {way}."


def _error(study: Study, case: Case, told: str) -> Violation:
    run = case.run
    end = study.horizon(run)
    found = first_invalid(run, (end or 0) + 1)
    climb = rebound(run.curve, len(run.curve)) if found is None else None
    step = found.step if found is not None else climb.lowest if climb is not None else end or 0
    words = case.setting.aside
    span = spot(study, found) if found is not None else decay_span(study)
    return case.violation(study, span, told + words, [step - 1, step, step + 1])


def _nobody_seen(study: Study, case: Case) -> Iterator[Violation]:
    """Advice: a class for loops that nobody here sees, or a loop of another length, one step beyond the end."""

    def just_beyond(run: Run) -> tuple[Invalid, int] | None:
        horizon = study.horizon(run)
        if horizon is None or (run.failure is not None and run.failure.step < horizon):
            return None
        found = first_invalid(run, horizon, horizon + 2)
        return (found, horizon) if found is not None and found.step == horizon + 1 else None

    reached = [extent(study, run) for run in case.runs]
    for_others = study.site.form in _CLASSES and not study.uses and steps_itself(study)
    for_others = for_others or (
        _is_given_away(study, case.run) and not any(r is not None and r.counted for r in reached)
    )
    if not for_others and not all(found is not None and found.unbound for found in reached):
        return
    shown = case.shown(just_beyond)
    if shown is None:
        return
    found, end = shown
    who = "a run that is resumed or prolonged by one step" if for_others else "a loop of another length"
    yield Violation(
        spot(study, found),
        f"One step past its end at step {end} {found.place} {found.what}, and {who} gets there. Clamp the progress to "
        "1.",
        study.evidence(case.run, [end - 2, end - 1, end]),
        advice=True,
    )


def _is_given_away(study: Study, run: Run) -> bool:
    """Whether a function builds the schedule for callers who say how long it is: ``get_linear_schedule(o, steps)``."""
    if study.site.form != "lambda" or study.use is None:
        return False
    names = study.use.names or study.names
    maker = names.enclosing(study.use.call, ast.FunctionDef)
    if not isinstance(maker, ast.FunctionDef) or not isinstance(names.statement_of(study.use.call), ast.Return):
        return False
    told = {name for name, _, _ in parameters(maker)}
    end = study.horizon(run)
    return any(run.leaves.get(name) == end and role_of(name) is Role.HORIZON for name in told)


def _at_its_end(study: Study) -> Iterator[Violation]:
    again = begins_again(study)
    turns = [
        statement
        for root in study.site.nodes
        for node in ast.walk(root)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv | ast.Mod)
        if (statement := study.names.statement_of(node)) is not None and not hasattr(statement, "body")
    ]
    if again is None or not turns:
        return
    path, run, end = again
    yield Violation(
        study.span(min(turns, key=lambda statement: statement.lineno)),
        f"At its end, step {end} (`{path}`), the schedule begins again: the rate is {num(run.curve[end - 1])} at step "
        f"{end - 1} and {num(run.curve[end])} at step {end}. A run that is one step longer ends at the peak.",
        study.evidence(run, [end - 2, end - 1, end, end + 1]),
        advice=True,
    )
