"""LR205: a setting that the code calls legal divides by zero."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from lrfix.domains.roles import LENGTHS, Role, role_of
from lrfix.driving.laboratory import Failure, Run
from lrfix.experiments.extent import asked_steps, extent, is_part, walked_as_asked
from lrfix.experiments.grid import Case, Grid, Standing
from lrfix.experiments.stock import stock_studies
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.model import Construction
from lrfix.sites.vocabulary import names_position
from lrfix.trees import walk

_KIND = "ZeroDivisionError"
_CLASSES = ("subclass", "wrapper")
_ASKED = ("setter", "function")
_OTHER_INVENTIONS = (7, 0.1)
#: Lengths of training are in the thousands where code divides them into dozens of parts.
_LONGER = 100
#: A schedule that divides by zero as the file builds it does so within so many steps.
_SOON = 240
#: ``warmup ** -1.5``: a formula whose scale is its warmup means nothing without one.
_NEEDS_IT = "negative power"


@rule("LR205", uses=True)
def zero_division(study: Study) -> Iterator[Violation]:
    if study.site.form != "training":
        yield from _divisions(study)
        return
    for stock in stock_studies(study):
        yield from (found for found in _divisions(stock, legal=False) if not found.advice)


def _divisions(study: Study, legal: bool = True) -> Iterator[Violation]:
    """The divisions by zero of one schedule; without ``legal`` only at edges that the code states."""
    if study.opaque is not None:
        return
    first = study.runs[0].failure
    if first is not None and first.kind == _KIND:
        failed = study.everywhere_failed(_KIND) and _own(study, first)
        if failed and not _invented(study, study.runs[0]) and not _counted_first(study, first):
            reached = extent(study, study.runs[0])
            past = reached is not None and first.step >= reached.asked
            found = _division(study, first, "past the end" if past else "as it is built here", None)
            # Of a function that nobody in sight calls, and of a class that leans on other files as well, too much is
            # drawn.
            unsure = study.use is None and not study.site.inline
            unsure = unsure and (study.site.form in _ASKED or (study.site.form in _CLASSES and study.runs[0].borrowed))
            yield replace(found, advice=found.advice or unsure or past)
        return
    if first is not None and first.step <= 0:
        return
    advice: Violation | None = None
    part = not legal or (study.site.form in _CLASSES and is_part(study, study.use))
    for use in _uses(study):
        for case in Grid(study, use).edges(legal=not part):
            stated = case.setting.standing is Standing.STATED
            if (advice is not None or _without_decay(case)) and not stated:
                continue
            failure = _divides(study, case, use)
            if failure is None or (_NEEDS_IT in failure.message and not stated):
                continue
            if stated:
                yield _division(study, failure, case.setting.words, case)
                return
            advice = _division(study, failure, case.setting.words, case)
    if advice is not None:
        yield advice


def _without_decay(case: Case) -> bool:
    """Whether a decay takes no time, which nobody chooses who does not say so."""
    return any(role_of(path) is Role.DECAY_LENGTH and value == 0 for path, value in case.setting.overrides.items())


def _uses(study: Study) -> list[Construction | None]:
    """The place that builds or asks the schedule, and the definition by itself, whose defaults need no caller."""
    if study.site.form in _CLASSES:
        return list(dict.fromkeys([study.use, None]))
    if study.site.form in ("lambda", "composition") or (study.use is not None and study.use.names is not None):
        return [study.use]
    return list(dict.fromkeys([study.use, None]))


def _divides(study: Study, case: Case, use: Construction | None) -> Failure | None:
    """The division that every run of an edge comes to, and that is not there without the edge."""

    def division(run: Run) -> Failure | None:
        failure = run.failure
        if failure is None or failure.kind != _KIND or not _own(study, failure):
            return None
        return failure if failure.step < asked_steps(study, run, use, case.setting.lasts) else None

    setting = case.setting
    soon = walked_as_asked(study, setting.draws[0], use, setting.overrides, setting.lasts)
    if soon is not None and soon.failure is None:
        return None  # what comes later is not asked for
    found = case.shown(division)
    if found is None:
        return None
    for draw, run in zip(case.setting.draws, case.runs, strict=True):
        sound = study.run(draw, use=use)
        broken = run.failure.step if run.failure is not None else 0
        if sound.opaque is not None or (sound.failure is not None and sound.failure.step <= broken):
            return None
    return found


def _invented(study: Study, run: Run) -> bool:
    """Whether the division fails only with numbers of ours: for what nobody can name, or for what the file states,
    or because the run is so short."""
    known = {path: study.defaults.get(path) for path, value in run.leaves.items() if study.defaults.get(path) != value}
    stated = {p: v for p, v in known.items() if isinstance(v, int | float) and not isinstance(v, bool) and v > 0}
    if stated and not _fails(study.run(0, overrides=stated, steps=_SOON)):
        return True
    drawn = {p: v for p, v in run.leaves.items() if role_of(p) in LENGTHS and isinstance(v, int) and p not in stated}
    if drawn and not _fails(study.run(0, overrides={p: _LONGER * v for p, v in drawn.items()}, steps=_SOON)):
        return True
    return any(
        not _fails(study.run(0, overrides={path: type(value)(value * factor)}))
        for path, value in run.leaves.items()
        if role_of(path) is Role.UNKNOWN and path not in study.defaults and isinstance(value, int | float)
        for factor in _OTHER_INVENTIONS
    )


def _counted_first(study: Study, failure: Failure) -> bool:
    """Whether the method that asks for the rate at 0 is only called by others of its class that count a step first."""
    node = study.node
    owner = study.names.enclosing(node, ast.ClassDef)
    if failure.step != 0 or not isinstance(node, ast.FunctionDef) or not isinstance(owner, ast.ClassDef):
        return False
    asked = [
        (method, call)
        for method in owner.body
        if isinstance(method, ast.FunctionDef) and method is not node
        for call in walk(method)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == f"self.{node.name}"
    ]
    return bool(asked) and all(_counts_before(method, call) for method, call in asked)


def _counts_before(method: ast.FunctionDef, call: ast.Call) -> bool:
    return any(
        isinstance(s, ast.AugAssign)
        and isinstance(s.op, ast.Add)
        and isinstance(s.target, ast.Attribute)
        and s.lineno < call.lineno
        and names_position(s.target.attr)
        for s in method.body
    )


def _fails(run: Run) -> bool:
    return run.failure is not None and run.failure.kind == _KIND


def _own(study: Study, failure: Failure) -> bool:
    """Whether the division stands in the site: what another function divides is that function's fault."""
    node = failure.node
    if node is None or study.site.form in _CLASSES:
        return True
    if any(node is n for root in study.site.nodes for n in ast.walk(root)):
        return True
    if study.names.neighbours is not None and study.names.neighbours.holds(node):
        return False
    owner = study.names.enclosing(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef))
    return owner is None or any(owner is n for n in study.names.ancestors(study.site.node))


def _division(study: Study, failure: Failure, when: str, case: Case | None) -> Violation:
    node = failure.node
    inside = node is not None and any(node is n for root in study.site.nodes for n in ast.walk(root))
    statement = study.names.statement_of(node) if inside and node is not None else None
    place = study.span(statement) if statement is not None and not hasattr(statement, "body") else study.site.span
    at = "when the schedule is built" if failure.step < 0 else f"at step {failure.step}"
    message = f"Division by zero {when}: training fails {at}."
    return Violation(place, message, advice=case is not None and case.setting.standing is Standing.LEGAL)
