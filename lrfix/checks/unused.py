"""LR106: settings of a schedule that no step depends on."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.checks.class_reading import own_attribute, torch_named
from lrfix.checks.dropped import dropped
from lrfix.checks.forgotten_warmups import forgotten_warmup
from lrfix.checks.ineffective import pinned, without_effect
from lrfix.checks.kept_back import start_kept_back
from lrfix.checks.lost_warmups import lost_warmup
from lrfix.checks.overwritten import overwritten
from lrfix.checks.sibling_formulas import half_a_choice
from lrfix.checks.state import constant_schedule
from lrfix.checks.stored_in_vain import stored_in_vain
from lrfix.domains.roles import SCHEDULE_ROLES, Role, role_of
from lrfix.experiments.bypass import bypassed
from lrfix.experiments.structure import assignments, hyperparameters, method, methods, statements
from lrfix.experiments.study import Study, constant
from lrfix.findings import Violation
from lrfix.names import Defined
from lrfix.registry import rule
from lrfix.sites.vocabulary import names_position, words

#: Methods that carry settings about without using them.
_BOOKKEEPING = frozenset(
    {
        "state_dict",
        "load_state_dict",
        "save",
        "load",
        "__repr__",
        "__str__",
        "extra_repr",
        "__getstate__",
        "__setstate__",
    }
)
_CONFIGURATION = frozenset({"cfg", "config", "conf", "args", "hparams", "opts", "flags", "options", "settings"})
_BY_NAME = frozenset({"getattr", "vars", "locals", "asdict", "fields", "eval", "exec"})
#: What a caller knows anyway and hands over without a second thought.
_GIVEN = frozenset({Role.BASE_RATE, Role.EPOCHS, Role.LOADER_LENGTH})
#: Lengths that mean nothing to a rate that never moves.
_OF_THE_RUN = frozenset({Role.HORIZON, Role.EPOCHS, Role.LOADER_LENGTH})
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@rule("LR106", uses=True)
def unused_parameter(study: Study) -> Iterator[Violation]:
    if study.site.form == "training":
        yield from stored_in_vain(study)
        yield from forgotten_warmup(study)
        yield from start_kept_back(study)
        yield from dropped(study)
        return
    if bypassed(study) is not None or list(constant_schedule(study)):
        return
    yield from lost_warmup(study)
    yield from overwritten(study)
    node = study.node
    if isinstance(node, ast.ClassDef):
        yield from half_a_choice(study, node)
        if study.site.form in ("subclass", "wrapper"):
            yield from _of_class(study, node)
    elif isinstance(node, ast.FunctionDef | ast.Lambda):
        yield from _of_functions(study, node)


def _of_class(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    family = _family(study, node)
    if family is None:
        return
    by_name = any(_reads_by_name(c) for c in family)
    for place, name, default in _settings(node):
        if role_of(name) not in SCHEDULE_ROLES or role_of(name) is Role.BASE_RATE:
            continue
        if _never_read(study, node, family, name):
            if by_name or _registered_alike(study, node, name) or _like_its_siblings(study, node, name):
                continue
            shown = _same_curves(study, name, default)
            if shown is not None:
                yield _unused(study, place, name, shown)
        elif study.ran:
            yield from without_effect(study, node, name, default)


def _registered_alike(study: Study, node: ast.ClassDef, name: str) -> bool:
    """Whether classes that take the parameter are built by name from one call: then the call decides what they take."""
    if not any(
        isinstance(d, ast.Call) and any(isinstance(a, ast.Constant) and isinstance(a.value, str) for a in d.args)
        for d in node.decorator_list
    ):
        return False
    return any(
        isinstance(n, ast.ClassDef) and n is not node and any(given == name for _, given, _ in _settings(n))
        for n in study.names.nodes
    )


def _like_its_siblings(study: Study, node: ast.ClassDef, name: str) -> bool:
    """Whether a constant schedule takes a length only because the schedules beside it do."""
    if not study.everywhere(lambda run: constant(run.curve)) or role_of(name) not in _OF_THE_RUN:
        return False
    return any(
        isinstance(n, ast.ClassDef) and n is not node and any(given == name for _, given, _ in _settings(n))
        for n in study.names.nodes
    )


def _unused(study: Study, place: ast.AST, name: str, shown: tuple[object, ...]) -> Violation:
    seen = (
        f": with {shown[0]!r} and with {shown[1]!r} the rate is the same at every step"
        if len(shown) == 2
        else ": nothing that works out the rate reads it"
    )
    evidence = study.evidence(study.runs[0], [0, len(study.runs[0].curve) // 2]) if study.ran else None
    return Violation(study.span(place), f"`{name}` is accepted but has no effect{seen}.", evidence)


def _settings(node: ast.ClassDef) -> Iterator[tuple[ast.AST, str, ast.expr | None]]:
    """The parameters of the constructor; the fields of a dataclass where it has none of its own."""
    initialiser = method(node, "__init__")
    if initialiser is not None:
        arguments = initialiser.args
        positional = [*arguments.posonlyargs, *arguments.args]
        missing: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
        for argument, default in zip(positional, [*missing, *arguments.defaults], strict=True):
            if argument is not positional[0]:
                yield argument, argument.arg, default
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            yield argument, argument.arg, default
    elif any("dataclass" in ast.unparse(d) for d in node.decorator_list):
        for statement in node.body:
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and "ClassVar" not in ast.unparse(statement.annotation)
            ):
                yield statement, statement.target.id, statement.value


def _family(study: Study, node: ast.ClassDef) -> list[ast.ClassDef] | None:
    """The class with all that it derives from and that derives from it here; None where a base is out of sight."""
    found = [node]
    for known in found:
        for base in known.bases:
            if torch_named(study, base) or (isinstance(base, ast.Name) and base.id in ("object", "ABC")):
                continue
            if ast.unparse(base).split(".")[-1] in ("ABC", "Protocol", "Generic"):
                continue
            here = (
                [b.node for b in study.names.bindings(base.id, known) if isinstance(b, Defined)]
                if isinstance(base, ast.Name)
                else []
            )
            if not here:
                return None
            found += [c for c in here if isinstance(c, ast.ClassDef) and c not in found]
    below = [node]
    for known in below:
        below += [
            n
            for n in study.names.nodes
            if isinstance(n, ast.ClassDef)
            and n not in below
            and any(isinstance(b, ast.Name) and b.id == known.name for b in n.bases)
        ]
    found += below[1:]
    return found


def _reads_by_name(node: ast.ClassDef) -> bool:
    """Whether a class may read attributes in ways that syntax does not show."""
    for function in methods(node):
        if function.name in _BOOKKEEPING:
            continue
        for inner in ast.walk(function):
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id in _BY_NAME:
                return True
            if own_attribute(inner) == "__dict__":
                return True
    return False


def _never_read(study: Study, node: ast.ClassDef, family: list[ast.ClassDef], name: str) -> bool:
    """The setting is stored at most, and what it is stored in decides nothing in the file."""
    held = {attribute for attribute, parameter in hyperparameters(study).items() if parameter == name}
    initialiser = method(node, "__init__")
    if initialiser is None:
        held = {name}
    else:
        stores = [
            value
            for statement in ast.walk(initialiser)
            for target, value in assignments(statement)
            if isinstance(target, ast.Attribute) and target.attr in held
        ]
        stored = {n for value in stores for n in ast.walk(value)}
        for n in ast.walk(initialiser):
            if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load | ast.Del) and n not in stored:
                return False
    return not any(
        isinstance(n, ast.Attribute)
        and n.attr in held
        and isinstance(n.ctx, ast.Load)
        and not _only_carried(study, n, family)
        for n in study.names.nodes
    )


def _only_carried(study: Study, read: ast.Attribute, family: list[ast.ClassDef]) -> bool:
    """A read that is another object's, or that only saves, loads or prints."""
    if own_attribute(read) is None:
        owner_name = ast.unparse(read.value).split(".")[-1]
        return bool(_CONFIGURATION & set(words(owner_name)))
    owner = study.names.enclosing(read, ast.ClassDef)
    if owner not in family:
        return True
    function = study.names.enclosing(read, ast.FunctionDef)
    return isinstance(function, ast.FunctionDef) and function.name in _BOOKKEEPING


