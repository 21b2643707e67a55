"""LR107: a scheduler class that breaks the contract with its base class: what is set when, advanced, returned."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from lrfix.driving.laboratory import Failure
from lrfix.experiments.bindings import inherits_privately
from lrfix.experiments.class_reading import (
    always_read,
    assigned_after_base,
    base_constructor_call,
    calls_on_self,
    created_elsewhere,
    drives_others,
    fixed_length,
    is_number,
    name_span,
    on_class,
    reads,
    stands_before,
    stored_in,
    stored_outside_constructor,
    stores_in,
    torch_named,
)
from lrfix.experiments.frozen_counts import decides_rates
from lrfix.experiments.grid import Case, Grid, Standing
from lrfix.experiments.inheritance import RENAMED, TORCH_STATE, bases, foreign_super, made_by_base, read_too_early
from lrfix.experiments.reached import spared_by
from lrfix.experiments.step_paths import StepPath, step_paths
from lrfix.experiments.structure import method, methods, statements
from lrfix.experiments.study import Study
from lrfix.findings import Span, Violation
from lrfix.registry import rule
from lrfix.sites.subclasses import unasked_rates
from lrfix.trees import walk

_TORCH_OWN = frozenset({*TORCH_STATE, "verbose", "print_lr", "_get_lr_called_within_step", "_is_initial"})
#: How many arguments the constructors of torch's schedulers take by position, the optimizer among them.
_POSITIONS = {
    "LRScheduler": 2, "_LRScheduler": 2, "LambdaLR": 3, "MultiplicativeLR": 3, "StepLR": 4, "MultiStepLR": 4,
    "ConstantLR": 4, "LinearLR": 5, "ExponentialLR": 3, "PolynomialLR": 4, "CosineAnnealingLR": 4,
    "CosineAnnealingWarmRestarts": 5,
}  # fmt: skip
_NO_ATTRIBUTE = re.compile(r"'(\w+)' object has no attribute '(\w+)'")


@rule("LR107")
def broken_subclass(study: Study) -> Iterator[Violation]:
    node = study.node
    if not isinstance(node, ast.ClassDef):
        return
    reported: set[Span] = set()
    for found in _faults(study, node):
        if found.span not in reported:
            reported.add(found.span)
            yield found


def _faults(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    yield from _formula_not_asked(study, node)
    yield from foreign_super(study, node)
    yield from _gone_from_torch(study, node)
    crashed = list(_fails_when_built(study, node))
    yield from crashed
    if not crashed:
        yield from read_too_early(study, node)
    if study.site.form != "subclass":
        return
    if not crashed:
        yield from _set_too_late(study, node)
    yield from _wrong_number(study, node)
    if any(torch_named(study, base) for base in node.bases):
        yield from _no_base_constructor(study, node)
        yield from _left_behind(study, node)


def _formula_not_asked(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """A formula under a name that torch does not know: building the scheduler asks ``get_lr``, which only refuses."""
    failures = [run.failure for run in study.runs]
    formula = unasked_rates(node)
    if formula is None or not all(f is not None and f.step < 0 and f.kind == "NotImplementedError" for f in failures):
        return
    yield Violation(
        name_span(study, formula),
        f"torch calls a scheduler's `get_lr` for the rates, and `{node.name}` has none: `{formula.name}` is called by "
        "nothing, and building the scheduler raises NotImplementedError.",
    )


def _gone_from_torch(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """What torch's classes no longer take or have: an argument too many, a method under its old name."""
    known = next((b for base in node.bases for b in [_last_name(base)] if b and torch_named(study, base)), None)
    if known is None:
        return
    for call in ast.walk(node):
        if not isinstance(call, ast.Call) or not _of_torch_s_constructor(study, node, call, known):
            continue
        given = [a for a in call.args if not (isinstance(a, ast.Name) and a.id == "self")]
        starred = any(isinstance(a, ast.Starred) for a in given)
        named = any(k.arg == "verbose" for k in call.keywords)
        if named or (not starred and len(given) == _POSITIONS.get(known, 99) + 1):
            yield Violation(
                study.span(call),
                f"`{known}` of torch 2.7 and later takes no `verbose`: building this scheduler raises TypeError there. "
                "Leave the argument out.",
                advice=not _spoken_of(study, node),
                mendable=True,
                since="2.7",
            )
    own = {m.name for c in (node, *bases(study, node)[0]) for m in methods(c)}
    for (base, old), (new, version) in RENAMED.items():
        read = next((r for m in methods(node) for r in reads(m, old)), None)
        stored = any(attribute == old for m in methods(node) for attribute, _ in stores_in(m))
        if base == known and read is not None and old not in own and not stored:
            yield Violation(
                study.span(read),
                f"`{base}.{old}` is {new} from torch {version} on: this line raises AttributeError there.",
                since=version,
            )


