"""The report for people: code frames, evidence, sparklines, a summary; and the one-line-a-finding form of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from lrfix.findings import Evidence, FileError, Finding, Related, Severity, SiteReport, Span, Status
from lrfix.notebooks import is_notebook
from lrfix.output import examples
from lrfix.output.document import Document
from lrfix.output.sparkline import drawn, last_of_interest, sparkline
from lrfix.output.terminal import Style, in_one_line
from lrfix.pages import Page
from lrfix.reading import LARGE, Unreadable, read_file
from lrfix.source import SourceError, parse_source
from lrfix.wording import counted as _count
from lrfix.wording import together

_COLOUR = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}
#: Lines of a long statement that a code frame shows.
_FRAME_LINES = 3

#: What a status means for the one who thinks of a rewrite.
_MEANINGS = {
    Status.EQUIVALENT: "a bundled scheduler has the same curve; `lrfix rewrite` moves it there where it can prove that",
    Status.REPAIR: "something is wrong; `lrfix rewrite` repairs it where the code says what was meant",
    Status.LIBRARY: "a library's own schedule; `lrfix rewrite` leaves it alone",
    Status.UNSUPPORTED: "judged, and no bundled scheduler takes its place; `lrfix rewrite` leaves it alone",
    Status.OPAQUE: "cannot be simulated, so it was not judged",
    Status.FAILED: "every attempt to run it ended early, so it was not judged",
}

ReadLines = Callable[[str], Sequence[str]]


def lines_of_file(path: str) -> Sequence[str]:
    """The file's lines for code frames; none where it cannot be read any more."""
    try:
        return lines_of(read_file(path, LARGE), path)
    except Unreadable:
        return ()


def lines_of(raw: bytes, path: str = "") -> Sequence[str]:
    """The lines of a file's content, of a notebook those of its cells; none where it is no Python."""
    if is_notebook(path):
        from lrfix.notebooks.notebook import NotebookError, read_notebook

        try:
            return read_notebook(raw).lines
        except NotebookError:
            return ()
    try:
        return parse_source(raw, "").lines
    except SourceError:
        return ()


def report(document: Document, style: Style, read_lines: ReadLines = lines_of_file, *, quiet: bool = False) -> str:
    """Every finding with its code frame and evidence, every error, and the summary."""
    blocks: list[str] = []
    cache: dict[str, Sequence[str]] = {}
    for finding in document.findings:
        if finding.path not in cache:
            cache = {finding.path: read_lines(finding.path)}
        lines = cache[finding.path]
        blocks.append(_block(finding, lines if finding.cell is None else lines[finding.cell.first - 1 :], style))
    text = "".join(block + "\n" for block in blocks)
    text += "".join(_error(error, style) + "\n" for error in document.errors)
    return text if quiet else text + summary(document) + "\n"


def concise(document: Document, *, quiet: bool = False) -> str:
    """``path:line:column: severity CODE name: message``, one line a finding."""
    lines = [
        f"{_place(finding)}: {finding.severity.value} {finding.code} {finding.name}: "
        f"{_one_line(examples.told(finding))}"
        for finding in document.findings
    ]
    for error in document.errors:
        lines.append(f"{in_one_line(error.path)}: {error.kind} error: {_one_line(error.message)}")
    if not quiet:
        lines.append(summary(document))
    return "".join(line + "\n" for line in lines)


