"""``lrfix server``."""

from __future__ import annotations

import click


@click.command("server")
def command() -> None:
    """Serve an editor over standard input and output, by the language server protocol.

    It needs the extra lsp: pip install "lrfix[lsp]".
    """
    try:
        from lrfix.server.editor import build
    except ImportError as error:
        raise click.UsageError(f"the server needs pygls: pip install 'lrfix[lsp]' ({error})") from None
    build().start_io()
