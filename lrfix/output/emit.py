"""Choosing a format and writing it to a stream."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import TextIO

from lrfix.output import json_document, text
from lrfix.output.document import Document
from lrfix.output.terminal import Colour, Style, write
from lrfix.pages import Page

#: Formats that are one document, each with the module that makes it, imported for those who ask for it.
_DOCUMENTS = ("sarif", "gitlab", "junit")


def report(
    document: Document,
    output_format: str,
    stream: TextIO,
    *,
    statistics: bool = False,
    quiet: bool = False,
    curves: bool = False,
    colour: Colour = "auto",
    read_lines: text.ReadLines = text.lines_of_file,
) -> None:
    """The findings and errors of a check in one format; ``curves`` are for ``json``."""
    if output_format == "json":
        # It has the counters in itself; a second section would break it, as it would the others.
        write(stream, json_document.render(document, curves))
        return
    if output_format in _DOCUMENTS:
        write(stream, importlib.import_module(f"lrfix.output.{output_format}").render(document))
        return
    if output_format == "github":
        from lrfix.output import github

        rendered = github.render(document)
    elif output_format == "concise":
        rendered = text.concise(document, quiet=quiet or statistics)
    else:
        rendered = text.report(document, Style.of(stream, colour), read_lines, quiet=quiet or statistics)
    write(stream, rendered + (text.statistics(document) if statistics else ""))


def inventory(
    document: Document, output_format: str, stream: TextIO, *, curves: bool = False, colour: Colour = "auto"
) -> None:
    """The sites as ``text`` or ``json``."""
    as_json = output_format == "json"
    style = Style.of(stream, colour)
    write(stream, json_document.render(document, curves) if as_json else text.inventory(document, style))


def rules(pages: Iterable[Page], stream: TextIO) -> None:
    """The table of rules."""
    write(stream, text.rules(pages))


def page(rule_page: Page, stream: TextIO) -> None:
    """One rule's page."""
    write(stream, text.page(rule_page))


__all__ = ["inventory", "page", "report", "rules"]
