"""The JSON document, version 1: fields may be added, never renamed or removed.

A finding's ``related`` lists other places that show it, each with ``path``, ``start``, ``end`` and a ``message``; it is
empty where there are none.

Curves, hundreds of numbers a schedule, are in it where they are asked for (``lrfix check --curves``).

Strict JSON: rates that are no finite numbers are the strings ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``, and all
text is ASCII with escapes, so that no output encoding can break it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from lrfix.findings import Evidence, Finding, Related, SiteReport, Span
from lrfix.output.document import Document

VERSION = 1


def render(document: Document, curves: bool = False) -> str:
    """The document as text, with a final newline."""
    return json.dumps(as_json(document, curves), indent=1, allow_nan=False) + "\n"


def as_json(document: Document, curves: bool = False) -> dict[str, object]:
    """The document as plain dicts, lists, strings and numbers."""
    return {
        "version": VERSION,
        "findings": [_finding(finding, curves) for finding in document.findings],
        "sites": [_site(site, curves) for site in document.sites],
        "errors": [{"path": error.path, "kind": error.kind, "message": error.message} for error in document.errors],
        "files": {"seen": document.seen, "parsed": document.parsed, "skipped": dict(document.skipped)},
        "counters": dict(document.counters),
    }


def _finding(finding: Finding, curves: bool) -> dict[str, object]:
    return {
        "path": finding.path,
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "message": finding.message,
        "cell": finding.cell.number if finding.cell is not None else None,
        **_span(finding.span),
        "evidence": evidence_as_json(finding.evidence, curves),
        "fix": finding.fix,
        "site": finding.site,
        "fingerprint": finding.fingerprint,
        "related": [_related(each) for each in finding.related],
    }


def _related(place: Related) -> dict[str, object]:
    cell = place.cell.number if place.cell is not None else None
    return {"path": place.path, "cell": cell, **_span(place.span), "message": place.text}


def evidence_as_json(evidence: Evidence | None, curves: bool = False) -> dict[str, object] | None:
    """The evidence as plain values that JSON has."""
    if evidence is None:
        return None
    return {
        "steps": list(evidence.steps),
        "lr": _plain(evidence.lr),
        "scenario": _plain(evidence.scenario),
        "chosen": sorted(evidence.chosen),
        "stated": _plain(evidence.stated),
        "shortened": _plain(evidence.shortened),
        "end": evidence.end,
        "unit": evidence.unit,
        "base_lr": _plain(evidence.base_lr),
        **({"curve": _plain(evidence.curve)} if curves else {}),
    }


def _site(site: SiteReport, curves: bool) -> dict[str, object]:
    return {
        "path": site.path,
        "cell": site.cell.number if site.cell is not None else None,
        **_span(site.span),
        "form": site.form,
        "family": site.family,
        "parameters": dict(site.parameters),
        "handrolled": site.handrolled,
        "status": site.status.value,
        "reason": site.reason,
        "name": site.name,
        **({"curve": _plain(site.curve)} if curves else {}),
        "horizon": site.horizon,
        "schedules": [
            {"settings": dict(each.settings), "family": each.family, "parameters": dict(each.parameters)}
            for each in site.schedules
        ],
    }


def _span(span: Span) -> dict[str, object]:
    return {
        "start": {"line": span.start.line, "column": span.start.column},
        "end": {"line": span.end.line, "column": span.end.column},
    }


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [_plain(item) for item in value]
    # A scenario may hold any value of the interpreted program, complex rates included.
    return repr(value)


__all__ = ["VERSION", "as_json", "evidence_as_json", "render"]
