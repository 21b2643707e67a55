"""The report in its formats, from one document that has everything in it."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrfix.commands.check import FORMATS
from lrfix.findings import (
    Evidence,
    FileError,
    FileResult,
    Finding,
    Position,
    Related,
    ScheduleReport,
    Severity,
    SiteReport,
    Span,
    Status,
)
from lrfix.output import emit, github, json_document, text
from lrfix.output.document import Document
from lrfix.output.sparkline import ASCII, BLOCKS, sparkline
from lrfix.output.terminal import Style, write

LINES = ["def factor(k):", "\treturn 0.5 * k if k < W else 1.0  # é", ""]
SPAN = Span(Position(2, 2), Position(2, 8))
EVIDENCE = Evidence((9, 10), (0.0009, math.nan), {"args.warmup": 10}, (0.0, 0.5, 1.0))
FINDING = Finding(
    "train.py",
    "LR202",
    "boundary-jump",
    Severity.ERROR,
    "the rate jumps, from 0.0009: 50% off\nat once",
    SPAN,
    EVIDENCE,
    None,
    0,
    (Related(Span(Position(4, 5), Position(4, 21)), "it is stepped here", "loop.py"),),
    "0123456789abcdef",
)
SITE = SiteReport(
    "train.py",
    Span(Position(1, 1), Position(2, 40)),
    "lambda",
    "linear-warmup+cosine",
    {"warmup_steps": "args.warmup"},
    True,
    Status.REPAIR,
    "the rate jumps",
    (0.0, 0.5, 1.0),
    "factor",
    "args.steps",
    (ScheduleReport({"mode": "'cos'"}, "cosine", {"total_steps": "args.steps"}),),
)
RESULTS = [
    FileResult("a.py", True, sites=(replace(SITE, path="a.py", status=Status.OPAQUE, reason="calls load()"),)),
    FileResult("old.py", False, errors=(FileError("old.py", "syntax", "line 1: looks like Python 2"),)),
    FileResult("pb2.py", False, skipped="generated"),
    FileResult("train.py", True, (FINDING,), (SITE,), counters={"fuel-spent": 2}),
]
DOCUMENT = Document.of(RESULTS)


def lines_of(path: str) -> list[str]:
    return LINES if path == "train.py" else []


def shown(output_format: str, encoding: str = "utf-8", **options: object) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    emit.report(DOCUMENT, output_format, stream, read_lines=lines_of, **options)
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("output_format", FORMATS)
def test_any_name_and_any_text_can_be_written_in_every_format(output_format):
    odd = 'n\udcff"\x1b[2J\n]]><&$\\x$'
    finding = replace(FINDING, path=odd, message=odd, related=(replace(FINDING.related[0], path=odd, text=odd),))
    site = replace(SITE, path=odd, name=odd, reason=odd, parameters={odd: odd})
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8")
    document = Document.of([FileResult(odd, True, (finding,), (site,), (FileError(odd, "io", odd),))])
    emit.report(document, output_format, stream, read_lines=lines_of)
    written = raw.getvalue()
    assert b"\x1b[2J" not in written
    if output_format in ("json", "sarif", "gitlab"):
        json.loads(written)
    elif output_format == "junit":
        ElementTree.fromstring(written)


def test_a_document_numbers_sites_across_files():
    assert [site.path for site in DOCUMENT.sites] == ["a.py", "train.py"]
    assert [finding.site for finding in DOCUMENT.findings] == [1]
    assert (DOCUMENT.seen, DOCUMENT.parsed, DOCUMENT.skipped) == (4, 2, (("generated", 1),))


def test_text_shows_place_code_frame_evidence_and_curve():
    assert (
        shown("text")
        == """\
train.py:2:2: error LR202 boundary-jump: the rate jumps, from 0.0009: 50% off
at once
  |
2 | \treturn 0.5 * k if k < W else 1.0  # é
  | \t^^^^^^
    step  rate
       9  0.0009
      10  nan
    example values chosen by lrfix: args.warmup = 10
    ▁▅█  0 .. 1, steps 0 .. 2
    loop.py:4:5: it is stepped here

old.py: syntax error: line 1: looks like Python 2
1 finding (1 error) in 4 files, 1 schedule judged; 1 file error; 1 file skipped (1 generated); \
1 schedule not understood (lrfix sites says why)
"""
    )


def test_text_falls_back_to_ascii_where_the_stream_has_nothing_better():
    report = shown("text", "ascii")
    assert "_+@  0 .. 1" in report
    assert "# \\xe9" in report


def test_quiet_leaves_out_the_summary():
    assert shown("text", quiet=True) + text.summary(DOCUMENT) + "\n" == shown("text")


def test_statistics_count_findings_skips_errors_and_limits():
    report = shown("concise", statistics=True)
    assert report.endswith(
        """\
