"""Counters that decide a rate and start anew where the rest of the training is restored. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from lrfix.domains.roles import Role, role_of
from lrfix.experiments.class_reading import own_attribute
from lrfix.experiments.study import Study
from lrfix.names import Assigned, Augmented
from lrfix.sites.vocabulary import looks_like_optimizer, names_position
from lrfix.trees import walk

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Forgotten:
    """A counter, the statement that starts it, and what the same code restores from the checkpoint instead."""

    name: str
    start: ast.stmt
    restored: str


def forgotten_counters(study: Study) -> Iterator[Forgotten]:
    """Counters that a setter's rate is worked out from, in code that restores the optimizer and its epoch."""
    for place in _places(study):
        function = study.names.enclosing(place, _FUNCTIONS)
        if function is None:
            continue
        owner = study.names.parents.get(function)
        around = owner if isinstance(owner, ast.ClassDef) else function
        restored = restored_position(around)
        if restored is None:
            continue
        for name in dict.fromkeys(_positions(place)):
            start = (
                _attribute_start(owner, name.removeprefix("self."))
                if name.startswith("self.")
                else _local_start(study, function, name)
            )
            if start is not None and isinstance(around, ast.ClassDef) is name.startswith("self."):
                yield Forgotten(name, start, restored)
                return


@dataclass(frozen=True)
class Skipped:
    """A counter of milestones that ``change`` moves on, and where a loop begins that may have passed some of them."""

    name: str
    change: ast.stmt
    start: str


def skipped_milestones(study: Study) -> Iterator[Skipped]:
    """Counters that a rate is worked out from, moved on only where a loop's index is a milestone, in loops that begin
    where an earlier run ended."""
    for place in _places(study):
        function = study.names.enclosing(place, _FUNCTIONS)
        loops = (
            (a, start) for a in study.names.ancestors(place) if isinstance(a, ast.For) and (start := _resumed_at(a))
        )
        loop, start = next(loops, (None, None))
        if function is None or loop is None or start is None or not isinstance(loop.target, ast.Name):
            continue
        for name in dict.fromkeys(n.id for n in walk(place) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)):
            if _local_start(study, function, name) is None:
                continue
            changes = [b.node for b in study.names.scopes[function].bindings[name] if isinstance(b, Augmented)]
            if all(_at_a_milestone(study, change, loop) for change in changes):
                yield Skipped(name, changes[0], start)
                return


def _places(study: Study) -> tuple[ast.AST, ...]:
    """Where the rate is worked out or asked for."""
    return (*study.site.nodes,) if study.site.inline else (*study.site.calls,)


def _resumed_at(loop: ast.For) -> str | None:
    """Where a loop begins that goes on from an earlier run: ``for iteration in range(args.start_iter, total)``."""
    calls = [n for n in walk(loop.iter) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "range"]
    start = ast.unparse(calls[0].args[0]) if len(calls) == 1 and len(calls[0].args) > 1 else ""
    return start if role_of(start) is Role.LAST_EPOCH else None


def _at_a_milestone(study: Study, change: ast.AST, loop: ast.For) -> bool:
    """Whether a statement runs only in the turns whose index is one of a list, or a number."""
    above_it = list(study.names.ancestors(change))
    return loop in above_it and any(
        isinstance(above, ast.If)
        and isinstance(above.test, ast.Compare)
        and isinstance(above.test.ops[0], ast.Eq | ast.In)
        and ast.unparse(above.test.left) == ast.unparse(loop.target)
        for above in above_it[: above_it.index(loop)]
    )


def restored_position(around: ast.AST) -> str | None:
    """What is set from the checkpoint beside the optimizer: the epoch or the step at which training goes on."""
    optimizer = any(
        isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and n.func.attr == "load_state_dict"
        and looks_like_optimizer(n.func.value)
        for n in walk(around)
    )
    if not optimizer:
        return None
    for n in walk(around):
        if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name | ast.Attribute):
            for part in walk(n.value):
                if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant):
                    key = part.slice.value
                    if isinstance(key, str) and names_position(key):
                        return ast.unparse(n.targets[0])
    return None


def _positions(place: ast.AST) -> Iterator[str]:
    for n in walk(place):
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and names_position(n.id):
            yield n.id
        attribute = own_attribute(n)
        if attribute is not None and names_position(attribute):
            yield f"self.{attribute}"


def _local_start(study: Study, function: ast.AST, name: str) -> ast.stmt | None:
    """The one assignment of a literal to a local counter that is otherwise only counted up."""
    bindings = study.names.scopes[function].bindings.get(name, [])
    started = [b for b in bindings if isinstance(b, Assigned) and not b.index]
    counted = [b for b in bindings if isinstance(b, Augmented)]
    if len(started) != 1 or not counted or len(started) + len(counted) != len(bindings):
        return None
    first = started[0]
    literal = isinstance(first.value, ast.Constant) and isinstance(first.value.value, int)
    inside = any(isinstance(a, ast.For | ast.While | ast.If) for a in study.names.ancestors(first.node))
    return first.node if literal and not inside else None


def _attribute_start(owner: ast.AST | None, attribute: str) -> ast.stmt | None:
    """The same for an attribute: set to a literal in the constructor, counted up, and never set otherwise."""
    if not isinstance(owner, ast.ClassDef):
        return None
    start: ast.stmt | None = None
    counted = False
    for n in walk(owner):
        if isinstance(n, ast.Constant) and n.value == attribute:
            return None
        if own_attribute(n) == "__dict__":
            return None
        if isinstance(n, ast.AugAssign) and own_attribute(n.target) == attribute:
            counted = True
        elif isinstance(n, ast.Assign | ast.AnnAssign):
            targets = n.targets if isinstance(n, ast.Assign) else [n.target]
            if any(own_attribute(p) == attribute for t in targets for p in walk(t)):
                if start is not None or not isinstance(n.value, ast.Constant) or not isinstance(n.value.value, int):
                    return None
                start = n
    return start if counted else None


__all__ = ["Forgotten", "Skipped", "forgotten_counters", "restored_position", "skipped_milestones"]
