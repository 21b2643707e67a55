"""Sites of the form ``wrapper``: classes of one's own, no torch schedulers, whose methods set the rate."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lrfix.names import Binding, Defined, Names
from lrfix.sites.effects import FUNCTIONS, Effects, Function, RateWrite
from lrfix.sites.formulas import RateFormula
from lrfix.sites.model import Construction, ScheduleSite
from lrfix.sites.subclasses import optimizer_parameter
from lrfix.sites.vocabulary import (
    OTHER_QUANTITIES,
    call_argument,
    foreign_framework,
    looks_like_optimizer,
    names_rate,
    optimizer_call,
    speaks_of_rate,
    torch_scheduler,
    words,
)
from lrfix.source import Source
from lrfix.trees import walk

_SCHEDULER_WORDS = frozenset(
    {"lr", "scheduler", "schedule", "sched", "warmup", "warmer", "anneal", "annealing", "noam", "decay", "scheduled"}
    | {"policy", "adjuster", "lrscheduler", "lrschedule", "learning"}
)
_SCHEDULER_METHODS = frozenset(
    {"get_lr", "_get_lr", "get_lrs", "get_next_lr", "step_update", "step_begin_epoch", "get_epoch_values"}
    | {
        "get_update_values",
        "update_lr",
        "_compute_lr",
        "compute_lr",
        "get_learning_rate",
        "calc_lr",
        "_get_learning_rate",
    }
)
_STEPPING_METHODS = frozenset({"step", "step_update", "step_begin_epoch", "step_epoch", "step_batch"})
_TRAINING_METHODS = frozenset(
    {"train", "fit", "forward", "training_step", "train_epoch", "train_step", "validate", "evaluate", "run", "backward"}
    | {"train_one_epoch", "test", "predict", "configure_optimizers", "run_epoch", "run_step"}
)
_NEUTRAL_METHODS = frozenset(
    {"__init__", "state_dict", "load_state_dict", "zero_grad", "__repr__", "__str__", "param_groups", "get_lr", "save"}
    | {"load", "add_args", "get_last_lr", "lr", "__getattr__", "__getstate__", "__setstate__"}
)
#: A class of which less than this share of statements is about the rate is something else that also sets it.
_SHARE = 0.4
_SHARE_OF_SCHEDULERS = 0.15


def wrapper_sites(source: Source, names: Names, effects: Effects, taken: Iterable[ast.AST]) -> list[ScheduleSite]:
    """One site a class; ``taken`` are the classes that are sites of another form."""
    if foreign_framework(names):
        return []
    owned = set(taken)
    found: list[ScheduleSite] = []
    classes = [n for n in names.nodes if isinstance(n, ast.ClassDef) and n not in owned and not _foreign(names, n)]
    for node in classes:
        family = _family(names, node)
        methods = _methods(family)
        writes = [w for m in methods.values() for w in effects.inside(m)]
        setting = [s for m in methods.values() for s in effects.setting_calls(m)]
        if not (
            _sets_rates(names, node, methods, writes)
            or _directs(names, node, methods, setting)
            or _is_scheduler_by_word(names, node, methods)
            or _bends_a_schedule(names, node, family, {site.node for site in found})
        ):
            continue
        own = [s for s in (*(w.statement for w in writes), *setting) if node in names.ancestors(s)]
        found.append(_site(source, names, node, family, own))
    known = {site.node for site in found}
    found += [
        _site(source, names, n, _family(names, n), []) for n in classes if n not in known and _asks(names, n, known)
    ]
    return found


def _site(
    source: Source, names: Names, node: ast.ClassDef, family: list[ast.ClassDef], writes: list[ast.stmt]
) -> ScheduleSite:
    return ScheduleSite(
        form="wrapper",
        name=node.name,
        base="",
        nodes=(node,),
        span=source.span(node),
        constructions=tuple(_constructions(names, node, family)),
        writes=tuple(dict.fromkeys(writes)),
    )


def _asks(names: Names, node: ast.ClassDef, known: set[ast.AST]) -> bool:
    """Whether a class is asked for the rate and hands the question on to a schedule of this file that it builds."""
    if not _SCHEDULER_WORDS & set(words(node.name)):
        return False
    methods = _methods([node])
    built = {
        target.attr
        for statement in walk(methods.get("__init__", ast.Pass()))
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)
        for binding in _bindings_of(names, statement.value.func)
        if isinstance(binding, Defined) and binding.node in known
        for target in statement.targets
        if isinstance(target, ast.Attribute)
    }
    return any(
        isinstance(n, ast.Return) and isinstance(n.value, ast.Call) and _receiver(n.value) in built
        for name, method in methods.items()
        if name == "__call__" or name in _SCHEDULER_METHODS
        for n in walk(method)
    )


def _bindings_of(names: Names, function: ast.expr) -> list[Binding]:
    return names.bindings(function.id, function) if isinstance(function, ast.Name) else []


def _receiver(call: ast.Call) -> str | None:
    """``part`` of ``self.part(state)`` and ``self.part.get_lr(step)``."""
    function = call.func
    inner = function.value if isinstance(function, ast.Attribute) else function
    known = inner if isinstance(inner, ast.Attribute) else function
    return known.attr if isinstance(known, ast.Attribute) else None


def _bends_a_schedule(names: Names, node: ast.ClassDef, family: list[ast.ClassDef], known: set[ast.AST]) -> bool:
    """Whether a class replaces a part of a scheduler of this file by a calculation of its own."""
    own = [m for m in node.body if isinstance(m, FUNCTIONS) and not _abstract(m)]
    inherited = {m.name for c in family if c in known for m in c.body if isinstance(m, FUNCTIONS)}
    bent = [m for m in own if m.name in inherited and m.name not in _NEUTRAL_METHODS]
    return any(_calculates(m) or _leaves_to_a_formula(names, m) for m in bent)


def _leaves_to_a_formula(names: Names, method: Function) -> bool:
    """Whether a method returns what a function of the file works out of a rate."""
    return any(
        isinstance(n, ast.Return)
        and isinstance(n.value, ast.Call)
        and any(k.arg is not None and names_rate(k.arg) for k in n.value.keywords)
        and any(
            isinstance(b, Defined) and isinstance(b.node, FUNCTIONS) and _calculates(b.node)
            for b in _bindings_of(names, n.value.func)
        )
        for n in walk(method)
    )


def _foreign(names: Names, node: ast.ClassDef) -> bool:
    """Torch's own schedulers and optimizers, models, and schedules of other quantities."""
    for cls in _family(names, node):
        if any(torch_scheduler(names, b) for b in cls.bases):
            return True
        for base in cls.bases:
            last = ast.unparse(base).rpartition(".")[2]
            if last in ("Module", "LightningModule", "Optimizer", "TestCase", "SchedulerMixin", "Enum", "Trainer"):
                return True
    return False


