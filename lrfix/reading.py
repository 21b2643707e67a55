"""The one way in which lrfix reads files: regular files only, and never more of them than was asked for."""

from __future__ import annotations

import os
import stat

#: Bytes of the small files (ignore files, configuration, packaging) that lrfix reads beside Python code.
SMALL = 1_000_000
#: Bytes. The most that is read of a file that was checked before, or that lrfix itself has written.
LARGE = 1 << 26
_CHUNK = 1 << 16
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class Unreadable(Exception):
    """A file that cannot be read. ``missing``: there is none; ``directory``: the name is a directory's."""

    def __init__(self, message: str, *, missing: bool = False, directory: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.missing = missing
        self.directory = directory


def read_file(path: str | os.PathLike[str], most: int) -> bytes:
    """The content of a regular file, cut after ``most + 1`` bytes: who gets more than ``most`` knows that it is larger.

    Links are followed. A pipe, a socket or a device is never waited for. Raises Unreadable.
    """
    try:
        # Asked before it is opened: with some devices the opening alone does something.
        _check_regular(os.stat(path).st_mode)
        descriptor = os.open(path, _FLAGS)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            _check_regular(status.st_mode)
            # Files that the system makes up as they are read say that they are empty.
            return file.read(min(most + 1, max(status.st_size + 1, _CHUNK)))
    except FileNotFoundError as error:
        raise Unreadable(f"cannot be read: {error.strerror}", missing=True) from None
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise Unreadable(f"cannot be read: {error}") from None


def read_small_text(path: str | os.PathLike[str]) -> str | None:
    """The text of a small file whatever its bytes; None where there is none, or it is no regular or no small file."""
    try:
        raw = read_file(path, SMALL)
    except Unreadable:
        return None
    return raw.decode("utf-8", "replace") if len(raw) <= SMALL else None


def _check_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")
        raise Unreadable(f"cannot be read: not a regular file but {kind}", directory=stat.S_ISDIR(mode))


__all__ = ["LARGE", "SMALL", "Unreadable", "read_file", "read_small_text"]
