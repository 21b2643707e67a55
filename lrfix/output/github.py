"""GitHub Actions annotations: one workflow command a finding."""

from __future__ import annotations

from lrfix.findings import FileError, Finding, Severity, span_in_file
from lrfix.output.document import Document
from lrfix.output.examples import told

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(document: Document) -> str:
    """One line a finding or error."""
    lines = [_finding(finding) for finding in document.findings]
    lines.extend(_error(error) for error in document.errors)
    return "".join(line + "\n" for line in lines)


def _finding(finding: Finding) -> str:
    span = span_in_file(finding)
    start, end = span.start, span.end
    properties = {
        "file": finding.path,
        "line": str(start.line),
        "endLine": str(end.line),
        "col": str(start.column),
        "endColumn": str(end.column),
        "title": f"{finding.code} {finding.name}",
    }
    if start.line != end.line:
        # GitHub refuses columns that span lines.
        del properties["endColumn"]
    return _command(_LEVELS[finding.severity], properties, told(finding))


def _error(error: FileError) -> str:
    return _command("error", {"file": error.path, "title": f"lrfix {error.kind} error"}, error.message)


def _command(level: str, properties: dict[str, str], message: str) -> str:
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level} {listed}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


__all__ = ["render"]
