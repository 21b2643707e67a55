"""What relative paths are relative to: the folder that the run was begun in, on a worker elsewhere too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_begun_in: ContextVar[str | None] = ContextVar("begun_in", default=None)


def absolute(path: str) -> str:
    """The whole path of a file that a run names; links stay as they are."""
    here = _begun_in.get()
    return os.path.join(os.getcwd() if here is None else here, path)


@contextmanager
def begun_in(folder: str) -> Iterator[None]:
    """Work of a run that was begun in ``folder``, in whatever folder this process, or another thread of it, stands."""
    token = _begun_in.set(folder)
    try:
        yield
    finally:
        _begun_in.reset(token)


__all__ = ["absolute", "begun_in"]
