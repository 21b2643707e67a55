"""``lrfix rule``."""

from __future__ import annotations

import sys

import click

from lrfix.commands import common


@click.command("rule")
@click.argument("code", required=False, shell_complete=common.complete_rules)
def command(code: str | None) -> None:
    """Print the page of the rule CODE (its name will do), or the table of rules; a prefix (LR2) is a part of it."""
    from lrfix.meant import did_you_mean
    from lrfix.output import emit
    from lrfix.pages import Page

    pages = common.known_rules()
    if code is None:
        emit.rules(pages.values(), sys.stdout)
        return
    wanted: Page | None = pages.get(code.upper()) or next((page for page in pages.values() if page.name == code), None)
    listed = [page for page in pages.values() if page.code.startswith(code.upper())]
    if wanted is None and listed:
        emit.rules(listed, sys.stdout)
        return
    if wanted is None:
        meant = did_you_mean(code, [*pages, *(page.name for page in pages.values())])
        raise click.UsageError(f"no rule {code!r}; {meant or 'legal are ' + ', '.join(pages)}")
    emit.page(wanted, sys.stdout)
