"""``lrfix check``."""

from __future__ import annotations

import sys

import click

from lrfix.commands import common

FORMATS = ("text", "concise", "json", "sarif", "github", "gitlab", "junit")


@click.command("check")
@common.paths_argument
@common.selection_options
@common.work_options
@click.option("--statistics", is_flag=True, help="Count findings by rule, and everything that was skipped.")
@click.option("--quiet", "-q", is_flag=True, help="Print findings and errors only, no summary.")
@click.option("--output-format", type=click.Choice(FORMATS), default="text", show_default=True)
@common.curves_option
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even when there are findings.")
def command(
    paths: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    extend_select: tuple[str, ...],
    jobs: int | None,
    no_cache: bool,
    stdin_filename: str | None,
    statistics: bool,
    quiet: bool,
    output_format: str,
    curves: bool,
    exit_zero: bool,
) -> None:
    """Report what is wrong with the schedules in PATHS (default: the current directory; -: standard input).

    Exit status: 0 nothing to report, 1 findings or files that cannot be parsed, 2 bad usage, bad configuration or an
    internal error. Findings of severity info alone leave it at 0.
    """
    from lrfix.output import emit
    from lrfix.output.document import Document

    del no_cache
    outcome = common.check(paths, common.selection(select, ignore, extend_select), jobs, stdin_filename)
    emit.report(
        Document.of(outcome.results),
        output_format,
        sys.stdout,
        statistics=statistics,
        quiet=quiet,
        curves=curves,
        read_lines=outcome.read_lines,
    )
    sys.exit(common.exit_status(outcome.results, exit_zero))
