"""The places at which two versions of a text differ."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lrfix.findings import Position, Span
from lrfix.rewriting.hunks import Hunk, applied, hunks, offset_before, spans

PAIRS = {
    "a word": ("a\nb = old()\nc\n", "a\nb = new()\nc\n"),
    "several": ("a\nb\nc\nd\ne\n", "A\nb\nc\nD\ne\nf\n"),
    "the last lines go": ("a\nb\nc\n", "a\n"),
    "lines come last": ("a\n", "a\nb\n"),
    "the last line break goes": ("a\nb\n", "a\nb"),
    "a last line break comes": ("a\nb", "a\nb\n"),
    "carriage returns": ("a\r\nb\r\n", "a\r\nc\r\nb\r\nd\r\n"),
    "only some line breaks": ("a\r\nb\r\n", "a\nb\r\n"),
    "line breaks of old": ("a\rb\rc\r", "a\rB\rc\r"),
    "before and behind an empty line": ("a\n\n", "a\nb\n\nc\n"),
    "doubled lines": ("a\na\na\n", "a\na\n"),
    "all of it": ("a\n", ""),
    "out of nothing": ("", "a\n"),
    "beyond the basic plane": ("x = '\U0001d6fc'\ny\n", "x = '\U0001d6fd'\ny\n"),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_the_changes_turn_one_into_the_other(pair):
    before, after = PAIRS[pair]
    found = hunks(before, after)
    assert applied(before, found) == after
    assert all(a.end < b.start for a, b in pairwise(found))
    # Nothing points between the two characters of a line break.
    assert all(before[at - 1 : at + 1] != "\r\n" for hunk in found for at in (hunk.start, hunk.end) if at)


def test_a_change_is_no_larger_than_it_has_to_be():
    assert hunks("a\nb = old()\nc\n", "a\nb = new()\nc\n") == (Hunk(6, 9, "new"),)
    assert hunks("a\n", "a\n") == ()


def test_no_change_lies_behind_the_last_line_break():
    for pair in ("lines come last", "the last lines go", "carriage returns"):
        before, after = PAIRS[pair]
        assert spans(before, hunks(before, after))[-1].end.line <= before.count("\n")


def test_columns_count_characters_and_a_tab_is_one():
    before = "é\n\t'é' + old\n"
    (span,) = spans(before, hunks(before, before.replace("old", "new")))
    assert span == Span(Position(2, 8), Position(2, 11))


def test_an_offset_is_carried_back():
    changes = hunks("a\nb\nc\n", "x\ny\na\nc\nd\n")
    new = applied("a\nb\nc\n", changes)
    assert offset_before(new.index("a"), changes) == 0
    assert offset_before(new.index("c"), changes) == 4
