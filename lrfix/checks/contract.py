"""LR107: a scheduler class that breaks the contract with its base class: what is set when, advanced, returned."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from lrfix.checks.class_reading import (
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
    own_attribute,
    reads,
    stands_before,
    stored_in,
    stored_outside_constructor,
    stores_in,
    torch_named,
)
from lrfix.checks.inheritance import TORCH_STATE, foreign_super, made_by_base, read_too_early
from lrfix.checks.step_paths import StepPath, step_paths
from lrfix.experiments.structure import method, methods, statements
from lrfix.experiments.study import Study
from lrfix.findings import Span, Violation
from lrfix.names import Defined
from lrfix.registry import rule

_TORCH_OWN = frozenset({*TORCH_STATE, "verbose", "print_lr", "_get_lr_called_within_step", "_is_initial"})
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
    yield from _keywords_as_positions(study, node)
    yield from _overwritten_by_base(study, node)
    yield from foreign_super(study, node)
    crashed = list(_missing_attribute(study, node))
    yield from crashed
    if not crashed:
        yield from read_too_early(study, node)
    if study.site.form != "subclass":
        return
    if not crashed:
        yield from _set_too_late(study, node)
    yield from _wrong_number(study, node)
    if not any(torch_named(study, base) for base in node.bases):
        return
    yield from _no_base_constructor(study, node)
    yield from _left_behind(study, node)
    yield from _inner_stands_still(study, node)


def _missing_attribute(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """Every scenario ends with the same AttributeError on the scheduler itself."""
    failures = [run.failure for run in study.runs]
    if study.opaque is not None or any(f is None or f.kind != "AttributeError" for f in failures):
        return
    first = failures[0]
    matched = _NO_ATTRIBUTE.search(first.message) if first else None
    if first is None or matched is None or any(f is None or f.message != first.message for f in failures):
        return
    owner, name = matched.groups()
    if owner != node.name or any(m.name in ("__getattr__", "__getattribute__") for m in methods(node)):
        return
    when = "when the scheduler is built" if first.step < 0 else f"at step {first.step}"
    late = assigned_after_base(node, name)
    call = base_constructor_call(node)
    if late is not None and call is not None:
        yield Violation(study.span(call), _too_late(study, name, late))
    elif study.site.form == "subclass" and name not in _TORCH_OWN and not created_elsewhere(study, node, name):
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
    """torch's constructor asks ``get_lr``; what it then reads must exist, in its final shape."""
    call = base_constructor_call(node)
    get_lr = method(node, "get_lr")
    if call is None or get_lr is None or study.site.base == "ReduceLROnPlateau":
        return
    if study.opaque is None:
        yield from _reshaped_too_late(study, node, call)
        return
    if not any(torch_named(study, base) for base in node.bases) or method(node, "step") is not None:
        return
    for name in dict.fromkeys(always_read(get_lr.body)):
        late = assigned_after_base(node, name)
        if late is not None and not on_class(node, name) and name not in _TORCH_OWN:
            yield Violation(study.span(call), _too_late(study, name, late))
            return


def _reshaped_too_late(study: Study, node: ast.ClassDef, call: ast.Call) -> Iterator[Violation]:
    """An attribute exists when ``get_lr`` is first asked, and gets the form that ``get_lr`` needs only afterwards."""
    for run in study.runs:
        if run.failure is None or run.failure.step >= 0 or run.failure.kind not in ("TypeError", "IndexError"):
            return
    failure = study.runs[0].failure
    broken = failure.node if failure is not None else None
    if failure is None or broken is None:
        return
    for inner in ast.walk(broken):
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id == "self":
            late = assigned_after_base(node, inner.attr)
            if late is not None:
                yield Violation(
                    study.span(late),
                    f"`self.{inner.attr}` gets its final form only here, after the base class's constructor has asked "
                    f"`get_lr` for the first rate (line {call.lineno}); building the scheduler raises {failure.kind}: "
                    f"{failure.message}.",
                )
                return


