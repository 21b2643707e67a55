"""What a finding is known by from one run to the next: its rule and the code it speaks of, not the line it stands on.

The fingerprint is made of the code of the rule, the names of the definitions around the place, and the text of the head
of the statement there (up to the body of a compound one) without spaces, comments and line breaks. So it survives code
that is added above, other indentation and a formatter; it changes where the statement itself does.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from lrfix.findings import Finding, Position, Span
from lrfix.source import Source
from lrfix.trees import first_line, walk

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_DIGITS = 16
_PROSE = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def fingerprinted(source: Source, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings of one file, each with its fingerprint. Where two would have the same, the later ones are numbered
    (``...:2``), in the order of the text."""
    findings = tuple(findings)
    if not findings:
        return ()
    places = _around(source.tree, {finding.span.start.line for finding in findings})
    seen: Counter[str] = Counter()
    marked = []
    for finding in findings:
        around = places[finding.span.start.line]
        names = [node.name for node in around if isinstance(node, _DEFINITIONS)]
        # Statements that share a line lie beside each other: the last one that begins before the place is meant.
        at = max(around, key=lambda node: (first_line(node), -(node.end_lineno or 0)), default=None)
        text = _head(source, at) if at is not None else source.segment_of(finding.span)
        mark = digest(finding.code, ".".join(names), text)
        seen[mark] += 1
        marked.append(replace(finding, fingerprint=mark if seen[mark] == 1 else f"{mark}:{seen[mark]}"))
    return tuple(marked)


def _around(tree: ast.Module, lines: Collection[int]) -> dict[int, list[ast.stmt]]:
    """The statements that each line lies in, the outer ones first; in one pass, however many lines are asked for."""
    statements = sorted((node for node in walk(tree) if isinstance(node, ast.stmt)), key=first_line)
    found: dict[int, list[ast.stmt]] = {}
    begun = 0
    around: list[ast.stmt] = []
    for line in sorted(lines):
        while begun < len(statements) and first_line(statements[begun]) <= line:
            around.append(statements[begun])
            begun += 1
        around = [node for node in around if line <= (node.end_lineno or 0)]
        found[line] = list(around)
    return found


def digest(*parts: str) -> str:
    """Texts as one short hexadecimal number, the same on every machine."""
    import hashlib  # only files with findings pay for it

    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _head(source: Source, node: ast.stmt) -> str:
    """The statement without its body, as one text without spaces."""
    body: Sequence[ast.AST] = getattr(node, "body", None) or getattr(node, "cases", None) or ()
    span = source.span(node)
    first = Position(first_line(node), 1) if first_line(node) < span.start.line else span.start
    end = span.end
    if body:
        inner = body[0].pattern if isinstance(body[0], ast.match_case) else body[0]
        below = getattr(inner, "decorator_list", None) or [inner]
        end = max(first, min(source.span(each).start for each in below))
    return _without_prose(source.segment_of(Span(first, end)))


def _without_prose(text: str) -> str:
    pieces = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type not in _PROSE:
                pieces.append(token.string)
    except (tokenize.TokenError, SyntaxError):
        # The head ends where the body begins: what was read until then is the head.
        pass
    joined = "".join("".join(pieces).split()) or "".join(text.split())
    # What a formatter is free to change.
    return joined.replace("'", '"').replace(",)", ")").replace(",]", "]")


__all__ = ["digest", "fingerprinted"]
