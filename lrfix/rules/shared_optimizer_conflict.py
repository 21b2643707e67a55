"""LR110: two mechanisms write one optimizer's rate, and one erases what the other wrote."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lrfix.experiments.accumulation import goes_on_from_what_stands
from lrfix.experiments.study import Study
from lrfix.experiments.writes import is_rate_key
from lrfix.findings import Violation
from lrfix.names import Assigned, Scope
from lrfix.registry import rule
from lrfix.sites.vocabulary import call_argument, torch_scheduler
from lrfix.tracing.library import names_settings

#: Schedulers whose every step writes a rate of their own, whatever stands in the optimizer; the others go on from it.
_ABSOLUTE = frozenset({"LambdaLR", "OneCycleLR", "CyclicLR", "CosineAnnealingWarmRestarts"})
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_BRANCHES = (ast.If, ast.IfExp, ast.Match, ast.ExceptHandler)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_BASES = ("initial_lr", "base_lrs")
#: The branches around a place within its function, each with the side that the place is on, innermost first.
_Conditions = tuple[tuple[ast.AST, bool], ...]


@dataclass(frozen=True)
class _Scheduler:
    """A scheduler under a name, with the statements in loops that step it; ``under``: the conditions that it is built
    under."""

    name: str
    base: str
    optimizer: str
    built: ast.Call
    steps: tuple[ast.AST, ...]
    absolute: bool
    under: _Conditions


def _always(study: Study, known: Sequence[_Scheduler]) -> list[_Scheduler]:
    """The schedulers that are built and stepped whatever happens, with the steps that are."""
    always = [replace(s, steps=tuple(n for n in s.steps if not _conditions(study, n))) for s in known if not s.under]
    return [s for s in always if s.steps]


@rule("LR110", uses=True)
def shared_optimizer_conflict(study: Study) -> Iterator[Violation]:
    if study.site.form == "training":
        for scope in study.names.scopes.values():
            known = _schedulers(study, scope)
            yield from _conflicts(study, known)
            yield from _written_once(study, _always(study, known))
            yield from _reset_each_turn(study, known)
    elif study.site.form in ("lambda", "composition", "subclass"):
        yield from _beside_others(study)
    elif study.site.form == "setter":
        yield from _setter_over_scheduler(study)


def _beside_others(study: Study) -> Iterator[Violation]:
    """The site's own scheduler and others that the same function builds; whether it starts anew, a run has told."""
    for use in study.site.constructions:
        scope = study.names.scope_of(use.call)
        known = _schedulers(study, scope, {use.call: study.site.name or study.site.base})
        own = [s for s in known if s.built is use.call]
        if own and study.site.form == "subclass":
            if not study.ran or goes_on_from_what_stands(study, 0, study.use):
                continue
            known = [replace(s, absolute=True) if s.built is use.call else s for s in known]
            own = [s for s in known if s.built is use.call]
        found = list(_conflicts(study, known, own)) or list(_written_once(study, _always(study, own)))
        if found:
            yield from found[:1]
            return


def _conflicts(
    study: Study, known: Sequence[_Scheduler], those: Sequence[_Scheduler] | None = None
) -> Iterator[Violation]:
    """What one scheduler of a function does to another; of ``those`` alone, where given."""
    for own in known if those is None else those:
        for other in known:
            if other is own or other.optimizer != own.optimizer or other.under != own.under:
                continue
            eraser, erased = (own, other) if own.absolute else (other, own)
            if not eraser.absolute:
                continue
            if erased.absolute and _last(study, own, other) is erased:
                eraser, erased = erased, eraser
            step = _meeting(study, eraser, erased)
            if step is not None:
                yield Violation(
                    study.span(step),
                    f"`{own.name}` and `{other.name}` both drive `{own.optimizer}`: every step of `{eraser.name}` "
                    f"({eraser.base}) writes its own factor times the base rate over what `{erased.name}` "
                    f"({erased.base}) has set, so `{erased.name}` has no lasting effect. Join them with SequentialLR, "
                    "or step only one at a time.",
                )
                return


