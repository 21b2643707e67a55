"""A parsed source file: who stands where, and edits of its bytes that leave everything else as it was."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from vocabulary import (
    COUNTERS,
    FUNCTIONS,
    NAMES,
    SHORT_COUNTERS,
    called,
    dotted,
    is_division,
    last_name,
    parameters,
)

FORMULAS = ("get_lr", "_get_closed_form_lr")

# The bytes from start to end give way to the text.
Edit = tuple[int, int, str]


class File:
    """A source with the parent of each node, its places in bytes, and the edits that operators need."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.tree = ast.parse(source)
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.nodes = list(ast.walk(self.tree))
        self.parent = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    # Places

    def span(self, node: ast.AST) -> tuple[int, int]:
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.source[start:end].decode()

    def first_line(self, node: ast.stmt) -> int:
        """The line of the statement, its decorators included."""
        return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])

    def whole_lines(self, node: ast.stmt) -> tuple[int, int] | None:
        """The bytes of the statement's lines, or None where it shares a line with something else."""
        start, end = self.starts[self.first_line(node) - 1], self.starts[node.end_lineno]
        rest = self.source[self.span(node)[1] : end].decode().strip()
        before = self.source[self.starts[node.lineno - 1] : self.span(node)[0]].decode()
        return (start, end) if not before.strip(" \t") and (not rest or rest.startswith("#")) else None

    def indent(self, node: ast.stmt) -> str:
        line = self.source[self.starts[node.lineno - 1] : self.starts[node.lineno]].decode()
        return line[: len(line) - len(line.lstrip(" \t"))]

    def up(self, node: ast.AST) -> Iterator[ast.AST]:
        while node in self.parent:
            node = self.parent[node]
            yield node

    def function(self, node: ast.AST) -> ast.AST | None:
        """The nearest function around the node."""
        return next((n for n in self.up(node) if isinstance(n, FUNCTIONS)), None)

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        return next((n for n in self.up(node) if isinstance(n, ast.ClassDef)), None)

    def scope(self, node: ast.AST) -> ast.AST:
        return self.function(node) or self.tree

    def block(self, node: ast.stmt) -> list[ast.stmt]:
        """The statements among which this one stands."""
        for _, value in ast.iter_fields(self.parent[node]):
            if isinstance(value, list) and node in value:
                return value
        return [node]

    # Edits; an empty list where the text around does not allow one

    def put(self, node: ast.AST, new: str | ast.AST) -> list[Edit]:
        """Another expression in the place of this one; a node is wrapped where its precedence could change."""
        if isinstance(new, ast.AST):
            safe = isinstance(new, (ast.Name, ast.Attribute, ast.Call, ast.Constant, ast.Subscript))
            new = self.text(new) if safe else f"({self.text(new)})"
        return [(*self.span(node), new)]

    def drop(self, node: ast.stmt) -> list[Edit]:
        lines = self.whole_lines(node)
        if lines is None:
            return []
        return [(*self.span(node), "pass")] if len(self.block(node)) == 1 else [(*lines, "")]

    def before(self, node: ast.stmt, *texts: str) -> list[Edit]:
        lines = self.whole_lines(node)
        return [(lines[0], lines[0], "".join(f"{self.indent(node)}{text}\n" for text in texts))] if lines else []

    def after(self, node: ast.stmt, *texts: str, indent: str | None = None) -> list[Edit]:
        end = self.starts[node.end_lineno]
        if not self.source[:end].endswith(b"\n") or (self.whole_lines(node) is None and not hasattr(node, "body")):
            return []
        indent = self.indent(node) if indent is None else indent
        return [(end, end, "".join(f"{indent}{text}\n" if text else "\n" for text in texts))]

    def append(self, owner: ast.ClassDef, *texts: str) -> list[Edit]:
        """Lines at the end of a class, as far in as its body."""
        return self.after(owner.body[-1], "", *texts, indent=self.indent(owner.body[-1])) if owner.body else []

    # What a place means

    def is_counter(self, node: ast.AST | None) -> bool:
        name = last_name(node)
        if name in COUNTERS:
            return True
        function = self.function(node) if node is not None and name in SHORT_COUNTERS else None
        return function is not None and name in parameters(function)

    def reads_counter(self, node: ast.AST) -> bool:
        return any(isinstance(n, NAMES) and self.is_counter(n) for n in ast.walk(node))

    def counts(self, node: ast.AST) -> bool:
        """Whether the value depends on the step: on the counter, or on a progress made from it."""
        names = self.progress_names(self.scope(node))
        return self.reads_counter(node) or any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(node))

    def progress_names(self, scope: ast.AST) -> set[str]:
        """Local names that are computed from the counter with a division."""
        return {
            node.targets[0].id
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and any(is_division(n) for n in ast.walk(node.value))
            and any(self.is_counter(n) for n in ast.walk(node.value))
        }

    def clock_tests(self, node: ast.AST) -> list[ast.If | ast.IfExp]:
        """The tests on the counter, in this function and not below this place, that may decide if it is reached."""
        return [
            test
            for test in ast.walk(self.scope(node))
            if isinstance(test, (ast.If, ast.IfExp))
            and test.lineno <= node.lineno
            and any(isinstance(c, ast.Compare) and self.reads_counter(c) for c in ast.walk(test.test))
        ]

    def tested(self, node: ast.AST, name: str) -> bool:
        """Whether a test around the place looks at the name, so that its bad values may never get here."""
        return bool(name) and any(
            isinstance(p, (ast.If, ast.IfExp, ast.Assert)) and any(last_name(x) == name for x in ast.walk(p.test))
            for p in self.up(node)
        )

    def refused(self, one: str, other: str) -> bool:
        """Whether the file itself refuses some relation of two names: an assertion, or a test before a raise."""
        tests = [n.test for n in ast.walk(self.tree) if isinstance(n, ast.Assert)]
        tests += [n.test for n in ast.walk(self.tree) if isinstance(n, ast.If) and isinstance(n.body[-1], ast.Raise)]
        return any({one, other} <= {last_name(x) for x in ast.walk(test)} for test in tests)

    def states_two_formulas(self, edits: Iterable[Edit]) -> bool:
        """Whether an edit changes one of the two formulas that a class of torch's kind states for its rates."""
        lines = {self.source[:start].count(b"\n") + 1 for start, _, _ in edits}
        for owner in (n for n in self.nodes if isinstance(n, ast.ClassDef)):
            formulas = {f.name: f for f in owner.body if isinstance(f, ast.FunctionDef) and f.name in FORMULAS}
            for f in formulas.values() if len(formulas) == len(FORMULAS) else ():
                if any(f.lineno <= line <= (f.end_lineno or f.lineno) for line in lines):
                    return True
        return False

    def looked_at_first(self, node: ast.AST) -> bool:
        """Whether a caller of the function around the node tests the counter before it asks."""
        name = getattr(self.function(node), "name", "")
        return bool(name) and any(called(c, name) and self.clock_tests(c) for c in self.nodes)

    def stored(self, scope: ast.AST) -> set[str]:
        """The names, attributes included, that are assigned in the scope."""
        return {dotted(n) for n in ast.walk(scope) if isinstance(n, NAMES) and isinstance(n.ctx, ast.Store)}


def applied(source: bytes, edits: Iterable[Edit]) -> tuple[bytes, list[tuple[int, int]]] | None:
    """The source with its edits, and for each the lines it takes in the result; None where two of them meet."""
    out, at, places = bytearray(), 0, []
    last = (-1, -1)
    for start, end, text in sorted(edits, key=lambda edit: edit[:2]):
        if start < at or (start, end) == last:
            return None
        out += source[at:start]
        first = out.count(b"\n") + 1
        out += text.encode()
        places.append((first, max(first, out.count(b"\n") + (not text.endswith("\n")))))
        at, last = end, (start, end)
    return bytes(out + source[at:]), places


def moved_line(source: bytes, edits: Iterable[Edit], line: int) -> int:
    """Where a line of the original stands in the result."""
    offset = sum(len(text) for text in source.splitlines(keepends=True)[: line - 1])
    return line + sum(text.count("\n") - source[start:end].count(b"\n") for start, end, text in edits if end <= offset)


def differs(source: bytes, mutant: bytes) -> bool:
    """Whether the mutant is Python, and says something else than the original."""
    try:
        return ast.dump(ast.parse(source)) != ast.dump(ast.parse(mutant))
    except (SyntaxError, ValueError):
        return False