1  LR202 boundary-jump
4  files seen
2  files parsed
2  schedules
1  schedules judged
1  schedules not understood: opaque
1  files skipped: generated
1  file errors: syntax
2  analysis: fuel-spent
"""
    )


def test_a_long_statement_is_shown_by_its_first_lines():
    document = Document.of(
        [FileResult("train.py", True, (replace(FINDING, span=Span(Position(1, 1), Position(9, 2))),))]
    )
    report = text.report(document, Style(), lambda path: [f"    line{number}" for number in range(1, 10)])
    assert "line3" in report and "line4" not in report
    assert "... (6 more lines)" in report


@pytest.mark.parametrize("lines", [[], ["only one"]])
def test_a_file_that_has_changed_or_gone_is_reported_without_a_frame(lines):
    report = text.report(DOCUMENT, Style(), lambda path: lines)
    assert report.startswith("train.py:2:2: error LR202")
    assert " | " not in report


def test_concise_is_one_line_a_finding():
    assert shown("concise", quiet=True) == (
        "train.py:2:2: error LR202 boundary-jump: the rate jumps, from 0.0009: 50% off at once "
        "(Example values chosen by lrfix: args.warmup = 10.)\n"
        "old.py: syntax error: line 1: looks like Python 2\n"
    )


def test_json_has_exactly_the_contract():
    assert json.loads(shown("json")) == {
        "version": 1,
        "findings": [
            {
                "path": "train.py",
                "code": "LR202",
                "name": "boundary-jump",
                "severity": "error",
                "message": FINDING.message,
                "cell": None,
                "start": {"line": 2, "column": 2},
                "end": {"line": 2, "column": 8},
                "evidence": {
                    "steps": [9, 10],
                    "lr": [0.0009, "NaN"],
                    "scenario": {"args.warmup": 10},
                    "chosen": ["args.warmup"],
                    "stated": {},
                    "shortened": {},
                    "end": None,
                    "unit": "step",
                    "base_lr": None,
                },
                "fix": None,
                "site": 1,
                "fingerprint": "0123456789abcdef",
                "related": [
                    {
                        "path": "loop.py",
                        "cell": None,
                        "start": {"line": 4, "column": 5},
                        "end": {"line": 4, "column": 21},
                        "message": "it is stepped here",
                    }
                ],
            }
        ],
        "sites": [
            {
                "path": path,
                "cell": None,
                "start": {"line": 1, "column": 1},
                "end": {"line": 2, "column": 40},
                "form": "lambda",
                "family": "linear-warmup+cosine",
                "parameters": {"warmup_steps": "args.warmup"},
                "handrolled": True,
                "status": status,
                "reason": reason,
                "name": "factor",
                "horizon": "args.steps",
                "schedules": [
                    {"settings": {"mode": "'cos'"}, "family": "cosine", "parameters": {"total_steps": "args.steps"}}
                ],
            }
            for path, status, reason in (
                ("a.py", "opaque", "calls load()"),
                ("train.py", "repair", "the rate jumps"),
            )
        ],
        "errors": [{"path": "old.py", "kind": "syntax", "message": "line 1: looks like Python 2"}],
        "files": {"seen": 4, "parsed": 2, "skipped": {"generated": 1}},
        "counters": {"fuel-spent": 2},
    }


def test_json_has_the_curves_where_they_are_asked_for():
    document = json.loads(shown("json", curves=True))
    assert document["findings"][0]["evidence"]["curve"] == [0.0, 0.5, 1.0]
    assert [site["curve"] for site in document["sites"]] == [[0.0, 0.5, 1.0]] * 2


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.complex_numbers() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.floats() | st.complex_numbers(), max_size=4), st.dictionaries(st.text(), anything, max_size=3))
def test_json_is_strict_whatever_the_rates(rates, scenario):
    evidence = Evidence(tuple(range(len(rates))), tuple(rates), scenario, tuple(rates))
    told = Document.of([FileResult("a.py", True, (replace(FINDING, evidence=evidence),))])
    rendered = json_document.render(told, curves=True)
    assert rendered.isascii()

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    document = json.loads(rendered, parse_constant=refuse)
    assert document["findings"][0]["evidence"]["steps"] == list(range(len(rates)))


def test_github_escapes_properties_and_messages():
    finding = replace(FINDING, path="a,b:c%.py", message="50% of a, b: c\r\nnext")
    document = Document.of([FileResult(finding.path, True, (finding,))])
    assert github.render(document) == (
        "::error file=a%2Cb%3Ac%25.py,line=2,endLine=2,col=2,endColumn=8,"
        "title=LR202 boundary-jump::50%25 of a, b: c%0D%0Anext (Example values chosen by lrfix: args.warmup = 10.)\n"
    )


@pytest.mark.parametrize(
    ("severity", "level"), [(Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "notice")]
)
def test_github_levels_follow_severity(severity, level):
    document = Document.of([FileResult("a.py", True, (replace(FINDING, severity=severity),))])
    assert github.render(document).startswith(f"::{level} file=")


def test_github_columns_are_left_out_where_a_finding_spans_lines():
    finding = replace(FINDING, span=Span(Position(2, 5), Position(4, 2)))
    rendered = github.render(Document.of([FileResult("a.py", True, (finding,))]))
    assert "endColumn" not in rendered and "line=2,endLine=4" in rendered


def test_github_reports_files_that_cannot_be_read():
    assert "::error file=old.py,title=lrfix syntax error::line 1: looks like Python 2\n" in shown("github")


def test_the_inventory_lists_every_site_with_parameters_and_reasons():
    report = text.inventory(DOCUMENT, Style())
    assert [line.split() for line in report.splitlines()[:2]] == [
        ["place", "name", "form", "family", "status", "curve"],
        ["a.py:1", "factor", "lambda", "linear-warmup+cosine", "opaque", "▁▅█"],
    ]
    assert "    warmup_steps=args.warmup\n" in report
    assert "    ends at args.steps\n" in report
    assert "    mode='cos': cosine (total_steps=args.steps)\n" in report
    assert "    calls load()\n" in report
    assert report.endswith("2 schedules in 4 files\n")


def test_an_empty_inventory_says_so():
    assert text.inventory(Document.of([]), Style()) == "0 schedules in 0 files\n"


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_colour_only_on_a_terminal_that_did_not_refuse_it(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert Style.of(Terminal()).colour
    assert not Style.of(io.TextIOWrapper(io.BytesIO())).colour
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Style.of(Terminal()).colour
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not Style.of(Terminal()).colour


@pytest.mark.parametrize(
    ("environment", "colour", "coloured"),
    [
        ({"FORCE_COLOR": "1"}, "auto", True),
        ({"FORCE_COLOR": "0"}, "auto", False),
        ({"FORCE_COLOR": ""}, "auto", False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, "auto", False),
        ({"NO_COLOR": "1"}, "always", True),
        ({"FORCE_COLOR": "1"}, "never", False),
    ],
)
def test_where_there_is_no_terminal_colour_is_as_one_says(environment, colour, coloured, monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Style.of(io.TextIOWrapper(io.BytesIO()), colour).colour is coloured


def test_colours_change_nothing_but_colours(monkeypatch):
    import re

    coloured = text.report(DOCUMENT, Style(colour=True), lines_of)
    assert "\x1b[31" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == text.report(DOCUMENT, Style(), lines_of)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "cp437"])
def test_writing_never_fails_on_a_character(encoding):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    write(stream, "lr é ▁ \udcff\n")
    assert raw.getvalue().startswith(b"lr ")


@pytest.mark.parametrize(
    ("curve", "drawn"),
    [
        ([], ""),
        ([0.0, 1.0], "▁█"),
        ([0.1, 0.1, 0.1], "▄▄▄"),
        ([0.0, 0.0], "▁▁"),
        ([0.0, math.nan, 1.0, math.inf], "▁!█!"),
        ([math.nan], "!"),
        ([-1e308, 1e308], "▁█"),
        ([0.0, 5e-324], "▁█"),
    ],
)
def test_sparklines(curve, drawn):
    assert sparkline(curve) == drawn


@given(st.lists(st.floats(), min_size=1, max_size=200), st.integers(2, 60))
def test_a_sparkline_fits_its_width_and_its_alphabet(curve, width):
    drawn = sparkline(curve, width, ASCII)
    assert len(drawn) == min(width, len(curve))
    assert set(drawn) <= set(ASCII) | {"!"}


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_a_sparkline_rises_where_the_curve_does(curve):
    drawn = sparkline(sorted(curve), 40)
    assert [BLOCKS.index(level) for level in drawn] == sorted(BLOCKS.index(level) for level in drawn)
