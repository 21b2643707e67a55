"""``lrfix sites``."""

from __future__ import annotations

import sys

import click

from lrfix.commands import common


@click.command("sites")
@common.paths_argument
@common.work_options
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", show_default=True)
@common.curves_option
def command(
    paths: tuple[str, ...],
    jobs: int | None,
    no_cache: bool,
    stdin_filename: str | None,
    output_format: str,
    curves: bool,
) -> None:
    """List every schedule in PATHS with its form, family, parameters and status.

    No rule runs. Exit status: 0, 1 where a file cannot be read or parsed, 2 as for check.
    """
    from lrfix.output import emit
    from lrfix.output.document import Document

    del no_cache
    outcome = common.check(paths, None, jobs, stdin_filename, with_rules=False)
    emit.inventory(Document.of(outcome.results), output_format, sys.stdout, curves=curves)
    sys.exit(common.exit_status(outcome.results))
