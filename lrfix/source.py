"""From the bytes of a file to decoded text, syntax tree and positions.

Everything here follows Python's own reading of a file (PEP 263 cookies, byte order marks, universal newlines), so that
a position means the same to lrfix, to the interpreter and to an editor.
"""

from __future__ import annotations

import ast
import codecs
import io
import re
import sys
import threading
import tokenize
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from lrfix.findings import Position, Span

_NEWLINE = re.compile(r"\r\n|\r|\n")
_PYTHON_2 = re.compile(
    r"""
      ^[ \t]*print[ \t]+(?![=.,:)\]])[^\s(=]            # print "text"
    | ^[ \t]*print[ \t]*>>                              # print >>stream, text
    | ^[ \t]*exec[ \t]+["'\w]                           # exec "code"
    | ^[ \t]*except[ \t]+[\w.]+[ \t]*,[ \t]*\w+[ \t]*:  # except Error, e:
    | ^[ \t]*raise[ \t]+[\w.]+[ \t]*,                   # raise Error, "text"
    | \bur["']                                          # ur"text"
    | <>                                                # a <> b
    | \b0[0-7]+[lL]?\b(?!\.)|\b\d+[lL]\b                # 0777, 10L
    """,
    re.VERBOSE | re.MULTILINE,
)


#: Characters below which no chain of operators exhausts an ordinary stack, and the stack (bytes) for longer texts.
_DEEP_CHAIN = 20_000
_DEEP_STACK = 512 * 1024 * 1024


class SourceError(Exception):
    """A file that cannot be read as Python: ``kind`` says why, ``line`` (1-based) where, if known."""

    def __init__(self, kind: Literal["syntax", "encoding"], message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.line = line


@dataclass(frozen=True)
class Comment:
    """A comment with its ``#``; ``column`` counts characters from 1. ``own_line``: nothing stands before it."""

    line: int
    column: int
    text: str
    own_line: bool


@dataclass(frozen=True, eq=False)
class Source:
    """One parsed file. ``text`` keeps the file's line endings and lacks its byte order mark."""

    path: str
    raw: bytes
    text: str
    tree: ast.Module
    encoding: str
    newline: str
    has_bom: bool

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The text's lines without their endings, split where Python splits them (not at form feeds)."""
        return tuple(_NEWLINE.split(self.text))

    @cached_property
    def comments(self) -> tuple[Comment, ...]:
        """Every comment, in order. Where the tokenizer is stricter than the parser, those before that place."""
        return tuple(_comments(self.lines))

    def span(self, node: ast.AST) -> Span:
        """Where ``node`` stands; columns count characters. Raises ValueError for nodes without a place (a module)."""
        line, column = getattr(node, "lineno", None), getattr(node, "col_offset", None)
        end_line, end_column = getattr(node, "end_lineno", None), getattr(node, "end_col_offset", None)
        if line is None or column is None or end_line is None or end_column is None:
            raise ValueError(f"{type(node).__name__} nodes have no position")
        return Span(self._position(line, column), self._position(end_line, end_column))

    def segment(self, node: ast.AST) -> str:
        """The node's text exactly as written."""
        return self.segment_of(self.span(node))

    def segment_of(self, span: Span) -> str:
        """The text between two positions, with the file's own line endings."""
        return self.text[self.offset(span.start) : self.offset(span.end)]

    def offset(self, position: Position) -> int:
        """The index in the text of the character at a position."""
        return self._line_starts[position.line - 1] + position.column - 1

    def encoded(self, text: str) -> bytes:
        """``text`` as bytes in the file's own encoding, with its byte order mark where it had one.

        Raises SourceError where a character has no place in that encoding.
        """
        try:
            encoded = text.encode(self.encoding)
        except UnicodeEncodeError as error:
            message = f"the new text cannot be written in {self.encoding}: {error.reason}"
            raise SourceError("encoding", message) from None
        return codecs.BOM_UTF8 + encoded if self.has_bom else encoded

    @cached_property
    def _line_starts(self) -> tuple[int, ...]:
        return (0, *(match.end() for match in _NEWLINE.finditer(self.text)))

    def _position(self, line: int, byte_offset: int) -> Position:
        text = self.lines[line - 1]
        if text.isascii():
            return Position(line, byte_offset + 1)
        return Position(line, len(text.encode("utf-8", "surrogatepass")[:byte_offset].decode("utf-8", "replace")) + 1)


def _comments(lines: tuple[str, ...]) -> Iterator[Comment]:
    # The tokenizer counts lines as Python does only when every line ends in \n.
    text = "\n".join(lines)
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline="\n").readline):
            if token.type == tokenize.COMMENT:
                line, column = token.start
                yield Comment(line, column + 1, token.string, not token.line[:column].strip())
    except (tokenize.TokenError, SyntaxError):
        return