def _family(names: Names, node: ast.ClassDef) -> list[ast.ClassDef]:
    """The class and its bases of this file, nearest first."""
    family = [node]
    for cls in family:
        for base in cls.bases:
            if isinstance(base, ast.Name) and len(family) < 8:
                for binding in names.bindings(base.id, base):
                    known = binding.node if isinstance(binding, Defined) else None
                    if isinstance(known, ast.ClassDef) and known not in family:
                        family.append(known)
    return family


def _methods(family: list[ast.ClassDef]) -> dict[str, Function]:
    found: dict[str, Function] = {}
    for cls in family:
        for method in cls.body:
            if isinstance(method, FUNCTIONS):
                found.setdefault(method.name, method)
    return found


def _sets_rates(names: Names, node: ast.ClassDef, methods: dict[str, Function], writes: list[RateWrite]) -> bool:
    if not writes:
        return False
    named = bool(_SCHEDULER_WORDS & set(words(node.name)))
    if not named and not any(w.certain for w in writes):
        return False
    if not named and _TRAINING_METHODS & set(methods):
        return False
    about_rate = _about_rate(names, methods, writes)
    own = [methods[n] for n in about_rate if names.parents.get(methods[n]) is node]
    if not own or (any(_abstract(m) for m in own) and not any(_calculates(m) for m in own)):
        return False
    formula = RateFormula(names, writes)
    writers = {n for n, m in methods.items() if any(m in names.ancestors(w.statement) for w in writes)}
    called = [methods[n] for n in about_rate - writers]
    if not (formula.computed or _computes(called) or (named and _computes(methods[n] for n in about_rate))):
        return False
    rate = sum(_size(m) for m in called)
    # A scheduler's own method is about the rate as a whole; a hook of something else only where it says so.
    if named:
        rate += sum(_size(methods[n]) for n in writers)
    else:
        rate += sum(any(methods[n] in names.ancestors(s) for n in writers) for s in formula.statements)
    everything = sum(_size(m) for n, m in methods.items() if n in about_rate or n not in _NEUTRAL_METHODS)
    return rate >= (_SHARE_OF_SCHEDULERS if named else _SHARE) * everything


