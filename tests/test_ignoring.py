"""``--add-ignore``: the comments that it writes are ones that take the findings away, and nothing else changes."""

from __future__ import annotations

from lrfix.findings import Finding, Position, Severity, Span
from lrfix.ignoring import with_ignores
from lrfix.source import parse_source

CODES = ("LR001", "LR101", "LR202", "LR203")


def ignored(code: str, *places: tuple[str, int]) -> tuple[str, int]:
    """The new text of a file with findings (code, line), and how many of them are left."""
    findings = [
        Finding("a.py", rule, "name", Severity.ERROR, "m", Span(Position(line, 1), Position(line, 2)))
        for rule, line in places
    ]
    done = with_ignores(parse_source(code.encode(), "a.py"), findings, CODES)
    assert len(done.added) + len(done.left) == len(findings)
    return done.text, len(done.left)


def test_one_comment_a_line_with_all_its_codes():
    text, left = ignored("x = 1\ny = 2\n", ("LR202", 1), ("LR101", 1), ("LR202", 1), ("LR203", 2))
    assert text == "x = 1  # lrfix: ignore[LR101, LR202]\ny = 2  # lrfix: ignore[LR203]\n"
    assert left == 0


def test_a_comment_that_is_there_stays_and_a_list_grows():
    assert ignored("x = 1  # why\n", ("LR202", 1))[0] == "x = 1  # why  # lrfix: ignore[LR202]\n"
    assert (
        ignored("x = 1  # lrfix: ignore[LR101] the recipe\n", ("LR202", 1))[0]
        == "x = 1  # lrfix: ignore[LR101, LR202] the recipe\n"
    )


def test_line_endings_and_a_missing_last_one_stay():
    assert ignored("x = 1\r\ny = 2", ("LR202", 1), ("LR202", 2))[0] == (
        "x = 1  # lrfix: ignore[LR202]\r\ny = 2  # lrfix: ignore[LR202]"
    )


def test_where_no_comment_can_stand_the_finding_is_left():
    for code, line in (('x = """a\nb"""\n', 1), ("x = 1 + \\\n  2\n", 1), ('x = f"""{1}\n"""\n', 1)):
        assert ignored(code, ("LR202", line)) == (code, 1)
    assert ignored('x = """a\nb"""\n', ("LR202", 2))[1] == 0


def test_inside_a_call_over_several_lines():
    text, left = ignored("f(\n    a,\n    b,\n)\n", ("LR202", 2))
    assert (text, left) == ("f(\n    a,  # lrfix: ignore[LR202]\n    b,\n)\n", 0)


def test_nothing_to_ignore_changes_nothing():
    assert ignored("x = 1\n") == ("x = 1\n", 0)
