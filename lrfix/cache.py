"""Results of earlier runs, kept in a folder of the project: a file whose result cannot have changed is not looked at.

A result is kept under everything that it depends on: the content and path of its file, what is asked of it, where other
files may use it, lrfix itself, and every answer that the disk gave about other files (``looks``). An entry that is
broken, half-written or from elsewhere is none; a folder that cannot be written to stays as it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lrfix import __version__
from lrfix.codec import decoded, encoded
from lrfix.config import Settings
from lrfix.findings import FileResult, Finding, Related, SiteReport
from lrfix.looks import Looks, digest_of
from lrfix.neighbours import MARKERS, MOST_BYTES, project_root
from lrfix.notebooks import is_notebook
from lrfix.pages import rules_dir
from lrfix.reading import SMALL, Unreadable, read_file
from lrfix.unfinished import begun, finished, remove_litter, usual_mode
from lrfix.usage import Mentions, Place, mentions
from lrfix.whereabouts import absolute

FOLDER = ".lrfix_cache"
TAG = "CACHEDIR.TAG"
_MARKS = {
    TAG: "Signature: 8a477f597d28d172789f06886806bc55\n# Results of lrfix: https://bford.info/cachedir/\n",
    ".gitignore": "*\n",
}
#: What a text that is no entry may end in.
_NO_ENTRY = (Unreadable, ValueError, TypeError, LookupError, RecursionError)
#: Bytes. The longest entry; those of real files have some ten thousand.
_MOST_OF_ENTRY = 1 << 22
#: The most rates that a finding shows side by side; rules show a handful.
_MOST_SHOWN = 100
#: What ``_edition`` makes: nothing else in the folder is lrfix's to remove.
_EDITION = re.compile(r"[\w.+!-]+-py[\d.]+-[0-9a-f]{12}")
#: How many versions of lrfix, of Python, and states of a checkout of lrfix have results beside each other.
_EDITIONS = 4


@dataclass(frozen=True)
class Cache:
    """Where results are kept. Plain data: it travels to worker processes. ``edition`` is lrfix with its rules."""

    folder: str
    edition: str

    @classmethod
    def at(cls, folder: str) -> Cache | None:
        """The cache in a folder, without what killed runs have left in it; None where it is a link, which may lead
        anywhere, or no folder."""
        edition = _edition()
        inner = os.path.join(folder, edition)
        if any(os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path)) for path in (folder, inner)):
            return None
        remove_litter([folder])
        return cls(folder, edition)

    def keep(self, path: str, raw: bytes, settings: Settings, place: Place, looks: Looks, result: FileResult) -> None:
        """For a later run, where the result holds as long as nothing changes: one with errors may not."""
        if not _is_sound(result, path, place, settings):
            return
        try:
            text = encoded(result)
        except ValueError:
            return
        digest = digest_of(raw)
        known = () if is_notebook(path) else _parts(mentions(raw))
        words = [sorted(word.decode() for word in part) for part in known]
        head = [digest, words, _key(path, digest, settings, place), list(looks.answers())]
        body = f"{json.dumps(head, separators=(',', ':'))}\n{text}\n".encode()
        if len(body) >= _MOST_OF_ENTRY:
            return
        with contextlib.suppress(OSError):
            self._write(self.entry(path, settings, _is_used(place)), f"{digest_of(body)}\n".encode() + body)

    def entry(self, path: str, settings: Settings, used: bool) -> str:
        """What changes takes the place of what was: one entry a file and selection of rules. A hook that is given the
        file alone and a run over the project, which knows who uses it, do not take each other's."""
        parts = [os.path.normpath(absolute(path)), path, *_asked(path, settings), used]
        return os.path.join(self.folder, self.edition, digest_of(json.dumps(parts).encode())[:32])

    def _write(self, entry: str, content: bytes) -> None:
        inner = os.path.dirname(entry)
        if not os.path.isdir(inner):
            self._make(inner)
        _write_whole(self.folder, entry, content)

    def _make(self, inner: str) -> None:
        """A folder that somebody has for other things gets no marks: they would speak of all that is in it."""
        os.makedirs(self.folder, exist_ok=True)
        if set(os.listdir(self.folder)) <= _MARKS.keys():
            for name, text in _MARKS.items():
                _write_whole(self.folder, os.path.join(self.folder, name), text.encode())
        os.makedirs(inner, exist_ok=True)
        import shutil  # not for every run

        for old in sorted(_editions(self.folder), key=lambda path: -os.stat(path).st_mtime_ns)[_EDITIONS:]:
            shutil.rmtree(old, ignore_errors=True)


