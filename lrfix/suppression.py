"""``# lrfix: ignore[LR202]`` and ``# lrfix: skip-file``: what a comment suppresses, and what it fails to.

A comment covers the statement on whose line it stands, or, on a line of its own, the statement below. Over or at the
first lines of a definition (decorators, ``def`` or ``class`` up to the colon) it covers the whole definition.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from lrfix.findings import Position, Span, Violation
from lrfix.meant import did_you_mean
from lrfix.source import Comment, Source
from lrfix.trees import first_line

_DIRECTIVE = re.compile(r"#\s*lrfix:\s*(?P<rest>.*)")
_IGNORE = re.compile(r"ignore(?P<list>\s*\[(?P<codes>[^\]]*)\])?(?=\s|$|[#:,;.-])")
_SKIP_FILE = re.compile(r"skip-file(?=\s|$|[#:,;.-])")
#: What looks like a code behind an ``ignore`` that has no brackets.
_BARE = re.compile(r"\s*[:,]?\s*(?P<word>[A-Za-z][\w-]*)")
_LIKE_A_CODE = re.compile(r"LR\d+", re.IGNORECASE)
_UNUSED = "LR001"
_LEVELS = 32


class Named(Protocol):
    """What has a name beside its code: a rule."""

    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Part:
    """One code of an ignore comment, or the whole comment where it names none (``code`` None)."""

    code: str | None
    span: Span


@dataclass(frozen=True)
class Suppression:
    """An ignore comment and the lines (first and last, 1-based) whose findings it takes away."""

    parts: tuple[Part, ...]
    first: int
    last: int


@dataclass(frozen=True)
class Suppressions:
    """All of one file's comments. ``malformed`` are comments to lrfix that lrfix cannot follow."""

    skip_file: bool = False
    ignores: tuple[Suppression, ...] = ()
    malformed: tuple[Violation, ...] = ()

    def covering(self, code: str, line: int) -> list[Part]:
        """The parts that take away a finding of ``code`` that starts on ``line``."""
        found = []
        for level in range(_LEVELS):
            for ignore in self._blocks.get((level, line >> level), ()):
                found += [p for p in ignore.parts if p.code == code or (p.code is None and code != _UNUSED)]
        return found

    @cached_property
    def _blocks(self) -> Mapping[tuple[int, int], Sequence[Suppression]]:
        """Each ignore's lines cut into blocks of 2**level lines, so that a line is looked up in ``_LEVELS`` steps."""
        blocks: dict[tuple[int, int], list[Suppression]] = defaultdict(list)
        for ignore in self.ignores:
            first, last, level = ignore.first, ignore.last, 0
            while first <= last:
                if first % 2 == 1:
                    blocks[level, first].append(ignore)
                    first += 1
                if last % 2 == 0:
                    blocks[level, last].append(ignore)
                    last -= 1
                first, last, level = first // 2, last // 2, level + 1
        return blocks

    def unused(self, used: Collection[Part], undecided: Collection[str] = ()) -> Iterator[Violation]:
        """LR001 for every part that took nothing away; codes in ``undecided`` could not be checked and are left out."""
        yield from self.malformed
        for ignore in self.ignores:
            for part in ignore.parts:
                if part in used or part.code == _UNUSED or part.code in undecided:
                    continue
                if part.code is None:
                    if not undecided:
                        yield Violation(part.span, "this comment suppresses nothing here; remove it")
                else:
                    yield Violation(part.span, f"{part.code} does not occur here; remove it from the comment")


def read_suppressions(source: Source, codes: Mapping[str, Named] | Collection[str]) -> Suppressions:
    """The file's comments to lrfix; ``codes`` are the rules that exist. What stands in strings is no comment."""
    if "lrfix:" not in source.text:
        return Suppressions()
    comments = source.comments
    if not comments:
        return Suppressions()
    names = {rule.name: code for code, rule in codes.items()} if isinstance(codes, Mapping) else {}
    statements = _Statements(source.tree, [comment.line for comment in comments if comment.own_line])
    ignores: list[Suppression] = []
    malformed: list[Violation] = []
    skip_file = False
    for comment in comments:
        directive = _DIRECTIVE.search(comment.text)
        if directive is None:
            continue
        if _SKIP_FILE.match(directive.group("rest")):
            skip_file = True
            continue
        parts: list[Part] = []
        for each in _ignored(comment, directive, codes, names):
            if isinstance(each, Part):
                parts.append(each)
            else:
                malformed.append(each)
        if parts:
            first, last = statements.covered(comment.line, comment.own_line)
            ignores.append(Suppression(tuple(parts), first, last))
    return Suppressions(skip_file, tuple(ignores), tuple(malformed))


