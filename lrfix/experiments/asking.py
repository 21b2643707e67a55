"""Whether a schedule can be asked: the same step again, out of order, by two groups, with the same answer.

A function that is asked for a rate and writes state that outlives the call is a suspect. The experiments decide: it is
asked once more before every call, with all that it wrote kept, and with nothing kept but the state in question.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

from lrfix.domains.clock import parameter_ticks
from lrfix.domains.roles import RATES, SCHEDULE_ROLES, role_of
from lrfix.driving.laboratory import Run
from lrfix.driving.trace import Write
from lrfix.experiments.structure import Function, assignments, hyperparameters, method, schedule_functions
from lrfix.experiments.study import Study
from lrfix.findings import Evidence
from lrfix.sites.vocabulary import names_position
from lrfix.trees import walk
from lrfix.wording import num

_FACTORS = ("lambda", "subclass")
_SUSPECTS = 4


@dataclass(frozen=True)
class Suspect:
    """State that an asked function changes: its name in the code, the statement that writes it, and the function.

    ``slot`` is what the trace calls it: of an element of a list, its index. ``own``: a class starts it at a number
    that nobody gives, so that it is where the class stands.
    """

    name: str
    slot: str
    statement: ast.stmt
    function: Function
    parameter: bool
    own: bool = False


@dataclass(frozen=True)
class Shown:
    """How the answers depend on who asked before: in words that go on from the state's name.

    ``saved``: only on which steps were asked for before, and torch saves the state with the scheduler.
    """

    words: str
    evidence: Evidence
    saved: bool = False


def suspects(study: Study) -> Iterator[Suspect]:
    """State that outlives the call and is changed while a rate is asked for, one suspect a name."""
    known = hyperparameters(study)
    found: dict[str, Suspect] = {}
    for run in study.runs:
        # A run may write tens of thousands of times, from few places.
        asked = cache(partial(_asked, study, run))
        for write in run.writes():
            if write.name in found or _same(write):
                continue
            function = asked(write.within)
            statement = study.names.statement_of(write.node)
            if function is None or statement is None:
                continue
            name = _told(statement, write)
            parameter = name in known or (role_of(name) in SCHEDULE_ROLES and not names_position(name))
            own = name not in known and _starts_at_a_number(study, name, function)
            moved_on = own and isinstance(function, ast.FunctionDef) and function.name == "step"
            parameter = parameter and role_of(name) not in RATES and not moved_on
            found[write.name] = Suspect(name, write.name, statement, function, parameter, own)
    yield from list(found.values())[:_SUSPECTS]


def _starts_at_a_number(study: Study, name: str, function: Function) -> bool:
    """Whether the class of a method starts an attribute at a number."""
    owner = study.names.enclosing(function, ast.ClassDef)
    initialiser = method(owner, "__init__") if owner is not None else None
    return initialiser is not None and any(
        isinstance(target, ast.Attribute) and target.attr == name and isinstance(value, ast.Constant)
        for statement in walk(initialiser)
        for target, value in assignments(statement)
    )


def _same(write: Write) -> bool:
    return type(write.old) is type(write.new) and isinstance(write.old, int | float | str) and write.old == write.new


def _told(statement: ast.stmt, write: Write) -> str:
    """The name of the state as the code has it: of an element, the container's where the key is a number."""
    if write.kind == "item" and write.name.lstrip("-").isdigit():
        for node in walk(statement):
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                return ast.unparse(node.value).rpartition(".")[2]
    return write.name


def _asked(study: Study, run: Run, within: tuple[ast.AST, ...]) -> Function | None:
    """The function that was asked for a rate when something was written ``within`` these, outermost first: the
    outermost that is no step of its own."""
    answers = run.stepped.answers if run.stepped is not None else set()
    by_contract = schedule_functions(study) if study.site.form in _FACTORS else []
    for depth, function in enumerate(within):
        if not isinstance(function, ast.FunctionDef | ast.Lambda) or function not in answers:
            continue
        if function in by_contract or _takes_step(function) or study.site.form == "function":
            return function
        # What moves on by design is called for that; a helper below it that is asked for a number is not, unless it
        # keeps the count itself.
        if depth > 0 and not _counts(study, run, function):
            return function
    return None


