"""Rates that are worked out and reach no optimizer: returned to nobody, given a name that nobody reads, only logged."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.clock import parameter_ticks
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.names import Assigned, Defined, Scope
from lrfix.sites.vocabulary import looks_like_optimizer, names_rate, words
from lrfix.trees import walk, written

_NEW = frozenset({"new", "next", "updated"})
_SETS = frozenset({"adjust", "set", "update", "change"})
_ASKED = frozenset({"lr", "learning", "scheduler", "schedule", "anneal", "annealing", "warmup"})


def unwritten(study: Study) -> Iterator[Violation]:
    yield from _returned_alone(study)
    yield from _given_a_name_alone(study)
    yield from _logged_alone(study)
    yield from _another_instead(study)


def _another_instead(study: Study) -> Iterator[Violation]:
    """A function that works the rate of the step out, and writes another that no step changes."""
    for function in (n for n in study.names.nodes if isinstance(n, ast.FunctionDef)):
        moments = set(parameter_ticks([a.arg for a in function.args.args]))
        writes = [n for n in walk(function) if isinstance(n, ast.Assign) and any(map(_is_rate_of_a_group, n.targets))]
        if not moments or not writes or any(_looks_up(n) for n in walk(function)):
            continue
        sets = [n for n in walk(function) if isinstance(n, ast.Assign | ast.AugAssign) and n not in writes]
        # Another name for what the settings say is none that is worked out.
        plain = [s for s in sets if isinstance(s, ast.Assign) and isinstance(s.value, ast.Name | ast.Attribute)]
        worked_out = [s for s in sets if s not in plain or _behind(s.value, sets) & moments]
        bound = {n.id for s in worked_out for n in walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        told = {n.id for w in writes for n in walk(w.value) if isinstance(n, ast.Name)}
        if told & (bound | moments) or not all(_is_a_rate(w.value) for w in writes):
            continue
        used = _in_use(study, function, sets)
        own_names = bound - study.names.scopes[function].outer_names  # what others see, others may write
        for name in sorted(n for n in own_names if names_rate(n)):
            own = [s for s in sets if name in _bound_by(s)]
            moment = next((m for m in sorted(moments) if any(m in _behind(s.value, sets) for s in own)), None)
            if name not in used and moment is not None:
                yield Violation(
                    study.span(writes[-1]),
                    f"`{name}`, worked out from `{moment}`, reaches no optimizer: what `{function.name}` writes is "
                    f"`{written(writes[-1].value)}`, the same at every step.",
                )
                break


def _is_rate_of_a_group(target: ast.expr) -> bool:
    return isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant) and target.slice.value == "lr"


def _looks_up(node: ast.AST) -> bool:
    """Whether code may look its variables up by name."""
    return isinstance(node, ast.Name) and node.id in ("locals", "vars", "eval", "exec", "globals")


def _is_a_rate(value: ast.expr) -> bool:
    """Whether a value is a rate by its name alone, nothing calculated."""
    name = value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
    return bool(name) and names_rate(name)


def _bound_by(statement: ast.Assign | ast.AugAssign) -> set[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return {t.id for t in targets if isinstance(t, ast.Name)}


def _names_in(node: ast.AST) -> set[str]:
    return {n.id for n in walk(node) if isinstance(n, ast.Name)}


def _behind(value: ast.expr, sets: list[ast.Assign | ast.AugAssign]) -> set[str]:
    """The names that a value is worked out from, through other local names as well."""
    found = _names_in(value)
    for _ in sets:
        more = {name for s in sets if _bound_by(s) & found for name in _names_in(s.value)}
        if more <= found:
            break
        found |= more
    return found


def _in_use(study: Study, function: ast.FunctionDef, sets: list[ast.Assign | ast.AugAssign]) -> set[str]:
    """The local names of which anything becomes: read by more than the log, or by what is worked out for such a one."""
    inside = {n for s in sets for n in walk(s)}
    reads = (n for n in walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n not in inside)
    used = {n.id for n in reads if not _is_logged(study, n) and not _is_told(study, n)}
    for _ in sets:
        more = {name for s in sets if not _bound_by(s) or _bound_by(s) & used for name in _names_in(s.value)}
        if more <= used:
            break
        used |= more
    return used


def _is_told(study: Study, node: ast.Name) -> bool:
    """Whether a function only returns a rate, to callers of which none in sight writes it."""
    function = study.names.enclosing(node, ast.FunctionDef)
    above = study.names.parents.get(node)
    above = study.names.parents.get(above) if isinstance(above, ast.Tuple) else above
    if not isinstance(above, ast.Return) or not isinstance(function, ast.FunctionDef):
        return False
    name, inside = function.name, set(walk(function))
    outside = [n for n in study.names.nodes if isinstance(n, ast.Assign) and n not in inside]
    answers = {bound for each in outside if _calls(each.value, name) for bound in _bound_by(each)}
    writes = [each for each in outside if any(map(_is_rate_of_a_group, each.targets))]
    return not any(answers & _names_in(each.value) or _calls(each.value, name) for each in writes)


def _calls(node: ast.AST, name: str) -> bool:
    return any(isinstance(n, ast.Call) and written(n.func).rpartition(".")[2] == name for n in walk(node))


def _returned_alone(study: Study) -> Iterator[Violation]:
    """A function that is given the optimizer, works out its rate, and returns it to callers who write it nowhere."""
    if any(_sets_some_rate(n) for n in study.names.nodes):
        return
    for node in study.names.nodes:
        if not isinstance(node, ast.FunctionDef) or not _SETS & set(words(node.name)):
            continue
        if not names_rate(node.name) and not _ASKED & set(words(node.name)):
            continue
        given = [a.arg for a in node.args.args if looks_like_optimizer(ast.Name(a.arg))]
        used = {n.id for n in walk(node) if isinstance(n, ast.Name)}
        returned = [n for n in walk(node) if isinstance(n, ast.Return)]
        if len(given) != 1 or given[0] in used or node.decorator_list or not returned:
            continue
        if not all(isinstance(r.value, ast.Name) and names_rate(r.value.id) for r in returned):
            continue
        if not any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult | ast.Div | ast.Pow) for n in walk(node)):
            continue
        if any(isinstance(n, ast.Call) and written(n.func) == node.name for n in study.names.nodes):
            yield Violation(
                study.span(returned[-1]),
                f"`{node.name}` is given `{given[0]}` and never uses it, and nothing else in the file writes a rate: "
                "what is worked out here does not reach the optimizer, whose rate stays as it is.",
            )


def _logged_alone(study: Study) -> Iterator[Violation]:
    """The rate of the step, worked out beside the optimizer's update and looked at by nobody but the log."""
    if any(_sets_some_rate(n) for n in study.names.nodes):
        return
    for node in study.names.nodes:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call) or len(node.targets) != 1:
            continue
        target, function = node.targets[0], _formula(study, node.value)
        if function is None or not isinstance(target, ast.Name) or not names_rate(target.id):
            continue
        loop = study.names.enclosing(node, (ast.For, ast.While))
        scope = study.names.scope_of(node)
        if loop is None or not any(_updates(n) for n in walk(loop)) or target.id in scope.outer_names:
            continue
        if all(_is_logged(study, n) for n in study.names.nodes if _reads(study, n, target.id, scope)):
            yield Violation(
                study.span(node),
                f"`{function.name}` works out the rate of the step, and nothing in the file writes a rate: "
                f"`{target.id}` does not reach the optimizer, which goes on with the rate it has.",
            )
            return


