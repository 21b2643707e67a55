"""``lrfix rule``."""

from __future__ import annotations

import sys

import click

from lrfix.commands import common


@click.command("rule")
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Print the page of the rule CODE (its name will do), or the table of rules."""
    from lrfix.output import emit
    from lrfix.pages import Page, load_pages

    common.known_codes()
    pages = load_pages()
    if code is None:
        emit.rules(pages.values(), sys.stdout)
        return
    wanted: Page | None = pages.get(code.upper()) or next((page for page in pages.values() if page.name == code), None)
    if wanted is None:
        raise click.UsageError(f"no rule {code!r}; legal are {', '.join(pages)}")
    emit.page(wanted, sys.stdout)