def _same_curves(study: Study, name: str, default: ast.expr | None) -> tuple[object, ...] | None:
    """Two values with the same curves; nothing where the setting cannot be varied; None where a curve differs."""
    shown: tuple[object, ...] = ()
    if not study.ran:
        return shown
    for index in range(len(study.runs)):
        base = study.run(index, use=None)
        value = base.names.get(name, base.leaves.get(name))
        if value is None:
            value = study.defaults.own.get(name)
        if not base.ran or isinstance(value, bool) or not isinstance(value, int | float):
            return shown
        other = value * 2 + 3 if isinstance(value, int) else value * 1.7 + 0.01
        changed = study.run(index, use=None, overrides={**pinned(base), name: other})
        if not changed.ran:
            return None
        if changed.curve != base.curve:
            return None
        shown = (value, other)
    return shown


def _of_functions(study: Study, node: ast.FunctionDef | ast.Lambda) -> Iterator[Violation]:
    """A function whose own parameter nothing in it reads, and whose parameters nobody else prescribes."""
    around = [node, *(a for a in study.names.ancestors(node) if isinstance(a, ast.FunctionDef))]
    for function in around:
        if not isinstance(function, ast.FunctionDef) or _prescribed(study, function):
            continue
        read = {n.id for s in function.body for n in ast.walk(s) if isinstance(n, ast.Name)}
        if read & _BY_NAME or (function.args.kwarg is not None and len(function.body) < 2):
            continue
        for argument in (*function.args.args, *function.args.kwonlyargs):
            name = argument.arg
            role = role_of(name)
            if role not in SCHEDULE_ROLES or role in _GIVEN or names_position(name):
                continue
            if name not in read and not _shared(study, function, name):
                yield _unused(study, argument, name, ())


def _prescribed(study: Study, function: ast.FunctionDef) -> bool:
    """Whether the parameters are somebody else's: an override, a registered function, one that is passed as a value."""
    if function.decorator_list or isinstance(study.names.parents.get(function), ast.ClassDef):
        return True
    calls = {n.func for n in study.names.nodes if isinstance(n, ast.Call)}
    for n in study.names.nodes:
        named = isinstance(n, ast.Name) and n.id == function.name and isinstance(n.ctx, ast.Load)
        if (named and n not in calls) or (isinstance(n, ast.Constant) and n.value == function.name):
            return True
    body = [s for s in statements(function.body) if not isinstance(s, ast.Expr | ast.Pass)]
    return not body or isinstance(body[0], ast.Raise)


def _shared(study: Study, function: ast.FunctionDef, name: str) -> bool:
    """Whether other functions of the file take the parameter too: a common form, not a forgotten setting."""
    return any(
        isinstance(n, _Function)
        and n is not function
        and any(a.arg == name for a in (*n.args.args, *n.args.kwonlyargs))
        for n in study.names.nodes
    )
