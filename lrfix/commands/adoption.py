"""What helps a project with old findings to begin: the baseline, ignore comments, and showing what holds."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace

import click

from lrfix.baseline import Baseline, BaselineError
from lrfix.commands import common
from lrfix.findings import Finding, Severity, Span
from lrfix.notebooks import is_notebook
from lrfix.notebooks.notebook import Notebook, NotebookError, read_notebook
from lrfix.output.terminal import write
from lrfix.wording import counted as _count


def write_baseline(outcome: common.Outcome, path: str | None) -> int:
    """Writes the findings of the run to ``path``, or to where the configuration says; the exit status."""
    from lrfix.rewriting.writing import WriteError, write_atomically

    targets = [path] if path is not None else list(outcome.baselines)
    if len(targets) != 1:
        several = f": there are {', '.join(targets)}" if targets else ""
        raise click.UsageError(f"--write-baseline needs --baseline FILE, or one such key in [tool.lrfix]{several}")
    (target,) = targets
    try:
        old = Baseline.read(target) if os.path.lexists(target) else _empty(target)
    except BaselineError as error:
        raise common.Fatal(f"{error}; it is left as it is") from None
    try:
        write_atomically(target, old.renewed(outcome.results).render().encode())
    except WriteError as error:
        raise common.Fatal(str(error)) from None
    findings = sum(len(result.findings) for result in outcome.results)
    files = sum(bool(result.findings) for result in outcome.results)
    write(sys.stdout, f"{target}: {_count(findings, 'finding')} in {_count(files, 'file')}\n")
    common.tell_errors(outcome.results)
    return common.exit_status([replace(result, findings=()) for result in outcome.results])


def add_ignores(outcome: common.Outcome) -> int:
    """Writes an ignore comment for each finding above info into its file; the exit status."""
    from lrfix.ignoring import with_ignores
    from lrfix.reading import LARGE, Unreadable, read_file
    from lrfix.registry import load_rules
    from lrfix.rewriting.writing import WriteError, write_atomically
    from lrfix.source import SourceError, parse_source

    added = files = status = 0
    remaining: list[Finding] = []
    for result in outcome.results:
        wanted = [each for each in result.findings if each.severity is not Severity.INFO and each.code != "LR001"]
        remaining += [each for each in result.findings if each.code == "LR001"]
        if not wanted:
            continue
        try:
            raw = read_file(result.path, LARGE)
            notebook = read_notebook(raw) if is_notebook(result.path) else None
            code = raw if notebook is None else notebook.code
            source = parse_source(code, result.path)
            placed = [_in_program(each, notebook) for each in wanted]
            ignored = with_ignores(source, placed, load_rules())
            if ignored.added:
                content = source.encoded(ignored.text) if notebook is None else notebook.renewed(raw, ignored.text)
                write_atomically(result.path, content, expected=raw)
        except (Unreadable, SourceError, NotebookError) as error:
            write(sys.stderr, f"lrfix: {result.path}: {error}\n")
            status = 2
            continue
        except WriteError as error:
            write(sys.stderr, f"lrfix: {error}\n")
            status = 2
            continue
        added += len(ignored.added)
        files += bool(ignored.added)
        remaining += [each for each, same in zip(wanted, placed, strict=True) if same in ignored.left]
    for finding in remaining:
        start = finding.span.start
        why = "remove the comment by hand" if finding.code == "LR001" else "no comment can stand there"
        cell = f"cell {finding.cell.number}:" if finding.cell is not None else ""
        write(sys.stdout, f"{finding.path}:{cell}{start.line}:{start.column}: {finding.code} is left: {why}\n")
    write(sys.stdout, f"{_count(added, 'finding')} ignored from now on, in {_count(files, 'file')}\n")
    common.tell_errors(outcome.results)
    errors = common.exit_status([replace(result, findings=()) for result in outcome.results])
    return max(status, errors, 1 if remaining else 0)


def show_files(groups: Sequence[common.Group], baseline: str | None) -> None:
    """One path a line."""
    del baseline
    paths = sorted(target.path for group in groups for target in group.targets if not target.outside)
    write(sys.stdout, "".join(f"{path}\n" for path in paths))


def show_settings(groups: Sequence[common.Group], baseline: str | None) -> None:
    """For each configuration its values, as they would stand in its table."""
    for index, group in enumerate(groups):
        settings = group.settings
        lines = [
            f"# {group.config or 'no configuration, the defaults'}: {_count(len(group.targets), 'file')}",
            f"select = {_texts(sorted(settings.selected))}",
            f"exclude = {_texts(settings.exclude)}",
            *(
                f"per-file-ignores.{_text(pattern)} = {_texts(sorted(codes))}"
                for pattern, codes in settings.per_file_ignores
            ),
        ]
        known = baseline or settings.baseline
        lines += [f"baseline = {_text(known)}"] if known is not None else []
        lines += [f"torch = {_text(settings.torch)}"] if settings.torch is not None else []
        lines += [f"jobs = {settings.jobs or os.cpu_count() or 1}", f"max-file-size = {settings.max_file_size}"]
        write(sys.stdout, ("\n" if index else "") + "".join(f"{line}\n" for line in lines))


def _in_program(finding: Finding, notebook: Notebook | None) -> Finding:
    """The finding by the lines of what is checked: a notebook's program."""
    if notebook is None or finding.cell is None:
        return finding
    start, end = finding.span.start, finding.span.end
    first = finding.cell.first - 1
    return replace(
        finding, span=Span(replace(start, line=start.line + first), replace(end, line=end.line + first)), cell=None
    )


def _empty(path: str) -> Baseline:
    return Baseline(os.path.dirname(os.path.abspath(path)), {})


def _texts(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


__all__ = ["add_ignores", "show_files", "show_settings", "write_baseline"]
