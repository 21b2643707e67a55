"""Atomic writing: the file is either the old one or the whole new one, whatever happens in between."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile

from lrfix.rewriting.model import FileRewrite, NotRewritten
from lrfix.rewriting.rewriter import encode
from lrfix.source import SourceError, parse_source


class WriteError(Exception):
    """A file could not be written; it is as it was."""


def write_atomically(path: str, content: bytes, expected: bytes | None = None) -> None:
    """Replace the content of ``path``, keeping its mode and following links to the file that they name.

    With ``expected``, a file that no longer has that content is left alone: someone else has changed it since. Raises
    WriteError.
    """
    target = os.path.realpath(path)
    temporary: str | None = None
    try:
        if expected is not None:
            with open(target, "rb") as file:
                if file.read() != expected:
                    raise WriteError(f"{path}: changed on disk while lrfix was at work; run again")
        mode = stat.S_IMODE(os.stat(target).st_mode) if os.path.exists(target) else None
        descriptor, temporary = tempfile.mkstemp(prefix=".lrfix-", suffix=".tmp", dir=os.path.dirname(target))
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode if mode is not None else 0o666 & ~_umask())
        os.replace(temporary, target)
        temporary = None
        _sync_directory(os.path.dirname(target))
    except OSError as error:
        raise WriteError(f"{path}: cannot be written: {error.strerror or error}; the file is as it was") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def write_file(result: FileRewrite, raw: bytes) -> None:
    """Write a rewritten file in its own encoding. ``raw`` is the content it was read with. Raises WriteError."""
    try:
        content = encode(parse_source(raw, result.path), result.after)
        parse_source(content, result.path)
    except (NotRewritten, SourceError) as error:
        raise WriteError(f"{result.path}: {error}; the file is as it was") from None
    write_atomically(result.path, content, expected=raw)


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


__all__ = ["WriteError", "write_atomically", "write_file"]
