"""What the commands share: options, the way from PATHS to results, exit statuses."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lrfix.baseline import Baseline, BaselineError
from lrfix.config import Config, ConfigError, Selection, Settings, find_config, split_codes
from lrfix.discovery import PathError, Target, discover, is_excluded
from lrfix.executors import PROCESSES, ExecutorError, executor_named, is_executor
from lrfix.findings import FileResult, Severity
from lrfix.pages import Page, PageError, load_pages
from lrfix.registry import RegistryError

if TYPE_CHECKING:
    from lrfix.cache import Cache

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_Command = TypeVar("_Command", bound=Callable[..., Any])

STDIN = "-"


def paths_argument(function: _Command) -> _Command:
    """``[PATHS]...``, by default the current directory."""
    return click.argument("paths", nargs=-1, type=click.Path())(function)


def selection_options(function: _Command) -> _Command:
    """``--select``, ``--ignore``, ``--extend-select``."""
    for name, text in (
        ("--extend-select", "Report these codes, prefixes or names too."),
        ("--ignore", "Do not report these codes, prefixes or names."),
        ("--select", "Report these codes, prefixes or names of rules, instead of what the configuration selects."),
    ):
        text = f"{text} Repeat or separate by commas."
        option = click.option(name, multiple=True, metavar="CODES", help=text, shell_complete=complete_rules)
        function = option(function)
    return function


def work_options(function: _Command) -> _Command:
    """How the work is done: ``--jobs``, ``--executor``, the cache, standard input, exclusion, colour."""
    function = colour_option(force_exclude_option(function))
    function = click.option(
        "--stdin-filename", metavar="PATH", help="The name that standard input (-) has in reports and configuration."
    )(function)
    function = cache_dir_option(function)
    function = click.option(
        "--no-cache", is_flag=True, envvar="LRFIX_NO_CACHE", help="Neither use results of earlier runs nor keep any."
    )(function)
    function = click.option(
        "--executor",
        metavar="NAME",
        default=PROCESSES,
        show_default=True,
        callback=_known_executor,
        help="Who does the work: processes of this machine, or the workers of a Dask scheduler (dask://HOST:PORT).",
    )(function)
    return click.option(
        "--jobs", "-j", type=click.IntRange(min=1), metavar="N", help="Processes; default: processors."
    )(function)


def _known_executor(context: click.Context, parameter: click.Parameter, name: str) -> str:
    if not is_executor(name):
        raise click.BadParameter(f"{name!r} is no executor; there are {PROCESSES} and dask://HOST:PORT")
    return name


def cache_dir_option(function: _Command) -> _Command:
    """``--cache-dir``."""
    text = "Keep results here; default: .lrfix_cache in the project, and none where CI is set."
    return click.option("--cache-dir", metavar="DIR", envvar="LRFIX_CACHE_DIR", help=text)(function)


def force_exclude_option(function: _Command) -> _Command:
    """``--force-exclude``."""
    text = "Leave out what is excluded even where it is named on the command line, as pre-commit does."
    return click.option("--force-exclude", is_flag=True, help=text)(function)


def colour_option(function: _Command) -> _Command:
    """``--color``."""
    return click.option(
        "--color",
        type=click.Choice(("auto", "always", "never")),
        default="auto",
        show_default=True,
        help="Colours in the text output; auto: on a terminal, unless NO_COLOR or FORCE_COLOR say otherwise.",
    )(function)


def curves_option(function: _Command) -> _Command:
    """``--curves``."""
    text = "With --output-format json: every rate of every curve as well."
    return click.option("--curves", is_flag=True, help=text)(function)


@dataclass(frozen=True)
class Caching:
    """Whether results are kept from run to run, and where, if the command line says so."""

    off: bool = True
    folder: str | None = None

    def for_group(self, group: Group) -> Cache | None:
        # What is checked out in CI may be a stranger's, and so would be a cache that lies in it.
        if self.off or not group.targets or (self.folder is None and os.environ.get("CI")):
            return None
        from lrfix.cache import Cache, folder_for

        return Cache.at(os.path.abspath(self.folder) if self.folder else folder_for(group.paths, group.settings))


@dataclass(frozen=True)
class Group:
    """Files that share one configuration, and those of PATHS that they were found under."""

    targets: tuple[Target, ...]
    settings: Settings
    config: Path | None = None
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """The results of a run; ``stdin`` is the name and content of standard input where that was checked, ``baselines``
    the files of known findings that the configurations name."""

    results: list[FileResult]
    stdin: tuple[str, bytes] | None = None
    baselines: tuple[str, ...] = ()

    def read_lines(self, path: str) -> Sequence[str]:
        """The lines of a checked file, for code frames."""
        from lrfix.output.text import lines_of, lines_of_file

        if self.stdin is not None and path == self.stdin[0]:
            return lines_of(self.stdin[1], path)
        return lines_of_file(path)


def selection(select: Sequence[str], ignore: Sequence[str], extend_select: Sequence[str]) -> Selection:
    """The command line's selection."""
    return Selection(
        select=split_codes(select) if select else None,
        ignore=split_codes(ignore),
        extend_select=split_codes(extend_select),
    )


