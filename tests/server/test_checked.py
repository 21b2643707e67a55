"""The smallest change between two texts, and what is under the pointer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrfix.findings import Position
from lrfix.pages import load_pages
from lrfix.server.checked import change, check, described
from lrfix.source import parse_source

LINES = st.lists(st.sampled_from(["a\n", "b\n", "\n", "c\r\n", "d"]), max_size=6).map("".join)


@given(LINES, LINES)
def test_a_change_put_in_its_place_gives_the_new_text(old, new):
    span, text = change(old, new)
    rows = old.replace("\r\n", "\n").split("\n")

    def offset(position: Position) -> int:
        starts = [0]
        for row in old.splitlines(keepends=True):
            starts.append(starts[-1] + len(row))
        assert position.line <= len(rows)
        return starts[position.line - 1] + position.column - 1

    assert old[: offset(span.start)] + text + old[offset(span.end) :] == new


def test_what_stays_is_not_in_the_change():
    span, text = change("a\nb\nc\n", "a\nx\nc\n")
    assert (span.start, span.end, text) == (Position(2, 1), Position(3, 1), "x\n")


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    path = tmp_path_factory.mktemp("project") / "train.py"
    return check(str(path), load_pages()["LR202"].bad[0].code, 1)


def test_the_innermost_schedule_is_under_the_pointer(checked):
    site = checked.site_at(Position(9, 12))
    assert site is not None and site.name == "factor"
    assert checked.site_at(Position(1, 1)) is None
    assert parse_source(checked.text.encode(), "a.py").lines == tuple(checked.lines)


def test_a_schedule_is_described_with_its_curve_and_whose_numbers_these_are(checked):
    site = checked.result.sites[0]
    text = described(site, checked.result.findings)
    assert text.startswith("**linear-warmup+cosine** `factor`")
    assert "warmup ends at step" in text and "example values chosen by lrfix" in text and "- LR202: " in text


def test_an_excluded_file_has_nothing_to_say(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.lrfix]\nexclude = ["old/"]\n')
    (tmp_path / "old").mkdir()
    assert check(str(tmp_path / "old" / "a.py"), load_pages()["LR202"].bad[0].code, 1).result.findings == ()


def test_a_wrong_configuration_is_the_problem_and_nothing_else_is_told(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.lrfix]\nselct = ["LR2"]\n')
    found = check(str(tmp_path / "a.py"), load_pages()["LR202"].bad[0].code, 1)
    assert found.problem is not None and "did you mean select" in found.problem
    assert found.result.findings == ()