def _takes_step(function: ast.FunctionDef | ast.Lambda) -> bool:
    arguments = function.args
    named = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return bool(parameter_ticks(named))


def _counts(study: Study, run: Run, function: ast.AST) -> bool:
    """Whether a function writes anything but hyperparameters: a position, a rate that it goes on from."""
    known = hyperparameters(study)
    written = {w.name for w in run.writes() if function in w.within}
    return any(name not in known or role_of(name) in RATES or names_position(name) for name in written)


def history_dependence(study: Study, suspect: Suspect, *, order: bool = True) -> Shown | None:
    """How the rates depend on how often they were asked for, by the suspect's state alone; None where they do not.

    With ``order`` a scheduler that only minds which steps were asked for before counts as well.
    """
    indices = range(len(study.runs))
    alone = [_apart(study.run(i), study.asked_twice(i, suspect.function, suspect.slot)) for i in indices]
    if any(step is None for step in alone):
        return None
    found = _by_groups(study) or _by_asking(study, suspect)
    return _by_jumping(study) if found is None and order and study.site.form in _FACTORS else found


def _apart(one: Run, other: Run) -> int | None:
    """The first step at which the first group of two runs parts; None where one of them cannot be judged."""
    if not one.ran or not other.ran or (other.failure is not None and one.failure is None):
        return None
    return next((k for k, (a, b) in enumerate(zip(one.curve, other.curve, strict=False)) if _differ(a, b)), None)


def _differ(a: float, b: float) -> bool:
    return abs(a - b) > 1e-9 * max(abs(a), abs(b))


def _by_groups(study: Study) -> Shown | None:
    for index in range(len(study.runs)):
        two = study.run(index)
        one = study.run(index, groups=1, base_lrs=two.base_lrs[:1])
        step = _apart(one, two)
        if step is not None and len(one.lr) < len(two.lr):
            return Shown(
                f"with one parameter group the rate at step {step} is {num(one.curve[step])}, with two it is "
                f"{num(two.curve[step])}",
                study.evidence(two, [max(step - 1, 0), step, step + 1]),
            )
    return None


def _by_asking(study: Study, suspect: Suspect) -> Shown | None:
    steps = [_apart(study.run(i), study.asked_twice(i, suspect.function)) for i in range(len(study.runs))]
    if any(step is None for step in steps):
        return None
    step, once, twice = steps[0] or 0, study.run(0), study.asked_twice(0, suspect.function)
    return Shown(
        f"called once for every step it gives {num(once.curve[step])} at step {step}, called twice "
        f"{num(twice.curve[step])}",
        study.evidence(once, [max(step - 1, 0), step, step + 1]),
    )


def _by_jumping(study: Study) -> Shown | None:
    """The same step reached at once and step by step gives two rates."""
    run = study.runs[0]
    saved = study.site.form == "subclass" and not any(
        method(c, name) is not None
        for c in study.site.nodes
        if isinstance(c, ast.ClassDef)
        for name in ("state_dict", "load_state_dict")
    )
    for step in (len(run.curve) // 8, len(run.curve) // 4, len(run.curve) // 2):
        direct = [study.jump(index, step) for index in range(len(study.runs))]
        walked = [r.curve[step] for r in study.runs if step < len(r.curve)]
        if len(walked) == len(direct) and all(
            d is not None and abs(d - w) > 1e-6 * max(abs(d), abs(w)) for d, w in zip(direct, walked, strict=True)
        ):
            return Shown(
                f"step {step} has the rate {num(walked[0])} in a run from the start, and "
                f"{num(direct[0])} when it is computed alone" + ("" if saved else ", as after a resume"),
                study.evidence(run, [step - 1, step, step + 1]),
                saved,
            )
    return None


__all__ = ["Shown", "Suspect", "history_dependence", "suspects"]
