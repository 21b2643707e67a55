"""Executors by name: who does the work where it is not processes of this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

PROCESSES = "processes"
_DASK = re.compile(r"dask://(?P<address>(?:[\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5})/?")
_SECONDS_TO_CONNECT = 10


class ExecutorError(Exception):
    """An executor that is not to be had; the message says why, and what to do."""


def is_executor(name: str) -> bool:
    return name == PROCESSES or _DASK.fullmatch(name) is not None


@contextmanager
def executor_named(name: str) -> Iterator[Executor | None]:
    """The executor that a name of ``is_executor`` means; None for this machine's own processes."""
    dask = _DASK.fullmatch(name)
    if dask is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise ExecutorError(f'{name} needs Dask ({error}); install it: pip install "lrfix[dask]"') from None
    try:
        client = Client(f"tcp://{dask['address']}", timeout=_SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ExecutorError(f"no Dask scheduler answers at {dask['address']}: {error}") from None
    try:
        # What is not done when this ends is of use to nobody: closing the client takes it back.
        yield client.get_executor(pure=False)
    finally:
        client.close()


__all__ = ["PROCESSES", "ExecutorError", "executor_named", "is_executor"]
