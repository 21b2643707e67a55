"""What a file gave comes back as it was: the same values, of the same types, to the last bit."""

from __future__ import annotations

import math

import pytest

from lrfix.codec import decoded, encoded
from lrfix.findings import Evidence, FileResult, Finding, Position, Severity, SiteReport, Span, Status

SPAN = Span(Position(1, 2), Position(3, 4))
ROW = (0.1, 1 / 3, 5e-324)


def result(**scenario: object) -> FileResult:
    evidence = Evidence((0, 1), (0.1, 0.2), scenario, ROW)
    finding = Finding("a.py", "LR202", "boundary-jump", Severity.ERROR, "jumps", SPAN, evidence, site=0)
    site = SiteReport("a.py", SPAN, "lambda", "cosine", {"total": "args.é"}, True, Status.REPAIR, curve=ROW)
    return FileResult("a.py", True, (finding,), (site,), counters={"runs": 3})


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 1, 1.0, -0.0, math.inf, -math.inf, math.nan, 10**40, "x\ud800\n"),
        *((), (1,), [1.0, (2,)], {"a": [()]}, (0.0, -0.0, math.nan), [0.0, 0.0, 0.0], {1: 2.0}, (1.0, 2.0, 3)),
    ],
    ids=repr,
)
def test_there_and_back(value: object) -> None:
    before = result(x=value)
    after = decoded(encoded(before))
    assert repr(after) == repr(before)


def test_rows_that_differ_by_the_sign_of_a_zero_stay_apart() -> None:
    before = result(a=(0.0, 1.0, 2.0), b=(-0.0, 1.0, 2.0))
    assert repr(decoded(encoded(before))) == repr(before)


@pytest.mark.parametrize(
    "value",
    [{1, 2}, b"x", 1j, type("Sub", (float,), {})(1.0), object()],
    ids=lambda value: type(value).__name__,
)
def test_what_would_not_come_back_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="would not come back"):
        encoded(result(x=value))


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "[[3,9],[]]", "[[9],[]]", "[[5,0],[]]", "[[3,0,1],[]]", '[[4,0,"x"],[]]']
)
def test_a_text_that_is_no_result_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decoded(text)


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ('"boundary-jump"', "5"),
        ("[3,0,1,2]", "[3,0,1,true]"),
        ("[3,0,1,2]", '"1"'),
        ('[4,0,"error"]', '"error"'),
        ("[0,0,1]", "[0,0,0.5]"),
        ('[2,"runs",3]', "null"),
        ('[2,"runs",3]', '[2,"runs","3"]'),
        ('[2,"runs",3]', "[2,[0],3]"),
        ("0.3333333333333333", '"x"'),
        ("0.3333333333333333", f"1{'0' * 400}"),
    ],
)
def test_a_text_whose_parts_are_of_another_type_is_refused(part: str, other: str) -> None:
    text = encoded(result())
    assert decoded(text) and part in text
    with pytest.raises(ValueError):
        decoded(text.replace(part, other, 1))
