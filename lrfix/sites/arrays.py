"""Sites of the form ``array``: tables of rates worked out beforehand, in a function, a class or a run of statements."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from lrfix.findings import Span
from lrfix.names import FUNCTION_NODES, Names
from lrfix.sites.blocks import block_of
from lrfix.sites.effects import FUNCTIONS, Effects, RateWrite
from lrfix.sites.formulas import RateFormula
from lrfix.sites.model import ScheduleSite
from lrfix.sites.tables import TABLES, is_table
from lrfix.sites.vocabulary import (
    FACTOR_SCHEDULERS,
    OTHER_QUANTITIES,
    call_argument,
    called_name,
    foreign_framework,
    identifiers,
    names_position,
    names_rate,
    torch_scheduler,
    words,
)
from lrfix.source import Source
from lrfix.trees import walk

_SPOKEN = frozenset({"warm", "schedule", "scheduler", "sched", "warmup", "anneal", "annealing", "schedules"})
_READERS = frozenset({"__getitem__", "__call__", "get", "get_lr", "get_value", "value", "step", "at", "lr", "__iter__"})
_SHOWN = frozenset({"plot", "print", "scatter", "log", "info", "len", "savefig", "append", "show", "write", "format"})
_LONG = 60


def array_sites(
    source: Source, names: Names, effects: Effects, taken: Iterable[ast.AST], others: Sequence[ScheduleSite]
) -> list[ScheduleSite]:
    """One site a table; ``taken`` are the classes, ``others`` the sites that are of another form."""
    if foreign_framework(names):
        return []
    whole = set(taken) | {n for site in others for n in site.nodes}
    found = []
    for node in names.nodes:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node in whole:
            continue
        if any(a in whole for a in names.ancestors(node)):
            continue
        if _class_of_rates(names, node) if isinstance(node, ast.ClassDef) else _function_of_rates(names, node):
            whole.add(node)
            found.append(_whole(source, effects, node))
    read = set(_read(names, effects))
    tables = [s for s in names.nodes if isinstance(s, ast.Assign) and _table_of_rates(names, s, read)]
    found += _statements(source, names, [s for s in tables if not any(a in whole for a in names.ancestors(s))])
    return found


def _whole(source: Source, effects: Effects, node: ast.FunctionDef | ast.ClassDef) -> ScheduleSite:
    calls = tuple(effects.calls_of(node)) if isinstance(node, ast.FunctionDef) else ()
    return ScheduleSite(form="array", name=node.name, base="", nodes=(node,), span=source.span(node), calls=calls)


def _function_of_rates(names: Names, node: ast.FunctionDef) -> bool:
    if not {*_SPOKEN, "lr", "lrs", "rates", "cosine"} & set(words(node.name)) or not _about_rates(node):
        return False
    parameters = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    if any(names_position(p) and not p.endswith("s") for p in parameters):
        return False
    returns = [
        n for n in walk(node) if isinstance(n, ast.Return) and names.enclosing(n, FUNCTION_NODES) is node and n.value
    ]
    writes = [RateWrite(r, r.value) for r in returns if r.value is not None]
    if not writes or sum(isinstance(n, ast.stmt) for n in walk(node)) > _LONG:
        return False
    return (
        all(is_table(names, w.value) for w in writes) and RateFormula(names, [*writes, *_given(names, node)]).computed
    )


def _given(names: Names, node: ast.FunctionDef) -> Iterator[RateWrite]:
    """What a function puts into its lists, one by one."""
    for call in walk(node):
        if isinstance(call, ast.Call) and called_name(call) == "append" and len(call.args) == 1:
            statement = names.statement_of(call)
            if statement is not None:
                yield RateWrite(statement, call.args[0])


def _class_of_rates(names: Names, node: ast.ClassDef) -> bool:
    """A class that works a table out and gives it by position."""
    if not {"schedule", "scheduler", "sched", "lr"} & set(words(node.name)) or not _about_rates(node):
        return False
    methods = {m.name: m for m in node.body if isinstance(m, FUNCTIONS)}
    kept = {
        t.attr
        for m in methods.values()
        for s in walk(m)
        if isinstance(s, ast.Assign) and is_table(names, s.value)
        for t in s.targets
        if isinstance(t, ast.Attribute)
    }
    return any(
        isinstance(n, ast.Subscript) and isinstance(n.value, ast.Attribute) and n.value.attr in kept
        for name in _READERS & set(methods)
        for n in walk(methods[name])
    )


def _about_rates(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """By its words: a schedule, of a rate or with a warmup, and of nothing else."""
    mentioned = [*identifiers(node), node.name]
    spoken = {word for name in mentioned for word in words(name)}
    # A schedule of another quantity may well name the rate it goes with, and the other way round.
    decisive = set(words(node.name)) | {word for a in _parameters(node) for word in words(a)}
    if OTHER_QUANTITIES & decisive:
        return False
    return bool(_SPOKEN & spoken) and ("warmup" in spoken or any(names_rate(n) for n in mentioned))


def _parameters(node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    return (n.arg for n in walk(node) if isinstance(n, ast.arg))


def _table_of_rates(names: Names, statement: ast.Assign, read: set[str]) -> bool:
    """``lr_schedule = np.concatenate(...)``, where the file reads it by position or hands it on."""
    name = _target(statement)
    if name is None or not names_rate(name) or not is_table(names, statement.value):
        return False
    if OTHER_QUANTITIES & set(words(name)):
        return False
    return name in read or (bool(_SPOKEN & set(words(name))) and _handed_on(names, statement, name))


def _target(statement: ast.Assign) -> str | None:
    (target, *more) = statement.targets
    if more:
        return None
    if isinstance(target, ast.Attribute):
        return target.attr
    return target.id if isinstance(target, ast.Name) else None


def _read(names: Names, effects: Effects) -> Iterator[str]:
    """The names of tables that a written rate, or a callable given to LambdaLR, is read from."""
    values = [e for w in effects.writes for e in RateFormula(names, [w]).expressions]
    for node in names.nodes:
        if isinstance(node, ast.Call) and torch_scheduler(names, node.func) in FACTOR_SCHEDULERS:
            function = call_argument(node, 1, "lr_lambda")
            if isinstance(function, ast.Attribute) and function.attr == "__getitem__":
                yield _last(function.value)
            elif function is not None:
                values.append(function)
    for value in values:
        for inner in walk(value):
            if isinstance(inner, ast.Subscript) and not isinstance(inner.slice, ast.Constant):
                yield _last(inner.value)


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _handed_on(names: Names, statement: ast.Assign, name: str) -> bool:
    """Whether the table goes to some function that does not merely show it."""
    scope = names.scope_of(statement)
    for node in names.nodes:
        if isinstance(node, ast.Call):
            given = [*node.args, *(k.value for k in node.keywords)]
            if called_name(node) not in _SHOWN | TABLES and any(
                isinstance(a, ast.Name) and a.id == name and names.owner(name, names.scope_of(a)) is scope
                for a in given
            ):
                return True
    return False


def _statements(source: Source, names: Names, tables: Sequence[ast.Assign]) -> list[ScheduleSite]:
    """One site a run of statements of one block: a table with those before it that it is made of."""
    found: list[ScheduleSite] = []
    used: set[ast.stmt] = set()
    for statement in sorted(tables, key=lambda s: -s.lineno):
        if statement in used:
            continue
        formula = RateFormula(names, [RateWrite(statement, statement.value)])
        block = block_of(names, statement)
        parts = [
            s
            for s in block[: block.index(statement)]
            if isinstance(s, ast.Assign) and s in formula.statements and is_table(names, s.value)
        ]
        nodes: tuple[ast.stmt, ...] = (*_adjacent(block, parts, statement), statement)
        used |= set(nodes)
        span = Span(source.span(nodes[0]).start, source.span(nodes[-1]).end)
        found.append(ScheduleSite(form="array", name=_target(statement), base="", nodes=nodes, span=span))
    return found


def _adjacent(block: list[ast.stmt], parts: Sequence[ast.stmt], last: ast.stmt) -> list[ast.stmt]:
    """The parts that lie close before ``last``; what was worked out long before is a setting."""
    chosen: list[ast.stmt] = []
    place = block.index(last)
    for part in reversed(parts):
        if place - block.index(part) > 4:
            break
        place = block.index(part)
        chosen.insert(0, part)
    return chosen


__all__ = ["array_sites"]
