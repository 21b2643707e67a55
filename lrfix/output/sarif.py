"""SARIF 2.1.0, for code scanning: one run, the rules that occur with their pages as help, findings, notifications.

Columns count characters, which SARIF calls ``unicodeCodePoints``. Paths below the current directory are relative to
``%SRCROOT%``, which whoever reads the file knows; others are ``file:`` addresses.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from lrfix import __version__
from lrfix.findings import FileError, Finding, Related, Severity, span_in_file
from lrfix.output.document import Document
from lrfix.output.examples import told
from lrfix.output.json_document import evidence_as_json
from lrfix.pages import Page, load_pages

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_PROBLEMS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}
_FINGERPRINT = "lrfix/v1"


def render(document: Document) -> str:
    """The document as text, with a final newline."""
    return json.dumps(as_sarif(document), indent=1, allow_nan=False) + "\n"


def as_sarif(document: Document) -> dict[str, object]:
    """The document as plain dicts, lists, strings and numbers."""
    pages = load_pages()
    codes = sorted({finding.code for finding in document.findings})
    rules = [_rule(pages[code]) for code in codes]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "lrfix", "semanticVersion": __version__, "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        # The run went through; what could not be read stands below.
                        "executionSuccessful": all(error.kind != "internal" for error in document.errors),
                        "toolExecutionNotifications": [_notification(error) for error in document.errors],
                    }
                ],
                "results": [_result(finding, codes.index(finding.code)) for finding in document.findings],
            }
        ],
    }


def _rule(page: Page) -> dict[str, object]:
    return {
        "id": page.code,
        "name": page.name,
        "shortDescription": {"text": page.summary},
        "fullDescription": {"text": page.summary},
        "help": {"text": page.body, "markdown": page.body},
        "defaultConfiguration": {"level": _LEVELS[page.severity]},
        "properties": {
            "tags": ["learning-rate", "pytorch"],
            "precision": "high",
            "problem.severity": _PROBLEMS[page.severity],
        },
    }


def _result(finding: Finding, rule: int) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": told(finding)},
        "locations": [{"physicalLocation": _place(finding)}],
        "partialFingerprints": {_FINGERPRINT: finding.fingerprint},
    }
    if finding.related:
        result["relatedLocations"] = [_related(index, each) for index, each in enumerate(finding.related)]
    evidence = evidence_as_json(finding.evidence)
    if evidence is not None:
        result["properties"] = {"evidence": evidence}
    return result


def _related(index: int, place: Related) -> dict[str, object]:
    return {"id": index, "message": {"text": place.text}, "physicalLocation": _place(place)}


def _notification(error: FileError) -> dict[str, object]:
    return {
        "descriptor": {"id": error.kind},
        "level": "error",
        "message": {"text": f"{error.path}: {error.message}"},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(error.path)}}],
    }


def _place(place: Finding | Related) -> dict[str, object]:
    span = span_in_file(place)
    return {
        "artifactLocation": _artifact(place.path),
        "region": {
            "startLine": span.start.line,
            "startColumn": span.start.column,
            "endLine": span.end.line,
            "endColumn": span.end.column,
        },
    }


def _artifact(path: str) -> Mapping[str, object]:
    absolute = os.path.abspath(path)
    below = os.path.relpath(absolute)
    if below.split(os.sep)[0] != os.pardir:
        return {"uri": quote(Path(below).as_posix(), errors="surrogateescape"), "uriBaseId": "%SRCROOT%"}
    return {"uri": Path(absolute).as_uri()}


__all__ = ["as_sarif", "render"]
