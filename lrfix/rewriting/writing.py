"""Atomic writing: a file is either the old one or the whole new one, whatever happens in between; and files that belong
together are all the old ones or all the new ones."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lrfix.reading import Unreadable, read_file
from lrfix.rewriting.model import FileRewrite
from lrfix.source import SourceError, parse_source
from lrfix.unfinished import begun, remove_litter, usual_mode


class WriteError(Exception):
    """A file could not be written; it is as it was."""


@dataclass(frozen=True)
class Change:
    """The new content of a file. With ``expected``, a file that no longer has that content is left alone: someone else
    has changed it since."""

    path: str
    content: bytes
    expected: bytes | None = None


def write_atomically(path: str, content: bytes, expected: bytes | None = None) -> None:
    """``write_together`` for one file."""
    write_together([Change(path, content, expected)])


def write_together(changes: Sequence[Change]) -> None:
    """Replace the content of all files or of none, following links to the files that they name. What killed runs have
    left beside them is removed first.

    Every file is written beside its old one first; only then are they renamed, one after the other, and where a rename
    fails, those before it are undone. Mode, owner and extended attributes stay what they were, but for the bits that
    set an identity: what is new does not run as somebody else. Raises WriteError; also for a file that may not be
    written, that has several names (the others would keep the old content), or whose owner or attributes cannot be
    kept.
    """
    remove_litter(os.path.dirname(os.path.realpath(change.path)) for change in changes)
    with contextlib.ExitStack() as stack:
        staged = [stack.enter_context(_Staged(change)) for change in changes]
        if len(staged) > 1:
            for each in staged:
                each.keep_old()
        done: list[_Staged] = []
        try:
            for each in staged:
                each.check_unchanged()
            for each in staged:
                done.append(each)
                each.replace()
        except BaseException:
            for each in reversed(done):
                each.undo()
            raise
        for directory in sorted({os.path.dirname(each.target) for each in staged}):
            _sync_directory(directory)


class _Staged:
    """A file with its new content written beside it, under a name of its own."""

    def __init__(self, change: Change) -> None:
        self.change = change
        self.path = change.path
        self.target = os.path.realpath(change.path)
        self._status: os.stat_result | None = None
        self._new: str | None = None
        self._old: str | None = None
        self._replaced = False
        self._open = contextlib.ExitStack()

    def __enter__(self) -> _Staged:
        try:
            with self._told():
                self._status = _status(self.target)
                if self._status is not None:
                    _check_replaceable(self.path, self.target, self._status)
                self.check_unchanged()
                self._new = self._written(self.change.content)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        for left in (self._new, self._old):
            if left is not None:
                with contextlib.suppress(OSError):
                    os.unlink(left)

    def keep_old(self) -> None:
        """Write the old content beside it as well, to take its place again at once."""
        with self._told():
            if self._status is not None:
                content = _content(self.target, self._status.st_size)
                if content is None:
                    raise WriteError(f"{self.path}: changed on disk while lrfix was at work; run again")
                self._old = self._written(content)

    def check_unchanged(self) -> None:
        expected = self.change.expected
        if expected is not None and _content(self.target, len(expected)) != expected:
            raise WriteError(f"{self.path}: changed on disk while lrfix was at work; run again")

    def replace(self) -> None:
        assert self._new is not None
        with self._told():
            os.replace(self._new, self.target)
        self._replaced, self._new = True, None

    def undo(self) -> None:
        if not self._replaced:
            return
        with contextlib.suppress(OSError):
            if self._old is not None:
                os.replace(self._old, self.target)
                self._old = None
            elif self._status is None:
                os.unlink(self.target)

    def _written(self, content: bytes) -> str:
        """A file with a content and everything else that the old one has, on the disk. Until this one is done with, no
        other run takes it for litter."""
        file, temporary = begun(os.path.dirname(self.target))
        self._open.enter_context(file)
        try:
            file.write(content)
            file.flush()
            status = self._status
            if status is not None:
                _keep_owner(self.path, temporary, status)
            os.chmod(temporary, stat.S_IMODE(status.st_mode) & 0o1777 if status is not None else usual_mode())
            if status is not None:
                _keep_attributes(self.path, self.target, temporary)
            os.fsync(file.fileno())
            if os.name == "nt":
                file.close()  # an open file cannot be renamed there
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        return temporary

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise WriteError(f"{self.path}: cannot be written: {reason}; the file is as it was") from error


def change_of(result: FileRewrite, raw: bytes) -> Change:
    """A rewritten file in its own encoding. ``raw`` is the content it was read with. Raises WriteError."""
    try:
        content = parse_source(raw, result.path).encoded(result.after)
        parse_source(content, result.path)
    except SourceError as error:
        raise WriteError(f"{result.path}: {error}; the file is as it was") from None
    return Change(result.path, content, expected=raw)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _content(path: str, most: int) -> bytes | None:
    try:
        return read_file(path, most)
    except Unreadable:
        return None


def _check_replaceable(path: str, target: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise WriteError(f"{path}: not a regular file, left as it is")
    if not os.access(target, os.W_OK):
        # A file can be replaced without being written: the system is asked what it would not be asked otherwise.
        raise WriteError(f"{path}: read-only, left as it is")
    if status.st_nlink > 1:
        raise WriteError(
            f"{path}: {status.st_nlink} hard links lead to this file, and the others would keep the old content; left "
            "as it is"
        )


def _keep_owner(path: str, temporary: str, status: os.stat_result) -> None:
    if not hasattr(os, "chown"):
        return
    made = os.stat(temporary)
    if (made.st_uid, made.st_gid) == (status.st_uid, status.st_gid):
        return
    try:
        os.chown(temporary, status.st_uid, status.st_gid)
    except OSError as error:
        raise WriteError(f"{path}: its owner cannot be kept ({error.strerror}); left as it is") from error


def _keep_attributes(path: str, source: str, temporary: str) -> None:
    """Extended attributes, access lists among them, where the system has any."""
    if not hasattr(os, "listxattr"):
        return
    try:
        names = os.listxattr(source)
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.EOPNOTSUPP):
            return
        raise
    for name in names:
        try:
            value = os.getxattr(source, name)
            if name not in os.listxattr(temporary) or os.getxattr(temporary, name) != value:
                os.setxattr(temporary, name, value)
        except OSError as error:
            raise WriteError(
                f"{path}: its extended attribute {name} cannot be kept ({error.strerror}); left as it is"
            ) from error


def _sync_directory(path: str) -> None:
    """The rename itself reaches the disk; not every system lets a directory be opened for that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


__all__ = ["Change", "WriteError", "change_of", "write_atomically", "write_together"]
