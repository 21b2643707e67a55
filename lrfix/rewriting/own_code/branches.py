"""Edits of a ladder of tests whose wider one is asked before a narrower one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from lrfix.findings import Finding
from lrfix.rewriting.own_code.text import Candidate, Insert, Text
from lrfix.trees import stored_names


def reached(text: Text, finding: Finding) -> Iterator[Candidate]:
    """LR102: ``elif`` that an earlier branch takes everything of: each test is asked, or the last one first."""
    tests = [node for node in text.within(finding) if text.source.span(node) == finding.span]
    dead = next((up for node in tests for up in [text.names.parents.get(node)] if isinstance(up, ast.If)), None)
    ladder = _ladder(text, dead) if dead is not None else []
    if len(ladder) < 2:
        return
    tested = f"`{text.of(ladder[-1].test)}`"
    if not ladder[-1].orelse and all(_sets_anew(rung, ladder[0]) for rung in ladder):
        # What a later branch sets takes the place of what an earlier one did.
        starts = (text.bounds(rung)[0] for rung in ladder[1:])
        edits = tuple(Insert(start, start + len("elif"), "if") for start in starts)
        yield Candidate(edits, f"asks each test down to {tested} by itself, the last one that holds decides")
    swapped = [
        Insert(*old, text.source.text[new[0] : new[1]])
        for one, other in zip(ladder, ladder[::-1], strict=True)
        for old, new in zip(_lines_of(text, one), _lines_of(text, other), strict=True)
    ]
    edits = tuple(each for each in swapped if text.source.text[each.start : each.end] != each.text)
    yield Candidate(edits, f"asks the tests the other way round, {tested} first")


def _ladder(text: Text, rung: ast.If) -> list[ast.If]:
    """The branches around one, from the ``if`` on that they begin with; none where one has no lines of its own."""
    while isinstance(above := text.names.parents.get(rung), ast.If) and above.orelse == [rung] and _is_elif(text, rung):
        rung = above
    found = [rung]
    while len(rung.orelse) == 1 and isinstance(rung.orelse[0], ast.If) and _is_elif(text, rung.orelse[0]):
        rung = rung.orelse[0]
        found.append(rung)
    apart = all(a.body[-1].end_lineno is not None and a.body[-1].end_lineno < b.lineno for a, b in pairwise(found))
    return found if apart else []


def _is_elif(text: Text, rung: ast.If) -> bool:
    start, _ = text.bounds(rung)
    return text.source.text[start : start + 4] == "elif"


def _sets_anew(rung: ast.If, first: ast.If) -> bool:
    """Whether a branch sets what the first one does anew, and neither its test nor the new value asks for the old."""
    sets = [stored_names(s) if isinstance(s, ast.Assign) else set() for s in rung.body]
    wanted = set().union(*(stored_names(s) for s in first.body))
    read = {n.id for n in ast.walk(rung) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return all(sets) and set().union(*sets) == wanted and not read & wanted


def _lines_of(text: Text, rung: ast.If) -> tuple[tuple[int, int], tuple[int, int]]:
    """The bounds of the test and of the body of a branch."""
    return text.bounds(rung.test), (text.bounds(rung.body[0])[0], text.bounds(rung.body[-1])[1])


__all__ = ["reached"]
