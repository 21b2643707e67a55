"""For LR109: a schedule on a step count that the rest of the file adds the resumed steps to. No rules here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lrfix.experiments.structure import assignments
from lrfix.experiments.study import Study
from lrfix.findings import Violation
from lrfix.sites.vocabulary import names_position, speaks_of_step, words

_BEFORE = frozenset({"resume", "resumed", "start", "begin", "initial"})


def without_offset(study: Study) -> Iterator[Violation]:
    """``step / total`` in a setter, in a file that counts with ``step + resume_step`` elsewhere."""
    inside = {n for node in _writing(study) for n in ast.walk(node)}
    known = {ast.unparse(n) for n in inside if isinstance(n, ast.Name | ast.Attribute)}
    for counter, offset, where in _offsets(study):
        if where in inside or counter not in known or offset in known:
            continue
        aliases = {counter} | {
            target.id
            for node in inside
            for target, value in assignments(node)
            if isinstance(target, ast.Name) and ast.unparse(value) == counter
        }
        progress = next((n for n in study.names.nodes if n in inside and _progress(n, aliases)), None)
        statement = study.names.statement_of(progress) if progress is not None else None
        if statement is not None and not _moved(inside):
            yield Violation(
                study.span(statement),
                f"`{counter}` counts the steps of this process alone: line {getattr(where, 'lineno', 0)} adds "
                f"`{offset}` to it, and the schedule does not. A resumed run begins the schedule again.",
            )
            return


def _writing(study: Study) -> Iterator[ast.AST]:
    """The code that works the rate out: of a class, the methods that write it."""
    if not isinstance(study.node, ast.ClassDef):
        yield from study.site.nodes
    for write in study.site.writes if isinstance(study.node, ast.ClassDef) else ():
        function = study.names.enclosing(write, ast.FunctionDef)
        if function is not None:
            yield function


def _offsets(study: Study) -> Iterator[tuple[str, str, ast.AST]]:
    """Counter and offset of every ``self.step + self.resume_step`` of the file."""
    for node in study.names.nodes:
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
            continue
        for counter, other in ((node.left, node.right), (node.right, node.left)):
            if not isinstance(counter, ast.Attribute) or not names_position(counter.attr):
                continue
            for part in ast.walk(other):
                name = _name(part) if isinstance(part, ast.Name | ast.Attribute) else ""
                if _BEFORE & set(words(name)) and speaks_of_step(name):
                    yield ast.unparse(counter), ast.unparse(part), node
                    break


def _progress(node: ast.AST, aliases: set[str]) -> bool:
    """Whether a node divides the count by something that is not a mere warmup."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
        return False
    below = {word for n in ast.walk(node.right) if isinstance(n, ast.Name | ast.Attribute) for word in _said(n)}
    speaks = bool({"epoch", "total", "max", "anneal", "count", "steps", "num"} & below)
    return speaks and any(isinstance(n, ast.expr) and ast.unparse(n) in aliases for n in ast.walk(node.left))


def _said(node: ast.Name | ast.Attribute) -> tuple[str, ...]:
    return words(_name(node))


def _name(node: ast.Name | ast.Attribute) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id


def _moved(inside: set[ast.AST]) -> bool:
    """Whether the schedule knows a start of its own."""
    known = [n for n in inside if isinstance(n, ast.Name | ast.Attribute)]
    return any(_BEFORE & set(_said(n)) and speaks_of_step(_name(n)) for n in known)


__all__ = ["without_offset"]
