"""What an analysis asks the disk about other files, written down with the answers so that a later run can ask again.

A result that was kept holds as long as every question that led to it has the same answer.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Literal

from lrfix.reading import Unreadable, read_file

#: ``kind``: a file, a folder, or nothing of use; ``real``: the path without links; ``content``: the digest of a file.
Question = Literal["kind", "real", "content"]
FILE, FOLDER, NEITHER = "file", "folder", ""


class Looks:
    """Questions and their answers; each question is put to the disk once. ``most`` is in bytes: of a file that is
    larger no content is taken, as of one that cannot be read."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[tuple[Question, str], str | None] = {}
        self._folders: dict[str, str] = {}  # many files of a folder: it is followed to its real place once

    def kind(self, path: str) -> str:
        """Whether a path is a file or a folder, links followed."""
        found = self._known.get(("kind", path))
        if found is None:
            found = self._known["kind", path] = _kind(path)
        return found

    def real(self, path: str) -> str:
        found = self._known.get(("real", path))
        if found is None:
            found = self._known["real", path] = self._followed(path)
        return found

    def _followed(self, path: str) -> str:
        folder, name = os.path.split(path)
        if name in ("", os.curdir, os.pardir):
            return os.path.realpath(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        followed = os.path.join(self._folders[folder], name)
        return os.path.realpath(followed) if os.path.islink(followed) else followed

    def content(self, path: str) -> str | None:
        """The digest of a file's content; None for what gives none."""
        if ("content", path) not in self._known:
            raw = read_at_most(path, self._most)
            self.saw(path, digest_of(raw) if raw is not None else None)
        return self._known["content", path]

    def saw(self, path: str, digest: str | None) -> None:
        """Who has read a file says what was in it: None where that could not be had."""
        self._known["content", path] = digest

    def answers(self) -> Iterator[tuple[Question, str, str | None]]:
        """All that was asked, in an order that depends on nothing else."""
        for (question, path), answer in sorted(self._known.items(), key=lambda item: item[0]):
            yield question, path, answer

    def still(self, question: str, path: str, answer: str | None) -> bool:
        """Whether the disk answers this question so."""
        if question == "kind":
            return self.kind(path) == answer
        if question == "real":
            return self.real(path) == answer
        return question == "content" and self.content(path) == answer


def read_at_most(path: str, most: int) -> bytes | None:
    """A file's content; None for one that cannot be read or is larger than ``most`` bytes."""
    try:
        raw = read_file(path, most)
    except Unreadable:
        return None
    return raw if len(raw) <= most else None


def digest_of(raw: bytes) -> str:
    import hashlib  # a run that keeps nothing does not pay for it

    return hashlib.sha256(raw).hexdigest()


def _kind(path: str) -> str:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return NEITHER
    return FILE if stat.S_ISREG(mode) else FOLDER if stat.S_ISDIR(mode) else NEITHER


__all__ = ["FILE", "FOLDER", "NEITHER", "Looks", "Question", "digest_of", "read_at_most"]
