"""``lrfix rewrite``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

import click

from lrfix.commands import common
from lrfix.discovery import has_schedule_words
from lrfix.output.terminal import Colour, Progress, Style, write
from lrfix.reading import Unreadable, read_file

if TYPE_CHECKING:
    from lrfix.config import Settings
    from lrfix.notebooks.notebook import Notebook
    from lrfix.rewriting.model import FileRewrite
    from lrfix.rewriting.proposal import Options
    from lrfix.rewriting.vendor import VendorFile
    from lrfix.verification.values import Device

FORMATS = ("text", "json", "sarif")


@dataclass(frozen=True)
class _Files:
    """What is to be rewritten: paths with their content; ``stdin`` is the name that standard input goes by.
    ``repaired``: by edits of the user's own code, as the ``settings`` of each path select rules; ``advice``: of what
    is told as info too."""

    contents: tuple[tuple[str, bytes], ...]
    unreadable: tuple[tuple[str, str], ...] = ()
    largest: int = 1 << 20
    stdin: str | None = None
    settings: Mapping[str, Settings] = field(default_factory=dict)
    repaired: bool = False
    advice: bool = False
    notebooks: Mapping[str, Notebook] = field(default_factory=dict)


@dataclass(frozen=True)
class _Output:
    """How it is reported: to ``stream``, which is not standard output where the new text goes there. ``diff``: nothing
    but diffs go there, so that they may be handed on."""

    applied: bool
    verified: bool
    quiet: bool
    verbose: bool
    format: str
    stream: TextIO
    style: Style
    diff: bool = False


@click.command("rewrite")
@common.paths_argument
@click.option("--apply", is_flag=True, help="Write the changes (of standard input: to standard output).")
@click.option("--diff", is_flag=True, help="Print the diff alone, for git apply or patch; the rest on standard error.")
@click.option(
    "--only",
    type=click.Choice(("equivalent",)),
    help="Leave out repairs, which change the curve, and what is equal but for settings that nobody is seen to use.",
)
@click.option("--no-verify", is_flag=True, help="Do not run the old and the new version side by side.")
@click.option("--unverified", is_flag=True, help="Allow --apply together with --no-verify.")
@click.option("--unfenced", is_flag=True, help="Under CI, run schedules even where the kernel cannot fence them off.")
@click.option("--repair", is_flag=True, help="Mend what the rules find in your own code, and move nothing.")
@click.option("--advice", is_flag=True, help="With --repair: mend what is told as info too.")
@click.option("--reading", metavar="KEY", help="Take this reading of broken code; the report lists the keys.")
@click.option(
    "--prefer",
    type=click.Choice(("bundled", "torch")),
    default="bundled",
    show_default=True,
    help="torch: what a class of torch's own expresses exactly becomes that class, and needs no lrfix.",
)
@click.option("--device", type=click.Choice(("auto", "cpu", "cuda")), default="auto", show_default=True)
@click.option("--vendor", metavar="PATH", help="Write the schedulers into this file of your own and import that.")
@click.option("--proof", metavar="PATH", help="Write what was proved as tests that need no lrfix into this directory.")
@common.force_exclude_option
@common.colour_option
@click.option("--stdin-filename", metavar="PATH", help="The name that standard input (-) has in the report.")
@click.option("--output-format", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--verbose", "-v", is_flag=True, help="Print a table of old and new rates for every proof.")
@click.option("--quiet", "-q", is_flag=True, help="Print only what is or would be changed, and errors.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even where a change would be made.")
def command(
    paths: tuple[str, ...],
    apply: bool,
    diff: bool,
    only: str | None,
    no_verify: bool,
    unverified: bool,
    unfenced: bool,
    repair: bool,
    advice: bool,
    reading: str | None,
    prefer: Literal["bundled", "torch"],
    device: Device,
    vendor: str | None,
    proof: str | None,
    force_exclude: bool,
    color: Colour,
    stdin_filename: str | None,
    output_format: str,
    verbose: bool,
    quiet: bool,
    exit_zero: bool,
) -> None:
    """Rewrite the schedules in PATHS to the bundled scheduler, after running the old and the new version.

    Prints one line a schedule and a unified diff, and changes nothing without --apply; - reads standard input. Exit
    status: 0 nothing (left) to change, 1 a change would be made, one failed or a schedule may not be run, 2 as for
    check.
    """
    if apply and no_verify and not unverified:
        raise click.UsageError("--apply without verification needs --unverified as well")
    if diff and (apply or output_format != "text"):
        raise click.UsageError(f"--diff goes without {'--apply' if apply else f'--output-format {output_format}'}")
    if output_format == "sarif" and (apply or vendor is not None):
        why = "tells of changes that are not made yet" if apply else "has no place for a file beside those of PATHS"
        raise click.UsageError(f"--output-format sarif {why}: leave out {'--apply' if apply else '--vendor'}")
    torchs = prefer if prefer != "bundled" else None
    away = {"--only": only, "--reading": reading, "--prefer": torchs, "--vendor": vendor, "--proof": proof}
    if advice and not repair:
        raise click.UsageError("--advice goes with --repair")
    if repair and any(away.values()):
        given = ", ".join(name for name, value in away.items() if value)
        raise click.UsageError(f"--repair keeps the code your own, and {given} is about the bundled scheduler")
    if proof is not None and no_verify:
        raise click.UsageError("--proof keeps what was proved; with --no-verify nothing is")
    files = _standard_input(paths, stdin_filename) if common.STDIN in paths else _read(paths, force_exclude)
    files = replace(files, repaired=repair, advice=advice)
    if stdin_filename is not None and files.stdin is None:
        raise click.UsageError("--stdin-filename goes with - as the only path")
    from lrfix.rewriting.proposal import Options

    options = Options(
        only_equivalent=only == "equivalent",
        verify=not no_verify,
        reading=reading,
        device=device,
        max_file_size=files.largest,
        unfenced=unfenced,
        prefer=prefer,
    )
    stream = sys.stderr if apply and files.stdin is not None else sys.stdout
    output = _Output(apply, not no_verify, quiet, verbose, output_format, stream, Style.of(stream, color), diff)
    status = _run(files, options, output, vendor, proof)
    sys.exit(0 if exit_zero and status == 1 else status)


def _standard_input(paths: Sequence[str], name: str | None) -> _Files:
    if len(paths) > 1:
        raise click.UsageError("- reads standard input and stands alone")
    start = os.path.dirname(os.path.abspath(name)) if name else "."
    settings = common.settings_for(start, None)
    largest = settings.max_file_size
    name = name or "<stdin>"
    content = sys.stdin.buffer.read(largest + 1)
    return _Files(((name, content),), largest=largest, stdin=name, settings={name: settings})


def _read(paths: Sequence[str], force_exclude: bool) -> _Files:
    found = common.groups(paths, None, force_exclude)
    contents: list[tuple[str, bytes]] = []
    unreadable: list[tuple[str, str]] = []
    settings: dict[str, Settings] = {}
    for group in found:
        for target in group.targets:
            if target.outside:
                write(sys.stderr, f"lrfix: {target.path}: a link to a file outside the given paths, left alone\n")
                continue
            try:
                raw = read_file(target.path, group.settings.most_bytes(target.path))
            except Unreadable as error:
                unreadable.append((target.path, error.message))
                continue
            if target.explicit or has_schedule_words(raw):
                contents.append((target.path, raw))
                settings[target.path] = group.settings
    largest = max((group.settings.max_file_size for group in found), default=1 << 20)
    return _Files(tuple(contents), tuple(unreadable), largest, settings=settings)


def _run(files: _Files, options: Options, output: _Output, vendor: str | None, proof: str | None) -> int:
    from lrfix.commands.rewrite_notebooks import notebooks_among
    from lrfix.rewriting.vendor import VendorError, VendorFile
    from lrfix.rewriting.writing import WriteError
    from lrfix.unfinished import remove_litter

    vendored = VendorFile(vendor) if vendor is not None else None
    notebooks, unread = notebooks_among(files.contents)
    files = replace(files, notebooks=notebooks)
    on_disk = [path for path, _ in files.contents if files.stdin is None]
    if output.applied:
        written_to = on_disk + ([vendor] if vendor is not None else [])
        remove_litter([os.path.dirname(os.path.realpath(path)) for path in written_to])
    progress = Progress(sys.stderr, len(files.contents))
    try:
        if files.repaired:
            results = _repaired(files, unread, progress, each_alone=output.format == "sarif")
        else:
            results = _rewritten(files, unread, options, vendored, progress)
    finally:
        progress.done()
    if options.reading is not None:
        offered = sorted({key for result in results for key in result.readings})
        if options.reading not in offered:
            raise click.UsageError(
                f"no schedule has the reading {options.reading!r}; there are: {', '.join(offered) or 'none'}"
            )
    for path, message in files.unreadable:
        write(sys.stderr, f"lrfix: {path}: {message}\n")
    if vendored is not None and output.applied:
        names = {name for result in results for site in result.sites for name in site.imported}
        try:
            vendored.write(names)
        except (VendorError, WriteError) as error:
            raise common.Fatal(str(error)) from None
    proofs = _proofs(results, proof) if proof is not None else []
    written: set[str] = set()
    failures: list[str] = []
    if output.applied and files.stdin is not None:
        failures = _to_standard_output(results[0], files.contents[0][1], notebooks)
        written = {result.path for result in results if result.changed and not failures}
    elif output.applied:
        written, failures = _written([r for r in results if r.changed], dict(files.contents), notebooks)
    for message in failures:
        write(sys.stderr, f"lrfix: {message}\n")
    _report(results, files, output, written, failures, proofs)
    status = 1 if files.unreadable else 0
    for result in results:
        if result.error is not None or any(site.failed or site.refused for site in result.left):
            status = max(status, 2 if result.error_kind == "internal" else 1)
        if result.changed and not output.applied:
            status = max(status, 1)
    return 2 if failures else status


def proposals(paths: Sequence[str], force_exclude: bool) -> list[FileRewrite]:
    """What would be rewritten in PATHS, verified; nothing is written."""
    from lrfix.commands.rewrite_notebooks import notebooks_among
    from lrfix.rewriting.proposal import Options

    files = _read(paths, force_exclude)
    notebooks, unread = notebooks_among(files.contents)
    files = replace(files, notebooks=notebooks)
    progress = Progress(sys.stderr, len(files.contents))
    try:
        return _rewritten(files, unread, Options(max_file_size=files.largest), None, progress)
    finally:
        progress.done()


def _repaired(
    files: _Files, unread: Mapping[str, FileRewrite], progress: Progress, each_alone: bool
) -> list[FileRewrite]:
    from lrfix.commands.rewrite_notebooks import in_cells
    from lrfix.rewriting.own_code.repairing import repaired

    results = []
    for path, raw in files.contents:
        progress.file(path)
        if path in unread:
            results.append(unread[path])
            continue
        code = files.notebooks[path].code if path in files.notebooks else raw
        results.append(in_cells(repaired(code, path, files.settings[path], each_alone, files.advice), files.notebooks))
    return results


def _rewritten(
    files: _Files,
    unread: Mapping[str, FileRewrite],
    options: Options,
    vendored: VendorFile | None,
    progress: Progress,
) -> list[FileRewrite]:
    from lrfix.commands.rewrite_notebooks import in_cells
    from lrfix.rewriting import rewriter
    from lrfix.rewriting.project import Project
    from lrfix.rewriting.vendor import VendorError

    projects: dict[Path | None, Project] = {}
    jobs = []
    for path, raw in files.contents:
        if path in unread:
            continue
        project = Project.around(path) if path != "<stdin>" else Project(None)
        project = projects.setdefault(project.root, project)
        module = None
        if vendored is not None:
            try:
                module = vendored.module_for(path, project.root)
            except VendorError as error:
                raise common.Fatal(str(error)) from None
        code = files.notebooks[path].code if path in files.notebooks else raw
        jobs.append((path, code, project.external_to(path), module))
    rewritten = rewriter.rewrite_sources(jobs, options, progress=progress)
    order = [path for path, _ in files.contents]
    found = [*unread.values(), *(in_cells(result, files.notebooks) for result in rewritten)]
    return sorted(found, key=lambda result: order.index(result.path))


def _proofs(results: Sequence[FileRewrite], where: str) -> list[str]:
    from lrfix.rewriting.proof_file import ProofFileError, proof_files, write_proof
    from lrfix.rewriting.writing import WriteError

    try:
        texts = proof_files(results, where)
        for path, text in texts.items():
            write_proof(path, text)
    except (ProofFileError, WriteError) as error:
        raise common.Fatal(str(error)) from None
    return list(texts)


def _written(
    changed: Sequence[FileRewrite], raws: Mapping[str, bytes], notebooks: Mapping[str, Notebook]
) -> tuple[set[str], list[str]]:
    """Write the files, those that belong together all or none: the paths that were written, and what went wrong."""
    from lrfix.rewriting.writing import Change, WriteError, change_of, write_together

    def change(result: FileRewrite) -> Change:
        raw = raws[result.path]
        notebook = notebooks.get(result.path)
        if notebook is None:
            return change_of(result, raw)
        return Change(result.path, notebook.renewed(raw, result.after), expected=raw)

    by_path = {result.path: result for result in changed}
    written: set[str] = set()
    failures = []
    for paths in _together(changed, raws, notebooks):
        try:
            write_together([change(by_path[path]) for path in paths])
        except WriteError as error:
            several = f" ({', '.join(paths)} belong together, and none of them is written)" if len(paths) > 1 else ""
            failures.append(f"{error}{several}")
        else:
            written.update(paths)
    return written, failures


def _together(
    changed: Sequence[FileRewrite], raws: Mapping[str, bytes], notebooks: Mapping[str, Notebook]
) -> list[list[str]]:
    """The paths of the files in sets that belong together."""
    from lrfix.rewriting.connected import connected
    from lrfix.source import parse_source

    read = {r.path: r.before.encode() if r.path in notebooks else raws[r.path] for r in changed}
    return connected({path: parse_source(text, path).tree for path, text in read.items()})


def _to_standard_output(result: FileRewrite, raw: bytes, notebooks: Mapping[str, Notebook]) -> list[str]:
    """The new text of standard input, or what it was where that cannot be written; and what went wrong."""
    from lrfix.rewriting.writing import WriteError, change_of

    failures = []
    content = raw
    try:
        if result.changed and result.path in notebooks:
            content = notebooks[result.path].renewed(raw, result.after)
        elif result.changed:
            content = change_of(result, raw).content
    except WriteError as error:
        failures.append(str(error))
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
    return failures


def _report(
    results: Sequence[FileRewrite],
    files: _Files,
    output: _Output,
    written: set[str],
    failures: Sequence[str],
    proofs: Sequence[str],
) -> None:
    from lrfix.commands.rewrite_report import Report

    errors = [(path, "io", message) for path, message in files.unreadable]
    errors += [(message.partition(":")[0], "io", message) for message in failures]
    if output.format == "sarif":
        from lrfix.commands import rewrite_sarif

        raws, books = dict(files.contents), files.notebooks
        together = _together([result for result in results if result.changed], raws, books)
        told = rewrite_sarif.render(results, together, raws, books, files.settings, output.verified, errors)
        write(output.stream, told)
        return
    if output.format == "json":
        from lrfix.commands import rewrite_json

        write(output.stream, rewrite_json.render(results, output.applied, output.verified, errors, proofs))
        return
    report = Report(
        output.style,
        applied=output.applied,
        verified=output.verified,
        quiet=output.quiet,
        verbose=output.verbose,
        notebooks=files.notebooks,
    )
    kept = "".join(f"proof kept in {path}: `pytest {path}` runs it, with torch alone\n" for path in proofs)
    if output.diff:
        for result in results:
            write(output.stream, report.diff(result))
        beside = replace(report, style=Style.of(sys.stderr))
        summary = "" if output.quiet else beside.summary(results, written)
        write(sys.stderr, "".join(beside.trouble(result) for result in results) + summary + kept)
        return
    for result in results:
        write(output.stream, report.file(result))
    write(output.stream, report.summary(results, written) + kept)