def _written_once(study: Study, known: Sequence[_Scheduler]) -> Iterator[Violation]:
    """A rate written by hand now and then, while a scheduler of the same optimizer writes its own at every step."""
    absolute = [s for s in known if s.absolute]
    for write in study.names.nodes if absolute else ():
        if not is_rate_key(write) or not isinstance(getattr(write, "ctx", None), ast.Store):
            continue
        statement = study.names.statement_of(write)
        optimizer = _optimizer_of(study, write)
        if statement is None or optimizer is None:
            continue
        for scheduler in absolute:
            if scheduler.optimizer != optimizer or not _same_function(study, write, scheduler):
                continue
            step = next((s for s in scheduler.steps if _outlives(study, statement, s)), None)
            if step is not None:
                yield Violation(
                    study.span(statement),
                    f"What is written here lasts until the next `{scheduler.name}.step()` (line "
                    f"{getattr(step, 'lineno', 0)}): {scheduler.base} writes its own factor times the base rate over "
                    "it. Change `initial_lr` and the scheduler's `base_lrs` as well, or build the factor into the "
                    "schedule.",
                )
                return


def _reset_each_turn(study: Study, known: Sequence[_Scheduler]) -> Iterator[Violation]:
    """One and the same rate written in every turn of the loop that steps a scheduler."""
    for write in study.names.nodes if known else ():
        statement = study.names.statement_of(write) if is_rate_key(write) else None
        if not isinstance(statement, ast.Assign) or not _is_stated(study, statement.value):
            continue
        loop = study.names.enclosing(write, ast.For)
        whole = loop if loop is not None and _walks_groups(loop) else statement
        if whole is statement and not any(_all_groups(study, n) for n in ast.walk(write)):
            continue
        for scheduler in known:
            if scheduler.optimizer != _optimizer_of(study, write) or not _same_function(study, write, scheduler):
                continue
            step = next((s for s in scheduler.steps if _together(study, s, whole)), None)
            if step is not None:
                yield _without_effect(study, whole, scheduler, step)
                return


