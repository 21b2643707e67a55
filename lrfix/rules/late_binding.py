"""LR108: functions made in a loop that look the loop's variable up when it is too late."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.names import SCOPE_NODES, Names
from lrfix.registry import rule
from lrfix.sites.vocabulary import FACTOR_SCHEDULERS, torch_scheduler

_Made = ast.Lambda | ast.FunctionDef
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_KEEPING = frozenset({"append", "insert", "add", "extend", "setdefault", "update", "appendleft", "put"})
_CONTAINERS = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.IfExp, ast.Starred, ast.keyword)


@rule("LR108")
def late_binding(study: Study) -> Iterator[Violation]:
    for made in _functions_made(study):
        for name, outlives in _captured(study.names, made):
            kind = "lambda" if isinstance(made, ast.Lambda) else f"`{made.name}`"
            yield Violation(
                study.span(made) if isinstance(made, ast.Lambda) else study.span(made.body[0]),
                f"This {kind} reads `{name}` when it is called, and by then the {outlives} has ended: every function "
                f"made here gets the last `{name}`, and with it every parameter group the last schedule. Bind it "
                f"now: `{name}={name}` among the parameters.",
            )
            break


def _functions_made(study: Study) -> Iterator[_Made]:
    seen: set[ast.AST] = set()
    for node in study.site.nodes:
        around = [node, *(a for a in study.names.ancestors(node) if isinstance(a, ast.Lambda | ast.FunctionDef))]
        for inner in (*ast.walk(node), *around):
            if isinstance(inner, ast.Lambda | ast.FunctionDef) and inner not in seen:
                seen.add(inner)
                yield inner


def _captured(names: Names, made: _Made) -> Iterator[tuple[str, str]]:
    """Variables of a loop around ``made`` that it reads, where the function outlives the turn that made it."""
    free = _free(made)
    child: ast.AST = made
    for around in names.ancestors(made):
        if isinstance(around, SCOPE_NODES):
            return
        if isinstance(around, _Comprehension) and not isinstance(child, ast.comprehension):
            late = free & {n for g in around.generators for n in _names_in(g.target)}
            if late and _kept(names, made, around) and _collected(names, around):
                yield sorted(late)[0], "comprehension"
        if isinstance(around, ast.For | ast.AsyncFor) and child in around.body:
            late = free & _moving(around)
            if late and not isinstance(around.body[-1], ast.Return | ast.Break) and _outlives(names, made, around):
                yield sorted(late)[0], "loop"
        child = around


def _free(made: _Made) -> set[str]:
    """Names that the body reads and does not bind; defaults are evaluated at once and do not count."""
    body: list[ast.AST] = [made.body] if isinstance(made, ast.Lambda) else list(made.body)
    bound = {a.arg for a in ast.walk(made.args) if isinstance(a, ast.arg)}
    loaded: set[str] = set()
    for part in body:
        for node in ast.walk(part):
            if isinstance(node, ast.arg):
                bound.add(node.arg)
            elif isinstance(node, ast.Name):
                (loaded if isinstance(node.ctx, ast.Load) else bound).add(node.id)
    return loaded - bound


def _moving(loop: ast.For | ast.AsyncFor) -> set[str]:
    """The loop's variables, and what its body works out from them."""
    moving = _names_in(loop.target)
    while True:
        more = {
            target.id
            for statement in ast.walk(loop)
            if isinstance(statement, ast.Assign)
            and any(isinstance(n, ast.Name) and n.id in moving for n in ast.walk(statement.value))
            and not any(isinstance(n, ast.Lambda) for n in ast.walk(statement.value))
            for target in statement.targets
            if isinstance(target, ast.Name)
        } - moving
        if not more:
            return moving
        moving |= more


def _outlives(names: Names, made: _Made, loop: ast.For | ast.AsyncFor) -> bool:
    """Whether the function, or a scheduler built on it, is kept in something that is there after the turn."""
    carrying: set[str] = {made.name} if isinstance(made, ast.FunctionDef) else set()
    for statement in ast.walk(loop):
        if isinstance(statement, ast.Assign) and _carries(names, statement.value, made, carrying):
            carrying |= {t.id for t in statement.targets if isinstance(t, ast.Name)}
    return any(_carries(names, v, made, carrying) for node in ast.walk(loop) for v in _put_away(node))


def _put_away(node: ast.AST) -> Iterator[ast.AST]:
    """What a piece of code stores in something that outlives the turn."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _KEEPING:
        yield from (*node.args, *node.keywords)
        return
    stored = isinstance(node, ast.Assign) and any(isinstance(t, ast.Subscript | ast.Attribute) for t in node.targets)
    if stored or isinstance(node, ast.Yield) or (isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add)):
        yield from ast.iter_child_nodes(node)


def _carries(names: Names, value: ast.AST, made: _Made, carrying: set[str]) -> bool:
    """Whether a value is the function, holds it, or is a scheduler built on it; what calling it returns is neither."""
    if value is made or (isinstance(value, ast.Name) and value.id in carrying):
        return True
    if isinstance(value, _CONTAINERS):
        return any(_carries(names, part, made, carrying) for part in ast.iter_child_nodes(value))
    if isinstance(value, ast.Call) and _keeps_arguments(names, value):
        return any(_carries(names, a, made, carrying) for a in (*value.args, *value.keywords))
    return False


def _keeps_arguments(names: Names, call: ast.Call) -> bool:
    if torch_scheduler(names, call.func) in FACTOR_SCHEDULERS:
        return True
    return bool(names.qualified(call.func) & {"functools.partial", "partial"})


def _kept(names: Names, made: _Made, comprehension: _Comprehension) -> bool:
    parts = (
        (comprehension.key, comprehension.value) if isinstance(comprehension, ast.DictComp) else (comprehension.elt,)
    )
    return any(_carries(names, part, made, set()) for part in parts)


def _collected(names: Names, comprehension: _Comprehension) -> bool:
    """A generator is walked turn by turn; only one that is made a list at once ends before its functions run."""
    if not isinstance(comprehension, ast.GeneratorExp):
        return True
    call = names.parents.get(comprehension)
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("list", "tuple", "set")


def _names_in(target: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
