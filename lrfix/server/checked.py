"""One text of an editor, checked: what stands where, in the lines of the protocol. Knows nothing of a client."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lrfix.config import ConfigError, find_config
from lrfix.discovery import is_excluded
from lrfix.engine import check_text
from lrfix.findings import FileResult, Finding, Position, SiteReport, Span, Status
from lrfix.ignoring import with_ignores
from lrfix.output.examples import lines as values_of
from lrfix.output.sparkline import drawn
from lrfix.pages import load_pages
from lrfix.registry import load_rules
from lrfix.rewriting.project import Project
from lrfix.rewriting.proposal import Options
from lrfix.rewriting.rewriter import rewrite_sources
from lrfix.source import SourceError, parse_source

_NEWLINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Checked:
    """A text of a version and what lrfix says of it. ``problem``: why nothing is, where the configuration is wrong."""

    path: str
    text: str
    version: int
    result: FileResult
    problem: str | None = None

    @property
    def lines(self) -> list[str]:
        """The lines as the protocol and Python count them."""
        return _NEWLINE.split(self.text)

    def findings_in(self, first: int, last: int) -> Iterator[Finding]:
        """Findings that begin on one of the lines (1-based)."""
        return (each for each in self.result.findings if first <= each.span.start.line <= last)

    def site_at(self, position: Position) -> SiteReport | None:
        """The innermost schedule around a position."""
        around = [each for each in self.result.sites if each.span.start <= position <= each.span.end]
        return max(around, key=lambda site: site.span.start, default=None)

    @property
    def rewritable(self) -> bool:
        """Whether a rewrite may change one of its schedules."""
        return any(site.status in (Status.EQUIVALENT, Status.REPAIR) for site in self.result.sites)


def check(path: str, text: str, version: int) -> Checked:
    """Everything that lrfix says of a text that stands, or will stand, at ``path``."""
    rules = load_pages()
    nothing = FileResult(path, parsed=False)
    try:
        config = find_config(Path(path).parent)
        settings = config.settings(list(rules), None, {page.name: code for code, page in rules.items()})
    except ConfigError as error:
        return Checked(path, text, version, nothing, str(error))
    if is_excluded(path, settings.exclude, settings.root):
        return Checked(path, text, version, nothing)
    return Checked(path, text, version, check_text(text.encode("utf-8", "surrogatepass"), path, settings))


def described(site: SiteReport, findings: tuple[Finding, ...]) -> str:
    """A schedule in Markdown, with its curve."""
    text = f"**{site.family}**{f' `{site.name}`' if site.name else ''}\n"
    if site.parameters:
        text += "\n" + ", ".join(f"`{name}` = `{value}`" for name, value in site.parameters.items()) + "\n"
    if site.shown is not None and site.curve:
        text += "\n```text\n" + "\n".join(drawn(site.shown)) + "\n```\n"
        text += "".join(f"\n{line}\n" for line in values_of(site.shown))
    elif site.reason:
        text += f"\nNot understood: {site.reason}\n"
    return text + "".join(f"\n- {each.code}: {each.message}" for each in findings)


def ignoring(checked: Checked, finding: Finding) -> str | None:
    """The text with a comment that takes the finding away; None where none can stand there."""
    try:
        source = parse_source(checked.text.encode("utf-8", "surrogatepass"), checked.path)
    except SourceError:
        return None
    done = with_ignores(source, [finding], load_rules())
    return done.text if done.added else None


def rewritten(checked: Checked) -> tuple[str | None, list[str]]:
    """The text with its schedules rewritten, proved by running old and new, and in words what became of each."""
    raw = checked.text.encode("utf-8", "surrogatepass")
    external = Project.around(checked.path).external_to(checked.path)
    (result,) = rewrite_sources([(checked.path, raw, external, None)], Options())
    words = [f"{site.name or 'the schedule'}: {site.standing}, {site.scheduler}" for site in result.sites]
    words += [f"{left.name or 'a schedule'} is left as it is: {left.reason}" for left in result.left]
    words += [result.error] if result.error is not None else []
    return (result.after if result.changed else None), words


def change(old: str, new: str) -> tuple[Span, str]:
    """The lines that differ, as one span of the old text and what takes its place."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    first = 0
    while first < min(len(before), len(after)) and before[first] == after[first]:
        first += 1
    last = 0
    while last < min(len(before), len(after)) - first and before[-1 - last] == after[-1 - last]:
        last += 1
    replaced = "".join(before[first : len(before) - last])
    start = Position(len(_NEWLINE.findall("".join(before[:first]))) + 1, 1)
    rows = _NEWLINE.split(replaced)
    column = len(rows[-1]) + 1 if len(rows) > 1 or rows[-1] else 1
    end = Position(start.line + len(rows) - 1, column)
    return Span(start, end), "".join(after[first : len(after) - last])


__all__ = ["Checked", "change", "check", "described", "ignoring", "rewritten"]