def _is_stated(study: Study, value: ast.expr) -> bool:
    """A number, a setting of the run, or what only a constructor sets."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, int | float)
    if not isinstance(value, ast.Attribute):
        return False
    return names_settings(ast.unparse(value)) or _only_constructed(study, value)


def _only_constructed(study: Study, value: ast.Attribute) -> bool:
    """``self.learning_rate``, where no method but ``__init__`` gives it a value."""
    text = ast.unparse(value)
    stores = [
        getattr(study.names.enclosing(n, ast.FunctionDef), "name", "")
        for n in study.names.nodes
        if isinstance(n, ast.Attribute) and n.attr == value.attr and not isinstance(n.ctx, ast.Load)
    ]
    return text == f"self.{value.attr}" and set(stores) == {"__init__"}


def _without_effect(study: Study, place: ast.AST, scheduler: _Scheduler, step: ast.AST) -> Violation:
    return Violation(
        study.span(place),
        f"The rate of `{scheduler.optimizer}` is written here in every turn of the loop, over what "
        f"`{scheduler.name}.step()` (line {getattr(step, 'lineno', 0)}) has set: `{scheduler.name}` "
        f"({scheduler.base}) has no effect. Keep one of the two.",
    )


def _outlives(study: Study, write: ast.stmt, step: ast.AST) -> bool:
    """Whether steps go on after a write that is not made anew before each of them."""
    around = [loop for loop in _loops(study, write) if not _walks_groups(loop)]
    stepping = _loops(study, step)
    if not around or isinstance(step, ast.Return) or around[0] not in stepping or _leaves(study, write):
        return False
    above = list(study.names.ancestors(write))
    guards = [n for n in above[: above.index(around[0])] if isinstance(n, ast.If)]
    if any(_moves_bases(guard) for guard in guards):
        return False
    if stepping[0] is not around[0]:
        return True  # once in a turn of the outer loop, and the scheduler steps in the inner one
    return any(_is_moment(guard.test) and write not in guard.orelse for guard in guards)


def _is_moment(test: ast.expr) -> bool:
    """``epoch == 30``, ``step == args.pivot``: once in a run."""
    return (
        isinstance(test, ast.Compare)
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Eq)
        and isinstance(test.left, ast.Name | ast.Attribute)
        and not (isinstance(test.comparators[0], ast.Constant) and isinstance(test.comparators[0].value, str))
    )


def _moves_bases(guard: ast.If) -> bool:
    """Whether the branch changes what the scheduler starts from as well, or builds another."""
    for node in ast.walk(guard):
        if isinstance(node, ast.Attribute) and node.attr in _BASES:
            return True
        if isinstance(node, ast.Constant) and node.value in _BASES:
            return True
        if isinstance(node, ast.Call) and "schedul" in ast.unparse(node.func).lower():
            return True
    return False


def _leaves(study: Study, write: ast.stmt) -> bool:
    """Whether the block of a write ends the loop."""
    for around in (write, *study.names.ancestors(write)):
        if isinstance(around, _LOOPS) and not _walks_groups(around):
            return False
        block = getattr(study.names.parents.get(around), "body", None)
        if isinstance(block, list) and any(isinstance(s, ast.Break | ast.Return | ast.Raise) for s in block):
            return True
    return False


def _walks_groups(loop: ast.AST) -> bool:
    return isinstance(loop, ast.For) and "param_groups" in ast.unparse(loop.iter)


def _optimizer_of(study: Study, write: ast.AST) -> str | None:
    """The optimizer whose group a write goes to: ``opt`` of ``opt.param_groups[1]["lr"]``, or of the loop around."""
    holder = write.value if isinstance(write, ast.Subscript) else None
    if isinstance(holder, ast.Subscript) and isinstance(holder.value, ast.Attribute):
        return ast.unparse(holder.value.value) if holder.value.attr == "param_groups" else None
    if not isinstance(holder, ast.Name):
        return None
    for around in study.names.ancestors(write):
        if isinstance(around, ast.For) and any(
            isinstance(n, ast.Name) and n.id == holder.id for n in ast.walk(around.target)
        ):
            groups = [n for n in ast.walk(around.iter) if isinstance(n, ast.Attribute) and n.attr == "param_groups"]
            return ast.unparse(groups[0].value) if len(groups) == 1 else None
    return None


def _same_function(study: Study, write: ast.AST, scheduler: _Scheduler) -> bool:
    return study.names.scope_of(write) is study.names.scope_of(scheduler.built)


def _last(study: Study, one: _Scheduler, two: _Scheduler) -> _Scheduler:
    """Of two that both write afresh, the one whose rate stands: stepped in the inner loop, or later in the same."""
    deeper = max((one, two), key=lambda s: max((len(_loops(study, n)) for n in s.steps), default=0))
    depths = {max((len(_loops(study, n)) for n in s.steps), default=0) for s in (one, two)}
    if len(depths) == 1:
        return max((one, two), key=lambda s: max((getattr(n, "lineno", 0) for n in s.steps), default=0))
    return deeper


def _meeting(study: Study, eraser: _Scheduler, erased: _Scheduler) -> ast.AST | None:
    """The step that erases, where both are stepped in the same loop or in one inside the other's."""
    for one in eraser.steps:
        for two in erased.steps:
            if isinstance(one, ast.Return) or isinstance(two, ast.Return):
                return one if one is two else None
            outer, inner = sorted((_loops(study, one), _loops(study, two)), key=len)
            nested = bool(outer) and outer == inner[len(inner) - len(outer) :]
            if nested and _conditions(study, one) == _conditions(study, two):
                return one
    return None