def summary(document: Document) -> str:
    """One line: how many findings of which severity, in how many files; how many schedules were judged; what was not.

    Silence about a schedule that was not understood must not be read as soundness.
    """
    files = _count(document.seen, "file")
    parts = []
    if document.findings:
        severities = Counter(finding.severity for finding in document.findings)
        detail = ", ".join(
            _count(severities[severity], severity.value)
            if severity is not Severity.INFO
            else f"{severities[severity]} info"
            for severity in Severity
            if severities[severity]
        )
        parts.append(f"{_count(len(document.findings), 'finding')} ({detail})")
    else:
        parts.append("no new findings" if document.known else "no findings")
    judged = sum(site.status.judged for site in document.sites)
    parts[0] += f" in {files}, {_count(judged, 'schedule')}{' judged' if document.sites else ''}"
    if document.known:
        parts.append(f"{_count(document.known, 'known finding')} left out by the baseline")
    if document.gone:
        parts.append(f"{_count(document.gone, 'finding')} of the baseline gone (--write-baseline forgets them)")
    if document.errors:
        parts.append(_count(len(document.errors), "file error"))
    skipped = sum(count for _, count in document.skipped)
    if skipped:
        reasons = ", ".join(f"{count} {reason}" for reason, count in document.skipped)
        parts.append(f"{_count(skipped, 'file')} skipped ({reasons})")
    if judged < len(document.sites):
        parts.append(f"{_count(len(document.sites) - judged, 'schedule')} not understood (lrfix sites says why)")
    return "; ".join(parts)


def statistics(document: Document) -> str:
    """Findings by rule, files, skipped files and what the analysis could not follow, one line each."""
    rows: list[tuple[int, str]] = []
    by_rule = Counter((finding.code, finding.name) for finding in document.findings)
    rows.extend((count, f"{code} {name}") for (code, name), count in sorted(by_rule.items()))
    rows.append((document.seen, "files seen"))
    rows.append((document.parsed, "files parsed"))
    if document.kept:
        rows.append((document.kept, "files of these by earlier runs (cache)"))
    rows.append((len(document.sites), "schedules"))
    statuses = Counter(site.status for site in document.sites)
    rows.append((sum(count for status, count in statuses.items() if status.judged), "schedules judged"))
    rows.extend((n, f"schedules not understood: {status.value}") for status, n in statuses.items() if not status.judged)
    rows.extend((count, f"files skipped: {reason}") for reason, count in document.skipped)
    kinds = Counter(error.kind for error in document.errors)
    rows.extend((count, f"file errors: {kind}") for kind, count in sorted(kinds.items()))
    rows.extend((count, f"analysis: {name}") for name, count in document.counters)
    width = max(len(str(count)) for count, _ in rows)
    return "".join(f"{count:>{width}}  {label}\n" for count, label in rows)


def inventory(document: Document, style: Style) -> str:
    """A table of the sites: place, form, family, status, curve; parameters and reasons below each."""
    rows = [
        (
            f"{_in_cell(site)}:{site.span.start.line}",
            site.name or "",
            site.form,
            site.family,
            site.status.value if site.handrolled else f"{site.status.value} (not hand-rolled)",
            sparkline(_to_its_end(site), width=24, levels=style.blocks),
        )
        for site in document.sites
    ]
    header = ("place", "name", "form", "family", "status", "curve")
    text = ""
    if rows:
        table = _table([header, *rows])
        text += style.paint(table[0], "bold") + "\n"
        for line, site in zip(table[1:], document.sites, strict=True):
            text += line + "\n" + _site_details(site)
    occurring = {site.status for site in document.sites}
    text += "".join(f"{status.value}: {_MEANINGS[status]}\n" for status in Status if status in occurring)
    text += "".join(_error(error, style) + "\n" for error in document.errors)
    return text + f"{_count(len(document.sites), 'schedule')} in {_count(document.seen, 'file')}\n"


def rules(pages: Iterable[Page]) -> str:
    """The table of rules."""
    header = ("code", "name", "severity", "summary")
    rows = [(page.code, page.name, page.severity.value, page.summary) for page in pages]
    return "".join(line + "\n" for line in _table([header, *rows]))


def page(rule_page: Page) -> str:
    """One rule's page."""
    head = f"{rule_page.code} {rule_page.name} ({rule_page.severity.value}, since {rule_page.since})"
    return f"{head}\n{rule_page.summary}\n\n{rule_page.body}"


