"""SARIF 2.1.0, for code scanning: one run, the rules that occur with their pages as help, findings, notifications.

Columns count characters, which SARIF calls ``unicodeCodePoints``. Paths below the current directory are relative to
``%SRCROOT%``, which whoever reads the file knows; others are ``file:`` addresses.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from lrfix import __version__
from lrfix.findings import FileError, Finding, Related, Severity, Span, span_in_file
from lrfix.output.document import Document
from lrfix.output.examples import told
from lrfix.output.json_document import evidence_as_json
from lrfix.pages import Page, load_pages

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_PROBLEMS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}
_FINGERPRINT = "lrfix/v1"


@dataclass(frozen=True)
class Fix:
    """Changes of files that are made together, and what they do: by path, the text that takes the place of each span.

    The spans are in the order of the text and apart from each other.
    """

    says: str
    changes: Mapping[str, tuple[tuple[Span, str], ...]]


def render(document: Document, fixes: Mapping[int, Fix] | None = None) -> str:
    """The document as text, with a final newline; ``fixes`` by the index of the finding."""
    return json.dumps(as_sarif(document, fixes), indent=1, allow_nan=False) + "\n"


def as_sarif(document: Document, fixes: Mapping[int, Fix] | None = None) -> dict[str, object]:
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
                "newlineSequences": ["\r\n", "\n", "\r"],
                "invocations": [
                    {
                        # The run went through; what could not be read stands below.
                        "executionSuccessful": all(error.kind != "internal" for error in document.errors),
                        "toolExecutionNotifications": [_notification(error) for error in document.errors],
                    }
                ],
                "results": [
                    _result(finding, codes.index(finding.code), (fixes or {}).get(index))
                    for index, finding in enumerate(document.findings)
                ],
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


def _result(finding: Finding, rule: int, fix: Fix | None) -> dict[str, object]:
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
    if fix is not None:
        result["fixes"] = [_fix(fix)]
    evidence = evidence_as_json(finding.evidence)
    if evidence is not None:
        result["properties"] = {"evidence": evidence}
    return result


def _related(index: int, place: Related) -> dict[str, object]:
    return {"id": index, "message": {"text": place.text}, "physicalLocation": _place(place)}


def _fix(fix: Fix) -> dict[str, object]:
    return {
        "description": {"text": fix.says},
        "artifactChanges": [
            {
                "artifactLocation": _artifact(path),
                # The last comes first: so it is all one whether the places of the others are counted anew after each.
                "replacements": [_replacement(span, text) for span, text in reversed(changes)],
            }
            for path, changes in fix.changes.items()
        ],
    }


def _replacement(span: Span, text: str) -> dict[str, object]:
    inserted = {"insertedContent": {"text": text}} if text else {}
    return {"deletedRegion": _region(span), **inserted}


def _notification(error: FileError) -> dict[str, object]:
    return {
        "descriptor": {"id": error.kind},
        "level": "error",
        "message": {"text": f"{error.path}: {error.message}"},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(error.path)}}],
    }


def _place(place: Finding | Related) -> dict[str, object]:
    return {"artifactLocation": _artifact(place.path), "region": _region(span_in_file(place))}


def _region(span: Span) -> dict[str, object]:
    return {
        "startLine": span.start.line,
        "startColumn": span.start.column,
        "endLine": span.end.line,
        "endColumn": span.end.column,
    }


def _artifact(path: str) -> Mapping[str, object]:
    absolute = os.path.abspath(path)
    below = os.path.relpath(absolute)
    if below.split(os.sep)[0] != os.pardir:
        return {"uri": quote(Path(below).as_posix(), errors="surrogateescape"), "uriBaseId": "%SRCROOT%"}
    return {"uri": Path(absolute).as_uri()}


__all__ = ["Fix", "as_sarif", "render"]
