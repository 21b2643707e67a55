"""``lrfix clean``."""

from __future__ import annotations

import os

import click

from lrfix.commands import common


@click.command("clean")
@common.paths_argument
@common.cache_dir_option
def command(paths: tuple[str, ...], cache_dir: str | None) -> None:
    """Remove the results that check, sites and plot keep for PATHS (default: the current directory).

    Exit status: 0, 2 where they cannot be removed.
    """
    from lrfix.cache import clear, folder_for

    folders = [folder_for(members, settings) for settings, _, members in common.configured(paths, None)]
    if cache_dir:
        folders = [os.path.abspath(cache_dir)]
    for folder in dict.fromkeys(folders):
        try:
            removed = clear(folder)
        except OSError as error:
            raise common.Fatal(f"{folder} cannot be removed: {error.strerror or error}") from None
        click.echo(f"removed the results in {folder}" if removed else f"nothing is kept in {folder}")
