"""Whether the rate moves at all, under whatever a plausible caller may give, and whether the code means it to."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.facts import literal
from lrfix.domains.kinds import is_number
from lrfix.domains.roles import RATES, SCHEDULE_ROLES, Role, role_of
from lrfix.domains.signatures import parameters
from lrfix.driving.laboratory import Run
from lrfix.experiments.bypass import bypassed
from lrfix.experiments.company import in_company
from lrfix.experiments.structure import hyperparameters, method, methods, writes_rates
from lrfix.experiments.study import Study, constant
from lrfix.experiments.writes import reads_present_rate
from lrfix.sites.vocabulary import names_position, words
from lrfix.trees import walk

_LENGTHS = frozenset(
    {Role.WARMUP, Role.WARMUP_EPOCHS, Role.HORIZON, Role.EPOCHS, Role.CYCLE, Role.DECAY_LENGTH, Role.STEP_SIZE}
)
#: What a value that lrfix has invented may be in truth: a rate in the place of a count, a count in that of a share.
_OTHERWISE = (1e-3, 1e2)
_MOST_INVENTED = 4
#: A length of which every usual share is a whole number.
_PARTS = 120
_ENOUGH = 40
_SAYS_CONSTANT = frozenset(
    {"constant", "const", "fixed", "no", "none", "off", "dummy", "identity", "base", "abstract", "null"}
)
#: What says that a rate climbs or comes down.
_SAYS_MOVING = frozenset(
    {"warm", "warmup", "cosine", "annealing", "anneal", "decay", "poly", "polynomial", "exponential", "cyclic"}
)

#: Steps beyond what is simulated, where a schedule whose length the code works out may begin to move.
_LATER = (0, 1_000, 3_000, 10_000, 100_000)


def never_moves(study: Study) -> bool:
    """Whether every group stands still in every draw, and no other value of what the draws have made up moves one."""
    if not study.everywhere(stands) or (reads_present_rate(study) and in_company(study)):
        return False
    later = study.sampled(0, _LATER, {})
    return all(stands(run) for run in (*_otherwise(study), later) if run.ran)


def stands_far_on(study: Study) -> bool:
    """Whether the rate is the same far beyond every length that the code states, taken there at once."""
    first = [run.curve[0] for run in study.runs if run.curve]
    for step in (study.longest_literal // 2, 2 * study.longest_literal):
        there = [study.jump(index, step) for index in range(len(study.runs))]
        if len(first) != len(there) or any(
            b is None or not constant([a, b]) for a, b in zip(first, there, strict=True)
        ):
            return False
    return True


def stands(run: Run) -> bool:
    """Whether the rate of every group stays where it began."""
    return all(constant(rates) for rates in run.lr)


def _otherwise(study: Study) -> Iterator[Run]:
    """The first draw again, each value that nothing speaks for taken far smaller and far larger, each switch the other
    way round, and its lengths as such that have halves and quarters: ``epoch in (0.5 * epochs, 0.75 * epochs)``."""
    plain = study.runs[0]
    wholes = [p for p, v in plain.leaves.items() if type(v) is int and role_of(p) in (Role.HORIZON, Role.EPOCHS)]
    if wholes:
        yield study.run(0, overrides=dict.fromkeys(wholes, _PARTS), steps=_PARTS)
    open_values = [
        path
        for path, value in plain.leaves.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and role_of(path) is Role.UNKNOWN
    ]
    yield from (study.run(0, use=None, overrides={name: not off}) for name, off in _switches(study))
    for path in open_values[:_MOST_INVENTED]:
        value = plain.leaves[path]
        assert isinstance(value, int | float)
        for factor in _OTHERWISE:
            yield study.run(0, overrides={path: value * factor})


def _switches(study: Study) -> Iterator[tuple[str, bool]]:
    """The parameters of a function that turn something on or off, and what they are by default: ``decay=False``."""
    taken = parameters(study.node) if isinstance(study.node, ast.FunctionDef) else []
    for name, default, _ in taken:
        stated = literal(default)
        if isinstance(stated, bool):
            yield name, stated


def means_to_move(study: Study) -> bool:
    """Whether the code shows an intent to change the rate: a length, a formula, a step that is worked with.

    What an option called ``"none"`` or ``"constant"`` chooses has none.
    """
    if any(isinstance(option, str) and _SAYS_CONSTANT & set(words(option)) for option in study.settings.values()):
        return False
    node = study.node
    if study.site.form in ("setter", "function"):
        return _works_with_the_step(study)
    if isinstance(node, ast.ClassDef):
        if all(map(_keeps_a_moving_rate, study.runs)):
            return True
        if study.site.form != "subclass" and not _moved_by_one_method(study):
            return False
        initialiser = method(node, "__init__")
        named = [a.arg for a in (*initialiser.args.args, *initialiser.args.kwonlyargs)] if initialiser else []
        named += [path for path in study.runs[0].leaves if "." in path]  # parts of these: `args.warmup_epochs`
        formula = any(isinstance(n, ast.BinOp) for m in methods(node) if m.name != "__init__" for n in walk(m))
        said = set(words(node.name))
        length = any(role_of(name) in _LENGTHS for name in named)
        if not formula:
            # Two words of the field say as much as a formula does, and so does a length under a name that moves.
            spoken = [name for name in named if role_of(name) in SCHEDULE_ROLES]
            return (len(spoken) > 1 or (length and bool(_SAYS_MOVING & said))) and not _SAYS_CONSTANT & said
        if length:
            return True
        # A schedule with parameters that is never asked was meant, whatever they are called.
        return bool(hyperparameters(study)) and bypassed(study) is not None
    if study.site.form != "lambda":
        return False
    return _works_with_its_arguments(node) and any(_works_with_its_arguments(f) for f in _asked_for_rates(study))


def _keeps_a_moving_rate(run: Run) -> bool:
    """Whether the schedule notes one rate after another for itself: ``self.current_lr = lr``."""
    noted: dict[str, set[object]] = {}
    for write in run.writes():
        if write.kind == "attribute" and role_of(write.name) in RATES and is_number(write.new):
            noted.setdefault(write.name, set()).add(write.new)
    return any(len(rates) > _ENOUGH // 2 for rates in noted.values())


def _moved_by_one_method(study: Study) -> bool:
    """Whether a class of one's own is told nothing after it was built, so that what its one method does is all."""
    asked = [m for m in methods(study.node) if not m.name.startswith("__") and not m.name.endswith("state_dict")]
    writing = [m for m in asked if writes_rates(m)]
    return len(writing) == 1 and all(len(m.args.args) + len(m.args.kwonlyargs) <= 1 for m in asked)


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
        and any(isinstance(n, ast.Name) and n.id in parameters for n in walk(inner))
        for part in (function.body if isinstance(function, ast.FunctionDef) else [function.body])
        for inner in walk(part)
    )


def _works_with_the_step(study: Study) -> bool:
    """Whether arithmetic with the step runs in every draw, and no switch may choose another branch."""
    alone = [study.run(index, use=None) for index in range(len(study.runs))]
    if study.unvaried is not None or study.unseen:
        return False
    if any(run.failure is not None or len(run.curve) < _ENOUGH for run in alone):
        return False
    worked = [
        statement
        for node in study.site.nodes
        for n in walk(node)
        if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div | ast.FloorDiv | ast.Mult | ast.Pow)
        if any(isinstance(part, ast.Name) and names_position(part.id) for part in walk(n))
        and (statement := study.names.statement_of(n)) is not None
    ]
    for run in (*alone, *study.runs):
        ran = {s for trace in (run.built, run.stepped) if trace is not None for s in trace.statements}
        if not run.ran or not stands(run) or not any(s in ran for s in worked):
            return False
    return True


__all__ = ["means_to_move", "never_moves", "stands", "stands_far_on"]
