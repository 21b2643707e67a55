"""Atomic writing: the file is either the old one or the whole new one, whatever happens in between."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterable

from lrfix.reading import Unreadable, read_file
from lrfix.rewriting.model import FileRewrite, NotRewritten
from lrfix.rewriting.rewriter import encode
from lrfix.source import SourceError, parse_source

if sys.platform != "win32":
    import fcntl

_PREFIX, _SUFFIX = ".lrfix-", ".tmp"


class WriteError(Exception):
    """A file could not be written; it is as it was."""


def write_atomically(path: str, content: bytes, expected: bytes | None = None) -> None:
    """Replace the content of ``path``, following links to the file that they name.

    Mode, owner and extended attributes stay what they were, but for the bits that set an identity: what is new does not
    run as somebody else. With ``expected``, a file that no longer has that content is left alone: someone else has
    changed it since. Raises WriteError; also for a file that may not be written, that has several names (the others
    would keep the old content), or whose owner or attributes cannot be kept.
    """
    target = os.path.realpath(path)
    temporary: str | None = None
    try:
        status = _status(target)
        if status is not None:
            _check_replaceable(path, target, status)
        if expected is not None and _content(target, len(expected)) != expected:
            raise WriteError(f"{path}: changed on disk while lrfix was at work; run again")
        descriptor, temporary = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX, dir=os.path.dirname(target))
        with os.fdopen(descriptor, "wb") as file:
            _lock(file.fileno())
            file.write(content)
            file.flush()
            if status is not None:
                _keep_owner(path, temporary, status)
            os.chmod(temporary, stat.S_IMODE(status.st_mode) & 0o1777 if status is not None else 0o666 & ~_umask())
            if status is not None:
                _keep_attributes(path, target, temporary)
            os.fsync(file.fileno())
            if os.name != "nt":
                # While the lock is held, so that no other run takes the file for litter.
                os.replace(temporary, target)
        if os.name == "nt":
            os.replace(temporary, target)
        temporary = None
        _sync_directory(os.path.dirname(target))
    except OSError as error:
        raise WriteError(f"{path}: cannot be written: {error.strerror or error}; the file is as it was") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def remove_litter(directories: Iterable[str]) -> list[str]:
    """Remove what runs that were killed have left in ``directories``, and return the paths. A file that a run at work
    holds is left; nothing is raised."""
    removed = []
    for directory in sorted(set(directories)):
        try:
            names = sorted(os.listdir(directory or "."))
        except OSError:
            continue
        for name in names:
            path = os.path.join(directory, name)
            if name.startswith(_PREFIX) and name.endswith(_SUFFIX) and _abandoned(path):
                with contextlib.suppress(OSError):
                    os.unlink(path)
                    removed.append(path)
    return removed


def write_file(result: FileRewrite, raw: bytes) -> None:
    """Write a rewritten file in its own encoding. ``raw`` is the content it was read with. Raises WriteError."""
    try:
        content = encode(parse_source(raw, result.path), result.after)
        parse_source(content, result.path)
    except (NotRewritten, SourceError) as error:
        raise WriteError(f"{result.path}: {error}; the file is as it was") from None
    write_atomically(result.path, content, expected=raw)


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


def _lock(descriptor: int) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _abandoned(path: str) -> bool:
    """Whether no process writes the file any more: the system drops the lock of one that is gone."""
    if sys.platform == "win32":
        # There are no such locks there, but neither can a file be removed that a process has open.
        return True
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_directory(path: str) -> None:
    """The rename itself reaches the disk; not every system lets a directory be opened for that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


__all__ = ["WriteError", "remove_litter", "write_atomically", "write_file"]