def _spoken_of(study: Study, node: ast.ClassDef) -> bool:
    """Whether anything in sight builds a class, derives from it or hands it on: what only stands there hurts nobody."""
    if study.site.elsewhere or study.uses:
        return True
    inside = set(walk(node))
    return any(_last_name(n) == node.name for n in study.names.nodes if isinstance(n, ast.expr) and n not in inside)


def _of_torch_s_constructor(study: Study, node: ast.ClassDef, call: ast.Call, base: str) -> bool:
    """Whether a call, made whatever the version of torch is, is of the constructor of the torch class itself."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr != "__init__":
        return False
    around = study.names.ancestors(call)
    if any(isinstance(a, ast.If | ast.Try | ast.IfExp | ast.With) for a in around):
        return False
    owner = function.value
    if isinstance(owner, ast.Call):
        return isinstance(owner.func, ast.Name) and owner.func.id == "super" and len(node.bases) == 1
    return _last_name(owner) == base


def _last_name(node: ast.expr) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None


def _cases(study: Study) -> Iterator[Case]:
    grid = Grid(study)
    yield from grid.values()
    yield from grid.nones()
    yield from grid.flags()


def _fails_when_built(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """Every run of a case ends with the same exception that the class itself has made sure of."""
    for case in _cases(study):
        failure = case.run.failure
        if failure is None or not all(_same(failure, run.failure) for run in case.runs):
            continue
        found = next(_missing_attribute(study, node, failure), None) or _refused(study, node, failure)
        if found is None and case.setting.axis == "nones":
            found = _counts_with_none(study, node, failure, case)
        if found is not None:
            setting = f" This is so {case.setting.words}." if case.setting.words else ""
            spared = spared_by(study, failure) if case.setting.axis == "values" else None
            setting += f" It is not where {spared}." if spared is not None else ""
            advice = spared is not None or case.setting.standing is Standing.LEGAL
            yield Violation(found.span, found.message + setting, advice=advice)
            return


def _same(one: Failure, other: Failure | None) -> bool:
    return other is not None and (one.kind, one.message, one.node) == (other.kind, other.message, other.node)


def _refused(study: Study, node: ast.ClassDef, failure: Failure) -> Violation | None:
    """The base class's constructor does not take what it is given."""
    call = base_constructor_call(node)
    if failure.step >= 0 or failure.kind != "TypeError" or failure.node is None or failure.node is not call:
        return None
    if not any(torch_named(study, base) for base in node.bases) or "argument" not in failure.message:
        return None
    passes_on = any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords)
    if passes_on and "missing" in failure.message:
        return None  # whoever builds it gives what is missing
    return Violation(
        study.span(call), f"The base class's constructor does not take this: it raises TypeError: {failure.message}."
    )