def _too_late(study: Study, name: str, late: ast.stmt) -> str:
    return (
        "torch's constructor asks for the first rate before it returns, and that reads "
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
    yield Violation(
        study.span(by_hand) if by_hand is not None else name_span(study, initialiser),
        "The constructor never calls `super().__init__()`: "
        + ", ".join(f"`{name}`" for name in missing)
        + " and the groups' `initial_lr` are never created, and code that asks the scheduler for them fails.",
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
            yield Violation(name_span(study, step), _behind(name, behind[0], bool(kept)))
            return


def _behind(name: str, path: StepPath, elsewhere: bool) -> str:
    mover = f"`{ast.unparse(path.mover)}` (line {path.mover.lineno})" if path.mover is not None else "the rate"
    where = "advances on the other ways through `step`" if elsewhere else "is never advanced"
    if name == "_last_lr":
        effect = "`get_last_lr()` keeps returning an older rate"
        where = "is set on the other ways through `step`" if elsewhere else "is never set"
    else:
        effect = "the scheduler's own count, and every checkpoint of it, stands still"
    return f"`{name}` {where} and not where {mover} moves the rate: {effect} from then on."


def _inner_stands_still(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """Another scheduler is asked for its rates and nobody ever steps it."""
    get_lr, initialiser = method(node, "get_lr"), method(node, "__init__")
    if get_lr is None or initialiser is None:
        return
    parameters = {a.arg for a in (*initialiser.args.args, *initialiser.args.kwonlyargs)}
    for call in ast.walk(get_lr):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)) or call.args:
            continue
        inner = call.func.value
        if call.func.attr not in ("get_lr", "get_last_lr") or own_attribute(inner) is None:
            continue
        name = own_attribute(inner)
        held = any(
            a == name and isinstance(v, ast.Name) and v.id in parameters and isinstance(s, ast.Assign)
            for s in statements(initialiser.body)
            for a, v in stored_in(s)
        )
        if held and not _touched(node, name or "") and not _stepped_outside(study):
            yield Violation(
                study.span(call),
                f"`self.{name}` is asked for its rates and never stepped: its count stays where it started, and so "
                "do the rates it gives.",
            )
            return


def _touched(node: ast.ClassDef, name: str) -> bool:
    """Whether the class does anything with the attribute but ask it for rates."""
    for inner in ast.walk(node):
        if not (isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Load)) or inner.attr in (
            "get_lr",
            "get_last_lr",
            "base_lrs",
        ):
            continue
        if own_attribute(inner.value) == name:
            return True
    uses = sum(
        own_attribute(n) == name and isinstance(n.ctx, ast.Load) for n in ast.walk(node) if isinstance(n, ast.Attribute)
    )
    asked = sum(
        n.attr in ("get_lr", "get_last_lr", "base_lrs") and own_attribute(n.value) == name
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute)
    )
    return uses > asked


def _stepped_outside(study: Study) -> bool:
    """Whether the file steps a scheduler that it hands to this one."""
    given = {
        a.id
        for c in study.site.constructions
        for a in (*c.call.args, *(k.value for k in c.call.keywords))
        if isinstance(a, ast.Name)
    }
    return any(
        isinstance(n, ast.Attribute) and n.attr == "step" and isinstance(n.value, ast.Name) and n.value.id in given
        for n in study.names.nodes
    )


def _keywords_as_positions(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """``f(*kwargs)`` where ``kwargs`` is the function's own ``**kwargs``: the names arrive as positional texts."""
    for function in methods(node):
        rest = function.args.kwarg
        if rest is None:
            continue
        for call in ast.walk(function):
            if not isinstance(call, ast.Call):
                continue
            for argument in call.args:
                if (
                    isinstance(argument, ast.Starred)
                    and isinstance(argument.value, ast.Name)
                    and argument.value.id == rest.arg
                ):
                    yield Violation(
                        study.span(call),
                        f"`*{rest.arg}` passes the names of the keyword arguments on as positional texts: "
                        f'`last_epoch=5` arrives as the string "last_epoch". Write `**{rest.arg}`.',
                    )


def _overwritten_by_base(study: Study, node: ast.ClassDef) -> Iterator[Violation]:
    """A start value set before the base class's constructor, which then sets it to a constant of its own."""
    initialiser, call = method(node, "__init__"), base_constructor_call(node)
    if initialiser is None or call is None or len(node.bases) != 1 or not isinstance(node.bases[0], ast.Name):
        return
    known = study.names.bindings(node.bases[0].id, node)
    base = known[0].node if len(known) == 1 and isinstance(known[0], Defined) else None
    constructor = method(base, "__init__") if base is not None else None
    if constructor is None:
        return
    fixed = {
        a: s
        for s in constructor.body
        if isinstance(s, ast.Assign)
        for a, v in stored_in(s)
        if isinstance(v, ast.Constant) and v.value is not None
    }
    for statement in statements(initialiser.body):
        for name, value in stored_in(statement):
            if name not in fixed or not stands_before(statement, call) or isinstance(value, ast.Constant):
                continue
            readers = [m for m in methods(node) if m.name != "__init__" and any(True for _ in reads(m, name))]
            if readers and assigned_after_base(node, name) is None:
                default = fixed[name]
                assert isinstance(default, ast.Assign)
                yield Violation(
                    study.span(statement),
                    f"`self.{name}` is set here and overwritten with {ast.unparse(default.value)} by the base class's "
                    f"constructor (line {default.lineno}), before `{readers[0].name}` reads it: the value given is "
                    "lost.",
                )
