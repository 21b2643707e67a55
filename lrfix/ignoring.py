"""Adds ``# lrfix: ignore[...]`` comments to a file, one for each statement with findings."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lrfix.findings import Finding
from lrfix.source import Source, SourceError, parse_source
from lrfix.suppression import Named, read_suppressions

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_LISTED = re.compile(r"(#\s*lrfix:\s*ignore\s*\[[^\]]*?)(\s*,?\s*\])")


@dataclass(frozen=True)
class Ignored:
    """The new text, and the findings that got a comment and those that no comment reaches."""

    text: str
    added: tuple[Finding, ...] = ()
    left: tuple[Finding, ...] = ()


def with_ignores(source: Source, findings: Iterable[Finding], rules: Mapping[str, Named] | Collection[str]) -> Ignored:
    """The file with a comment for each finding: at the end of its line, or in the list of a comment that is there.

    Where a line cannot carry one (a text over several lines, a backslash at its end) the finding is left.
    """
    codes: dict[int, list[str]] = {}
    for finding in findings:
        line = codes.setdefault(finding.span.start.line, [])
        if finding.code not in line:
            line.append(finding.code)
    lines = [match.group() for match in _LINE.finditer(source.text) if match.group()]
    closed = _closed(source)
    for number, wanted in codes.items():
        if number in closed and number <= len(lines):
            lines[number - 1] = _with_comment(lines[number - 1], sorted(wanted))
    text = "".join(lines)
    added, left = _reached(text, source, tuple(findings), rules)
    return Ignored(text if added else source.text, added, left)


def _reached(
    text: str, source: Source, findings: Sequence[Finding], rules: Mapping[str, Named] | Collection[str]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Which findings the comments of the new text cover, and which not."""
    try:
        now = read_suppressions(parse_source(text.encode("utf-8", "surrogatepass"), source.path), rules)
    except SourceError:
        return (), tuple(findings)
    covered = [bool(now.covering(each.code, each.span.start.line)) for each in findings]
    return (
        tuple(finding for finding, reached in zip(findings, covered, strict=True) if reached),
        tuple(finding for finding, reached in zip(findings, covered, strict=True) if not reached),
    )


def _with_comment(line: str, codes: Sequence[str]) -> str:
    body = line.rstrip("\r\n")
    ending = line[len(body) :]
    listed = _LISTED.search(body)
    if listed is not None:
        return body[: listed.end(1)] + f", {', '.join(codes)}]" + body[listed.end() :] + ending
    return f"{body.rstrip()}  # lrfix: ignore[{', '.join(codes)}]{ending}"


def _closed(source: Source) -> set[int]:
    """The lines at whose end a comment is a comment: not inside a text, and not joined to the next by a backslash."""
    lines = set(range(1, len(source.lines) + 1))
    lines -= {number for number, line in enumerate(source.lines, 1) if line.endswith("\\")}
    opened: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(source.lines), newline="\n").readline):
            name = tokenize.tok_name[token.type]
            if name in ("FSTRING_START", "TSTRING_START"):
                opened.append(token.start[0])
            elif name in ("FSTRING_END", "TSTRING_END") and opened:
                lines -= set(range(opened.pop(), token.end[0]))
            elif token.type == tokenize.STRING:
                lines -= set(range(token.start[0], token.end[0]))
    except (tokenize.TokenError, SyntaxError):
        return set()
    return lines


__all__ = ["Ignored", "with_ignores"]
