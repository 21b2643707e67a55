"""``lrfix rewrite``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lrfix.commands import common
from lrfix.discovery import has_schedule_words
from lrfix.notebooks import Notebook, NotebookError, is_notebook, read_notebook
from lrfix.output.terminal import Colour, Style, write
from lrfix.reading import Unreadable, read_file

if TYPE_CHECKING:
    from lrfix.rewriting.model import FileRewrite
    from lrfix.verification.values import Device


@click.command("rewrite")
@common.paths_argument
@click.option("--apply", is_flag=True, help="Write the changes. Without it nothing is changed.")
@click.option("--only", type=click.Choice(("equivalent",)), help="Leave out repairs, which change the curve.")
@click.option("--no-verify", is_flag=True, help="Do not run the old and the new version side by side.")
@click.option("--unverified", is_flag=True, help="Allow --apply together with --no-verify.")
@click.option("--unfenced", is_flag=True, help="Under CI, run schedules even where the kernel cannot fence them off.")
@click.option("--reading", metavar="KEY", help="Take this reading of broken code; the report lists the keys.")
@click.option("--device", type=click.Choice(("auto", "cpu", "cuda")), default="auto", show_default=True)
@click.option("--vendor", metavar="PATH", help="Write the schedulers into this file of your own and import that.")
@common.force_exclude_option
@common.colour_option
@click.option("--quiet", "-q", is_flag=True, help="Print only what is or would be changed, and errors.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even where a change would be made.")
def command(
    paths: tuple[str, ...],
    apply: bool,
    only: str | None,
    no_verify: bool,
    unverified: bool,
    unfenced: bool,
    reading: str | None,
    device: Device,
    vendor: str | None,
    force_exclude: bool,
    color: Colour,
    quiet: bool,
    exit_zero: bool,
) -> None:
    """Rewrite the schedules in PATHS to the bundled scheduler, after running the old and the new version.

    Prints a unified diff and a table of old and new rates, and changes nothing without --apply. Exit status: 0 nothing
    (left) to change, 1 a change would be made, one failed or a schedule may not be run, 2 as for check.
    """
    if apply and no_verify and not unverified:
        raise click.UsageError("--apply without verification needs --unverified as well")
    if common.STDIN in paths:
        raise click.UsageError("rewrite works on files, not on standard input")
    found = common.groups(paths, None, force_exclude)
    files: list[tuple[str, bytes]] = []
    unreadable: list[str] = []
    for group in found:
        for target in group.targets:
            if target.outside:
                write(sys.stderr, f"lrfix: {target.path}: a link to a file outside the given paths, left alone\n")
                continue
            try:
                raw = read_file(target.path, group.settings.most_bytes(target.path))
            except Unreadable as error:
                unreadable.append(f"{target.path}: {error.message}")
                continue
            if target.explicit or has_schedule_words(raw):
                files.append((target.path, raw))
    limit = max((group.settings.max_file_size for group in found), default=1 << 20)
    style = Style.of(sys.stdout, color)
    sys.exit(
        _run(
            files,
            unreadable,
            limit,
            apply,
            only,
            not no_verify,
            unfenced,
            reading,
            device,
            vendor,
            quiet,
            exit_zero,
            style,
        )
    )


def _run(
    files: Sequence[tuple[str, bytes]],
    unreadable: Sequence[str],
    limit: int,
    apply: bool,
    only: str | None,
    verify: bool,
    unfenced: bool,
    reading: str | None,
    device: Device,
    vendor: str | None,
    quiet: bool,
    exit_zero: bool,
    style: Style,
) -> int:
    from lrfix.commands.rewrite_report import Report
    from lrfix.rewriting.project import Project
    from lrfix.rewriting.rewriter import Options, rewrite_sources
    from lrfix.rewriting.vendor import VendorError, VendorFile
    from lrfix.rewriting.writing import WriteError, remove_litter

    if apply:
        written_to = [path for path, _ in files] + ([vendor] if vendor is not None else [])
        remove_litter([os.path.dirname(os.path.realpath(path)) for path in written_to])
    projects: dict[Path | None, Project] = {}
    jobs = []
    vendored = VendorFile(vendor) if vendor is not None else None
    notebooks, unread = _notebooks(files)
    for path, raw in files:
        if path in unread:
            continue
        project = Project.around(path)
        project = projects.setdefault(project.root, project)
        module = None
        if vendored is not None:
            try:
                module = vendored.module_for(path, project.root)
            except VendorError as error:
                raise common.Fatal(str(error)) from None
        code = notebooks[path].program.encode() if path in notebooks else raw
        jobs.append((path, code, project.external_to(path), module))
    options = Options(
        only_equivalent=only == "equivalent",
        verify=verify,
        reading=reading,
        device=device,
        max_file_size=limit,
        unfenced=unfenced,
    )
    results = sorted(
        [*unread.values(), *(_in_cells(result, notebooks) for result in rewrite_sources(jobs, options))],
        key=lambda result: [path for path, _ in files].index(result.path),
    )
    if reading is not None:
        offered = sorted({key for result in results for key in result.readings})
        if reading not in offered:
            raise click.UsageError(
                f"no schedule has the reading {reading!r}; there are: {', '.join(offered) or 'none'}"
            )
    report = Report(style, applied=apply, verified=verify, quiet=quiet, notebooks=notebooks)
    status = 1 if unreadable else 0
    for message in unreadable:
        write(sys.stderr, f"lrfix: {message}\n")
    if vendored is not None and apply:
        names = {name for result in results for site in result.sites for name in site.imported}
        try:
            vendored.write(names)
        except (VendorError, WriteError) as error:
            raise common.Fatal(str(error)) from None
    for result in results:
        write(sys.stdout, report.file(result))
        if result.error is not None or any(site.failed or site.refused for site in result.left):
            status = max(status, 2 if result.error_kind == "internal" else 1)
        if result.changed and not apply:
            status = max(status, 1)
    written: set[str] = set()
    if apply:
        written, failures = _written([result for result in results if result.changed], dict(files), notebooks)
        for message in failures:
            write(sys.stderr, f"lrfix: {message}\n")
            status = 2
    write(sys.stdout, report.summary(results, written))
    return 0 if exit_zero and status == 1 else status


def _written(
    changed: Sequence[FileRewrite], raws: Mapping[str, bytes], notebooks: Mapping[str, Notebook]
) -> tuple[set[str], list[str]]:
    """Write the files, those that belong together all or none: the paths that were written, and what went wrong."""
    from lrfix.rewriting.connected import connected
    from lrfix.rewriting.writing import Change, WriteError, change_of, write_together
    from lrfix.source import parse_source

    def change(result: FileRewrite) -> Change:
        raw = raws[result.path]
        notebook = notebooks.get(result.path)
        if notebook is None:
            return change_of(result, raw)
        return Change(result.path, notebook.renewed(raw, result.after), expected=raw)

    by_path = {result.path: result for result in changed}
    read = {path: result.before.encode() if path in notebooks else raws[path] for path, result in by_path.items()}
    written: set[str] = set()
    failures = []
    for paths in connected({path: parse_source(text, path).tree for path, text in read.items()}):
        try:
            write_together([change(by_path[path]) for path in paths])
        except WriteError as error:
            several = f" ({', '.join(paths)} belong together, and none of them is written)" if len(paths) > 1 else ""
            failures.append(f"{error}{several}")
        else:
            written.update(paths)
    return written, failures


def _notebooks(files: Sequence[tuple[str, bytes]]) -> tuple[dict[str, Notebook], dict[str, FileRewrite]]:
    """The notebooks among the files by path, and the answers for those that are not to be rewritten."""
    from lrfix.rewriting.model import FileRewrite

    notebooks: dict[str, Notebook] = {}
    unread: dict[str, FileRewrite] = {}
    for path, raw in files:
        if not is_notebook(path):
            continue
        try:
            notebook = read_notebook(raw)
            notebook.program.encode()
        except NotebookError as error:
            unread[path] = FileRewrite(path, "", "", error=error.message, error_kind=error.kind)
        except UnicodeEncodeError:
            unread[path] = FileRewrite(path, "", "", error="its texts are no Unicode", error_kind="encoding")
        else:
            if notebook.language == "python":
                notebooks[path] = notebook
            else:
                unread[path] = FileRewrite(path, "", "", skipped=f"a notebook in {notebook.language}")
    return notebooks, unread


def _in_cells(result: FileRewrite, notebooks: Mapping[str, Notebook]) -> FileRewrite:
    """The result, left undone where it cannot be put back into the cells of its notebook."""
    notebook = notebooks.get(result.path)
    if notebook is None:
        return result
    if result.error is not None:
        return replace(result, error=notebook.in_cells(result.error))
    try:
        notebook.changes(result.after)
    except NotebookError as error:
        message = f"{error.message}; the notebook is left as it is"
        return replace(result, after=result.before, sites=(), error=message, error_kind="io")
    return result
