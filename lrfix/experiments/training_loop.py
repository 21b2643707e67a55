"""How a scheduler is stepped where it is used: which loops stand around ``scheduler.step()``, how often they turn."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from lrfix.domains.facts import Defaults
from lrfix.domains.roles import Role, role_of
from lrfix.driving.laboratory import Run
from lrfix.driving.trace import Trace
from lrfix.driving.world import Host, World
from lrfix.experiments.study import Study
from lrfix.interpreter.errors import Opaque, UserError
from lrfix.interpreter.machine import Interpreter
from lrfix.interpreter.values import Unknown
from lrfix.names import Defined

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


def loop_steps(study: Study, run: Run) -> int | None:
    """How many rates the loop uses, when one unconditional ``step()`` stands in counted loops without a way out."""
    calls = list(step_calls(study))
    if len(calls) != 1:
        return None
    call = calls[0]
    loops = loops_around(study, call)
    if not loops or not all(isinstance(loop, ast.For) for loop in loops):
        return None
    statement = study.used_in.statement_of(call)
    if statement is None or study.used_in.parents[statement] is not loops[0]:
        return None
    for loop in loops:
        if any(isinstance(n, ast.Break | ast.Return | ast.Continue) for n in ast.walk(loop)):
            return None
    total = 1
    for loop in loops:
        assert isinstance(loop, ast.For)
        turns = _turns(study, run, loop)
        if turns is None:
            return None
        total *= turns
    return total


def steps_per_epoch_only(study: Study) -> bool:
    """Whether every visible ``step()`` stands in an epoch loop and outside the batch loop in it."""
    calls = list(step_calls(study))
    if not calls:
        return False
    for call in calls:
        loops = loops_around(study, call)
        if len(loops) != 1 or not isinstance(loops[0], ast.For) or not _names_epochs(loops[0]):
            return False
        if not any(isinstance(n, _LOOPS) and n is not loops[0] for n in ast.walk(loops[0])) and not _calls_trainer(
            study, loops[0]
        ):
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
        inner = any(isinstance(n, _LOOPS) and n is not loops[0] for n in ast.walk(loops[0]))
        if not inner and not _calls_trainer(study, loops[0]):
            return False
    return bool(places)


def _names_epochs(loop: ast.For) -> bool:
    words = [n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)]
    words += [n.id for n in ast.walk(loop.iter) if isinstance(n, ast.Name)]
    words += [n.attr for n in ast.walk(loop.iter) if isinstance(n, ast.Attribute)]
    return any("epoch" in word.lower() for word in words)


def _calls_trainer(study: Study, loop: ast.For) -> bool:
    """A function of this file called in the loop that itself loops: the batch loop one call away."""
    for node in ast.walk(loop):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for binding in study.used_in.bindings(node.func.id, node):
                if isinstance(binding, Defined) and any(isinstance(n, _LOOPS) for n in ast.walk(binding.node)):
                    return True
    return False


def _turns(study: Study, run: Run, loop: ast.For) -> int | None:
    iterated = loop.iter
    if (
        isinstance(iterated, ast.Call)
        and isinstance(iterated.func, ast.Name)
        and iterated.func.id in ("enumerate", "tqdm", "list")
    ):
        iterated = iterated.args[0] if iterated.args else iterated
    if isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Name) and iterated.func.id == "range":
        value = _value(study, run, iterated)
        return len(value) if isinstance(value, range) else None
    if isinstance(iterated, ast.Name | ast.Attribute):
        collection = _value(study, run, iterated)
        if isinstance(collection, list | tuple | range):
            return len(collection)
        path = f"len({ast.unparse(iterated)})"
        known = run.leaves.get(path)
        if isinstance(known, int):
            return known
        if role_of(path) is Role.LOADER_LENGTH and not any(role_of(p) is Role.LOADER_LENGTH for p in run.leaves):
            value = run.scenario.value(path)
            return value if isinstance(value, int) else None
    return None


def _value(study: Study, run: Run, node: ast.expr) -> Any:
    """An expression of the file under the run's own values; None when it stays unknown."""
    host = Host(run.scenario, Defaults(study.used_in))
    host.draws_lengths = study.laboratory.draws_lengths
    host.leaves.update(run.leaves)
    world = World(study.used_in, Interpreter(host=host, recorder=Trace(study.used_in.parents), fuel=20_000), host)
    try:
        value = world.evaluate(node)
    except (Opaque, UserError):
        return None
    return run.leaves.get(value.path) if isinstance(value, Unknown) else value
