"""``lrfix check``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from lrfix.commands import common

if TYPE_CHECKING:
    from lrfix.output.terminal import Colour

FORMATS = ("text", "concise", "json", "sarif", "github", "gitlab", "junit")


@click.command("check")
@common.paths_argument
@common.selection_options
@common.work_options
@click.option("--statistics", is_flag=True, help="Count findings by rule, and everything that was skipped.")
@click.option("--quiet", "-q", is_flag=True, help="Print findings and errors only, no summary.")
@click.option("--output-format", type=click.Choice(FORMATS), default="text", show_default=True)
@common.curves_option
@click.option("--baseline", metavar="FILE", help="Leave out the findings that this file knows.")
@click.option("--write-baseline", is_flag=True, help="Write today's findings to the baseline and report nothing.")
@click.option("--add-ignore", is_flag=True, help="Write an ignore comment for each error and warning into the code.")
@click.option("--show-files", is_flag=True, help="Print the files that would be looked at.")
@click.option("--show-settings", is_flag=True, help="Print the configuration that holds for PATHS.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even when there are findings.")
def command(
    paths: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    extend_select: tuple[str, ...],
    jobs: int | None,
    executor: str,
    no_cache: bool,
    cache_dir: str | None,
    stdin_filename: str | None,
    force_exclude: bool,
    color: Colour,
    statistics: bool,
    quiet: bool,
    output_format: str,
    curves: bool,
    baseline: str | None,
    write_baseline: bool,
    add_ignore: bool,
    show_files: bool,
    show_settings: bool,
    exit_zero: bool,
) -> None:
    """Report what is wrong with the schedules in PATHS (default: the current directory; -: standard input).

    Exit status: 0 nothing to report, 1 findings or files that cannot be parsed, 2 bad usage, bad configuration or an
    internal error. Findings of severity info alone leave it at 0.
    """
    from lrfix.output import emit
    from lrfix.output.document import Document

    selection = common.selection(select, ignore, extend_select)
    if write_baseline + add_ignore + show_files + show_settings > 1:
        raise click.UsageError("--write-baseline, --add-ignore, --show-files and --show-settings each stand alone")
    if common.STDIN in paths and (write_baseline or add_ignore or show_files):
        raise click.UsageError("standard input has no file to write to or to show")
    if show_files or show_settings:
        from lrfix.commands import adoption

        shown = [path for path in paths if path != common.STDIN]
        found = common.groups(shown, selection, force_exclude)
        (adoption.show_files if show_files else adoption.show_settings)(found, baseline)
        return
    outcome = common.check(
        paths,
        selection,
        jobs,
        stdin_filename,
        force_exclude=force_exclude,
        baseline=baseline,
        use_baseline=not write_baseline,
        caching=common.Caching(no_cache, cache_dir),
        executor=executor,
        described=output_format == "json",
    )
    if write_baseline or add_ignore:
        from lrfix.commands import adoption

        sys.exit(adoption.write_baseline(outcome, baseline) if write_baseline else adoption.add_ignores(outcome))
    emit.report(
        Document.of(outcome.results),
        output_format,
        sys.stdout,
        statistics=statistics,
        quiet=quiet,
        curves=curves,
        colour=color,
        read_lines=outcome.read_lines,
    )
    sys.exit(common.exit_status(outcome.results, exit_zero))