def _together(study: Study, one: ast.AST, other: ast.AST) -> bool:
    """Whether two places are come to in the same turns of the same loops."""
    return _loops(study, one) == _loops(study, other) and _conditions(study, one) == _conditions(study, other)


def _schedulers(study: Study, scope: Scope, also: dict[ast.Call, str] | None = None) -> list[_Scheduler]:
    """The schedulers that a function builds under names of its own and steps in a loop: torch's and ``also``."""
    names = study.names
    found = []
    for name, known in scope.bindings.items():
        bindings = [b for b in known if not (isinstance(b, Assigned) and _is_none(b.value))]
        only = bindings[0] if len(bindings) == 1 else None
        if not isinstance(only, Assigned) or only.index or not isinstance(only.value, ast.Call):
            continue
        base = torch_scheduler(names, only.value.func) or (also or {}).get(only.value)
        optimizer = call_argument(only.value, 0, "optimizer")
        if base is None or optimizer is None or _handed_on(study, scope, name):
            continue
        steps = tuple(_steps(study, scope, name))
        if steps:
            absolute = base in _ABSOLUTE
            under = _conditions(study, only.node)
            found.append(_Scheduler(name, base, ast.unparse(optimizer), only.value, steps, absolute, under))
    return found


def _is_none(value: ast.AST | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _steps(study: Study, scope: Scope, name: str) -> Iterator[ast.AST]:
    for node in study.names.nodes:
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "step"
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == name
            and study.names.scope_of(node) is scope
            and _loops(study, node)
        ) or (isinstance(node, ast.Return) and study.names.scope_of(node) is scope and _returned(scope, node, name)):
            yield node


def _returned(scope: Scope, node: ast.Return, name: str) -> bool:
    """Lightning steps every scheduler in the list that ``configure_optimizers`` returns beside the optimizers."""
    if getattr(scope.node, "name", "") != "configure_optimizers" or not isinstance(node.value, ast.Tuple):
        return False
    if len(node.value.elts) != 2 or not isinstance(node.value.elts[1], ast.List):
        return False
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node.value.elts[1]))


def _handed_on(study: Study, scope: Scope, name: str) -> bool:
    """Whether a scheduler is given to something else that may step it: a composition, a trainer, a list."""
    for node in study.names.nodes:
        if not (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)):
            continue
        if study.names.owner(name, study.names.scope_of(node)) is not scope:
            continue
        user = study.names.parents.get(node)
        returned = study.names.enclosing(node, ast.Return)
        if isinstance(user, ast.Attribute) or (isinstance(user, ast.Compare) and _asks_presence(user)):
            continue
        if isinstance(returned, ast.Return) and _returned(scope, returned, name):
            continue
        return True
    return False


def _conditions(study: Study, node: ast.AST) -> _Conditions:
    """What decides if ``node`` runs in a turn of the loops around it; whether a scheduler is there at all does not."""
    found: list[tuple[ast.AST, bool]] = []
    inner = node
    for around in study.names.ancestors(node):
        if isinstance(around, _FUNCTIONS):
            break
        rest = getattr(around, "orelse", None)
        other = inner is rest or (isinstance(rest, list) and inner in rest)
        present = isinstance(around, ast.If) and not other and _asks_presence(around.test)
        if isinstance(around, _BRANCHES) and not present:
            found.append((around, other))
        if isinstance(around, _LOOPS) and _skips(around):
            found.append((node, other))  # the turn may be over before it comes here, and not before another place
        inner = around
    return tuple(found)


def _asks_presence(test: ast.expr) -> bool:
    """``scheduler is not None``"""
    return isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.IsNot) and _is_none(test.comparators[0])


def _skips(loop: ast.AST) -> bool:
    return any(isinstance(n, ast.Continue) for n in ast.walk(loop))