def _formula(study: Study, call: ast.Call) -> ast.FunctionDef | None:
    """The function of the file that a call asks, where it calculates with the step that it is told."""
    if not isinstance(call.func, ast.Name):
        return None
    found = [b.node for b in study.names.bindings(call.func.id, call) if isinstance(b, Defined)]
    function = found[0] if len(found) == 1 else None
    if not isinstance(function, ast.FunctionDef) or any(
        looks_like_optimizer(ast.Name(a.arg)) for a in function.args.args
    ):
        return None
    told = parameter_ticks([a.arg for a in function.args.args])
    works = any(isinstance(n, ast.BinOp) for n in walk(function))
    return function if told and works and not any(looks_like_optimizer(a) for a in _given(call)) else None


def _updates(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "step"
        and looks_like_optimizer(node.func.value)
    )


def _is_logged(study: Study, node: ast.AST) -> bool:
    """Whether a value ends in a text, or in a call that speaks of logging."""
    for around in study.names.ancestors(node):
        if isinstance(around, ast.JoinedStr):
            return True
        if isinstance(around, ast.Call):
            spoken = set(words(written(around.func)))
            return bool(spoken & {"print", "log", "logger", "logging", "writer", "wandb", "format", "info", "append"})
        if isinstance(around, ast.stmt):
            return False
    return False