def _directs(names: Names, node: ast.ClassDef, methods: dict[str, Function], setting: list[ast.stmt]) -> bool:
    """Whether the class is a scheduler that leaves formula and writing to functions of the file."""
    own = {n for n, m in methods.items() for s in setting if m in names.ancestors(s)}
    return (
        bool(own - {"__init__"})
        and bool(_SCHEDULER_WORDS & set(words(node.name)))
        and not _TRAINING_METHODS & set(methods)
    )


def _about_rate(names: Names, methods: dict[str, Function], writes: list[RateWrite]) -> set[str]:
    """The methods that write the rate, call those that do, or are called by them."""
    inside = {n for n, m in methods.items() for w in writes if m in names.ancestors(w.statement)}
    calls = {n: _called(m) & set(methods) for n, m in methods.items()}
    found = set(inside)
    for _ in range(4):
        found |= {n for n, called in calls.items() if called & found}
    for _ in range(4):
        found |= {c for n in list(found) for c in calls[n]}
    return found - {"__init__"}


def _called(method: Function) -> set[str]:
    return {
        n.attr
        for n in walk(method)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id in ("self", "cls")
    }


def _is_scheduler_by_word(names: Names, node: ast.ClassDef, methods: dict[str, Function]) -> bool:
    """A scheduler whose writing is done elsewhere: by an imported base class or by its caller."""
    spoken = [node.name, *(ast.unparse(b) for b in node.bases)]
    vocabulary = {word for name in spoken for word in words(name)}
    own = {n: m for n, m in methods.items() if names.parents.get(m) is node and not _abstract(m)}
    asked_and_stepped = {"get_lr", "step"} <= set(own) and not _TRAINING_METHODS & set(own)
    spoken_of = vocabulary & {"scheduler", "schedule", "lr", "lrscheduler", "lrschedule"}
    if vocabulary & OTHER_QUANTITIES or not (spoken_of or asked_and_stepped):
        return False
    if not any(speaks_of_rate(i) for cls in _family(names, node) for i in _identifiers(cls)):
        return False
    by_method = [m for n, m in own.items() if n in _SCHEDULER_METHODS]
    by_call = [m for n, m in own.items() if n in ("__call__",)]
    spoken_bases = [words(ast.unparse(b)) for b in node.bases]
    scheduler_base = any({"scheduler", "schedule", "lrscheduler"} & set(w) for w in spoken_bases)
    framework = any({"lr", "learning"} & set(w) and {"scheduler", "schedule"} & set(w) for w in spoken_bases)
    if framework and any(n in own for n in _STEPPING_METHODS):
        return True
    if by_method and (scheduler_base or speaks_of_rate(node.name) or asked_and_stepped):
        return _computes(own.values())
    return bool(by_call) and (_computes(own.values()) or any(_gives_rate(m) for m in by_call))


def _gives_rate(method: Function) -> bool:
    """``return self.lr``: a constant schedule, asked like the others."""
    return any(
        isinstance(n, ast.Return) and isinstance(n.value, ast.Attribute) and names_rate(n.value.attr)
        for n in walk(method)
    )


def _identifiers(node: ast.ClassDef) -> Iterable[str]:
    for inner in walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr
        elif isinstance(inner, ast.arg):
            yield inner.arg
        elif isinstance(inner, FUNCTIONS):
            yield inner.name
    yield node.name
    documentation = ast.get_docstring(node)
    if documentation:
        yield documentation


def _computes(methods: Iterable[Function]) -> bool:
    bodies = [s for m in methods if m.name != "__init__" for s in m.body]
    return any(isinstance(n, ast.BinOp | ast.Compare) for s in bodies for n in walk(s))


def _calculates(method: Function) -> bool:
    return any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div | ast.Pow) for n in walk(method))


def _abstract(method: Function) -> bool:
    if any("abstract" in ast.unparse(d) for d in method.decorator_list):
        return True
    return all(
        isinstance(s, ast.Raise | ast.Pass) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in method.body
    )


def _size(method: Function) -> int:
    return sum(isinstance(n, ast.stmt) for n in walk(method))


def _constructions(names: Names, node: ast.ClassDef, family: list[ast.ClassDef]) -> list[Construction]:
    initial = next((c for c in family if any(isinstance(m, FUNCTIONS) and m.name == "__init__" for m in c.body)), node)
    position, keyword = optimizer_parameter(initial)
    takes_one = looks_like_optimizer(ast.Name(keyword))
    found = []
    for call in names.nodes:
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != node.name:
            continue
        if not any(isinstance(b, Defined) and b.node is node for b in names.bindings(node.name, call)):
            continue
        optimizer = call_argument(call, position, keyword) if takes_one else None
        found.append(Construction(call, optimizer, optimizer_call(names, optimizer)))
    return found
