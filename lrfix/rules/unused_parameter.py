"""LR106: settings of a schedule that no step depends on, whatever they are set to."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from lrfix.domains.facts import literal
from lrfix.domains.roles import SCHEDULE_ROLES, Role, role_of
from lrfix.domains.signatures import arguments_of
from lrfix.driving.laboratory import Run
from lrfix.experiments.altered import replaced, run_altered
from lrfix.experiments.bypass import bypassed
from lrfix.experiments.discarded import discarded
from lrfix.experiments.influence import Reads, matters_at_once, without_effect
from lrfix.experiments.interfaces import prescribed, shared_interface
from lrfix.experiments.settings import (
    Given,
    family,
    kept_as,
    never_read,
    out_of_reach,
    read_elsewhere,
    reads_by_name,
    settings_of,
)
from lrfix.experiments.structure import functions_of
from lrfix.experiments.study import Study, constant
from lrfix.experiments.trainer_settings import warmups_of_a_constant
from lrfix.experiments.turns import called
from lrfix.findings import Violation
from lrfix.registry import rule
from lrfix.sites.blocks import block_of
from lrfix.sites.vocabulary import names_position, names_rate, speaks_of_step, words
from lrfix.trees import walk
from lrfix.wording import num

#: What a caller knows anyway and hands over without a second thought.
_GIVEN = frozenset({Role.BASE_RATE, Role.EPOCHS, Role.LOADER_LENGTH})
#: Lengths that every schedule is handed, whatever it does with them.
_WHOLES = frozenset({Role.HORIZON, Role.EPOCHS, Role.LOADER_LENGTH})
#: Numbers that are no part of a schedule.
_BESIDES = frozenset({"verbose", "seed", "rank", "device", "debug", "log", "print", "interval", "frequency", "version"})
_BY_NAME = frozenset({"locals", "vars", "eval", "exec"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_FACTORS = frozenset({"factor", "scale", "multiplier", "coeff", "mult"})
_MOST = 14
#: A run that ends early, past its horizon perhaps, shows enough with so many rates.
_ENOUGH = 16


@rule("LR106", uses=True)
def unused_parameter(study: Study) -> Iterator[Violation]:
    if study.site.form == "training":
        for node, call, optimizer in discarded(study):
            yield Violation(
                study.span(node),
                f"`{ast.unparse(call.func)}` is built here and kept nowhere: nothing can step it, and what it is given "
                f"has no effect on any step of `{ast.unparse(optimizer)}` after the first. Keep it in a variable, and "
                "step it.",
            )
        for place, message in warmups_of_a_constant(study):
            yield Violation(study.span(place), message)
        return
    if study.opaque is None and study.runs and all(constant(rates) for run in study.runs for rates in run.lr):
        return  # where nothing has an effect no setting is to blame
    if bypassed(study) is not None:
        return
    yield from _unread(study)
    if not study.truncated and study.runs and all(run.ran and len(run.curve) >= _ENOUGH for run in study.runs):
        yield from list(_overwritten(study)) or _ineffective(study)


def _unread(study: Study) -> Iterator[Violation]:
    """Settings that nothing reads after they were stored."""
    node = study.node
    if isinstance(node, ast.ClassDef):
        related = family(study, node)
        if related is None or any(reads_by_name(c) for c in related):
            return
        for setting in settings_of(node):
            if not _is_setting(setting) or not never_read(study, node, related, setting.name):
                continue
            if not _acts(study, setting, out_of_reach(study, related, setting.name)):
                yield from _unused(study, node, setting)
        return
    for function in (node, *study.names.ancestors(node)):
        if isinstance(function, ast.FunctionDef) and not prescribed(study, function):
            read = {n.id for s in function.body for n in ast.walk(s) if isinstance(n, ast.Name)}
            if read & _BY_NAME or (function.args.kwarg is not None and len(function.body) < 2):
                continue
            for setting in settings_of(function):
                known = _is_setting(setting) and role_of(setting.name) not in _GIVEN
                if known and setting.name not in read and not names_position(setting.name):
                    yield from _unused(study, function, setting)


def _is_setting(setting: Given) -> bool:
    """Whether a parameter is a number of the schedule: by its name, its default or its annotation."""
    role = role_of(setting.name)
    if role in (Role.LAST_EPOCH, Role.BASE_RATE, Role.COUNT) or _BESIDES & set(words(setting.name)):
        return False
    default = literal(setting.default) if setting.default is not None else None
    if isinstance(default, bool | str):
        return False
    number = isinstance(default, int | float) or setting.annotation in ("int", "float", "Optional[int]", "int | None")
    several = isinstance(default, list | tuple) and bool(default) and all(isinstance(n, int | float) for n in default)
    return role in SCHEDULE_ROLES or number or several


def _acts(study: Study, setting: Given, unread: bool) -> bool:
    """Whether the rate changes with a setting that nothing can be seen to read: a base class of torch reads it.

    Where that has no attribute of the name either, one other value stands for all.
    """
    run = study.run(0, use=None) if study.ran else None
    value = run.leaves.get(setting.name, run.names.get(setting.name)) if run is not None else None
    if run is None or not run.ran or isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return without_effect(study, setting.name, None, most=1 if unread else None) is None


def _unused(study: Study, node: ast.ClassDef | ast.FunctionDef, setting: Given) -> Iterator[Violation]:
    """The finding on a setting that nothing reads: as advice where what stands beside it may be why it is taken."""
    shared = shared_interface(study, node, setting.name)
    if shared is None:
        return
    evidence = study.evidence(study.runs[0], [0, len(study.runs[0].curve) // 2]) if study.ran else None
    message = (
        f"`{setting.name}` is accepted but has no effect: nothing that computes the rate reads it, and the rate is "
        "the same at every step whatever it is."
    )
    advice = role_of(setting.name) in _WHOLES or (shared and (isinstance(node, ast.FunctionDef) or not _falls(study)))
    # A number that no schedule is known to have (a weight decay, an index of layers) may be meant for something else.
    advice = advice or (isinstance(node, ast.FunctionDef) and role_of(setting.name) is Role.UNKNOWN)
    nothing = isinstance(setting.default, ast.Constant) and setting.default.value in (None, 0)
    advice = advice or (nothing and not _is_floor(setting.name) and not _passed(study, node, setting.name))
    yield Violation(study.span(setting.place), message, evidence, advice=advice)


def _is_floor(name: str) -> bool:
    """Whether 0 is what the setting ordinarily is."""
    return role_of(name) in (Role.FLOOR, Role.WARMUP_START)


def _passed(study: Study, node: ast.ClassDef | ast.FunctionDef, name: str) -> bool:
    """Whether a call in sight gives the parameter a value: else one that is nothing by default may be left over."""
    shown = dict.fromkeys([study.names, *(use.names for use in study.uses if use.names is not None)])
    calls = (n for names in shown for n in names.nodes if isinstance(n, ast.Call))
    return any(name in arguments_of(call, node) for call in calls if called(call) == node.name)


def _falls(study: Study) -> bool:
    """Whether the rate may go down: else settings of a decay are there for the schedules beside this one."""
    return not study.ran or any(later < rate for rates in study.runs[0].lr for rate, later in pairwise(rates))


def _ineffective(study: Study) -> Iterator[Violation]:
    """Settings that are read, and whose value changes no rate all the same."""
    if any(_stops_early(study, run) for run in study.runs):
        return  # what comes later may be where it matters
    if any(run.measured for run in study.runs):
        return  # the units of its lengths are lrfix's own choice, and decide what has a part in them
    for path, texts, use in list(_adjustable(study))[:_MOST]:
        runs = [study.run(index, use=use) for index in range(len(study.runs))]
        reads = Reads(study, texts, runs) if not matters_at_once(study, path, use) else None
        shown = without_effect(study, path, use) if reads is not None and reads.all_ran else None
        if shown is not None and reads is not None:
            last = max(reads.nodes, key=lambda n: (getattr(n, "lineno", 0), getattr(n, "col_offset", 0)))
            place = study.names.statement_of(last) or last
            yield Violation(
                study.span(place),
                f"`{path}` has no effect: it is read here, but with {num(shown[0])} and {num(shown[1])} the rate is "
                "the same at every step, and so it is with all other values that were tried.",
                study.evidence(study.runs[0], [0, len(study.runs[0].curve) // 2]),
                advice=True,  # other values of what stands around it may give it an effect
            )
            return


def _stops_early(study: Study, run: Run) -> bool:
    """Whether a run fails before the schedule has come to its end, so that nobody sees what its settings do later."""
    end = study.horizon(run)
    return run.failure is not None and (end is None or run.failure.step < end)


def _adjustable(study: Study) -> Iterator[tuple[str, list[str], str | None]]:
    """The settings that can be turned: of a class the parameters of its constructor, else what a run asks for."""
    node = study.node
    if isinstance(node, ast.ClassDef) and study.site.form in ("subclass", "wrapper"):
        held, related = kept_as(study), family(study, node)
        for setting in settings_of(node):
            if not _is_setting(setting) or related is None or read_elsewhere(study, node, related, setting.name):
                continue
            if not never_read(study, node, related, setting.name):
                kept = [f"self.{attribute}" for attribute, name in held.items() if name == setting.name]
                yield setting.name, [setting.name, *kept], None
    elif not isinstance(node, ast.ClassDef):
        for path, value in study.runs[0].leaves.items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if number and role_of(path) in SCHEDULE_ROLES - {Role.BASE_RATE}:
                yield path, [path], "chosen"


def _overwritten(study: Study) -> Iterator[Violation]:
    """A rate that a branch on the position works out, and that could be any other: what follows sets it anew."""
    ran = {s for run in study.runs for t in (run.built, run.stepped) if t is not None for s in t.statements}
    bodies = [s for f in functions_of(study) for s in ast.walk(f)]
    bodies += [n for root in study.site.nodes for n in ast.walk(root)]
    for branch in dict.fromkeys(n for n in bodies if isinstance(n, ast.If) and _by_position(n.test)):
        for statement in branch.body:
            if statement not in ran or not isinstance(statement, ast.Assign) or not _sets_a_rate(statement):
                continue
            if _read_meanwhile(study, statement) or not _set_anew(study, branch, statement):
                continue
            if all(_could_be_any(study, statement, index) for index in range(len(study.runs))):
                yield Violation(
                    study.span(statement),
                    f"What is computed here under `{ast.unparse(branch.test)}` has no effect on any rate: "
                    f"`{ast.unparse(statement.targets[0])}` is set anew whatever the branch did. An `else` is missing.",
                    study.evidence(study.runs[0], [0, 1]),
                )
                return


def _read_meanwhile(study: Study, statement: ast.Assign) -> bool:
    """Whether what is assigned is read before its name is set anew: written to an optimizer that the run takes for the
    same as the next one, or made the next value of."""
    target = statement.targets[0]
    function = study.names.enclosing(statement, (*_FUNCTIONS, ast.Lambda)) or study.names.tree
    uses = [n for n in walk(function) if isinstance(n, ast.Name) and n.id == ast.unparse(target)]
    later = sorted((n for n in uses if _place(n) > _end(statement)), key=_place)
    anew = next((n for n in later if isinstance(n.ctx, ast.Store)), None)
    store = study.names.statement_of(anew) if anew is not None else None
    until = _end(store) if store is not None else (float("inf"), 0)
    return any(
        isinstance(n.ctx, ast.Load) and _place(n) < until and not isinstance(study.names.statement_of(n), ast.Expr)
        for n in later
    )


def _set_anew(study: Study, branch: ast.If, statement: ast.Assign) -> bool:
    """Whether what follows a branch, in its block or in one around it, assigns the same name again."""
    name = ast.unparse(statement.targets[0])
    inside: ast.AST = branch
    while isinstance(inside, ast.stmt) and not isinstance(inside, _FUNCTIONS):
        block = block_of(study.names, inside)
        for later in block[block.index(inside) + 1 :]:
            if any(isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store) for n in walk(later)):
                return True
        inside = study.names.parents[inside]
    return False


def _place(node: ast.expr) -> tuple[float, int]:
    return node.lineno, node.col_offset


def _end(node: ast.stmt) -> tuple[float, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or 0


def _sets_a_rate(statement: ast.Assign) -> bool:
    target = statement.targets[0]
    if len(statement.targets) > 1 or not isinstance(target, ast.Name) or isinstance(statement.value, ast.Constant):
        return False
    return names_rate(target.id) or bool(_FACTORS & set(words(target.id)))


def _by_position(test: ast.expr) -> bool:
    """Whether a test asks for the position in training, among other things perhaps."""
    for node in ast.walk(test):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name and (names_position(name) or (speaks_of_step(name) and "last" in words(name))):
            return True
    return False


def _could_be_any(study: Study, statement: ast.Assign, index: int) -> bool:
    """Whether another value in the place of the one assigned gives the same run."""
    other = ast.BinOp(ast.BinOp(statement.value, ast.Mult(), ast.Constant(1.7)), ast.Add(), ast.Constant(0.013))
    with replaced(study.names, statement.value, other):
        changed = run_altered(study, index, beside=study.runs[index])
    run = study.runs[index]
    ended = [(r.failure.kind, r.failure.step) if r.failure is not None else None for r in (run, changed)]
    return not changed.parted and changed.opaque is None and ended[0] == ended[1] and changed.lr == run.lr


__all__ = ["unused_parameter"]
