"""Files over the workers of an executor, and their results back in order, whatever becomes of a worker."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import partial

from lrfix import __version__
from lrfix.discovery import Target
from lrfix.findings import FileError, FileResult
from lrfix.usage import Place
from lrfix.whereabouts import begun_in

#: Below this many files worth parsing, starting worker processes costs more than they save.
WORTH_A_POOL = 8
_BATCH = 4
#: What Windows can wait for; and no configuration starts more.
_MOST_WORKERS = 61
_A_WORKER_DIED = "a worker process died; run again with --jobs 1 to see on which file"

Pending = tuple[Target, "Place | None"]
Work = Callable[[Sequence[Pending]], list[FileResult]]
"""What a worker does with a batch; it travels there."""


def in_pool(pending: Sequence[Pending], work: Work, workers: int) -> Iterator[FileResult]:
    # Loaded for a pool alone: a hook on a few files starts without.
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        max_workers=min(workers, _MOST_WORKERS), initializer=_live_as_the_parent_does, initargs=(gc.get_threshold(),)
    )
    try:
        yield from spread(pending, work, pool)
    except BaseException:
        # Interrupted, or nobody wants the rest: what the workers are at is of no use to anyone.
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in set(multiprocessing.active_children()) - before:
            worker.kill()
        raise
    pool.shutdown()


def spread(pending: Sequence[Pending], work: Work, executor: Executor) -> Iterator[FileResult]:
    batches = [tuple(pending[start : start + _BATCH]) for start in range(0, len(pending), _BATCH)]
    travelling = partial(_on_a_worker, work, os.getcwd(), _edition())
    futures = [_submitted(executor, travelling, batch) for batch in batches]
    try:
        for number, batch in enumerate(batches):
            try:
                results = futures[number].result()
            except BrokenExecutor:
                results = _lost(batch, _A_WORKER_DIED)
            except Exception as error:  # whatever this executor raises for work that did not come to its end
                results = _lost(batch, f"no worker could do it: {type(error).__name__}: {error}")
            yield from results
    finally:
        for future in futures:
            future.cancel()


def _submitted(executor: Executor, work: Work, batch: Sequence[Pending]) -> Future[list[FileResult]]:
    try:
        return executor.submit(work, batch)
    except Exception as error:
        broken: Future[list[FileResult]] = Future()
        broken.set_exception(error)
        return broken


def _on_a_worker(work: Work, here: str, edition: str, batch: Sequence[Pending]) -> list[FileResult]:
    """What a worker does, wherever it runs: ``here`` is where the run was begun, ``edition`` what it was begun with."""
    if _edition() != edition:
        return _lost(batch, f"the worker runs {_edition()}, and this is {edition}: results might differ")
    with begun_in(here):
        return work(batch)


def _edition() -> str:
    return f"lrfix {__version__} on Python {sys.version_info[0]}.{sys.version_info[1]}"


def _live_as_the_parent_does(thresholds: tuple[int, int, int]) -> None:
    """Cycles are looked for as seldom, interrupts are left to the parent; and one that was killed leaves no worker
    behind, which would wait for ever."""
    gc.set_threshold(*thresholds)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    from multiprocessing import connection, parent_process

    if (parent := parent_process()) is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _lost(batch: Sequence[Pending], message: str) -> list[FileResult]:
    return [FileResult(t.path, False, errors=(FileError(t.path, "internal", message),)) for t, _ in batch]


__all__ = ["WORTH_A_POOL", "Pending", "Work", "in_pool", "spread"]
