"""The file's text, the places of its nodes as offsets into it, and what an edit is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lrfix.findings import Finding, Position
from lrfix.names import FUNCTION_NODES, Names
from lrfix.source import Source


@dataclass(frozen=True)
class Insert:
    """``text`` in place of the characters from ``start`` to ``end`` of the file's text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Candidate:
    """One edit, and what it does in the words of a commit."""

    edits: tuple[Insert, ...]
    says: str

    def applied(self, text: str) -> str:
        for edit in sorted(self.edits, key=lambda each: each.start, reverse=True):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return text


class Text:
    """The places of nodes as offsets into the file's text."""

    def __init__(self, source: Source, names: Names) -> None:
        self.source = source
        self.names = names
        self.of = source.segment

    def bounds(self, node: ast.AST) -> tuple[int, int]:
        span = self.source.span(node)
        return self.source.offset(span.start), self.source.offset(span.end)

    def in_parentheses(self, node: ast.AST) -> tuple[int, int]:
        """The bounds of an expression with the parentheses that are its own."""
        start, end = self.bounds(node)
        text = self.source.text
        if text[start - 1 : start] == "(" and text[end : end + 1] == ")":
            return start - 1, end + 1
        return start, end

    def within(self, finding: Finding) -> list[ast.AST]:
        """The nodes that lie inside what a finding points at."""
        return [
            node
            for node in self.names.nodes
            if isinstance(node, ast.expr | ast.stmt) and finding.span.contains(self.source.span(node))
        ]

    def around(self, finding: Finding) -> list[ast.AST]:
        """The nodes of the innermost function around a finding; those that it points at where it is one itself."""
        inside = self.within(finding)
        if not inside:
            return []
        function = self.names.enclosing(inside[0], FUNCTION_NODES)
        return list(ast.walk(function)) if function is not None else inside

    def beside(self, nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
        """The nodes of the class around some nodes, and of the classes of the file that it rests on."""
        classes = (
            [n for n in (nodes[0], *self.names.ancestors(nodes[0])) if isinstance(n, ast.ClassDef)] if nodes else []
        )
        owner = classes[0] if classes else None
        rests = {b.id for b in owner.bases if isinstance(b, ast.Name)} if owner is not None else set()
        for definition in self.names.nodes:
            if isinstance(definition, ast.ClassDef) and (definition is owner or definition.name in rests):
                yield from ast.walk(definition)

    def called_from(self, nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
        """The nodes of the functions and classes of the file that some nodes name, and that hold none of these."""
        read = {n.id for n in nodes if isinstance(n, ast.Name)} | {
            n.attr for n in nodes if isinstance(n, ast.Attribute)
        }
        for definition in self.names.nodes:
            if isinstance(definition, ast.FunctionDef | ast.ClassDef) and definition.name in read:
                inner = list(ast.walk(definition))
                if not set(inner) & set(nodes):
                    yield from inner


Finder = Callable[[Text, Finding], Iterator[Candidate]]


def alone(text: Text, statement: ast.stmt) -> bool:
    """Whether a statement has its lines for itself."""
    start, end = lines(text, statement)
    first, last = text.bounds(statement)
    inside = text.source.text
    return not inside[start:first].strip() and not inside[last:end].partition("#")[0].strip()


def lines(text: Text, node: ast.stmt) -> tuple[int, int]:
    """The bounds of all lines of a statement, the last one's end included."""
    last = node.end_lineno or node.lineno
    source = text.source
    end = source.offset(Position(last + 1, 1)) if last < len(source.lines) else len(source.text)
    return source.offset(Position(node.lineno, 1)), end


def indent(text: Text, node: ast.expr | ast.stmt) -> str:
    line = text.source.lines[node.lineno - 1]
    return line[: len(line) - len(line.lstrip())]


__all__ = ["Candidate", "Finder", "Insert", "Text", "alone", "indent", "lines"]