def _loops(study: Study, node: ast.AST) -> list[ast.AST]:
    """The loops around a place within its function, innermost first."""
    found: list[ast.AST] = []
    for around in study.names.ancestors(node):
        if isinstance(around, _FUNCTIONS):
            break
        if isinstance(around, _LOOPS):
            found.append(around)
    return found


def _setter_over_scheduler(study: Study) -> Iterator[Violation]:
    """A rate written in every turn of a loop that also steps a scheduler of the same optimizer."""
    for place, optimizer in _writings(study):
        loops = _loops(study, place)
        if not loops:
            continue
        for other in _always(study, _schedulers(study, study.names.scope_of(place))):
            if other.optimizer != optimizer:
                continue
            for step in other.steps:
                around = _loops(study, step)
                if around and around == loops[len(loops) - len(around) :]:
                    yield _without_effect(study, place, other, step)
                    return


def _writings(study: Study) -> Iterator[tuple[ast.AST, str]]:
    """Places in a loop that write a rate without looking at the present one, with the optimizer they write to."""
    site = study.site
    if any(_reads_present(n) for node in site.nodes for n in ast.walk(node)):
        return
    if site.inline:
        groups = [n for node in site.nodes for n in ast.walk(node) if _all_groups(study, n)]
        for write in site.writes:
            loop = study.names.enclosing(write, ast.For)
            whole = loop if isinstance(loop, ast.For) and any(g in set(ast.walk(loop.iter)) for g in groups) else write
            if not _conditions(study, write) and not _conditions(study, whole):
                yield from ((whole, ast.unparse(g.value)) for g in groups[:1] if isinstance(g, ast.Attribute))
    elif isinstance(study.node, ast.FunctionDef):
        if any(isinstance(n, (*_BRANCHES, ast.Return)) and _decides(study, n) for n in ast.walk(study.node)):
            return
        for call in site.calls:
            if _conditions(study, call):
                continue
            for argument in (*call.args, *(k.value for k in call.keywords)):
                if isinstance(argument, ast.Name | ast.Attribute):
                    yield call, ast.unparse(argument)


def _decides(study: Study, branch: ast.AST) -> bool:
    """Whether a branch of a setter function may leave the rate as it is."""
    if isinstance(branch, ast.Return):
        return any(w.lineno > branch.lineno for w in study.site.writes)
    return any(branch in study.names.ancestors(w) for w in study.site.writes)


def _reads_present(node: ast.AST) -> bool:
    """``group["lr"]`` or a scheduler's rates on the right-hand side."""
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
        return True
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        return isinstance(node.slice, ast.Constant) and node.slice.value == "lr"
    return isinstance(node, ast.Attribute) and node.attr in ("get_last_lr", "get_lr", "_last_lr")


def _all_groups(study: Study, node: ast.AST) -> bool:
    """``optimizer.param_groups``, and not one of several."""
    if not isinstance(node, ast.Attribute) or node.attr != "param_groups":
        return False
    user = study.names.parents.get(node)
    one = isinstance(user, ast.Subscript) and not isinstance(user.slice, ast.Slice)
    return not one or _has_one_group(study, node.value)


def _has_one_group(study: Study, optimizer: ast.expr) -> bool:
    """Whether the function builds the optimizer of the parameters of one module, which makes one group of them."""
    if not isinstance(optimizer, ast.Name):
        return False
    bound = study.names.bindings(optimizer.id, optimizer)
    calls = [b.value for b in bound if isinstance(b, Assigned) and isinstance(b.value, ast.Call) and b.value.args]
    given = [call.args[0] for call in calls]
    return len(bound) == len(calls) == 1 and isinstance(given[0], ast.Call) and _is_parameters(given[0])


def _is_parameters(call: ast.Call) -> bool:
    """``model.parameters()``."""
    return isinstance(call.func, ast.Attribute) and call.func.attr == "parameters" and not call.args


__all__ = ["shared_optimizer_conflict"]