def _write_whole(folder: str, target: str, content: bytes) -> None:
    """Whole or not at all, whoever else writes."""
    file, unfinished = begun(folder)
    try:
        with file:
            os.chmod(unfinished, usual_mode())
            file.write(content)
            finished(file, unfinished, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise


def _editions(folder: str) -> list[str]:
    """The folders of results in a folder, whichever lrfix has made them."""
    with os.scandir(folder) as entries:
        return [e.path for e in entries if _EDITION.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]


def clear(folder: str) -> bool:
    """Remove all results in a folder, and the folder where lrfix has made it and nothing else is in it. Whether there
    were any. Raises OSError where they cannot be removed."""
    import shutil

    if os.path.islink(folder) or not os.path.isdir(folder):
        return False
    known = _editions(folder)
    for edition in known:
        shutil.rmtree(edition)
    if not _is_marked(folder):
        return bool(known)
    remove_litter([folder])
    if set(os.listdir(folder)) <= _MARKS.keys():
        shutil.rmtree(folder)
    return True


class Recall:
    """What a cache knows in one run. Each entry is read once, and the disk is asked each question once."""

    def __init__(self, cache: Cache, settings: Settings) -> None:
        self._cache = cache
        self._settings = settings
        self._disk = Looks(MOST_BYTES)
        self._digests: dict[str, str] = {}
        self._entries: dict[tuple[str, bool], tuple[list[Any], str] | None] = {}

    def saw(self, path: str, raw: bytes) -> None:
        """The content that a file has in this run."""
        self._digests[path] = digest_of(raw)

    def mentions(self, path: str, raw: bytes) -> Mentions:
        """The words of a file that was seen."""
        for used in (False, True):
            with contextlib.suppress(*_NO_ENTRY):
                if (entry := self._entry(path, used)) is not None:
                    return Mentions(*(frozenset(map(str.encode, part)) for part in entry[0][1]))
        return mentions(raw)

    def result(self, path: str, place: Place) -> FileResult | None:
        """The result of a file that was seen, where one is kept that holds for this place and all that it rests on."""
        try:
            if (entry := self._entry(path, _is_used(place))) is None:
                return None
            (digest, _, key, answers), text = entry
            # A described result serves those who want none as well.
            enough = (replace(self._settings, described=each) for each in {True, self._settings.described})
            if key not in [_key(path, digest, settings, place) for settings in enough]:
                return None
            within = _Within(path, place, self._disk)
            if not all(asked in within and self._disk.still(kind, asked, answer) for kind, asked, answer in answers):
                return None
            result = decoded(text)
        except _NO_ENTRY:
            return None
        finally:
            for used in (False, True):
                self._entries.pop((path, used), None)
        return replace(result, kept=True) if _is_sound(result, path, place, self._settings) else None

    def _entry(self, path: str, used: bool) -> tuple[list[Any], str] | None:
        """The head and the result of an entry that was made of the content that the file has."""
        if (path, used) not in self._entries:
            self._entries[path, used] = None
            with contextlib.suppress(*_NO_ENTRY):
                raw = read_file(self._cache.entry(path, self._settings, used), _MOST_OF_ENTRY)
                checksum, _, body = raw.partition(b"\n")
                head, text, _ = body.decode().split("\n")
                if digest_of(body).encode() == checksum and (known := json.loads(head))[0] == self._digests[path]:
                    self._entries[path, used] = known, text
        return self._entries[path, used]


class _Within:
    """What an analysis of a file may have asked the disk about: what lies in its project, in a folder around the file,
    or beside one of its users. An entry that somebody has made up leads nowhere else."""

    def __init__(self, path: str, place: Place, disk: Looks) -> None:
        home = disk.real(os.path.join(os.getcwd(), path))
        users = [user for users in place.users.values() for user in users]
        self._named = {os.path.join(os.getcwd(), each) for each in (path, *users)}
        self._around = {str(folder) for folder in Path(home).parents}
        roots = {str(project_root(path, disk)), *(os.path.dirname(disk.real(each)) for each in self._named)}
        self._roots = tuple(os.path.join(root, "") for root in roots)

    def __contains__(self, asked: object) -> bool:
        if type(asked) is not str:
            return False
        if asked in self._named or os.path.dirname(asked) in self._around:
            return True
        return asked.startswith(self._roots) and os.pardir not in Path(asked).parts


def folder_for(paths: Sequence[str], settings: Settings) -> str:
    """Where results for PATHS are kept: beside the configuration, else in the project around, else here."""
    root = settings.root or _project(paths) or os.getcwd()
    return os.path.join(root, FOLDER)


def _is_marked(folder: str) -> bool:
    """Whether lrfix has made the folder."""
    try:
        return read_file(os.path.join(folder, TAG), SMALL) == _MARKS[TAG].encode()
    except Unreadable:
        return False


def _project(paths: Sequence[str]) -> str | None:
    here = os.getcwd()
    try:
        around = os.path.commonpath([os.path.abspath(path) for path in paths])
        if os.path.commonpath([around, here]) == here:
            around = here  # one place for a project, whichever of its files are asked for
    except ValueError:
        return None  # none, or on two drives
    for folder in (Path(around), *Path(around).parents):
        if any((folder / marker).exists() for marker in MARKERS):
            return str(folder)
    return None


def _is_sound(result: FileResult, path: str, place: Place, settings: Settings) -> bool:
    """Whether a result is one that a run may have had: of this file, and besides of those that the run knows as its
    users; with places that such files can have, rules that are asked for, and nothing that no output can show."""
    users = {path, *(user for users in place.users.values() for user in users)}
    findings, sites = result.findings, result.sites
    selected = settings.selected_for(path)
    largest = max(settings.most_bytes(path), MOST_BYTES)
    if result.errors or result.known or result.gone or result.path != path:
        return False
    return all(
        found.path == path
        and found.code in selected
        and (found.site is None or 0 <= found.site < len(sites))
        and (found.evidence is None or len(found.evidence.steps) == len(found.evidence.lr) <= _MOST_SHOWN)
        and _is_place(found, largest)
        and all(_is_place(other, largest) and other.path in users for other in found.related)
        for found in findings
    ) and all(site.path == path and _is_place(site, largest) for site in sites)


def _is_place(place: Finding | Related | SiteReport, largest: int) -> bool:
    """Whether a file of so many bytes can have such a place."""
    spans = [place.span] if place.cell is None else [place.span, place.cell.file]
    ends = [end for span in spans for end in (span.start, span.end)]
    counted = [number for end in ends for number in (end.line, end.column)]
    counted += [] if place.cell is None else [place.cell.number, place.cell.first]
    return all(0 < number <= largest + 1 for number in counted) and all(span.start <= span.end for span in spans)


def _is_used(place: Place) -> bool:
    return bool(place.users or place.handed)


def _parts(words: Mentions) -> tuple[frozenset[bytes], ...]:
    return words.defined, words.imported, words.used, words.handed


def _asked(path: str, settings: Settings) -> list[object]:
    return [sorted(settings.selected_for(path)), settings.torch, settings.max_file_size]


def _key(path: str, digest: str, settings: Settings, place: Place) -> str:
    users = sorted((name, list(files)) for name, files in place.users.items())
    parts = [path, digest, *_asked(path, settings), settings.described, users, sorted(place.handed)]
    return digest_of(json.dumps(parts).encode())


def _edition() -> str:
    """The name of lrfix as it is: its version, Python's, and the state of its own files, rules and pages among them."""
    package = os.path.dirname(os.path.abspath(__file__))
    states = sorted(_states(package, ".py")) + sorted(_states(str(rules_dir()), ".md"))
    python = ".".join(map(str, sys.version_info[:3]))
    return f"{__version__}-py{python}-{digest_of(repr(states).encode())[:12]}"


def _states(folder: str, ending: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _states(entry.path, ending)
            elif entry.name.endswith(ending):
                status = entry.stat()
                yield entry.path, status.st_size, status.st_mtime_ns


__all__ = ["FOLDER", "TAG", "Cache", "Recall", "clear", "folder_for"]
