"""GitLab's code quality report and JUnit's XML."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

from lrfix.findings import FileError, FileResult, Finding, Position, Severity, Span
from lrfix.output import gitlab, junit
from lrfix.output.document import Document

FINDING = Finding(
    "train.py",
    "LR202",
    "boundary-jump",
    Severity.ERROR,
    'The rate <jumps> & "falls"\x1b.',
    Span(Position(2, 2), Position(2, 8)),
    fingerprint="0123456789abcdef",
)
ADVICE = replace(FINDING, severity=Severity.INFO, path="b.py")
ERROR = FileError("old.py", "syntax", "line 1: looks like Python 2")
DOCUMENT = Document.of(
    [
        FileResult("b.py", True, (ADVICE,)),
        FileResult("old.py", False, errors=(ERROR,)),
        FileResult("train.py", True, (FINDING,)),
    ]
)


def test_gitlab_has_one_entry_a_finding_or_error_each_with_a_fingerprint_of_its_own():
    entries = json.loads(gitlab.render(DOCUMENT))
    assert [(e["check_name"], e["severity"], e["location"]["path"]) for e in entries] == [
        ("LR202", "info", "b.py"),
        ("LR202", "major", "train.py"),
        ("lrfix-syntax", "major", "old.py"),
    ]
    assert entries[1]["location"]["positions"]["begin"] == {"line": 2, "column": 2}
    assert len({entry["fingerprint"] for entry in entries}) == 3
    assert json.loads(gitlab.render(Document())) == []


def test_junit_has_one_suite_a_file_and_advice_fails_nothing():
    root = ElementTree.fromstring(junit.render(DOCUMENT))
    assert [(s.get("name"), s.get("failures"), s.get("errors")) for s in root] == [
        ("b.py", "0", "0"),
        ("old.py", "0", "1"),
        ("train.py", "1", "0"),
    ]
    failure = root.find(".//failure")
    assert failure is not None and failure.get("message") == 'The rate <jumps> & "falls"\\x1b.'
    assert (failure.text or "").startswith("train.py:2:2: ")


def test_junit_of_nothing_is_one_case_that_passes():
    root = ElementTree.fromstring(junit.render(Document()))
    assert [case.get("name") for case in root.iter("testcase")] == ["no findings"]
    assert root.find(".//failure") is None
