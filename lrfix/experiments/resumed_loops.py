"""For LR308: loops that go on from the epoch which a checkpoint of the file's own making holds. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from lrfix.experiments.study import Study
from lrfix.experiments.training import Conduct
from lrfix.names import Assigned, Defined
from lrfix.sites.vocabulary import called_name
from lrfix.trees import stored_names, walk

_RANGES = frozenset({"range", "trange"})
_COUNTS = ("epoch", "step", "iter")


@dataclass(frozen=True)
class Resumption:
    """``start`` is where the loop begins, restored by the statement ``restored``."""

    start: str
    restored: ast.stmt


def resumption(study: Study, conduct: Conduct) -> Resumption | None:
    """How a loop around the last step of a scheduler goes on from a checkpoint; None where nothing shows that it does.

    A loop whose end moves with its start trains so many epochs more, and a schedule that is told the start knows it.
    """
    step = conduct.steps[-1] if conduct.steps else None
    if step is None or not any(_is_call(n, "load_state_dict") for n in study.names.nodes):
        return None
    for turn in step.turns:
        found = _start(study, turn.loop)
        if found is None:
            continue
        if _at_its_time(study, step.node, turn.loop):
            continue
        start, end = found
        if _speaks_of(end, start) or any(_speaks_of(part, start) for part in _told(study, conduct)):
            continue
        restored = next(_restorations(study, start, turn.loop), None)
        if restored is not None:
            return Resumption(ast.unparse(start), restored)
    return None


def _at_its_time(study: Study, step: ast.AST, loop: ast.AST) -> bool:
    """Whether the loop's own count decides when the scheduler is stepped: ``if epoch < warmup: scheduler.step()``.

    A run that goes on behind that time never steps it again.
    """
    counts = stored_names(loop.target) if isinstance(loop, ast.For) else set()
    around = study.names.ancestors(step) if step in study.names.parents else ()
    tests = [n.test for n in around if isinstance(n, ast.If)]
    return any(isinstance(n, ast.Name) and n.id in counts for test in tests for n in walk(test))


def _start(study: Study, loop: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """What stands for the first turn of a loop over a range, with the range's end: ``start`` of ``start + 1``."""
    if not isinstance(loop, ast.For) or loop not in study.names.parents:
        return None
    over: ast.expr = loop.iter
    bound = study.names.bindings(over.id, over) if isinstance(over, ast.Name) else []
    if len(bound) == 1 and isinstance(bound[0], Assigned) and not bound[0].index:
        over = bound[0].value  # a bar of progress that is made beforehand
    for call in walk(over):
        if isinstance(call, ast.Call) and called_name(call) in _RANGES and len(call.args) > 1:
            first = call.args[0].left if isinstance(call.args[0], ast.BinOp) else call.args[0]
            return (first, call.args[1]) if isinstance(first, ast.Name | ast.Attribute) else None
    return None


def _told(study: Study, conduct: Conduct) -> Iterator[ast.AST]:
    """What the scheduler is built of: its call, and the functions of the file that the call names."""
    built = conduct.scheduler.node
    if not isinstance(built, ast.Call):
        return
    yield built
    for name in (n for n in walk(built) if isinstance(n, ast.Name) and n in study.names.parents):
        yield from (b.node for b in study.names.bindings(name.id, name) if isinstance(b, Defined))


def _speaks_of(part: ast.AST, start: ast.expr) -> bool:
    text = ast.unparse(start)
    return any(isinstance(n, ast.Name | ast.Attribute) and ast.unparse(n) == text for n in walk(part))


def _restorations(study: Study, start: ast.expr, loop: ast.AST) -> Iterator[ast.stmt]:
    """The assignments to ``start`` from a loaded file, under a key that the file's own checkpoints have."""
    text = ast.unparse(start)
    loaded = {
        ast.unparse(target)
        for n in study.names.nodes
        if isinstance(n, ast.Assign) and _is_call(n.value, "load")
        for target in n.targets
    }
    saved = {
        key.value
        for n in study.names.nodes
        if isinstance(n, ast.Dict)
        for key in n.keys
        if isinstance(key, ast.Constant)
    }
    for node in study.names.nodes:
        if not isinstance(node, ast.Assign) or text not in map(ast.unparse, node.targets):
            continue
        if isinstance(start, ast.Name) and not _one_scope(study, start, node, loop):
            continue
        keys = {key for holder, key in _keyed(node.value) if holder in loaded}
        if any(key in saved and any(word in key for word in _COUNTS) for key in keys):
            yield node


def _one_scope(study: Study, start: ast.Name, node: ast.stmt, loop: ast.AST) -> bool:
    owner = study.names.owner(start.id, study.names.scope_of(loop))
    return owner is not None and owner is study.names.owner(start.id, study.names.scope_of(node))


def _keyed(value: ast.AST) -> Iterator[tuple[str, str]]:
    """What is read by a text from what: ``checkpoint["epoch"]``, ``checkpoint.get("epoch", 0)``."""
    for n in walk(value):
        if isinstance(n, ast.Subscript):
            holder, key = n.value, n.slice
        elif isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and _is_call(n, "get") and n.args:
            holder, key = n.func.value, n.args[0]
        else:
            continue
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield ast.unparse(holder), key.value


def _is_call(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and called_name(node) == name


__all__ = ["Resumption", "resumption"]
