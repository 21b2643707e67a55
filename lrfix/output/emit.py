"""Choosing a format and writing it to a stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from lrfix.output import github, json_document, text
from lrfix.output.document import Document
from lrfix.output.terminal import Style, write
from lrfix.pages import Page


def report(
    document: Document,
    output_format: str,
    stream: TextIO,
    *,
    statistics: bool = False,
    quiet: bool = False,
    read_lines: text.ReadLines = text.lines_of_file,
) -> None:
    """The findings and errors of a check as ``text``, ``concise``, ``json`` or ``github``."""
    if output_format == "json":
        # The document has the counters: a second section would not be JSON.
        write(stream, json_document.render(document))
        return
    if output_format == "github":
        rendered = github.render(document)
    elif output_format == "concise":
        rendered = text.concise(document, quiet=quiet or statistics)
    else:
        rendered = text.report(document, Style.of(stream), read_lines, quiet=quiet or statistics)
    write(stream, rendered + (text.statistics(document) if statistics else ""))


def inventory(document: Document, output_format: str, stream: TextIO) -> None:
    """The sites as ``text`` or ``json``."""
    rendered = json_document.render(document) if output_format == "json" else text.inventory(document, Style.of(stream))
    write(stream, rendered)


def rules(pages: Iterable[Page], stream: TextIO) -> None:
    """The table of rules."""
    write(stream, text.rules(pages))


def page(rule_page: Page, stream: TextIO) -> None:
    """One rule's page."""
    write(stream, text.page(rule_page))


__all__ = ["inventory", "page", "report", "rules"]
