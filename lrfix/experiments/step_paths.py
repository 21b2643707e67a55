"""The ways through an overridden ``step``: what each sets, and whether it moves the rate. No rules here."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from lrfix.experiments.structure import method
from lrfix.trees import walk

MOST_PATHS = 64
DEEPEST = 3
_EVERYTHING = frozenset({"last_epoch", "_last_lr", "_step_count"})


@dataclass(frozen=True)
class StepPath:
    """One way through: the attributes of ``self`` it sets, and the first node on it that moves the rate."""

    sets: frozenset[str] = frozenset()
    mover: ast.stmt | ast.expr | None = None
    ended: bool = False

    @property
    def moves(self) -> bool:
        return self.mover is not None


class _TooMany(Exception):
    """More ways than are worth following."""


def step_paths(node: ast.ClassDef, function: ast.FunctionDef) -> list[StepPath]:
    """Every way through ``function`` that does not raise; none where there are too many to follow."""
    try:
        return _through(node, function.body, [StepPath()], 0)
    except _TooMany:
        return []


def _through(node: ast.ClassDef, body: list[ast.stmt], paths: list[StepPath], depth: int) -> list[StepPath]:
    for statement in body:
        running = [p for p in paths if not p.ended]
        done = [p for p in paths if p.ended]
        if not running:
            break
        if isinstance(statement, ast.Raise):
            return done
        paths = list(dict.fromkeys(done + _after(node, statement, running, depth)))
        if len(paths) > MOST_PATHS:
            raise _TooMany
    return paths


def _after(node: ast.ClassDef, statement: ast.stmt, paths: list[StepPath], depth: int) -> list[StepPath]:
    if isinstance(statement, ast.If):
        paths = _calls(node, statement.test, paths, depth)
        return _through(node, statement.body, paths, depth) + _through(node, statement.orelse, paths, depth)
    if isinstance(statement, ast.For | ast.While | ast.With | ast.Try):
        head = getattr(statement, "iter", None) or getattr(statement, "test", None)
        if head is not None:
            paths = _calls(node, head, paths, depth)
        return _through(node, statement.body, paths, depth)
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return paths
    paths = _calls(node, statement, paths, depth)
    paths = [_stored(statement, path) for path in paths]
    if isinstance(statement, ast.Return):
        paths = [StepPath(p.sets, p.mover, True) for p in paths]
    return paths


def _stored(statement: ast.stmt, path: StepPath) -> StepPath:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AugAssign | ast.AnnAssign):
        targets = [statement.target]
    sets, mover = path.sets, path.mover
    for target in targets:
        for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self":
                sets |= {part.attr}
            elif isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant) and part.slice.value == "lr":
                mover = mover or part
    return StepPath(sets, mover, path.ended)


def _calls(node: ast.ClassDef, tree: ast.AST, paths: list[StepPath], depth: int) -> list[StepPath]:
    for call in walk(tree):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        owner = call.func.value
        if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name) and owner.func.id == "super":
            paths = [StepPath(p.sets | _EVERYTHING, p.mover or call, p.ended) for p in paths]
        elif isinstance(owner, ast.Name) and owner.id == "self":
            known = method(node, call.func.attr)
            if known is None:
                # A method of the base class: it may set anything.
                paths = [StepPath(p.sets | _EVERYTHING, p.mover, p.ended) for p in paths]
            elif depth < DEEPEST and known.name != "get_lr":
                inner = _through(node, known.body, paths, depth + 1)
                paths = [StepPath(p.sets, p.mover, False) for p in inner]
        elif isinstance(owner, ast.Name) and call.args and _is_self(call.args[0]):
            paths = [StepPath(p.sets | _EVERYTHING, p.mover or call, p.ended) for p in paths]
        elif call.func.attr in ("step", "step_update") and "optim" not in ast.unparse(owner).lower().split(".")[-1]:
            paths = [StepPath(p.sets, p.mover or call, p.ended) for p in paths]
    return paths


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


__all__ = ["StepPath", "step_paths"]
