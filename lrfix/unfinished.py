"""Files that are made under a name of their own first, to be renamed once they are whole; and what killed runs have
left of such files."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterable
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

_PREFIX, _SUFFIX = ".lrfix-", ".tmp"


def begun(directory: str) -> tuple[BinaryIO, str]:
    """A new file in ``directory``, open for writing, and its path. As long as it is open, no other run takes it for
    litter."""
    descriptor, path = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX, dir=directory)
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return os.fdopen(descriptor, "wb"), path


def finished(file: BinaryIO, path: str, target: str) -> None:
    """Rename it. Whoever reads ``target`` finds the old file or the whole new one; a link is replaced, not followed."""
    file.flush()
    if os.name == "nt":
        file.close()  # an open file cannot be renamed there
    os.replace(path, target)


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


def usual_mode() -> int:
    """The mode that a new file has where nobody says otherwise."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


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


__all__ = ["begun", "finished", "remove_litter", "usual_mode"]