def _sets_some_rate(node: ast.AST) -> bool:
    """Whether anything may move a rate: a group, a scheduler, an optimizer that is rebuilt by hand."""
    if isinstance(node, ast.Attribute):
        return node.attr in ("param_groups", "lr_scheduler", "defaults")
    if isinstance(node, ast.Subscript):
        return isinstance(node.ctx, ast.Store) and isinstance(node.slice, ast.Constant) and node.slice.value == "lr"
    if isinstance(node, ast.Call):
        return "set" in words(written(node.func)) and any(looks_like_optimizer(a) for a in _given(node))
    return False


def _given_a_name_alone(study: Study) -> Iterator[Violation]:
    """The new rate that a schedule gives back to a function which does nothing with it."""
    for node, scope in study.names.scopes.items():
        if not isinstance(node, ast.FunctionDef):
            continue
        for name, bindings in scope.bindings.items():
            if not (names_rate(name) and _NEW & set(words(name))) or name in scope.outer_names:
                continue
            for binding in bindings:
                if (
                    isinstance(binding, Assigned)
                    and isinstance(binding.value, ast.Call)
                    and _asks_a_schedule(binding.value)
                    and not any(_reads(study, n, name, scope) for n in study.names.nodes)
                    and not _writes(node)
                ):
                    yield Violation(
                        study.span(binding.node),
                        f"`{written(binding.value.func)}` works out a new rate, and `{name}` is never used: it "
                        "does not reach the optimizer, whose rate stays as it is.",
                    )
                    break


def _asks_a_schedule(call: ast.Call) -> bool:
    """Whether a call gets a rate from a schedule that knows no optimizer: neither stepped nor given one."""
    named = call.func
    last = named.attr if isinstance(named, ast.Attribute) else named.id if isinstance(named, ast.Name) else ""
    if not _ASKED & set(words(last)):
        return False
    return not any(isinstance(n, ast.expr) and looks_like_optimizer(n) for a in _given(call) for n in walk(a))


def _given(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(k.value for k in call.keywords)]


def _reads(study: Study, node: ast.AST, name: str, scope: Scope) -> bool:
    return (
        isinstance(node, ast.Name)
        and node.id == name
        and isinstance(node.ctx, ast.Load)
        and study.names.owner(name, study.names.scope_of(node)) is scope
    )


def _writes(function: ast.FunctionDef) -> bool:
    """Whether the function changes a rate all the same, or looks its variables up by name."""
    return any(
        (isinstance(n, ast.Attribute) and n.attr == "param_groups")
        or (isinstance(n, ast.Name) and n.id in ("locals", "vars", "eval", "exec"))
        or (isinstance(n, ast.Call) and _ASKED & set(words(written(n.func))) and _hands_on_optimizer(n))
        for n in walk(function)
    )


def _hands_on_optimizer(call: ast.Call) -> bool:
    return any(looks_like_optimizer(a) for a in _given(call))


__all__ = ["unwritten"]