def _ignored(
    comment: Comment, directive: re.Match[str], codes: Collection[str], names: Mapping[str, str]
) -> Iterator[Part | Violation]:
    """What a comment tells lrfix to ignore, and what of it lrfix cannot follow."""
    rest = directive.group("rest")
    start, offset = comment.column + directive.start(), comment.column + directive.start("rest")
    whole = _span(comment.line, start, comment.column + len(comment.text.rstrip()))
    ignore = _IGNORE.match(rest)
    if ignore is None:
        yield Violation(whole, f"not understood: {rest.strip()!r}; legal are ignore, ignore[LR202, ...] and skip-file")
        return
    if ignore.group("list") is None:
        bare = _BARE.match(rest, ignore.end())
        word = bare.group("word") if bare else ""
        if _LIKE_A_CODE.fullmatch(word) or word in names:
            yield Violation(whole, f"write `ignore[{word}]`: without the brackets nothing is suppressed here")
        else:
            yield Part(None, _span(comment.line, start, offset + ignore.end()))
        return
    if not ignore.group("codes").strip():
        yield Violation(whole, "the list of codes is empty; write ignore[LR202] or ignore")
    offset += ignore.start("codes")
    for found in re.finditer(r"[^,\s]+", ignore.group("codes")):
        word = found.group()
        span = _span(comment.line, offset + found.start(), offset + found.end())
        code = names.get(word, word)
        if code in codes:
            yield Part(code, span)
        else:
            meant = did_you_mean(word, [*codes, *names])
            hint = f"; {meant}" if meant else ""
            yield Violation(span, f"{word} is not the code or name of a rule, it suppresses nothing{hint}")


def _span(line: int, start: int, end: int) -> Span:
    return Span(Position(line, start), Position(line, end))


class _Statements:
    """Which lines a comment on a given line speaks of."""

    def __init__(self, tree: ast.Module, comment_lines: Sequence[int]) -> None:
        extents = [_extent(node) for node in ast.walk(tree) if isinstance(node, ast.stmt)]
        # By line, the innermost statement wins. Heads hold no other statements, so this takes as many steps as there
        # are lines.
        self._starting: dict[int, _Extent] = {}
        self._heads: dict[int, _Extent] = {}
        self._brackets: dict[int, _Extent] = {}
        for extent in sorted(extents, key=lambda extent: (extent.first, extent.last)):
            self._starting[extent.first] = extent
            self._heads.update(dict.fromkeys(range(extent.first, extent.header_end + 1), extent))
            self._brackets.update(dict.fromkeys(range(extent.first + 1, extent.brackets_end), extent))
        self._below: dict[int, int] = {}
        for line in sorted(comment_lines, reverse=True):
            self._below[line] = self._below.get(line + 1, line + 1)

    def covered(self, line: int, own_line: bool) -> tuple[int, int]:
        """The first and last line that a comment on ``line`` covers."""
        if own_line:
            # Inside the brackets of a longer statement a comment line speaks of that statement.
            innermost = self._brackets.get(line) or self._starting.get(self._below[line])
        else:
            innermost = self._heads.get(line)
        return (innermost.first, innermost.last) if innermost else (line, line)


@dataclass(frozen=True)
class _Extent:
    """Lines of a statement. ``brackets_end``: where its head's last expression ends; ``header_end``: the last line
    before its body; ``last``: the last line that a comment at the head covers."""

    first: int
    brackets_end: int
    header_end: int
    last: int


def _extent(node: ast.stmt) -> _Extent:
    first, end = first_line(node), node.end_lineno or node.lineno
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    if not body:
        return _Extent(first, end, end, end)
    below = body[0].pattern.lineno if isinstance(body[0], ast.match_case) else first_line(body[0])
    header_end = max(node.lineno, below - 1)
    head = [child for child in ast.iter_child_nodes(node) if isinstance(child, (ast.expr, ast.arguments, ast.keyword))]
    brackets_end = max(
        (part.end_lineno or 0 for child in head for part in ast.walk(child) if isinstance(part, (ast.expr, ast.arg))),
        default=node.lineno,
    )
    whole = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    return _Extent(first, max(node.lineno, brackets_end), header_end, end if whole else header_end)


__all__ = ["Part", "Suppression", "Suppressions", "read_suppressions"]