def parse_source(raw: bytes, path: str) -> Source:
    """Decodes and parses ``raw``; ``path`` is only carried along. Raises SourceError, and nothing else."""
    text, encoding, has_bom = _decode(raw)
    if "\0" in text:
        line = len(_NEWLINE.findall(text, 0, text.index("\0"))) + 1
        raise SourceError("syntax", f"line {line}: the file contains NUL bytes, it is not Python source", line)
    first_newline = _NEWLINE.search(text)
    return Source(
        path=path,
        raw=raw,
        text=text,
        tree=_parse(text, path),
        encoding=encoding,
        newline=first_newline.group() if first_newline else "\n",
        has_bom=has_bom,
    )


def _decode(raw: bytes) -> tuple[str, str, bool]:
    has_bom = raw.startswith(codecs.BOM_UTF8)
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SourceError(
            "encoding", "the file is UTF-16; Python source is UTF-8 unless a coding comment says otherwise"
        )
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
    except SyntaxError as error:
        line = _undecodable_line(raw, "utf-8")
        if "unknown encoding" in str(error) or line is None:
            raise SourceError("encoding", f"the coding comment cannot be used: {error.msg}", 1) from None
        raise _not_utf8(line) from None
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        line = _undecodable_line(raw, encoding)
        if encoding in ("utf-8", "utf-8-sig"):
            raise _not_utf8(line) from None
        place = f"line {line}: " if line else ""
        raise SourceError("encoding", f"{place}not {encoding}, though the coding comment says so", line) from None
    except (LookupError, UnicodeError) as error:
        raise SourceError("encoding", f"the coding comment cannot be used: {error}", 1) from None
    return text, "utf-8" if encoding == "utf-8-sig" else encoding, has_bom


def _not_utf8(line: int | None) -> SourceError:
    place = f"line {line}: " if line else ""
    return SourceError(
        "encoding",
        f"{place}not UTF-8; save the file as UTF-8 or add a coding comment (# -*- coding: latin-1 -*-)",
        line,
    )


def _undecodable_line(raw: bytes, encoding: str) -> int | None:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError as error:
        return len(re.findall(rb"\r\n|\r|\n", raw[: error.start])) + 1
    return None


def _parse(text: str, path: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _parse_safely(text, path)
    except SyntaxError as error:
        line = error.lineno
        place = f"line {line}: " if line else ""
        if _looks_like_python_2(text, error):
            raise SourceError(
                "syntax", f"{place}this looks like Python 2, lrfix reads Python 3 ({error.msg})", line
            ) from None
        raise SourceError("syntax", f"{place}{error.msg}", line) from None
    except (RecursionError, MemoryError):
        raise SourceError("syntax", "the code is nested too deeply to be parsed") from None
    except (ValueError, OverflowError) as error:
        raise SourceError("syntax", f"Python cannot parse the file: {error}") from None


def _parse_safely(text: str, path: str) -> ast.Module:
    if sys.version_info >= (3, 11) or len(text) < _DEEP_CHAIN:
        return ast.parse(text, filename=path)
    # Python 3.10 does not count how deep a chain (1 + 1 + 1 ..., x.a.a.a ...) goes and runs off the C stack.
    previous = threading.stack_size(_DEEP_STACK)
    try:
        with ThreadPoolExecutor(1) as parser:
            return parser.submit(ast.parse, text, path).result()
    except RuntimeError as error:
        raise MemoryError from error
    finally:
        threading.stack_size(previous)


def _looks_like_python_2(text: str, error: SyntaxError) -> bool:
    if "Missing parentheses in call to" in (error.msg or ""):
        return True
    lines = _NEWLINE.split(text)
    line = error.lineno or 0
    return 0 < line <= len(lines) and _PYTHON_2.search(lines[line - 1]) is not None


__all__ = ["Source", "SourceError", "parse_source"]
