"""What the commands share: options, the way from PATHS to results, exit statuses."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from lrfix.config import Config, ConfigError, Selection, Settings, find_config, split_codes
from lrfix.discovery import PathError, Target, discover
from lrfix.findings import FileResult, Severity
from lrfix.pages import PageError, load_pages
from lrfix.registry import RegistryError

_Command = TypeVar("_Command", bound=Callable[..., Any])

STDIN = "-"


def paths_argument(function: _Command) -> _Command:
    """``[PATHS]...``, by default the current directory."""
    return click.argument("paths", nargs=-1, type=click.Path())(function)


def selection_options(function: _Command) -> _Command:
    """``--select``, ``--ignore``, ``--extend-select``."""
    for name, text in (
        ("--extend-select", "Report these codes or prefixes too."),
        ("--ignore", "Do not report these codes or prefixes."),
        ("--select", "Report these codes or prefixes, instead of what the configuration selects."),
    ):
        function = click.option(name, multiple=True, metavar="CODES", help=f"{text} Repeat or separate by commas.")(
            function
        )
    return function


def work_options(function: _Command) -> _Command:
    """``--jobs``, ``--no-cache``, ``--stdin-filename``."""
    function = click.option(
        "--stdin-filename", metavar="PATH", help="The name that standard input (-) has in reports and configuration."
    )(function)
    function = click.option("--no-cache", is_flag=True, help="Do not read or write the cache.")(function)
    return click.option(
        "--jobs", "-j", type=click.IntRange(min=1), metavar="N", help="Processes; default: processors."
    )(function)


def curves_option(function: _Command) -> _Command:
    """``--curves``."""
    text = "With --output-format json: every rate of every curve as well."
    return click.option("--curves", is_flag=True, help=text)(function)


@dataclass(frozen=True)
class Group:
    """Files that share one configuration."""

    targets: tuple[Target, ...]
    settings: Settings


@dataclass(frozen=True)
class Outcome:
    """The results of a run; ``stdin`` is the name and content of standard input where that was checked."""

    results: list[FileResult]
    stdin: tuple[str, bytes] | None = None

    def read_lines(self, path: str) -> Sequence[str]:
        """The lines of a checked file, for code frames."""
        from lrfix.output.text import lines_of, lines_of_file

        if self.stdin is not None and path == self.stdin[0]:
            return lines_of(self.stdin[1])
        return lines_of_file(path)


def selection(select: Sequence[str], ignore: Sequence[str], extend_select: Sequence[str]) -> Selection:
    """The command line's selection."""
    return Selection(
        select=split_codes(select) if select else None,
        ignore=split_codes(ignore),
        extend_select=split_codes(extend_select),
    )


def known_codes() -> Iterable[str]:
    """Every rule's code. A broken installation ends the program with status 2."""
    try:
        return load_pages()
    except (PageError, OSError) as error:
        raise Fatal(str(error)) from None


def settings_for(start: str, override: Selection | None) -> Settings:
    """The settings that hold at a path. Ends the program with status 2 where the configuration is wrong."""
    codes = list(known_codes())
    try:
        return find_config(Path(start)).settings(codes, override)
    except ConfigError as error:
        raise Fatal(str(error)) from None


def groups(paths: Sequence[str], override: Selection | None) -> list[Group]:
    """The files that ``paths`` name, by configuration. Ends the program with status 2 for a path that is not there."""
    by_config: dict[Path | None, tuple[Config, list[str]]] = {}
    try:
        for path in paths or (".",):
            start = Path(path) if os.path.isdir(path) else Path(path).absolute().parent
            config = find_config(start)
            by_config.setdefault(config.path, (config, []))[1].append(path)
        found = []
        taken: set[str] = set()
        codes = list(known_codes())
        for config, members in by_config.values():
            settings = config.settings(codes, override)
            targets = [
                target
                for target in discover(members, settings.exclude, settings.root)
                if os.path.realpath(target.path) not in taken
            ]
            taken.update(os.path.realpath(target.path) for target in targets)
            found.append(Group(tuple(targets), settings))
    except ConfigError as error:
        raise Fatal(str(error)) from None
    except PathError as error:
        raise click.UsageError(str(error)) from None
    return found


def check(
    paths: Sequence[str],
    override: Selection | None,
    jobs: int | None,
    stdin_filename: str | None,
    with_rules: bool = True,
) -> Outcome:
    """The results for PATHS or standard input, in the order of the paths. Without rules only sites are analysed."""
    from lrfix.engine import check_paths, check_source

    try:
        if STDIN in paths:
            if len(paths) > 1:
                raise click.UsageError("- reads standard input and stands alone")
            name = stdin_filename or "<stdin>"
            start = os.path.dirname(os.path.abspath(stdin_filename)) if stdin_filename else "."
            settings = settings_for(start, override)
            raw = sys.stdin.buffer.read(settings.max_file_size + 1)
            return Outcome(
                [check_source(raw, name, settings if with_rules else _without_rules(settings))], stdin=(name, raw)
            )
        if stdin_filename is not None:
            raise click.UsageError("--stdin-filename goes with - as the only path")
        results: list[FileResult] = []
        for group in groups(paths, override):
            settings = group.settings if with_rules else _without_rules(group.settings)
            results.extend(check_paths(group.targets, settings, jobs=jobs))
    except RegistryError as error:
        raise Fatal(str(error)) from None
    return Outcome(sorted(results, key=lambda result: result.path))


def exit_status(results: Iterable[FileResult], exit_zero: bool = False) -> int:
    """0, 1 or 2 as the contract has it: findings above info and unreadable files 1, internal errors 2."""
    status = 0
    for result in results:
        if any(error.kind == "internal" for error in result.errors):
            return 2
        if result.errors or any(finding.severity is not Severity.INFO for finding in result.findings):
            status = 1
    return 0 if exit_zero else status


class Fatal(click.ClickException):
    """Bad configuration or a broken installation: status 2."""

    exit_code = 2


def _without_rules(settings: Settings) -> Settings:
    return replace(settings, selected=frozenset(), per_file_ignores=())


__all__ = [
    "STDIN",
    "Fatal",
    "Group",
    "Outcome",
    "check",
    "curves_option",
    "exit_status",
    "groups",
    "known_codes",
    "paths_argument",
    "selection",
    "selection_options",
    "settings_for",
    "work_options",
]
