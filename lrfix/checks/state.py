"""LR105: a schedule that never changes the rate."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.checks.promises import promise
from lrfix.checks.unwritten import unwritten
from lrfix.domains.roles import Role, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.bypass import bypassed, driven_by_another_method
from lrfix.experiments.structure import hyperparameters, method, methods, schedule_functions
from lrfix.experiments.study import Study, constant
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.vocabulary import names_position


@rule("LR105", uses=True)
def constant_schedule(study: Study) -> Iterator[Violation]:
    if study.site.form == "training":
        yield from unwritten(study)
        return
    if not study.ran or study.truncated:
        return
    promised = promise(study)
    if promised is not None:
        run = study.runs[0]
        yield Violation(
            study.site.span,
            f"`{promised.name}` says {promised.word} and gives a constant rate: from step {promised.since} to step "
            f"{len(run.curve) - 1} it stays {run.curve[-1]:.6g}.",
            study.evidence(run, [0, promised.since, len(run.curve) - 1]),
        )
        return
    if not _means_to_vary(study):
        return
    if study.site.form in ("setter", "function"):
        yield from _step_cancels_out(study)
        return
    if study.site.form not in ("lambda", "subclass"):
        # Elsewhere what moves the rate may stand in the caller: another method, another value handed in.
        return
    run = study.runs[0]
    if study.everywhere(lambda run: all(constant(rates) for rates in run.lr)) and not driven_by_another_method(study):
        yield Violation(
            study.site.span,
            f"A schedule is written, but the rate never changes: it is {run.curve[0]:.6g} at step 0 and still "
            f"{run.curve[-1]:.6g} at step {len(run.curve) - 1}.",
            study.evidence(run, [0, 1, len(run.curve) // 2, len(run.curve) - 1]),
        )
        return
    if study.everywhere(lambda run: _flat_until_horizon(study, run)) and _decays_by_formula(study):
        horizon = study.horizon(run) or 0
        yield Violation(
            study.site.span,
            f"The decay never happens: the rate is {run.curve[0]:.6g} from step 0 to step {horizon - 1}, the whole "
            "run of "
            f"{horizon} steps.",
            study.evidence(run, [0, 1, horizon // 2, horizon - 1, horizon]),
        )


def _means_to_vary(study: Study) -> bool:
    """Whether the code shows an intent to change the rate: a length, a formula, a step that is looked at."""
    node = study.node
    if isinstance(node, ast.ClassDef):
        initialiser = method(node, "__init__")
        named = [a.arg for a in (*initialiser.args.args, *initialiser.args.kwonlyargs)] if initialiser else []
        lengths = (
            Role.WARMUP,
            Role.WARMUP_EPOCHS,
            Role.HORIZON,
            Role.EPOCHS,
            Role.CYCLE,
            Role.DECAY_LENGTH,
            Role.STEP_SIZE,
        )
        formula = any(isinstance(n, ast.BinOp) for m in methods(node) if m.name != "__init__" for n in ast.walk(m))
        if any(role_of(name) in lengths for name in named):
            return formula
        # A schedule with parameters that is bypassed was meant, whatever they are called.
        return formula and bool(hyperparameters(study)) and bypassed(study) is not None
    return _works_with_its_arguments(node) and any(_works_with_its_arguments(f) for f in _asked_for_rates(study))


def _asked_for_rates(study: Study) -> set[ast.AST]:
    """The functions that training calls again and again: those of the chosen schedule, not the factory around it."""
    return {
        function
        for run in study.runs
        if run.stepped is not None
        for function, count in run.stepped.calls.items()
        if count >= len(run.curve) // 2 and (function in study.names.parents or function in study.site.nodes)
    }


def _works_with_its_arguments(function: ast.AST) -> bool:
    """Whether a function calculates with its parameters or compares them."""
    if not isinstance(function, ast.FunctionDef | ast.Lambda):
        return False
    parameters = {a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}
    return any(
        isinstance(inner, ast.BinOp | ast.Compare)
        and any(isinstance(n, ast.Name) and n.id in parameters for n in ast.walk(inner))
        for part in (function.body if isinstance(function, ast.FunctionDef) else [function.body])
        for inner in ast.walk(part)
    )


def _step_cancels_out(study: Study) -> Iterator[Violation]:
    """A function that is handed every step, works with it in every scenario, and gives one rate for all."""
    runs = [study.run(index, use=None) for index in range(len(study.runs))]
    if study.unvaried is not None or study.unseen:
        return
    if any(run.failure is not None or len(run.curve) < 40 for run in runs):
        return
    worked = [
        statement
        for node in study.site.nodes
        for n in ast.walk(node)
        if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div | ast.FloorDiv | ast.Mult | ast.Pow)
        if any(isinstance(part, ast.Name) and names_position(part.id) for part in ast.walk(n))
        and (statement := study.names.statement_of(n)) is not None
    ]
    for run in (*runs, *study.runs):
        ran = {s for trace in (run.built, run.stepped) if trace is not None for s in trace.statements}
        if not run.ran or not all(constant(rates) for rates in run.lr) or not any(s in ran for s in worked):
            return
    run = runs[0]
    yield Violation(
        study.site.span,
        f"The rate is worked out from the step and never changes: it is {run.curve[0]:.6g} at step 0 and still "
        f"{run.curve[-1]:.6g} at step {len(run.curve) - 1}.",
        study.evidence(run, [0, 1, len(run.curve) // 2, len(run.curve) - 1]),
    )


def _flat_until_horizon(study: Study, run: Run) -> bool:
    horizon = study.horizon(run)
    return horizon is not None and 20 < horizon < len(run.curve) and constant(run.curve[:horizon])


def _decays_by_formula(study: Study) -> bool:
    """A power or a cosine of the progress: something continuous, not a milestone that comes late."""
    for function in schedule_functions(study):
        for node in ast.walk(function):
            if isinstance(node, ast.Pow):
                return True
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("cos"):
                return True
    return False
