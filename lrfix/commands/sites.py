"""``lrfix sites``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from lrfix.commands import common

if TYPE_CHECKING:
    from lrfix.output.terminal import Colour


@click.command("sites")
@common.paths_argument
@common.work_options
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", show_default=True)
@common.curves_option
def command(
    paths: tuple[str, ...],
    jobs: int | None,
    executor: str,
    no_cache: bool,
    cache_dir: str | None,
    stdin_filename: str | None,
    force_exclude: bool,
    color: Colour,
    output_format: str,
    curves: bool,
) -> None:
    """List every schedule in PATHS with its form, family, parameters and status.

    No rule runs. Exit status: 0, 1 where a file cannot be read or parsed, 2 as for check.
    """
    from lrfix.output import emit
    from lrfix.output.document import Document

    caching = common.Caching(no_cache, cache_dir)
    outcome = common.check(
        paths,
        None,
        jobs,
        stdin_filename,
        with_rules=False,
        force_exclude=force_exclude,
        caching=caching,
        executor=executor,
    )
    emit.inventory(Document.of(outcome.results), output_format, sys.stdout, curves=curves, colour=color)
    sys.exit(common.exit_status(outcome.results))
