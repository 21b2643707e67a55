"""SARIF as code scanning reads it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sarif_schema import SCHEMA

from lrfix.findings import Evidence, FileError, FileResult, Finding, Position, Related, Severity, Span
from lrfix.output.document import Document
from lrfix.output.sarif import as_sarif, render
from lrfix.pages import load_pages

jsonschema = pytest.importorskip("jsonschema")

FINDING = Finding(
    "scripts/étude 1.py",
    "LR202",
    "boundary-jump",
    Severity.ERROR,
    "The rate jumps.",
    Span(Position(2, 2), Position(4, 8)),
    Evidence((9, 10), (0.0009, float("nan")), {"args.warmup": 10}, (0.0, 0.5, 1.0)),
    related=(Related(Span(Position(4, 5), Position(4, 21)), "it is stepped here", "scripts/loop.py"),),
    fingerprint="0123456789abcdef",
)
ADVICE = replace(FINDING, code="LR401", name="handrolled-schedule", severity=Severity.INFO, evidence=None, related=())
ERROR = FileError("old.py", "syntax", "line 1: looks like Python 2")


def document(*findings: Finding, errors: tuple[FileError, ...] = ()) -> Document:
    return Document.of([FileResult("train.py", True, findings, errors=errors)])


def run_of(told: Document) -> dict:
    rendered = render(told)
    assert rendered.isascii()
    parsed = json.loads(rendered)
    assert parsed == as_sarif(told)
    jsonschema.validate(parsed, SCHEMA)
    return parsed["runs"][0]


def test_nothing_to_report_is_valid():
    assert run_of(Document())["results"] == []


def test_a_finding_has_its_place_its_rule_and_its_fingerprint():
    run = run_of(document(FINDING))
    (result,) = run["results"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "LR202"
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "scripts/%C3%A9tude%201.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 2, "startColumn": 2, "endLine": 4, "endColumn": 8},
    }
    assert result["partialFingerprints"] == {"lrfix/v1": "0123456789abcdef"}


def test_a_rule_is_helped_by_its_page():
    (rule,) = run_of(document(FINDING, FINDING))["tool"]["driver"]["rules"]
    assert rule["help"]["markdown"] == load_pages()["LR202"].body
    assert rule["shortDescription"]["text"] == load_pages()["LR202"].summary


def test_related_places_and_evidence_come_along_and_curves_do_not():
    (result,) = run_of(document(FINDING))["results"]
    (related,) = result["relatedLocations"]
    assert related["message"]["text"] == "it is stepped here"
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "scripts/loop.py"
    assert result["properties"]["evidence"]["lr"] == [0.0009, "NaN"]
    assert "curve" not in result["properties"]["evidence"]


def test_severities_are_levels():
    run = run_of(document(FINDING, ADVICE))
    assert [result["level"] for result in run["results"]] == ["error", "note"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["LR202", "LR401"]


def test_a_file_that_cannot_be_read_is_a_notification():
    (invocation,) = run_of(document(errors=(ERROR,)))["invocations"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["descriptor"]["id"] == "syntax" and "Python 2" in notification["message"]["text"]
    assert invocation["executionSuccessful"]


def test_an_error_of_lrfix_is_a_run_that_failed():
    (invocation,) = run_of(document(errors=(replace(ERROR, kind="internal"),)))["invocations"]
    assert not invocation["executionSuccessful"]


def test_a_file_elsewhere_has_its_whole_address():
    (result,) = run_of(document(replace(FINDING, path="/data/a b.py")))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "file:///data/a%20b.py"}
