"""Edits of the constructor of a scheduler class: what is there before torch's own constructor asks for the rates."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.class_reading import base_constructor_call
from lrfix.experiments.structure import method
from lrfix.findings import Finding
from lrfix.rewriting.own_code.calls import without_verbose
from lrfix.rewriting.own_code.subclasses import brought_along, for_every_group
from lrfix.rewriting.own_code.text import Candidate, Insert, Text, alone, indent, lines


def constructed(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR107: the base class's constructor is called, once everything is there that it reads."""
    yield from without_verbose(text, finding)
    yield from for_every_group(text, finding)
    yield from brought_along(text, finding)
    for owner in text.names.nodes:
        if not isinstance(owner, ast.ClassDef) or not text.source.span(owner).contains(finding.span):
            continue
        builds = method(owner, "__init__")
        if builds is None:
            continue
        call = base_constructor_call(owner)
        if call is None:
            yield from _called(text, builds)
            continue
        base = next((s for s in builds.body if isinstance(s, ast.Expr) and s.value is call), None)
        if base is not None and alone(text, base):
            yield from _later(text, builds, base)
            yield from _created(text, owner, base, finding)


def _called(text: Text, builds: ast.FunctionDef) -> Iterator[Candidate]:
    """The call that is missing, at the end, where everything that the rates are worked out from is there."""
    taken = [a.arg for a in builds.args.args[1:]]
    kept = {
        text.of(s.targets[0]): text.of(s.value)
        for s in builds.body
        if isinstance(s, ast.Assign) and len(s.targets) == 1
    }
    begun = [name for name in (kept.get("self.last_epoch"), "last_epoch") if name in taken]
    if not taken or kept.get("self.optimizer", taken[0]) != taken[0]:
        return
    call = f"super().__init__({', '.join([taken[0], *begun[:1]])})"
    last = builds.body[-1]
    _, end = lines(text, last)
    ending = "" if text.source.text[:end].endswith(("\n", "\r")) else "\n"
    yield Candidate((Insert(end, end, f"{ending}{indent(text, last)}{call}\n"),), f"calls `{call}`")


def _later(text: Text, builds: ast.FunctionDef, base: ast.Expr) -> Iterator[Candidate]:
    """The call behind what it needs: first as little of it as there is, at last all."""
    start, end = lines(text, base)
    moved = text.source.text[start:end]
    behind = builds.body[builds.body.index(base) + 1 :]
    for last in (s for s in behind if isinstance(s, ast.Assign | ast.AnnAssign)):
        _, after = lines(text, last)
        ending = "" if text.source.text[:after].endswith(("\n", "\r")) else "\n"
        edits = Insert(start, end, ""), Insert(after, after, ending + moved)
        yield Candidate(edits, f"calls `{text.of(base)}` when `{_kept(text, last)}` is there")


def _kept(text: Text, statement: ast.Assign | ast.AnnAssign) -> str:
    return text.of(statement.targets[0] if isinstance(statement, ast.Assign) else statement.target)


def _created(text: Text, owner: ast.ClassDef, base: ast.Expr, finding: Finding) -> Iterator[Candidate]:
    """A flag that is raised and never created: it begins as what it is not raised to."""
    for read in text.within(finding):
        if not isinstance(read, ast.Attribute) or text.of(read.value) != "self":
            continue
        uses = [n for n in ast.walk(owner) if isinstance(n, ast.Attribute) and text.of(n) == text.of(read)]
        raised = {_raised_to(text, n) for n in uses if isinstance(n.ctx, ast.Store)}
        asked = [n for n in uses if isinstance(n.ctx, ast.Load)]
        if len(raised) == 1 and raised <= {True, False} and all(_is_condition(text, n) for n in asked):
            start, _ = lines(text, base)
            begun = f"{text.of(read)} = {not raised.pop()}"
            yield Candidate((Insert(start, start, f"{indent(text, base)}{begun}\n"),), f"begins with `{begun}`")


def _raised_to(text: Text, stored: ast.Attribute) -> object:
    statement = text.names.parents.get(stored)
    value = statement.value if isinstance(statement, ast.Assign) else None
    return value.value if isinstance(value, ast.Constant) else None


def _is_condition(text: Text, read: ast.AST) -> bool:
    """Whether a value is asked for whether it is true, and for nothing else."""
    around = text.names.parents.get(read)
    if isinstance(around, ast.UnaryOp | ast.BoolOp):
        return isinstance(around, ast.BoolOp) or isinstance(around.op, ast.Not)
    return isinstance(around, ast.If | ast.While | ast.IfExp) and around.test is read


__all__ = ["constructed"]
