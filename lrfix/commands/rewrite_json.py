"""The JSON document of ``lrfix rewrite``: what the report says, with the rates of every proof."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Sequence
from typing import Any

from lrfix.commands.rewrite_summary import summary
from lrfix.findings import Span
from lrfix.rewriting.model import FileRewrite, LeftAlone, Proof, SiteRewrite
from lrfix.verification import Row, Verification

VERSION = 1


def render(
    results: Sequence[FileRewrite],
    applied: bool,
    verified: bool,
    errors: Sequence[tuple[str, str, str]],
    proofs: Sequence[str] = (),
) -> str:
    """The document as text. ``errors`` are paths that could not be read or written, with kind and message;
    ``proofs`` the tests that were written."""
    failed = [(r.path, r.error_kind or "internal", r.error) for r in results if r.error is not None]
    document = {
        "version": VERSION,
        "applied": applied,
        "verified": verified,
        "schedules": [_site(s, r.verifications.get(s.identity, ())) for r in results for s in r.sites],
        "repairs": [
            {
                "path": r.finding.path,
                **_span(r.finding.span),
                "code": r.finding.code,
                "message": r.finding.message,
                "says": r.says,
                "curve": r.curve,
            }
            for result in results
            for r in result.repairs
        ],
        "left": [_left(left) for result in results for left in result.left],
        "files": [_file(result) for result in results if result.changed],
        "skipped": [{"path": r.path, "reason": r.skipped} for r in results if r.skipped is not None],
        "proofs": list(proofs),
        "errors": [{"path": path, "kind": kind, "message": text} for path, kind, text in (*errors, *failed)],
    }
    return json.dumps(_plain(document), indent=1, allow_nan=False) + "\n"


def _file(result: FileRewrite) -> dict[str, Any]:
    before, after = result.before.splitlines(keepends=True), result.after.splitlines(keepends=True)
    return {
        "path": result.path,
        "diff": "".join(difflib.unified_diff(before, after, result.path, result.path)),
        "after": result.after,
    }


def _site(site: SiteRewrite, verifications: Sequence[Verification]) -> dict[str, Any]:
    said = summary(verifications)
    return {
        "path": site.path,
        **_span(site.span),
        "name": site.name,
        "form": site.identity[0],
        "kind": site.kind,
        "limits": list(site.limits),
        "family": site.family,
        "codes": list(site.codes),
        "scheduler": site.scheduler,
        "reading": site.reading.key,
        "readings": [
            {"key": r.key, "description": r.description, "because": r.because, "lr": list(site.curves.get(r.key, ()))}
            for r in site.readings
        ],
        "values": dict(site.values),
        "notes": [*site.notes, *said.caveats],
        "settings": said.settings,
        "largest_difference": said.largest,
        "resume_exact": said.resume,
        "old_checkpoints": said.handover,
        "weights_apart": said.weights,
        "devices": list(said.devices),
        "torch": said.torch,
        "proofs": [_proof(p, v) for p, v in zip(site.proofs, verifications, strict=False)],
    }


def _proof(proof: Proof, verification: Verification) -> dict[str, Any]:
    shown = verification.scenarios[0] if verification.scenarios else None
    return {
        "label": proof.label,
        "verdict": verification.verdict,
        "reason": verification.reason,
        "settings": [
            {"values": dict(o.scenario.values), "base_lrs": list(o.scenario.base_lrs)} for o in verification.scenarios
        ],
        "rows": [_row(row) for row in shown.rows] if shown is not None else [],
        "notes": list(verification.notes),
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "step": row.step,
        "old": list(row.old) if row.old is not None else None,
        "new": list(row.new) if row.new is not None else None,
    }


def _left(left: LeftAlone) -> dict[str, Any]:
    return {
        "path": left.path,
        **_span(left.span),
        "name": left.name,
        "form": left.form or (left.rewrite.identity[0] if left.rewrite is not None else ""),
        "reason": left.reason,
        "failed": left.failed,
        "refused": left.refused,
        "readings": list(left.offered),
    }


def _span(span: Span) -> dict[str, Any]:
    return {
        "start": {"line": span.start.line, "column": span.start.column},
        "end": {"line": span.end.line, "column": span.end.column},
    }


def _plain(value: Any) -> Any:
    """Strict JSON: numbers that are not finite by name, anything that is no data by its text."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)


__all__ = ["render"]