def _counts_with_none(study: Study, node: ast.ClassDef, failure: Failure, case: Case) -> Violation | None:
    """A parameter that the constructor tests for None, and works with where it is None."""
    if failure.kind != "TypeError" or "NoneType" not in failure.message or failure.node is None:
        return None
    name = next(iter(case.setting.overrides))
    used = [n for n in ast.walk(failure.node) if isinstance(n, ast.Name) and n.id == name]
    statement = study.names.statement_of(failure.node)
    inside = list(study.names.ancestors(failure.node))
    if not used or statement is None or method(node, "__init__") not in inside:
        return None
    return Violation(
        study.span(statement),
        f"`{name}` is None here where it is left out, as the constructor itself allows, and this line works with it: "
        f"building the scheduler raises TypeError: {failure.message}.",
    )


def _missing_attribute(study: Study, node: ast.ClassDef, first: Failure) -> Iterator[Violation]:
    """An AttributeError on the scheduler itself."""
    matched = _NO_ATTRIBUTE.search(first.message) if first.kind == "AttributeError" else None
    if matched is None:
        return
    owner, name = matched.groups()
    if owner != node.name or any(m.name in ("__getattr__", "__getattribute__") for m in methods(node)):
        return
    when = "when the scheduler is built" if first.step < 0 else f"at step {first.step}"
    late = assigned_after_base(node, name)
    call = base_constructor_call(node)
    if late is not None and call is not None:
        yield Violation(study.span(call), _too_late(study, name, late))
    elif (
        study.site.form == "subclass"
        and name not in _TORCH_OWN
        and not inherits_privately(study, name)
        and not created_elsewhere(study, node, name)
    ):
        read = next(reads(method(node, "get_lr"), name), None) or first.node
        if read is not None and hasattr(read, "lineno"):
            yield Violation(
                study.span(read),
                f"`self.{name}` is read here, and the constructor never creates it: {when} this raises AttributeError.",
            )
    elif (
        call is not None
        and first.node is not None
        and stands_before(first.node, call)
        and (name in _TORCH_OWN or made_by_base(study, node, name))
    ):
        yield Violation(
            study.span(first.node),
            f"`self.{name}` is read before the base class's constructor creates it: building the scheduler raises "
            "AttributeError.",
        )


