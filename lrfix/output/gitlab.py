"""GitLab's code quality report: a list of findings and errors."""

from __future__ import annotations

import json

from lrfix.findings import FileError, Finding, Severity, span_in_file
from lrfix.fingerprints import digest
from lrfix.output.document import Document
from lrfix.output.examples import told

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}


def render(document: Document) -> str:
    """The report as text, with a final newline."""
    entries = [_finding(finding) for finding in document.findings]
    entries.extend(_error(error) for error in document.errors)
    return json.dumps(entries, indent=1) + "\n"


def _finding(finding: Finding) -> dict[str, object]:
    span = span_in_file(finding)
    start, end = span.start, span.end
    return {
        "check_name": finding.code,
        "description": f"{finding.code} {finding.name}: {told(finding)}",
        "severity": _SEVERITIES[finding.severity],
        # GitLab wants one that no other finding of the report has, in whichever file.
        "fingerprint": digest(finding.path, finding.fingerprint),
        "location": {
            "path": finding.path,
            "positions": {
                "begin": {"line": start.line, "column": start.column},
                "end": {"line": end.line, "column": end.column},
            },
        },
    }


def _error(error: FileError) -> dict[str, object]:
    return {
        "check_name": f"lrfix-{error.kind}",
        "description": f"{error.kind} error: {error.message}",
        "severity": "major",
        "fingerprint": digest(error.path, error.kind, error.message),
        "location": {"path": error.path, "lines": {"begin": 1}},
    }


__all__ = ["render"]
