"""LR101, LR103 to LR106: hidden state, bypassed and constant schedules, parameters without effect."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.checks.loop_parameters import overwritten_in_a_loop
from lrfix.checks.promises import promise
from lrfix.checks.unwritten import unwritten
from lrfix.domains.roles import Role, role_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.structure import (
    Function,
    Update,
    handed_over,
    hyperparameters,
    method,
    methods,
    schedule_functions,
    updates,
    writes_rates,
)
from lrfix.experiments.study import Study, constant
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.vocabulary import names_position


@rule("LR101", uses=True)
def mutated_parameter(study: Study) -> Iterator[Violation]:
    if study.site.form == "training":
        yield from overwritten_in_a_loop(study)
        return
    parameters = hyperparameters(study)
    for function in schedule_functions(study):
        for update in updates(function):
            if not update.own or update.name not in parameters:
                continue
            run = _first_with(study, update.statement)
            if run is None:
                if _never_runs(study, update.statement) and not _done_once(study, update.statement):
                    yield Violation(
                        study.span(update.statement),
                        f"Evaluating the schedule would reassign the hyperparameter `{update.name}`; this line is "
                        "never "
                        "reached today, and once it is, the rate depends on how often it was asked for.",
                    )
                continue
            shown = _depends_on_asking(study)
            if shown is None:
                yield from _depends_on_history(study, update)
            else:
                one, two, step = shown
                yield Violation(
                    study.span(update.statement),
                    f"Evaluating the schedule reassigns the hyperparameter `{update.name}`: with one parameter group "
                    "the "
                    f"rate at step {step} is {one.curve[step]:.6g}, with two it is {two.curve[step]:.6g}.",
                    study.evidence(two, [max(step - 1, 0), step, step + 1]),
                )


@rule("LR103")
def stateful_lambda(study: Study) -> Iterator[Violation]:
    if study.site.base not in ("LambdaLR", "MultiplicativeLR") or not study.ran:
        return
    parameters = hyperparameters(study)
    evaluated = {f for f in schedule_functions(study) if not _named(f, "get_lr")}
    candidates = [u for f in evaluated for u in updates(f) if u.name not in parameters and u.own]
    candidates = [u for u in candidates if _first_with(study, u.statement) is not None]
    if not candidates:
        return
    shown = _depends_on_asking(study)
    if shown is None:
        return
    one, two, step = shown
    first = min(candidates, key=lambda u: u.statement.lineno)
    yield Violation(
        study.span(first.statement),
        f"The function keeps its own counter `{first.name}` instead of using its step argument: it advances once for "
        f"every parameter group, so at step {step} the rate is {one.curve[step]:.6g} with one group and "
        f"{two.curve[step]:.6g} with two{_at_resume(study, first)}.",
        study.evidence(two, [step - 1, step, step + 1]),
    )


@rule("LR104")
def bypassed_schedule(study: Study) -> Iterator[Violation]:
    node = study.node
    if study.site.form != "subclass" or not isinstance(node, ast.ClassDef) or not study.ran:
        return
    get_lr, step = method(node, "get_lr"), method(node, "step")
    functions = handed_over(node)
    if study.site.base in ("LambdaLR", "MultiplicativeLR") and get_lr is not None and functions:
        if not any(_called(run, f) for run in study.runs for f in functions):
            name = _function_name(functions[0])
            yield Violation(
                study.span(get_lr),
                f"`get_lr` never asks {name}, the schedule given to {study.site.base}: the rate stays "
                f"{study.runs[0].curve[-1]:.6g} whatever the schedule says.",
                study.evidence(study.runs[0], [0, 1, len(study.runs[0].curve) - 1]),
            )
        return
    if step is None or get_lr is None or not study.everywhere(lambda run: constant(run.curve)):
        return
    if _driven_by_another_method(study):
        return
    if not any(run.stepped and get_lr in run.stepped.calls for run in study.runs) and _uses_state(get_lr):
        yield Violation(
            study.span(step),
            "`step` is overridden and never asks `get_lr`: the schedule written there has no effect, the rate stays "
            f"{study.runs[0].curve[-1]:.6g}.",
            study.evidence(study.runs[0], [0, 1, len(study.runs[0].curve) - 1]),
        )


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
    if study.everywhere(lambda run: all(constant(rates) for rates in run.lr)) and not _driven_by_another_method(study):
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


def _driven_by_another_method(study: Study) -> bool:
    """Whether somebody may move the rate by a method that lrfix does not know how to call."""
    own = methods(study.node)
    return any(m.name == "step" and not writes_rates(m) for m in own) and any(
        m.name not in ("__init__", "step") and writes_rates(m) for m in own
    )


def _at_resume(study: Study, update: Update) -> str:
    """What becomes of the counter when training resumes: torch saves the attributes of the scheduler itself and of
    callable objects given to it, never what a closure, a module or the object behind a bound method holds."""
    owner = next((o for o in study.names.ancestors(update.statement) if isinstance(o, ast.ClassDef)), None)
    kept = update.kind == "attribute" or update.name.startswith("self.")
    if kept and owner is not None and (study.site.form == "subclass" or method(owner, "__call__") is not None):
        return ""
    return "; the counter is also lost when training resumes"


def _depends_on_history(study: Study, update: Update) -> Iterator[Violation]:
    """The same step reached at once and step by step gives two rates: what was reassigned on the way decides."""
    run = study.runs[0]
    if not study.ran:
        return
    for step in (len(run.curve) // 8, len(run.curve) // 4, len(run.curve) // 2):
        direct = [study.jump(index, step) for index in range(len(study.runs))]
        walked = [r.curve[step] for r in study.runs if step < len(r.curve)]
        if len(walked) == len(direct) and all(
            d is not None and abs(d - w) > 1e-6 * max(abs(d), abs(w)) for d, w in zip(direct, walked, strict=True)
        ):
            yield Violation(
                study.span(update.statement),
                f"Evaluating the schedule reassigns the hyperparameter `{update.name}`: step {step} has the rate "
                f"{walked[0]:.6g} when every step before it was asked for, and {direct[0]:.6g} when it is asked for "
                "alone, as "
                "after a resume.",
                study.evidence(run, [step - 1, step, step + 1]),
            )
            return


def _first_with(study: Study, statement: ast.stmt) -> Run | None:
    return next((r for r in study.runs if any(t and statement in t.statements for t in (r.built, r.stepped))), None)


def _never_runs(study: Study, statement: ast.stmt) -> bool:
    return study.ran and _first_with(study, statement) is None


def _done_once(study: Study, statement: ast.stmt) -> bool:
    """Whether the branch a statement stands in takes back the flag that leads there."""
    for branch in study.names.ancestors(statement):
        if not isinstance(branch, ast.If):
            continue
        asked = {_last_key(node) for node in ast.walk(branch.test)} - {None}
        for node in ast.walk(branch):
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Constant) or node.value.value:
                continue
            if asked & {_last_key(target) for target in node.targets}:
                return True
    return False


def _last_key(node: ast.AST) -> str | None:
    """The word that tells a flag from others: a name, an attribute, a key of text."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def _depends_on_asking(study: Study) -> tuple[Run, Run, int] | None:
    """A run with one and one with two groups whose first group's rates part, and the step where they do."""
    for index in range(len(study.runs)):
        two = study.run(index)
        one = study.run(index, groups=1, base_lrs=two.base_lrs[:1])
        if not one.ran or not two.ran:
            continue
        for step, (a, b) in enumerate(zip(one.curve, two.curve, strict=False)):
            if abs(a - b) > 1e-9 * max(abs(a), abs(b)):
                return one, two, step
    return None


def _named(function: Function, name: str) -> bool:
    return isinstance(function, ast.FunctionDef) and function.name == name


def _function_name(function: Function) -> str:
    return "its lambda" if isinstance(function, ast.Lambda) else f"`{function.name}`"


def _called(run: Run, function: ast.AST) -> bool:
    return any(trace is not None and function in trace.calls for trace in (run.built, run.stepped))


def _uses_state(function: ast.FunctionDef) -> bool:
    return any(isinstance(n, ast.BinOp) for n in ast.walk(function))


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
        return formula and bool(hyperparameters(study)) and any(bypassed_schedule(study))
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
