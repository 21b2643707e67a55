"""SARIF of ``lrfix rewrite``: the findings that it would settle, as ``lrfix check`` tells them, each with its fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lrfix.commands.rewrite_summary import summary
from lrfix.config import Settings
from lrfix.engine import check_code
from lrfix.findings import FileError, FileResult, Finding, Severity, Span
from lrfix.fingerprints import fingerprinted
from lrfix.notebooks.notebook import Notebook
from lrfix.output.document import Document
from lrfix.output.sarif import Fix
from lrfix.output.sarif import render as rendered
from lrfix.pages import load_pages
from lrfix.rewriting.hunks import hunks, spans
from lrfix.rewriting.model import FileRewrite, SiteRewrite
from lrfix.source import parse_source

_HANDROLLED = ("LR401", "LR402")
_ORDER = list(Severity)


def render(
    results: Sequence[FileRewrite],
    together: Sequence[Sequence[str]],
    raws: Mapping[str, bytes],
    notebooks: Mapping[str, Notebook],
    settings: Mapping[str, Settings],
    verified: bool,
    errors: Sequence[tuple[str, str, str]],
) -> str:
    """The document as text. ``together`` are the paths of changed files, in sets that are written as one; ``errors``
    are paths that could not be read, with kind and message."""
    with_text = {r.path: _changes(r, r.after, notebooks.get(r.path)) for r in results if r.changed}
    groups = {path: group for group in together for path in group}
    number = {r.path: len(r.sites) + len(r.repairs) for r in results}
    findings: list[Finding] = []
    fixes: dict[int, Fix] = {}
    for result in (r for r in results if r.changed):
        group = groups[result.path]
        every = {path: with_text[path] for path in group}
        others = sum(number[path] for path in group) - 1
        notebook = notebooks.get(result.path)
        code = notebook.code if notebook is not None else raws[result.path]
        for finding, says, alone in _proposals(result, code, settings[result.path], verified):
            changes = every
            if alone is not None and len(group) == 1:
                changes = {result.path: _changes(result, alone, notebook)}
            elif others:
                where = "this file" if len(group) == 1 else ", ".join(group)
                more = f"the other {others} changes" if others > 1 else "the other change"
                says += f". Together with {more} of {where}, as they were tried"
            fixes[len(findings)] = Fix(says, changes)
            found = FileResult(result.path, True, (finding,))
            findings += (notebook.located(found) if notebook is not None else found).findings
    failed = [(r.path, r.error_kind or "internal", r.error) for r in results if r.error is not None]
    told = tuple(FileError(*error) for error in (*errors, *failed))
    return rendered(Document.of([FileResult("", True, tuple(findings), errors=told)]), fixes)


def _changes(result: FileRewrite, after: str, notebook: Notebook | None) -> tuple[tuple[Span, str], ...]:
    """The places of the file that change, of a notebook those of its JSON, with their new text."""
    old, new = (result.before, after) if notebook is None else (notebook.text, notebook.with_program(after))
    found = hunks(old, new)
    return tuple((span, hunk.text) for span, hunk in zip(spans(old, found), found, strict=True))


def _proposals(
    result: FileRewrite, code: bytes, settings: Settings, verified: bool
) -> Iterator[tuple[Finding, str, str | None]]:
    """What is found, what is done about it, and the text of the file after that alone where that stands by itself."""
    for repair in result.repairs:
        yield repair.finding, f"{repair.says}; {repair.curve}", repair.alone
    if not result.sites:
        return
    checked = check_code(code, result.path, replace(settings, selected=frozenset(load_pages()), per_file_ignores=()))
    for site in result.sites:
        said = summary(result.verifications.get(site.identity, ()))
        proof = f": {said.words}" if verified else ", not verified: neither version was run"
        yield _finding(code, site, checked), f"{site.standing} -> {site.scheduler}{proof}", None


def _finding(code: bytes, site: SiteRewrite, checked: FileResult) -> Finding:
    """What ``lrfix check`` says of a schedule: the gravest fault that is repaired, else that it is written by hand."""
    codes = site.codes if site.kind == "repair" and site.codes else _HANDROLLED
    found = [finding for finding in checked.findings if finding.code in codes]
    here = [f for f in found if f.site is not None and checked.sites[f.site].span == site.span]
    here = here or [f for f in found if site.span.contains(f.span)]
    if here:
        return min(here, key=lambda finding: _ORDER.index(finding.severity))
    page = load_pages()[codes[0]]
    finding = Finding(site.path, page.code, page.name, page.severity, page.summary, site.span)
    return fingerprinted(parse_source(code, site.path), [finding])[0]


__all__ = ["render"]