def _set_too_late(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """torch's constructor asks ``get_lr``; what it then reads must exist. For classes that cannot be run."""
    call = base_constructor_call(node)
    get_lr = method(node, "get_lr")
    if call is None or get_lr is None or study.site.base == "ReduceLROnPlateau":
        return
    if study.opaque is None:
        return
    if not any(torch_named(study, base) for base in node.bases) or method(node, "step") is not None:
        return
    for name in dict.fromkeys(always_read(get_lr.body)):
        late = assigned_after_base(node, name)
        if late is not None and not on_class(node, name) and name not in _TORCH_OWN:
            yield Violation(study.span(call), _too_late(study, name, late))
            return


def _too_late(study: Study, name: str, late: ast.stmt) -> str:
    return (
        "torch's constructor computes the first rate before it returns, and that reads "
        f"`self.{name}`, which is set only afterwards (line {late.lineno}): building the scheduler raises "
        "AttributeError. Call the base class's constructor last."
    )


def _wrong_number(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """``get_lr`` returns something else than one rate a parameter group."""
    get_lr = method(node, "get_lr")
    if get_lr is None or study.opaque is not None:
        return
    returns = [s for s in statements(get_lr.body) if isinstance(s, ast.Return) and s.value is not None]
    failures = [run.failure for run in study.runs]
    if not returns or any(f is None for f in failures):
        return
    if any(c.optimizer_call is not None for c in study.uses):
        return
    if all(f is not None and f.kind == "ValueError" and "parameter groups, but" in f.message for f in failures):
        short = [s for s in returns if fixed_length(s.value)]
        alone = study.run(0, groups=1)
        if short and alone.ran:
            yield Violation(
                study.span(short[0]),
                "`get_lr` must return one rate for every parameter group and returns one in all: with two groups the "
                "second keeps its rate for the whole run, and torch 2.10 and later raise ValueError.",
                advice=True,  # who builds it may have one group
            )
    elif all(f is not None and f.kind == "TypeError" and f.message.endswith("not iterable") for f in failures) and all(
        is_number(s.value) for s in returns
    ):
        yield Violation(
            study.span(returns[0]),
            "`get_lr` returns a single number; torch iterates over what it returns, one rate for every parameter "
            "group: building the scheduler raises TypeError.",
        )


def _no_base_constructor(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    initialiser = method(node, "__init__")
    if initialiser is None or method(node, "get_lr") is None or base_constructor_call(node) is not None:
        return
    if drives_others(node) or any(
        isinstance(n, ast.Attribute) and n.attr in ("_initial_step", "__dict__") for n in ast.walk(initialiser)
    ):
        return
    made = {a for m in methods(node) for a, _ in stores_in(m)} | {m.name for m in methods(node)}
    missing = [name for name in TORCH_STATE if name not in made and not on_class(node, name)]
    if not missing:
        return
    by_hand = next((t for t in statements(initialiser.body) if any(a in TORCH_STATE for a, _ in stored_in(t))), None)
    read = any(True for m in methods(node) for name in missing for _ in reads(m, name))
    # A class that moves the rates itself needs nothing of torch's but what somebody asks for.
    unasked = method(node, "step") is not None and not read and not _asked_for(study, node)
    message = "The constructor never calls `super().__init__()`: " + ", ".join(f"`{name}`" for name in missing)
    message += " and the groups' `initial_lr` are never created, and code that reads them fails."
    yield Violation(
        study.span(by_hand) if by_hand is not None else name_span(study, initialiser),
        message + (" No code in sight reads them." if unasked else ""),
        advice=unasked,
    )


def _left_behind(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """A way through ``step`` that moves the rate and leaves ``last_epoch`` or ``_last_lr`` as they were."""
    step = method(node, "step")
    if step is None or study.site.base == "ReduceLROnPlateau":
        return
    paths = [p for p in step_paths(node, step) if p.moves]
    for name, getter in (("last_epoch", "last_epoch"), ("_last_lr", "get_last_lr")):
        if method(node, getter) is not None or on_class(node, name):
            continue
        behind = [p for p in paths if name not in p.sets]
        kept = [p for p in paths if name in p.sets]
        used = bool(kept) or (name == "_last_lr" and calls_on_self(node, "get_last_lr"))
        if name == "last_epoch":
            used = any(True for m in methods(node) for _ in reads(m, name))
            used = used and (bool(kept) or not stored_outside_constructor(study, name))
        if behind and used:
            harmless = not (_asked_for(study, node) if name == "_last_lr" else decides_rates(study, name))
            message = _behind(name, behind[0], bool(kept))
            if harmless:
                message += " No call of it is in sight." if name == "_last_lr" else " No rate in sight depends on it."
            yield Violation(name_span(study, step), message, advice=harmless)
            return


def _asked_for(study: Study, node: ast.ClassDef) -> bool:
    """Whether the class itself, its file or one that builds it asks for the last rates of a scheduler."""
    if calls_on_self(node, "get_last_lr"):
        return True
    own = set(walk(node))
    shown = dict.fromkeys([study.names, *(use.names for use in study.uses if use.names is not None)])
    nodes = (n for names in shown for n in names.nodes if n not in own)
    return any(isinstance(n, ast.Attribute) and n.attr in ("get_last_lr", "_last_lr") for n in nodes)


def _behind(name: str, path: StepPath, elsewhere: bool) -> str:
    mover = f"`{ast.unparse(path.mover)}` (line {path.mover.lineno})" if path.mover is not None else "the rate"
    where = "advances on the other ways through `step`" if elsewhere else "is never advanced"
    if name == "_last_lr":
        effect = "`get_last_lr()` keeps returning an older rate"
        where = "is set on the other ways through `step`" if elsewhere else "is never set"
    else:
        effect = "the scheduler's own count, and every checkpoint of it, stands still"
    return f"`{name}` {where} and not where {mover} moves the rate: {effect} from then on."
