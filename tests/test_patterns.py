"""Patterns of .gitignore: what is one, and that a line that is none harms nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrfix.patterns import compiled, is_pattern


@pytest.mark.parametrize("line", ["!", "[z-a]", "/[b-a]/x"])
def test_lines_that_match_nothing_by_their_syntax_are_no_patterns(line):
    assert not is_pattern(line)


@pytest.mark.parametrize("line", ["build", "*.py", "!keep.py", "# a comment", "", "a/**/b", "[a-z].py", "\\#x"])
def test_other_lines_are(line):
    assert is_pattern(line)


def test_the_patterns_around_a_wrong_one_hold():
    spec = compiled(["build/", "!", "[z-a]", "*_pb2.py", "!keep_pb2.py"])
    assert spec is not None
    assert [spec.match_file(path) for path in ("build/a.py", "x_pb2.py", "keep_pb2.py", "a.py")] == [
        True,
        True,
        False,
        False,
    ]


def test_nothing_is_compiled_from_nothing():
    assert compiled(["", "  ", "!"]) is None


@given(st.lists(st.text(alphabet="![]\\*?/a-z# {}()^$.+|", max_size=12), max_size=4))
def test_no_lines_whatever_raise(lines):
    spec = compiled(lines)
    assert spec is None or spec.match_file("src/a.py") in (True, False)
