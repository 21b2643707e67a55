"""Files over the workers of an executor, and their results back in order, whatever becomes of a worker."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future

from lrfix.discovery import Target
from lrfix.findings import FileError, FileResult
from lrfix.usage import Place

#: Below this many files worth parsing, starting worker processes costs more than they save.
WORTH_A_POOL = 8
_BATCH = 4

Pending = tuple[Target, "Place | None"]
Work = Callable[[Sequence[Pending]], list[FileResult]]
"""What a worker does with a batch; it travels there."""


def in_pool(pending: Sequence[Pending], work: Work, workers: int) -> Iterator[FileResult]:
    # Loaded for a pool alone: a hook on a few files starts without.
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(max_workers=workers, initializer=_leave_interrupts_to_the_parent)
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
    futures: list[Future[list[FileResult]] | None] = []
    for batch in batches:
        try:
            futures.append(executor.submit(work, batch))
        except BrokenExecutor:
            futures.append(None)
    for batch, future in zip(batches, futures, strict=True):
        try:
            yield from future.result() if future is not None else _lost(batch)
        except BrokenExecutor:
            yield from _lost(batch)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _lost(batch: Sequence[Pending]) -> list[FileResult]:
    message = "a worker process died; run again with --jobs 1 to see on which file"
    return [FileResult(t.path, False, errors=(FileError(t.path, "internal", message),)) for t, _ in batch]


__all__ = ["WORTH_A_POOL", "Pending", "Work", "in_pool", "spread"]
