"""Sites of the form ``setter``: functions, and runs of statements in a loop, that compute and write the rate."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lrfix.findings import Span
from lrfix.names import FUNCTION_NODES, Names
from lrfix.sites.effects import FUNCTIONS, Effects, Function, RateWrite
from lrfix.sites.formulas import RateFormula
from lrfix.sites.model import ScheduleSite
from lrfix.sites.vocabulary import foreign_framework, speaks_of_step, words
from lrfix.source import Source
from lrfix.trees import walk

#: A function of which at least this share of statements computes or writes the rate is a setter as a whole.
_SHARE = 0.5
_SHARE_OF_NAMED = 0.3
_RATE_FUNCTIONS = frozenset({"lr", "learning", "anneal", "annealing", "warmup", "schedule", "scheduler", "decay"})
#: Who calls these trains; the rate is set along the way.
_TRAINING_CALLS = frozenset({"backward", "zero_grad", "manual_backward"})
#: Statements between two parts of one computation that have nothing to do with it.
_GAP = 3
#: An `if` of more statements than this is no mere choice of a value.
_SMALL = 8


def setter_sites(source: Source, names: Names, effects: Effects, taken: Iterable[ast.AST]) -> list[ScheduleSite]:
    """One site a function or run of statements; writes inside the classes ``taken`` belong to those."""
    if foreign_framework(names):
        return []
    owned = set(taken)
    whole: dict[Function, list[RateWrite]] = {}
    runs: dict[tuple[ast.AST, str], list[RateWrite]] = {}
    for write in effects.writes:
        if not write.certain or any(a in owned for a in names.ancestors(write.statement)):
            continue
        setter = next((f for f in _functions_around(names, write.statement) if _is_about_rate(names, effects, f)), None)
        if setter is not None:
            whole.setdefault(setter, []).append(write)
        else:
            anchor = _anchor(names, write)
            runs.setdefault(_block_of(names, anchor, RateFormula(names, [write])), []).append(write)
    sites = []
    for function, writes in whole.items():
        formula = RateFormula(names, writes)
        if formula.computed or formula.copied:
            sites.append(_function_site(source, effects, function, writes))
    for (parent, attribute), writes in runs.items():
        formula = RateFormula(names, writes)
        if (formula.computed or formula.copied) and _repeats(names, formula, writes):
            sites.append(_inline_site(source, names, formula, writes, getattr(parent, attribute)))
    return sites


def _functions_around(names: Names, node: ast.AST) -> list[Function]:
    """The functions around ``node`` below a class or the module, the outermost first."""
    found: list[Function] = []
    for outer in names.ancestors(node):
        if isinstance(outer, FUNCTIONS):
            found.append(outer)
        elif isinstance(outer, ast.ClassDef):
            break
    return found[::-1]


def _is_about_rate(names: Names, effects: Effects, function: Function) -> bool:
    if any(isinstance(n, ast.Attribute) and n.attr in _TRAINING_CALLS for n in walk(function)):
        return False
    writes = effects.inside(function)
    if any(_walks_training(a) for w in writes for a in names.ancestors(w.statement) if function in names.ancestors(a)):
        return False
    formula = RateFormula(names, writes)
    about = {s for s in formula.statements if function in names.ancestors(s)}
    everything = [s for s in walk(function) if isinstance(s, ast.stmt) and _works(s)]
    done = [s for s in everything if s in about]
    named = bool(_RATE_FUNCTIONS & set(words(function.name)))
    return len(done) >= (_SHARE_OF_NAMED if named else _SHARE) * len(everything)


def _walks_training(node: ast.AST) -> bool:
    """Whether a loop goes through epochs or steps by itself."""
    if isinstance(node, ast.For):
        targets = [n.id for n in walk(node.target) if isinstance(n, ast.Name)]
        return "param_groups" not in ast.dump(node.iter) and any(speaks_of_step(t) for t in targets)
    return isinstance(node, ast.While)


def _works(statement: ast.stmt) -> bool:
    """Whether a statement does something of its own: no block, no exit, no docstring."""
    if isinstance(statement, ast.Expr):
        return not isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Delete)


def _anchor(names: Names, write: RateWrite) -> ast.stmt:
    """The whole statement that writes: with its loop over the groups and the tests inside that loop."""
    anchor = write.statement
    for outer in names.ancestors(write.statement):
        if isinstance(outer, FUNCTION_NODES):
            break
        if isinstance(outer, ast.For) and "param_groups" in ast.dump(outer.iter):
            anchor = outer
    return anchor


def _block_of(names: Names, anchor: ast.stmt, formula: RateFormula) -> tuple[ast.AST, str]:
    """The block, as its owner and field, in which the run of statements stands.

    A test around the write that holds little else than the computation belongs to the run.
    """
    parent = names.parents[anchor]
    while isinstance(parent, ast.If) and _mostly(parent, formula):
        anchor, parent = parent, names.parents[parent]
    for name in ("body", "orelse", "finalbody"):
        block = getattr(parent, name, None)
        if isinstance(block, list) and anchor in block:
            return parent, name
    raise AssertionError("a statement stands in a block")


def _mostly(node: ast.If, formula: RateFormula) -> bool:
    inside = [s for s in walk(node) if isinstance(s, ast.stmt) and _works(s)]
    return sum(s in formula.statements for s in inside) >= _SHARE * len(inside)


def _repeats(names: Names, formula: RateFormula, writes: list[RateWrite]) -> bool:
    """Whether the run is a schedule: driven by a step, in a loop or closure that comes again, scaling what is there."""
    if formula.stepwise or any(w.scales for w in writes):
        return True
    if any(isinstance(n, ast.Constant) and n.value == "lr" for w in writes for n in walk(w.value)):
        return True
    return any(_again(names, a) for w in writes for a in names.ancestors(w.statement))


def _again(names: Names, node: ast.AST) -> bool:
    if isinstance(node, ast.For):
        return "param_groups" not in ast.dump(node.iter)
    if isinstance(node, FUNCTIONS):
        return names.enclosing(node, (*FUNCTION_NODES, ast.ClassDef)) is not None and not isinstance(
            names.parents[node], ast.ClassDef
        )
    return isinstance(node, ast.While)


def _function_site(source: Source, effects: Effects, function: Function, writes: list[RateWrite]) -> ScheduleSite:
    return ScheduleSite(
        form="setter",
        name=function.name,
        base="",
        nodes=(function,),
        span=source.span(function),
        calls=tuple(effects.calls_of(function)),
        writes=tuple(dict.fromkeys(w.statement for w in writes)),
    )


def _inline_site(
    source: Source, names: Names, formula: RateFormula, writes: list[RateWrite], block: list[ast.stmt]
) -> ScheduleSite:
    spots = {a for w in writes for a in (w.statement, *names.ancestors(w.statement))}
    holding = [i for i, s in enumerate(block) if s in spots]
    chosen = _completed(block, set(holding), formula)
    nodes = tuple(block[i] for i in sorted(chosen))
    return ScheduleSite(
        form="setter",
        name=None,
        base="",
        nodes=nodes,
        span=Span(source.span(nodes[0]).start, source.span(nodes[-1]).end),
        writes=tuple(dict.fromkeys(w.statement for w in writes)),
    )


def _completed(block: list[ast.stmt], holding: set[int], formula: RateFormula) -> set[int]:
    """The statements ``holding`` the writes with those before and between them that compute what they read."""
    chosen = set(holding)
    needed = {name for i in chosen for name in _read(block[i])}
    gap = 0
    for index in range(max(holding) - 1, -1, -1):
        statement = block[index]
        if index in chosen:
            gap = 0
        elif _computes(statement, needed, formula):
            chosen.add(index)
            needed |= _read(statement)
            gap = 0
        elif index < min(holding):
            gap += 1
            if gap > _GAP:
                break
    return chosen


def _computes(statement: ast.stmt, needed: set[str], formula: RateFormula) -> bool:
    """Whether a statement sets something of what is needed: an assignment, or a test around such."""
    if isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign):
        return statement in formula.statements or bool(_bound(statement) & needed)
    if isinstance(statement, ast.If):
        inside = [s for s in walk(statement) if isinstance(s, ast.stmt)]
        return any(s in formula.statements for s in inside) or (
            len(inside) <= _SMALL and any(_bound(s) & needed for s in inside)
        )
    return False


def _bound(statement: ast.stmt) -> set[str]:
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AugAssign | ast.AnnAssign):
        targets = [statement.target]
    parts = [e for t in targets for e in (t.elts if isinstance(t, ast.Tuple | ast.List) else [t])]
    return {ast.unparse(p) for p in parts if isinstance(p, ast.Name | ast.Attribute)}


def _read(statement: ast.stmt) -> set[str]:
    return {
        ast.unparse(n)
        for n in walk(statement)
        if isinstance(n, ast.Name | ast.Attribute) and isinstance(n.ctx, ast.Load)
    }
