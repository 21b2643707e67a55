"""A notebook as one program, and back."""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from lrfix.findings import CellPlace, FileResult, Finding, Position, Related, SiteReport, Span
from lrfix.notebooks.json_text import Piece, items, members, offset_in, piece, skip, value
from lrfix.notebooks.magics import Line, as_python

_LINE = re.compile(r"\bline (\d+)\b")


class NotebookError(Exception):
    """A file that is no notebook that can be read, or a program that cannot be put back into one."""

    def __init__(self, kind: Literal["syntax", "encoding"], message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclass(frozen=True)
class Cell:
    """A code cell. ``number`` counts all cells from 1; ``first`` is the line of the program that it begins with."""

    number: int
    first: int
    lines: tuple[Line, ...]
    python: bool
    pieces: tuple[Piece, ...]
    start: int
    end: int

    @property
    def text(self) -> str:
        return "".join(each.value for each in self.pieces)

    @property
    def last(self) -> int:
        return self.first + len(self.lines) - 1

    @property
    def mark(self) -> str:
        """The line of the program that ends the cell: a statement, so that no comment and no edit takes it away."""
        return f'"end of cell {self.number}"'


@dataclass(frozen=True)
class Notebook:
    """``text`` is the file's, ``language`` the kernel's (python where the file does not say)."""

    text: str
    cells: tuple[Cell, ...]
    language: str

    @cached_property
    def program(self) -> str:
        """The code of all cells, one after the other, each followed by its mark."""
        return "".join("".join(f"{line.python}\n" for line in cell.lines) + f"{cell.mark}\n" for cell in self.cells)

    @property
    def code(self) -> bytes:
        """The program as the content of a Python file; what is no Unicode in it cannot be decoded, as in any file."""
        return self.program.encode("utf-8", "surrogatepass")

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The program's lines as they stand in the notebook, for people to see."""
        return tuple(line for cell in self.cells for line in (*(each.original for each in cell.lines), ""))

    def located(self, result: FileResult) -> FileResult:
        """A result of the program with places in cells instead of lines of the program."""
        return replace(
            result,
            findings=tuple(self._finding(finding) for finding in result.findings),
            sites=tuple(self._site(site) for site in result.sites),
            errors=tuple(replace(error, message=self.in_cells(error.message)) for error in result.errors),
        )

    def in_cells(self, message: str) -> str:
        """A message that may say ``(line 12)`` of the program, with cells instead; what it quotes stays as it is."""
        parts = message.split("`")
        parts[::2] = [_LINE.sub(lambda found: self._words(int(found.group(1))), part) for part in parts[::2]]
        return "`".join(parts)

    def place(self, position: Position) -> tuple[int, Position]:
        """The cell of a position of the program, and the position in it."""
        cell = self._cell(position.line)
        line = min(position.line, cell.last) - cell.first
        shift = cell.lines[line].shift if line < len(cell.lines) else 0
        return cell.number, Position(line + 1, position.column + shift)

    def changes(self, program: str) -> list[tuple[Cell, str]]:
        """The cells that a changed program changes, each with its new text.

        Raises NotebookError where the change goes across cells or into what is no Python.
        """
        marks = {cell.mark for cell in self.cells}
        if any(line.python in marks for cell in self.cells for line in cell.lines):
            raise NotebookError("syntax", "a line of it reads as what lrfix puts between cells")
        changed: list[tuple[Cell, str]] = []
        rest = program
        for cell in self.cells:
            body, mark, rest = rest.partition(f"{cell.mark}\n")
            if not mark or (body and not body.endswith("\n")):
                raise NotebookError("syntax", f"the change goes beyond the end of cell {cell.number}")
            text = _restored(cell, body[:-1].split("\n") if body else [])
            if text != cell.text:
                # What stood at the top may be gone, with the blank lines behind it left.
                changed.append((cell, text if cell.text.startswith("\n") else text.lstrip("\n")))
        if rest:
            raise NotebookError("syntax", "the change goes beyond the last cell")
        return changed

    def with_program(self, program: str) -> str:
        """The file's text with the cells that a changed program has; everything else as it is, byte for byte.

        Raises NotebookError as ``changes`` does.
        """
        text = self.text
        for cell, new in reversed(self.changes(program)):
            text = text[: cell.start] + _encoded(self.text, cell, new) + text[cell.end :]
        return text

    def renewed(self, raw: bytes, program: str) -> bytes:
        """The bytes of the file whose content was ``raw``, with a changed program. Raises NotebookError."""
        return raw[: len(raw) - len(self.text.encode())] + self.with_program(program).encode()

    @cached_property
    def _firsts(self) -> list[int]:
        return [cell.first for cell in self.cells]

    def _cell(self, line: int) -> Cell:
        return self.cells[max(0, bisect.bisect_right(self._firsts, line) - 1)]

    def _words(self, line: int) -> str:
        if not self.cells:
            return f"line {line}"
        number, position = self.place(Position(line, 1))
        return f"cell {number}, line {position.line}"

    def _span(self, span: Span) -> tuple[Span, CellPlace]:
        number, start = self.place(span.start)
        other, end = self.place(span.end)
        cell = self._cell(span.start.line)
        if other != number:
            end = Position(len(cell.lines), len(cell.lines[-1].original) + 1)
        inner = Span(start, max(start, end))
        physical = Span(self._physical(cell, inner.start), self._physical(cell, inner.end))
        return inner, CellPlace(number, cell.first, physical)

    def _physical(self, cell: Cell, position: Position) -> Position:
        """Where a position of a cell stands in the file itself."""
        index = sum(len(line.original) + 1 for line in cell.lines[: position.line - 1]) + position.column - 1
        offset = cell.start
        for found in cell.pieces:
            if index <= len(found.value):
                offset = offset_in(self.text, found, index)
                if index < len(found.value) or found is cell.pieces[-1]:
                    break
            index -= len(found.value)
        line = self.text.count("\n", 0, offset)
        return Position(line + 1, offset - self.text.rfind("\n", 0, offset))

    def _finding(self, finding: Finding) -> Finding:
        span, cell = self._span(finding.span)
        related = tuple(self._related(each, finding.path) for each in finding.related)
        message = self.in_cells(finding.message)
        return replace(finding, message=message, span=span, cell=cell, related=related)

    def _related(self, place: Related, path: str) -> Related:
        if place.path not in ("", path):
            return place
        span, cell = self._span(place.span)
        return replace(place, span=span, cell=cell)

    def _site(self, site: SiteReport) -> SiteReport:
        span, cell = self._span(site.span)
        return replace(site, span=span, cell=cell)


def read_notebook(raw: bytes) -> Notebook:
    """Raises NotebookError."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotebookError("encoding", "not UTF-8, as notebooks are") from None
    try:
        return _read(text)
    except json.JSONDecodeError as error:
        raise NotebookError("syntax", f"line {error.lineno}: not valid JSON: {error.msg}") from None
    except (ValueError, IndexError) as error:
        raise NotebookError("syntax", f"not a notebook that lrfix can read: {error}") from None
    except RecursionError:
        raise NotebookError("syntax", "nested too deeply to be a notebook") from None


def _read(text: str) -> Notebook:
    start = skip(text, 0)
    cells: tuple[Cell, ...] | None = None
    metadata: object = None
    version: object = 4
    for key, at in members(text, start):
        if key == "cells":
            cells = _cells(text, at)
        elif key == "metadata":
            metadata, _ = value(text, at)
        elif key == "nbformat":
            version, _ = value(text, at)
    if isinstance(version, int) and version < 4:
        raise ValueError(f"its format is {version}, written before 2015; `jupyter nbconvert --to notebook` renews it")
    if cells is None:
        raise ValueError("it has no cells")
    return Notebook(text, cells, _language(metadata))


def _cells(text: str, at: int) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    line = 1
    for number, start in enumerate(items(text, at), 1):
        kind: object = None
        source: int | None = None
        for key, inner in members(text, start):
            if key == "cell_type":
                kind, _ = value(text, inner)
            elif key == "source":
                source = inner
        if kind == "code" and source is not None:
            listed = text[source : source + 1] == "["
            pieces = tuple(piece(text, each) for each in items(text, source)) if listed else (piece(text, source),)
            _, end = value(text, source)
            lines, python = as_python("".join(each.value for each in pieces))
            cells.append(Cell(number, line, lines, python, pieces, source, end))
            line += len(lines) + 1
    return tuple(cells)


def _language(metadata: object) -> str:
    for outer, inner in (("kernelspec", "language"), ("language_info", "name")):
        described = metadata.get(outer) if isinstance(metadata, dict) else None
        language = described.get(inner) if isinstance(described, dict) else None
        if isinstance(language, str):
            return language
    return "python"


def _restored(cell: Cell, lines: Sequence[str]) -> str:
    """The new text of a cell: lines that are as they were come back as they stood in the notebook."""
    old = [line.python for line in cell.lines]
    if list(lines) == old:
        return cell.text
    if not cell.python:
        raise NotebookError("syntax", f"the change goes into cell {cell.number}, which is no Python")
    # A change of a notebook is rare, and the import is not cheap.
    from difflib import SequenceMatcher

    restored: list[str] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, lines, autojunk=False).get_opcodes():
        if tag == "equal":
            restored.extend(line.original for line in cell.lines[i1:i2])
            continue
        if any(not line.kept and line.original.rstrip("\r") != line.python for line in cell.lines[i1:i2]):
            raise NotebookError("syntax", f"the change takes a magic of cell {cell.number} away")
        restored.extend(lines[j1:j2])
    return "\n".join(restored)


def _encoded(text: str, cell: Cell, new: str) -> str:
    """A cell's new text as JSON in the manner of the old."""
    old = text[cell.start : cell.end]
    ascii_only = "\\u" in old and old.isascii()
    if not old.startswith("["):
        return json.dumps(new, ensure_ascii=ascii_only)
    known = {each.value: text[each.start : each.end] for each in cell.pieces}
    parts = [part for part in re.split(r"(?<=\n)", new) if part]
    opening = text[cell.start + 1 : cell.pieces[0].start] if cell.pieces else ""
    closing = text[cell.pieces[-1].end : cell.end - 1] if cell.pieces else ""
    between = text[cell.pieces[0].end : cell.pieces[1].start] if len(cell.pieces) > 1 else f",{opening or ' '}"
    literals = [known.get(part) or json.dumps(part, ensure_ascii=ascii_only) for part in parts]
    return f"[{opening}{between.join(literals)}{closing}]" if literals else "[]"


__all__ = ["Cell", "Notebook", "NotebookError", "read_notebook"]
