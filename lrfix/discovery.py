"""Paths as given -> files to look at, and the cheap tests that decide whether a file is worth parsing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lrfix.patterns import compiled
from lrfix.reading import read_small_text

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

#: Directories that hold no code of the user's own.
DEFAULT_EXCLUDES = frozenset(
    {
        ".eggs",
        ".git",
        ".hg",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "build",
        "dist",
        "node_modules",
        "site-packages",
        "venv",
    }
)

#: A file that holds none of these defines no schedule: of 613 places in 11,400 training files, 4 stand in files without
#: one, while 88 % of the files are never parsed. ``lrfix:`` is there for suppressions that suppress nothing.
SCHEDULE_WORDS = (
    b"_lr",
    b"lr_",
    b"param_groups",
    b"learning_rate",
    b"learning rate",
    b"LRScheduler",
    b"scheduler.step",
    b"LambdaLR",
    b"MultiplicativeLR",
    b"annealing",
    b"warmup",
    b"lrfix:",
)

_GENERATED_WITHIN = 4096


class PathError(Exception):
    """A path argument that names nothing."""


@dataclass(frozen=True, order=True)
class Target:
    """A file to check. ``explicit``: named by the user, so it is parsed whatever it holds. ``outside``: a link, met on
    the way, to a file outside the paths that were given; it is told of and not followed."""

    path: str
    explicit: bool = False
    outside: bool = False


def has_schedule_words(raw: bytes) -> bool:
    """Whether the file can hold a schedule at all: the byte prefilter."""
    return any(word in raw for word in SCHEDULE_WORDS)


def is_generated(raw: bytes) -> bool:
    """Whether the file's first 4 KB say ``@generated``."""
    return b"@generated" in raw[:_GENERATED_WITHIN]


def discover(
    paths: Sequence[str], exclude: Iterable[str] = (), root: str | None = None, force_exclude: bool = False
) -> list[Target]:
    """The files that ``paths`` name, sorted and without repeats.

    Directories are walked for ``*.py`` and ``*.ipynb``, ``.gitignore`` files honoured; ``exclude`` holds patterns in
    .gitignore's syntax, relative to ``root`` (default: the current directory), for walked files only: a file given by
    name is always taken, unless ``force_exclude`` says that it is not. Links to directories are not followed, links to
    files only where these stand in a directory that was given; a file that has several names is found once. Raises
    PathError for a path that does not exist.
    """
    exclude = list(exclude)
    excluded = compiled(exclude)
    base = os.path.abspath(root or ".")
    found: dict[str, Target] = {}
    links: dict[str, str] = {}
    for path in paths:
        if force_exclude and is_excluded(path, exclude, root):
            continue
        if os.path.isdir(path):
            for file, is_link in _walk(path, excluded, base):
                if is_link:
                    links[os.path.abspath(file)] = file
                else:
                    found.setdefault(os.path.realpath(file), Target(_shown(file)))
        elif os.path.lexists(path):
            found[os.path.realpath(path)] = Target(_shown(path), explicit=True)
        else:
            raise PathError(f"{path}: no such file or directory")
    tops = [os.path.join(os.path.realpath(path), "") for path in paths if os.path.isdir(path)]
    for _, link in sorted(links.items()):
        real = os.path.realpath(link)
        found.setdefault(real, Target(_shown(link), outside=not real.startswith(tuple(tops))))
    return sorted(found.values())


def is_excluded(path: str, exclude: Iterable[str], root: str | None = None) -> bool:
    """Whether a walk from ``root`` would leave this path out, by ``exclude`` or by the directory it is in."""
    base = os.path.abspath(root or ".")
    absolute = os.path.abspath(path)
    relative = os.path.relpath(absolute, base)
    folders = relative.split(os.sep)[: None if os.path.isdir(path) else -1]
    if folders[:1] != [os.pardir] and not DEFAULT_EXCLUDES.isdisjoint(folders):
        return True
    excluded = compiled(list(exclude))
    return excluded is not None and _matches(excluded, absolute, base, os.path.isdir(path))


