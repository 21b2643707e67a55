"""LR212: at a step that training reaches the rate is negative, complex, infinite or not a number."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.roles import role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.extent import extent, steps_itself
from lrfix.experiments.grid import ENDS, Case, Grid, by_a_drawn_relation
from lrfix.experiments.study import Study
from lrfix.experiments.validity import Invalid, first_invalid, spot
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.model import Construction


@rule("LR212")
def invalid_rate(study: Study) -> Iterator[Violation]:
    if study.opaque is not None or study.site.base == "MultiplicativeLR":
        return
    grid = Grid(study)
    for case in grid.values():
        use = case.setting.use

        def inside(run: Run, use: Construction | str | None = use) -> Invalid | None:
            return _inside(study, run, use)

        found = case.shown(inside)
        if found is not None and not by_a_drawn_relation(grid, case, inside):
            yield _told(study, case, found)
            return
    yield from _without(study, grid)


def _without(study: Study, grid: Grid) -> Iterator[Violation]:
    """Advice: a parameter that the code tests for None, and that it calculates with where it is left out."""
    for case in grid.left_out():
        (name,) = case.setting.overrides
        failure = case.shown(lambda run: run.failure if _for_want_of_a_number(run) else None)
        test = _tests_for_none(study, name)
        if failure is None or failure.node is None or test is None:
            continue
        statement = study.names.statement_of(failure.node)
        if statement is None or not any(failure.node is n for root in study.site.nodes for n in ast.walk(root)):
            continue
        when = "when it is built" if failure.step < 0 else f"at step {failure.step}"
        yield Violation(
            study.span(statement) if not hasattr(statement, "body") else study.site.span,
            f"W{case.setting.words[1:]}, which line {test} allows for, there is no rate: "
            f"the schedule fails {when} with {failure.kind} ({failure.message}).",
            advice=True,
        )
        return


def _for_want_of_a_number(run: Run) -> bool:
    return run.failure is not None and run.failure.kind == "TypeError" and "NoneType" in run.failure.message


def _tests_for_none(study: Study, name: str) -> int | None:
    """The line on which the code asks whether a parameter was left out."""
    lines = [
        node.lineno
        for root in study.site.nodes
        for node in ast.walk(root)
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and node.left.id == name
        if isinstance(node.ops[0], ast.Is | ast.IsNot)
    ]
    return min(lines, default=None)


def _inside(study: Study, run: Run, use: Construction | str | None) -> Invalid | None:
    """The first step within the run at which the rate is invalid."""
    reached = extent(study, run, use)
    if reached is None or _asked_within(study, run, use):
        return None
    horizon = study.horizon(run)
    end = reached.used if horizon is None else min(reached.used, horizon)
    # Who asks a function that nobody is seen to ask may count from one.
    start = 0 if steps_itself(study) or study.site.inline or study.use is not None else 1
    return first_invalid(run, start, end)


def _asked_within(study: Study, run: Run, use: Construction | str | None) -> bool:
    """Whether the caller compares where training stands with the end of the schedule before it asks for a rate."""
    chosen = study.use if isinstance(use, str) else use
    if chosen is None or study.site.form not in ("setter", "function"):
        return False
    names = chosen.names or study.names
    child: ast.AST = chosen.call
    ends = {path for path in (*run.leaves, *run.names) if role_of(path) in ENDS}
    ends |= {ast.unparse(value) for value in (*chosen.call.args, *(k.value for k in chosen.call.keywords))}
    for outer in names.ancestors(chosen.call):
        if isinstance(outer, ast.If) and child in outer.body:
            for node in (n for n in ast.walk(outer.test) if isinstance(n, ast.Compare)):
                bounded = isinstance(node.ops[0], ast.Lt | ast.LtE)
                text = ast.unparse(node.comparators[0])
                if bounded and text in ends and role_of(text) in ENDS:
                    return True
        child = outer
    return False


def _told(study: Study, case: Case, found: Invalid) -> Violation:
    under = case.setting.aside
    end = study.horizon(case.run)
    whole = f" of {end}" if end is not None else ""
    return case.violation(
        study,
        spot(study, found),
        f"At step {found.step}{whole}{under}, {found.place} {found.what}.",
        [found.step - 2, found.step - 1, found.step, found.step + 1],
    )
