"""Functions and methods that a scheduler of torch's asks, and that stay: at which positions the code asks them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from lrfix.domains.signatures import arguments_of
from lrfix.names import FUNCTION_NODES, Assigned, Names
from lrfix.rewriting.in_place.sampling import Formula
from lrfix.rewriting.liveness import External, done_elsewhere
from lrfix.rewriting.model import NotRewritten
from lrfix.rewriting.seen import may_be_fraction
from lrfix.rewriting.told_steps import told_steps
from lrfix.rewriting.users import SCHEDULER
from lrfix.sites.model import ScheduleSite
from lrfix.sites.vocabulary import call_argument, torch_scheduler
from lrfix.tracing.library import names_scheduler

_COUNT = "self.last_epoch"
_MOST_HOPS = 3


def check_asked(names: Names, site: ScheduleSite, formulas: Sequence[Formula], external: External) -> None:
    """Raises NotRewritten unless every formula is asked at whole steps from 0 on, as far as the code shows.

    A scheduler that is told fractions of a step, or numbers below 0, hands them on to what it asks.
    """
    if told_steps(names, site, external) == "fractional":
        raise NotRewritten("the scheduler is told fractions of a step, and hands them on to its formula")
    told = [a for n in names.nodes if isinstance(n, ast.Call) and (a := _told(names, n)) is not None]
    if any(_counts_back(names, a, 0) for a in told) or done_elsewhere(external, rf"{SCHEDULER}\.step\([^)\n]*-"):
        raise NotRewritten("the scheduler may be told a step below 0, and hands it on to its formula")
    for formula in formulas:
        _check(names, site, formula)


def _told(names: Names, call: ast.Call) -> ast.expr | None:
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "step":
        return None
    inside = names.enclosing(call, ast.ClassDef)
    if isinstance(inside, ast.ClassDef) and any(torch_scheduler(names, base) for base in inside.bases):
        return None  # a scheduler that drives another one, which was given to it
    return call_argument(call, 0, "epoch") if names_scheduler(ast.unparse(call.func.value)) else None


def _check(names: Names, site: ScheduleSite, formula: Formula) -> None:
    function = names.enclosing(formula.region.first, FUNCTION_NODES)
    if not isinstance(function, ast.FunctionDef | ast.Lambda):
        raise NotRewritten("the formula is not in a function that a scheduler asks")
    step = ast.parse(formula.step, mode="eval").body
    paths = {ast.unparse(n) for n in ast.walk(step) if isinstance(n, ast.Attribute)}
    taken = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    read = {n.id for n in ast.walk(step) if isinstance(n, ast.Name)}
    if site.form == "lambda" and (paths or not read & set(taken)):
        raise NotRewritten(f"`{formula.step}` is not the step that the scheduler tells")
    if paths - {_COUNT} or not (paths or _comes_from(names, step, formula.region.first, {*taken} - {"self"}, 0)):
        raise NotRewritten(f"`{formula.step}` is not what torch's scheduler counts")
    for name in read & set(taken):
        for given in _given(names, function, name):
            if may_be_fraction(given) or _counts_back(names, given, 0):
                raise NotRewritten(f"line {given.lineno} asks for `{formula.step}` = `{ast.unparse(given)}` as well")


def _comes_from(names: Names, node: ast.expr, at: ast.AST, taken: set[str], hops: int) -> bool:
    """Whether a value read at a place is what torch's scheduler counts, or what the function is told."""
    for part in ast.walk(node):
        if ast.unparse(part) == _COUNT or (isinstance(part, ast.Name) and part.id in taken):
            return True
        if isinstance(part, ast.Name) and hops < _MOST_HOPS:
            values = [b.value for b in names.bindings(part.id, at) if isinstance(b, Assigned)]
            if values and all(_comes_from(names, value, value, taken, hops + 1) for value in values):
                return True
    return False


def _given(names: Names, function: ast.FunctionDef | ast.Lambda, name: str) -> Iterator[ast.expr]:
    """What the code of the file gives a parameter where it calls the function by its name."""
    holder = names.parents.get(function)
    if isinstance(function, ast.FunctionDef):
        known = {function.name}
    else:
        known = {ast.unparse(t) for t in holder.targets} if isinstance(holder, ast.Assign) else set()
    for node in names.nodes:
        if not isinstance(node, ast.Call) or ast.unparse(node.func).rpartition(".")[2] not in known:
            continue
        if isinstance(function, ast.Lambda):
            yield from (*node.args, *(k.value for k in node.keywords))
            continue
        bound = [node.func.value] if isinstance(holder, ast.ClassDef) and isinstance(node.func, ast.Attribute) else []
        told = arguments_of(ast.Call(node.func, [*bound, *node.args], node.keywords), function).get(name)
        if told is not None:
            yield told


def _counts_back(names: Names, node: ast.expr, hops: int) -> bool:
    """Whether anything is taken off, in the expression or in what its names were assigned."""
    for part in ast.walk(node):
        if isinstance(part, ast.Sub | ast.USub):
            return True
        if isinstance(part, ast.Name) and hops < _MOST_HOPS:
            values = [b.value for b in names.bindings(part.id, part) if isinstance(b, Assigned)]
            if any(_counts_back(names, value, hops + 1) for value in values):
                return True
    return False


__all__ = ["check_asked"]