@dataclass(frozen=True)
class _IgnoreFile:
    folder: str
    spec: GitIgnoreSpec

    def verdict(self, path: str, is_dir: bool) -> bool | None:
        relative = os.path.relpath(path, self.folder).replace(os.sep, "/")
        return self.spec.check_file(relative + "/" if is_dir else relative).include


def _walk(top: str, excluded: GitIgnoreSpec | None, base: str) -> Iterator[tuple[str, bool]]:
    """The Python files and notebooks below a directory, and whether each is a link."""
    inherited = _ignore_files_above(os.path.abspath(top))
    if _ignored(os.path.abspath(top), True, inherited):
        # Whoever names an ignored directory wants it looked at.
        inherited = ()
    stack: list[tuple[str, tuple[_IgnoreFile, ...]]] = [(top, inherited)]
    while stack:
        folder, ignore_files = stack.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            # Reported by whoever reads: a directory that cannot be listed shows up as a file that cannot be read.
            yield folder, False
            continue
        here = os.path.abspath(folder)
        own = _ignore_file(here) if any(entry.name == ".gitignore" for entry in entries) else None
        if own is not None:
            ignore_files = (*ignore_files, own)
        for entry in entries:
            is_dir = _is(entry.is_dir, follow_symlinks=False)
            if is_dir and entry.name in DEFAULT_EXCLUDES:
                continue
            if not is_dir and not (entry.name.endswith((".py", ".ipynb")) and _is(entry.is_file)):
                continue
            absolute = os.path.join(here, entry.name)
            if _ignored(absolute, is_dir, ignore_files):
                continue
            if excluded is not None and _matches(excluded, absolute, base, is_dir):
                continue
            if is_dir:
                stack.append((entry.path, ignore_files))
            else:
                yield entry.path, _is(entry.is_symlink)


def _is(question: Callable[..., bool], **options: bool) -> bool:
    """The answer of a directory's entry; a link that leads to itself, say, is nothing."""
    try:
        return question(**options)
    except OSError:
        return False


def _ignored(path: str, is_dir: bool, ignore_files: tuple[_IgnoreFile, ...]) -> bool:
    for ignore_file in reversed(ignore_files):
        verdict = ignore_file.verdict(path, is_dir)
        if verdict is not None:
            return verdict
    return False


def _ignore_files_above(top: str) -> tuple[_IgnoreFile, ...]:
    """The .gitignore files of the directories between the repository's root and ``top``, outermost first."""
    parents = [str(parent) for parent in Path(top).parents]
    repository = next((folder for folder in [top, *parents] if os.path.exists(os.path.join(folder, ".git"))), None)
    if repository is None or repository == top:
        return ()
    between = parents[: parents.index(repository) + 1]
    return tuple(file for file in map(_ignore_file, reversed(between)) if file is not None)


def _ignore_file(folder: str) -> _IgnoreFile | None:
    text = read_small_text(os.path.join(folder, ".gitignore"))
    spec = compiled(text.splitlines()) if text is not None else None
    return _IgnoreFile(folder, spec) if spec is not None else None


def _matches(spec: GitIgnoreSpec, path: str, base: str, is_dir: bool) -> bool:
    relative = os.path.relpath(path, base).replace(os.sep, "/")
    if relative.startswith("../"):
        relative = path.replace(os.sep, "/").lstrip("/")
    return spec.match_file(relative + "/" if is_dir else relative)


def _shown(path: str) -> str:
    return os.path.normpath(path).replace(os.sep, "/")


__all__ = [
    "DEFAULT_EXCLUDES",
    "SCHEDULE_WORDS",
    "PathError",
    "Target",
    "discover",
    "has_schedule_words",
    "is_excluded",
    "is_generated",
]