def known_rules() -> Mapping[str, Page]:
    """Every rule's page by code. A broken installation ends the program with status 2."""
    try:
        return load_pages()
    except (PageError, OSError) as error:
        raise Fatal(str(error)) from None


def _settings(config: Config, override: Selection | None) -> Settings:
    rules = known_rules()
    return config.settings(list(rules), override, {page.name: code for code, page in rules.items()})


def complete_rules(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What a shell offers for a rule: codes, and names where a name was begun; of several, by commas, the last."""
    from click.shell_completion import CompletionItem

    before, comma, begun = incomplete.rpartition(",")
    words = [(code, page.name) for code, page in known_rules().items()]
    words += [(name, code) for code, name in words if begun]
    return [CompletionItem(before + comma + word, help=other) for word, other in words if word.startswith(begun)]


def settings_for(start: str, override: Selection | None) -> Settings:
    """The settings that hold at a path. Ends the program with status 2 where the configuration is wrong."""
    try:
        return _settings(find_config(Path(start)), override)
    except ConfigError as error:
        raise Fatal(str(error)) from None


def configured(paths: Sequence[str], override: Selection | None) -> list[tuple[Settings, Path | None, list[str]]]:
    """PATHS by the configuration that holds for them; those that have none by the torch that their projects require.
    Ends the program with status 2 where one is wrong."""
    by_config: dict[tuple[Path | None, str | None], tuple[Config, list[str]]] = {}
    try:
        for path in paths or (".",):
            start = Path(path) if os.path.isdir(path) else Path(path).absolute().parent
            config = find_config(start)
            key = (config.path, config.torch if config.path is None else None)
            by_config.setdefault(key, (config, []))[1].append(path)
        return [(_settings(config, override), config.path, members) for config, members in by_config.values()]
    except ConfigError as error:
        raise Fatal(str(error)) from None


def groups(paths: Sequence[str], override: Selection | None, force_exclude: bool = False) -> list[Group]:
    """The files that ``paths`` name, by configuration. Ends the program with status 2 for a path that is not there."""
    try:
        found = []
        taken: set[str] = set()
        several = configured(paths, override)
        for settings, config, members in several:
            targets = discover(members, settings.exclude, settings.root, force_exclude)
            if len(several) > 1:
                targets = [target for target in targets if os.path.realpath(target.path) not in taken]
                taken.update(os.path.realpath(target.path) for target in targets)
            found.append(Group(tuple(targets), settings, config, tuple(members)))
    except PathError as error:
        raise click.UsageError(str(error)) from None
    return found


def check(
    paths: Sequence[str],
    override: Selection | None,
    jobs: int | None,
    stdin_filename: str | None,
    with_rules: bool = True,
    force_exclude: bool = False,
    baseline: str | None = None,
    use_baseline: bool = True,
    caching: Caching = Caching(),
    executor: str = PROCESSES,
    described: bool = True,
) -> Outcome:
    """The results for PATHS or standard input, in the order of the paths. Without rules only sites are analysed;
    undescribed ones have a place and a status.

    ``baseline`` takes the place of the file of known findings that a configuration names. Nothing is kept of standard
    input.
    """
    from lrfix.engine import check_paths
    from lrfix.output.terminal import Progress

    use_baseline = use_baseline and with_rules
    try:
        if STDIN in paths:
            if len(paths) > 1:
                raise click.UsageError("- reads standard input and stands alone")
            return _check_stdin(override, stdin_filename, with_rules, force_exclude, baseline if use_baseline else None)
        if stdin_filename is not None:
            raise click.UsageError("--stdin-filename goes with - as the only path")
        if executor != PROCESSES and jobs is not None:
            raise click.UsageError("--jobs counts processes of this machine; another executor has workers of its own")
        results: list[FileResult] = []
        found = groups(paths, override, force_exclude)
        with executor_named(executor) as workers:
            for group in found:
                settings = group.settings if with_rules else _without_rules(group.settings)
                settings = replace(settings, described=described)
                running = check_paths(group.targets, settings, workers, jobs, caching.for_group(group))
                with closing(running) as checking:
                    checked = list(Progress(sys.stderr, len(group.targets)).counting(checking))
                results.extend(_without_known(checked, settings, baseline) if use_baseline else checked)
    except (RegistryError, ExecutorError) as error:
        raise Fatal(str(error)) from None
    baselines = dict.fromkeys(group.settings.baseline for group in found if group.settings.baseline is not None)
    return Outcome(sorted(results, key=lambda result: result.path), baselines=tuple(baselines))


def _check_stdin(
    override: Selection | None, filename: str | None, with_rules: bool, force_exclude: bool, baseline: str | None
) -> Outcome:
    from lrfix.engine import check_source

    name = filename or "<stdin>"
    settings = settings_for(os.path.dirname(os.path.abspath(filename)) if filename else ".", override)
    raw = sys.stdin.buffer.read(settings.most_bytes(name) + 1)
    if force_exclude and filename is not None and is_excluded(filename, settings.exclude, settings.root):
        return Outcome([], stdin=(name, raw))
    results = [check_source(raw, name, settings if with_rules else _without_rules(settings))]
    return Outcome(_without_known(results, settings, baseline) if with_rules else results, stdin=(name, raw))


def _without_known(results: list[FileResult], settings: Settings, baseline: str | None) -> list[FileResult]:
    path = baseline or settings.baseline
    if path is None:
        return results
    try:
        return Baseline.read(path).leave_out(results, settings.selected)
    except BaselineError as error:
        raise Fatal(str(error)) from None


def exit_status(results: Iterable[FileResult], exit_zero: bool = False) -> int:
    """0, 1 or 2 as the contract has it: findings above info and unreadable files 1, internal errors 2."""
    status = 0
    for result in results:
        if any(error.kind == "internal" for error in result.errors):
            return 2
        if result.errors or any(finding.severity is not Severity.INFO for finding in result.findings):
            status = 1
    return 0 if exit_zero else status


def tell_errors(results: Iterable[FileResult]) -> None:
    """What could not be read or checked, on standard error, for commands whose output has no place for it."""
    from lrfix.output.terminal import write

    for result in results:
        for error in result.errors:
            write(sys.stderr, f"lrfix: {error.path}: {error.kind} error: {error.message}\n")


class Fatal(click.ClickException):
    """Bad configuration or a broken installation: status 2."""

    exit_code = 2


def _without_rules(settings: Settings) -> Settings:
    return replace(settings, selected=frozenset(), per_file_ignores=())


__all__ = [
    "STDIN",
    "Caching",
    "Fatal",
    "Group",
    "Outcome",
    "cache_dir_option",
    "check",
    "colour_option",
    "complete_rules",
    "configured",
    "curves_option",
    "exit_status",
    "force_exclude_option",
    "groups",
    "known_rules",
    "paths_argument",
    "selection",
    "selection_options",
    "settings_for",
    "tell_errors",
    "work_options",
]
