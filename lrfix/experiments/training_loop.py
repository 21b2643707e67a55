"""How a scheduler is stepped where it is used: which loops stand around ``scheduler.step()``, how often they turn."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.domains.roles import Role, names_optimizer, role_of
from lrfix.experiments.study import Study
from lrfix.experiments.writes import is_rate_key
from lrfix.names import Defined, Names
from lrfix.sites.blocks import block_of
from lrfix.sites.vocabulary import called_name
from lrfix.trees import walk

_LOOPS = (ast.For, ast.AsyncFor, ast.While)


def step_calls(study: Study) -> Iterator[ast.Call]:
    """``scheduler.step()`` calls in the scope in which the scheduler is built and assigned to a plain name."""
    use = study.use
    if use is None:
        return
    statement = study.used_in.statement_of(use.call)
    if not isinstance(statement, ast.Assign) or statement.value is not use.call or len(statement.targets) != 1:
        return
    target = statement.targets[0]
    if not isinstance(target, ast.Name):
        return
    scope = study.used_in.scope_of(statement)
    if len(scope.bindings.get(target.id, ())) != 1:
        return
    for node in study.used_in.nodes:
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "step"
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == target.id
            and study.used_in.scope_of(node) is scope
            and not node.args
            and not node.keywords
        ):
            yield node


def loops_around(study: Study, call: ast.AST) -> list[ast.AST]:
    """The loops around a call, innermost first, within its own function."""
    found: list[ast.AST] = []
    for node in study.used_in.ancestors(call):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            break
        if isinstance(node, _LOOPS):
            found.append(node)
    return found


def steps_per_epoch_only(study: Study) -> bool:
    """Whether every visible ``step()`` stands in an epoch loop, behind the batch loop in it."""
    calls = list(step_calls(study))
    if not calls:
        return False
    for call in calls:
        loops = loops_around(study, call)
        if len(loops) != 1 or not isinstance(loops[0], ast.For) or not _names_epochs(loops[0]):
            return False
        training = min((node.lineno for node in _batch_loops(study, loops[0])), default=None)
        if training is None or call.lineno < training:
            return False
    return True


def asked_per_epoch_only(study: Study) -> bool:
    """Whether every visible call of a function that sets or gives the rate stands in a loop over epochs alone."""
    site = study.site
    if site.form not in ("setter", "function"):
        return False
    places: list[ast.AST] = [site.node] if site.inline else list(site.calls)
    for place in places:
        loops = loops_around(study, place)
        if len(loops) != 1 or not isinstance(loops[0], ast.For) or not _names_epochs(loops[0]):
            return False
        if not any(_batch_loops(study, loops[0])):
            return False
    return bool(places)


def handed_whole_epochs(study: Study) -> bool:
    """Whether every visible call of a function hands it the very count of a loop over epochs, not a share of one."""
    for call in study.site.calls:
        counts = {
            name.id
            for loop in loops_around(study, call)
            if isinstance(loop, ast.For) and _names_epochs(loop)
            for name in walk(loop.target)
            if isinstance(name, ast.Name)
        }
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if not any(isinstance(argument, ast.Name) and argument.id in counts for argument in given):
            return False
    return bool(study.site.calls)


def written_every_batch(study: Study) -> bool:
    """Whether the file sets the rate at another place as well, in a loop over something else than epochs."""
    names = study.used_in
    inside = {node for root in study.site.nodes for node in walk(root)}
    for node in names.nodes:
        if not is_rate_key(node) or isinstance(node.ctx, ast.Load) or node in inside:
            continue
        function = names.enclosing(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        own = getattr(function, "name", None)
        calls = [n for n in names.nodes if isinstance(n, ast.Call) and called_name(n) == own]
        if any(_turns_within_epochs(study, place) for place in (node, *calls)):
            return True
    return False


def _turns_within_epochs(study: Study, place: ast.AST) -> bool:
    loops = [loop for loop in loops_around(study, place) if not _goes_through_groups(loop)]
    return bool(loops) and not (isinstance(loops[0], ast.For) and _names_epochs(loops[0]))


def _goes_through_groups(loop: ast.AST) -> bool:
    return isinstance(loop, ast.For) and "param_groups" in ast.unparse(loop.iter)


def _names_epochs(loop: ast.For) -> bool:
    """Whether a loop counts epochs, by the names in it; ``range(epochs * len(loader))`` counts batches."""
    parts = [*walk(loop.target)]
    counted = list(_unnamed(loop.iter))
    if not any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult) for n in counted):
        parts += counted
    words = [n.id for n in parts if isinstance(n, ast.Name)] + [n.attr for n in parts if isinstance(n, ast.Attribute)]
    return any("epoch" in word.lower() and role_of(word) is not Role.LOADER_LENGTH for word in words)


def _unnamed(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of an expression, but for what calls are given by name: ``desc=f"Epoch {epoch}"`` of a progress bar."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.keyword):
            yield from _unnamed(child)


def _batch_loops(study: Study, loop: ast.For) -> Iterator[ast.stmt | ast.expr]:
    """The loops inside a loop over epochs, and calls of functions of this file that loop themselves."""
    for node in walk(loop):
        if isinstance(node, _LOOPS) and node is not loop:
            yield node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for binding in study.used_in.bindings(node.func.id, node):
                if isinstance(binding, Defined) and any(isinstance(n, _LOOPS) for n in walk(binding.node)):
                    yield node


def update_before(names: Names, later: ast.stmt) -> ast.Call | None:
    """An ``optimizer.step()`` that comes before a statement in the same turn of a loop: in a loop of its own, or in a
    function of the file that is called there, too."""
    if not any(isinstance(around, _LOOPS) for around in names.ancestors(later)):
        return None
    block = block_of(names, later)
    for call in (n for statement in block[: block.index(later)] for n in walk(statement) if isinstance(n, ast.Call)):
        if _updates(call) or any(_updates(n) for body in _called(names, call) for n in walk(body)):
            return call
    return None


def _updates(node: ast.AST) -> bool:
    """``optimizer.step()``, ``scaler.step(optimizer)``"""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "step":
        return False
    return any(names_optimizer(ast.unparse(part).rpartition(".")[2]) for part in (node.func.value, *node.args))


def _called(names: Names, call: ast.Call) -> Iterator[ast.AST]:
    """The functions of the file, or methods of the class around, that a call may mean."""
    if isinstance(call.func, ast.Name):
        yield from (b.node for b in names.bindings(call.func.id, call) if isinstance(b, Defined))
    elif isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "self":
        owner = names.enclosing(call, ast.ClassDef)
        body = owner.body if isinstance(owner, ast.ClassDef) else []
        yield from (s for s in body if isinstance(s, ast.FunctionDef) and s.name == call.func.attr)


__all__ = [
    "asked_per_epoch_only",
    "handed_whole_epochs",
    "loops_around",
    "step_calls",
    "steps_per_epoch_only",
    "update_before",
    "written_every_batch",
]
