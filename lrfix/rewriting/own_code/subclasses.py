"""Edits of what torch expects of a scheduler class: a rate for every group, a count and last rates that are kept."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import chain

from lrfix.experiments.class_reading import fixed_length, is_number
from lrfix.experiments.step_paths import step_paths
from lrfix.experiments.structure import method
from lrfix.findings import Finding
from lrfix.rewriting.own_code.text import Candidate, Insert, Text, indent, lines

_LAST = {
    "last_epoch": "self.last_epoch + 1",
    "_last_lr": '[group["lr"] for group in self.optimizer.param_groups]',
}


def for_every_group(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR107: the one rate that ``get_lr`` returns, for each of the groups; not where it is made of one group's own."""
    for function in text.names.nodes:
        if not isinstance(function, ast.FunctionDef) or function.name != "get_lr":
            continue
        returns = [n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None]
        if not any(text.source.span(value).start.line == finding.span.start.line for value in returns):
            continue
        own = any(isinstance(n, ast.Attribute) and n.attr in ("base_lrs", "param_groups") for n in ast.walk(function))
        rates = [_rate(value) for value in returns]
        if not own and all(rate is not None for rate in rates):
            edits = tuple(
                Insert(*text.bounds(value), f"[{text.of(rate)} for _ in self.base_lrs]")
                for value, rate in zip(returns, rates, strict=True)
                if rate is not None
            )
            yield Candidate(edits, "returns the rate for every group")


def _rate(value: ast.expr) -> ast.expr | None:
    """The rate in what is returned: a list of one, or a plain number."""
    if isinstance(value, ast.List | ast.Tuple) and len(value.elts) == 1:
        return value.elts[0]
    return value if is_number(value) and not fixed_length(value) else None


def brought_along(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR107: the scheduler's own count, and its last rates, on the ways through ``step`` that leave them behind."""
    for owner in text.names.nodes:
        step = method(owner, "step") if isinstance(owner, ast.ClassDef) else None
        if step is None or not isinstance(owner, ast.ClassDef) or not text.source.span(step).contains(finding.span):
            continue
        told = [name for name in _LAST if f"`{name}`" in finding.message]
        for names in dict.fromkeys((tuple(told), tuple(_LAST))):
            behind = [_left_behind(text, owner, step, name) for name in names]
            edits = [_after(text, step, names, moves, behind) for moves in dict.fromkeys(chain(*behind))]
            shown = " and ".join(f"`self.{name}`" for name in names)
            yield Candidate(tuple(edits), f"keeps {shown} wherever `step` moves the rate")


def _left_behind(text: Text, owner: ast.ClassDef, step: ast.FunctionDef, name: str) -> list[ast.stmt]:
    """The statements of ``step`` behind which an attribute is not yet what it should be; one for all ways through an
    ``if`` that has the same to do on each."""
    found: dict[ast.stmt, None] = {}
    for path in step_paths(owner, step):
        moves = _in_step(text, step, path.mover) if path.mover is not None and name not in path.sets else None
        if moves is not None:
            found[moves] = None
    for moves in list(found):
        around = text.names.parents.get(moves)
        if isinstance(around, ast.If) and around.orelse and {around.body[-1], around.orelse[-1]} <= set(found):
            found = {around if s is around.body[-1] else s: None for s in found if s is not around.orelse[-1]}
    return list(found)


def _in_step(text: Text, step: ast.FunctionDef, moves: ast.AST) -> ast.stmt | None:
    """The statement of ``step`` in which a rate is moved, by itself or by a method that it calls."""
    function = text.names.enclosing(moves, ast.FunctionDef)
    if function is not step and isinstance(function, ast.FunctionDef):
        calls = (n for n in ast.walk(step) if isinstance(n, ast.Call) and text.of(n.func) == f"self.{function.name}")
        moves = next(calls, moves)
    around = (moves, *text.names.ancestors(moves))
    inside = [node for node in around[: around.index(step)] if isinstance(node, ast.stmt)] if step in around else []
    loops = [node for node in inside if isinstance(node, ast.For)]
    last = loops[-1] if loops else inside[0] if inside else None
    return None if isinstance(last, ast.Return) else last


def _after(
    text: Text, step: ast.FunctionDef, names: Sequence[str], moves: ast.stmt, behind: Sequence[Sequence[ast.stmt]]
) -> Insert:
    margin, (_, end) = indent(text, moves), lines(text, moves)
    ending = "" if text.source.text[:end].endswith(("\n", "\r")) else "\n"
    asked = [a.arg for a in step.args.args]
    count = f"{_LAST['last_epoch']} if epoch is None else epoch" if "epoch" in asked else _LAST["last_epoch"]
    given = {**_LAST, "last_epoch": count}
    due = (name for name, statements in zip(names, behind, strict=True) if moves in statements)
    return Insert(end, end, ending + "".join(f"{margin}self.{name} = {given[name]}\n" for name in due))


__all__ = ["brought_along", "for_every_group"]