def _site_details(site: SiteReport) -> str:
    text = ""
    if site.parameters:
        text += f"    {_assignments(site.parameters)}\n"
    if site.horizon and site.horizon not in site.parameters.values():
        text += f"    ends at {_one_line(site.horizon)}\n"
    for schedule in site.schedules:
        text += f"    {_assignments(schedule.settings)}: {schedule.family}"
        text += f" ({_assignments(schedule.parameters)})\n" if schedule.parameters else "\n"
    if site.reason:
        text += f"    {_one_line(site.reason)}\n"
    return text


def _to_its_end(site: SiteReport) -> Sequence[float]:
    if site.shown is None:
        return site.curve
    return site.shown.curve[: last_of_interest(site.shown.curve, site.shown.end) + 1]


def _assignments(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={_one_line(value)}" for name, value in values.items())


def _block(finding: Finding, lines: Sequence[str], style: Style) -> str:
    colour = _COLOUR[finding.severity]
    head = (
        f"{style.paint(_place(finding), 'bold')}: {style.paint(finding.severity.value, colour)} "
        f"{style.paint(f'{finding.code} {finding.name}', colour, 'bold')}: {finding.message}\n"
    )
    shown = _frame(finding.span, lines, style, colour) + _evidence(finding.evidence, style)
    return head + shown + "".join(f"    {_related(place)}\n" for place in finding.related)


def _related(place: Related) -> str:
    return f"{_place(place)}: {_one_line(place.text)}"


def _frame(span: Span, lines: Sequence[str], style: Style, colour: str) -> str:
    first, last = span.start.line, min(span.end.line, len(lines))
    if first > len(lines):
        return ""
    shown = list(range(first, last + 1))[:_FRAME_LINES]
    width = len(str(shown[-1]))
    gutter = style.paint(" " * width + " |", "dim")
    text = gutter + "\n"
    for number in shown:
        line = lines[number - 1]
        start = span.start.column if number == first else len(line) - len(line.lstrip()) + 1
        end = min(span.end.column if number == span.end.line else len(line.rstrip()) + 1, len(line) + 1)
        # Tabs and form feeds stay in the padding, so that the carets stand under the code whatever their width.
        padding = "".join(character if character in "\t\f" else " " for character in line[: start - 1])
        code = f"{style.paint(f'{number:>{width}} |', 'dim')} {line.rstrip()}"
        text += code.rstrip() + "\n"
        if end > start:
            text += f"{gutter} {padding}{style.paint('^' * (end - start), colour)}\n"
    if last - first + 1 > _FRAME_LINES:
        text += f"{gutter} ... ({last - first + 1 - _FRAME_LINES} more lines)\n"
    return text


def _evidence(evidence: Evidence | None, style: Style) -> str:
    if evidence is None:
        return ""
    text = ""
    if evidence.steps:
        rows = [(evidence.unit, "rate"), *zip(map(str, evidence.steps), together(evidence.lr), strict=False)]
        wide = max(len(step) for step, _ in rows)
        text += "".join(f"    {step:>{wide}}  {rate}\n" for step, rate in rows)
    text += "".join(f"    {line}\n" for line in examples.lines(evidence))
    return text + "".join(f"    {line}\n" for line in drawn(evidence, style.blocks))


def _error(error: FileError, style: Style) -> str:
    path, kind = in_one_line(error.path), f"{error.kind} error"
    return f"{style.paint(path, 'bold')}: {style.paint(kind, 'red')}: {error.message}"


def _place(place: Finding | Related) -> str:
    return f"{_in_cell(place)}:{place.span.start.line}:{place.span.start.column}"


def _in_cell(place: Finding | Related | SiteReport) -> str:
    path = in_one_line(place.path)
    return path if place.cell is None else f"{path}:cell {place.cell.number}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


__all__ = ["concise", "inventory", "lines_of", "lines_of_file", "page", "report", "rules", "statistics", "summary"]
